// How far it is, what is best, and what it was asked to do.
import { card, download, duration, h, number, pill, put, toast, value } from "./dom.js";
import { chart, color } from "./plot.js";
import { get, text } from "./server.js";
import { showTrial } from "./trial.js";

export async function show(main, model) {
  const state = { way: model.head.optimize };
  const best = h("div"), progress = h("div"), clock = h("div"), counts = h("div"), values = h("div", { class: "scroll" }), top = h("div", { class: "scroll" }), failed = h("div"), note = h("p", { class: "muted" });
  const plot = results(model);
  const ways = ["maximize", "minimize"].map((way) => h("button", { "aria-pressed": String(way === state.way), onclick: () => { state.way = way; ways.forEach((b) => b.setAttribute("aria-pressed", String(b.textContent === (way === "maximize" ? "Highest" : "Lowest")))); fill(); } }, way === "maximize" ? "Highest" : "Lowest"));
  main.replaceChildren(h("div", { class: "grid" },
    h("section", { class: "card w3", "aria-label": "Best result" }, best), h("section", { class: "card w3", "aria-label": "Trials" }, progress),
    h("section", { class: "card w3", "aria-label": "Time" }, clock), h("section", { class: "card w3", "aria-label": "States" }, counts),
    card("w8", "Result of each trial", [plot.reset], plot.box, legend()), card("w4", "Best values", null, values),
    failed,
    card("w8", "Top 10", ways, top), card("w4", "Search space", null, space(model.head.space)),
    card("w8", "Configuration", null, config(model.head)), card("w4", "Keep", null, keep(model))), note);

  function fill() {
    const e = model.head;
    const base = e.baseline?.metric, gain = typeof base === "number" && e.best ? e.best.metric - base : null;
    put(best, h("div", { class: "label" }, `Best result (${e.optimize})`), h("div", { class: "big best" }, e.best ? number(e.best.metric) : "–"),
      h("div", { class: "label" }, e.best ? `trial ${e.best.number}${gain === null ? "" : `, as written ${number(base)} (${gain >= 0 ? "+" : ""}${number(gain)})`}` : e.state === "RUNNING" ? "no trial has ended yet" : "no trial has a result"));
    const all = Object.values(e.counts).reduce((a, b) => a + b, 0), limit = e.max_trials;
    put(progress, h("div", { class: "label" }, "Trials"), h("div", { class: "big" }, String(all), limit ? h("span", { class: "muted label" }, ` of ${limit}`) : ""),
      h("div", { class: "progress", role: "img", "aria-label": Object.entries(e.counts).map(([s, n]) => `${n} ${s.toLowerCase()}`).join(", ") }, Object.entries(e.counts).map(([s, n]) => h("span", { class: `f-${s}`, style: { width: `${100 * n / Math.max(limit || 0, all, 1)}%` } }))),
      h("div", { class: "label" }, `${e.concurrency} at a time, ${e.tuner}`));
    const end = e.ended || Date.now() / 1000, took = end - e.created;
    put(clock, h("div", { class: "label" }, "Time"), h("div", { class: "big" }, duration(took), e.max_duration ? h("span", { class: "muted label" }, ` of ${duration(e.max_duration)}`) : ""),
      e.max_duration ? h("div", { class: "progress" }, h("span", { class: "fill", style: { width: `${Math.min(100, 100 * took / e.max_duration)}%` } })) : null,
      h("div", { class: "label" }, e.reason || (e.ended ? "ended" : "no limit reached yet")));
    put(counts, h("div", { class: "label" }, "States"), h("div", { class: "row", style: { marginTop: "8px" } }, Object.entries(e.counts).map(([s, n]) => h("span", {}, pill(s), ` ${n} `)), all ? null : "no trial yet"));
    put(values, e.best ? h("table", {}, h("thead", {}, h("tr", {}, ["", "as written", "best"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, e.space.map((p) => h("tr", {}, h("th", { scope: "row", title: p.key }, p.name), h("td", { class: "value" }, e.baseline ? value(e.baseline.values[p.key]) : "–"), h("td", { class: "value best", title: value(e.best.values[p.key]) }, value(e.best.values[p.key])))))) : h("p", { class: "empty" }, "The values of the best trial will stand here."));
    put(top, ranking(model, e.top[state.way]));
  }
  let due = false;
  async function refresh() {
    if (due) return;
    due = true;
    await new Promise((go) => setTimeout(go, 800));
    due = false;
    try { Object.assign(model.head, await get(model.id, "")); fill(); } catch { /* the line that follows says it */ }
  }
  fill();
  return (changed, whole) => {
    plot.again(); fill();
    const broken = [...model.trials.values()].filter((t) => t.state === "FAILED");
    failures(failed, model, broken);
    if (!whole || broken.length) refresh();
  };
}

function legend() {
  return h("div", { class: "legend" }, h("span", {}, h("b", { class: "k1" }), "a trial"), h("span", {}, h("b", { class: "k2" }), "best so far"), h("span", {}, "drag to zoom, double click to zoom out; arrow keys go from trial to trial"));
}

export function results(model) {
  return chart({
    label: "Result of each trial, and the best so far", xLabel: "trial", open: (t) => showTrial(model, t.number),
    tip: (t) => `trial ${t.number}: ${number(t.metric)}\n${t.state.toLowerCase()}${t.origin === "baseline" ? ", the script as written" : ""}`,
    data: () => {
      const rows = [...model.trials.values()].sort((a, b) => a.number - b.number);
      const points = rows.map((t) => [t.number, typeof t.metric === "number" ? t.metric : NaN, t]);
      const up = model.head.optimize === "maximize", line = [];
      let best = null;
      for (const p of points) { if (p[2].state === "SUCCEEDED" && Number.isFinite(p[1]) && (best === null || (up ? p[1] > best : p[1] < best))) best = p[1]; if (best !== null) line.push([p[0], best]); }
      return [{ points, color: color("--c1"), radius: points.length > 2000 ? 1.7 : 3.2, alpha: points.length > 2000 ? 0.5 : 0.85 }, { points: line, color: color("--c2"), line: true, step: true, silent: true }];
    },
  });
}

function failures(box, model, broken) {
  if (!broken.length) { box.className = ""; box.hidden = true; return; }
  const last = broken.at(-1), odd = last.reason || "";
  if (box.dataset.count === String(broken.length)) return;
  box.dataset.count = String(broken.length);
  box.hidden = false; box.className = "card w12";
  box.replaceChildren(h("header", {}, h("h2", { class: "bad" }, `${broken.length} trial${broken.length > 1 ? "s" : ""} failed; the last, trial ${last.number}`), h("button", { onclick: () => showTrial(model, last.number) }, "Its log")), h("p", {}, odd));
  text(model.id, `/trials/${last.number}/log/stderr`).then((t) => t.trim() && box.append(h("pre", { tabindex: "0" }, t.trim().split("\n").slice(-12).join("\n"))));
}

function ranking(model, rows) {
  if (!rows.length) return h("p", { class: "empty" }, "No trial has a result yet.");
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { class: "number", scope: "col" }, "Trial"), h("th", { class: "number", scope: "col" }, "Result"), h("th", { class: "number", scope: "col" }, "Time"), model.head.space.slice(0, 8).map((p) => h("th", { scope: "col", title: p.key }, p.name)))),
    h("tbody", {}, rows.map((t) => h("tr", {}, h("td", { class: "number" }, h("button", { onclick: () => showTrial(model, t.number), "aria-label": `Trial ${t.number}` }, String(t.number))), h("td", { class: "number" }, number(t.metric)), h("td", { class: "number" }, duration(t.ended && t.started ? t.ended - t.started : null)), model.head.space.slice(0, 8).map((p) => h("td", { class: "value" }, value(t.values[p.key])))))));
}

