// A parameter as an axis from 0 to 1: cells, marks and positions of values.
import { number, optionOf, optionText } from "../parts/dom.js";
import { extent, ticks } from "./plot.js";

const same = (a, b) =>
  a === b || (typeof a === "object" && JSON.stringify(optionOf(a)) === JSON.stringify(optionOf(b)));

export function dimension(of) {
  const { options, edges, route, log } = of;
  const f = log ? Math.log10 : (v) => v;
  const low = edges.length ? f(edges[0]) : 0;
  const span = edges.length ? f(edges.at(-1)) - low || 1 : 1;
  const count = options.length || edges.length - 1;
  const at = (v) => (f(v) - low) / span;
  return {
    ...of,
    count,
    choice: options.length > 0,
    // The trial's value; undefined if the trial does not have the parameter.
    of(values) {
      let here = values;
      for (const [key, option] of route) {
        here = here?.[key];
        if (option !== null && !same(option, optionOf(here))) return undefined;
      }
      return optionOf(here);
    },
    // From 0 to 1; NaN if the value is outside the axis or none of its options.
    at(v) {
      if (options.length) {
        const n = options.findIndex((o) => same(optionOf(o), v));
        return n < 0 ? NaN : (n + 0.5) / count;
      }
      const p = typeof v === "number" ? at(v) : NaN;
      return p >= -1e-9 && p <= 1 + 1e-9 ? p : NaN;
    },
    cell(n) {
      return options.length ? [n / count, (n + 1) / count] : [at(edges[n]), at(edges[n + 1])];
    },
    // The cell at a position; -1 for none.
    cellAt(p) {
      if (Number.isNaN(p)) return -1;
      if (options.length) return Math.max(0, Math.min(count - 1, Math.floor(p * count)));
      let n = 0;
      while (n < count - 1 && at(edges[n + 1]) <= p) n++;
      return n;
    },
    cellText(n) {
      return options.length
        ? optionText(options[n])
        : `${number(edges[n])} to ${number(edges[n + 1])}`;
    },
    marks(most) {
      if (options.length) {
        const every = Math.ceil(count / most);
        return options
          .map((o, n) => [optionText(o), (n + 0.5) / count])
          .filter((_, n) => n % every === 0);
      }
      return ticks([edges[0], edges.at(-1)], most, log)
        .map((t) => [number(t), at(t)])
        .filter(([, p]) => p >= 0 && p <= 1);
    },
  };
}

// The trials with a result, and their positions on every axis.
export function placed(trials, values, dimensions) {
  return trials
    .filter((t) => values[t.number])
    .map((trial) => {
      const at = new Map();
      for (const d of dimensions) at.set(d.number, d.at(d.of(values[trial.number])));
      return { trial, values: values[trial.number], y: trial.metric, at };
    });
}

// Where a trial is drawn: trials with the same option are spread out inside its cell.
export function beside(row, d, by = 0.618) {
  const at = row.at.get(d.number);
  return d.choice ? at + ((((row.trial.number * by) % 1) - 0.5) * 0.5) / d.count : at;
}

// The range of results to draw; a few outliers must not flatten all others.
export function range(results, more = []) {
  const sorted = Float64Array.from(results).sort();
  const at = (q) => sorted[Math.round(q * (sorted.length - 1))];
  const reach = 1.5 * (at(0.9) - at(0.1));
  const [low, high] = extent([
    ...sorted.filter((v) => v >= at(0.1) - reach && v <= at(0.9) + reach),
    ...more,
  ]);
  return [low - (high - low) * 0.05, high + (high - low) * 0.05];
}
