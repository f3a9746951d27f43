// The dialog of one trial: result, values, curve, log and actions.
import {
  copying,
  dialog,
  duration,
  forDialog,
  h,
  metricOf,
  named,
  number,
  pill,
  python,
  ranFor,
  redraw,
  short,
  time,
  toast,
  value,
} from "./dom.js";
import { curveChart, numberOf, reported } from "../charts/curves.js";
import { custom } from "./custom.js";
import { usedText, waitedText, waitsFor } from "./gpus.js";
import { logOf } from "./log.js";
import { change, get } from "./server.js";
import { inTurn } from "./update.js";

export async function showTrial(model, which) {
  let trial;
  let points = [];
  const plot = curveChart({
    height: 200,
    of: () => [[trial.number, points]],
    tip: (t, p) => `report ${p[0]}: ${reported(p[3])}`,
  });
  async function read() {
    trial = await get(model.id, `/trials/${which}`);
    const first = points.length ? points.at(-1)[0] + 1 : 0;
    const rows = (await get(model.id, `/curves?first=${first}&trial=${trial.number}`))[
      trial.number
    ];
    points.push(...rows.map(([n, v]) => [n, numberOf(v), trial, v]));
    return trial;
  }
  try {
    if (!(await forDialog(read()))) return;
  } catch (error) {
    toast(error.message);
    return;
  }

  const head = h("header", { class: "row" });
  const facts = h("div");
  const values = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Values" });
  const title = h("span");
  const curve = h("section", {}, h("h2", {}, title, plot.reset), plot.box);
  const log = logOf(model, trial.number, trial.state === "FAILED" ? "stderr" : "stdout");
  const close = () => panel.close();
  function draw() {
    redraw(head, [trial.state, model.head.state], () => [
      h("h1", {}, `Trial ${trial.number}`),
      h("span", { class: "mono muted" }, trial.id),
      pill(trial.state),
      h("span", { class: "grow" }),
      actions(model, trial, close),
      h("button", { onclick: close }, "Close"),
    ]);
    redraw(facts, [trial, trial.ended ? 0 : duration(ranFor(trial))], () => factsOf(model, trial));
    redraw(values, trial.values, () => valuesOf(model, trial));
    curve.hidden = !points.length;
    title.textContent = `${points.length} intermediate result${points.length === 1 ? "" : "s"} `;
    plot.again();
  }
  // The address names the trial, so that it can be shared.
  const address = location.pathname + location.search.replace(/^\?trial=\w+$/, "");
  history.replaceState(null, "", `${location.pathname}?trial=${trial.number}`);
  const refresh = inTurn(async () => {
    await read();
    draw();
    log.more();
  });
  const onUpdate = (changed) => changed.some((t) => t.number === trial.number) && refresh();
  const tick = setInterval(() => {
    if (!trial.ended && !document.hidden) {
      draw();
      log.more();
    }
  }, 1000);
  model.listeners.add(onUpdate);
  const onClose = () => {
    clearInterval(tick);
    model.listeners.delete(onUpdate);
    if (location.search === `?trial=${trial.number}`) history.replaceState(null, "", address);
  };
  draw();
  const panel = dialog(
    `Trial ${trial.number}`,
    onClose,
    head,
    facts,
    values,
    curve,
    log.section,
    h("p", { class: "muted mono small" }, trial.folder),
  );
}

function factsOf(model, t) {
  const final =
    t.final && typeof t.final === "object"
      ? h("p", { class: "mono" }, short(JSON.stringify(t.final), 2000))
      : null;
  const times = t.started
    ? `started ${time(t.started)}, ${t.ended ? "took" : "running for"} ${duration(ranFor(t))}`
    : `created ${time(t.created)}, not started`;
  const why = t.state === "WAITING" ? waitsFor(t, t.gpu) : t.reason;
  return [
    why ? h("div", { class: t.state === "FAILED" ? "bad" : "" }, why) : null,
    h(
      "p",
      { class: "headline" },
      h("span", { class: "big best" }, number(t.metric)),
      h("span", { class: "muted" }, t.metric === null ? "no result; " : `${metricOf(model.head)}; `, times),
    ),
    t.machine ? h("p", { class: "muted" }, `on ${t.machine}`) : null,
    t.gpu?.gpus.length ? h("p", { class: "muted" }, usedText(t.gpu)) : null,
    t.started && waitedText(t.gpu) ? h("p", { class: "muted" }, waitedText(t.gpu)) : null,
    final,
  ];
}

function valuesOf(model, t) {
  return h(
    "table",
    {},
    h(
      "tbody",
      {},
      model.head.space.map((p) =>
        h(
          "tr",
          {},
          h("th", { scope: "row", title: p.key }, named(p.name)),
          h("td", { class: "mono long" }, value(t.values[p.key])),
        ),
      ),
    ),
  );
}

function actions(model, trial, close) {
  const buttons = [
    copying("Copy JSON", () => JSON.stringify(trial.values, null, 2)),
    copying("Copy Python", () => python(trial.values)),
  ];
  if (model.head.state === "RUNNING") {
    if (["RUNNING", "WAITING"].includes(trial.state))
      buttons.push(h("button", { class: "danger", onclick: () => kill(model, trial.number) }, "Kill"));
    buttons.push(
      h(
        "button",
        {
          class: "primary",
          onclick: () => {
            close();
            custom(model, trial.values);
          },
        },
        "Run with changes",
      ),
    );
  }
  return buttons;
}

async function kill(model, number) {
  try {
    toast(await change(model.id, "kill", { trial: number }));
  } catch (error) {
    toast(error.message);
  }
}
