// The inputs: what they hold, and the examples and files that fill them.
import { postJSON } from "./api.js";
import { choices, explain, explainScales, formatOf, methodChosen } from "./choices.js";
import { byId, element, plural } from "./format.js";
import { clearReading } from "./reading.js";
import * as store from "./store.js";

const checked = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

/** inputs has the state that the form does not hold. */
export const inputs = {
  examples: [],
  file: null, // the chosen file, or the files of a model as an array with a name
  reading: null, // reading of text that replaces the server's choice
  importance: null, // the chosen file of importances
  own: "", // values of the user, beside an example
  listing: null, // the tensors of the file, or of an example that is a file
  channel: null, // of the histogram; null lets the server choose
};

export const example = () => inputs.examples.find((e) => e.id === byId("example").value);

/** options returns the options that are set. Text that is not a number is sent unchanged: the server reports the error. */
export function options() {
  const n = (id) => {
    const input = byId(id);
    if (input.value === "") return input.validity.badInput ? "?" : null;
    return Number(input.value);
  };
  const axis = byId("axis-field").hidden ? 0 : Number(byId("axis").value || 0);
  const size = n("group_size") ?? 0;
  const along = byId("group_axis").value;
  const method = methodChosen();
  const common = {
    axis,
    group_size: size,
    group_axis: size !== 0 && along !== "" ? Number(along) : null,
    method: method.value ? `${method.name}=${byId("percentile").value}` : method.name,
    ...(byId("scales").value ? { scales: byId("scales").value } : {}),
  };
  const format = formatOf(byId("format").value);
  if (format) return { ...common, format: format.name, bits: format.bits, unsigned: false, mapping: "symmetric", narrow_range: false, zero_in_range: false };
  return {
    ...common,
    bits: n("bits") ?? "?",
    unsigned: checked("sign") === "unsigned",
    mapping: checked("mapping"),
    narrow_range: byId("narrow_range").checked,
    zero_in_range: byId("zero_in_range").checked,
    ...(byId("divisor").value ? { divisor: byId("divisor").value } : {}),
    ...(byId("signed_scale").checked ? { signed_scale: true } : {}),
  };
}

/** showMethod shows the field for the value of a method, such as a percentile, if the method takes one. */
export function showMethod() {
  const method = methodChosen();
  byId("percentile-field").hidden = !method.value;
  byId("percentile-label").textContent = ["percentile", "magnitude"].includes(method.name) ? "P, percent" : method.value ?? "";
  explain(checked("mapping"));
}

/** showCodes disables options that do not go with the format, the mapping and the sign, and shows the reason. */
export function showCodes() {
  const format = formatOf(byId("format").value);
  for (const e of document.querySelectorAll('#bits, #bits-slider, #zero_in_range, [name="sign"], [name="mapping"]')) e.disabled = Boolean(format);
  for (const o of byId("method").options) o.disabled = Boolean(format && choices.methods.find((m) => m.name === o.value)?.integers);
  if (byId("method").selectedOptions[0]?.disabled) byId("method").selectedIndex = 0;
  const why = format ? "" : checked("mapping") !== "symmetric"
    ? "Not with the asymmetric mapping: its range fits the codes from end to end, so there is no code to leave out."
    : checked("sign") === "unsigned" ? "Not with unsigned codes: they have no negative code to leave out." : "";
  const box = byId("narrow_range");
  box.disabled = Boolean(format) || why !== "";
  if (why) box.checked = false;
  byId("narrow_range-why").textContent = why;
  byId("narrow_range-why").hidden = why === "";
  const symmetric = !format && checked("mapping") === "symmetric";
  byId("divisor").disabled = !symmetric;
  if (!symmetric) byId("divisor").value = "";
  const signed = byId("signed_scale");
  signed.disabled = !symmetric;
  if (!symmetric) signed.checked = false;
  explainScales(symmetric);
  showMethod();
}

