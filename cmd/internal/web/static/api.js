// The JSON interface of the server: docs/api.md.

/** A Refusal is an error of the server or of the connection to it. */
export class Refusal extends Error {
  constructor(status, { message, field = "", line = 0, column = 0 }) {
    super(message);
    Object.assign(this, { status, field, line, column });
  }
}

const patience = 4; // number of retries if the server is busy

/** post sends a request and returns the response. File may be null, or have several files. */
export async function post(path, request, file, signal) {
  for (let attempt = 0; ; attempt++) {
    let response;
    try {
      response = await fetch(path, { method: "POST", signal, ...body(request, file) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (file && !(await readable(file.files ?? [file]))) {
        throw new Refusal(0, { field: "file", message: "The file cannot be read any more: choose it again." });
      }
      if (request.importance instanceof File && !(await readable([request.importance]))) {
        throw new Refusal(0, { field: "importance", message: "The file of importances cannot be read any more: choose it again." });
      }
      throw new Refusal(0, { message: "The server does not answer. Is quant serve still running?" });
    }
    if (response.ok) return response;
    const busy = response.status === 429 || response.status === 503;
    if (busy && attempt < patience && response.headers.has("Retry-After")) {
      await new Promise((done) => setTimeout(done, 1000 * Number(response.headers.get("Retry-After"))));
      signal?.throwIfAborted();
      continue;
    }
    let answer;
    try {
      answer = (await response.json()).error;
    } catch {
      answer = { message: `The server answered ${response.status} ${response.statusText}.` };
    }
    throw new Refusal(response.status, answer);
  }
}

export async function postJSON(path, request, file, signal) {
  return (await post(path, request, file, signal)).json();
}

/** body returns a request as JSON, or as a form if there are files. The importance of a request may be a file. */
function body(request, file) {
  const weights = request.importance instanceof File ? request.importance : null;
  const json = JSON.stringify(weights ? { ...request, importance: undefined } : request);
  if (!file && !weights) return { headers: { "Content-Type": "application/json" }, body: json };
  const form = new FormData();
  form.append("request", json);
  for (const f of file ? file.files ?? [file] : []) form.append("file", f, f.name);
  if (weights) form.append("importance", weights, weights.name);
  return { body: form };
}

async function readable(files) {
  try {
    for (const file of files) await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** save lets the browser save a response under the file name of its headers. */
export async function save(response) {
  const disposition = response.headers.get("Content-Disposition") ?? "";
  const name = /filename="?([^";]+)"?/.exec(disposition)?.[1] ?? "quant";
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return name;
}
