// Texts about the GPUs that trials use or wait for, and the table of GPUs.
import { duration, h } from "./dom.js";

const size = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const percent = (share) => `${Math.round(share)} %`;

export function usedText(use) {
  return [
    `GPU ${use.gpus.join(", ")}`,
    use.peak === null ? "" : `peak ${size(use.peak)}`,
    use.utilisation === null ? "" : `${percent(use.utilisation)} busy`,
  ]
    .filter(Boolean)
    .join(", ");
}

// How long a started trial waited for GPUs and why; empty below one second.
export function waitedText(use) {
  if (!(use?.waited >= 1)) return "";
  return `waited ${duration(use.waited)} for GPUs: ${use.waited_for.join("; ")}`;
}

export function waitsFor(trial, use) {
  const blocks = (use?.waits || []).map((block) => block.text).filter(Boolean);
  if (blocks.length)
    return h(
      "ul",
      { class: "why" },
      blocks.map((text) => h("li", {}, text)),
    );
  if (trial.reason) return trial.reason;
  return trial.state === "INTERRUPTED"
    ? "interrupted; runs again when the experiment is resumed"
    : "until a slot is free";
}

// The table of GPUs: how long each was leased, and how its trials used it.
export function gpuTable(gpus, uses) {
  const all = gpus.flatMap((g) => g.bars);
  const begin = all.reduce((least, b) => Math.min(least, b.from), Infinity);
  const end = all.reduce((most, b) => Math.max(most, b.to), begin + 1e-9);
  const heads = ["Trials", "Concurrent trials", "Time leased", "Peak memory of a trial", "Mean utilisation"];
  return h(
    "table",
    { class: "gpus" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", {}, h("span", { class: "hide" }, "GPU")),
        heads.map((text) => h("th", { scope: "col", class: "number" }, text)),
      ),
    ),
    h(
      "tbody",
      {},
      gpus.map((g) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, g.name),
          facts(g, uses, begin, end).map((text) => h("td", { class: "number" }, text)),
        ),
      ),
    ),
  );
}

function facts(gpu, uses, begin, end) {
  const gpuUses = gpu.bars.map((b) => uses.get(b.trial.number));
  const peak = gpuUses.reduce((most, use) => Math.max(most, use.peak ?? 0), 0);
  const busy = gpuUses.map((use) => use.utilisation).filter((v) => v !== null);
  return [
    String(gpu.bars.length),
    String(gpu.count),
    percent((100 * coveredSeconds(gpu.bars, begin)) / (end - begin)),
    peak ? size(peak) : "–",
    busy.length ? percent(busy.reduce((a, b) => a + b, 0) / busy.length) : "–",
  ];
}

// Seconds covered by at least one bar; bars are ordered by start.
function coveredSeconds(bars, begin) {
  let until = begin;
  let seconds = 0;
  for (const bar of bars) {
    seconds += Math.max(0, bar.to - Math.max(until, bar.from));
    until = Math.max(until, bar.to);
  }
  return seconds;
}
