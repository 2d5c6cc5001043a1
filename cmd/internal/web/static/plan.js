// The plan of a model: which weight gets how many bits. A slider picks one of the plans of the front. The server has
// computed all of them.
import { post, postJSON, save } from "./api.js";
import { said } from "./errors.js";
import { byId, count, decibels, element, plural } from "./format.js";
import { axis, draw, layout, palette } from "./plotting.js";
import { ofAll } from "./weights.js";

const most = 200; // rows shown at once; the search finds the others

let model = null; // the request and the file that a plan is made of
let made = null; // the answer, what was asked for, and the choice of each point of the front
let running = null; // an AbortController

/** show offers a plan of the model of a request. It hides a plan of another model. */
export function show(asked, listing) {
  const there = Boolean(listing) && listing.tensors.length > 1;
  byId("plan-section").hidden = !there;
  const { example, name } = asked.request, importance = ofAll(asked.request.importance);
  if (there && model && model.file === asked.file && model.request.example === example && model.request.importance === importance) return;
  running?.abort();
  made = null;
  model = there ? { request: { ...(example ? { example } : { name }), importance }, file: asked.file } : null;
  byId("plan-body").hidden = true;
  byId("plan-error").hidden = true;
  byId("plan-candidates").value = "";
}

/** again draws the front in other colours. */
export async function again() {
  if (made) await drawFront();
}

/** make asks for the plans. */
async function make(event) {
  event.preventDefault();
  running?.abort();
  const mine = (running = new AbortController());
  const words = byId("plan-candidates").value.split(/[\s,]+/).filter(Boolean);
  const plan = { objective: byId("plan-objective").value };
  if (words.length > 0) plan.candidates = words;
  const from = performance.now();
  const tick = setInterval(() => {
    byId("plan-elapsed").textContent = `Measuring every candidate on every weight… ${((performance.now() - from) / 1000).toFixed(1)} s`;
  }, 100);
  byId("plan-error").hidden = true;
  byId("plan-elapsed").textContent = "Measuring every candidate on every weight…";
  byId("plan-progress").hidden = false;
  byId("plan-section").setAttribute("aria-busy", "true");
  try {
    const answer = await postJSON("api/plan", { ...model.request, plan }, model.file, mine.signal);
    made = { answer, plan, choices: choicesOf(answer) };
    await showAll();
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    clearInterval(tick);
    if (running === mine) {
      byId("plan-progress").hidden = true;
      byId("plan-section").setAttribute("aria-busy", "false");
    }
  }
}

function fail(error) {
  byId("plan-error").textContent = said(error) + (error.status === 503 ? " The command line takes any time: quant plan MODEL." : "");
  byId("plan-error").hidden = false;
}

/** choicesOf returns for each point of the front the candidate of each weight. */
function choicesOf({ choices }) {
  let now = [];
  return choices.points.map(({ changes }) => {
    now = now.slice();
    for (const [weight, candidate] of changes) now[weight] = candidate;
    return now;
  });
}

/** chosen returns the point of the front that the slider picks. */
const chosen = () => Number(byId("plan-size").value);

/** showAll shows a new plan. */
async function showAll() {
  const { answer } = made;
  const size = byId("plan-size");
  size.max = String(answer.front.length - 1);
  size.value = String(answer.front.findIndex((f) => f.bytes === answer.summary.bytes));
  byId("plan-candidates").placeholder = answer.options.candidates.join(", ");
  byId("plan-written").textContent = answer.written
    ? `quant quantize MODEL --plan FILE${answer.options.importance ? " --importance FILE" : ""} makes the model of it. ${plural(answer.skipped.length, "other tensor")} of the file ${answer.skipped.length === 1 ? "stays as it is" : "stay as they are"}.`
    : "quant quantize writes no such model: the plan is of all tensors of two dimensions or more.";
  byId("plan-save").hidden = !answer.written;
  byId("plan-body").hidden = false;
  await slide();
}

/** slide shows the plan that the slider picks. */
async function slide() {
  const { answer } = made;
  const k = chosen(), point = answer.front[k], worst = answer.choices.points[k];
  const words = `${point.bits_per_weight.toFixed(2)} bits per weight`;
  byId("plan-size").setAttribute("aria-valuetext", `${words}, ${decibels(point.sqnr_db)} dB`);
  byId("plan-said").textContent = words;
  byId("plan-verdict").textContent = `${plural(answer.weights.length, "weight")} in ${count(point.bytes)} bytes, ` +
    (point.sqnr_db === null ? "and nothing is lost." : `with ${decibels(point.sqnr_db)} dB. The worst weight, ${worst.worst}, has ${decibels(worst.min_sqnr_db)} dB.`);
  showTable();
  await drawFront();
}

