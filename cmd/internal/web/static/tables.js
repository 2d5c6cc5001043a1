// The verdict, the schemes side by side and the table of channels.
import { formatOf } from "./choices.js";
import { byId, count, decibels, element, gained, kind, label, minus, number, plural, range, times } from "./format.js";

/** aboutOf returns a line that says what was compared and how. */
export function aboutOf(t) {
  const s = t.results[0].scheme;
  const parts = [
    t.name,
    `${t.shape.join("×")} ${t.dtype}`,
    plural(t.channels, "channel") + (t.axis === null || t.shape.length < 2 ? "" : ` on axis ${t.axis}`),
    ...(s.format ? [`codes of ${formatOf(s.format)?.title ?? s.format}, ${s.bits} bits`, "no zero point"]
      : [`${s.bits}-bit ${s.unsigned ? "unsigned" : "signed"} codes`, `${s.mapping} mapping`]),
  ];
  if (s.narrow_range) parts.push("narrow range");
  if (s.zero_in_range) parts.push("zero in range");
  if (s.signed_scale) parts.push("signed scale");
  if (s.divisor) parts.push(`divisor ${s.divisor}`);
  if (s.scales) parts.push(`scales of ${s.scales}`);
  if (s.method !== "minmax") parts.push(`range by ${s.method.replace("=", " ")}`);
  if (t.results[0].weighted) parts.push("errors weighted by the importance of the inputs too");
  const g = t.results.find((r) => r.scheme.granularity === "per_group")?.scheme;
  if (g) parts.push(`groups of ${g.group_size} along axis ${g.axis}`);
  return parts.join(" · ");
}

/** moreOf adds the worst channel to the verdict, and the size of codes that are larger than float32. */
export function moreOf(t) {
  const said = [];
  const [base, own] = t.results;
  if (t.channels > 1 && base.rmse !== 0) {
    let worst = 0;
    base.channels.forEach((c, i) => { if ((c.rmse ?? Infinity) > (base.channels[worst].rmse ?? Infinity)) worst = i; });
    said.push(`With one scale channel ${worst} has the greatest error: RMSE ${number(base.channels[worst].rmse)}, and ` +
      `${own.channels[worst].rmse === base.channels[worst].rmse ? "the same" : number(own.channels[worst].rmse)} with a scale of its own.`);
  }
  const larger = t.results.filter((r) => r.memory.total_bytes > 4 * t.elements);
  for (const r of larger) {
    said.push(`${label(r.scheme)}, codes and metadata are larger than float32: ` +
      `${plural(r.memory.total_bytes, "byte")} instead of ${count(4 * t.elements)}.`);
  }
  return said.join(" ");
}

/** td returns the cell of a number. All digits are in its tooltip. */
function td(text, value, className = "") {
  const cell = element("td", { className }, text);
  if (value !== undefined) {
    cell.dataset.value = JSON.stringify(value);
    if (typeof value === "number" && !Number.isInteger(value)) cell.title = minus(value);
  }
  return cell;
}

const mark = (scheme) => element("span", { className: `swatch ${kind(scheme)}` });

