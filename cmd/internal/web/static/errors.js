// Errors. Each is shown at its field and in the banner above the results.
import { Refusal } from "./api.js";
import { byId, element } from "./format.js";

const fields = ["text", "file", "tensor", "axis", "bits", "mapping", "narrow_range", "divisor", "scales", "signed_scale", "format", "method", "group_size", "group_axis", "channel", "importance"];

/** The elements that errors of a field mark, for fields whose element has another name. */
const marked = { method: () => byId(byId("percentile-field").hidden ? "method" : "percentile") };

const control = (field) => marked[field]?.() ?? byId(field);

let lead = null; // goes to the field of the error that is shown; null if it has no field

/** clearErrors removes all errors. */
export function clearErrors() {
  lead = null;
  for (const field of fields) byId(`${field}-error`).hidden = true;
  for (const e of document.querySelectorAll('[aria-invalid="true"]')) e.removeAttribute("aria-invalid");
  byId("banner").hidden = true;
}

/** showError shows an error in the banner and, if it has a field, at that field. */
export function showError(error) {
  clearErrors();
  const message = error instanceof Refusal ? said(error) : `Something went wrong: ${error.message}`;
  const field = fieldOf(error);
  const banner = byId("banner-said");
  banner.replaceChildren(message);
  if (field) {
    const box = byId(`${field}-error`);
    box.closest("details")?.setAttribute("open", "");
    box.replaceChildren(...place(error, field), message);
    box.hidden = false;
    control(field)?.setAttribute("aria-invalid", "true");
    const go = element("button", { type: "button" }, "Show the field");
    lead = () => {
      if (field === "text" && error.line) goTo(error.line, error.column);
      else control(field)?.focus({ preventScroll: true });
      box.scrollIntoView({ block: "center", behavior: "instant" });
    };
    go.addEventListener("click", lead);
    banner.replaceChildren(...place(error, ""), message, " ", go);
  }
  byId("banner").hidden = false;
}

/** showPlace brings the error that is shown into view, at its field if it has one. It reports whether there is an error. */
export function showPlace() {
  if (byId("banner").hidden) return false;
  if (lead) lead();
  else byId("banner").scrollIntoView({ block: "nearest", behavior: "instant" });
  return true;
}

/** fieldOf returns the field at which an error is shown, or "" if its field is not visible. */
function fieldOf(error) {
  const shown = (f) => fields.includes(f) && !byId(`${f}-error`).parentElement.closest("[hidden]");
  if (shown(error.field)) return error.field;
  return error.field === "text" && shown("file") ? "file" : "";
}

/** place names the line and the column of an error. For the text area it is a button that goes there. */
function place(error, field) {
  if (!error.line || !["text", "file"].includes(error.field)) return []; // for other fields it is a place in the JSON
  const words = `Line ${error.line}, column ${error.column}`;
  if (field !== "text") return [`${words}: `];
  const go = element("button", { type: "button" }, words);
  go.setAttribute("aria-label", `Go to line ${error.line}, column ${error.column}`);
  go.addEventListener("click", () => goTo(error.line, error.column));
  return [go, ": "];
}

/** said rewrites the server's message about a number in the words of the page. */
export function said(error) {
  if (error.field === "bits" && error.status === 400) return "A whole number from 2 to 16 is wanted here.";
  if (error.field === "group_size" && error.status === 400) return "A whole number is wanted here, or nothing for no groups.";
  const named = /^[a-z]+: /.test(error.message); // begins with the name of a format
  return (named ? error.message.charAt(0) : error.message.charAt(0).toUpperCase()) + error.message.slice(1) +
    (/[.!?]$/.test(error.message) ? "" : ".");
}

/** goTo selects the word at a place of the text. */
function goTo(line, column) {
  const text = byId("text"), lines = text.value.split("\n");
  let at = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  at += Array.from(lines[line - 1] ?? "").slice(0, column - 1).join("").length;
  const word = /^[^\s,;#]*/.exec(text.value.slice(at))[0];
  text.focus();
  text.setSelectionRange(at, at + word.length);
  text.scrollTop = Math.max(0, (line - 3) * parseFloat(getComputedStyle(text).lineHeight));
}
