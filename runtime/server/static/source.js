// The annotated source, with what the trials tried and what was best at each place.
import { h, number, put, toast, value } from "./dom.js";
import { color, surface } from "./plot.js";
import { get } from "./server.js";

export async function show(main, model) {
  const [files, values] = await Promise.all([get(model.id, "/source"), get(model.id, "/values")]);
  const tried = (key) => Object.values(values).map((v) => v[key]).filter((v) => v !== undefined);
  const best = () => model.head.best?.values || {};
  const applied = h("section", { class: "card w12", "aria-label": "apply", hidden: true });
  const apply = async () => {
    try {
      const found = await get(model.id, "/apply");
      applied.hidden = false;
      put(applied, h("header", {}, h("h2", {}, `What annotate apply would write: the values of trial ${found.trial}`), h("button", { onclick: () => navigator.clipboard.writeText(found.diff).then(() => toast("Copied.")) }, "Copy")),
        found.diff ? h("pre", { tabindex: "0" }, found.diff) : h("p", { class: "muted" }, "Nothing: the source has these values."),
        found.misfits.map((m) => h("p", { class: "bad" }, `${m.where}: ${m.name} does not fit any more: ${m.reason}`)));
    } catch { applied.hidden = true; /* no trial has a result yet, or the folder has gone */ }
  };
  if (!files.length) { main.replaceChildren(h("div", { class: "card empty" }, h("h1", {}, "No annotated source"), h("p", {}, "This experiment's search space came from a file."))); return null; }
  main.replaceChildren(h("div", { class: "grid" }, files.map((file) => h("section", { class: "card w12" }, h("header", {}, h("h2", { class: "mono" }, file.path), h("span", { class: "muted" }, "as it was when the experiment began")),
    h("nav", { class: "row", "aria-label": "Parameters" }, file.places.map((p) => h("a", { href: `#L${p.line}` }, p.name))),
    h("div", { class: "code", tabindex: "0" }, h("table", {}, h("tbody", {}, file.lines.map((line, n) => row(line, n + 1, file.places.filter((p) => p.line === n + 1)))))))), applied));

  function row(line, n, places) {
    return h("tr", { id: `L${n}` }, h("td", { class: "n" }, String(n)), h("td", {}, places.length ? marked(line, places) : line),
      h("td", { class: "note" }, places.map((p) => h("div", { class: "row", title: p.key }, h("span", { class: "muted" }, p.name), spark(tried(p.key), p), p.key in best() ? h("span", { class: "best" }, `best ${value(best()[p.key])}`) : null))));
  }
  await apply();
  let shown = model.head.best?.number;
  return () => { if (model.head.best?.number !== shown) { shown = model.head.best?.number; apply(); } };
}

function marked(line, places) {
  const parts = [], chars = [...line];
  let from = 0;
  for (const p of [...places].sort((a, b) => a.col - b.col)) {
    const start = p.col - 1, end = start + [...p.written.split("\n")[0]].length;
    if (start < from) continue;
    parts.push(chars.slice(from, start).join(""), h("span", { class: "hot" }, chars.slice(start, end).join("")));
    from = end;
  }
  return [...parts, chars.slice(from).join("")];
}

// How often each value was tried: twenty steps of a number's range, or the options.
function spark(values, place) {
  const numbers = values.filter((v) => typeof v === "number" && (!place.log || v > 0)).map((v) => place.log ? Math.log(v) : v);
  let bins;
  if (place.options) bins = place.options.map((o) => values.filter((v) => value(v) === value(o)).length);
  else {
    if (!numbers.length) return null;
    const low = Math.min(...numbers), span = Math.max(...numbers) - low || 1;
    bins = new Array(20).fill(0);
    for (const v of numbers) bins[Math.min(19, Math.floor(20 * (v - low) / span))]++;
  }
  const label = `${place.name}: ${values.length} values tried${place.options ? `, ${place.options.map((o, i) => `${value(o)} ${bins[i]} times`).join(", ")}` : numbers.length ? `, ${number(Math.min(...values))} to ${number(Math.max(...values))}` : ""}`;
  const view = surface(20, label, (c, width, height) => {
    const most = Math.max(...bins, 1), step = width / bins.length;
    c.fillStyle = color("--c1");
    bins.forEach((n, i) => c.fillRect(i * step, height - n / most * height, Math.max(1, step - 1), n / most * height));
  });
  view.canvas.tabIndex = -1;
  return h("span", { class: "spark", title: label }, view.box);
}
