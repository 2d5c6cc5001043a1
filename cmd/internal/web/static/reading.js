// How the text was read, and readings that the user may have meant instead.
import { byId, count, element, plural } from "./format.js";

/** doubts lists other readings of a text, each with the text that has that reading. */
export function doubts(text) {
  const list = [];
  const lines = text.split("\n").map((l) => l.replace(/#.*/, "").trim()).filter((l) => l !== "");
  const semicolons = lines.some((l) => l.replace(/;$/, "").includes(";"));
  const parts = lines.flatMap((l) => l.split(";")).map((s) => s.trim()).filter((s) => s !== "");
  if (semicolons && parts.every((s) => /^[-+\u2212]?\d+,\d+$/.test(s))) {
    list.push({
      message: "A comma was read as a separator.", label: "Read decimal commas",
      text: text.replace(/(\d),(\d)/g, "$1.$2").replaceAll(";", " "),
    });
  } else if (semicolons && lines.length > 1 && parts.every((s) => !/[\s,]/.test(s))) {
    list.push({
      message: "Each semicolon ended a channel.", label: "Read semicolons as separators between values",
      text: text.replaceAll(";", " "),
    });
  }
  return list;
}

/** readAs returns the words for how values were read: by the server's account if it gives one, else by the shape. */
export function readAs(tensor, account) {
  if (account?.recognised) return account.recognised;
  const perChannel = tensor.elements / tensor.channels;
  if (tensor.shape.length > 2) return `a ${tensor.shape.join(" × ")} array`;
  return `${plural(tensor.channels, "channel")} × ${count(perChannel)} ${perChannel === 1 ? "value" : "values"}`;
}

/** readingOf builds the lines below the text area. Change is called with the text of another reading. */
export function readingOf(text, tensor, account, change) {
  const lines = [element("p", {}, `Read as ${readAs(tensor, account)}.`)];
  for (const note of account?.notes ?? []) lines.push(element("p", {}, note));
  for (const d of doubts(text)) {
    const button = element("button", { type: "button" }, d.label);
    button.addEventListener("click", () => change(d.text));
    lines.push(element("p", {}, `${d.message} `, button));
  }
  return lines;
}

/** fileNotes builds the lines below the name of a file: how it was read, and what of it was left out. */
export function fileNotes(report) {
  const lines = [];
  if (report.quantized) {
    lines.push(`${report.quantized.startsWith("no ") ? "Quantized in part" : "Quantized already"}: ${report.quantized}.`);
  }
  if (report.read_as) lines.push(`Read as ${report.read_as}.`);
  for (const { text, line } of report.notes ?? []) lines.push(`${line ? `Line ${line}: ` : ""}${text}.`);
  const leftOut = report.left_out ?? [];
  for (const { name, reason } of leftOut.slice(0, mostLeftOut)) lines.push(`Left out: ${name}, ${reason}.`);
  if (leftOut.length > mostLeftOut) lines.push(`Left out: ${count(leftOut.length - mostLeftOut)} more.`);
  return lines.map((line) => element("p", {}, line));
}

const mostLeftOut = 5; // that are named

/** clearReading takes the account away: the values have changed or are not text. */
export function clearReading() {
  byId("reading").replaceChildren();
  byId("file-reading").replaceChildren();
}