/** request returns the request for the inputs. */
export function request() {
  const r = { options: options() };
  const chosen = example();
  if (inputs.reading) r.reading = inputs.reading;
  const importance = inputs.importance ?? byId("importance").value.trim();
  if (importance) r.importance = importance;
  if (inputs.listing) r.tensor = Number(byId("tensor").value || 0);
  if (inputs.file) r.name = inputs.file.name;
  else if (chosen?.file) r.example = chosen.id;
  else {
    r.text = byId("text").value;
    r.name = chosen && chosen.text === r.text ? chosen.id : "values";
  }
  return r;
}

/** asState returns the inputs for a link. */
export function asState() {
  const chosen = example();
  const asWas = chosen && (chosen.file || chosen.text === byId("text").value);
  return {
    example: !inputs.file && asWas ? chosen.id : "", file: inputs.file?.name ?? "", text: byId("text").value,
    tensor: inputs.listing ? Number(byId("tensor").value || 0) : 0, channel: inputs.channel, reading: inputs.reading, options: options(),
    convention: byId("convention").value, against: byId("against").value,
    importance: inputs.importance ?? byId("importance").value.trim(),
  };
}

/** setText replaces the text as typing does, so that undo restores the old text. */
export function setText(value) {
  const text = byId("text");
  if (text.value === value) return;
  const before = document.activeElement;
  text.focus({ preventScroll: true });
  text.setSelectionRange(0, text.value.length);
  inputs.setting = true;
  const done = document.activeElement === text && value.length <= undoable && document.execCommand(value ? "insertText" : "delete", false, value);
  if (!done || text.value !== value) text.value = value;
  inputs.setting = false;
  text.setSelectionRange(0, 0);
  if (before && before !== text && before !== document.body) before.focus({ preventScroll: true });
  else text.blur();
}

const undoable = 200_000; // characters; with more, undo is slow in the browser

/** reset sets all options to their defaults. The text stays, so that its replacement can be undone. */
export function reset() {
  for (const e of byId("inputs").elements) {
    if (e.type === "checkbox" || e.type === "radio") e.checked = e.defaultChecked;
    else if (e.type === "number" || e.type === "range") e.value = e.defaultValue;
    else if (e.localName === "select" && e.id !== "example") e.selectedIndex = 0;
  }
}

/** keepOwn remembers values that the user has typed. */
export function keepOwn() {
  inputs.own = byId("text").value;
  store.keep("own", inputs.own);
}

/** showListing offers the tensors of a file. */
export function showListing(found, tensor) {
  inputs.listing = found;
  const usable = found.tensors.findIndex((t) => t.floating && t.shape.length > 1);
  byId("tensor").replaceChildren(...found.tensors.map((t, i) => element("option", { value: String(i), disabled: !t.floating },
    `${t.name} · ${t.shape.join("×")} ${t.dtype}${t.floating ? "" : " (not floating-point)"}`)));
  const start = tensor > 0 && tensor < found.tensors.length ? tensor : Math.max(usable, 0);
  byId("tensor").value = String(start);
  byId("tensor-field").hidden = found.tensors.length < 2;
  byId("chosen").hidden = !inputs.file;
  byId("chosen-name").textContent = `${found.source} (${found.kind}, ${plural(found.tensors.length, "tensor")})`;
  byId("text-field").hidden = byId("text-hint").hidden = true;
  clearReading();
  showAxes();
}

let axesOf = null; // the tensor whose axes are offered

export function showAxes() {
  const tensor = inputs.listing?.tensors[Number(byId("tensor").value)];
  const shape = tensor?.shape ?? [1, 1], told = tensor?.axis ?? null; // the axis that the operator gives
  const was = tensor !== axesOf && told !== null ? String(told) : byId("axis").value, wasAlong = byId("group_axis").value;
  axesOf = tensor;
  const names = shape.map((n, i) => element("option", { value: String(i) }, `axis ${i} (length ${n}${i === told ? `, outputs of ${tensor.use}` : ""})`));
  byId("axis").replaceChildren(...names.map((o) => o.cloneNode(true)));
  byId("axis").value = Number(was) < shape.length && was !== "" ? was : "0";
  byId("axis-field").hidden = !inputs.listing || shape.length < 2;
  byId("group_axis").replaceChildren(element("option", { value: "" }, "the longest axis"),
    ...(inputs.listing ? names : [element("option", { value: "0" }, "channels"), element("option", { value: "1" }, "values of a channel")]));
  byId("group_axis").value = [...byId("group_axis").options].some((o) => o.value === wasAlong) ? wasAlong : "";
}

