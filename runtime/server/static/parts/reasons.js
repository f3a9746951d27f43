// Why trials failed or wait: the same reason once, whatever the numbers in it.
import { h, short } from "./dom.js";

const NUMBER = /[-+]?\d[\d.,e+-]*/g;
const LISTED = 5; // different reasons

// Each different reason with how many trials have it, the most frequent first; `open` shows the
// last of them.
export function reasons(trials, open) {
  const kinds = new Map();
  for (const trial of trials) {
    const kind = (trial.reason || "").replace(NUMBER, "#");
    kinds.set(kind, { count: (kinds.get(kind)?.count || 0) + 1, last: trial });
  }
  const found = [...kinds.values()].sort((a, b) => b.count - a.count);
  const line = ({ count, last }) =>
    h(
      "li",
      {},
      found.length > 1 ? `${count} × ` : "",
      short(last.reason || "no reason is known", 600),
      " ",
      h("button", { class: "link", onclick: () => open(last.number) }, `trial ${last.number}`),
    );
  const more = found.length - LISTED;
  return h(
    "ul",
    { class: "why" },
    found.slice(0, LISTED).map(line),
    more > 0 && h("li", { class: "muted" }, `and ${more} other reason${more > 1 ? "s" : ""}`),
  );
}
