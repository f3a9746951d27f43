// How much each parameter matters, and the results along each one.
import { card, h, number, value } from "./dom.js";
import { chart, color } from "./plot.js";
import { get } from "./server.js";
import { showTrial } from "./trial.js";

const STEPS = 8;

// The share of the results' variance that a parameter explains alone: the correlation ratio over
// its options, or over steps with as many trials each, less what chance would explain (Kelley's
// epsilon squared). Nothing is known of parameters that matter only together.
function explained(pairs) {
  const all = pairs.filter(([v, y]) => v !== undefined && Number.isFinite(y));
  if (all.length < 10) return null;
  const groups = new Map();
  const numeric = all.every(([v]) => typeof v === "number");
  const put = (key, y) => { if (!groups.has(key)) groups.set(key, []); groups.get(key).push(y); };
  if (numeric) {
    const sorted = [...all].sort((a, b) => a[0] - b[0]), size = Math.min(STEPS, Math.floor(all.length / 5));
    sorted.forEach(([, y], i) => put(Math.floor(i * size / sorted.length), y));
  } else for (const [v, y] of all) put(value(v), y);
  const mean = all.reduce((a, [, y]) => a + y, 0) / all.length;
  const total = all.reduce((a, [, y]) => a + (y - mean) ** 2, 0);
  if (!total) return 0;
  let within = 0;
  for (const ys of groups.values()) { const m = ys.reduce((a, b) => a + b, 0) / ys.length; for (const y of ys) within += (y - m) ** 2; }
  if (all.length <= groups.size) return null;
  return Math.max(0, 1 - (within / (all.length - groups.size)) / (total / (all.length - 1)));
}

export async function show(main, model) {
  let values = await get(model.id, "/values");
  const table = h("div", { class: "scroll" }), slices = h("div", { class: "grid", style: { gridColumn: "1 / -1" } });
  const done = () => [...model.trials.values()].filter((t) => t.state === "SUCCEEDED" && Number.isFinite(t.metric) && values[t.number]);
  const of = (p, t) => { const v = values[t.number][p.key]; return v && typeof v === "object" && "_name" in v ? v._name : v; };
  const plots = model.head.space.map((p) => {
    const options = p.options?.map((o) => value(o && typeof o === "object" && "_name" in o ? o._name : o));
    const plot = chart({ height: 210, label: `Results along ${p.name}`, xLabel: options ? options.map((o, i) => `${i}: ${o}`).join("  ").slice(0, 60) : p.log ? `log10 ${p.name}` : p.name, open: (t) => showTrial(model, t.number), tip: (t) => `trial ${t.number}: ${number(t.metric)}\n${p.name} = ${value(values[t.number][p.key])}`,
      data: () => { const rows = done(); return [{ color: color("--c1"), radius: rows.length > 2000 ? 1.5 : 3, alpha: 0.6, points: rows.map((t) => { const v = of(p, t); return [options ? options.indexOf(value(v)) : typeof v !== "number" ? NaN : p.log ? Math.log10(v) : v, t.metric, t]; }).filter((q) => Number.isFinite(q[0])) }]; } });
    slices.append(card("w4", p.name, [plot.reset], plot.box));
    return plot;
  });
  main.replaceChildren(h("div", { class: "grid" }, card("w12", "How much each parameter explains alone", null, table), slices));
  function fill() {
    const rows = model.head.space.map((p) => [p, explained(done().map((t) => [of(p, t), t.metric]))]).sort((a, b) => (b[1] ?? -1) - (a[1] ?? -1));
    table.replaceChildren(h("table", { class: "bars" }, h("tbody", {}, rows.map(([p, share]) => h("tr", {}, h("th", { scope: "row", title: p.key }, p.name), h("td", { class: "number" }, share === null ? "too few trials" : `${Math.round(100 * share)} %`), h("td", {}, h("div", { class: "progress", "aria-hidden": "true" }, h("span", { class: "fill", style: { width: `${100 * (share || 0)}%` } }))))))),
      h("p", { class: "muted" }, `Of the variance of ${done().length} results; what parameters do only together is not in it, and a tuner that looks mostly near the best makes all look less important.`));
  }
  fill();
  return async (changed, whole) => {
    if (whole || changed.some((t) => t.state === "SUCCEEDED")) { values = await get(model.id, "/values"); fill(); plots.forEach((p) => p.again()); }
  };
}
