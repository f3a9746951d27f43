// Why trials failed or wait. Reasons that differ only in numbers are listed once.
import { h, short } from "./dom.js";

const NUMBER = /[-+]?\d[\d.,e+-]*/g;
const LISTED = 5; // different reasons

// Each reason with its number of trials, most frequent first. `open` shows the latest trial.
export function reasons(trials, open) {
  const kinds = new Map();
  for (const trial of trials) {
    const kind = (trial.reason || "").replace(NUMBER, "#");
    kinds.set(kind, { count: (kinds.get(kind)?.count || 0) + 1, last: trial });
  }
  const sorted = [...kinds.values()].sort((a, b) => b.count - a.count);
  const line = ({ count, last }) =>
    h(
      "li",
      {},
      sorted.length > 1 ? `${count} × ` : "",
      short(last.reason || "unknown reason", 600),
      " ",
      h("button", { class: "link", onclick: () => open(last.number) }, `trial ${last.number}`),
    );
  const hidden = sorted.length - LISTED;
  return h(
    "ul",
    { class: "why" },
    sorted.slice(0, LISTED).map(line),
    hidden > 0 && h("li", { class: "muted" }, `and ${hidden} other reason${hidden > 1 ? "s" : ""}`),
  );
}
