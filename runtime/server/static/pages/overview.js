// Progress, best results and settings of one experiment.
import {
  alike,
  card,
  download,
  duration,
  h,
  named,
  number,
  put,
  ranFor,
  redraw,
  short,
  switches,
  toast,
  valueCell,
} from "../parts/dom.js";
import { plain } from "../parts/log.js";
import { legend, results } from "../charts/results.js";
import { get, text } from "../parts/server.js";
import { reasons } from "../parts/reasons.js";
import { stats } from "../parts/stats.js";
import { showTrial } from "../parts/trial.js";
import { inTurn } from "../parts/update.js";

const LAST_LINES = 12; // of a failed trial's log
const IN_TOP = 8; // parameters

export async function show(main, model) {
  let direction = model.head.optimize;
  const numbers = stats(model.head);
  const table = (label) =>
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label });
  const values = table("Best values");
  const top = table("Top 10");
  const failed = h("div", { class: "w12", hidden: true });
  const waits = h("div", { class: "w12", hidden: true });
  const notes = h("div", { class: "w12", hidden: true });
  const plot = results(model);
  const orderSwitch = switches("Order", { maximize: "Highest", minimize: "Lowest" }, direction, (key) => {
    direction = key;
    fill();
  });
  put(
    main,
    h(
      "div",
      { class: "grid" },
      numbers.boxes,
      failed,
      waits,
      notes,
      h(
        "div",
        { class: "column w8" },
        card("", `${model.head.metric_name || "Result"} of each trial`, [plot.reset], plot.box, legend(model)),
        card("", "Top 10", orderSwitch, top),
        card("", "Configuration", null, config(model.head)),
      ),
      h(
        "div",
        { class: "column w4" },
        card("", "Best values", null, values),
        card("", "Search space", null, space(model)),
        card("", "Download", null, downloads(model)),
      ),
    ),
  );

  function fill() {
    const e = model.head;
    numbers.fill(e);
    redraw(values, [e.best, e.baseline], () => bestValues(model));
    remarks(notes, e.notes);
    redraw(top, e.top[direction], () => ranking(model, e.top[direction]));
  }
  const refresh = inTurn(async () => {
    Object.assign(model.head, await get(model.id, ""));
    fill();
  }, 500);
  fill();
  model.onTick = () => numbers.tick(model.head);
  return (changed, whole) => {
    plot.again();
    fill();
    failures(failed, model);
    waiting(waits, model);
    if (!whole) refresh();
  };
}

// A parameter's name, linked to its place in the source.
const nameCell = (model, p) =>
  h(
    "th",
    { scope: "row", title: short(p.key, 300) },
    h(
      "a",
      {
        class: "quiet",
        href: `/e/${model.id}/source?parameter=${encodeURIComponent(p.key)}`,
        "data-inside": "",
      },
      named(p.name),
    ),
  );

function bestValues(model) {
  const e = model.head;
  if (!e.best) return h("p", { class: "empty" }, "The best trial's values will appear here.");
  return h(
    "table",
    { class: "even" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", {}, h("span", { class: "hide" }, "Parameter")),
        ["as in script", "best"].map((t) => h("th", { scope: "col" }, t)),
      ),
    ),
    h(
      "tbody",
      {},
      e.space.map((p) =>
        h(
          "tr",
          {},
          nameCell(model, p),
          e.baseline ? valueCell(e.baseline.values[p.key]) : h("td", {}, "–"),
          valueCell(e.best.values[p.key], "best"),
        ),
      ),
    ),
  );
}

function failures(box, model) {
  const broken = [...model.trials.values()].filter((t) => t.state === "FAILED");
  box.hidden = !broken.length;
  if (!broken.length) return;
  const last = broken.at(-1);
  const lines = h("pre", {
    tabindex: "0",
    role: "group",
    hidden: true,
    "aria-label": "Last lines of its log",
  });
  redraw(box, broken.length, () => {
    text(model.id, `/trials/${last.number}/log/stderr`).then(
      (said) => {
        lines.textContent = plain(said.trim()).split("\n").slice(-LAST_LINES).join("\n");
        lines.hidden = !lines.textContent;
      },
      () => {
        /* the trial's dialog shows the error */
      },
    );
    return h(
      "section",
      { class: "card", "aria-label": "Failures" },
      h(
        "header",
        {},
        h(
          "h2",
          { class: "bad" },
          `${broken.length} trial${broken.length > 1 ? "s" : ""} failed, most recently trial ${last.number}`,
        ),
        h("button", { onclick: () => showTrial(model, last.number) }, "Show log"),
      ),
      reasons(broken, (number) => showTrial(model, number)),
      lines,
    );
  });
}

