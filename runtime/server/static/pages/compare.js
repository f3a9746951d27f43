// Several experiments side by side: best results over time, and their differences.
import { commonMetric, link, name, remarks, tables } from "../parts/differences.js";
import { card, duration, h, number, resultText, put, redraw, short, switches } from "../parts/dom.js";
import { chart, color, SERIES } from "../charts/plot.js";
import { get, Refused, visibilityChange } from "../parts/server.js";

const MOST = SERIES.length;
const INTERVAL = 3000; // ms between updates while one of them runs

// The list's checkboxes for experiments, and the link to their comparison.
export function picker() {
  const chosen = new Set();
  const box = h("div", { class: "row" });
  function fill() {
    const ids = [...chosen];
    if (ids.length >= 2 && ids.length <= MOST)
      put(
        box,
        h(
          "a",
          { class: "button", href: `/compare/${ids.join("+")}`, "data-inside": "" },
          `Compare ${ids.length}`,
        ),
      );
    else
      put(
        box,
        h(
          "span",
          { class: "muted label" },
          ids.length > MOST
            ? `Select at most ${MOST} to compare`
            : "Select two or more to compare",
        ),
      );
  }
  fill();
  function choose(id, yes) {
    if (yes) chosen.add(id);
    else chosen.delete(id);
    fill();
  }
  const cell = (row) =>
    h("input", {
      type: "checkbox",
      "aria-label": `Compare ${row.name || row.id}`,
      "data-focus": `compare ${row.id}`,
      checked: chosen.has(row.id),
      onchange: (event) => choose(row.id, event.target.checked),
    });
  return { box, cell };
}

function show(main, ids) {
  const view = { by: "number", all: [], of: 1, unit: "seconds" };
  const remarksBox = h("div");
  const legend = h("div", { class: "legend" });
  const side = h("div", { class: "grid whole" });
  const sides = tables(ids.length);
  const plot = chart({
    height: 320,
    label: "Best result so far of each experiment",
    xLabel: () => (view.by === "number" ? "trial" : `${view.unit} since the start`),
    yLabel: () => (view.all.length ? short(commonMetric(view.all), 30) : ""),
    data: () => series(view.all, view.by, view.of),
    tip: ({ e, step }) =>
      `${name(e)}\ntrial ${step[0]} after ${duration(step[1])}: ${resultText(e.metric_name, step[2])}`,
    waiting: () => !view.all.length,
  });
  const axisSwitch = switches("Horizontal axis", { number: "By trial", time: "By time" }, view.by, (by) => {
    view.by = by;
    plot.resetView();
  });
  const chartCard = card(
    "w12",
    "Best result so far",
    [plot.reset, axisSwitch],
    remarksBox,
    plot.box,
    legend,
  );
  put(main, h("div", { class: "grid" }, chartCard, side));

  async function update() {
    const all = await Promise.all(
      ids.map(async (id) => ({ ...(await get(id, "")), ...(await get(id, "/progress")) })),
    );
    const texts = remarks(all);
    redraw(remarksBox, texts, () => texts.map((text) => h("p", {}, text)));
    redraw(
      legend,
      all.map((e) => [name(e), e.by_number.length > 0]),
      () => all.map(key),
    );
    chartCard.querySelector("h2").textContent = `Best ${commonMetric(all)} so far`;
    sides.fill(all);
    if (!side.firstChild) put(side, sides.cards);
    const [of, unit] = scaleOf(all);
    const other = unit !== view.unit;
    Object.assign(view, { all, of, unit });
    if (other && view.by === "time") plot.resetView();
    else plot.again();
    return all.some((e) => e.state === "RUNNING");
  }
  return update;
}

const key = (e, n) =>
  h(
    "span",
    {},
    h("b", { class: `k${n + 1}` }),
    link(e),
    e.by_number.length ? "" : " (no result yet)",
  );

function scaleOf(all) {
  const most = Math.max(0, ...all.map((e) => e.last_seconds || 0));
  return (
    [
      [86400, "days"],
      [3600, "hours"],
      [60, "minutes"],
    ].find(([of]) => most > 3 * of) || [1, "seconds"]
  );
}

function series(all, by, of) {
  const xOf = (number, seconds) => (by === "number" ? number : seconds / of);
  return all.flatMap((e, n) => {
    const points = (by === "number" ? e.by_number : e.by_time).map((step) => [
      xOf(...step),
      step[2],
      { e, step },
    ]);
    const line = points.length
      ? [...points, [xOf(e.last_number, e.last_seconds), points.at(-1)[1]]]
      : [];
    return [
      { points: line, color: color(SERIES[n]), line: true, step: true, width: 2.2, silent: true },
      { points, color: color(SERIES[n]), radius: 3.2 },
    ];
  });
}

// Shows the comparison and updates it while an experiment runs. Returns a function that stops.
export function follow(main, ids, onConnection, onError) {
  let ended = false;
  const update = show(main, ids);
  async function loop() {
    for (let runs = true; runs && !ended;) {
      try {
        runs = await update();
        if (!ended) onConnection(true);
      } catch (error) {
        if (ended) return;
        if (error instanceof Refused) return onError(error);
        onConnection(false, error);
      }
      await new Promise((go) => setTimeout(go, INTERVAL));
      if (document.hidden) await visibilityChange();
    }
  }
  if (ids.length > MOST) onError(new Refused(400, `You can compare at most ${MOST} experiments.`));
  else loop();
  return () => {
    ended = true;
  };
}
