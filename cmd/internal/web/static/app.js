// The calculator. The inputs make a request, and the request gets one response. All results are
// built from the response before any is shown. After an error the previous results stay, marked as
// older ones.
import { post, postJSON, Refusal, save } from "./api.js";
import * as busy from "./busy.js";
import { choices, offer } from "./choices.js";
import { Codes } from "./codes.js";
import { clearErrors, said, showError, showPlace } from "./errors.js";
import { byId, element } from "./format.js";
import { chosenIn, dropped } from "./files.js";
import { Graphs } from "./graphs.js";
import * as form from "./inputs.js";
import { example, inputs } from "./inputs.js";
import { fileNotes, readingOf } from "./reading.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { aboutOf, ChannelTable, moreOf, schemesOf } from "./tables.js";
import { Weights } from "./weights.js";

const pause = 250; // milliseconds after the last key before the server is asked

let limits = { file_bytes: Infinity, text_bytes: Infinity };
let good = null; // the last request that had an answer, with its file
let running = null; // an AbortController
let timer = 0;

const graphs = new Graphs((from, count) => postJSON("api/elements", { ...good.request, from, count }, good.file));
const codes = new Codes();
const weights = new Weights((i) => {
  byId("tensor").value = String(i);
  byId("tensor").dispatchEvent(new Event("change"));
  byId("verdict-head").scrollIntoView({ block: "start" });
});
let plan = null; // plan.js, which is loaded for the first model

let convention = null; // convention.js, which is loaded after the first verdict

let importance = null; // importance.js, which is loaded then too

/** loadImportance lets the field and the file of importances work. */
async function loadImportance() {
  const loaded = await import("./importance.js");
  if (importance) return;
  importance = loaded;
  const refuse = (message) => failed(new Refusal(0, { field: "importance", message }));
  importance.wire({ soon, compare, refuse, limits });
}

/** loadConventions loads the conventions of other systems, and their list. */
async function loadConventions() {
  convention ??= await import("./convention.js");
  await convention.load();
}

/** showPlan offers a plan of the model that a request is of. */
async function showPlan(asked, listing) {
  if (!plan && (!listing || listing.tensors.length < 2)) return;
  plan ??= await import("./plan.js");
  plan.show(asked, listing);
}

const table = new ChannelTable((c) => {
  inputs.channel = c;
  byId("plot-histogram").closest("figure").scrollIntoView({ block: "center" });
  refreshHistogram();
});

// ---- Asking

function soon() {
  clearTimeout(timer);
  timer = setTimeout(compare, pause);
}

/** check reports errors that need no server. */
function check(asked) {
  const o = asked.request.options;
  if (["percentile=", "magnitude="].includes(o.method)) throw new Refusal(0, { field: "method", message: "A number above 0 and at most 100 is wanted here." });
  if (o.method.endsWith("=")) throw new Refusal(0, { field: "method", message: "A number is wanted here." });
  const { text } = asked.request;
  if (text !== undefined && text.length > limits.text_bytes / 4) {
    const bytes = new TextEncoder().encode(JSON.stringify(asked.request)).length;
    if (bytes > limits.text_bytes) {
      throw new Refusal(0, { field: "text", message: `The text has ${size(bytes)}. This page takes ${size(limits.text_bytes)} of text and ` +
        `${size(limits.file_bytes)} as a file; the command line takes any size: quant compare FILE.` });
    }
  }
}

/** prepare builds all elements that show a report, without showing any. */
function prepare(report, asked, account) {
  const t = report.tensors[0];
  const isText = asked.request.text !== undefined;
  const next = {
    verdict: t.verdict, more: moreOf(t), about: aboutOf(t), schemes: schemesOf(t), channels: table.prepare(t),
    reading: readingOf(account, asked.request.reading ?? null, changeReading),
    notes: isText ? [] : fileNotes(report),
    printed: isText ? asked.request.text.slice(0, mostPrinted) : asked.request.name ?? t.name,
  };
  return () => {
    good = asked;
    byId("verdict").textContent = next.verdict;
    byId("verdict-more").textContent = next.more;
    byId("about").textContent = next.about;
    byId("schemes").replaceChildren(...next.schemes);
    table.take(next.channels);
    byId("reading").replaceChildren(...next.reading);
    byId("file-reading").replaceChildren(...next.notes);
    byId("printed-values").textContent = next.printed;
    byId("status").textContent = next.verdict;
    byId("stale").hidden = true;
    performance.mark("verdict");
  };
}

