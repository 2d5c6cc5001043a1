// The weights of a model: one row each, to search, sort and choose from.
import { postJSON } from "./api.js";
import { said } from "./errors.js";
import { drawGain, drawHeat } from "./model.js";
import { byId, count, decibels, element, label, number, plural, times } from "./format.js";

const most = 200; // rows shown at once; the search finds the others

/** Weights is the table. It calls choose with the index, in the file, of the weight that was pressed. */
export class Weights {
  constructor(choose) {
    this.choose = choose;
    this.sortBy = -1; // in the order of the file
    this.descending = true;
    byId("weights-search").addEventListener("input", () => this.draw());
  }

  /** show compares all weights of the file of a request, unless they are shown already. */
  async show(asked, listing) {
    const section = byId("weights-section");
    section.hidden = !listing || listing.tensors.length < 2;
    this.running?.abort();
    if (section.hidden) {
      this.key = null;
      return;
    }
    const { axis: _, group_axis: __, ...options } = asked.request.options; // the file has the axes
    const key = JSON.stringify([asked.request.example ?? "", options]);
    const importance = ofAll(asked.request.importance);
    if (this.key === key && this.file === asked.file && this.importance === importance) return;
    const mine = (this.running = new AbortController());
    this.key = null;
    byId("weights-said").textContent = "Comparing all weights…";
    try {
      const { tensor: ___, ...rest } = { ...asked.request, importance };
      const report = await postJSON("api/compare", { ...rest, options }, asked.file, mine.signal);
      const place = new Map(listing.tensors.map((t, i) => [t.name, i]));
      const columns = columnsOf(report);
      Object.assign(this, { report, place, columns, key, file: asked.file, importance });
      this.draw();
      const { totals, elements, float32_bytes: full } = report.summary;
      await drawGain(report, (name) => this.choose(place.get(name)));
      byId("weights-said").textContent = `${plural(report.tensors.length, "weight")} of ${count(elements)} values, ${count(full)} bytes as float32. ` +
        totals.map((t) => `${label({ ...t, group_size: options.group_size })}: ${count(t.memory.total_bytes)} bytes, ${decibels(t.sqnr_db)} dB`).join(". ") + ".";
      await this.showHeat(rest, options, asked.file, mine);
    } catch (error) {
      if (error.name === "AbortError") return;
      byId("weights").replaceChildren();
      byId("plot-gain").hidden = byId("plot-heat").hidden = true;
      byId("weights-said").textContent = said(error);
    }
  }

  /** showHeat sweeps the widths of all weights, or the formats if one is chosen. If it fails, the rest stays visible. */
  async showHeat(rest, { bits: _, ...options }, file, mine) {
    byId("heat-head").textContent = options.format ? "Each weight in other formats" : "Each weight at other widths";
    byId("note-heat").textContent = options.format ? "Comparing formats…" : "Comparing widths…";
    try {
      const sweep = await postJSON("api/sweep", { ...rest, options }, file, mine.signal);
      await drawHeat(sweep, (name) => this.choose(this.place.get(name)));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      byId("note-heat").textContent = said(error);
      byId("plot-heat").hidden = true;
    }
  }

  /** again draws the graphs in other colours. */
  async again() {
    if (!this.key) return;
    await drawGain();
    await drawHeat();
  }

  draw() {
    if (!this.report) return;
    const words = byId("weights-search").value.toLowerCase().split(/\s+/);
    const rows = this.report.tensors.filter((t) => words.every((w) => t.name.toLowerCase().includes(w)));
    if (this.sortBy >= 0) {
      const { key } = this.columns[this.sortBy], sign = this.descending ? -1 : 1;
      const keys = new Map(rows.map((t) => [t, key(t) ?? Infinity]));
      rows.sort((a, b) => sign * (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0));
    }
    byId("weights").replaceChildren(element("caption", { className: "unseen" }, "Weights of the file"),
      element("thead", {}, this.head()), element("tbody", {}, ...rows.slice(0, most).map((t) => this.row(t))));
    byId("weights-found").textContent = rows.length > most ? `The first ${most} of ${count(rows.length)} are shown.` : `${plural(rows.length, "weight")}.`;
  }

  head() {
    const row = element("tr");
    this.columns.forEach((c, i) => {
      const sorted = i === this.sortBy;
      const button = element("button", { type: "button", className: "sort" }, c.name,
        element("span", { className: "arrow", ariaHidden: "true" }, sorted ? (this.descending ? "↓" : "↑") : ""));
      button.addEventListener("click", () => {
        this.descending = sorted ? !this.descending : i > 0;
        this.sortBy = i;
        this.draw();
        byId("weights").querySelectorAll(".sort")[i].focus();
      });
      const th = element("th", { scope: "col" }, button);
      th.setAttribute("aria-sort", sorted ? (this.descending ? "descending" : "ascending") : "none");
      row.append(th);
    });
    return row;
  }

  row(t) {
    const row = element("tr");
    this.columns.forEach((c, i) => {
      if (i > 0) {
        row.append(element("td", {}, c.show(t)));
        return;
      }
      const button = element("button", { type: "button", className: "to-channel" }, t.name);
      button.addEventListener("click", () => this.choose(this.place.get(t.name)));
      row.append(element("th", { scope: "row" }, button));
    });
    return row;
  }
}

/** ofAll returns the importances if they are of all weights: a file. A list is of the tensor that is chosen. */
export const ofAll = (importance) => (importance instanceof File ? importance : undefined);

/** columnsOf lists the columns, each with its order and its cells. */
function columnsOf(report) {
  const results = report.tensors[0]?.results ?? [];
  return [
    { name: "weight", key: (t) => t.name },
    { name: "shape", key: (t) => t.elements, show: (t) => t.shape.join("×") },
    { name: "use", key: (t) => t.use, show: (t) => t.use || "–" },
    { name: "min", key: (t) => t.min, show: (t) => number(t.min, 3) },
    { name: "max", key: (t) => t.max, show: (t) => number(t.max, 3) },
    ...results.map((r, i) => ({
      name: `dB ${label(r.scheme).toLowerCase()}`, key: (t) => t.results[i]?.sqnr_db, show: (t) => (t.results[i] ? decibels(t.results[i].sqnr_db, t.results[i].rmse) : "–"),
    })),
    ...(report.options.importance ? results.map((r, i) => ({
      name: `weighted dB ${label(r.scheme).toLowerCase()}`, key: (t) => t.results[i]?.weighted?.sqnr_db,
      show: (t) => (t.results[i]?.weighted ? decibels(t.results[i].weighted.sqnr_db, t.results[i].weighted.rmse) : "–"),
    })) : []),
    { name: "gain", key: (t) => t.results[1].gain?.rmse_factor, show: (t) => (t.results[1].gain ? times(t.results[1].gain.rmse_factor) : "–") },
    { name: "bytes", key: (t) => t.results[1].memory.total_bytes, show: (t) => count(t.results[1].memory.total_bytes) },
  ];
}