/** schemesOf builds the table of schemes side by side. */
export function schemesOf(t) {
  const rows = [
    ["Scale", (r) => td(range(r.scale, number), r.scale.length === 1 ? r.scale[0] : undefined)],
    ["Zero point", (r) => td(range(r.zero_point, minus), r.zero_point.length === 1 ? r.zero_point[0] : undefined)],
    ["MAE", (r) => td(number(r.mae), r.mae), "mae"],
    ["RMSE", (r) => td(number(r.rmse), r.rmse), "rmse"],
    ["Max error", (r) => td(number(r.max_error), r.max_error), "max_error"],
    ["SQNR, dB", (r) => td(decibels(r.sqnr_db, r.rmse), r.sqnr_db), "sqnr_db"],
    ["Clipped", (r) => td(count(r.clipped), r.clipped)],
    ["Payload, bytes", (r) => td(count(r.memory.payload_bytes), r.memory.payload_bytes)],
    ["Metadata, bytes", (r) => td(count(r.memory.metadata_bytes), r.memory.metadata_bytes)],
    ["Total, bytes", (r) => td(count(r.memory.total_bytes), r.memory.total_bytes)],
    ["Compression against float32", (r) => td(times((4 * t.elements) / r.memory.total_bytes))],
    ["RMSE against per tensor", (r) => td(r.gain ? gained(t.results[0].rmse, r.rmse) : "–", r.gain?.rmse_factor)],
  ];
  if (t.results[0].weighted) {
    rows.push(["Weighted RMSE", (r) => td(number(r.weighted.rmse), r.weighted.rmse), "weighted_rmse"],
      ["Weighted SQNR, dB", (r) => td(decibels(r.weighted.sqnr_db, r.weighted.rmse), r.weighted.sqnr_db), "weighted_sqnr_db"]);
  }
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
    row.classList.toggle("rule", name === "Payload, bytes" || name === "Weighted RMSE");
    t.results.forEach((r, i) => {
      const made = cell(r);
      if (metric) made.dataset.metric = metric;
      if (name === "RMSE") made.classList.toggle("best", i === t.best);
      row.append(made);
    });
    body.append(row);
  }
  return [element("caption", { className: "unseen" }, "What each scheme does to the tensor"), element("thead", {}, head), body];
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
    byId("channels-all").addEventListener("change", () => {
      this.sortBy = 0;
      this.columns = columnsOf(this.tensor);
      this.sort();
    });
    new ResizeObserver(() => this.sign()).observe(byId("channel-table").parentElement);
  }

  /** prepare returns a table of another tensor with the order and the page of this one. It is built but not shown yet. */
  prepare(tensor) {
    const next = Object.create(ChannelTable.prototype);
    Object.assign(next, { choose: this.choose, descending: this.descending, tensor, columns: columnsOf(tensor) });
    next.sortBy = this.sortBy < next.columns.length ? this.sortBy : 0;
    next.page = Math.min(this.page, next.pages() - 1);
    next.order = next.ordered();
    next.build(this);
    return next;
  }

  /** take shows what prepare has returned. */
  take(next) {
    const { tensor, columns, sortBy, page, order, parts } = next;
    Object.assign(this, { tensor, columns, sortBy, page, order, parts });
    this.put();
  }

  /** sign shows whether the table scrolls. */
  sign() {
    const box = byId("channel-table").parentElement;
    byId("channels-scroll").hidden = box.scrollWidth <= box.clientWidth;
  }

  rows() { return Number(byId("page-rows").value); }

  pages() { return Math.max(1, Math.ceil(this.tensor.channels / this.rows())); }

  turn(page) {
    this.page = Math.min(Math.max(page, 0), this.pages() - 1);
    this.draw();
  }

  sort() {
    this.order = this.ordered();
    this.draw();
  }

  ordered() {
    const { key } = this.columns[this.sortBy];
    const sign = this.descending ? -1 : 1;
    const keys = Array.from({ length: this.tensor.channels }, (_, i) => key(i));
    return keys.map((_, i) => i).sort((a, b) => sign * compare(keys[a], keys[b]) || a - b);
  }

  draw() {
    this.build(this);
    this.put();
  }

  /** build makes the parts of the table. Their buttons act on the table that is shown. */
  build(shown) {
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
      const button = element("button", { type: "button", className: "sort" }, ...(c.swatch ? [mark(c.swatch)] : []), c.name, arrow);
      button.addEventListener("click", () => {
        shown.descending = sorted ? !shown.descending : i > 0; // largest first, but channels in order
        shown.sortBy = i;
        shown.page = 0;
        shown.sort();
        byId("channel-table").querySelectorAll(".sort")[i].focus();
      });
      const th = element("th", { scope: "col" }, button);
      th.setAttribute("aria-sort", sorted ? (this.descending ? "descending" : "ascending") : "none");
      if (c.edge) th.classList.add("edge");
      head.append(th);
    });
    const body = element("tbody");
    const from = this.page * this.rows();
    for (const channel of this.order.slice(from, from + this.rows())) {
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
    this.parts = [
      element("caption", { className: "unseen" }, "Range of each channel, and parameters and errors of each scheme"),
      element("thead", {}, spans, head), body];
  }

  /** put shows the parts. */
  put() {
    byId("channel-table").replaceChildren(...this.parts);
    this.sign();
    const from = this.page * this.rows();
    const shown = this.order.slice(from, from + this.rows());
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

/** columnsOf lists the columns for a tensor, each with its order and its cells. */
function columnsOf(t) {
  const base = t.results[0].channels;
  const all = byId("channels-all").checked;
  const columns = [
    { over: "", name: "Channel", key: (i) => i },
    { over: "Range", name: "min", edge: true, key: (i) => base[i].min, cell: (i) => td(number(base[i].min, 3), base[i].min) },
    { over: "Range", name: "max", key: (i) => base[i].max, cell: (i) => td(number(base[i].max, 3), base[i].max) },
    { over: "Range", name: "local range", key: (i) => base[i].max - base[i].min, cell: (i) => td(number(base[i].max - base[i].min, 3), base[i].max - base[i].min) },
    { over: "Who wins", name: "scheme", edge: true, key: (i) => winner(t, i), cell: (i) => who(t, i) },
    { over: "Who wins", name: "gain", key: (i) => factor(t, i), cell: (i) => td(times(factor(t, i))) },
  ];
  for (const r of all ? [] : t.results) { // pairs of columns, so that the table fits
    columns.push({
      over: "RMSE", name: label(r.scheme).toLowerCase(), swatch: r.scheme, edge: r === t.results[0], key: (i) => r.channels[i].rmse,
      cell: (i) => td(number(r.channels[i].rmse, 3), r.channels[i].rmse),
    });
  }
  columns.push({ over: "Why it matters", name: "in words", edge: true, key: (i) => base[i].max - base[i].min, cell: (i) => element("td", { className: "why" }, whyOf(t, i)) });
  for (const r of all ? t.results : []) {
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
      over, scheme, name, edge, key: (i) => r.channels[i][field], cell: (i) => td(show(r.channels[i][field], r.channels[i].rmse), r.channels[i][field]),
    });
    const three = (x) => number(x, 3), whole = (x) => count(x);
    columns.push(
      metric("RMSE", "rmse", three, first), metric("MAE", "mae", three), metric("max error", "max_error", three),
      metric("SQNR, dB", "sqnr_db", decibels), metric("clipped", "clipped", whole));
  }
  return columns;
}

