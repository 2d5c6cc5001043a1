// The graphs. They draw what the server computed; nothing is computed here.
import { formatOf } from "./choices.js";
import { drawElements, drawErrors } from "./elements.js";
import { byId, decibels, kind, label, number, plural } from "./format.js";
import { axis, dashes, draw, hollow, layout, of, palette, symbols } from "./plotting.js";
import { drawRanges, drawReconstruction, drawSpread } from "./quality.js";

function drawChannels(p, tensor, g) {
  const shown = g.channels.index;
  const bars = shown.length <= 64;
  const log = byId("channels-log").checked;
  const traces = tensor.results.map((r, i) => {
    const k = kind(r.scheme);
    const common = {
      name: label(r.scheme).toLowerCase(), x: shown, y: g.channels.rmse[i],
      hovertemplate: `channel %{x}<br>RMSE %{y}<extra>${label(r.scheme).toLowerCase()}</extra>`,
    };
    return bars
      ? { ...common, type: "bar", marker: { color: p[k] } }
      : { ...common, type: "scatter", mode: "lines+markers", line: { color: p[k], width: 1 }, marker: { color: p[k], symbol: symbols[k], size: 5 } };
  });
  const zeros = log && traces.some((t) => t.y.includes(0));
  byId("note-channels").textContent = `RMSE. ${g.channels.note}${zeros ? " An RMSE of 0 has no place on a logarithmic axis." : ""}`;
  return draw("plot-channels", traces, layout(p, {
    barmode: "group", xaxis: axis(p, "channel", { zeroline: false, ...(shown.length <= 12 ? { dtick: 1, tick0: 0 } : {}) }),
    yaxis: axis(p, "RMSE", { type: log ? "log" : "linear", rangemode: "tozero" }),
  }));
}

function drawHistogram(p, tensor, g) {
  const h = g.histograms.find((x) => x.channel === g.focus);
  // A single value has a bar about it.
  const half = Math.abs(h.min) / 2 || 0.5;
  const [low, high] = h.min < h.max ? [h.min, h.max] : [h.min - half, h.max + half];
  const width = (high - low) / h.counts.length;
  const traces = [{
    name: "values", type: "bar", x: h.counts.map((_, i) => low + (i + 0.5) * width), y: h.counts, width,
    customdata: h.counts.map((_, i) => [number(low + i * width), number(low + (i + 1) * width)]),
    hovertemplate: "%{y} from %{customdata[0]} to %{customdata[1]}<extra></extra>",
    marker: hollow(p),
  }];
  const said = [];
  h.grids.forEach((grid, i) => {
    const r = tensor.results[i], k = kind(r.scheme), name = label(r.scheme).toLowerCase();
    if (grid.codes === 0) {
      said.push(`${name}: several scales serve the channel`);
      return;
    }
    said.push(`${name}: ${plural(grid.codes, "code")} among the values${grid.values.length ? "" : ", too many to draw"}`);
    traces.push({
      name: `codes ${name}`, type: "scatter", mode: "markers", x: grid.values, y: grid.values.map(() => -i), yaxis: "y2",
      hovertemplate: `a code stands for %{x}<extra>${name}</extra>`,
      marker: { color: p[k], symbol: "line-ns-open", size: 12, line: { width: grid.values.length > 100 ? 0.7 : 1.6, color: p[k] } },
    });
  });
  byId("note-histogram").textContent = `Channel ${h.channel}, from ${number(h.min)} to ${number(h.max)}. ${capital(said.join("; "))}.`;
  byId("channel").value = g.focus;
  byId("channel").max = tensor.channels - 1;
  return draw("plot-histogram", traces, layout(p, {
    bargap: 0,
    xaxis: axis(p, "value", { anchor: "y2", zeroline: false, range: [low - 0.12 * (high - low), high + 0.12 * (high - low)] }),
    yaxis: axis(p, "count", { domain: [0.27, 1], ...(Math.max(...h.counts) <= 5 ? { dtick: 1 } : {}) }),
    yaxis2: axis(p, "", { domain: [0, 0.2], showticklabels: false, ticks: "", showgrid: false, zeroline: false, fixedrange: true, range: [0.6 - h.grids.length, 0.6] }),
  }));
}

const capital = (s) => s.charAt(0).toUpperCase() + s.slice(1);

