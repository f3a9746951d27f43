// The result of each trial, the best so far, and the result of the unchanged script.
import { h, metricOf, resultText, short, words } from "../parts/dom.js";
import { chart, color } from "./plot.js";
import { showTrial } from "../parts/trial.js";

export function legend(model) {
  const key = (kind, text) => h("span", {}, h("b", { class: kind }), text);
  return h(
    "div",
    { class: "legend" },
    key("k1 dot", "a trial"),
    key("k2", "best so far"),
    model.head.baseline ? key("k0", "baseline") : null,
    key("cross", "no final result"),
    h("span", { class: "grow" }),
    h("span", {}, "Drag to zoom; double-click to reset."),
  );
}

export function results(model) {
  return chart({
    label: `${model.head.metric_name || "Result"} of each trial, and the best so far`,
    xLabel: () => "trial",
    yLabel: () => short(metricOf(model.head), 30),
    open: (t) => showTrial(model, t.number),
    tip: (t) =>
      `trial ${t.number}: ${resultText(model.head.metric_name, t.metric)}\n${words(t.state)}${t.origin === "baseline" ? "; baseline, the script unchanged" : ""}`,
    data: () => resultSeries(model),
    waiting: () => !model.loaded,
  });
}

function resultSeries(model) {
  const rows = [...model.trials.values()]
    .filter((t) => t.ended || t.metric !== null)
    .sort((a, b) => a.number - b.number);
  const points = rows.map((t) => [t.number, typeof t.metric === "number" ? t.metric : NaN, t]);
  const up = model.head.optimize === "maximize";
  const best = [];
  let bestSoFar = null;
  const isBetter = (y) => bestSoFar === null || (up ? y > bestSoFar : y < bestSoFar);
  for (const [n, y, t] of points) {
    if (t.state === "SUCCEEDED" && Number.isFinite(y) && isBetter(y)) bestSoFar = y;
    if (bestSoFar !== null) best.push([n, bestSoFar]);
  }
  const many = points.length > 2000;
  const base = model.head.baseline?.metric;
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