/** winner returns the index of the scheme with the lowest RMSE in a channel; -1 if all are equal. */
function winner(t, channel) {
  const rmse = t.results.map((r) => r.channels[channel].rmse);
  const lowest = Math.min(...rmse);
  return rmse.every((x) => x === lowest) ? -1 : rmse.indexOf(lowest);
}

/** whyOf says how the range of a channel affects a scale that it shares with the others. */
export function whyOf(t, channel) {
  const { min, max } = t.results[0].channels[channel];
  const whole = t.max - t.min, local = max - min, codes = 2 ** t.results[0].scheme.bits;
  const said = [];
  if (local === 0) said.push("One value repeated.");
  else if (whole > 2 * local) {
    const left = Math.max(1, Math.round((codes * local) / whole));
    said.push(`${times(whole / local)} narrower than the tensor: one scale leaves it about ${count(left)} of ${count(codes)} codes.`);
  } else said.push("Near the range of the tensor: a shared scale fits.");
  if (min > 0) said.push(`All above 0: ${oneSided(t.results[0].scheme)}.`);
  if (max < 0) said.push(`All below 0: ${oneSided(t.results[0].scheme)}.`);
  return said.join(" ");
}

/** oneSided says what a scale of its own costs a channel whose values are all on one side of 0. */
function oneSided(scheme) {
  if (scheme.mapping === "symmetric") return "half of its codes stay unused";
  return scheme.zero_in_range ? "its range is widened to 0" : "its zero point lies outside of the codes";
}

function who(t, channel) {
  const i = winner(t, channel);
  if (i < 0) return element("td", { className: "who" }, "equal");
  const s = t.results[i].scheme;
  return element("td", { className: "who" }, mark(s), label(s).toLowerCase());
}

/** factor returns the RMSE per tensor divided by the lowest RMSE; null is infinite. */
function factor(t, channel) {
  const rmse = t.results.map((r) => r.channels[channel].rmse);
  const lowest = Math.min(...rmse);
  if (rmse[0] === lowest || rmse.includes(null)) return 1;
  return lowest === 0 ? null : rmse[0] / lowest;
}