function drawSweep(p, tensor, g) {
  const traces = [], widths = g.sweep.map((s) => s.bits);
  // With an importance of the inputs errors count with it, as in the table.
  const weighted = Boolean(tensor.results[0].weighted), errors = weighted ? "weighted RMSE" : "RMSE";
  const counted = (r) => (weighted ? r.weighted.rmse : r.rmse);
  tensor.results.forEach(({ scheme }, i) => {
    const k = kind(scheme), name = label(scheme).toLowerCase();
    const look = {
      type: "scatter", mode: "lines+markers", x: widths, name, legendgroup: name,
      line: { color: p[k], dash: dashes[k], width: 1.8 }, marker: { color: p[k], symbol: symbols[k], size: 8 },
    };
    traces.push({ ...look, y: g.sweep.map((s) => counted(s.results[i]) || null), hovertemplate: `%{x} bits: ${errors} %{y}<extra>${name}</extra>` });
    traces.push({
      ...look, y: g.sweep.map((s) => s.results[i].total_bytes), xaxis: "x2", yaxis: "y2", showlegend: false,
      hovertemplate: `%{x} bits: %{y} bytes<extra>${name}</extra>`,
    });
  });
  const { bits } = tensor.results[0].scheme, format = formatOf(tensor.results[0].scheme.format);
  if (format) {
    tensor.results.forEach((r, i) => {
      const k = kind(r.scheme), name = `${format.title} ${label(r.scheme).toLowerCase()}`;
      const mark = { name, type: "scatter", mode: "markers", x: [bits], marker: { color: p[k], symbol: symbols[k].replace("-open", ""), size: 12 } };
      traces.push({ ...mark, legendgroup: name, y: [counted(r) || null], hovertemplate: `${errors} %{y}<extra>${name}</extra>` });
      traces.push({ ...mark, legendgroup: name, y: [r.memory.total_bytes], xaxis: "x2", yaxis: "y2", showlegend: false, hovertemplate: `%{y} bytes<extra>${name}</extra>` });
    });
  }
  const at = (x, y) => ({
    type: "line", xref: x, yref: `${y} domain`, x0: bits, x1: bits, y0: 0, y1: 1, line: { color: p.soft, width: 1, dash: "dot" }, layer: "below",
  });
  const stacked = byId("plot-sweep").clientWidth < 640;
  const zeros = g.sweep.some((s) => s.results.some((r) => counted(r) === 0));
  byId("note-sweep").textContent = `${capital(errors)}, on a logarithmic axis, and total bytes of ${format ? `integers of 2 to 16 bits, and of ${format.title}` : "2 to 16 bits, with all else as chosen"}. ` +
    `The dotted line is at ${bits} bits.${zeros ? " Where no error is left the curve ends." : ""}`;
  byId("plot-sweep").classList.toggle("tall", stacked);
  return draw("plot-sweep", traces, layout(p, {
    ...(stacked ? { legend: { orientation: "h", x: 0, y: -0.12, yanchor: "top", font: { color: p.ink } } } : {}),
    shapes: [at("x", "y"), at("x2", "y2")],
    height: stacked ? 560 : undefined,
    xaxis: axis(p, "bits", { domain: stacked ? [0, 1] : [0, 0.46], dtick: 2, tick0: 2, anchor: "y" }),
    yaxis: axis(p, errors, { type: "log", domain: stacked ? [0.58, 1] : [0, 1] }),
    xaxis2: axis(p, "bits", { domain: stacked ? [0, 1] : [0.56, 1], dtick: 2, tick0: 2, anchor: "y2" }),
    yaxis2: axis(p, "bytes", { exponentformat: "SI", domain: stacked ? [0, 0.4] : [0, 1], anchor: "x2", rangemode: "tozero" }),
  }));
}

/** drawMethods shows the range that each method would choose for the whole tensor. */
function drawMethods(p, tensor, g) {
  const m = g.methods;
  const [first] = m.ranges;
  const agree = m.ranges.every((r) => r.from === first.from && r.to === first.to);
  byId("plot-methods").hidden = agree;
  if (agree) {
    byId("note-methods").textContent = `All methods choose the same range here${tensor.results[0].weighted ? ", without the importance of the inputs" : ""}, from ${number(first.from)} to ${number(first.to)}, with an RMSE of ${number(first.rmse)}.`;
    return null;
  }
  const half = Math.abs(m.min) / 2 || 0.5;
  const [low, high] = m.min < m.max ? [m.min, m.max] : [m.min - half, m.max + half];
  const width = (high - low) / m.counts.length;
  const least = (key) => m.ranges.reduce((a, b) => (b[key] < a[key] ? b : a));
  const hues = [p.soft, p.tensor, p.channel, p.group, p.ink, p.value], colors = m.ranges.map((_, i) => hues[i % hues.length]);
  const traces = [{
    name: "values", type: "bar", x: m.counts.map((_, i) => low + (i + 0.5) * width), y: m.counts, width, showlegend: false,
    hovertemplate: "%{y} near %{x}<extra></extra>", marker: hollow(p),
  }];
  m.ranges.forEach((r, i) => {
    traces.push({
      name: `${r.method.replace("=", " ")}: RMSE ${number(r.rmse)}${r === least("rmse") ? ", the least" : ""}`,
      type: "scatter", mode: "lines+markers", x: [r.from, r.to], y: [-i, -i], yaxis: "y2",
      line: { color: colors[i], width: 3 }, marker: { color: colors[i], symbol: "line-ns-open", size: 12, line: { width: 2, color: colors[i] } },
      hovertemplate: `%{x}<br>RMSE ${number(r.rmse)}<br>MAE ${number(r.mae)}<br>${decibels(r.sqnr_db)} dB<br>${r.clipped} clipped<extra>${r.method}</extra>`,
    });
  });
  const bits = tensor.results[0].scheme.bits;
  byId("note-methods").textContent = `All values with one scale for codes of ${bits} bits${tensor.results[0].weighted ? ", without the importance of the inputs" : ""}, their counts on a logarithmic axis, and what each method lets the codes reach. ` +
    `The least RMSE is that of ${least("rmse").method.replace("=", " ")}, ${number(least("rmse").rmse)}; the least MAE that of ${least("mae").method.replace("=", " ")}, ${number(least("mae").mae)}.`;
  return draw("plot-methods", traces, layout(p, {
    bargap: 0,
    xaxis: axis(p, "value", { anchor: "y2", zeroline: false }),
    yaxis: axis(p, "count", { type: "log", domain: [0.4, 1], dtick: 1 }),
    yaxis2: axis(p, "", { domain: [0, 0.34], showticklabels: false, ticks: "", showgrid: false, zeroline: false, fixedrange: true, range: [0.6 - m.ranges.length, 0.6] }),
  }));
}