/** showTable lists the weights with what the plan has for each. */
function showTable() {
  const { answer, choices } = made;
  const choice = choices[chosen()];
  const words = byId("plan-search").value.toLowerCase().split(/\s+/);
  const rows = answer.weights.map((w, i) => ({ w, way: answer.choices.weights[i][choice[i]] }))
    .filter(({ w, way }) => words.every((x) => `${w.name} ${way.candidate}`.toLowerCase().includes(x)));
  const weighted = answer.options.importance ? ["weighted dB"] : [];
  const head = element("tr", {}, ...["weight", "shape", "scheme", "bytes", "bits per weight", "SQNR, dB", ...weighted].map((name) => element("th", { scope: "col" }, name)));
  byId("plan-weights").replaceChildren(element("caption", { className: "unseen" }, "The plan"), element("thead", {}, head),
    element("tbody", {}, ...rows.slice(0, most).map(({ w, way }) => element("tr", {}, element("th", { scope: "row" }, w.name), element("td", {}, w.shape.join("×")),
      element("td", { className: "who" }, way.candidate), element("td", {}, count(way.bytes)), element("td", {}, ((8 * way.bytes) / w.elements).toFixed(2)),
      element("td", {}, decibels(way.sqnr_db)), ...weighted.map(() => element("td", {}, way.weighted_sqnr_db === undefined ? "–" : decibels(way.weighted_sqnr_db)))))));
  byId("plan-found").textContent = rows.length > most ? `The first ${most} of ${count(rows.length)} are shown.` : `${plural(rows.length, "weight")}.`;
}

/** cornersOf places the names of recipes. Names of recipes that are close to each other are put on different sides. */
function cornersOf(recipes, width, height) {
  const sides = ["bottom right", "top left", "top right", "bottom left", "middle right", "middle left"];
  const placed = [];
  for (const r of recipes) {
    const taken = placed.filter((q) => Math.abs(q.r.bits_per_weight - r.bits_per_weight) < width / 6 && Math.abs(q.r.sqnr_db - r.sqnr_db) < height / 12).map((q) => q.side);
    placed.push({ r, side: sides.find((s) => !taken.includes(s)) ?? sides[0] });
  }
  return placed.map((q) => q.side);
}

/** drawFront draws the ratio of each plan against its size, with common recipes and the chosen plan. */
async function drawFront() {
  const { answer } = made;
  const p = palette(), now = answer.front[chosen()];
  const recipes = answer.recipes.filter((r) => r.sqnr_db !== null);
  // The graph ends near the largest recipe. The front goes on to float32, which would leave little room for the rest.
  const widest = Math.max(...recipes.map((r) => r.bits_per_weight), 1.25 * now.bits_per_weight);
  const front = answer.front.map((f, i) => ({ ...f, i })).filter((f) => f.sqnr_db !== null && f.bits_per_weight <= widest);
  const tip = (r) => `${r.bits_per_weight.toFixed(2)} bits per weight, ${count(r.bytes)} bytes, ${decibels(r.sqnr_db)} dB`;
  const corners = cornersOf(recipes, widest, Math.max(...front.map((f) => f.sqnr_db)));
  const ring = now.sqnr_db === null ? [] : [now];
  const traces = [
    { name: "best plans", type: "scatter", mode: "lines", x: front.map((f) => f.bits_per_weight), y: front.map((f) => f.sqnr_db), customdata: front.map((f) => f.i),
      text: front.map(tip), hovertemplate: "%{text}<extra>plan</extra>", line: { shape: "hv", color: p.tensor, width: 2 } },
    { name: "one scheme for all weights", type: "scatter", mode: "markers+text", x: recipes.map((r) => r.bits_per_weight), y: recipes.map((r) => r.sqnr_db),
      text: recipes.map((r) => r.name), textposition: corners, textfont: { color: p.ink, size: 11 }, cliponaxis: false, customdata: recipes.map(tip),
      hovertemplate: "%{text}<br>%{customdata}<extra></extra>", marker: { color: p.channel, symbol: "diamond", size: 8 } },
    { name: "this plan", type: "scatter", mode: "markers", x: ring.map((f) => f.bits_per_weight), y: ring.map((f) => f.sqnr_db), text: ring.map(tip),
      hovertemplate: "%{text}<extra>this plan</extra>", marker: { color: p.tensor, symbol: "circle-open", size: 15, line: { width: 3, color: p.tensor } } },
  ];
  byId("note-front").textContent = "The best ratio for each size, all weights together. A diamond is a recipe that is in use: one scheme for all weights, or a mixture. " +
    "A press on the line leads to the plan there.";
  await draw("plot-front", traces, layout(p, {
    xaxis: axis(p, "bits per weight"), yaxis: axis(p, "SQNR, dB"), hovermode: "closest", margin: { l: 52, r: 60, t: 34, b: 44 }, uirevision: made.answer.source,
  }));
  const plot = byId("plot-front");
  plot.removeAllListeners?.("plotly_click");
  plot.on("plotly_click", ({ points: [at] }) => {
    if (at.data.name !== "best plans") return;
    byId("plan-size").value = String(at.customdata);
    slide();
  });
}

/** store saves the plan that is chosen, as quant plan writes it. */
async function store() {
  const button = byId("plan-save");
  button.disabled = true;
  byId("plan-error").hidden = true;
  try {
    const plan = { ...made.plan, bytes: made.answer.front[chosen()].bytes };
    const name = await save(await post("api/plan.json", { ...model.request, plan }, model.file));
    byId("plan-stored").textContent = `Saved as ${name}.`;
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = false;
  }
}

byId("plan-form").addEventListener("submit", make);
byId("plan-cancel").addEventListener("click", () => {
  running?.abort();
  byId("plan-progress").hidden = true;
  byId("plan-section").setAttribute("aria-busy", "false");
});
byId("plan-size").addEventListener("input", slide);
byId("plan-search").addEventListener("input", showTable);
byId("plan-save").addEventListener("click", store);
