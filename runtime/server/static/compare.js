// Several experiments side by side: how they came to their best results, and in what they differ.
import { card, duration, h, number, pill, put, time, toast, value } from "./dom.js";
import { chart, color, SERIES } from "./plot.js";
import { get } from "./server.js";

const MOST = SERIES.length;
const AGAIN = 3000; // ms between two looks at those that run

// What the list of experiments needs: a box for each, and the button that leads here.
export function picker() {
  const chosen = new Set();
  const box = h("div", { class: "row" });
  function fill() {
    const ids = [...chosen];
    if (ids.length >= 2 && ids.length <= MOST) put(box, h("a", { class: "button", href: `/compare/${ids.join("+")}`, "data-inside": "" }, `Compare ${ids.length}`));
    else put(box, h("span", { class: "muted label" }, ids.length > MOST ? `At most ${MOST} can be compared` : "Choose two or more to compare them"));
  }
  fill();
  function choose(id, yes) {
    if (yes) chosen.add(id); else chosen.delete(id);
    fill();
  }
  const cell = (row) => h("input", {
    type: "checkbox", "aria-label": `Compare ${row.name || row.id}`, "data-focus": row.id,
    checked: chosen.has(row.id), onchange: (event) => choose(row.id, event.target.checked),
  });
  return { box, cell };
}

function show(main, ids) {
  const view = { by: "number", all: [], drawn: "", plot: null };
  const words = h("div"), legend = h("div", { class: "legend" }), box = h("div"), tools = h("div", { class: "row" });
  const tables = h("div", { class: "grid whole" });
  const ways = [["number", "By trial"], ["time", "By time"]].map(([by, text]) => h("button", { "aria-pressed": String(by === view.by), onclick: (event) => choose(by, event.target) }, text));
  main.replaceChildren(h("div", { class: "grid" }, card("w12", "Best result so far", [tools, ...ways], words, box, legend), tables));

  function choose(by, button) {
    view.by = by;
    ways.forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
    draw();
  }
  async function look() {
    const all = view.all = await Promise.all(ids.map(async (id) => ({ ...await get(id, ""), ...await get(id, "/progress") })));
    put(words, remarks(all).map((text) => h("p", {}, text)));
    put(legend, all.map((e, n) => h("span", {}, h("b", { class: `k${n + 1}` }), link(e), e.by_number.length ? "" : " (no result yet)")));
    const parts = { Best: best, Trials: states, Settings: settings, "Search space": spaces };
    put(tables, Object.entries(parts).map(([title, rows]) => comparison(title, rows(all), all)));
    draw();
    return all.some((e) => e.state === "RUNNING");
  }
  function draw() {
    const [of, unit] = scaleOf(view.all), label = view.by === "number" ? "trial" : `${unit} since the experiment began`;
    if (view.drawn !== label) {
      view.drawn = label;
      view.plot = chart({
        height: 320, label: "Best result so far of each experiment", xLabel: label, data: () => series(view.all, view.by, of),
        tip: ({ e, step }) => `${name(e)}\ntrial ${step[0]} after ${duration(step[1])}: ${number(step[2])}`,
      });
      put(box, view.plot.box);
      put(tools, view.plot.reset);
    }
    view.plot.again();
  }
  return look;
}

function scaleOf(all) {
  const most = Math.max(0, ...all.map((e) => e.last_seconds || 0));
  return [[86400, "days"], [3600, "hours"], [60, "minutes"]].find(([of]) => most > 3 * of) || [1, "seconds"];
}

function series(all, by, of) {
  const at = (number, seconds) => by === "number" ? number : seconds / of;
  return all.flatMap((e, n) => {
    const points = (by === "number" ? e.by_number : e.by_time).map((step) => [at(...step), step[2], { e, step }]);
    const line = points.length ? [...points, [at(e.last_number, e.last_seconds), points.at(-1)[1]]] : [];
    return [{ points: line, color: color(SERIES[n]), line: true, step: true, width: 2.2, silent: true }, { points, color: color(SERIES[n]), radius: 3.2 }];
  });
}

// Shows it, and again and again while one of them runs; returns what ends that.
export async function follow(main, ids, reachable) {
  if (ids.length > MOST) throw new Error(`At most ${MOST} experiments can be compared.`);
  const look = show(main, ids);
  let ended = false;
  let runs = await look();
  (async () => {
    while (runs && !ended) {
      await new Promise((go) => setTimeout(go, AGAIN));
      if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
      if (ended) return;
      try { runs = await look(); reachable(true); } catch (error) { if (error instanceof TypeError) reachable(false); else { toast(error.message); return; } }
    }
  })();
  return () => { ended = true; };
}