const plots = ["elements", "errors", "spread", "reconstruction", "ranges", "channels", "histogram", "methods", "sweep"];

const zoomPause = 150; // milliseconds after a zoom before its values are asked for

/** rangeOf returns `from` and `to`: the positions that a zoomed graph shows are from `from` up to, without, `to`. */
function rangeOf(plot, total) {
  const x = plot.layout?.xaxis;
  if (!x?.range || x.autorange) return [0, total];
  const from = Math.min(Math.max(Math.ceil(x.range[0]), 0), total - 1);
  return [from, Math.min(Math.max(Math.floor(x.range[1]) + 1, from + 1), total)];
}

/** Graphs keeps what is drawn, to draw it again in other colours. */
export class Graphs {
  /** load is called with a position and a count, and returns the values of the stretch that a graph is zoomed to. */
  constructor(load) {
    this.load = load;
    this.stretches = {}; // the stretch that is shown instead of all elements, by the name of the graph
  }

  async show(report, detail) {
    Object.assign(this, { tensor: report.tensors[0], detail, stretches: {} });
    of(`${this.tensor.name} ${this.tensor.shape}`);
    byId("graphs-none").hidden = true;
    await this.again();
    for (const name of ["elements", "errors"]) this.zoomed(name);
  }

  /** zoomed loads the values that a graph is zoomed to, if only the extremes of stretches are shown. */
  async zoomed(name) {
    const { detail } = this;
    if (!detail?.elements.bins) return;
    const [from, to] = rangeOf(byId(`plot-${name}`), detail.elements.total);
    const now = this.stretches[name] ?? detail.elements;
    if (now.from === from && now.to === to) return;
    const mine = (this.zooms ??= {})[name] = {};
    try {
      const e = from === 0 && to === detail.elements.total ? detail.elements : await this.load(from, to - from);
      if (this.detail !== detail || this.zooms[name] !== mine) return; // another one is shown by now
      this.stretches[name] = e;
      await this.drawOne(name);
    } catch (error) {
      if (error.name !== "AbortError") byId(`note-${name}`).textContent = `The values of this stretch cannot be loaded: ${error.message}`;
    }
  }

  async drawOne(name) {
    const e = this.stretches[name] ?? this.detail.elements;
    await (name === "errors" ? drawErrors : drawElements)(palette(), this.tensor, e);
    const plot = byId(`plot-${name}`);
    plot.removeAllListeners?.("plotly_relayout");
    plot.on?.("plotly_relayout", (change) => {
      if (Object.keys(change).some((key) => key.startsWith("xaxis"))) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.zoomed(name), zoomPause);
      }
    });
  }

  /** clear removes the graphs if those of a new report cannot be drawn. */
  clear() {
    this.detail = null;
    byId("graphs-none").hidden = false;
    for (const name of plots) {
      byId(`note-${name}`).textContent = "";
      if (window.Plotly) window.Plotly.purge(byId(`plot-${name}`));
    }
  }

  async again() {
    if (!this.detail) return;
    const p = palette();
    for (const name of ["errors", "elements"]) await this.drawOne(name);
    for (const f of [drawSpread, drawReconstruction, drawRanges, drawChannels, drawHistogram, drawMethods, drawSweep]) await f(p, this.tensor, this.detail);
  }

  async showChannels() {
    if (this.detail) await drawChannels(palette(), this.tensor, this.detail);
  }

  /** focus shows the histogram of a channel, if it is loaded. */
  async focus(channel) {
    if (!this.detail?.histograms.some((h) => h.channel === channel)) return false;
    this.detail.focus = channel;
    await drawHistogram(palette(), this.tensor, this.detail);
    return true;
  }

  async showHistogram(detail) {
    this.detail = detail;
    await drawHistogram(palette(), this.tensor, detail);
  }
}
