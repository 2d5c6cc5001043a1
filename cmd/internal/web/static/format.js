// The text of numbers. A number that is not finite is null in the JSON.

export const byId = (id) => document.getElementById(id);

/** number writes x with the given number of significant digits. A value that is not finite becomes a word. */
export function number(x, digits = 4) {
  if (x === undefined) return "–";
  if (x === null || !Number.isFinite(x)) return "not finite";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e7 || size < 1e-4) {
    const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
    return minus(`${mantissa}e${exponent.replace("+", "")}`);
  }
  // toPrecision rounds; the exponent form it has for large numbers is not for people.
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return minus(x.toFixed(Math.min(places, 20)));
}

/** minus replaces the hyphen by the minus sign, which is as wide as a plus. */
export function minus(text) {
  return String(text).replaceAll("-", "−");
}

/** count writes an integer with commas between thousands, as verdicts do. */
export function count(n) {
  return minus(Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ","));
}

/** decibels writes a ratio. Null with an RMSE of 0 is a ratio without noise. */
export function decibels(x, rmse = 0) {
  if (x === null) return rmse === 0 ? "exact" : "not finite";
  return minus(x.toFixed(1));
}

/** times writes a factor; null is infinite. */
export function times(x) {
  return x === null || !Number.isFinite(x) ? "∞" : number(x, 3) + "×";
}

/** range writes the smallest and the largest of a list. */
export function range(list, show) {
  let low = list[0], high = list[0];
  for (const x of list) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return low === high ? show(low) : `${show(low)} … ${show(high)}`;
}

export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** label names a scheme for people. */
export function label(scheme) {
  switch (scheme.granularity) {
    case "per_channel": return "Per channel";
    case "per_group": return `Groups of ${scheme.group_size}`;
  }
  return "Per tensor";
}

/** kind returns the CSS class with the colour of a scheme. */
export function kind(scheme) {
  return scheme.granularity.replace("per_", "");
}

/** gained says by what factor the RMSE of a scheme is better or worse than that of a single scale. */
export function gained(base, rmse) {
  if (base === null || rmse === null) return "not finite";
  if (base === rmse) return "the same";
  if (rmse === 0) return "exact";
  if (base === 0) return "worse: per tensor is exact";
  return rmse < base ? `${times(base / rmse)} better` : `${times(rmse / base)} worse`;
}

/** element makes an element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in e) e[name] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}
