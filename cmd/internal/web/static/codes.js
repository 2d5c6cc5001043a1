// Codes and reconstructed values, element by element, and the arithmetic of one element with its
// numbers.
import { postJSON } from "./api.js";
import { said } from "./errors.js";
import { byId, count, element, kind, label, minus, number } from "./format.js";

const rows = 20; // on a page

/** Codes is the paged table. It asks the server for one page at a time. */
export class Codes {
  constructor() {
    this.from = 0;
    byId("codes-back").addEventListener("click", () => this.turn(this.from - rows));
    byId("codes-on").addEventListener("click", () => this.turn(this.from + rows));
  }

  /** show shows the first page of a request, unless it has more values than the limit. */
  show(report, asked, most) {
    Object.assign(this, { report, asked });
    if (report.tensors[0].elements > most) {
      this.request?.abort();
      this.none(`Codes are listed of tensors of at most ${count(most)} values. The command line writes those of any: quant compare --codes --format json FILE.`);
      return null;
    }
    return this.turn(0);
  }

  async turn(from) {
    this.request?.abort();
    const mine = (this.request = new AbortController());
    try {
      const asked = postJSON("api/codes", { ...this.asked.request, from: Math.max(from, 0), count: rows }, this.asked.file, mine.signal);
      const [page, arithmetic] = await Promise.all([asked, import("./arithmetic.js")]); // which is not needed for the verdict
      if (mine.signal.aborted) return;
      this.arithmeticOf = arithmetic.arithmeticOf;
      const parts = tableOf(page, (i) => this.choose(page, i));
      this.from = page.from;
      byId("codes").replaceChildren(...parts);
      byId("codes-said").textContent = `Values ${count(page.from + 1)}–${count(page.from + page.original.length)} of ${count(page.total)}`;
      byId("codes-back").disabled = page.from === 0;
      byId("codes-on").disabled = page.from + page.original.length >= page.total;
      byId("codes-body").hidden = false;
      byId("codes-none").hidden = true;
      this.choose(page, 0);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.none(said(error));
    }
  }

  /** none shows why there are no codes. */
  none(why) {
    byId("codes-body").hidden = true;
    byId("codes-none").hidden = false;
    byId("codes-none").textContent = why;
  }

  /** choose shows the arithmetic of a row. */
  choose(page, i) {
    byId("codes").querySelectorAll("tbody tr").forEach((row, j) => row.classList.toggle("chosen-row", j === i));
    byId("arithmetic").replaceChildren(...this.arithmeticOf(this.report.tensors[0], page, i));
  }
}

/** tableOf builds the table of a page. */
export function tableOf(page, choose) {
  const over = element("tr", { className: "spans" }, element("td", { colSpan: 3 }));
  const head = element("tr", {}, ...["Value", "Channel", "x"].map((name) => element("th", { scope: "col" }, name)));
  for (const r of page.results) {
    over.append(element("th", { scope: "colgroup", colSpan: 3, className: "edge" }, element("span", { className: `swatch ${kind(r.scheme)}` }), label(r.scheme)));
    ["q", "x̂", "error"].forEach((name, i) => head.append(element("th", { scope: "col", className: i === 0 ? "edge" : "" }, name)));
  }
  const body = element("tbody");
  page.original.forEach((x, i) => {
    const button = element("button", { type: "button", className: "to-channel" }, count(page.from + i));
    button.setAttribute("aria-label", `Value ${page.from + i}: write out its arithmetic`);
    button.addEventListener("click", () => choose(i));
    const row = element("tr", {}, element("th", { scope: "row" }, button), element("td", {}, String(page.channel[i])), cell(x));
    for (const r of page.results) {
      const q = element("td", { className: "edge" }, minus(r.codes[i]));
      q.dataset.value = r.codes[i];
      row.append(q, cell(r.reconstructed[i]), cell(r.errors[i]));
    }
    body.append(row);
  });
  return [element("caption", { className: "unseen" }, "Original value, code, reconstructed value and error of each scheme"),
    element("thead", {}, over, head), body];
}

function cell(x) {
  const td = element("td", { title: minus(x) }, number(x));
  td.dataset.value = JSON.stringify(x);
  return td;
}