export function leaveFile() {
  inputs.file = null;
  inputs.listing = null;
  byId("file").value = byId("folder").value = "";
  byId("chosen").hidden = true;
  byId("tensor-field").hidden = true;
  byId("text-field").hidden = byId("text-hint").hidden = false;
  showAxes();
}

export function describeExample() {
  byId("example-about").textContent = example()?.about ?? (inputs.file ? "Your file." : "Your own values.");
}

/**
 * useExample puts the chosen example, or the user's own values, into the form. At the start there is nothing to undo,
 * and the focus must not move.
 */
export async function useExample(tensor = 0, atStart = false) {
  inputs.reading = null;
  const chosen = example();
  describeExample();
  if (!chosen?.file) {
    leaveFile();
    const text = chosen ? chosen.text : inputs.own;
    if (atStart) byId("text").value = text;
    else setText(text);
    return;
  }
  inputs.file = null;
  byId("file").value = byId("folder").value = "";
  showListing(await postJSON("api/tensors", { example: chosen.id }), tensor);
}

/** setScheme puts the options of a scheme into the form. */
export function setScheme(o) {
  if (!o.format) { // a format determines the width and the mapping
    byId("bits").value = byId("bits-slider").value = o.bits;
    document.querySelector(`input[name="sign"][value="${o.unsigned ? "unsigned" : "signed"}"]`).checked = true;
    document.querySelector(`input[name="mapping"][value="${o.mapping}"]`).checked = true;
    byId("narrow_range").checked = o.narrow_range;
    byId("zero_in_range").checked = o.zero_in_range;
  }
  byId("format").value = o.format ?? "";
  if (byId("format").value === "") byId("format").value = ""; // a format of another version
  for (const id of ["divisor", "scales"]) {
    byId(id).value = o[id] ?? "";
    if (byId(id).selectedIndex < 0) byId(id).selectedIndex = 0; // a name of another version
  }
  byId("signed_scale").checked = o.signed_scale ?? false;
  byId("group_size").value = o.group_size || "";
  showCodes();
  if (o.narrow_range || o.zero_in_range || o.group_size || o.divisor || o.scales || o.signed_scale) byId("advanced").open = true;
}

/** fill puts a state that state.read has returned into the form. */
export async function fill(s) {
  const o = s.options;
  setScheme(o);
  const [method, percent] = o.method.split("=");
  byId("method").value = method;
  if (byId("method").value === "") byId("method").selectedIndex = 0; // a link of another page
  if (percent) byId("percentile").value = percent;
  showMethod();
  if (method !== "minmax") byId("advanced").open = true;
  inputs.channel = s.channel;
  const known = inputs.examples.some((e) => e.id === s.example);
  byId("example").value = known ? s.example : "";
  if (known) await useExample(s.tensor, true);
  else {
    leaveFile();
    if (s.text !== null) inputs.own = s.text;
    byId("text").value = s.text ?? (inputs.own || inputs.examples[0].text);
    describeExample();
  }
  inputs.reading = s.reading;
  if (s.importance || inputs.importance) (await import("./importance.js")).set(s.importance);
  else byId("importance").value = "";
  byId("axis").value = String(o.axis);
  if (byId("axis").value === "") byId("axis").value = "0";
  byId("group_axis").value = o.group_axis === null ? "" : String(o.group_axis);
  byId("convention").value = s.convention ?? "";
  if (byId("convention").selectedIndex < 0) byId("convention").value = ""; // a preset of another version
  byId("against").value = s.against ?? "";
  if (byId("against").selectedIndex < 0) byId("against").value = "";
}
