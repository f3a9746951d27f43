// The numbers at the top of the overview: best result, trials, time and states.
import { alike, duration, h, metricOf, pill, redraw, words } from "./dom.js";

// {boxes, fill, tick}: `fill(head)` redraws what has changed, `tick(head)` only the clock.
export function stats(head) {
  const stat = (label) => h("section", { class: "card w3 stat", "aria-label": label });
  const boxes = [`Best ${metricOf(head)}`, "Trials", "Time", "States"].map(stat);
  const [best, progress, clock, counts] = boxes;
  const tick = (e) =>
    redraw(clock, [duration(secondsRun(e)), timeLeft(e), e.max_duration, e.reason, e.ended], () => clockOf(e));
  function fill(e) {
    redraw(best, [e.best, e.baseline, e.state], () => bestOf(e));
    redraw(progress, [e.counts, e.max_trials, e.concurrency], () => progressOf(e));
    redraw(counts, e.counts, () => countsOf(e));
    tick(e);
  }
  return { boxes, fill, tick };
}

const secondsRun = (e) => (e.ended || Date.now() / 1000) - e.created - e.paused;
const total = (e) => Object.values(e.counts).reduce((a, b) => a + b, 0);
const label = (...rest) => h("div", { class: "label" }, ...rest);

function bestOf(e) {
  const base = e.baseline?.metric;
  const write = alike([base, e.best?.metric]);
  const gain = typeof base === "number" && e.best ? e.best.metric - base : null;
  const stopped = e.best?.state === "EARLY_STOPPED" ? ", stopped early" : "";
  const none = e.state === "RUNNING" ? "no trial has finished yet" : "no trial has a result";
  return [
    label(`Best ${metricOf(e)} (${e.optimize}${e.optimize_by ? `, ${e.optimize_by}` : ""})`),
    h("div", { class: "big best" }, e.best ? write(e.best.metric) : "–"),
    label(
      e.best ? `trial ${e.best.number}${stopped}` : none,
      gain === null ? "" : `, baseline ${write(base)} (${gain >= 0 ? "+" : ""}${write(gain)})`,
    ),
  ];
}

function progressOf(e) {
  const all = total(e);
  const limit = e.max_trials;
  const bar = h(
    "div",
    {
      class: "progress",
      role: "img",
      "aria-label":
        Object.entries(e.counts)
          .map(([s, n]) => `${n} ${words(s)}`)
          .join(", ") || "no trial yet",
    },
    Object.entries(e.counts).map(([s, n]) =>
      h("span", {
        class: `f-${s}`,
        style: { width: `${(100 * n) / Math.max(limit || 0, all, 1)}%` },
      }),
    ),
  );
  return [
    label("Trials"),
    h(
      "div",
      { class: "big" },
      String(all),
      limit ? h("span", { class: "of" }, ` of ${limit}`) : "",
    ),
    bar,
    label(`${e.concurrency === "auto" ? "as many as fit" : e.concurrency} at a time, tuner ${e.tuner}`),
  ];
}

// An estimate of the time left, from the speed so far; "" if unknown.
function timeLeft(e) {
  const waiting = (e.counts.RUNNING || 0) + (e.counts.WAITING || 0);
  const ended = total(e) - waiting;
  if (e.state !== "RUNNING") return "";
  const byTrials =
    e.max_trials && ended >= 5 ? (secondsRun(e) / ended) * (e.max_trials - ended) : Infinity;
  const byTime = e.max_duration ? Math.max(0, e.max_duration - secondsRun(e)) : Infinity;
  const least = Math.min(byTrials, byTime);
  return least === Infinity
    ? ""
    : `about ${duration(least < 60 ? Math.ceil(least / 10) * 10 : Math.round(least / 60) * 60)} left`;
}

function clockOf(e) {
  const bar = e.max_duration
    ? h(
        "div",
        { class: "progress" },
        h("span", {
          class: "fill",
          style: { width: `${Math.min(100, (100 * secondsRun(e)) / e.max_duration)}%` },
        }),
      )
    : null;
  const note =
    e.reason || timeLeft(e) || (e.ended ? "ended" : e.max_duration || e.max_trials ? "" : "no limit");
  return [
    label("Time"),
    h(
      "div",
      { class: "big" },
      duration(secondsRun(e)),
      e.max_duration ? h("span", { class: "of" }, ` of ${duration(e.max_duration)}`) : "",
    ),
    bar,
    label(note),
  ];
}

function countsOf(e) {
  const links = Object.entries(e.counts).map(([s, n]) =>
    h(
      "a",
      {
        class: "count",
        href: `/e/${e.id}/trials?state=${s}`,
        "data-inside": "",
        "data-focus": s,
      },
      pill(s),
      h("b", {}, String(n)),
    ),
  );
  return [label("States"), h("div", { class: "counts" }, links.length ? links : "no trial yet")];
}
