// Differences between experiments: remarks, and tables side by side.
import { card, duration, h, metricOf, number, pill, redraw, time, value, words } from "./dom.js";

export const name = (e) => e.name || e.id;
export const link = (e) => h("a", { href: `/e/${e.id}`, "data-inside": "" }, name(e));
const quoted = (text) => `“${text}”`;
const list = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

// What the results of all are called; "result" if their metrics differ.
export const commonMetric = (all) => {
  const [first, ...others] = new Set(all.map(metricOf));
  return others.length || !first ? "result" : first;
};

// What to know before comparing them.
export function remarks(all) {
  const notes = [];
  const [up, down] = ["maximize", "minimize"].map((way) =>
    all.filter((e) => e.optimize === way).map(name),
  );
  if (up.length && down.length) {
    notes.push(
      `Their goals differ: higher is better for ${list(up.map(quoted))}, lower for ${list(down.map(quoted))}. ` +
        "Do not compare their curves directly.",
    );
  }
  const metrics = [...new Set(all.map(metricOf))];
  if (metrics.length > 1) notes.push(`They report different results: ${list(metrics)}.`);
  const rows = spaces(all);
  const other = rows.filter(([, texts]) => new Set(texts).size > 1);
  if (!other.length) notes.push("All have the same search space.");
  else if (other.length === rows.length) notes.push("Their search spaces share no parameter with the same domain.");
  else
    notes.push(
      `Their search spaces differ in ${list(other.map(([p]) => p))}; ${rows.length - other.length} of ${rows.length} parameters are the same.`,
    );
  return notes;
}

// Cards with one table each for `count` experiments, and `fill(all)`, which updates them.
export function tables(count) {
  const kinds = { Best: best, Trials: states, Settings: settings, "Search space": spaces };
  const parts = Object.entries(kinds).map(([title, rowsOf]) => ({
    title,
    rowsOf,
    box: h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title }),
  }));
  const note = () => h("p", { class: "muted label" }, "Differences are shaded.");
  const width = count > 3 ? "w12" : "w6";
  return {
    cards: parts.map(({ title, box }) => card(width, title, null, box, note())),
    fill: (all) => parts.forEach(({ rowsOf, box }) => comparison(box, rowsOf(all), all)),
  };
}

// The rows of a table are [name, a text or element for each experiment].
function best(all) {
  const names = [...new Set(all.flatMap((e) => e.space.map((p) => p.name)))];
  const of = (e, p) => {
    const own = e.space.find((q) => q.name === p);
    return !own || !e.best ? "–" : value(e.best.values[own.key]);
  };
  return [
    [commonMetric(all), all.map((e) => (e.best ? number(e.best.metric) : "–"))],
    ["better", all.map((e) => (e.optimize === "maximize" ? "higher" : "lower"))],
    ["baseline", all.map((e) => (e.baseline ? number(e.baseline.metric) : "–"))],
    ["trial", all.map((e) => (e.best ? String(e.best.number) : "–"))],
    ...names.map((p) => [p, all.map((e) => of(e, p))]),
  ];
}

function states(all) {
  const kinds = [...new Set(all.flatMap((e) => Object.keys(e.counts)))];
  return [
    ["state", all.map((e) => pill(e.state))],
    ["trials", all.map((e) => String(Object.values(e.counts).reduce((a, b) => a + b, 0)))],
    ...kinds.map((s) => [words(s), all.map((e) => String(e.counts[s] || 0))]),
    ["started", all.map((e) => time(e.created))],
    ["duration", all.map((e) => duration((e.ended || Date.now() / 1000) - e.created - e.paused))],
  ];
}

function settings(all) {
  const given = (args) =>
    Object.entries(args || {})
      .map(([k, v]) => `${k}=${value(v)}`)
      .join(", ");
  return [
    ["tuner", (c) => [c.tuner, given(c.tuner_args)].filter(Boolean).join(": ")],
    ["assessor", (c) => [c.assessor || "none", given(c.assessor_args)].filter(Boolean).join(": ")],
    ["seed", (c) => String(c.seed)],
    ["maximum trials", (c) => (c.max_trials === null ? "none" : String(c.max_trials))],
    ["maximum time", (c) => (c.max_duration === null ? "none" : duration(c.max_duration))],
    [
      "maximum time per trial",
      (c) => (c.trial_timeout === null ? "none" : duration(c.trial_timeout)),
    ],
    ["concurrency", (c) => String(c.concurrency)],
    ["GPUs per trial", (c) => (c.gpus === null ? "all visible" : String(c.gpus))],
    ["script", (c) => c.command || [c.script, ...(c.arguments || [])].join(" ")],
    ["folder", (c) => c.cwd],
  ].map(([label, of]) => [label, all.map((e) => of(e.config))]);
}

function spaces(all) {
  const names = [...new Set(all.flatMap((e) => e.space.map((p) => p.name)))];
  return names.map((p) => [
    p,
    all.map((e) => e.space.find((q) => q.name === p)?.text ?? "–"),
  ]);
}

function comparison(box, rows, all) {
  const shown = (v) => (typeof v === "string" ? v : v.textContent);
  const texts = rows.map(([label, cells]) => [label, cells.map(shown)]);
  const head = (e, n) =>
    h(
      "th",
      { scope: "col" },
      h("b", { class: `key k${n + 1}`, "aria-hidden": "true" }),
      link(e),
      " ",
      h("span", { class: "mono" }, e.id),
    );
  const row = ([label, cells]) =>
    h(
      "tr",
      { class: new Set(cells.map(shown)).size > 1 ? "chosen" : "" },
      h("th", { scope: "row" }, label),
      cells.map((v) => h("td", { class: typeof v === "string" ? "mono" : "" }, v)),
    );
  redraw(box, [all.map(name), texts], () =>
    h(
      "table",
      { class: "sides" },
      h("thead", {}, h("tr", {}, h("td"), all.map(head))),
      h("tbody", {}, rows.map(row)),
    ),
  );
}
