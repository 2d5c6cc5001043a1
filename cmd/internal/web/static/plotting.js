// The common parts of all graphs: the library, colours, axes and the drawing itself.
import { byId } from "./format.js";

export const symbols = { tensor: "circle-open", channel: "diamond-open", group: "square-open" };
export const dashes = { tensor: "solid", channel: "dash", group: "dot" };

let loading;

/** plotly loads the library when it is first needed: it is large. */
function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "plotly.js";
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("the library of the graphs cannot be loaded"));
    document.head.append(script);
  });
  return loading;
}

const config = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false, // nothing leaves this server
  displayModeBar: true,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
};

export function palette() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    tensor: color("tensor"), channel: color("channel"), group: color("group"), value: color("value"),
    ink: color("ink"), soft: color("soft"), line: color("line"), card: color("card"), sans: color("sans"),
  };
}

export function axis(p, title, more = {}) {
  return {
    title: { text: title, font: { size: 12, color: p.soft }, standoff: 8 }, automargin: true,
    exponentformat: "e", // powers of ten are raised by a style attribute, which the page's policy forbids
    gridcolor: p.line, zerolinecolor: p.soft, linecolor: p.line, tickcolor: p.line, tickfont: { color: p.soft, size: 12 }, ...more,
  };
}

/** hollow returns the style of bars: a pale area with an outline that is visible on any background. */
export const hollow = (p) => ({ color: faded(p.value, 0.4), line: { color: p.value, width: 1 } });

/** faded returns a color of the page with an opacity. */
export function faded(color, opacity) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${opacity})`;
}

export const narrow = () => innerWidth < 640;

let shown = ""; // the tensor that is drawn

/** of sets the tensor of the graphs. Their zoom is kept until the tensor changes. */
export function of(tensor) {
  shown = tensor;
}

export function layout(p, more) {
  // The legend may take several lines. It is below the graph, so that it does not overlap the toolbar above the graph.
  const legend = { y: narrow() ? -0.28 : -0.22, yanchor: "top" };
  return {
    paper_bgcolor: p.card, plot_bgcolor: p.card,
    font: { family: p.sans, size: 12, color: p.ink },
    margin: { l: 52, r: 14, t: 34, b: 44 },
    legend: { orientation: "h", x: 0, font: { color: p.ink }, uirevision: "kept", ...legend },
    hoverlabel: { bgcolor: p.card, bordercolor: p.soft, font: { family: p.sans, color: p.ink } },
    modebar: { bgcolor: p.card, color: p.soft, activecolor: p.ink },
    hovermode: "closest",
    uirevision: shown, // a change of options keeps the zoom; a change of the tensor keeps hidden traces too
    ...more,
  };
}

export async function draw(id, traces, lay) {
  const Plotly = await plotly();
  const plot = byId(id);
  const names = {};
  for (const t of traces) { // a trace keeps its visibility by its name, not by its index
    names[t.name] = (names[t.name] ?? 0) + 1;
    t.uid = `${t.name.replace(/\W+/g, "-")}-${names[t.name]}`; // a part of selectors
  }
  await Plotly.react(plot, traces, lay, {
    ...config, toImageButtonOptions: { format: "png", scale: 2, filename: id.replace("plot-", "quant-") },
  });
  // The caption describes the drawing, and the tables have its numbers.
  for (const svg of plot.querySelectorAll("svg.main-svg")) svg.setAttribute("aria-hidden", "true");
}
