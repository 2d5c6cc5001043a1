// The graphs of a model: the gain of each weight, and its errors at other widths.
import { formatOf } from "./choices.js";
import { byId, count, decibels, kind, label, minus } from "./format.js";
import { axis, draw, layout, narrow, palette, symbols } from "./plotting.js";

const rowHeight = 18, frame = 110; // pixels
const column = 46; // pixels that a number of a heatmap needs
const character = 6.8; // pixels at an axis, about

/** short keeps the end of a long name, where names differ. */
function short(name) {
  const longest = narrow() ? 24 : 42;
  return name.length <= longest ? name : "…" + name.slice(1 - longest);
}

/** common returns the beginning and the end that all names share, as whole parts between dots. */
function common(names) {
  if (names.length < 2) return ["", ""];
  const parts = names.map((name) => name.split("."));
  const most = Math.min(...parts.map((p) => p.length)) - 1; // a part of each name has to remain
  let first = 0, last = 0;
  while (first < most && parts.every((p) => p[first] === parts[0][first])) first++;
  while (first + last < most && parts.every((p) => p.at(-1 - last) === parts[0].at(-1 - last))) last++;
  return [parts[0].slice(0, first).map((p) => `${p}.`).join(""), parts[0].slice(parts[0].length - last).map((p) => `.${p}`).join("")];
}

/** trimmed removes the common beginning and end from the names of the rows. */
function trimmed(names) {
  const [first, last] = common(names);
  return names.map((name) => short(name.slice(first.length, name.length - last.length)));
}

/** leftOut says which parts of the names trimmed removes. */
function leftOut(names) {
  const [first, last] = common(names);
  const said = [first && `begin with ${first}`, last && `end in ${last}`].filter(Boolean).join(" and ");
  return said ? ` All names ${said}, which is left out.` : "";
}

/** ticks names the rows of an axis. Equal names have separate rows. */
const ticks = (names) => ({
  tickvals: names.map((_, i) => i), ticktext: trimmed(names), range: [names.length - 0.5, -0.5], showgrid: false, zeroline: false, fixedrange: true,
});

/** rows gives a graph the height of its rows. */
function rows(id, n) {
  const height = frame + rowHeight * n;
  byId(id).hidden = false;
  byId(id).style.height = `${height}px`;
  return height;
}

/** onRow calls choose with the name of the row that is pressed. */
function onRow(id, names, choose) {
  const plot = byId(id);
  plot.removeAllListeners?.("plotly_click");
  plot.on("plotly_click", (e) => choose(names[Math.round(e.points[0].y)]));
}

let gain, heat; // what was drawn last

/** drawGain draws the SQNR of each weight under each scheme, the greatest gain first. Without a report it draws the last one again. */
export async function drawGain(report = gain?.report, choose = gain?.choose) {
  if (!report) return;
  gain = { report, choose };
  const p = palette();
  const shown = report.summary.by_gain.map((i) => report.tensors[i]);
  const names = shown.map((t) => t.name);
  const traces = report.tensors[0].results.map(({ scheme }, i) => ({
    name: label(scheme).toLowerCase(), type: "scatter", mode: "markers", x: shown.map((t) => t.results[i].sqnr_db), y: names.map((_, k) => k),
    customdata: shown.map((t) => [t.name, decibels(t.results[i].sqnr_db, t.results[i].rmse)]),
    hovertemplate: `%{customdata[0]}<br>%{customdata[1]} dB<extra>${label(scheme).toLowerCase()}</extra>`,
    marker: { color: p[kind(scheme)], symbol: symbols[kind(scheme)], size: 9, line: { width: 1.6, color: p[kind(scheme)] } },
  }));
  const exact = shown.filter((t) => t.results.some((r) => r.sqnr_db === null)).length;
  byId("note-gain").textContent = "The signal to quantization noise ratio of each weight: further right is better. Those are first whose error a scale for each channel lowers most." +
    (exact ? ` ${count(exact)} with a scheme that loses nothing have no mark for it.` : "") + leftOut(names);
  const height = rows("plot-gain", shown.length);
  await draw("plot-gain", traces, layout(p, {
    height, xaxis: axis(p, "SQNR, dB", { side: "top" }), yaxis: axis(p, "", ticks(names)), hovermode: "closest", margin: { l: 52, r: 14, t: 60, b: 30 },
    legend: { orientation: "h", x: 0, y: 0, yanchor: "top", font: { color: p.ink }, uirevision: "kept" },
  }));
  onRow("plot-gain", names, choose);
}

