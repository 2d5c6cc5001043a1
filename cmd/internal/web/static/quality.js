// Graphs of the quality of the codes: the distribution of errors, the reconstruction of each value,
// and the ranges of the scales.
import { formatOf, levelsOf } from "./choices.js";
import { byId, count, kind, label, number } from "./format.js";
import { axis, draw, hollow, layout, symbols } from "./plotting.js";

/** drawSpread draws the histogram of errors. */
export function drawSpread(p, tensor, g) {
  const { most, counts } = g.errors;
  byId("plot-spread").hidden = counts.length === 0;
  if (counts.length === 0) {
    byId("note-spread").textContent = most === 0 ? "No value has an error: all schemes are exact." : "Errors are too large to be counted.";
    return null;
  }
  const bins = counts[0].length, width = (2 * most) / bins;
  const centres = counts[0].map((_, i) => (i - (bins - 1) / 2) * width);
  byId("note-spread").textContent = `How many of the ${count(g.elements.total)} values have which error. A narrow hill at 0 is good.`;
  const traces = tensor.results.map((r, i) => ({
    name: label(r.scheme).toLowerCase(), type: "scatter", mode: "lines", line: { shape: "hvh", color: p[kind(r.scheme)], width: 1.8 },
    x: centres, y: counts[i], hovertemplate: `%{y} with an error near %{x}<extra>${label(r.scheme).toLowerCase()}</extra>`,
  }));
  return draw("plot-spread", traces, layout(p, { xaxis: axis(p, "error"), yaxis: axis(p, "count", { rangemode: "tozero" }) }));
}

/** drawReconstruction draws the reconstruction of each value. */
export function drawReconstruction(p, tensor, g) {
  const e = g.elements;
  let low = Infinity, high = -Infinity;
  for (const x of e.original) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  byId("note-reconstruction").textContent = "Each value across, its reconstruction upwards. On the line nothing is lost; steps are the grid of the codes." +
    (e.bins > 0 ? " The values with the extremes of each stretch are shown." : "");
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
const mostTicks = 2000; // of a grid, over all channels

/** codesOf returns the values of codes with a scale of 1 and no zero point. If there are too many, it returns the ends. */
function codesOf(scheme, most) {
  const format = formatOf(scheme.format);
  if (format) {
    const levels = levelsOf(format);
    return levels.length <= most ? levels : [levels[0], levels.at(-1)];
  }
  const { bits, unsigned, narrow_range: cut } = scheme;
  const from = (unsigned ? 0 : -(2 ** (bits - 1))) + (cut ? 1 : 0), to = unsigned ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  return to - from < Math.min(most, 64) ? Array.from({ length: to - from + 1 }, (_, i) => from + i) : [from, to];
}

/** drawRanges draws the range of each channel as a band, with the least and the greatest value of each scheme's codes. */
export function drawRanges(p, tensor, g) {
  const shown = g.channels.index.slice(0, mostBands).filter((c) => tensor.results[0].channels[c]);
  const { channels } = tensor.results[0];
  const traces = [{
    name: "range of the values", type: "bar", x: shown, base: shown.map((c) => channels[c].min),
    y: shown.map((c) => channels[c].max - channels[c].min), marker: hollow(p),
    customdata: shown.map((c) => [number(channels[c].min), number(channels[c].max)]),
    hovertemplate: "channel %{x}<br>%{customdata[0]} to %{customdata[1]}<extra></extra>",
  }];
  let whole = true;
  for (const r of tensor.results) {
    if (r.scheme.granularity === "per_group") continue; // a channel has several grids
    const k = kind(r.scheme), at = r.scale.length === 1 ? () => 0 : (c) => c;
    const grid = codesOf(r.scheme, mostTicks / shown.length);
    whole &&= grid.length > 2;
    const x = [], y = [];
    for (const c of shown) {
      for (const q of grid) {
        x.push(c);
        y.push((q - r.zero_point[at(c)]) * r.scale[at(c)]);
      }
    }
    traces.push({
      name: `codes ${label(r.scheme).toLowerCase()}`, type: "scatter", mode: "markers", x, y,
      hovertemplate: `a code stands for %{y}<extra>${label(r.scheme).toLowerCase()}</extra>`,
      marker: { color: p[k], symbol: "line-ew-open", size: k === "tensor" ? 22 : 14, line: { width: grid.length > 2 ? 1.2 : 2, color: p[k] } },
    });
  }
  byId("note-ranges").textContent = `Each channel’s values from the least to the greatest, and ${whole ? "the grid of the codes" : "the ends of the grid of the codes"}. The wider a grid reaches beyond a band, the coarser it is in it.` +
    (g.channels.index.length > mostBands ? ` ${mostBands} of ${count(tensor.channels)} channels are shown.` : "");
  return draw("plot-ranges", traces, layout(p, {
    xaxis: axis(p, "channel", { zeroline: false, ...(shown.length <= 12 ? { dtick: 1, tick0: 0 } : {}) }), yaxis: axis(p, "value"),
  }));
}