const mostPrinted = 4000; // characters of the values on paper

/** changeReading asks for another reading of the text; null lets the server choose. */
function changeReading(reading) {
  inputs.reading = reading;
  compare();
}

async function compare() {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  const asked = { request: form.request(), file: inputs.file };
  const results = byId("results");
  results.setAttribute("aria-busy", "true");
  results.classList.add("asking");
  busy.begin("Comparing…", () => cancel(mine));
  try {
    check(asked);
    const response = await post("api/compare", asked.request, asked.file, mine.signal);
    const account = accountOf(response);
    const report = await response.json();
    mine.signal.throwIfAborted();
    const show = prepare(report, asked, account);
    clearErrors();
    show();
    results.classList.remove("asking");
    if (inputs.channel >= report.tensors[0].channels) inputs.channel = null; // it was a channel of another tensor
    await remember();
    loadImportance().catch(failed);
    const compared = loadConventions().then(() => convention.compareCodes(asked, mine.signal));
    const listed = codes.show(report, asked, limits.codes ?? Infinity);
    weights.show(asked, inputs.listing);
    showPlan(asked, inputs.listing).catch(failed);
    busy.begin("Drawing the graphs…", () => cancel(mine));
    await drawGraphs(report, asked, mine);
    await Promise.all([listed, compared]);
    results.dataset.done = Number(results.dataset.done ?? 0) + 1; // all is drawn
  } catch (error) {
    if (error.name === "AbortError") return;
    failed(error);
  } finally {
    if (running === mine) {
      busy.end();
      results.setAttribute("aria-busy", "false");
      results.classList.remove("asking");
    }
  }
}

/** accountOf returns how the server has read the text, if it says so. */
function accountOf(response) {
  const header = response.headers.get("Quant-Reading");
  return header ? JSON.parse(decodeURIComponent(header)) : null;
}

/** drawGraphs draws the graphs of a report. If that fails, it removes the graphs of the previous report. */
async function drawGraphs(report, asked, mine) {
  const section = document.querySelector(".graphs");
  section.classList.add("pending");
  try {
    const detail = await postJSON("api/graphs", { ...asked.request, channel: inputs.channel }, asked.file, mine.signal);
    mine.signal.throwIfAborted();
    await graphs.show(report, detail);
    section.classList.remove("pending");
  } catch (error) {
    if (running === mine) {
      graphs.clear();
      section.classList.remove("pending");
    }
    throw error;
  }
}

function failed(error) {
  showError(error);
  byId("stale").hidden = good === null;
  if (!good) byId("verdict").textContent = "There is no result yet.";
}

function cancel(mine) {
  mine.abort();
  failed(new Refusal(0, { message: "Cancelled." }));
}

async function refreshHistogram() {
  if (!good) return;
  try {
    if (!(await graphs.focus(inputs.channel))) {
      await graphs.showHistogram(await postJSON("api/graphs", { ...good.request, channel: inputs.channel }, good.file));
    }
    clearErrors();
    await remember();
  } catch (error) {
    showError(error);
  }
}

async function remember() {
  const { fragment } = await state.write(form.asState());
  history.replaceState(null, "", fragment);
  store.keep("state", fragment);
}

// ---- Files

const size = (bytes) => `${(bytes / (1 << 20)).toFixed(0)} MiB`;