const space = (parameters) => h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, parameters.map((p) => h("tr", {}, h("th", { scope: "row", title: p.key }, p.name), h("td", { class: "mono" }, p.text))))));

function config(e) {
  const c = e.config, rows = [["script", [c.script, ...(c.arguments || [])].join(" ")], ["folder", c.cwd], ["interpreter", c.python], ["tuner", `${c.tuner} ${JSON.stringify(c.tuner_args || {})}`], ["assessor", c.assessor || "none"], ["seed", c.seed], ["trials at a time", c.concurrency], ["results", e.folder]];
  return h("dl", {}, rows.map(([k, v]) => [h("dt", {}, k), h("dd", { class: "mono" }, String(v ?? "–"))]));
}

function keep(model) {
  const save = (rest, name) => async () => { try { download(name, await text(model.id, rest)); } catch (error) { toast(error.message); } };
  return h("div", { class: "row" }, h("button", { onclick: save("/results.csv", `${model.id}.csv`) }, "Results as CSV"), h("button", { onclick: save("/results.json", `${model.id}.json`) }, "Results as JSON"), h("button", { onclick: save("/log", `${model.id}.log`) }, "Driver's log"),
    h("button", { onclick: () => download("search_space.json", JSON.stringify(model.head.space_json, null, 2)) }, "Search space"));
}