const name = (e) => e.name || e.id;
const link = (e) => h("a", { href: `/e/${e.id}`, "data-inside": "" }, name(e));
const quoted = (text) => `“${text}”`;
const list = (names) => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

function remarks(all) {
  const found = [], [up, down] = ["maximize", "minimize"].map((way) => all.filter((e) => e.optimize === way).map(name));
  if (up.length && down.length) {
    found.push(`They do not look for the same: for ${list(up.map(quoted))} higher is better, for ${list(down.map(quoted))} lower. `
      + "Their curves share an axis, but not its meaning.");
  }
  const rows = spaces(all), other = rows.filter(([, texts]) => new Set(texts).size > 1);
  if (!other.length) found.push("All search the same space.");
  else if (other.length === rows.length) found.push("Their search spaces have nothing in common.");
  else found.push(`Their search spaces differ in ${list(other.map(([p]) => p))}; ${rows.length - other.length} of ${rows.length} parameters are the same.`);
  return found;
}

// The rows of a table are [name, a text or element for each experiment].
function best(all) {
  const names = [...new Set(all.flatMap((e) => e.space.map((p) => p.name)))];
  const of = (e, p) => { const own = e.space.find((q) => q.name === p); return !own || !e.best ? "–" : value(e.best.values[own.key]); };
  return [
    ["result", all.map((e) => e.best ? number(e.best.metric) : "–")],
    ["better is", all.map((e) => e.optimize === "maximize" ? "higher" : "lower")],
    ["as written", all.map((e) => e.baseline ? number(e.baseline.metric) : "–")],
    ["trial", all.map((e) => e.best ? String(e.best.number) : "–")],
    ...names.map((p) => [p, all.map((e) => of(e, p))]),
  ];
}

function states(all) {
  const kinds = [...new Set(all.flatMap((e) => Object.keys(e.counts)))];
  return [
    ["state", all.map((e) => pill(e.state))],
    ["trials", all.map((e) => String(Object.values(e.counts).reduce((a, b) => a + b, 0)))],
    ...kinds.map((s) => [s.toLowerCase().replaceAll("_", " "), all.map((e) => String(e.counts[s] || 0))]),
    ["began", all.map((e) => time(e.created))],
    ["took", all.map((e) => duration((e.ended || Date.now() / 1000) - e.created))],
  ];
}

function settings(all) {
  const given = (args) => Object.entries(args || {}).map(([k, v]) => `${k}=${value(v)}`).join(", ");
  return [
    ["tuner", (c) => [c.tuner, given(c.tuner_args)].filter(Boolean).join(": ")],
    ["assessor", (c) => [c.assessor || "none", given(c.assessor_args)].filter(Boolean).join(": ")],
    ["seed", (c) => String(c.seed)],
    ["limit of trials", (c) => c.max_trials === null ? "none" : String(c.max_trials)],
    ["limit of time", (c) => c.max_duration === null ? "none" : duration(c.max_duration)],
    ["limit of time per trial", (c) => c.trial_timeout === null ? "none" : duration(c.trial_timeout)],
    ["trials at a time", (c) => c.auto_concurrency ? "auto" : String(c.concurrency)],
    ["GPUs per trial", (c) => c.gpus === null ? "as the driver sees them" : String(c.gpus)],
    ["script", (c) => c.command || [c.script, ...(c.arguments || [])].join(" ")],
    ["folder", (c) => c.cwd],
  ].map(([label, of]) => [label, all.map((e) => of(e.config))]);
}

function spaces(all) {
  const names = [...new Set(all.flatMap((e) => e.space.map((p) => p.name)))];
  return names.map((p) => [p, all.map((e) => e.space.find((q) => q.name === p)?.text ?? "not there")]);
}

function comparison(title, rows, all) {
  const shown = (v) => typeof v === "string" ? v : v.textContent;
  const head = (e, n) => h("th", { scope: "col" }, h("b", { class: `key k${n + 1}`, "aria-hidden": "true" }), link(e), " ", h("span", { class: "mono" }, e.id));
  const row = ([label, cells]) => h("tr", { class: new Set(cells.map(shown)).size > 1 ? "chosen" : "" },
    h("th", { scope: "row" }, label), cells.map((v) => h("td", { class: typeof v === "string" ? "mono" : "" }, v)));
  return card(all.length > 3 ? "w12" : "w6", title, null,
    h("div", { class: "scroll" }, h("table", { class: "sides" }, h("thead", {}, h("tr", {}, h("td"), all.map(head))), h("tbody", {}, rows.map(row)))),
    h("p", { class: "muted label" }, "What differs is shaded."));
}