// Trials that wait although there is a slot, mostly for GPUs.
function waiting(box, model) {
  const held = [...model.trials.values()].filter((t) => t.state === "WAITING" && t.reason);
  box.hidden = !held.length;
  redraw(
    box,
    held.map((t) => [t.number, t.reason]),
    () =>
      h(
        "section",
        { class: "card", "aria-label": "Waiting" },
        h(
          "header",
          {},
          h("h2", {}, `${held.length} trial${held.length > 1 ? "s are" : " is"} waiting`),
        ),
        reasons(held, (number) => showTrial(model, number)),
      ),
  );
}

// What its results say about the parameters, once it has ended.
function remarks(box, notes) {
  box.hidden = !notes.length;
  if (!notes.length) return;
  redraw(box, notes, () =>
    h(
      "section",
      { class: "card", "aria-label": "Notes" },
      h("header", {}, h("h2", {}, `Note${notes.length > 1 ? "s" : ""}`)),
      h(
        "ul",
        { class: "why" },
        notes.map((note) => h("li", {}, named(short(note, 600)))),
      ),
    ),
  );
}

function ranking(model, rows) {
  if (!rows.length) return h("p", { class: "empty" }, "No trial has a result yet.");
  const write = alike(rows.map((t) => t.metric));
  const shown = model.head.space.slice(0, IN_TOP);
  const right = (title) => h("th", { class: "number", scope: "col" }, title);
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        right("Trial"),
        right(model.head.metric_name || "Result"),
        right("Time"),
        shown.map((p) => h("th", { scope: "col", title: short(p.key, 300) }, short(p.name, 30))),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((t) =>
        h(
          "tr",
          {},
          h(
            "td",
            { class: "number" },
            h(
              "button",
              {
                class: "link",
                onclick: () => showTrial(model, t.number),
                "aria-label": `Trial ${t.number}`,
              },
              String(t.number),
            ),
          ),
          h("td", { class: "number" }, write(t.metric)),
          h("td", { class: "number" }, duration(ranFor(t))),
          shown.map((p) => valueCell(t.values[p.key])),
        ),
      ),
    ),
  );
}

function space(model) {
  const line = (p) => [
    h("tr", {}, nameCell(model, p), h("td", { class: "mono long" }, short(p.text, 240))),
  ];
  if (!model.head.space.length) return h("p", { class: "empty" }, "No parameters.");
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "Domain of each parameter" },
    h("table", { class: "pair" }, h("tbody", {}, model.head.space.map(line))),
  );
}

function config(e) {
  const c = e.config;
  const rows = [
    ["script", [c.script, ...(c.arguments || [])].join(" ")],
    ["goal", `${e.optimize} ${c.metric_name}${c.optimize_by ? ` (${c.optimize_by})` : ""}`],
    ["folder", c.cwd],
    ["interpreter", c.python],
    [
      "tuner",
      `${c.tuner} ${Object.keys(c.tuner_args || {}).length ? JSON.stringify(c.tuner_args) : ""}`,
    ],
    ["assessor", c.assessor || "none"],
    ["seed", c.seed],
    ["concurrency", c.concurrency],
    ["results", e.folder],
  ];
  return h(
    "dl",
    {},
    rows.map(([k, v]) => [h("dt", {}, k), h("dd", { class: "mono" }, short(v ?? "–", 1000))]),
  );
}

function downloads(model) {
  const save = (rest, name) => async () => {
    try {
      download(name, await text(model.id, rest));
    } catch (error) {
      toast(error.message);
    }
  };
  const button = (title, rest, name) => h("button", { onclick: save(rest, name) }, title);
  return h(
    "div",
    { class: "row" },
    button("Results as CSV", "/results.csv", `${model.id}.csv`),
    button("Results as JSON", "/results.json", `${model.id}.json`),
    button("Driver's log", "/log", `${model.id}.log`),
    h(
      "button",
      {
        onclick: () =>
          download("search_space.json", JSON.stringify(model.head.space_json, null, 2)),
      },
      "Search space",
    ),
  );
}
