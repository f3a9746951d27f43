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
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function card(width, title, actions, ...children) {
  const id = "c" + Math.random().toString(36).slice(2);
  return h("section", { class: `card ${width}`, "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), h("div", { class: "row" }, actions)), children);
}

export function toast(text) {
  const line = h("p", {}, text);
  document.getElementById("toast").replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  return size >= 1e5 || (size < 1e-3 && size > 0) ? value.toExponential(3).replace(/\.?0+e/, "e") : String(Number(value.toPrecision(4)));
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

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds > 0 && seconds < 0.0995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))}s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(s / 86400)}d${String(Math.floor((s % 86400) / 3600)).padStart(2, "0")}h`;
}

export const time = (seconds) => seconds ? new Date(seconds * 1000).toLocaleString() : "–";

const MARKS = { SUCCEEDED: "✓", DONE: "✓", RUNNING: "▶", INITIALIZED: "▶", FAILED: "✕", ERROR: "✕", EARLY_STOPPED: "◐", WAITING: "…", STOPPED: "■" };

export function pill(state) {
  return h("span", { class: `pill s-${state}` }, h("i", { "aria-hidden": "true" }, MARKS[state] || "■"),
    state.toLowerCase().replaceAll("_", " "));
}

export function download(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
