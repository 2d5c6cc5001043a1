// The inputs as the fragment of the URL, which follows #. Short values are written plainly, long
// values are deflated.

const short = 400; // characters of text that are not deflated
const longest = 30_000; // characters of a link that can still be passed on

/** write returns the fragment of a state, and whether the fragment is complete. */
export async function write(state) {
  const q = new URLSearchParams();
  const o = state.options;
  let whole = true;
  if (state.example) {
    q.set("e", state.example);
  } else if (state.file) {
    q.set("f", state.file);
    whole = false;
  } else if (state.text.length <= short) {
    q.set("v", state.text);
  } else {
    const packed = await deflate(state.text);
    if (packed.length <= longest) q.set("d", packed);
    else whole = false;
  }
  q.set("b", o.bits);
  if (o.unsigned) q.set("u", 1);
  if (o.mapping === "symmetric") q.set("m", "s");
  if (o.narrow_range) q.set("n", 1);
  if (o.zero_in_range) q.set("z", 1);
  if (o.method !== "minmax") q.set("r", o.method);
  if (o.group_size) q.set("g", o.group_size);
  if (o.group_axis !== null) q.set("ga", o.group_axis);
  if (o.axis) q.set("a", o.axis);
  if (o.format) q.set("k", o.format);
  if (o.divisor) q.set("dv", o.divisor);
  if (o.scales) q.set("s", o.scales);
  if (o.signed_scale) q.set("ss", 1);
  if (state.convention) q.set("p", state.convention);
  if (state.convention && state.against) q.set("pa", state.against);
  if (state.reading) q.set("w", JSON.stringify(state.reading));
  if (state.tensor) q.set("t", state.tensor);
  if (state.channel !== null) q.set("c", state.channel);
  if (state.importance instanceof File) whole = false;
  else if (state.importance && state.importance.length <= longest / 10) q.set("i", state.importance);
  else if (state.importance) whole = false;
  return { fragment: "#" + q, whole };
}

/** read returns the state of a fragment, or null if it holds none. */
export async function read(fragment) {
  const q = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!q.has("b")) return null;
  let text = q.get("v");
  if (q.has("d")) {
    try {
      text = await inflate(q.get("d"));
    } catch {
      text = "# this link was cut off: its values are lost\n";
    }
  }
  return {
    example: q.get("e") ?? "",
    file: q.get("f") ?? "",
    text,
    tensor: integer(q.get("t")) ?? 0,
    channel: integer(q.get("c")),
    reading: parsed(q.get("w")),
    options: {
      bits: integer(q.get("b")) ?? 8,
      unsigned: q.has("u"),
      mapping: q.get("m") === "s" ? "symmetric" : "asymmetric",
      narrow_range: q.has("n"),
      zero_in_range: q.has("z"),
      method: q.get("r") ?? "minmax",
      group_size: integer(q.get("g")) ?? 0,
      group_axis: integer(q.get("ga")),
      axis: integer(q.get("a")) ?? 0,
      format: q.get("k") ?? "",
      divisor: q.get("dv") ?? "",
      scales: q.get("s") ?? "",
      signed_scale: q.has("ss"),
    },
    convention: q.get("p") ?? "",
    against: q.get("pa") ?? "",
    importance: q.get("i") ?? "",
  };
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : null;
  } catch {
    return null; // a link that was cut off
  }
}

function integer(text) {
  if (text === null || text === "") return null;
  const n = Number(text);
  return Number.isInteger(n) ? n : null;
}

async function deflate(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const mostInflated = 8 << 20; // limit of the server

async function inflate(packed) {
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > mostInflated) throw new Error("too long");
  }
}
