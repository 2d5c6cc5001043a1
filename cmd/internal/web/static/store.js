// The storage of the browser: the user's own values and the last inputs. Each tab has its own copy.
// A new tab begins with the values typed last.

const prefix = "quant.";

/** keep stores a text for this tab, and for later ones. A full or forbidden store is no error. */
export function keep(name, text) {
  for (const store of ["sessionStorage", "localStorage"]) {
    try {
      window[store].setItem(prefix + name, text);
    } catch {
      // Too long, or not allowed: the link still has the inputs, as far as they fit.
    }
  }
}

/** kept returns a stored text, or null. */
export function kept(name) {
  for (const store of ["sessionStorage", "localStorage"]) {
    try {
      const text = window[store].getItem(prefix + name);
      if (text !== null) return text;
    } catch {
      // Not allowed.
    }
  }
  return null;
}

/** keptHere returns a text stored in this tab, or null. */
export function keptHere(name) {
  try {
    return sessionStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}
