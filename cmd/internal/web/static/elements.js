// The graphs of single values: their reconstruction and their errors. If a tensor has very many
// values, a band shows the least and the greatest value of each stretch.
import { formatOf } from "./choices.js";
import { byId, kind, label, minus, number } from "./format.js";
import { axis, draw, faded, layout, narrow, symbols } from "./plotting.js";

/** marked shows where channels begin, if there is room. */
function marked(p, tensor, e) {
  const size = e.per_channel, channels = tensor.channels;
  const shapes = [];
  if (channels > 1 && channels <= 40) {
    for (let i = 1; i < channels; i++) {
      shapes.push({
        type: "line", xref: "x", yref: "paper", x0: i * size - 0.5, x1: i * size - 0.5, y0: 0, y1: 1,
        line: { color: p.line, width: 1 }, layer: "below",
      });
    }
  }
  const step = Math.max(1, Math.ceil(channels / (narrow() ? 8 : 16)));
  const ticks = [];
  for (let i = 0; i < channels; i += step) ticks.push(i);
  return {
    shapes,
    ticks: { tickvals: ticks.map((i) => i * size + (size - 1) / 2), ticktext: ticks.map(String), showgrid: false, zeroline: false },
  };
}

/** broken puts a gap between the values of different channels. */
function broken(e, list) {
  const out = [];
  let before = -1;
  e.position.forEach((position, i) => {
    const channel = Math.floor(position / e.per_channel);
    if (before >= 0 && channel !== before) out.push(null);
    before = channel;
    out.push(list[i]);
  });
  return out;
}

/** codeOf returns the code that a value was reconstructed from. */
function codeOf(r, at, back) {
  const format = formatOf(r.scheme.format);
  if (!format) return Math.round(back / r.scale[at]) + r.zero_point[at];
  return format.values.findIndex((v) => v !== null && Math.fround(v * r.scale[at]) === back);
}

/** told returns the tooltip of a value: the original, and the code and the reconstruction of each scheme. */
function told(tensor, e, i) {
  const lines = [`original ${minus(e.original[i])}`];
  const channel = Math.floor(e.position[i] / e.per_channel);
  tensor.results.forEach((r, k) => {
    const at = r.scale.length === 1 ? 0 : r.scheme.granularity === "per_channel" ? channel : -1;
    const back = e.reconstructed[k][i];
    const code = at < 0 ? "" : `code ${minus(codeOf(r, at, back))}, `;
    lines.push(`${label(r.scheme).toLowerCase()}: ${code}x̂ ${minus(back)}`);
  });
  return lines.join("<br>");
}

/** binsOf returns the least and the greatest value of a list in each of the equal stretches of a thinned tensor. */
export function binsOf(e, list) {
  const n = e.to - e.from;
  const low = new Array(e.bins).fill(Infinity), high = new Array(e.bins).fill(-Infinity);
  e.position.forEach((position, i) => {
    const b = Math.floor(((position - e.from + 1) * e.bins - 1) / n);
    low[b] = Math.min(low[b], list[i]);
    high[b] = Math.max(high[b], list[i]);
  });
  const x = low.map((_, b) => e.from + ((b + 0.5) * n) / e.bins - 0.5);
  return { x, low, high };
}

/** band draws a list as the area between its least and its greatest values. */
function band(e, list, name, color, opacity) {
  const { x, low, high } = binsOf(e, list);
  const words = [...high.map(() => "the greatest"), ...low.map(() => "the least")];
  return {
    name, type: "scatter", mode: "lines", x: [...x, ...x.toReversed()], y: [...high, ...low.toReversed()], customdata: words,
    fill: opacity > 0 ? "toself" : "none", fillcolor: faded(color, opacity), line: { color, width: 1 }, hoveron: "points",
    hovertemplate: `%{customdata} near position %{x:.0f}: %{y}<extra>${name}</extra>`,
  };
}

const zoomable = (e) => (e.bins > 0 ? " The band goes from the least to the greatest; drag to zoom in, and the values load." : "");

/** drawElements draws the values and their reconstruction. */
export function drawElements(p, tensor, e) {
  const { shapes, ticks } = marked(p, tensor, e);
  const few = e.position.length <= 400;
  const traces = [];
  if (e.bins > 0) {
    traces.push(band(e, e.original, "original", p.value, 0.3));
    tensor.results.forEach((r, i) => traces.push(band(e, e.reconstructed[i], label(r.scheme).toLowerCase(), p[kind(r.scheme)], 0)));
  } else {
    const about = e.position.map((x, i) => [Math.floor(x / e.per_channel), e.index[i], told(tensor, e, i)]);
    const hover = "channel %{customdata[0]}, index %{customdata[1]}<br>%{customdata[2]}";
    traces.push({
      name: "original", type: "scatter", mode: few ? "lines+markers" : "lines", hovertemplate: `${hover}<extra></extra>`,
      x: broken(e, e.position), y: broken(e, e.original), customdata: broken(e, about), connectgaps: false,
      line: { color: p.value, width: few ? 1.2 : 0.8 }, marker: { color: p.value, size: 5 },
    });
    tensor.results.forEach((r, i) => {
      const k = kind(r.scheme);
      traces.push({
        name: label(r.scheme).toLowerCase(), type: "scatter", mode: "markers", x: e.position, y: e.reconstructed[i], customdata: about,
        hovertemplate: `${hover}<extra></extra>`,
        marker: { color: p[k], symbol: symbols[k], size: few ? 11 - 2 * i : 4, line: { width: few ? 1.8 : 1, color: p[k] }, opacity: few ? 1 : 0.8 },
      });
    });
  }
  byId("note-elements").textContent = (tensor.channels > 1 ? "Channel by channel. " : "") + e.note + zoomable(e);
  return draw("plot-elements", traces, layout(p, { shapes, xaxis: axis(p, "channel", ticks), yaxis: axis(p, "value") }));
}

/** drawErrors draws the error of each value. If there are no errors, it shows a sentence. */
export function drawErrors(p, tensor, e) {
  const exact = tensor.results.every((r) => r.max_error === 0);
  byId("plot-errors").hidden = exact;
  if (exact) {
    byId("note-errors").textContent = "No value has an error: all schemes are exact.";
    return null;
  }
  const { shapes, ticks } = marked(p, tensor, e);
  const few = e.position.length <= 150;
  const about = e.position.map((x, i) => [Math.floor(x / e.per_channel), e.index[i]]);
  const traces = tensor.results.map((r, i) => {
    const k = kind(r.scheme), name = label(r.scheme).toLowerCase();
    if (e.bins > 0) return band(e, e.error[i], name, p[k], 0.25);
    const common = {
      name, x: e.position, y: e.error[i], customdata: about,
      hovertemplate: `%{y}<br>channel %{customdata[0]}, index %{customdata[1]}<extra>${name}</extra>`,
    };
    return few
      ? { ...common, type: "bar", marker: { color: p[k] } }
      : { ...common, type: "scatter", mode: "markers", marker: { color: p[k], symbol: symbols[k], size: 4, line: { width: 1, color: p[k] }, opacity: 0.8 } };
  });
  const worst = tensor.results.map((r) => `${number(r.max_error)} ${label(r.scheme).toLowerCase()}`).join(", ");
  byId("note-errors").textContent = `The reconstructed value minus the original: at most ${worst}. ${e.note}${zoomable(e)}`;
  return draw("plot-errors", traces, layout(p, {
    shapes, barmode: "group", bargap: 0.25, xaxis: axis(p, "channel", ticks), yaxis: axis(p, "error"),
  }));
}
