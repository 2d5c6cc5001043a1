// The importance of each input: a list of numbers, or a file. It is loaded after the first verdict, or by a link that has it.
import { byId, element } from "./format.js";
import { inputs } from "./inputs.js";

/** build adds the choice of a file behind the field. */
function build() {
  if (byId("importance-file")) return;
  byId("importance-error").after(
    element("div", { className: "chosen", id: "importance-chosen", hidden: true },
      element("span", { id: "importance-name" }),
      element("button", { type: "button", className: "quiet", id: "importance-remove", "aria-label": "Remove the file of importances" }, "Remove")),
    element("p", { className: "hint" },
      element("button", { type: "button", className: "inside", id: "importance-choose" }, "Choose a file"),
      ": an imatrix of llama.cpp, moments of quant calibrate, or a vector for each weight."),
    element("input", { id: "importance-file", type: "file", tabIndex: -1, "aria-label": "File of importances", hidden: true }));
}

/** set takes importances, as text or as a file. */
export function set(value) {
  build();
  inputs.importance = value instanceof File ? value : null;
  byId("importance").disabled = inputs.importance !== null;
  byId("importance").value = inputs.importance ? "" : value;
  byId("importance-file").value = "";
  byId("importance-chosen").hidden = inputs.importance === null;
  byId("importance-name").textContent = inputs.importance?.name ?? "";
  if (value) byId("advanced").open = true;
}

/** wire connects the field and the file to the page. soon compares after a pause, compare at once, refuse shows an error. */
export function wire({ soon, compare, refuse, limits }) {
  build();
  byId("importance").addEventListener("input", soon);
  byId("importance-choose").addEventListener("click", () => byId("importance-file").click());
  byId("importance-file").addEventListener("change", () => {
    const [file] = byId("importance-file").files;
    if (!file) return;
    const size = file.size + (inputs.file?.size ?? 0), mebi = (n) => `${(n / (1 << 20)).toFixed(0)} MiB`;
    if (size > limits.file_bytes - 1e5) {
      refuse(`The values and the file of importances have ${mebi(size)}. This page takes ${mebi(limits.file_bytes)}; the command line takes any size: ` +
        "quant compare FILE --importance FILE.");
      return;
    }
    set(file);
    compare();
  });
  byId("importance-remove").addEventListener("click", () => {
    set("");
    byId("importance").focus();
    compare();
  });
}
