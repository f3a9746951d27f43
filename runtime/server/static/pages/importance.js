// How much each parameter matters, alone and with another, and the results along them.
import { contour } from "../charts/contour.js";
import { dimension, placed, range } from "../charts/dimension.js";
import { card, h, keepFocus, put, redraw, words } from "../parts/dom.js";
import { Away, get, valuesOf } from "../parts/server.js";
import { slice } from "../charts/slice.js";
import { showTrial } from "../parts/trial.js";
import { sayWhy } from "../parts/update.js";

const AGAIN = 5000; // ms between two looks at what the results say
const percent = (share) =>
  share > 0 && share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`;

export async function show(main, model) {
  const about = h("p"),
    bars = h("div", {}, h("p", { class: "empty" }, "A forest learns from the results…"));
  const doubt = h("p", { class: "doubt", role: "status", hidden: true }),
    slices = h("div", { class: "grid whole" });
  const view = {
    told: null,
    space: "",
    rows: [],
    limits: [0, 1],
    dimensions: new Map(),
    plots: new Map(),
    pair: null,
    over: null,
  };
  const open = (trial) => showTrial(model, trial);
  const first = choice("Across", 0),
    second = choice("Up", 1);
  const plane = contour({
    state: () => view.over,
    rows: () => view.rows,
    best: () => model.head.optimize,
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
      "Colour: the mean result there, whatever all other parameters are. Dots: the trials, coloured by their own results.",
    ),
  );
  pairCard.hidden = true;
  put(
    main,
    h(
      "div",
      { class: "grid" },
      card("w6 tall", "What matters", null, doubt, bars, about),
      pairCard,
      slices,
    ),
  );

  // Whoever chooses the same for both has them change places.
  function choice(name, side) {
    const select = h("select", {
      "aria-label": `${name}: parameter`,
      onchange: () => {
        const chosen = Number(select.value),
          other = view.pair[1 - side] === chosen ? view.pair[side] : view.pair[1 - side];
        view.pair = side ? [other, chosen] : [chosen, other];
        fetchPair().catch(sayWhy);
      },
    });
    return { select, label: h("label", { class: "label" }, `${name} `, select) };
  }
  const results = () =>
    [...model.trials.values()].filter((t) => t.state === "SUCCEEDED" && Number.isFinite(t.metric));
  async function learn() {
    const [told, values] = await Promise.all([get(model.id, "/importance"), valuesOf(model)]);
    view.told = told;
    view.dimensions = new Map(told.parameters.map((p) => [p.number, dimension(p)]));
    view.rows = placed(results(), values, [...view.dimensions.values()]);
    view.limits = range(
      view.rows.map((r) => r.y),
      told.parameters.flatMap((p) => p.along?.mean || []),
    );
    fill();
    await fetchPair();
  }
  function fill() {
    const told = view.told,
      names = new Map(told.parameters.map((p) => [p.number, p.name]));
    put(about, told.alone && explained(told));
    put(doubt, told.alone && doubts(told));
    doubt.hidden = !doubt.textContent;
    const pairs = (told.pairs || []).filter((p) => p.share >= 0.005).slice(0, 6);
    const choose = (p) => {
      view.pair = [...p.sides];
      fetchPair().catch(sayWhy);
    };
    redraw(bars, [told.alone, pairs, told.reason, [...names]], () =>
      told.alone
        ? [
            table("Alone", told.alone, names),
            table("Two together, beyond what each does alone", pairs, names, choose),
          ]
        : h("p", { class: "empty" }, `Nothing can be said yet: ${told.reason}.`),
    );
    pairCard.hidden = !told.alone || told.parameters.length < 2;
    const space = JSON.stringify(
      told.parameters.map((p) => [p.number, p.key, p.edges, p.options]).sort(),
    );
    if (space !== view.space) {
      view.space = space;
      view.plots.clear();
      view.pair = null;
    }
    keepFocus(slices, () => drawSlices(told));
    if (!view.pair && told.pairs?.length) view.pair = [...told.pairs[0].sides];
  }
  function drawSlices(told) {
    if (!view.plots.size) put(slices);
    for (const p of told.parameters) {
      if (!view.plots.has(p.number)) {
        const plot = slice({
          along: () => view.dimensions.get(p.number),
          rows: () => view.rows,
          limits: () => view.limits,
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
    if (!view.told.alone || b === undefined) return;
    for (const [{ select }, chosen] of [
      [first, a],
      [second, b],
    ]) {
      const options = view.told.parameters.map((p) => [p.number, p.name]);
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
  // The server says the same for a while; then it is asked again, until all results are in it.
  async function keepUp(wait) {
    due = true;
    try {
      do {
        await new Promise((go) => setTimeout(go, wait));
        await learn().catch((error) => {
          if (!(error instanceof Away)) throw error;
        });
        wait = AGAIN;
      } while (bars.isConnected && view.told?.results !== results().length);
    } catch (error) {
      sayWhy(error);
    }
    due = false;
  }
  return (changed, whole) => {
    if (!due && (whole || changed.some((t) => t.state === "SUCCEEDED"))) keepUp(whole ? 0 : AGAIN);
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
  const from = Math.max(0, share - spread),
    to = Math.min(1, share + spread);
  return h(
    "div",
    { class: "share" },
    h("span", { class: kind, style: { width: `${100 * share}%` } }),
    h("i", { style: { left: `${100 * from}%`, width: `${100 * (to - from)}%` } }),
  );
}

function explained(told) {
  const rest = Math.max(0, 1 - told.alone.reduce((a, e) => a + e.share, 0) - told.together);
  const others = Object.entries(told.counts).filter(([state]) => state !== "SUCCEEDED");
  const left = others.map(([state, n]) => `${n} ${words(state)}`);
  return [
    `A random forest learned ${told.used === told.results ? "the" : `${told.used} of the`} ${told.results} results. `,
    "If values were drawn from the whole search space, each parameter would explain this share of what varies in them; ",
    "± is how far the forest's trees differ. ",
    rest >= 0.01 ? `${percent(rest)} is left to three and more together. ` : "",
    told.parameters.some((p) => p.route.length > 1)
      ? "A nested parameter counts by how often it exists; what it does there is in the pair with its choice. "
      : "",
    left.length ? `Without the trials that have no result (${left.join(", ")}). ` : "",
    told.outside ? `${told.outside} results lie outside the search space and do not count. ` : "",
    told.far ? `${told.far} far-off results count as if they were nearer. ` : "",
  ];
}

function doubts(told) {
  const fit = `The forest predicts ${percent(Math.max(0, told.fit))} of the variance of results that it has not seen`;
  if (told.fit < 0.1) return `${fit}: these numbers say nothing yet.`;
  if (told.fit < 0.5) return `${fit}: take these numbers as a hint.`;
  if (told.alone[0].spread > 0.2)
    return "The forest's trees differ much about these numbers: take them as a hint. Trials that are spread over the search space would tell more.";
  return null;
}
