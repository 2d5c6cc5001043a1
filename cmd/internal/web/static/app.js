// The calculator: reads the inputs, asks the server, shows the answer.
import { post, postJSON, Refusal, save } from "./api.js";
import { element, plural } from "./format.js";
import { Graphs } from "./graphs.js";
import * as state from "./state.js";
import { ChannelTable, showSchemes, showVerdict } from "./tables.js";

const byId = (id) => document.getElementById(id);
const checked = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

const pause = 250; // milliseconds after the last key before the server is asked

let examples = [];
let limits = { file_bytes: Infinity, text_bytes: Infinity };
let file = null; // that was chosen
let kept = ""; // the text as it was before a file was chosen
let listing = null; // the tensors of the file or of an example that is one
let channel = null; // of the histogram; null lets the server choose
let good = null; // the last request that had an answer, with its file
let running = null; // an AbortController
let timer = 0;

const graphs = new Graphs();
const table = new ChannelTable((c) => {
  channel = c;
  byId("plot-histogram").closest("figure").scrollIntoView({ block: "center" });
  refreshHistogram();
});

// ---- What is asked for

const example = () => examples.find((e) => e.id === byId("example").value);

/** options returns those that are set. A number that is none is sent as it is, for the server to say so. */
function options() {
  const n = (id) => {
    const input = byId(id);
    if (input.value === "") return input.validity.badInput ? "?" : null;
    return Number(input.value);
  };
  const axis = byId("axis-field").hidden ? 0 : Number(byId("axis").value || 0);
  const size = n("group_size") ?? 0;
  const along = byId("group_axis").value;
  return {
    bits: n("bits") ?? "?",
    unsigned: checked("sign") === "unsigned",
    mapping: checked("mapping"),
    axis,
    group_size: size,
    group_axis: size !== 0 && along !== "" ? Number(along) : null,
    narrow_range: byId("narrow_range").checked,
    zero_in_range: byId("zero_in_range").checked,
    method: byId("method").value === "percentile" ? `percentile=${byId("percentile").value}` : byId("method").value,
  };
}

/** showMethod shows the field of a percentile where it means something. */
function showMethod() {
  byId("percentile-field").hidden = byId("method").value !== "percentile";
}

/** request returns what the inputs ask for. */
function request() {
  const r = { options: options() };
  const chosen = example();
  if (listing) r.tensor = Number(byId("tensor").value || 0);
  if (file) r.name = file.name;
  else if (chosen?.file) r.example = chosen.id;
  else {
    r.text = byId("text").value;
    r.name = chosen && chosen.text === r.text ? chosen.id : "values";
  }
  return r;
}

/** asState returns the inputs for a link. */
function asState() {
  const chosen = example();
  const asWas = chosen && (chosen.file || chosen.text === byId("text").value);
  return {
    example: !file && asWas ? chosen.id : "", file: file?.name ?? "", text: byId("text").value,
    tensor: listing ? Number(byId("tensor").value || 0) : 0, channel, options: options(),
  };
}

// ---- Asking

function soon() {
  clearTimeout(timer);
  timer = setTimeout(compare, pause);
}

async function compare() {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  const asked = { request: request(), file };
  const results = byId("results");
  results.setAttribute("aria-busy", "true");
  results.classList.add("asking");
  try {
    const report = await postJSON("api/compare", asked.request, asked.file, mine.signal);
    clearErrors();
    good = asked;
    byId("stale").hidden = true;
    results.classList.remove("asking");
    showVerdict(report);
    showSchemes(report);
    table.show(report);
    byId("status").textContent = report.tensors[0].verdict;
    await remember();
    document.querySelector(".graphs").classList.add("pending");
    if (channel >= report.tensors[0].channels) channel = null; // it was one of another tensor
    await graphs.show(report, await postJSON("api/graphs", { ...asked.request, channel }, asked.file, mine.signal));
    document.querySelector(".graphs").classList.remove("pending");
    results.dataset.done = Number(results.dataset.done ?? 0) + 1; // all is drawn
  } catch (error) {
    if (error.name === "AbortError") return;
    showError(error);
    byId("stale").hidden = good === null;
    if (!good) byId("verdict").textContent = "There is no result yet.";
  } finally {
    if (running === mine) {
      results.setAttribute("aria-busy", "false");
      results.classList.remove("asking");
    }
  }
}

