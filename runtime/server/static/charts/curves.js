// The intermediate results of several trials.
import { alike, h, number, redraw, short } from "../parts/dom.js";
import { chart, color, SERIES } from "./plot.js";
import { get, numbered } from "../parts/server.js";

const LATEST = 50;
const ASKED = 200;
const IN_LEGEND = 12;

export const numberOf = (v) =>
  typeof v === "number" ? v : typeof v?.default === "number" ? v.default : NaN;

// A report's value as short text.
export const reported = (v) =>
  v && typeof v === "object" ? short(JSON.stringify(v), 200) : number(v);

const colorOf = (i) => color(SERIES[i % SERIES.length]);
const dashOf = (i) => [[], [6, 3], [2, 2]][Math.floor(i / SERIES.length) % 3];

export function legendOf(trials) {
  return h(
    "div",
    { class: "legend" },
    trials
      .slice(0, IN_LEGEND)
      .map((n, i) =>
        h(
          "span",
          {},
          h("b", { style: { background: `var(${SERIES[i % SERIES.length]})` } }),
          `trial ${n}`,
        ),
      ),
    trials.length > IN_LEGEND ? h("span", {}, `and ${trials.length - IN_LEGEND} more`) : null,
  );
}

// A chart of the curves that `of()` returns: [number, points] for each.
export function curveChart({ height, of, open, tip }) {
  return chart({
    height,
    label: "Intermediate results",
    xLabel: () => "report",
    open,
    tip,
    data: () => {
      const all = of();
      return all.flatMap(([, points], i) => {
        const ink = { points, color: colorOf(i), alpha: all.length > 20 ? 0.5 : 1 };
        const line = { ...ink, line: true, width: 1.8, dash: dashOf(i), silent: true };
        return [line, { ...ink, radius: all.length > IN_LEGEND ? 1.2 : 2.4 }];
      });
    },
  });
}

// The chart above the table: the trials selected there, else the latest.
export function curves(model, chosen, open) {
  const known = new Map();
  const filter = { at: null, least: true, bound: null };
  let lines = []; // what is drawn: [number, points]
  const plot = curveChart({
    height: 360,
    open,
    of: () => lines,
    tip: (t, p) => `trial ${t.number}, report ${p[0]}: ${alike([p[1]])(p[1])}`,
  });
  const legend = h("div");
  const which = h("span", { class: "muted" });
  const wanted = () => {
    if (chosen().size) return [...chosen()];
    return [...model.trials.values()]
      .filter((t) => t.reports)
      .slice(-LATEST)
      .map((t) => t.number);
  };
  function passes(points) {
    if (filter.at === null || filter.bound === null) return true;
    const found = points.find((p) => p[0] === filter.at)?.[1];
    return filter.least ? found >= filter.bound : found <= filter.bound;
  }
  // Updates the drawing, its legend and the text above it together.
  function draw() {
    lines = wanted()
      .map((n) => [n, known.get(n) || []])
      .filter(([, points]) => passes(points));
    const trials = lines.map(([n]) => n);
    redraw(legend, trials, () => legendOf(trials));
    const count = chosen().size;
    which.textContent = count
      ? `The ${count === 1 ? "trial" : `${count} trials`} selected in the table.`
      : `The latest ${LATEST} trials with reports. Select others in the table.`;
    plot.again();
  }
  // Fetches only what is new: whole curves of new trials, and the ends of the others.
  async function fresh() {
    const stale = wanted()
      .filter((n) => (known.get(n)?.length ?? 0) < (model.trials.get(n)?.reports ?? 0))
      .slice(0, ASKED);
    const groups = [stale.filter((n) => !known.has(n)), stale.filter((n) => known.has(n))];
    for (const group of groups.filter((g) => g.length)) {
      const first = Math.min(...group.map((n) => known.get(n)?.length ?? 0));
      for (const [n, rows] of Object.entries(
        await get(model.id, `/curves?first=${first}&${numbered(group)}`),
      )) {
        const old = known.get(Number(n)) || [];
        const trial = model.trials.get(Number(n));
        const more = rows
          .filter(([i]) => i > (old.at(-1)?.[0] ?? -1))
          .map(([i, v]) => [i, numberOf(v), trial]);
        known.set(Number(n), [...old, ...more]);
      }
    }
    draw();
  }
  const entry = (label, set) =>
    h("input", {
      type: "number",
      step: "any",
      "aria-label": label,
      onchange: (e) => {
        set(e.target.value === "" ? null : Number(e.target.value));
        draw();
      },
    });
  const way = h(
    "select",
    {
      "aria-label": "Comparison",
      onchange: () => {
        filter.least = way.value === "least";
        draw();
      },
    },
    h("option", { value: "least" }, "at least"),
    h("option", { value: "most" }, "at most"),
  );
  const tools = [
    which,
    h(
      "span",
      { class: "row" },
      "Only trials whose result at report",
      entry("report number", (v) => {
        filter.at = v;
      }),
      "have",
      way,
      entry("bound", (v) => {
        filter.bound = v;
      }),
    ),
    plot.reset,
  ];
  return { fresh, tools: () => tools, box: () => [plot.box, legend] };
}
