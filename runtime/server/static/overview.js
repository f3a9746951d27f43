// How far it is, what is best, and what it was asked to do.
import {
  alike,
  card,
  download,
  duration,
  h,
  named,
  number,
  pill,
  put,
  ranFor,
  redraw,
  short,
  switches,
  toast,
  valueCell,
  words,
} from "./dom.js";
import { plain } from "./log.js";
import { legend, results } from "./results.js";
import { get, text } from "./server.js";
import { reasons } from "./reasons.js";
import { showTrial } from "./trial.js";

const LAST_LINES = 12; // of a failed trial's log
const IN_TOP = 8; // parameters

export async function show(main, model) {
  let way = model.head.optimize;
  const stat = (label) => h("section", { class: "card w3 stat", "aria-label": label });
  const best = stat("Best result"),
    progress = stat("Trials"),
    clock = stat("Time"),
    counts = stat("States");
  const table = (label) =>
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label });
  const values = table("Best values"),
    top = table("Top 10"),
    failed = h("div", { class: "w12", hidden: true }),
    waits = h("div", { class: "w12", hidden: true });
  const plot = results(model);
  const ways = switches("Order", { maximize: "Highest", minimize: "Lowest" }, way, (key) => {
    way = key;
    fill();
  });
  put(
    main,
    h(
      "div",
      { class: "grid" },
      best,
      progress,
      clock,
      counts,
      failed,
      waits,
      h(
        "div",
        { class: "column w8" },
        card("", "Result of each trial", [plot.reset], plot.box, legend(model)),
        card("", "Top 10", ways, top),
        card("", "Configuration", null, config(model.head)),
      ),
      h(
        "div",
        { class: "column w4" },
        card("", "Best values", null, values),
        card("", "Search space", null, space(model)),
        card("", "Keep", null, keep(model)),
      ),
    ),
  );

  function fill() {
    const e = model.head;
    redraw(best, [e.best, e.baseline, e.state], () => bestOf(e));
    redraw(progress, [e.counts, e.max_trials, e.concurrency], () => progressOf(e));
    redraw(counts, e.counts, () => countsOf(e));
    redraw(values, [e.best, e.baseline], () => bestValues(model));
    redraw(top, e.top[way], () => ranking(model, e.top[way]));
    tick();
  }
  const tick = () =>
    redraw(
      clock,
      [
        duration(ran(model.head)),
        left(model.head),
        model.head.max_duration,
        model.head.reason,
        model.head.ended,
      ],
      () => clockOf(model.head),
    );
  let due = false;
  async function refresh() {
    if (due) return;
    due = true;
    await new Promise((go) => setTimeout(go, 500));
    due = false;
    try {
      Object.assign(model.head, await get(model.id, ""));
      fill();
    } catch {
      /* the line that follows says it */
    }
  }
  fill();
  model.ticked = tick;
  return (changed, whole) => {
    plot.again();
    fill();
    failures(failed, model);
    waiting(waits, model);
    if (!whole) refresh();
  };
}

const ran = (e) => (e.ended || Date.now() / 1000) - e.created;
const total = (e) => Object.values(e.counts).reduce((a, b) => a + b, 0);
const label = (...rest) => h("div", { class: "label" }, ...rest);

function bestOf(e) {
  const base = e.baseline?.metric,
    write = alike([base, e.best?.metric]);
  const gain = typeof base === "number" && e.best ? e.best.metric - base : null;
  const none = e.state === "RUNNING" ? "no trial has ended yet" : "no trial has a result";
  return [
    label(`Best result (${e.optimize})`),
    h("div", { class: "big best" }, e.best ? write(e.best.metric) : "–"),
    label(
      e.best ? `trial ${e.best.number}` : none,
      gain === null ? "" : `, as written ${write(base)} (${gain >= 0 ? "+" : ""}${write(gain)})`,
    ),
  ];
}

function progressOf(e) {
  const all = total(e),
    limit = e.max_trials;
  const bar = h(
    "div",
    {
      class: "progress",
      role: "img",
      "aria-label":
        Object.entries(e.counts)
          .map(([s, n]) => `${n} ${words(s)}`)
          .join(", ") || "no trial yet",
    },
    Object.entries(e.counts).map(([s, n]) =>
      h("span", {
        class: `f-${s}`,
        style: { width: `${(100 * n) / Math.max(limit || 0, all, 1)}%` },
      }),
    ),
  );
  return [
    label("Trials"),
    h(
      "div",
      { class: "big" },
      String(all),
      limit ? h("span", { class: "of" }, ` of ${limit}`) : "",
    ),
    bar,
    label(`${e.concurrency} at a time, ${e.tuner}`),
  ];
}

