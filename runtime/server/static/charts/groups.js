// The rows of the timeline: slots, and GPUs, of one machine or of several.
import { packed } from "./lanes.js";

const MOST_MACHINES = 20; // with lanes of their own
const order = new Intl.Collator(undefined, { numeric: true }).compare;

// Slots and GPUs; for several machines, both of each one.
export function groups(bars, gpus) {
  const machines = [...new Set(bars.map((bar) => bar.trial.machine || ""))].sort(order);
  const shortened = gpus.map((gpu) => ({ ...gpu, name: gpu.short }));
  if (machines.length === 1 || machines.length > MOST_MACHINES) {
    const rows = machines.length === 1 ? shortened : gpus;
    const rest = rows.length ? [{ title: "GPUs", rows }] : [];
    return [{ title: "Slots", rows: bySlot(bars) }, ...rest];
  }
  return machines.map((machine) => ({
    title: machine || "this machine",
    rows: [
      ...bySlot(bars.filter((bar) => (bar.trial.machine || "") === machine)),
      ...shortened.filter((gpu) => gpu.machine === machine),
    ],
  }));
}

function bySlot(bars) {
  const rows = [];
  for (const bar of packed(bars)) {
    rows[bar.lane] ??= { name: `slot ${bar.lane + 1}`, count: 1, bars: [] };
    rows[bar.lane].bars.push({ ...bar, lane: 0 });
  }
  return rows;
}

// The lanes of each GPU; `uses` are the GPUs of each trial, by number.
export function byGpu(bars, uses) {
  const gpus = new Map();
  for (const bar of bars) {
    const machine = bar.trial.machine || "";
    for (const gpu of uses.get(bar.trial.number)?.gpus || []) {
      const name = machine ? `GPU ${gpu} of ${machine}` : `GPU ${gpu}`;
      if (!gpus.has(name)) gpus.set(name, { name, short: `GPU ${gpu}`, machine, own: [] });
      gpus.get(name).own.push(bar);
    }
  }
  return [...gpus.values()]
    .sort((a, b) => order(a.machine, b.machine) || order(a.short, b.short))
    .map(({ own, ...gpu }) => {
      const some = packed(own);
      return { ...gpu, bars: some, count: Math.max(...some.map((b) => b.lane)) + 1 };
    });
}
