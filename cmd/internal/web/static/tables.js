// The verdict, the schemes side by side and the table of channels.
import { count, decibels, element, kind, label, minus, number, plural, range, times } from "./format.js";

const byId = (id) => document.getElementById(id);

/** showVerdict shows what a report says in one sentence, and of what. */
export function showVerdict(report) {
  const t = report.tensors[0];
  byId("verdict").textContent = t.verdict;
  const s = t.results[0].scheme;
  const parts = [
    t.name,
    `${t.shape.join("×")} ${t.dtype}`,
    plural(t.channels, "channel") + (t.axis === null || t.shape.length < 2 ? "" : ` on axis ${t.axis}`),
    `${s.bits}-bit ${s.unsigned ? "unsigned" : "signed"} codes`,
    `${s.mapping} mapping`,
  ];
  if (s.narrow_range) parts.push("narrow range");
  if (s.zero_in_range) parts.push("zero in range");
  if (s.method !== "minmax") parts.push(`range by ${s.method.replace("=", " ")}`);
  const g = t.results.find((r) => r.scheme.granularity === "per_group")?.scheme;
  if (g) parts.push(`groups of ${g.group_size} along axis ${g.axis}`);
  byId("about").textContent = parts.join(" · ");
}

/** td is a cell of a number, with all its digits at hand. */
function td(text, value, className = "") {
  const cell = element("td", { className }, text);
  if (value !== undefined) {
    cell.dataset.value = JSON.stringify(value);
    if (typeof value === "number" && !Number.isInteger(value)) cell.title = minus(value);
  }
  return cell;
}

const mark = (scheme) => element("span", { className: `swatch ${kind(scheme)}` });

/** showSchemes fills the table of schemes side by side. */
export function showSchemes(report) {
  const t = report.tensors[0];
  const rows = [
    ["Scale", (r) => td(range(r.scale, number), r.scale.length === 1 ? r.scale[0] : undefined)],
    ["Zero point", (r) => td(range(r.zero_point, minus), r.zero_point.length === 1 ? r.zero_point[0] : undefined)],
    ["MAE", (r) => td(number(r.mae), r.mae), "mae"],
    ["RMSE", (r) => td(number(r.rmse), r.rmse), "rmse"],
    ["Max error", (r) => td(number(r.max_error), r.max_error), "max_error"],
    ["SQNR, dB", (r) => td(decibels(r.sqnr_db), r.sqnr_db), "sqnr_db"],
    ["Clipped", (r) => td(count(r.clipped), r.clipped)],
    ["Payload, bytes", (r) => td(count(r.memory.payload_bytes), r.memory.payload_bytes)],
    ["Metadata, bytes", (r) => td(count(r.memory.metadata_bytes), r.memory.metadata_bytes)],
    ["Total, bytes", (r) => td(count(r.memory.total_bytes), r.memory.total_bytes)],
    ["Compression against float32", (r) => td(times((4 * t.elements) / r.memory.total_bytes))],
    ["RMSE against per tensor", (r) => td(r.gain ? times(r.gain.rmse_factor) + " better" : "–", r.gain?.rmse_factor)],
  ];
  const head = element("tr", {}, element("th", { scope: "col" }, "Scheme"));
  t.results.forEach((r, i) => {
    const cell = element("th", { scope: "col" }, mark(r.scheme), label(r.scheme));
    if (i === t.best && t.results.some((o) => o.rmse !== r.rmse)) {
      cell.append(element("span", { className: "win" }, "lowest RMSE"));
    }
    head.append(cell);
  });
  const body = element("tbody");
  for (const [name, cell, metric] of rows) {
    const row = element("tr", {}, element("th", { scope: "row" }, name));
    row.classList.toggle("rule", name === "Payload, bytes");
    t.results.forEach((r, i) => {
      const made = cell(r);
      if (metric) made.dataset.metric = metric;
      if (name === "RMSE") made.classList.toggle("best", i === t.best);
      row.append(made);
    });
    body.append(row);
  }
  const factor = body.lastElementChild;
  factor.querySelectorAll("td").forEach((cell, i) => {
    const f = t.results[i].gain?.rmse_factor;
    if (f !== undefined && f !== null && f < 1) cell.textContent = times(1 / f) + " worse";
    if (f === 1) cell.textContent = "the same";
    if (f === null) cell.textContent = "exact";
  });
  byId("schemes").replaceChildren(
    element("caption", { className: "unseen" }, "What each scheme does to the tensor"), element("thead", {}, head), body);
}

/** A ChannelTable is the sortable and paged table of channels. */
export class ChannelTable {
  constructor(choose) {
    this.choose = choose; // called with the channel that was pressed
    this.sortBy = 0;
    this.descending = false;
    this.page = 0;
    byId("page-first").addEventListener("click", () => this.turn(0));
    byId("page-back").addEventListener("click", () => this.turn(this.page - 1));
    byId("page-on").addEventListener("click", () => this.turn(this.page + 1));
    byId("page-last").addEventListener("click", () => this.turn(this.pages() - 1));
    byId("page-rows").addEventListener("change", () => this.turn(0));
  }

  show(report) {
    this.tensor = report.tensors[0];
    this.columns = columnsOf(this.tensor);
    if (this.sortBy >= this.columns.length) this.sortBy = 0;
    this.page = Math.min(this.page, this.pages() - 1);
    this.sort();
  }

  rows() { return Number(byId("page-rows").value); }

  pages() { return Math.max(1, Math.ceil(this.tensor.channels / this.rows())); }

  turn(page) {
    this.page = Math.min(Math.max(page, 0), this.pages() - 1);
    this.draw();
  }

