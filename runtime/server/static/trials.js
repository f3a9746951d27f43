// Every trial: charts that compare them, and the table, which the server pages, sorts and searches.
import { card, duration, h, number, pill, toast, value } from "./dom.js";
import { results } from "./overview.js";
import { axesOf, parallel } from "./parallel.js";
import { chart, color, SERIES } from "./plot.js";
import { get } from "./server.js";
import { custom, numberOf, python, showTrial } from "./trial.js";

const PAGE = 25;
const COMPARED = 12;

export async function show(main, model) {
  const view = { tab: "result", share: 100, chosen: new Set(), values: {}, curves: new Map(), at: null, least: null };
  const metric = results(model);
  const length = chart({ label: "How long each trial took, in seconds", xLabel: "trial", open: (t) => showTrial(model, t.number), tip: (t) => `trial ${t.number}: ${duration((t.ended || Date.now() / 1000) - t.started)}`,
    data: () => [{ color: color("--c3"), radius: 2.5, points: [...model.trials.values()].filter((t) => t.started).map((t) => [t.number, (t.ended || Date.now() / 1000) - t.started, t]) }] });
  const curves = chart({ height: 340, label: "Intermediate results of the chosen trials", xLabel: "report", open: (t) => showTrial(model, t.number), tip: (t, p) => `trial ${t.number}, report ${p[0]}: ${number(p[1])}`, data: curveSeries });
  const box = h("div"), tools = h("div", { class: "row" }), table = h("div"), heading = h("span");
  const search = h("input", { type: "search", placeholder: "text, number, lr<0.1 metric>0.9", "aria-label": "Search trials", style: { width: "min(320px, 80vw)" } });
  const state = h("select", { "aria-label": "State" }, h("option", { value: "" }, "every state"), ["WAITING", "RUNNING", "SUCCEEDED", "FAILED", "EARLY_STOPPED", "USER_CANCELED", "SYS_CANCELED", "INTERRUPTED"].map((s) => h("option", { value: s }, s.toLowerCase().replaceAll("_", " "))));
  const query = { sort: "number", descending: true, offset: 0 };
  const hidden = new Set(model.head.space.slice(8).map((p) => p.key));
  let plane = null;

  const TABS = { result: "Result", parallel: "Parameters", duration: "Duration", curves: "Intermediate results" };
  const tabs = Object.entries(TABS).map(([key, title]) => h("button", { "aria-pressed": String(key === view.tab), onclick: () => { view.tab = key; tabs.forEach((b) => b.setAttribute("aria-pressed", String(b.textContent === title))); place(); } }, title));
  main.replaceChildren(h("div", { class: "grid" }, card("w12", "Charts", tabs, tools, box), card("w12", "Trials", [heading, search, state, columns(), compare(), addOwn()], table)));

  async function place() {
    if (view.tab === "parallel") {
      view.values = await get(model.id, "/values");
      const axes = axesOf(model.head.space, best());
      plane = parallel({ axes, rows: best, best: model.head.optimize, onbrush: (rows) => { said.textContent = rows ? `${rows.length} trials between the marks` : "Drag along an axis to choose, its name to move it"; } });
      const said = h("span", { class: "muted", role: "status" });
      const share = h("select", { "aria-label": "Show", onchange: (e) => { view.share = Number(e.target.value); plane.again(); } }, [100, 50, 20, 10, 5, 1].map((n) => h("option", { value: String(n), selected: n === view.share }, n === 100 ? "all trials" : `best ${n} %`)));
      tools.replaceChildren(share, plane.clear, said);
      box.replaceChildren(plane.box);
    } else if (view.tab === "curves") {
      const least = h("input", { type: "number", step: "any", "aria-label": "at least", style: { width: "7em" }, onchange: () => { view.least = least.value === "" ? null : Number(least.value); curves.again(); } });
      const at = h("input", { type: "number", min: "0", "aria-label": "report number", style: { width: "5em" }, onchange: () => { view.at = at.value === "" ? null : Number(at.value); curves.again(); } });
      tools.replaceChildren(h("span", { class: "muted" }, view.chosen.size ? "Of the trials chosen in the table" : "Of the latest 50 trials (choose others in the table)"), h("label", {}, "only those that at report ", at), h("label", {}, " have at least ", least), curves.reset);
      box.replaceChildren(curves.box);
      await fetchCurves();
    } else {
      const plot = view.tab === "result" ? metric : length;
      tools.replaceChildren(plot.reset);
      box.replaceChildren(plot.box);
    }
  }
  function best() {
    const up = model.head.optimize === "maximize" ? -1 : 1;
    const rows = [...model.trials.values()].map((t) => ({ ...t, values: view.values[t.number] || {} }));
    if (view.share === 100) return rows;
    const ranked = rows.filter((t) => t.state === "SUCCEEDED" && typeof t.metric === "number").sort((a, b) => up * (a.metric - b.metric));
    return ranked.slice(0, Math.max(1, Math.ceil(ranked.length * view.share / 100)));
  }
  const wanted = () => view.chosen.size ? [...view.chosen] : [...model.trials.values()].filter((t) => t.reports).slice(-50).map((t) => t.number);
  async function fetchCurves() {
    const stale = wanted().filter((n) => (view.curves.get(n)?.length ?? -1) < (model.trials.get(n)?.reports ?? 0)).slice(0, 200);
    if (stale.length) for (const [n, rows] of Object.entries(await get(model.id, `/curves?${stale.map((n) => `trial=${n}`).join("&")}`))) view.curves.set(Number(n), rows.map(([i, v]) => [i, numberOf(v), model.trials.get(Number(n))]));
    curves.again();
  }
  function curveSeries() {
    return wanted().map((n, i) => ({ points: view.curves.get(n) || [], color: color(SERIES[i % SERIES.length]), line: true, width: 1.6, alpha: wanted().length > 20 ? 0.5 : 1 }))
      .filter((s) => view.at === null || view.least === null || (s.points[view.at]?.[1] ?? -Infinity) >= view.least);
  }

  async function fill() {
    const words = new URLSearchParams({ sort: query.sort, descending: query.descending, offset: query.offset, limit: PAGE, search: search.value });
    if (state.value) words.append("state", state.value);
    let found;
    try { found = await get(model.id, `/trials?${words}`); } catch (error) { if (!(error instanceof TypeError)) toast(error.message); return; }
    heading.textContent = `${found.total} `;
    const focus = document.activeElement?.dataset?.focus;
    table.replaceChildren(found.trials.length ? rowsOf(found.trials) : h("p", { class: "empty" }, search.value || state.value ? "No trial is like that." : "No trial yet."), pager(found.total));
    if (focus) table.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }
  function rowsOf(rows) {
    const shown = model.head.space.filter((p) => !hidden.has(p.key));
    const head = [["number", "Trial", 1], ["id", "Id"], ["state", "State"], ["metric", "Result", 1], ["seconds", "Time", 1], ...shown.map((p) => [p.key, p.name])];
    return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "hide" }, "Choose")), head.map(([key, name, right]) => h("th", { scope: "col", class: right ? "number" : "", title: key, "aria-sort": query.sort === key ? (query.descending ? "descending" : "ascending") : null },
      h("button", { "data-focus": `sort ${key}`, onclick: () => { query.descending = query.sort === key ? !query.descending : false; query.sort = key; query.offset = 0; fill(); } }, name, query.sort === key ? (query.descending ? " ↓" : " ↑") : ""))))),
      h("tbody", {}, rows.map((t) => h("tr", { class: view.chosen.has(t.number) ? "chosen" : "", "data-trial": String(t.number) },
        h("td", {}, h("input", { type: "checkbox", "aria-label": `Choose trial ${t.number}`, "data-focus": `choose ${t.number}`, checked: view.chosen.has(t.number), onchange: (e) => choose(t.number, e.target.checked) })),
        h("td", { class: "number" }, h("button", { "data-focus": `open ${t.number}`, "aria-label": `Trial ${t.number}`, onclick: () => showTrial(model, t.number) }, String(t.number))),
        h("td", { class: "mono" }, t.id), h("td", { title: t.reason || "" }, pill(t.state), t.reason && t.state !== "SUCCEEDED" ? h("div", { class: "label" }, t.reason.slice(0, 80)) : null), h("td", { class: "number" }, number(t.metric)), h("td", { class: "number" }, duration(t.started ? (t.ended || Date.now() / 1000) - t.started : null)),
        shown.map((p) => h("td", { class: "value", title: value(t.values[p.key]) }, value(t.values[p.key]))))))));
  }
  function choose(number, yes) { if (yes) view.chosen.add(number); else view.chosen.delete(number); fill(); if (view.tab === "curves") place(); }
  function pager(total) {
    const go = (offset) => () => { query.offset = offset; fill(); };
    return h("div", { class: "row", style: { marginTop: "10px" } }, h("button", { "data-focus": "back", disabled: query.offset === 0, onclick: go(Math.max(0, query.offset - PAGE)) }, "Back"), h("span", { class: "muted" }, total ? `${query.offset + 1}–${Math.min(total, query.offset + PAGE)} of ${total}` : ""), h("button", { "data-focus": "on", disabled: query.offset + PAGE >= total, onclick: go(query.offset + PAGE) }, "On"));
  }
  function columns() {
    return h("details", {}, h("summary", {}, "Columns"), model.head.space.map((p) => h("label", { style: { display: "block" } }, h("input", { type: "checkbox", checked: !hidden.has(p.key), onchange: (e) => { if (e.target.checked) hidden.delete(p.key); else hidden.add(p.key); fill(); } }), " ", p.name)));
  }
  function compare() {
    return h("button", { onclick: async () => {
      if (!view.chosen.size) return toast("Choose trials in the table first.");
      const trials = await Promise.all([...view.chosen].slice(0, COMPARED).map((n) => get(model.id, `/trials/${n}`)));
      const dialog = h("dialog", { "aria-label": "Comparison" }), row = (name, of) => { const all = trials.map(of); return h("tr", { class: new Set(all).size > 1 ? "chosen" : "" }, h("th", { scope: "row" }, name), all.map((v) => h("td", { class: "mono" }, v))); };
      dialog.append(h("h1", {}, "Comparison"), h("p", { class: "muted" }, "What differs is shaded."), h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, row("trial", (t) => String(t.number)), row("state", (t) => t.state.toLowerCase()), row("result", (t) => number(t.metric)), model.head.space.map((p) => row(p.name, (t) => value(t.values[p.key])))))), h("div", { class: "row" }, h("button", { onclick: () => navigator.clipboard.writeText(python(trials.map((t) => t.values))).then(() => toast("Copied.")) }, "Copy Python"), h("button", { onclick: () => dialog.close() }, "Close")));
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog); dialog.showModal();
    } }, "Compare");
  }
  function addOwn() { return h("button", { onclick: () => model.head.state === "RUNNING" ? custom(model, model.head.best?.values || {}) : toast("The experiment does not run; annotate resume goes on with one that was interrupted.") }, "Own trial"); }

  let typed;
  search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(() => { query.offset = 0; fill(); }, 200); });
  state.addEventListener("change", () => { query.offset = 0; fill(); });
  await place();
  await fill();
  let due = false;
  return async (changed, whole) => {
    for (const plot of [metric, length]) plot.again();
    if (view.tab === "curves") fetchCurves();
    if (due) return;
    due = true;
    await new Promise((go) => setTimeout(go, whole ? 0 : 600));
    due = false;
    if (view.tab === "parallel") { view.values = await get(model.id, "/values"); plane.again(); }
    fill();
  };
}
