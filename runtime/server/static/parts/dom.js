// Elements and texts. Data of an experiment becomes text nodes, never markup.
import { visible } from "./visible.js";

// Attributes that are shown or read aloud.
const SPOKEN = new Set(["title", "aria-label", "label", "alt", "placeholder"]);

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, SPOKEN.has(name) ? visible(String(value)) : value);
  }
  return put(element, ...children);
}

// Replaces an element's children; null, undefined and false are skipped.
export function put(element, ...children) {
  element.replaceChildren(
    ...children
      .flat(Infinity)
      .filter((c) => c !== null && c !== undefined && c !== false)
      .map(shown),
  );
  return element;
}

// A text on one line.
const oneLine = (text) => visible(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");

// Letters written from right to left, and marks that change the direction.
const TURNING = /[\u0590-\u08ff\u200e\u200f\ufb1d-\ufefc]/;

// A text as shown. If it could turn the text around it, it is in an element that keeps it from that.
function shown(child) {
  if (typeof child !== "string") return child;
  if (!TURNING.test(child)) return visible(child);
  const element = document.createElement("bdi");
  element.textContent = visible(child);
  return element;
}

// Identifies a focusable element inside its box.
const focusKey = (e) => e.dataset.focus ?? e.getAttribute("aria-label") ?? e.textContent;

// Changes what is in a box, and moves the focus to the element that replaces the focused one.
export function keepFocus(box, change) {
  const previous = box.contains(document.activeElement) && focusKey(document.activeElement);
  change();
  if (previous === false || box.contains(document.activeElement)) return;
  const candidates = [...box.querySelectorAll("a, button, input, canvas, [tabindex]")];
  candidates.find((e) => focusKey(e) === previous)?.focus({ preventScroll: true });
}

const drawnData = new WeakMap();

// Redraws a box only if its data has changed, so that focus and selection stay.
export function redraw(box, data, make) {
  const key = JSON.stringify(data);
  if (drawnData.get(box) === key) return;
  drawnData.set(box, key);
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

// Buttons of which one is pressed. Calls `choose` with its key.
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

// A box that opens below a button, and closes when the focus leaves it.
export function menu(title, ...children) {
  const summary = h("summary", {}, title);
  const details = h("details", { class: "menu" }, summary, h("div", { tabindex: "-1" }, children));
  details.addEventListener("focusout", (event) => {
    if (!details.contains(event.relatedTarget)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      details.open = false;
      summary.focus();
    }
  });
  return details;
}

const toastBox = document.getElementById("toast");

// Shows a line at the bottom of the window, above any open dialog.
export function toast(text) {
  const line = h("p", {}, text);
  ([...document.querySelectorAll("dialog[open]")].at(-1) || document.body).append(toastBox);
  toastBox.replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

let dialogRequests = 0;

// Waits for a dialog's data. Null if the user has opened another dialog or page meanwhile.
export async function forDialog(reading) {
  const request = ++dialogRequests;
  const page = location.pathname;
  const data = await reading;
  return request === dialogRequests && page === location.pathname ? data : null;
}

// Opens a dialog over the page; it is removed when closed. Calls `onClose` then.
export function dialog(label, onClose, ...children) {
  const element = h("dialog", { "aria-label": label }, children);
  element.addEventListener("close", () => {
    document.body.append(toastBox);
    element.remove();
    onClose?.();
  });
  document.body.append(element);
  element.showModal();
  return element;
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

// A function that formats the numbers of one column, with enough decimals to tell them apart.
export function alike(values) {
  const known = values.filter(Number.isFinite);
  const size = Math.max(...known.map(Math.abs));
  const spread = Math.max(...known) - Math.min(...known);
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

// The option that a nested choice has taken; the value itself for other domains.
export const optionOf = (v) => (v && typeof v === "object" && "_name" in v ? v._name : v);

// An option as text. A domain in an annotation, `nni.uniform(0, 1)`, is `uniform(0, 1)`.
export const optionText = (given) => value(optionOf(given)).replace(/^nni\.(?=\w+\()/, "");

// A parameter's value as text; a nested choice is shown with its branch.
export function value(given) {
  if (given === undefined) return "as in script";
  if (given === null) return "None";
  if (typeof given === "object" && "_name" in given) {
    const inside = Object.entries(given).filter(([k]) => k !== "_name");
    const [law, only] = inside[0] ?? [];
    if (inside.length === 1 && String(given._name).startsWith(`nni.${law}(`)) {
      return `${value(only)} (${law})`;
    }
    return `${given._name}(${inside.map(([k, v]) => `${k}=${value(v)}`).join(", ")})`;
  }
  if (typeof given === "string") return oneLine(given);
  return typeof given === "object" ? JSON.stringify(given) : number(given);
}

export function short(text, most) {
  const all = [...String(text).slice(0, 4 * most)];
  return all.length > most ? all.slice(0, most - 1).join("") + "…" : all.join("");
}

// A table cell with a value. Long values are cut off; the title shows more of them.
export const valueCell = (given, kind = "") =>
  h("td", { class: `value ${kind}`, title: short(value(given), 1000) }, short(value(given), 200));

// A name that may wrap after the separators between its words.
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

// How long a trial has run, in seconds; null if it has not started.
// What an experiment's results are called.
export const metricOf = (e) => e.metric_name || "result";
// A result after its name, if it has one.
export const resultText = (metric, v) => (metric ? `${metric} ${number(v)}` : number(v));

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

// A button that copies the text from `make`, or shows it if the browser forbids copying.
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