async function chooseFile(chosen, any = true) {
  if (!chosen) {
    if (any) failed(new Refusal(0, { field: "file", message: "There is no file in it that can be read." }));
    return;
  }
  if (chosen.size > limits.file_bytes - 1e5) { // leaves room for the request
    failed(new Refusal(413, { field: "file", message: `The file${chosen.files ? "s have" : " has"} ${size(chosen.size)}. This page takes ${size(limits.file_bytes)}; ` +
      `the command line takes any size: quant compare ${chosen.files ? "FOLDER" : "FILE"}.` }));
    return;
  }
  try {
    const found = await postJSON("api/tensors", { name: chosen.name }, chosen);
    clearErrors();
    inputs.file = chosen;
    inputs.reading = null;
    byId("example").value = "";
    form.describeExample();
    form.showListing(found, 0);
    await compare();
  } catch (error) {
    failed(error);
  }
}

// ---- Links

async function restore(fragment) {
  const s = await state.read(fragment);
  if (!s) return false;
  try {
    if (s.convention) await loadConventions();
    await form.fill(s);
    convention?.explain();
  } catch (error) {
    failed(error);
    return true;
  }
  await compare();
  if (s.file) showError(new Refusal(0, { field: "file", message: `The link is about the file ${s.file}, which it cannot hold: choose it again.` }));
  return true;
}

async function copyLink() {
  const { fragment, whole } = await state.write(form.asState());
  const link = location.href.replace(/#.*/, "") + fragment;
  const missing = whole ? "" : inputs.file
    ? " It holds the settings, not the file: whoever opens it has to choose the file again."
    : " The values are too many for a link: it holds only the settings.";
  const box = byId("link-said");
  try {
    await navigator.clipboard.writeText(link);
    box.textContent = "Copied." + missing;
  } catch {
    // Only pages of this computer, or over TLS, may write to the clipboard.
    box.replaceChildren("Copy this: ", element("a", { href: link }, link), missing);
  }
}

async function exportAs(kind, button) {
  const box = byId("export-error");
  box.hidden = true;
  if (!good) return;
  button.disabled = true;
  try {
    const name = await save(await post(`api/${kind}`, good.request, good.file));
    byId("link-said").textContent = `Saved as ${name}.`;
  } catch (error) {
    box.textContent = said(error);
    box.hidden = false;
  } finally {
    button.disabled = false;
  }
}

// ---- Wiring

/** typed notes that the text is the user's own, unless it is an example. */
function typed() {
  const text = byId("text").value;
  const same = inputs.examples.find((e) => e.text === text);
  if (!same) form.keepOwn();
  byId("example").value = same ? same.id : "";
  form.describeExample();
  byId("reading").replaceChildren();
}

/**
 * press compares when the user presses the button. It leads to the field of an error and, on a phone, to the verdict: at once, since a
 * smooth scroll would go on after the next press and lead away from the field of its error.
 */
async function press(event) {
  event.preventDefault();
  await compare();
  if (!showPlace() && matchMedia("(max-width: 62rem)").matches) byId("verdict-head").scrollIntoView({ block: "start", behavior: "instant" });
}

function startOver() {
  form.reset();
  convention?.leave();
  importance?.set("");
  form.showCodes();
  byId("bits-slider").value = byId("bits").value = 8;
  inputs.channel = null;
  byId("example").value = inputs.examples[0].id;
  form.useExample().then(compare, failed);
}

function wireForm() {
  byId("inputs").addEventListener("submit", press);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) press(e);
  });
  byId("start-over").addEventListener("click", startOver);
  byId("example").addEventListener("change", () => {
    inputs.channel = null;
    form.useExample().then(compare, failed);
  });
  byId("text").addEventListener("input", () => {
    if (inputs.setting) return;
    typed();
    soon();
  });
  byId("bits-slider").addEventListener("input", () => {
    byId("bits").value = byId("bits-slider").value;
    convention?.leave();
    soon();
  });
  byId("bits").addEventListener("input", () => {
    if (byId("bits").value) byId("bits-slider").value = byId("bits").value;
    convention?.leave();
    soon();
  });
  for (const id of ["narrow_range", "zero_in_range", "axis", "group_axis"]) {
    byId(id).addEventListener("change", () => {
      if (id === "axis") inputs.channel = null;
      if (!id.endsWith("axis")) convention?.leave();
      compare();
    });
  }
  byId("convention").addEventListener("change", () => {
    convention.choose();
    compare();
  });
  byId("against").addEventListener("change", compare);
  for (const id of ["divisor", "scales", "signed_scale"]) {
    byId(id).addEventListener("change", () => {
      convention?.leave();
      form.showCodes();
      compare();
    });
  }
  for (const radio of document.querySelectorAll('input[type="radio"]')) {
    radio.addEventListener("change", () => {
      convention?.leave();
      form.showCodes();
      compare();
    });
  }
  byId("format").addEventListener("change", () => {
    convention?.leave();
    form.showCodes();
    compare();
  });
  byId("group_size").addEventListener("input", () => {
    convention?.leave();
    soon();
  });
  byId("method").addEventListener("change", () => {
    const { value, example: common, name } = choices.methods.find((m) => m.name === byId("method").value);
    if (value) byId("percentile").value = name === "percentile" ? byId("percentile").defaultValue : common;
    form.showMethod();
    compare();
  });
  byId("percentile").addEventListener("input", soon);
  byId("tensor").addEventListener("change", () => {
    inputs.channel = null;
    form.showAxes();
    compare();
  });
}

