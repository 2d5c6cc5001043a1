"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const palette = () => dark.matches
    ? {ink: "#e7ebf0", muted: "#a2adb9", rule: "#333c47", band: "#1c2229", bar: "#5d6b7b", paper: "#14181d", schemes: ["#6cbdf5", "#ff9a4d", "#46d3a4"]}
    : {ink: "#1c232b", muted: "#55606d", rule: "#dde2e8", band: "#f4f6f9", bar: "#b8c4d2", paper: "#ffffff", schemes: ["#0072b2", "#d55e00", "#009e73"]};
  const symbols = ["square-open", "triangle-up-open", "diamond-open"];
  const config = {displaylogo: false, showSendToCloud: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: {format: "png", scale: 2}};
  const drawn = []; // [element, function] of all graphs, to draw them again in other colours

  // Names come from files: Plotly would take some of their characters for markup.
  const plain = s => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function layout(c, x, y, more) {
    const axis = title => ({title: {text: title, font: {size: 12}}, gridcolor: c.rule, zerolinecolor: c.muted, linecolor: c.muted, automargin: true});
    const base = {
      font: {family: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif", size: 12, color: c.muted},
      paper_bgcolor: c.paper, plot_bgcolor: c.paper,
      margin: {l: 56, r: 12, t: 58, b: 42},
      xaxis: {...axis(x), showgrid: false, zeroline: false}, yaxis: axis(y),
      legend: {orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: {color: c.ink}},
      hoverlabel: {bgcolor: c.band, font: {color: c.ink}},
    };
    for (const [key, value] of Object.entries(more || {})) {
      base[key] = key.endsWith("axis") ? {...base[key], ...value} : value;
    }
    return base;
  }

  function draw(element, make) {
    const run = () => {
      const [traces, l] = make(palette());
      return Plotly.react(element, traces, l, config);
    };
    drawn.push(run);
    return run();
  }
  dark.addEventListener("change", () => drawn.forEach(run => run()));

  // marks are bands, or names of channels along the axis.
  function marks(e, c) {
    const n = e.total / e.per_channel;
    if (n < 2) return {xaxis: {title: {text: "element"}}};
    const every = [1, 2, 5].flatMap(k => [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6].map(p => k * p)).sort((a, b) => a - b).find(k => n / k <= 20) || n;
    const at = [], text = [], shapes = [];
    for (let i = 0; i < n; i += every) {
      at.push((i + 0.5) * e.per_channel - 0.5);
      text.push(String(i));
    }
    if (n <= 48) {
      for (let i = 0; i < n; i += 2) {
        shapes.push({type: "rect", xref: "x", yref: "paper", x0: i * e.per_channel - 0.5, x1: (i + 1) * e.per_channel - 0.5, y0: 0, y1: 1, fillcolor: c.band, line: {width: 0}, layer: "below"});
      }
    }
    return {shapes, xaxis: {tickvals: at, ticktext: text, range: [-0.5, e.total - 0.5], title: {text: "channel"}}};
  }

  // split cuts curves where a channel ends, so that no line joins two of them.
  function split(e, values) {
    const x = [], y = [], text = [];
    const apart = e.total / e.per_channel <= 48;
    e.position.forEach((p, i) => {
      const channel = Math.floor(p / e.per_channel);
      if (apart && i > 0 && channel !== Math.floor(e.position[i - 1] / e.per_channel)) {
        x.push(null); y.push(null); text.push("");
      }
      x.push(p); y.push(values[i]); text.push(`channel ${channel}, element ${e.index[i]}`);
    });
    return {x, y, text};
  }

  const graphs = {
    elements(d, names) {
      const e = d.elements, few = e.position.length <= 400;
      return c => {
        const mode = few ? "lines+markers" : "lines";
        const traces = names.map((name, k) => ({
          ...split(e, e.reconstructed[k]), name, mode: few ? "markers" : "lines", type: "scatter",
          line: {color: c.schemes[k], width: 3 - k}, marker: {color: c.schemes[k], symbol: symbols[k], size: 10 - k, line: {width: 1.5}},
          hovertemplate: "%{y}<br>%{text}",
        }));
        traces.push({...split(e, e.original), name: "original", mode, type: "scatter", line: {color: c.ink, width: 1}, marker: {color: c.ink, size: 4}, hovertemplate: "%{y}<br>%{text}"});
        return [traces, layout(c, "", "value", marks(e, c))];
      };
    },
    errors(d, names) {
      const e = d.elements, few = e.position.length <= 200;
      return c => [names.map((name, k) => ({
        ...split(e, e.error[k]), name, ...(few ? {type: "bar", textposition: "none", marker: {color: c.schemes[k]}}
          : {type: "scatter", mode: "lines", line: {color: c.schemes[k], width: 1}}),
        hovertemplate: "%{y}<br>%{text}",
      })), layout(c, "", "error", marks(e, c))];
    },
    channels(d, names) {
      const s = d.channels, bars = s.total <= 64;
      return c => [names.map((name, k) => ({
        x: s.index, y: s.rmse[k], customdata: s.max_error[k], name, type: bars ? "bar" : "scatter", mode: "markers",
        marker: {color: c.schemes[k], size: 4}, hovertemplate: "RMSE %{y}<br>max error %{customdata}<br>channel %{x}",
      })), layout(c, "channel", "RMSE", {yaxis: {rangemode: "tozero"}})];
    },
    histogram(d, names, choice) {
      return c => {
        const h = d.histograms.find(x => x.channel === choice()) || d.histogram;
        const n = h.counts.length, width = (h.max - h.min) / n;
        const bars = {
          x: h.counts.map((_, i) => n === 1 ? h.min : h.min + (i + 0.5) * width), y: h.counts, type: "bar", name: "values",
          width: n === 1 ? undefined : h.counts.map(() => width * 0.97), marker: {color: c.bar}, hovertemplate: "%{y} values near %{x}",
        };
        const grids = h.grids.map((g, k) => ({
          x: g.values, y: g.values.map(() => names.length - k), yaxis: "y2", type: "scatter", mode: "markers",
          name: `${names[k]}: ${g.codes === 0 ? "several grids" : g.codes === 1 ? "1 code" : g.codes + " codes"}`,
          marker: {symbol: "line-ns-open", size: 10, color: c.schemes[k], line: {width: 1}}, hovertemplate: "a code stands for %{x}",
        }));
        return [[bars, ...grids], layout(c, "value", "", {
          bargap: 0, margin: {l: 56, r: 12, t: 76, b: 42}, yaxis: {domain: [0.24, 1], rangemode: "tozero"},
          yaxis2: {domain: [0, 0.2], range: [0.3, names.length + 0.7], showticklabels: false, showgrid: false, zeroline: false, fixedrange: true},
          xaxis: {anchor: "y2", showgrid: false},
        })];
      };
    },
    methods(d) {
      const m = d.methods, n = m.counts.length, width = (m.max - m.min) / n;
      const rmse = Math.min(...m.ranges.map(r => r.rmse)), mae = Math.min(...m.ranges.map(r => r.mae));
      const short = v => v === null ? "" : Number(v.toPrecision(4));
      return c => {
        const colors = [c.muted, ...c.schemes, c.ink, c.bar];
        const bars = {
          x: m.counts.map((_, i) => n === 1 ? m.min : m.min + (i + 0.5) * width), y: m.counts, type: "bar", name: "values", showlegend: false,
          width: n === 1 ? undefined : m.counts.map(() => width), marker: {color: c.bar}, hovertemplate: "%{y} values near %{x}",
        };
        const ranges = m.ranges.map((r, k) => ({
          x: [r.from, r.to], y: [-k, -k], yaxis: "y2", type: "scatter", mode: "lines+markers",
          name: `${r.method}: RMSE ${short(r.rmse)}${r.rmse === rmse ? " (least)" : ""}, MAE ${short(r.mae)}${r.mae === mae ? " (least)" : ""}, ${r.clipped} clipped`,
          line: {color: colors[k], width: 3}, marker: {symbol: "line-ns-open", size: 12, color: colors[k], line: {width: 2}}, hovertemplate: "%{x}",
        }));
        return [[bars, ...ranges], layout(c, "value", "", {
          bargap: 0, margin: {l: 56, r: 12, t: 96, b: 42}, yaxis: {domain: [0.4, 1], type: "log", dtick: 1},
          yaxis2: {domain: [0, 0.34], range: [0.6 - m.ranges.length, 0.6], showticklabels: false, showgrid: false, zeroline: false, fixedrange: true},
          xaxis: {anchor: "y2", showgrid: false},
        })];
      };
    },
    rmse(d, names) {
      return c => [names.map((name, k) => ({
        x: d.sweep.map(p => p.bits), y: d.sweep.map(p => p.results[k].rmse > 0 ? p.results[k].rmse : null), name, type: "scatter", mode: "lines+markers",
        line: {color: c.schemes[k], width: 1.5}, marker: {color: c.schemes[k], symbol: symbols[k], size: 8, line: {width: 1.5}}, hovertemplate: "%{y}, %{x} bits",
      })), layout(c, "bits", "RMSE", {yaxis: {type: "log", exponentformat: "power"}, xaxis: {dtick: 2}, shapes: [asked(c)]})];
    },
    bytes(d, names) {
      return c => [names.map((name, k) => ({
        x: d.sweep.map(p => p.bits), y: d.sweep.map(p => p.results[k].total_bytes), name, type: "scatter", mode: "lines+markers",
        line: {color: c.schemes[k], width: 1.5}, marker: {color: c.schemes[k], symbol: symbols[k], size: 8, line: {width: 1.5}}, hovertemplate: "%{y} bytes, %{x} bits",
      })), layout(c, "bits", "bytes", {yaxis: {rangemode: "tozero"}, xaxis: {dtick: 2}, shapes: [asked(c)]})];
    },
    overview() {
      return c => {
        const o = data.overview, y = o.map((_, i) => i);
        return [data.names.map((name, k) => ({
          x: o.map(t => t.sqnr_db[k]), y, customdata: o.map(t => [plain(t.name), t.gain]), name, type: "scatter", mode: "markers",
          marker: {color: c.schemes[k], size: 9}, hovertemplate: "%{customdata[0]}<br>%{x:.2f} dB<br>gain %{customdata[1]}",
        })), layout(c, "SQNR, dB: more is better; a tensor of which nothing is lost has no mark", "", {
          yaxis: {tickvals: y, ticktext: o.map(t => plain(t.short)), range: [o.length - 0.4, -0.6], automargin: true, zeroline: false, showgrid: false},
          // Above the rows, where it is seen before one scrolls.
          xaxis: {showgrid: true, zeroline: false, side: "top"}, margin: {l: 56, r: 12, t: 96, b: 12}, legend: {orientation: "h", x: 0, y: 1, yref: "container", xanchor: "left", yanchor: "top", font: {color: c.ink}},
          shapes: o.map((t, i) => ({x: t.sqnr_db.filter(v => v !== null), i})).filter(t => t.x.length > 1).map(t => ({
            type: "line", x0: Math.min(...t.x), x1: Math.max(...t.x), y0: t.i, y1: t.i, layer: "below", line: {color: c.bar, width: 2},
          })),
        })];
      };
    },
  };

  function asked(c) {
    return {type: "rect", xref: "x", yref: "paper", x0: data.bits - 0.35, x1: data.bits + 0.35, y0: 0, y1: 1, fillcolor: c.rule, opacity: 0.6, line: {width: 0}, layer: "below"};
  }

  function show(section) {
    for (const element of section.querySelectorAll(".graph:not([data-drawn])")) {
      element.dataset.drawn = "";
      const detail = data.details[element.dataset.detail];
      const select = element.closest("figure").querySelector("select");
      const choice = () => select && select.value !== "" ? Number(select.value) : null;
      const make = graphs[element.dataset.graph](detail, data.names, choice);
      draw(element, make);
      if (select) select.addEventListener("change", () => Plotly.react(element, ...make(palette()), config));
    }
  }

  for (const d of document.querySelectorAll("details")) {
    d.addEventListener("toggle", () => { if (d.open) show(d); });
    if (d.open) show(d);
  }
  for (const s of document.querySelectorAll("[data-now]")) show(s);
  addEventListener("beforeprint", () => {
    for (const d of document.querySelectorAll("details.tensor")) d.open = true;
  });

  // Columns are sorted by the number behind what is shown.
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const th = button.parentElement, table = th.closest("table"), body = table.tBodies[0];
      const column = Number(button.dataset.column), up = th.getAttribute("aria-sort") !== "ascending";
      for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => {
        const cell = row.cells[column];
        if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
        return cell.classList.contains("text") ? cell.textContent : Infinity; // exact, or an infinite gain
      };
      [...body.rows].map(row => [key(row), row]).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1)).forEach(([, row]) => body.append(row));
    });
  }
})();
