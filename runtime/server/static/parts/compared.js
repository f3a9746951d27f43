// The dialog that compares trials: values side by side, and curves.
import {
  alike,
  copying,
  dialog,
  duration,
  forDialog,
  h,
  metricOf,
  named,
  python,
  ranFor,
  short,
  toast,
  value,
  words,
} from "./dom.js";
import { curveChart, legendOf, numberOf } from "../charts/curves.js";
import { get, numbered } from "./server.js";

const COMPARED = 12;

export async function compareTrials(model, numbers) {
  const shown = numbers.slice(0, COMPARED).sort((a, b) => a - b);
  const reading = Promise.all([
    Promise.all(shown.map((n) => get(model.id, `/trials/${n}`))),
    get(model.id, `/curves?${numbered(shown)}`),
  ]);
  let answers;
  try {
    answers = await forDialog(reading);
  } catch (error) {
    toast(error.message);
  }
  if (answers) show(model, numbers, shown, ...answers);
}

function show(model, numbers, shown, trials, reports) {
  const curves = trials.map((t) => [
    t.number,
    reports[t.number].map(([i, v]) => [i, numberOf(v), t]),
  ]);
  const plot = curveChart({
    height: 240,
    of: () => curves,
    tip: (t, p) => `trial ${t.number}, report ${p[0]}: ${alike([p[1]])(p[1])}`,
  });
  const write = alike(trials.map((t) => t.metric));
  const line = (name, of) => {
    const all = trials.map(of);
    return h(
      "tr",
      { class: new Set(all).size > 1 ? "chosen" : "" },
      h("th", { scope: "row" }, named(name)),
      all.map((v) => h("td", { class: "value", title: short(v, 1000) }, short(v, 200))),
    );
  };
  const values = trials.map((t) => t.values);
  const panel = dialog(
    "Comparison",
    null,
    h(
      "header",
      { class: "row" },
      h("h1", {}, "Comparison"),
      h("span", { class: "grow" }),
      copying("Copy JSON", () => JSON.stringify(values, null, 2)),
      copying("Copy Python", () => python(values)),
      h("button", { onclick: () => panel.close() }, "Close"),
    ),
    h(
      "p",
      { class: "muted" },
      "Differences are shaded.",
      numbers.length > COMPARED
        ? ` Showing the first ${COMPARED} of ${numbers.length} selected trials.`
        : "",
    ),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "Values of each" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "trial"),
            trials.map((t) => h("th", { scope: "col" }, String(t.number))),
          ),
        ),
        h(
          "tbody",
          {},
          line("state", (t) => words(t.state)),
          line(metricOf(model.head), (t) => write(t.metric)),
          line("time", (t) => duration(ranFor(t))),
          model.head.space.map((p) => line(p.name, (t) => value(t.values[p.key]))),
        ),
      ),
    ),
    curves.some(([, points]) => points.length)
      ? [h("h2", {}, "Intermediate results ", plot.reset), plot.box, legendOf(shown)]
      : null,
  );
}
