// The result of each trial, with the best so far and that of the script as written.
import { h, number, words } from "../parts/dom.js";
import { chart, color } from "./plot.js";
import { showTrial } from "../parts/trial.js";

export function legend(model) {
  const key = (kind, said) => h("span", {}, h("b", { class: kind }), said);
  return h(
    "div",
    { class: "legend" },
    key("k1 dot", "a trial"),
    key("k2", "best so far"),
    model.head.baseline ? key("k0", "as written") : null,
    key("cross", "no number"),
    h("span", { class: "grow" }),
    h("span", {}, "Drag to zoom, double click for all."),
  );
}

export function results(model) {
  return chart({
    label: "Result of each trial, and the best so far",
    xLabel: () => "trial",
    open: (t) => showTrial(model, t.number),
    tip: (t) =>
      `trial ${t.number}: ${number(t.metric)}\n${words(t.state)}${t.origin === "baseline" ? ", the script as written" : ""}`,
    data: () => resultSeries(model),
    waiting: () => !model.heard,
  });
}

function resultSeries(model) {
  const rows = [...model.trials.values()]
    .filter((t) => t.ended || t.metric !== null)
    .sort((a, b) => a.number - b.number);
  const points = rows.map((t) => [t.number, typeof t.metric === "number" ? t.metric : NaN, t]);
  const up = model.head.optimize === "maximize",
    best = [];
  let so = null;
  for (const [n, y, t] of points) {
    if (t.state === "SUCCEEDED" && Number.isFinite(y) && (so === null || (up ? y > so : y < so)))
      so = y;
    if (so !== null) best.push([n, so]);
  }
  const many = points.length > 2000,
    base = model.head.baseline?.metric;
  const written =
    typeof base === "number" && points.length > 1
      ? [
          [points[0][0], base],
          [points.at(-1)[0], base],
        ]
      : [];
  return [
    { points: written, color: color("--muted"), line: true, width: 1, dash: [4, 4], silent: true },
    { points, color: color("--c1"), radius: many ? 1.7 : 3.2, alpha: many ? 0.5 : 0.85 },
    { points: best, color: color("--c2"), line: true, step: true, silent: true },
  ];
}
