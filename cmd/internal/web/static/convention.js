// The conventions of other systems: presets that set the form, and the codes in which they differ from its scheme.
import { postJSON } from "./api.js";
import { byId, count, element, minus, number, plural } from "./format.js";
import { setScheme } from "./inputs.js";

let conventions = [];

const of = (name) => conventions.find((c) => c.name === name);

/** load asks for the conventions and fills their lists, those of a system together. */
export async function load() {
  if (conventions.length > 0) return;
  ({ conventions } = await (await fetch("api/conventions")).json());
  for (const id of ["convention", "against"]) {
    const groups = new Map();
    for (const c of conventions) {
      if (!groups.has(c.system)) groups.set(c.system, element("optgroup", { label: c.system }));
      groups.get(c.system).append(element("option", { value: c.name }, c.name));
    }
    byId(id).append(...groups.values());
  }
}

/** choose sets the form to the scheme of the chosen convention. */
export function choose() {
  const c = of(byId("convention").value);
  if (c) setScheme(c.options);
  explain();
}

/** leave forgets the convention, because an option was changed by hand. */
export function leave() {
  byId("convention").value = "";
  explain();
}

/** explain says what the chosen convention does, with a link to its source. */
export function explain() {
  const c = of(byId("convention").value);
  byId("convention-hint").hidden = byId("against-field").hidden = !c;
  byId("against-said").replaceChildren();
  if (!c) return;
  byId("convention-hint").replaceChildren(`${c.name} ${c.purpose}. ${c.says} `,
    element("a", { href: c.link, target: "_blank", rel: "noreferrer" }, "Source"), `: ${c.source}.`);
}

/** schemeOf writes options as the text of a scheme. */
function schemeOf(o, granularity) {
  if (o.format) return [o.format, granularity, ...(o.scales ? [`scale=${o.scales}`] : []), o.method].join(":");
  return [`${o.unsigned ? "uint" : "int"}${o.bits}`, o.mapping, granularity, ...(o.divisor ? [`divisor=${o.divisor}`] : []),
    ...(o.scales ? [`scale=${o.scales}`] : []), ...(o.signed_scale ? ["signed-scale"] : []), ...(o.narrow_range ? ["narrow"] : []), ...(o.zero_in_range ? ["zero"] : []), o.method].join(":");
}

/** compareCodes shows how many codes of the convention differ from the scheme of the form, or from another convention. */
export async function compareCodes(asked, signal) {
  const c = of(byId("convention").value), box = byId("against-said");
  if (!c) return;
  const size = c.granularity === "per_group" ? c.options.group_size : 0;
  const granularity = size ? `g${size}` : "channel";
  const other = byId("against").value;
  const between = [`${c.name}:${granularity}`, other ? `${other}:${granularity}` : schemeOf(asked.request.options, granularity)];
  try {
    const d = await postJSON("api/diff", { ...asked.request, between }, asked.file, signal);
    signal.throwIfAborted();
    box.textContent = saidOf(d, size, [c.name, other || "the scheme of the options"]);
  } catch (error) {
    if (error.name !== "AbortError") box.textContent = `There is no comparison: ${error.message}.`;
  }
}

/** saidOf says in sentences how two ways of quantizing, which have names, differ. */
function saidOf({ tensors: [t] }, size, names) {
  const where = size ? `in groups of ${size}` : "per channel";
  const n = t.changed_codes ?? t.changed_values;
  const what = t.changed_codes === null ? "values" : "codes";
  if (n === 0 && t.changed_values === 0) return `All ${count(t.elements)} codes and values are the same ${where}.`;
  const said = [`${count(n)} of ${count(t.elements)} ${what} ${n === 1 ? "differs" : "differ"} ${where}, and ${plural(t.changed_values, "value")} by at most ${number(t.max_difference)}.`];
  if (t.first) {
    const codes = t.first.codes ? `the codes ${minus(t.first.codes[0])} and ${minus(t.first.codes[1])}` : `${number(t.first.values[0])} and ${number(t.first.values[1])}`;
    said.push(`The first is value ${count(t.first.index)}, with ${codes}.`);
  }
  const cost = t.cost_db;
  if (cost) said.push(`The SQNR of ${names[cost > 0 ? 1 : 0]} is ${number(Math.abs(cost), 3)} dB lower.`);
  return said.join(" ");
}
