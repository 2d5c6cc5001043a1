// Files that were chosen or dropped: a single file, or the files of one model.

const endings = [".safetensors", ".gguf", ".onnx", ".npz", ".npy", ".csv", ".tsv", ".txt"];
const beside = ["config.json", "quantize_config.json", "quant_config.json"]; // how a model is quantized
const deepest = 3; // folders within folders
const mostFiles = 1000;

/**
 * oneOf returns the files for a request: the only file, or an object with all files of a model, their names and their
 * sizes. It returns null if no file can be read.
 */
export function oneOf(files, folder = "") {
  const seen = [...files].filter((f) => !f.name.startsWith("."));
  if (seen.length === 1) return seen[0];
  for (const ending of endings) {
    const same = seen.filter((f) => f.name.endsWith(ending));
    if (same.length === 0) continue;
    if (same.length === 1 && ending !== ".safetensors") return same[0];
    const also = ending === ".safetensors" ? seen.filter((f) => f.name.endsWith(".safetensors.index.json") || beside.includes(f.name)) : [];
    const all = [...same, ...also];
    if (all.length === 1) return all[0];
    return { name: folder || same[0].name, size: all.reduce((n, f) => n + f.size, 0), files: all };
  }
  return null;
}

/** chosenIn returns the files of an input of files or of a folder. */
export function chosenIn(input) {
  const files = [...input.files];
  return oneOf(files, files[0]?.webkitRelativePath.split("/")[0] ?? "");
}

/** dropped returns the dropped files, with those in dropped folders. */
export async function dropped(transfer) {
  // The browser removes the entries when this function first awaits.
  const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  const folders = entries.filter((e) => e.isDirectory);
  if (folders.length === 0) return oneOf(files);
  const found = [];
  for (const e of entries) await collect(e, 0, found);
  return oneOf(found, folders[0].name);
}

/** collect adds the files of an entry to a list. */
async function collect(entry, depth, found) {
  if (found.length >= mostFiles) return;
  if (entry.isFile) {
    found.push(await new Promise((done, failed) => entry.file(done, failed)));
    return;
  }
  if (depth >= deepest || entry.name.startsWith(".")) return;
  const reader = entry.createReader();
  for (;;) { // it returns a part of the entries at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return;
    for (const e of some) await collect(e, depth + 1, found);
  }
}
