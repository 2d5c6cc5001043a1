// Notes on how text was read, with other possible readings.
import { byId, count, element } from "./format.js";

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");

/**
 * readingOf builds the lines below the values that say how the server has read them. Chosen is the requested reading, or
 * null; change is called with another reading.
 */
export function readingOf(account, chosen, change) {
  if (!account) return [];
  const lines = [element("p", {}, `Read as ${account.recognised}.`)];
  for (const note of account.notes ?? []) {
    const line = element("p", { className: note.doubtful ? "doubt" : "" }, sentence(note.text), " ");
    if (note.other) line.append(button(sentence(note.gives).replace(/\.$/, ""), () => change(note.other)));
    lines.push(line);
  }
  if (chosen) lines.push(element("p", {}, "This reading was chosen. ", button("Let the page choose", () => change(null))));
  return lines;
}

function button(label, press) {
  const b = element("button", { type: "button" }, label);
  b.addEventListener("click", press);
  return b;
}

/** fileNotes builds the lines below the name of a file: its kind, and what was left out. readingOf says how its text was read. */
export function fileNotes(report) {
  const lines = [];
  if (report.quantized) {
    lines.push(`${report.quantized.startsWith("no ") ? "Quantized in part" : "Quantized already"}: ${report.quantized}.`);
  }
  const leftOut = report.left_out ?? [];
  for (const { name, reason } of leftOut.slice(0, mostLeftOut)) lines.push(`Left out: ${name}, ${reason}.`);
  if (leftOut.length > mostLeftOut) lines.push(`Left out: ${count(leftOut.length - mostLeftOut)} more.`);
  return lines.map((line) => element("p", {}, line));
}

const mostLeftOut = 5; // that are named

/** clearReading removes the notes when the values change. */
export function clearReading() {
  byId("reading").replaceChildren();
  byId("file-reading").replaceChildren();
}