function wireFiles() {
  for (const id of ["file", "folder"]) {
    byId(id).addEventListener("change", () => chooseFile(chosenIn(byId(id)), byId(id).files.length > 0));
  }
  byId("folder-choose").addEventListener("click", () => byId("folder").click());
  byId("chosen-remove").addEventListener("click", () => {
    form.leaveFile();
    inputs.reading = null;
    form.setText(inputs.own || inputs.examples[0].text);
    typed();
    byId("text").focus();
    compare();
  });
  document.addEventListener("dragover", (e) => {
    if (![...e.dataTransfer.types].includes("Files")) return;
    e.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (e) => {
    if (!e.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (e) => {
    document.body.classList.remove("dragging");
    if (!e.dataTransfer.files.length) return;
    e.preventDefault();
    dropped(e.dataTransfer).then(chooseFile, failed);
  });
}

function wireResults() {
  byId("channel").addEventListener("change", () => {
    inputs.channel = Number(byId("channel").value);
    refreshHistogram();
  });
  byId("channels-log").addEventListener("change", () => graphs.showChannels());
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => exportAs(button.dataset.path ?? `report.${button.dataset.export}`, button));
  }
  byId("link").addEventListener("click", copyLink);
  byId("banner-close").addEventListener("click", () => { byId("banner").hidden = true; });
  // Links within the page must not replace the inputs in the address.
  for (const link of document.querySelectorAll('nav a[href^="#"], a.skip')) {
    link.addEventListener("click", (e) => {
      e.preventDefault();
      const target = byId(link.hash.slice(1));
      target.scrollIntoView();
      target.focus({ preventScroll: true });
    });
  }
  addEventListener("hashchange", () => restore(location.hash));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    graphs.again();
    weights.again();
    plan?.again();
  });
  // Graphs take their colours from the page when they are drawn.
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.paper = "";
    graphs.again();
    weights.again();
    plan?.again();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.paper;
    graphs.again();
    weights.again();
    plan?.again();
  });
}

async function start() {
  const answer = await (await fetch("api/examples")).json();
  inputs.examples = answer.examples;
  limits = answer.limits;
  offer(answer);
  byId("example").replaceChildren(...inputs.examples.map((e) => element("option", { value: e.id }, e.title)), element("option", { value: "" }, "Own values"));
  inputs.own = store.kept("own") ?? "";
  wireForm();
  wireFiles();
  wireResults();
  form.showAxes();
  form.showCodes();
  if (await restore(location.hash)) return;
  if (await restore(store.keptHere("state") ?? "")) return;
  await form.useExample(0, true);
  await compare();
}

start();
