// The formulas with the numbers of one value. A line is a formula only if it gives the library's
// result; otherwise the line has only the result.
import { formatOf } from "./choices.js";
import { element, label, minus, number } from "./format.js";

const n = (x) => (x < 0 ? `(${minus(String(x))})` : String(x));
const near = (a, b) => Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));

/** codesOf returns the least and the greatest code of a scheme. */
export function codesOf(scheme) {
  const half = 2 ** (scheme.bits - 1);
  const [least, most] = scheme.unsigned ? [0, 2 * half - 1] : [-half, half - 1];
  return [scheme.narrow_range ? least + 1 : least, most];
}

/** rangeOf returns the range of a scheme if it is known: for the method minmax, and not for groups. */
function rangeOf(t, r, channel) {
  const s = r.scheme;
  if (s.method !== "minmax" || s.granularity === "per_group") return null;
  const { min, max } = s.granularity === "per_channel" ? r.channels[channel] : t;
  return s.zero_in_range ? [Math.min(min, 0), Math.max(max, 0)] : [min, max];
}

/** scaleLine returns the arithmetic of a scale. */
function scaleLine(s, range, scale, [least, most]) {
  if (range) {
    const [low, high] = range;
    if (s.mapping === "asymmetric" && near((high - low) / (most - least), scale)) {
      return `scale = (${number6(high)} − ${n6(low)}) / (${most} − ${n(least)}) = ${minus(scale)}`;
    }
    const middle = s.unsigned ? 2 ** (s.bits - 1) : 0;
    const steps = s.divisor === "half" ? (most - least) / 2 : Math.max(Math.abs(least - middle), Math.abs(most - middle));
    if (s.divisor === "each" && near(Math.max(low / (least - middle), high / (most - middle)), scale)) {
      return `scale = max(${number6(low)} / ${n(least - middle)}, ${number6(high)} / ${most - middle}) = ${minus(scale)}`;
    }
    if (s.signed_scale && scale < 0 && near(-Math.max(Math.abs(low), Math.abs(high)) / steps, scale)) {
      return `scale = −${number6(high)} / ${steps} = ${minus(scale)}, negative since the largest magnitude is positive`;
    }
    if (s.mapping === "symmetric" && near(Math.max(Math.abs(low), Math.abs(high)) / steps, scale)) {
      return `scale = max(|${number6(low)}|, |${number6(high)}|) / ${steps} = ${minus(scale)}`;
    }
  }
  const why = s.scales ? `rounded to ${s.scales}` : s.method === "minmax" ? (s.granularity === "per_group" ? "of the value’s group" : "kept large enough for the zero point") : `chosen by ${s.method.replace("=", " ")}`;
  return `scale = ${minus(scale)} (${why})`;
}

const number6 = (x) => minus(String(Number(x.toPrecision(7))));
const n6 = (x) => (x < 0 ? `(${number6(x)})` : number6(x));

/** formatLines is linesOf for a format: a code is the index of a value in its table. */
function formatLines(format, range, s, { x, scale, q, back, error }) {
  const largest = Math.max(...format.values.map((v) => Math.abs(v ?? 0)));
  const lines = [range && near(Math.max(Math.abs(range[0]), Math.abs(range[1])) / largest, scale)
    ? `scale = max(|${number6(range[0])}|, |${number6(range[1])}|) / ${largest} = ${minus(scale)}`
    : scaleLine({ ...s, mapping: "" }, null, scale, [0, 0])];
  lines.push(`x / scale = ${number6(x)} / ${number6(scale)} = ${number6(Math.fround(x / scale))}`);
  lines.push(`q = ${q}, the code of the nearest value of ${format.title}, ${number6(format.values[q])}`);
  lines.push(`x̂ = ${number6(format.values[q])} · ${number6(scale)} = ${number6(back)}`);
  lines.push(`error = ${number6(back)} − ${n6(x)} = ${number(error)}`);
  return lines;
}

/** linesOf returns the arithmetic of value i of a page under one result. */
export function linesOf(t, page, i, k) {
  const r = t.results[k], s = r.scheme, own = page.results[k];
  const x = page.original[i], scale = own.scale[i], zero = own.zero_point[i], q = own.codes[i];
  const [least, most] = codesOf(s);
  const range = rangeOf(t, r, page.channel[i]);
  const format = formatOf(s.format);
  if (format) return formatLines(format, range, s, { x, scale, q, back: own.reconstructed[i], error: own.errors[i] });
  const lines = [scaleLine(s, range, scale, [least, most])];
  lines.push(s.mapping === "asymmetric" && range && Math.round(least - range[0] / scale) === zero
    ? `zero point = round(${minus(least)} − ${n6(range[0])} / ${number6(scale)}) = ${minus(zero)}`
    : `zero point = ${minus(zero)}`);
  lines.push(`q = clamp(round(${number6(x)} / ${number6(scale)}) + ${n(zero)}, ${minus(least)}, ${minus(most)}) = ${minus(q)}`);
  lines.push(`x̂ = (${minus(q)} − ${n(zero)}) · ${number6(scale)} = ${number6(own.reconstructed[i])}`);
  lines.push(`error = ${number6(own.reconstructed[i])} − ${n6(x)} = ${number(own.errors[i])}`);
  return lines;
}

/** arithmeticOf builds the arithmetic of value i of a page under every scheme. */
export function arithmeticOf(t, page, i) {
  const parts = [element("h3", {}, `Value ${page.from + i}, x = ${number6(page.original[i])}`)];
  t.results.forEach((r, k) => {
    parts.push(element("h4", {}, label(r.scheme)), ...linesOf(t, page, i, k).map((line) => element("p", { className: "formula" }, line)));
  });
  return parts;
}