// About how long it will take, from how quick it was; "" where that isn't known.
function left(e) {
  const waiting = (e.counts.RUNNING || 0) + (e.counts.WAITING || 0),
    ended = total(e) - waiting;
  if (e.state !== "RUNNING") return "";
  const byTrials =
    e.max_trials && ended >= 5 ? (ran(e) / ended) * (e.max_trials - ended) : Infinity;
  const byTime = e.max_duration ? Math.max(0, e.max_duration - ran(e)) : Infinity;
  const least = Math.min(byTrials, byTime);
  return least === Infinity
    ? ""
    : `about ${duration(least < 60 ? Math.ceil(least / 10) * 10 : Math.round(least / 60) * 60)} left`;
}

function clockOf(e) {
  const bar = e.max_duration
    ? h(
        "div",
        { class: "progress" },
        h("span", {
          class: "fill",
          style: { width: `${Math.min(100, (100 * ran(e)) / e.max_duration)}%` },
        }),
      )
    : null;
  const note =
    e.reason || left(e) || (e.ended ? "ended" : e.max_duration || e.max_trials ? "" : "no limit");
  return [
    label("Time"),
    h(
      "div",
      { class: "big" },
      duration(ran(e)),
      e.max_duration ? h("span", { class: "of" }, ` of ${duration(e.max_duration)}`) : "",
    ),
    bar,
    label(note),
  ];
}

function countsOf(e) {
  const links = Object.entries(e.counts).map(([s, n]) =>
    h(
      "a",
      { class: "count", href: `/e/${e.id}/trials?state=${s}`, "data-inside": "" },
      pill(s),
      h("b", {}, String(n)),
    ),
  );
  return [label("States"), h("div", { class: "counts" }, links.length ? links : "no trial yet")];
}

// A parameter's name, which leads to its place in the source.
const placed = (model, p) =>
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
  if (!e.best) return h("p", { class: "empty" }, "The values of the best trial will stand here.");
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
        ["as written", "best"].map((t) => h("th", { scope: "col" }, t)),
      ),
    ),
    h(
      "tbody",
      {},
      e.space.map((p) =>
        h(
          "tr",
          {},
          placed(model, p),
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
  const last = broken.at(-1),
    lines = h("pre", { tabindex: "0", hidden: true, "aria-label": "The last lines it wrote" });
  redraw(box, broken.length, () => {
    text(model.id, `/trials/${last.number}/log/stderr`).then(
      (said) => {
        lines.textContent = plain(said.trim()).split("\n").slice(-LAST_LINES).join("\n");
        lines.hidden = !lines.textContent;
      },
      () => {
        /* its page says why */
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
          `${broken.length} trial${broken.length > 1 ? "s" : ""} failed; the last, trial ${last.number}`,
        ),
        h(
          "button",
          { "data-focus": "log", onclick: () => showTrial(model, last.number) },
          "Its log",
        ),
      ),
      reasons(broken, (number) => showTrial(model, number)),
      lines,
    );
  });
}

// Trials that wait though there is a slot: for GPUs, mostly.
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
          h("h2", {}, `${held.length} trial${held.length > 1 ? "s wait" : " waits"}`),
        ),
        reasons(held, (number) => showTrial(model, number)),
      ),
  );
}

function ranking(model, rows) {
  if (!rows.length) return h("p", { class: "empty" }, "No trial has a result yet.");
  const write = alike(rows.map((t) => t.metric)),
    shown = model.head.space.slice(0, IN_TOP);
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
        right("Result"),
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
                "data-focus": `open ${t.number}`,
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
    h("tr", {}, placed(model, p), h("td", { class: "mono long" }, short(p.text, 240))),
  ];
  if (!model.head.space.length) return h("p", { class: "empty" }, "No parameter.");
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
    ["folder", c.cwd],
    ["interpreter", c.python],
    [
      "tuner",
      `${c.tuner} ${Object.keys(c.tuner_args || {}).length ? JSON.stringify(c.tuner_args) : ""}`,
    ],
    ["assessor", c.assessor || "none"],
    ["seed", c.seed],
    ["trials at a time", c.concurrency],
    ["results", e.folder],
  ];
  return h(
    "dl",
    {},
    rows.map(([k, v]) => [h("dt", {}, k), h("dd", { class: "mono" }, short(v ?? "–", 1000))]),
  );
}

function keep(model) {
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
