// When each trial ran, in which slot and on which GPUs, and why those that wait do.
import { card, duration, h, pill, put, time } from "./dom.js";
import { lanes, packed, shape } from "./lanes.js";
import { get } from "./server.js";
import { showTrial } from "./trial.js";

const ASKED = 150; // trials whose use of GPUs is asked for at a time
const LISTED = 50; // trials that wait

export async function show(main, model) {
  const view = { uses: new Map(), zoom: { window: null }, known: false, shape: "", plane: null };
  const drawn = h("div"), cards = h("div", { class: "scroll" }), waits = h("div", { class: "scroll" });
  const reset = h("button", { hidden: true, onclick: () => { view.zoom.window = null; reset.hidden = true; draw(); } }, "Reset zoom");
  const gpuCard = card("w12", "GPUs", null, cards), waiting = h("h2", {}, "Waiting");
  const legend = h("div", { class: "legend" }, [["k3", "succeeded"], ["k1", "running"], ["kbad", "failed"], ["k5", "stopped early"], ["kmuted", "other"]].map(([k, text]) => h("span", {}, h("b", { class: `${k} square` }), text)), h("span", {}, "drag to zoom, double click or Escape to zoom out; arrow keys go from trial to trial, + and − zoom"));
  main.replaceChildren(h("div", { class: "grid" }, card("w12", "When each trial ran", [reset], drawn, legend), gpuCard, h("section", { class: "card w12", "aria-label": "Waiting" }, h("header", {}, waiting), waits)));

  function bars() {
    const trials = [...model.trials.values()].filter((t) => t.started);
    const now = model.head.state === "RUNNING" ? Date.now() / 1000 : trials.reduce((last, t) => Math.max(last, t.ended || t.started), 0);
    return trials.map((trial) => ({ trial, from: trial.started, to: Math.max(trial.started, trial.ended || now) })).sort((a, b) => a.from - b.from);
  }
  function draw() {
    const all = packed(bars());
    if (!all.length) { put(drawn, h("p", { class: "empty" }, "No trial has begun yet.")); gpuCard.hidden = true; return; }
    const slots = Math.max(...all.map((b) => b.lane)) + 1, gpus = byGpu(all);
    const groups = [{ title: "Slots", rows: Array.from({ length: slots }, (_, n) => ({ name: `slot ${n + 1}`, count: 1, bars: all.filter((b) => b.lane === n).map((b) => ({ ...b, lane: 0 })) })) }];
    if (gpus.length) groups.push({ title: "GPUs", rows: gpus });
    if (view.shape === shape(groups)) view.plane.fill(groups);
    else {
      const focused = view.plane?.canvas === document.activeElement;
      view.shape = shape(groups);
      view.plane = lanes({ groups, zoom: view.zoom, said, open: (n) => showTrial(model, n), zoomed: () => { reset.hidden = view.zoom.window === null; } });
      put(drawn, view.plane.box);
      if (focused) view.plane.canvas.focus({ preventScroll: true });
    }
    gpuCard.hidden = !gpus.length;
    put(cards, gpus.length && leased(gpus, view.uses));
  }
  function byGpu(all) {
    const found = new Map();
    for (const bar of all) for (const gpu of view.uses.get(bar.trial.number)?.gpus || []) { if (!found.has(gpu)) found.set(gpu, []); found.get(gpu).push(bar); }
    return [...found].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true })).map(([gpu, own]) => { const some = packed(own); return { name: `GPU ${gpu}`, bars: some, count: Math.max(...some.map((b) => b.lane)) + 1 }; });
  }
  function said({ trial, from, to }) {
    const use = view.uses.get(trial.number), waited = from - trial.created;
    return [`trial ${trial.number}: ${trial.state.toLowerCase().replaceAll("_", " ")}`, `${time(from)}, ${duration(to - from)}`, waited >= 1 ? `waited ${duration(waited)} before` : "", use?.gpus.length ? gpuText(use) : "", trial.state === "FAILED" ? (trial.reason || "").slice(0, 120) : ""].filter(Boolean).join("\n");
  }
  function fill() {
    const rows = [...model.trials.values()].filter((t) => t.state === "WAITING" || t.state === "INTERRUPTED");
    waiting.textContent = rows.length ? `Waiting: ${rows.length}` : "Waiting";
    put(waits, rows.length ? h("table", {}, h("thead", {}, h("tr", {}, ["Trial", "State", "Why"].map((t, n) => h("th", { scope: "col", class: n ? "" : "number" }, t)))), h("tbody", {}, rows.slice(0, LISTED).map((t) => h("tr", {},
      h("td", { class: "number" }, h("button", { "aria-label": `Trial ${t.number}`, onclick: () => showTrial(model, t.number) }, String(t.number))), h("td", {}, pill(t.state), h("div", { class: "label" }, `since ${time(t.created)}`)), h("td", {}, why(t, view.uses.get(t.number))))))) : h("p", { class: "muted" }, "No trial waits."),
    rows.length > LISTED && h("p", { class: "muted" }, `and ${rows.length - LISTED} more`));
  }
  async function fetchUses(changed) {
    const some = changed && changed.length <= ASKED ? changed.map((t) => `trial=${t.number}`).join("&") : "";
    for (const [number, use] of Object.entries(await get(model.id, `/gpus${some && `?${some}`}`))) view.uses.set(Number(number), use);
  }
  return async (changed, whole) => {
    const leases = model.head.config.gpus || view.uses.size || !view.known;
    view.known = true;
    if (leases) { try { await fetchUses(whole ? null : changed); } catch { /* the line that follows says that the server has gone */ } }
    draw(); fill();
  };
}

const size = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const gpuText = (use) => [`GPU ${use.gpus.join(", ")}`, use.peak === null ? "" : `at most ${size(use.peak)}`, use.utilisation === null ? "" : `${Math.round(use.utilisation)} % busy`].filter(Boolean).join(", ");

function why(trial, use) {
  const blocks = (use?.waits || []).map((block) => block.text).filter(Boolean);
  if (blocks.length) return h("ul", { class: "why" }, blocks.map((text) => h("li", {}, text)));
  if (trial.state === "INTERRUPTED") return trial.reason || "it was cut off, and runs again when the experiment is resumed";
  return trial.reason || "until a slot is free";
}

// What became of each GPU: how long it was leased, and what the trials made of it.
function leased(gpus, uses) {
  const all = gpus.flatMap((g) => g.bars), begin = Math.min(...all.map((b) => b.from)), end = Math.max(...all.map((b) => b.to));
  const rows = gpus.map((g) => {
    let until = begin, held = 0;
    for (const bar of g.bars) { held += Math.max(0, bar.to - Math.max(until, bar.from)); until = Math.max(until, bar.to); }
    const known = g.bars.map((b) => uses.get(b.trial.number)), peaks = known.map((u) => u.peak).filter((v) => v !== null), busy = known.map((u) => u.utilisation).filter((v) => v !== null);
    return [g.name, String(g.bars.length), String(g.count), `${Math.round(100 * held / Math.max(end - begin, 1e-9))} %`, peaks.length ? size(Math.max(...peaks)) : "–", busy.length ? `${Math.round(busy.reduce((a, b) => a + b, 0) / busy.length)} %` : "–"];
  });
  return h("table", { class: "gpus" }, h("thead", {}, h("tr", {}, ["", "Trials", "At a time", "Leased", "Most memory of a trial", "A trial's mean share"].map((t, n) => h("th", { scope: "col", class: n ? "number" : "" }, t)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", { class: "number" }, text))))));
}
