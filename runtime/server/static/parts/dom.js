// Elements and texts. Whatever comes from an experiment becomes a text node, never markup.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  return put(element, ...children);
}

// Give an element these children; those that are null, undefined or false are none.
export function put(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false),
  );
  return element;
}

// What tells an element that can have the focus from the others of its box.
const told = (e) => e.dataset.focus ?? e.getAttribute("aria-label") ?? e.textContent;

// Change what is in a box; what has taken the place of the element that had the focus gets it.
export function keepFocus(box, change) {
  const had = box.contains(document.activeElement) && told(document.activeElement);
  change();
  if (had === false || box.contains(document.activeElement)) return;
  const like = [...box.querySelectorAll("a, button, input, canvas, [tabindex]")];
  like.find((e) => told(e) === had)?.focus({ preventScroll: true });
}

const drawn = new WeakMap();

// Draw a box anew only where what it shows has changed, so that focus and marked text stay.
export function redraw(box, shown, make) {
  const sign = JSON.stringify(shown);
  if (drawn.get(box) === sign) return;
  drawn.set(box, sign);
  keepFocus(box, () => put(box, make()));
}

export function card(width, title, actions, ...children) {
  const id = "c" + Math.random().toString(36).slice(2);
  return h(
    "section",
    { class: `card ${width}`, "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), h("div", { class: "row" }, actions)),
    children,
  );
}

// Buttons of which one is pressed; `choose` is called with its key.
export function switches(label, options, chosen, choose) {
  const buttons = Object.entries(options).map(([key, title]) =>
    h("button", { "aria-pressed": String(key === chosen), onclick: () => press(key) }, title),
  );
  function press(key) {
    Object.keys(options).forEach((k, i) =>
      buttons[i].setAttribute("aria-pressed", String(k === key)),
    );
    choose(key);
  }
  return h("div", { class: "switches", role: "group", "aria-label": label }, buttons);
}

// What opens below a button, and closes when somebody goes elsewhere.
export function menu(title, ...children) {
  const summary = h("summary", {}, title);
  const made = h("details", { class: "menu" }, summary, h("div", { tabindex: "-1" }, children));
  made.addEventListener("focusout", (event) => {
    if (!made.contains(event.relatedTarget)) made.open = false;
  });
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      made.open = false;
      summary.focus();
    }
  });
  return made;
}

const said = document.getElementById("toast");

// A line at the bottom of the window; above a dialog where one is open.
export function toast(text) {
  const line = h("p", {}, text);
  ([...document.querySelectorAll("dialog[open]")].at(-1) || document.body).append(said);
  said.replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

let wanted = 0;

// What a dialog will show, once it has come; null where that is not wanted any more, because
// another dialog or another page is.
export async function forDialog(reading) {
  const turn = ++wanted,
    page = location.pathname,
    found = await reading;
  return turn === wanted && page === location.pathname ? found : null;
}

// A dialog over the page, shown at once and gone when it is closed.
export function dialog(label, closed, ...children) {
  const made = h("dialog", { "aria-label": label }, children);
  made.addEventListener("close", () => {
    document.body.append(said);
    made.remove();
    closed?.();
  });
  document.body.append(made);
  made.showModal();
  return made;
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  const size = Math.abs(value);
  if (size >= 1e7 || (size < 1e-3 && size > 0)) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  }
  return String(Number(value.toPrecision(size >= 1000 ? 6 : 4)));
}

// How to write numbers that stand in one column: with as many decimals as tell them apart.
export function alike(values) {
  const known = values.filter(Number.isFinite);
  const size = Math.max(...known.map(Math.abs)),
    spread = Math.max(...known) - Math.min(...known);
  if (!known.length || size >= 1e7 || size < 1e-3 || known.every(Number.isInteger)) return number;
  const digits = [
    3 - Math.floor(Math.log10(size)),
    spread ? 2 - Math.floor(Math.log10(spread)) : 0,
    0,
  ];
  let decimals = Math.min(Math.max(...digits), 8);
  while (decimals && known.every((v) => v.toFixed(decimals).endsWith("0"))) decimals--;
  return (v) => (Number.isFinite(v) ? v.toFixed(decimals) : number(v));
}

// A parameter's value: of a nested choice the option and what is inside it.
export function value(given) {
  if (given === undefined) return "as written";
  if (given === null) return "None";
  if (typeof given === "object" && "_name" in given) {
    const inside = Object.entries(given).filter(([k]) => k !== "_name");
    return `${given._name}(${inside.map(([k, v]) => `${k}=${value(v)}`).join(", ")})`;
  }
  return typeof given === "object" ? JSON.stringify(given) : number(given);
}

export function short(text, most) {
  const all = [...String(text).slice(0, 4 * most)];
  return all.length > most ? all.slice(0, most - 1).join("") + "…" : all.join("");
}

// A value in a table: what is long is cut off there, and the start of it stands in its title.
export const valueCell = (given, kind = "") =>
  h("td", { class: `value ${kind}`, title: short(value(given), 1000) }, short(value(given), 200));

// A name that may break behind the signs that stand between its words.
export const named = (text) =>
  String(text)
    .split(/(?<=[_./›-])/)
    .flatMap((part, i) => (i ? [h("wbr"), part] : [part]));

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds > 0 && seconds < 0.0995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))}s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  const two = (n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
  return `${Math.floor(s / 86400)}d${two(Math.floor((s % 86400) / 3600))}h`;
}

// How long a trial has run, in seconds; null where it has not begun.
export const ranFor = (trial) =>
  trial.started ? (trial.ended || Date.now() / 1000) - trial.started : null;

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
export const time = (seconds) => (seconds ? LOCAL.format(seconds * 1000) : "–");

const MARKS = {
  SUCCEEDED: "✓",
  DONE: "✓",
  RUNNING: "▶",
  INITIALIZED: "▶",
  FAILED: "✕",
  ERROR: "✕",
  EARLY_STOPPED: "◐",
  WAITING: "…",
  STOPPED: "■",
};
export const words = (state) => state.toLowerCase().replaceAll("_", " ");

export function pill(state) {
  const mark = h("i", { "aria-hidden": "true" }, MARKS[state] || "■");
  return h("span", { class: `pill s-${state}` }, mark, words(state));
}

export function download(name, content) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A button that copies what `make` gives; where the browser lets nobody copy, it is shown.
export function copying(title, make) {
  const copy = () => {
    const text = make();
    const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("not allowed"));
    done.then(
      () => toast("Copied."),
      () => toast(text),
    );
  };
  return h("button", { onclick: copy }, title);
}

// Values as a Python literal.
export function python(v) {
  if (v === null) return "None";
  if (v === true) return "True";
  if (v === false) return "False";
  if (Array.isArray(v)) return `[${v.map(python).join(", ")}]`;
  if (typeof v !== "object") return JSON.stringify(v);
  return `{${Object.entries(v)
    .map(([k, x]) => `${JSON.stringify(k)}: ${python(x)}`)
    .join(", ")}}`;
}