async function refreshHistogram() {
  if (!good) return;
  try {
    if (!(await graphs.focus(channel))) {
      await graphs.showHistogram(await postJSON("api/graphs", { ...good.request, channel }, good.file));
    }
    clearErrors();
    await remember();
  } catch (error) {
    showError(error);
  }
}

async function remember() {
  const { fragment } = await state.write(asState());
  history.replaceState(null, "", fragment);
}

// ---- Errors

const fields = ["text", "file", "tensor", "axis", "bits", "mapping", "narrow_range", "group_size", "group_axis", "channel"];

function clearErrors() {
  for (const f of fields) {
    byId(`${f}-error`).hidden = true;
    byId(f)?.removeAttribute("aria-invalid");
  }
  byId("general-error").hidden = true;
}

function showError(error) {
  clearErrors();
  let field = fields.includes(error.field) ? error.field : "general";
  if (field !== "general" && byId(`${field}-error`).closest("[hidden]:not(.error)")) field = listing ? "file" : "general";
  const box = byId(`${field}-error`);
  const message = error instanceof Refusal ? said(error) : `Something went wrong: ${error.message}`;
  box.replaceChildren();
  if (error.line && field === "text") {
    const go = element("button", { type: "button" }, `Line ${error.line}, column ${error.column}`);
    go.setAttribute("aria-label", `Go to line ${error.line}, column ${error.column}`);
    go.addEventListener("click", () => goTo(error.line, error.column));
    box.append(go, ": ");
  } else if (error.line && field === "file") {
    box.append(`Line ${error.line}, column ${error.column}: `);
  }
  box.append(message);
  box.hidden = false;
  byId(field)?.setAttribute("aria-invalid", "true");
}

/** said puts the server's words about a number into those of the page. */
function said(error) {
  if (error.field === "bits" && error.status === 400) return "A number from 2 to 16 is wanted here.";
  if (error.field === "group_size" && error.status === 400) return "A whole number is wanted here, or nothing for no groups.";
  const named = /^[a-z]+: /.test(error.message); // begins with the name of a format
  return (named ? error.message.charAt(0) : error.message.charAt(0).toUpperCase()) + error.message.slice(1) + (/[.!?]$/.test(error.message) ? "" : ".");
}

