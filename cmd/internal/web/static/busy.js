// Long work: the elapsed time, and a button that ends it.
import { byId } from "./format.js";

const unseen = 400; // milliseconds during which nothing is shown, so that short work does not flicker
const step = 100;

let timer = 0;

/** begin shows that work is under way; cancel ends it. */
export function begin(what, cancel) {
  end();
  const from = performance.now();
  byId("cancel").onclick = cancel;
  timer = setInterval(() => {
    const elapsed = performance.now() - from;
    if (elapsed < unseen) return;
    byId("progress").hidden = false;
    byId("elapsed").textContent = `${what} ${(elapsed / 1000).toFixed(1)} s`;
  }, step);
}

/** end hides the elapsed time and the button. */
export function end() {
  clearInterval(timer);
  byId("progress").hidden = true;
}
