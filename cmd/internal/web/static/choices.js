// The choices of the form, with the names of the library and an explanation of each.
import { byId, element } from "./format.js";

/** choices are the lists of the server. A method has a name and a purpose; a format also the values of its codes. */
export const choices = { methods: [], mappings: [], formats: [] };

const titles = { minmax: "min and max", mse: "least squared error", mae: "least absolute error" };

/** titleOf names a method for people. */
export const titleOf = (method) => titles[method.name] ?? method.name;

/** formatOf returns a format by its name; undefined for integers. */
export const formatOf = (name) => choices.formats.find((f) => f.name === name);

/** levelsOf returns the values of a format in ascending order, each once, with a scale of 1. */
export function levelsOf(format) {
  const finite = format.values.filter((v) => v !== null);
  return [...new Set(finite.map((v) => v + 0))].sort((a, b) => a - b); // -0 and 0 are the same
}

/** offer fills the lists of the form with the choices. */
export function offer({ methods, mappings, formats, divisors, scale_formats: scales }) {
  Object.assign(choices, { methods, mappings, formats });
  byId("divisor").replaceChildren(...divisors.map((d) => element("option", { value: d === "far" ? "" : d }, d)));
  byId("scales").replaceChildren(...scales.map((s) => element("option", { value: s === "float32" ? "" : s }, s)));
  byId("method").replaceChildren(...methods.map((m) => element("option", { value: m.name }, titleOf(m))));
  byId("format").replaceChildren(element("option", { value: "" }, "Integers"),
    ...formats.map((f) => element("option", { value: f.name }, `${f.title} · ${f.bits} bits`)));
  byId("formats-words").replaceChildren(...formats.flatMap((f) => [
    element("dt", {}, f.title), element("dd", {}, `${f.about} `, element("span", { className: "source" }, `Source: ${f.source}.`))]));
}

/** methodChosen returns the method of the form. */
export const methodChosen = () => choices.methods.find((m) => m.name === byId("method").value) ?? choices.methods[0];

const divisors = {
  "": "The largest magnitude is divided by 2^(bits−1).",
  half: "The largest magnitude is divided by half the width of the grid, (2^bits − 1)/2.",
  each: "Each end is divided by the distance to its end of the grid, and the larger scale is taken: nothing is clipped.",
};

/** explainScales says what the divisor and the format of scales do. */
export function explainScales(symmetric) {
  const scales = byId("scales").value;
  byId("divisor-hint").textContent = (symmetric ? divisors[byId("divisor").value] : "The divisor is for integers and the symmetric mapping.") +
    (scales ? ` Scales are rounded to ${scales} before codes are made.` : "");
}

/** explain shows the explanations of the current choices. */
export function explain(mapping) {
  const method = methodChosen();
  byId("method-hint").textContent = `${method.name} ${method.purpose}.`;
  const m = choices.mappings.find((x) => x.name === mapping);
  byId("mapping-hint").textContent = `${m.name.charAt(0).toUpperCase()}${m.name.slice(1)} ${m.purpose}.`;
  const f = formatOf(byId("format").value);
  byId("format-hint").textContent = f ? `${f.about} Source: ${f.source}.`
    : "Whole numbers, a step of one scale apart. A scale and a zero point say which values they stand for.";
  byId("format-why").hidden = !f;
  if (f) byId("format-why").textContent = `A code of ${f.title} has ${f.bits} bits, a sign and no zero point, so bit width, integers, mapping, narrow range and zero in range do not apply.`;
}