/** goTo selects the word at a place of the text. */
function goTo(line, column) {
  const text = byId("text"), lines = text.value.split("\n");
  let at = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  at += Array.from(lines[line - 1] ?? "").slice(0, column - 1).join("").length;
  const word = /^[^\s,;#]*/.exec(text.value.slice(at))[0];
  text.focus();
  text.setSelectionRange(at, at + word.length);
  text.scrollTop = Math.max(0, (line - 3) * parseFloat(getComputedStyle(text).lineHeight));
}

// ---- Files and examples

async function chooseFile(chosen) {
  if (!chosen) return;
  if (chosen.size > limits.file_bytes - 1e5) { // some of it is for the request
    showError(new Refusal(413, { field: "file", message: `The file has ${size(chosen.size)}. This page takes ${size(limits.file_bytes)}; ` +
      "the command line takes any size: quant compare FILE." }));
    return;
  }
  if (!file && !example()?.file) kept = byId("text").value;
  try {
    const found = await postJSON("api/tensors", {}, chosen);
    clearErrors();
    file = chosen;
    byId("example").value = "";
    describeExample();
    showListing(found, 0);
    await compare();
  } catch (error) {
    showError(error);
    byId("stale").hidden = good === null;
  }
}

const size = (bytes) => `${(bytes / (1 << 20)).toFixed(0)} MiB`;

/** showListing offers the tensors of a file. */
function showListing(found, tensor) {
  listing = found;
  const usable = found.tensors.findIndex((t) => t.floating && t.shape.length > 1);
  byId("tensor").replaceChildren(...found.tensors.map((t, i) => element("option", { value: String(i), disabled: !t.floating },
    `${t.name} · ${t.shape.join("×")} ${t.dtype}${t.floating ? "" : " (not floating-point)"}`)));
  const start = tensor > 0 && tensor < found.tensors.length ? tensor : Math.max(usable, 0);
  byId("tensor").value = String(start);
  byId("tensor-field").hidden = found.tensors.length < 2;
  byId("chosen").hidden = !file;
  byId("chosen-name").textContent = `${found.source} (${found.kind}, ${plural(found.tensors.length, "tensor")})`;
  byId("text-field").hidden = true;
  showAxes();
}

let axesOf = null; // the tensor whose axes are offered

function showAxes() {
  const tensor = listing?.tensors[Number(byId("tensor").value)];
  const shape = tensor?.shape ?? [1, 1], told = tensor?.axis ?? null; // by the operator that uses it
  const was = tensor !== axesOf && told !== null ? String(told) : byId("axis").value, wasAlong = byId("group_axis").value;
  axesOf = tensor;
  const names = shape.map((n, i) => element("option", { value: String(i) }, `axis ${i} (length ${n}${i === told ? `, outputs of ${tensor.use}` : ""})`));
  byId("axis").replaceChildren(...names.map((o) => o.cloneNode(true)));
  byId("axis").value = Number(was) < shape.length && was !== "" ? was : "0";
  byId("axis-field").hidden = !listing || shape.length < 2;
  byId("group_axis").replaceChildren(element("option", { value: "" }, "the longest axis"),
    ...(listing ? names : [element("option", { value: "0" }, "channels"), element("option", { value: "1" }, "values of a channel")]));
  byId("group_axis").value = [...byId("group_axis").options].some((o) => o.value === wasAlong) ? wasAlong : "";
}

function leaveFile() {
  file = null;
  listing = null;
  byId("file").value = "";
  byId("chosen").hidden = true;
  byId("tensor-field").hidden = true;
  byId("text-field").hidden = false;
  showAxes();
}

function describeExample() {
  byId("example-about").textContent = example()?.about ?? (file ? "Your file." : "Your own values.");
}

async function useExample(tensor = 0) {
  const chosen = example();
  describeExample();
  if (!chosen) return;
  if (!chosen.file) {
    leaveFile();
    byId("text").value = chosen.text;
    return;
  }
  file = null;
  byId("file").value = "";
  try {
    showListing(await postJSON("api/tensors", { example: chosen.id }), tensor);
  } catch (error) {
    showError(error);
  }
}

// ---- Links

async function restore(fragment) {
  const s = await state.read(fragment);
  if (!s) return false;
  const o = s.options;
  byId("bits").value = byId("bits-slider").value = o.bits;
  document.querySelector(`input[name="sign"][value="${o.unsigned ? "unsigned" : "signed"}"]`).checked = true;
  document.querySelector(`input[name="mapping"][value="${o.mapping}"]`).checked = true;
  byId("narrow_range").checked = o.narrow_range;
  byId("zero_in_range").checked = o.zero_in_range;
  const [method, percent] = o.method.split("=");
  byId("method").value = method;
  if (byId("method").value === "") byId("method").value = "minmax"; // a link of another page
  if (percent) byId("percentile").value = percent;
  showMethod();
  byId("group_size").value = o.group_size || "";
  channel = s.channel;
  const known = examples.some((e) => e.id === s.example);
  byId("example").value = known ? s.example : "";
  if (known) await useExample(s.tensor);
  else {
    leaveFile();
    byId("text").value = s.text ?? examples[0].text;
    describeExample();
  }
  byId("axis").value = String(o.axis);
  if (byId("axis").value === "") byId("axis").value = "0";
  byId("group_axis").value = o.group_axis === null ? "" : String(o.group_axis);
  await compare();
  if (s.file) showError(new Refusal(0, { field: "file", message: `The link is about the file ${s.file}, which it cannot hold: choose it again.` }));
  return true;
}

async function copyLink() {
  const { fragment, whole } = await state.write(asState());
  const link = location.href.replace(/#.*/, "") + fragment;
  const missing = whole ? "" : file
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

// ---- Wiring

async function exportAs(kind, button) {
  const box = byId("export-error");
  box.hidden = true;
  if (!good) return;
  button.disabled = true;
  try {
    const name = await save(await post(`api/report.${kind}`, good.request, good.file));
    byId("link-said").textContent = `Saved as ${name}.`;
  } catch (error) {
    box.textContent = said(error);
    box.hidden = false;
  } finally {
    button.disabled = false;
  }
}

function wire() {
  byId("inputs").addEventListener("submit", (e) => {
    e.preventDefault();
    compare();
  });
  byId("start-over").addEventListener("click", () => {
    byId("inputs").reset();
    showMethod();
    byId("bits-slider").value = byId("bits").value = 8;
    channel = null;
    kept = "";
    byId("example").value = examples[0].id;
    useExample().then(compare);
  });
  byId("example").addEventListener("change", () => {
    channel = null;
    useExample().then(compare);
  });
  byId("text").addEventListener("input", () => {
    const same = examples.find((e) => e.text === byId("text").value);
    byId("example").value = same ? same.id : "";
    describeExample();
    soon();
  });
  byId("bits-slider").addEventListener("input", () => {
    byId("bits").value = byId("bits-slider").value;
    soon();
  });
  byId("bits").addEventListener("input", () => {
    if (byId("bits").value) byId("bits-slider").value = byId("bits").value;
    soon();
  });
  for (const id of ["narrow_range", "zero_in_range", "axis", "group_axis"]) {
    byId(id).addEventListener("change", () => {
      if (id === "axis") channel = null;
      compare();
    });
  }
  for (const radio of document.querySelectorAll('input[type="radio"]')) radio.addEventListener("change", compare);
  byId("group_size").addEventListener("input", soon);
  byId("method").addEventListener("change", () => {
    showMethod();
    compare();
  });
  byId("percentile").addEventListener("input", soon);
  byId("tensor").addEventListener("change", () => {
    channel = null;
    showAxes();
    compare();
  });
  byId("file").addEventListener("change", () => chooseFile(byId("file").files[0]));
  byId("chosen-remove").addEventListener("click", () => {
    leaveFile();
    byId("text").value = kept || examples[0].text;
    byId("text").dispatchEvent(new Event("input"));
    byId("text").focus();
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
    chooseFile(e.dataTransfer.files[0]);
  });
  byId("channel").addEventListener("change", () => {
    channel = Number(byId("channel").value);
    refreshHistogram();
  });
  byId("channels-log").addEventListener("change", () => graphs.showChannels());
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => exportAs(button.dataset.export, button));
  }
  byId("link").addEventListener("click", copyLink);
  addEventListener("hashchange", () => restore(location.hash));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graphs.again());
  // Graphs take their colours from the page when they are drawn.
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.paper = "";
    graphs.again();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.paper;
    graphs.again();
  });
}

async function start() {
  ({ examples, limits } = await (await fetch("api/examples")).json());
  byId("example").replaceChildren(...examples.map((e) => element("option", { value: e.id }, e.title)), element("option", { value: "" }, "Own values"));
  wire();
  showAxes();
  if (await restore(location.hash)) return;
  await useExample();
  await compare();
}

start();
