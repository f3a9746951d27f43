// Importance of parameters and pairs, and the results along them.
import { contour } from "../charts/contour.js";
import { dimension, placed, range } from "../charts/dimension.js";
import { card, h, keepFocus, metricOf, put, redraw, words } from "../parts/dom.js";
import { Away, get, valuesOf } from "../parts/server.js";
import { slice } from "../charts/slice.js";
import { showTrial } from "../parts/trial.js";
import { showFailure } from "../parts/update.js";

const INTERVAL = 5000; // ms between updates
const percent = (share) =>
  share > 0 && share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`;

export async function show(main, model) {
  const about = h("p");
  const bars = h("div", {}, h("p", { class: "empty" }, "Computing importance…"));
  const doubt = h("p", { class: "doubt", role: "status", hidden: true });
  const slices = h("div", { class: "grid whole" });
  const view = {
    importance: null,
    space: "",
    rows: [],
    limits: [0, 1],
    dimensions: new Map(),
    plots: new Map(),
    pair: null,
    over: null,
  };
  const open = (trial) => showTrial(model, trial);
  const first = choice("Horizontal", 0);
  const second = choice("Vertical", 1);
  const plane = contour({
    state: () => view.over,
    rows: () => view.rows,
    best: () => model.head.optimize,
    metric: model.head.metric_name,
    open,
  });
  const pairCard = card(
    "w6 tall",
    "Two parameters together",
    [first.label, second.label],
    plane.box,
    h(
      "p",
      { class: "muted" },
      `Colour: mean ${metricOf(model.head)}, averaged over all other parameters. Dots: trials, coloured by their results.`,
    ),
  );
  pairCard.hidden = true;
  put(
    main,
    h(
      "div",
      { class: "grid" },
      card("w6 tall", "Parameter importance", null, doubt, bars, about),
      pairCard,
      slices,
    ),
  );

  // Choosing the other side's parameter swaps the two.
  function choice(name, side) {
    const select = h("select", {
      "aria-label": `${name}: parameter`,
      onchange: () => {
        const chosen = Number(select.value);
        const other = view.pair[1 - side] === chosen ? view.pair[side] : view.pair[1 - side];
        view.pair = side ? [other, chosen] : [chosen, other];
        fetchPair().catch(showFailure);
      },
    });
    return { select, label: h("label", { class: "label" }, `${name} `, select) };
  }
  const results = () =>
    [...model.trials.values()].filter((t) => t.state === "SUCCEEDED" && Number.isFinite(t.metric));
  async function learn() {
    const [importance, values] = await Promise.all([get(model.id, "/importance"), valuesOf(model)]);
    view.importance = importance;
    view.dimensions = new Map(importance.parameters.map((p) => [p.number, dimension(p)]));
    view.rows = placed(results(), values, [...view.dimensions.values()]);
    view.limits = range(
      view.rows.map((r) => r.y),
      importance.parameters.flatMap((p) => p.along?.mean || []),
    );
    fill();
    await fetchPair();
  }
  function fill() {
    const importance = view.importance;
    const names = new Map(importance.parameters.map((p) => [p.number, p.name]));
    put(about, importance.alone && explained(importance));
    put(doubt, importance.alone && doubts(importance));
    doubt.hidden = !doubt.textContent;
    const pairs = (importance.pairs || []).filter((p) => p.share >= 0.005).slice(0, 6);
    const choose = (p) => {
      view.pair = [...p.sides];
      fetchPair().catch(showFailure);
    };
    redraw(bars, [importance.alone, pairs, importance.reason, [...names]], () =>
      importance.alone
        ? [
            table("Alone", importance.alone, names),
            table("Pairs (interaction effects)", pairs, names, choose),
          ]
        : h("p", { class: "empty" }, `Not enough data: ${importance.reason}.`),
    );
    pairCard.hidden = !importance.alone || importance.parameters.length < 2;
    const space = JSON.stringify(
      importance.parameters.map((p) => [p.number, p.key, p.edges, p.options]).sort(),
    );
    if (space !== view.space) {
      view.space = space;
      view.plots.clear();
      view.pair = null;
    }
    keepFocus(slices, () => drawSlices(importance));
    if (!view.pair && importance.pairs?.length) view.pair = [...importance.pairs[0].sides];
  }
  function drawSlices(importance) {
    if (!view.plots.size) put(slices);
    for (const p of importance.parameters) {
      if (!view.plots.has(p.number)) {
        const plot = slice({
          along: () => view.dimensions.get(p.number),
          rows: () => view.rows,
          limits: () => view.limits,
          metric: model.head.metric_name,
          open,
        });
        view.plots.set(p.number, plot);
        slices.append(
          card(
            "w4",
            p.name,
            [h("span", { class: "muted label" }, p.log ? "log" : p.options.length ? "choice" : "")],
            plot.box,
          ),
        );
      }
      view.plots.get(p.number).again();
    }
  }
  async function fetchPair() {
    const [a, b] = view.pair || [];
    if (!view.importance.alone || b === undefined) return;
    for (const [{ select }, chosen] of [
      [first, a],
      [second, b],
    ]) {
      const options = view.importance.parameters.map((p) => [p.number, p.name]);
      redraw(select, options, () =>
        options.map(([n, name]) => h("option", { value: String(n) }, name)),
      );
      select.value = String(chosen);
    }
    const over = await get(model.id, `/importance/pair?first=${a}&second=${b}`);
    if (view.pair?.[0] === a && view.pair[1] === b)
      view.over = { ...over, across: view.dimensions.get(a), up: view.dimensions.get(b) };
    plane.again();
  }

  let due = false;
  // The server caches the importance; ask again until it includes all results.
  async function keepUp(wait) {
    due = true;
    try {
      do {
        await new Promise((go) => setTimeout(go, wait));
        await learn().catch((error) => {
          if (!(error instanceof Away)) throw error;
        });
        wait = INTERVAL;
      } while (bars.isConnected && view.importance?.results !== results().length);
    } catch (error) {
      showFailure(error);
    }
    due = false;
  }
  return (changed, whole) => {
    if (!due && (whole || changed.some((t) => t.state === "SUCCEEDED"))) keepUp(whole ? 0 : INTERVAL);
  };
}

function table(title, effects, names, choose) {
  if (!effects.length) return null;
  const name = (e) => e.sides.map((n) => names.get(n)).join(" × ");
  const row = (e) =>
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "row", title: name(e) },
        choose ? h("button", { class: "plain", onclick: () => choose(e) }, name(e)) : name(e),
      ),
      h(
        "td",
        { class: "number" },
        percent(e.share),
        h("span", { class: "muted" }, ` ± ${Math.max(1, Math.round(100 * e.spread))}`),
      ),
      h("td", { "aria-hidden": "true" }, bar(e, choose ? "k3" : "k1")),
    );
  return h("table", { class: "shares" }, h("caption", {}, title), h("tbody", {}, effects.map(row)));
}

function bar({ share, spread }, kind) {
  const from = Math.max(0, share - spread);
  const to = Math.min(1, share + spread);
  return h(
    "div",
    { class: "share" },
    h("span", { class: kind, style: { width: `${100 * share}%` } }),
    h("i", { style: { left: `${100 * from}%`, width: `${100 * (to - from)}%` } }),
  );
}

function explained(importance) {
  const rest = Math.max(0, 1 - importance.alone.reduce((a, e) => a + e.share, 0) - importance.together);
  const others = Object.entries(importance.counts).filter(([state]) => state !== "SUCCEEDED");
  const left = others.map(([state, n]) => `${n} ${words(state)}`);
  return [
    `A random forest was fitted to ${importance.used === importance.results ? "all" : `${importance.used} of the`} ${importance.results} results. `,
    "Each bar is the share of the results' variance that a parameter explains over the whole search space; ",
    "± is one standard deviation between trees. ",
    rest >= 0.01 ? `${percent(rest)} is due to three or more parameters together. ` : "",
    importance.parameters.some((p) => p.route.length > 1)
      ? "A nested parameter counts only where it exists; its effect appears in the pair with its parent choice. "
      : "",
    left.length ? `Trials without a result are left out (${left.join(", ")}). ` : "",
    importance.outside ? `${importance.outside} results outside the search space are ignored. ` : "",
    importance.far ? `${importance.far} outliers count as less extreme. ` : "",
  ];
}

function doubts(importance) {
  const fit = `The model explains ${percent(Math.max(0, importance.fit))} of the variance in held-out results`;
  if (importance.fit < 0.1) return `Not enough data. ${fit}, so ignore the numbers below.`;
  if (importance.fit < 0.5) return `${fit}, so treat the numbers below as hints.`;
  if (importance.alone[0].spread > 0.2)
    return "The trees disagree about these numbers, so treat them as hints. Trials spread over the search space would help.";
  return null;
}