  sort() {
    const { key } = this.columns[this.sortBy];
    const sign = this.descending ? -1 : 1;
    const keys = Array.from({ length: this.tensor.channels }, (_, i) => key(i));
    this.order = keys.map((_, i) => i).sort((a, b) => sign * compare(keys[a], keys[b]) || a - b);
    this.draw();
  }

  draw() {
    const spans = element("tr", { className: "spans" });
    const head = element("tr");
    let last = null;
    this.columns.forEach((c, i) => {
      if (last && last.dataset.over === c.over) last.colSpan++;
      else {
        last = element("th", { scope: "colgroup", colSpan: 1 }, ...(c.scheme ? [mark(c.scheme)] : []), c.over);
        if (!c.over) last = element("td", { colSpan: 1 });
        last.dataset.over = c.over;
        if (i > 0) last.className = "edge";
        spans.append(last);
      }
      const sorted = i === this.sortBy;
      const arrow = element("span", { className: "arrow", ariaHidden: "true" }, sorted ? (this.descending ? "↓" : "↑") : "");
      const button = element("button", { type: "button", className: "sort" }, c.name, arrow);
      button.addEventListener("click", () => {
        this.descending = sorted ? !this.descending : i > 0; // largest first, but channels in order
        this.sortBy = i;
        this.page = 0;
        this.sort();
        byId("channel-table").querySelectorAll(".sort")[i].focus();
      });
      const th = element("th", { scope: "col" }, button);
      th.setAttribute("aria-sort", sorted ? (this.descending ? "descending" : "ascending") : "none");
      if (c.edge) th.classList.add("edge");
      head.append(th);
    });
    const body = element("tbody");
    const from = this.page * this.rows();
    const shown = this.order.slice(from, from + this.rows());
    for (const channel of shown) {
      const row = element("tr");
      row.dataset.channel = channel;
      this.columns.forEach((c, i) => {
        if (i === 0) {
          const button = element("button", { type: "button", className: "to-channel" }, String(channel));
          button.setAttribute("aria-label", `Channel ${channel}: show in the histogram`);
          button.addEventListener("click", () => this.choose(channel));
          row.append(element("th", { scope: "row" }, button));
          return;
        }
        const cell = c.cell(channel);
        if (c.edge) cell.classList.add("edge");
        row.append(cell);
      });
      body.append(row);
    }
    byId("channel-table").replaceChildren(
      element("caption", { className: "unseen" }, "Range of each channel, and parameters and errors of each scheme"),
      element("thead", {}, spans, head), body);

    const many = this.tensor.channels > 25;
    byId("pages").hidden = !many;
    byId("page-said").textContent =
      `Rows ${count(from + 1)}–${count(from + shown.length)} of ${count(this.tensor.channels)}`;
    for (const id of ["page-first", "page-back"]) byId(id).disabled = this.page === 0;
    for (const id of ["page-on", "page-last"]) byId(id).disabled = this.page === this.pages() - 1;
  }
}

/** compare orders numbers; an SQNR of null is above all others. */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}

/** columnsOf lists the columns for a tensor: how each sorts and looks. */
function columnsOf(t) {
  const base = t.results[0].channels;
  const columns = [
    { over: "", name: "Channel", key: (i) => i },
    { over: "Range", name: "min", edge: true, key: (i) => base[i].min, cell: (i) => td(number(base[i].min, 3), base[i].min) },
    { over: "Range", name: "max", key: (i) => base[i].max, cell: (i) => td(number(base[i].max, 3), base[i].max) },
    { over: "Who wins", name: "scheme", edge: true, key: (i) => winner(t, i), cell: (i) => who(t, i) },
    { over: "Who wins", name: "gain", key: (i) => factor(t, i), cell: (i) => td(times(factor(t, i))) },
  ];
  for (const r of t.results) {
    const over = label(r.scheme), scheme = r.scheme;
    const own = r.scheme.granularity === "per_channel" && r.scale.length === t.channels;
    if (own || r.scale.length === 1) {
      const at = own ? (i) => i : () => 0;
      columns.push(
        { over, scheme, name: "scale", edge: true, key: (i) => r.scale[at(i)], cell: (i) => td(number(r.scale[at(i)]), r.scale[at(i)]) },
        { over, scheme, name: "zero", key: (i) => r.zero_point[at(i)], cell: (i) => td(minus(r.zero_point[at(i)]), r.zero_point[at(i)]) });
    }
    const first = !(own || r.scale.length === 1);
    const metric = (name, field, show, edge) => ({
      over, scheme, name, edge, key: (i) => r.channels[i][field], cell: (i) => td(show(r.channels[i][field]), r.channels[i][field]),
    });
    const three = (x) => number(x, 3);
    columns.push(
      metric("RMSE", "rmse", three, first), metric("MAE", "mae", three), metric("max error", "max_error", three),
      metric("SQNR, dB", "sqnr_db", decibels), metric("clipped", "clipped", count));
  }
  return columns;
}

/** winner is the index of the scheme with the lowest RMSE in a channel; -1 if all are equal. */
function winner(t, channel) {
  const rmse = t.results.map((r) => r.channels[channel].rmse);
  const lowest = Math.min(...rmse);
  return rmse.every((x) => x === lowest) ? -1 : rmse.indexOf(lowest);
}

function who(t, channel) {
  const i = winner(t, channel);
  if (i < 0) return element("td", { className: "who" }, "equal");
  const s = t.results[i].scheme;
  return element("td", { className: "who" }, mark(s), label(s).toLowerCase());
}

/** factor is by what the RMSE per tensor is above the lowest one; null is infinite. */
function factor(t, channel) {
  const rmse = t.results.map((r) => r.channels[channel].rmse);
  const lowest = Math.min(...rmse);
  if (rmse[0] === lowest) return 1;
  return lowest === 0 ? null : rmse[0] / lowest;
}