/** codesOf names the codes of a scheme of a sweep. The name of a scheme with a format begins with the format. */
const codesOf = (s) => formatOf(s.name?.split(":")[0])?.title ?? `${s.bits} bits`;

/** drawHeat draws the SQNR of each weight under each scheme of a sweep, in colours and numbers. */
export async function drawHeat(sweep = heat?.sweep, choose = heat?.choose) {
  if (!sweep) return;
  heat = { sweep, choose };
  const p = palette();
  const names = sweep.weights.map((w) => w.name);
  const columns = sweep.schemes.map((s) => ({ ...s, name: label(s).toLowerCase(), codes: codesOf(s) }));
  const formats = sweep.options.bits.length === 0;
  const z = sweep.weights.map((w) => w.results.map((r) => r.sqnr_db));
  const trace = {
    name: "SQNR", type: "heatmap", z, x: columns.map((_, i) => i), y: names.map((_, i) => i), zmin: 0, zmax: 60, xgap: 1, ygap: 1,
    colorscale: [[0, "#7f1d1d"], [0.33, "#b45309"], [0.6, "#166534"], [1, "#0b3a6f"]], showscale: false,
    text: z.map((row, i) => row.map((v, k) => decibels(v, sweep.weights[i].results[k].rmse))), texttemplate: "%{text}", textfont: { color: "#ffffff", size: 11 },
    customdata: z.map((row, i) => row.map((_, k) => [names[i], `${columns[k].codes} ${columns[k].name}`])),
    hovertemplate: "%{customdata[0]}<br>%{customdata[1]}: %{text} dB<extra></extra>", hoverongaps: false,
  };
  byId("note-heat").textContent = formats
    ? "The signal to quantization noise ratio in dB of each format: red is coarse, blue is fine. Below the formats stand the bytes of all weights."
    : "The signal to quantization noise ratio in dB of integers of each width: red is coarse, blue is fine. Below the widths stand the bytes of all weights.";
  byId("note-heat").append(leftOut(names));
  const height = rows("plot-heat", names.length) + (formats ? 72 : 40);
  byId("plot-heat").style.height = `${height}px`;
  // In a narrow window the heatmap scrolls sideways, so that its numbers do not overlap.
  const beside = 30 + character * Math.max(...trimmed(names).map((name) => name.length));
  byId("plot-heat").style.minWidth = `${Math.round(beside + columns.length * (formats ? column + 8 : column))}px`;
  const each = columns.filter((c) => c.name === columns[0].name).length; // columns of a granularity
  await draw("plot-heat", [trace], layout(p, {
    height, showlegend: false, margin: { l: 52, r: 14, t: formats ? 128 : 96, b: 14 },
    xaxis: axis(p, "", {
      side: "top", tickvals: columns.map((_, i) => i), ticktext: columns.map((c) => `${formats ? c.codes.replaceAll(" ", "<br>") : c.codes}<br>${bytes(c.memory.total_bytes)}`), showgrid: false, zeroline: false, fixedrange: true, tickangle: 0,
    }),
    yaxis: axis(p, "", ticks(names)),
    annotations: columns.filter((_, i) => i % each === 0).map((c, g) => ({
      x: g * each + (each - 1) / 2, y: 1, xref: "x", yref: "paper", yanchor: "bottom", yshift: formats ? 72 : 40, text: c.name, showarrow: false, font: { size: 12, color: p.ink },
    })),
  }));
  onRow("plot-heat", names, choose);
}

/** bytes writes a size in few characters. */
function bytes(n) {
  if (n >= 1e6) return `${minus((n / 1e6).toPrecision(3))} MB`;
  return n >= 1e3 ? `${minus((n / 1e3).toPrecision(3))} kB` : `${n} B`;
}
