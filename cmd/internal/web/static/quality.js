// Graphs that answer how good the codes are: how errors spread, what becomes of
// each value, and which ranges the scales serve.
import { byId, count, kind, label, number } from "./format.js";
import { axis, draw, layout, symbols } from "./plotting.js";

const bins = 41; // an odd number, so that one is around 0

/** spreadOf counts errors in bins of the same width for all results. */
export function spreadOf(errors) {
  let most = 0;
  for (const list of errors) for (const e of list) most = Math.max(most, Math.abs(e));
  if (most === 0) return { most, centres: [], counts: [] };
  const width = (2 * most) / bins;
  const centres = Array.from({ length: bins }, (_, i) => -most + (i + 0.5) * width);
  const counts = errors.map((list) => {
    const n = new Array(bins).fill(0);
    for (const e of list) n[Math.min(Math.max(Math.floor((e + most) / width), 0), bins - 1)]++;
    return n;
  });
  return { most, centres, counts };
}

/** drawSpread draws the histogram of errors. */
export function drawSpread(p, tensor, g) {
  const { most, centres, counts } = spreadOf(g.elements.error);
  byId("plot-spread").hidden = most === 0;
  if (most === 0) {
    byId("note-spread").textContent = "No value shown here has an error: all schemes are exact.";
    return null;
  }
  byId("note-spread").textContent = `How many of the ${count(g.elements.original.length)} values shown have which error. A narrow hill at 0 is good.`;
  const traces = tensor.results.map((r, i) => ({
    name: label(r.scheme).toLowerCase(), type: "scatter", mode: "lines", line: { shape: "hvh", color: p[kind(r.scheme)], width: 1.8 },
    x: centres, y: counts[i], hovertemplate: `%{y} with an error near %{x}<extra>${label(r.scheme).toLowerCase()}</extra>`,
  }));
  return draw("plot-spread", traces, layout(p, { xaxis: axis(p, "error"), yaxis: axis(p, "count", { rangemode: "tozero" }) }));
}

/** drawReconstruction draws what becomes of each value. */
export function drawReconstruction(p, tensor, g) {
  const e = g.elements;
  let low = Infinity, high = -Infinity;
  for (const x of e.original) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  byId("note-reconstruction").textContent = "Each value across, its reconstruction upwards. On the line nothing is lost; steps are the grid of the codes.";
  const traces = [{
    name: "no loss", type: "scatter", mode: "lines", x: [low, high], y: [low, high], line: { color: p.soft, width: 1 }, hoverinfo: "skip",
  }];
  tensor.results.forEach((r, i) => {
    const k = kind(r.scheme);
    traces.push({
      name: label(r.scheme).toLowerCase(), type: "scatter", mode: "markers", x: e.original, y: e.reconstructed[i],
      hovertemplate: `x %{x}<br>x̂ %{y}<extra>${label(r.scheme).toLowerCase()}</extra>`,
      marker: { color: p[k], symbol: symbols[k], size: e.original.length <= 400 ? 8 : 4, line: { width: 1.2, color: p[k] } },
    });
  });
  return draw("plot-reconstruction", traces, layout(p, { xaxis: axis(p, "original"), yaxis: axis(p, "reconstruction") }));
}

const mostBands = 64;

/** drawRanges draws the range of each channel as a band, with the ends of what the codes of each scheme reach. */
export function drawRanges(p, tensor, g) {
  const shown = g.channels.index.slice(0, mostBands).filter((c) => tensor.results[0].channels[c]);
  const { channels } = tensor.results[0];
  const traces = [{
    name: "range of the values", type: "bar", x: shown, base: shown.map((c) => channels[c].min),
    y: shown.map((c) => channels[c].max - channels[c].min), marker: { color: p.value, opacity: 0.45 },
    customdata: shown.map((c) => [number(channels[c].min), number(channels[c].max)]),
    hovertemplate: "channel %{x}<br>%{customdata[0]} to %{customdata[1]}<extra></extra>",
  }];
  for (const r of tensor.results) {
    if (r.scheme.granularity === "per_group") continue; // a channel has several
    const k = kind(r.scheme), at = r.scale.length === 1 ? () => 0 : (c) => c;
    const { bits, unsigned, narrow_range: cut } = r.scheme;
    const least = (unsigned ? 0 : -(2 ** (bits - 1))) + (cut ? 1 : 0), most = unsigned ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
    const x = [], y = [];
    for (const c of shown) {
      for (const q of [least, most]) {
        x.push(c);
        y.push((q - r.zero_point[at(c)]) * r.scale[at(c)]);
      }
    }
    traces.push({
      name: `codes ${label(r.scheme).toLowerCase()} reach`, type: "scatter", mode: "markers", x, y,
      hovertemplate: `the codes end at %{y}<extra>${label(r.scheme).toLowerCase()}</extra>`,
      marker: { color: p[k], symbol: "line-ew-open", size: k === "tensor" ? 22 : 14, line: { width: 2, color: p[k] } },
    });
  }
  byId("note-ranges").textContent = `Each channel’s values from the least to the greatest, and how far the codes reach. The wider the codes reach beyond a band, the coarser they are in it.` +
    (g.channels.index.length > mostBands ? ` ${mostBands} of ${count(tensor.channels)} channels are shown.` : "");
  return draw("plot-ranges", traces, layout(p, {
    xaxis: axis(p, "channel", { zeroline: false, ...(shown.length <= 12 ? { dtick: 1, tick0: 0 } : {}) }), yaxis: axis(p, "value"),
  }));
}
