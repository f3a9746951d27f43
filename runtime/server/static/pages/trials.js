// All trials: charts above, and the table in which they are selected.
import { card, duration, h, metricOf, put, ranFor, short, switches } from "../parts/dom.js";
import { axesOf } from "../charts/axes.js";
import { curves } from "../charts/curves.js";
import { jobs } from "../parts/jobs.js";
import { parallel } from "../charts/parallel.js";
import { chart, color } from "../charts/plot.js";
import { valuesOf } from "../parts/server.js";
import { legend, results } from "../charts/results.js";
import { showTrial } from "../parts/trial.js";
import { inTurn, showFailure } from "../parts/update.js";

const tabsOf = (e) => ({
  result: short(e.metric_name || "Result", 30),
  parallel: "Parameters",
  duration: "Duration",
  curves: "Intermediate results",
});
const SHARES = [100, 50, 20, 10, 5, 1]; // percent

export async function show(main, model) {
  const open = (trial) => showTrial(model, trial.number);
  const tabs = {
    result: plotted(results(model), legend(model)),
    duration: plotted(durations(model, open)),
    parallel: coordinates(model, open, (numbers) => table.choose(numbers)),
    curves: curves(model, () => table.chosen, open),
  };
  const box = h("div");
  const tools = h("div", { class: "row tools" });
  let tab = "result";
  let placed = "";
  async function place() {
    const shown = tab;
    await tabs[shown].fresh();
    if (shown !== tab || shown === placed) return; // the user has switched tabs meanwhile
    placed = shown;
    put(tools, tabs[tab].tools());
    put(box, tabs[tab].box());
  }
  const chosen = () => {
    if (tab === "curves") place().catch(showFailure);
  };
  const table = jobs(model, chosen);
  const choose = switches("Chart", tabsOf(model.head), tab, (key) => {
    tab = key;
    place().catch(showFailure);
  });
  put(main, h("div", { class: "grid" }, card("w12", "Charts", choose, tools, box), table.card));
  await Promise.all([place(), table.fill()]);
  return inTurn(() => Promise.all([place(), table.fill()]), 500);
}

const plotted = (plot, ...below) => ({
  fresh: async () => plot.again(),
  tools: () => plot.reset,
  box: () => [plot.box, ...below],
});

function durations(model, open) {
  return chart({
    label: "Duration of each trial in seconds",
    xLabel: () => "trial",
    yLabel: () => "seconds",
    open,
    tip: (t) => `trial ${t.number}: ${duration(ranFor(t))}`,
    data: () => {
      const begun = [...model.trials.values()].filter((t) => t.started);
      return [
        { color: color("--c3"), radius: 3, points: begun.map((t) => [t.number, ranFor(t), t]) },
      ];
    },
  });
}

function coordinates(model, open, choose) {
  let plane = null;
  let values = {};
  let share = 100;
  let marked = null;
  const status = h("span", { class: "muted", role: "status" });
  const take = h(
    "button",
    { onclick: () => choose(marked.map((t) => t.number)) },
    "Select these in the table",
  );
  const shares = h(
    "select",
    {
      "aria-label": "Show",
      onchange: () => {
        share = Number(shares.value);
        plane.again();
      },
    },
    SHARES.map((n) => h("option", { value: String(n) }, n === 100 ? "all trials" : `best ${n} %`)),
  );
  function rows() {
    const all = [...model.trials.values()].map((t) => ({ ...t, values: values[t.number] || {} }));
    if (share === 100) return all;
    const up = model.head.optimize === "maximize" ? -1 : 1;
    const ranked = all
      .filter((t) => t.state === "SUCCEEDED" && typeof t.metric === "number")
      .sort((a, b) => up * (a.metric - b.metric));
    return ranked.slice(0, Math.max(1, Math.ceil((ranked.length * share) / 100)));
  }
  function onchoice(found) {
    marked = found;
    take.hidden = found === null || !found.length;
    const text = found
      ? `${found.length} trial${found.length === 1 ? "" : "s"} selected`
      : "Drag along an axis to filter; drag its name to move it.";
    if (status.textContent !== text) status.textContent = text;
  }
  return {
    async fresh() {
      values = await valuesOf(model);
      plane ??= parallel({
        axes: axesOf(model.head.space, metricOf(model.head)),
        rows,
        best: model.head.optimize,
        onchoice,
        open,
      });
      plane.again();
    },
    tools: () => [shares, plane.clear, status, take],
    box: () => [
      plane.box,
      h("div", { class: "legend" }, h("span", {}, "worse ", h("b", { class: "ramp" }), " better")),
    ],
  };
}
