// When each trial ran, in which slot and on which GPUs, and why waiting trials wait.
import { card, duration, h, keepFocus, pill, put, redraw, time, words } from "../parts/dom.js";
import { gpuTable, usedText, waitedText, waitsFor } from "../parts/gpus.js";
import { byGpu, groups } from "../charts/groups.js";
import { lanes, shape } from "../charts/lanes.js";
import { get, numbered } from "../parts/server.js";
import { showTrial } from "../parts/trial.js";
import { inTurn, showFailure } from "../parts/update.js";

const PER_REQUEST = 150; // trials whose GPU use is fetched by number
const LISTED = 50; // waiting trials

export async function show(main, model) {
  const view = { uses: new Map(), zoom: { window: null }, shape: "", plane: null };
  const stale = new Set(); // trials whose GPU use must be fetched
  const drawn = h("div");
  const cards = scrolled("Use of each GPU");
  const waits = scrolled("Waiting trials");
  const resetZoom = () => {
    view.zoom.window = null;
    reset.hidden = true;
    draw();
  };
  const reset = h("button", { hidden: true, onclick: resetZoom }, "Reset zoom");
  const gpuCard = card("w12", "GPUs", null, cards);
  const waiting = h("h2", {}, "Waiting");
  put(
    main,
    h(
      "div",
      { class: "grid" },
      card("w12", "When each trial ran", [reset], drawn, legend()),
      gpuCard,
      h("section", { class: "card w12", "aria-label": "Waiting" }, h("header", {}, waiting), waits),
    ),
  );

  function bars() {
    const trials = [...model.trials.values()].filter((t) => t.started);
    const last = trials.reduce((most, t) => Math.max(most, t.ended || t.started), 0);
    const now = model.head.state === "RUNNING" ? Date.now() / 1000 : last;
    return trials
      .sort((a, b) => a.started - b.started)
      .map((trial) => ({
        trial,
        from: trial.started,
        to: Math.max(trial.started, trial.ended || now),
      }));
  }
  function draw() {
    const all = bars();
    if (!all.length) {
      put(drawn, h("p", { class: "empty" }, "No trial has started yet."));
      gpuCard.hidden = true;
      return;
    }
    const gpus = byGpu(all, view.uses);
    drawLanes(groups(all, gpus));
    gpuCard.hidden = !gpus.length;
    put(cards, gpus.length && gpuTable(gpus, view.uses));
  }
  // New bars keep the drawing and its focus; a new lane needs a new drawing.
  function drawLanes(rows) {
    if (view.shape === shape(rows)) {
      view.plane.fill(rows);
      return;
    }
    view.shape = shape(rows);
    view.plane = lanes({
      groups: rows,
      zoom: view.zoom,
      describe: (bar) => describe(bar, view.uses.get(bar.trial.number)),
      open: (number) => showTrial(model, number),
      zoomed: () => {
        reset.hidden = view.zoom.window === null;
      },
    });
    keepFocus(drawn, () => put(drawn, view.plane.box));
  }
  function fill() {
    const rows = [...model.trials.values()].filter(
      (t) => t.state === "WAITING" || t.state === "INTERRUPTED",
    );
    waiting.textContent = rows.length ? `Waiting: ${rows.length}` : "Waiting";
    const shown = rows.slice(0, LISTED).map((t) => [t, view.uses.get(t.number)]);
    redraw(waits, [shown, rows.length], () => [
      rows.length ? waitingTable(model, shown) : h("p", { class: "muted" }, "No trials are waiting."),
      rows.length > LISTED && h("p", { class: "muted" }, `and ${rows.length - LISTED} more`),
    ]);
  }
  let known = false;
  async function fetchUses() {
    if (known && !model.head.config.gpus && !view.uses.size) stale.clear(); // no GPU is leased
    if (!stale.size) return;
    const asked = [...stale];
    const some = asked.length > PER_REQUEST ? "" : `?${numbered(asked)}`;
    stale.clear();
    try {
      for (const [number, use] of Object.entries(await get(model.id, `/gpus${some}`)))
        view.uses.set(Number(number), use);
      known = true;
    } catch (error) {
      for (const number of asked) stale.add(number);
      showFailure(error);
    }
  }
  const update = inTurn(async () => {
    await fetchUses();
    draw();
    fill();
  });
  return (changed) => {
    for (const trial of changed) stale.add(trial.number);
    return update();
  };
}

const scrolled = (label) =>
  h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label });

function legend() {
  const kinds = [
    ["k3", "succeeded"],
    ["k1", "running"],
    ["kbad", "failed"],
    ["k5", "stopped early"],
    ["kmuted", "other"],
  ];
  return h(
    "div",
    { class: "legend" },
    kinds.map(([kind, text]) => h("span", {}, h("b", { class: `${kind} square` }), text)),
    h(
      "span",
      {},
      "Drag to zoom, Escape to reset. Arrow keys select a trial, + and − zoom.",
    ),
  );
}

function describe({ trial, from, to }, use) {
  const waited = from - trial.created;
  return [
    `trial ${trial.number}: ${words(trial.state)}`,
    `${time(from)}, ${duration(to - from)}`,
    waitedText(use).slice(0, 240) || (waited >= 1 ? `waited ${duration(waited)}` : ""),
    trial.machine ? `on ${trial.machine}` : "",
    use?.gpus.length ? usedText(use) : "",
    trial.state === "FAILED" ? (trial.reason || "").slice(0, 120) : "",
  ]
    .filter(Boolean)
    .join("\n");
}

function waitingTable(model, trials) {
  const open = (t) =>
    h(
      "button",
      { "aria-label": `Trial ${t.number}`, onclick: () => showTrial(model, t.number) },
      String(t.number),
    );
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col", class: "number" }, "Trial"),
        h("th", { scope: "col" }, "State"),
        h("th", { scope: "col" }, "Why"),
      ),
    ),
    h(
      "tbody",
      {},
      trials.map(([t, use]) =>
        h(
          "tr",
          {},
          h("td", { class: "number" }, open(t)),
          h("td", {}, pill(t.state), h("div", { class: "label" }, `since ${time(t.created)}`)),
          h("td", {}, waitsFor(t, use)),
        ),
      ),
    ),
  );
}
