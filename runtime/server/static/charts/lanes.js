// Bars over time, in lanes. Dragging zooms; the keyboard selects bars.
import { duration, short } from "../parts/dom.js";
import { color, scale, surface, ticks } from "./plot.js";
import { place, tip } from "./tip.js";

const SIDE = 74;
const RIGHT = 14;
const FOOT = 26;
const HEAD = 22;
const COLORS = { SUCCEEDED: "--c3", RUNNING: "--c1", FAILED: "--bad", EARLY_STOPPED: "--c5" };

// A readable text colour on a background #rrggbb.
function ink(fill) {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(fill.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#111" : "#fff";
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

// Round times between `from` and `to`, in seconds.
function moments(from, to, most) {
  if (to - from < most) return ticks([from, to], most);
  const step =
    STEPS.find((s) => (to - from) / s <= most) || 86400 * Math.ceil((to - from) / 86400 / most);
  return Array.from(
    { length: Math.floor(to / step) - Math.ceil(from / step) + 1 },
    (_, n) => (Math.ceil(from / step) + n) * step,
  );
}

// Assigns each bar the first lane that is free.
export function packed(bars) {
  const ends = [];
  return bars.map((bar) => {
    let lane = ends.findIndex((end) => end <= bar.from + 0.02);
    if (lane < 0) lane = ends.length;
    ends[lane] = bar.to;
    return { ...bar, lane };
  });
}

// The groups' lanes; a drawing fits only groups of the same shape.
export const shape = (groups) =>
  JSON.stringify(groups.map((g) => [g.title, g.rows.map((r) => [r.name, r.count])]));

// `groups` are [{title, rows: [{name, bars, count}]}], with bars {trial, from, to, lane} by time
// and `count` lanes; `describe(bar)` is a bar's text. `fill` takes other groups of the same shape.
export function lanes({ groups, zoom, describe, open, zoomed }) {
  const count = groups.reduce((n, g) => n + g.rows.reduce((m, r) => m + r.count, 0), 0);
  const tall = Math.max(3, Math.min(24, 520 / Math.max(count, 1)));
  const height = Math.round(groups.length * HEAD + count * tall + FOOT + 8);
  const view = surface(
    height,
    "When and where each trial ran. Drag to zoom; arrow keys select a trial.",
    draw,
  );
  const bubble = tip(view, height);
  let rows;
  let all;
  let begin;
  let end;
  let x = null;
  let boxes = [];
  let drag = null;
  let held = null;
  function fill(given) {
    let top = 4;
    rows = given.flatMap((group) => {
      group.top = top;
      top += HEAD;
      return group.rows.map((row) => {
        const placed = { ...row, top };
        top += row.count * tall;
        return placed;
      });
    });
    groups = given;
    const bars = rows.flatMap((row) => row.bars);
    all = [...new Map(bars.map((bar) => [bar.trial.number, bar])).values()];
    all.sort((a, b) => a.from - b.from);
    begin = all[0].from;
    end = all.reduce((most, b) => Math.max(most, b.to), begin + 0.001);
    view.again();
  }
  fill(groups);
  const limits = () => zoom.window || [begin, end];

  function draw(c, width) {
    x = scale(limits(), SIDE, width - RIGHT);
    boxes = [];
    c.textBaseline = "middle";
    time(c, width);
    c.textAlign = "left";
    c.fillStyle = color("--text");
    c.font = "600 12px system-ui, sans-serif";
    for (const group of groups) c.fillText(group.title, 0, group.top + HEAD / 2);
    c.font = "12px system-ui, sans-serif";
    for (const row of rows) named(c, row);
    c.save();
    c.beginPath();
    c.rect(SIDE, 0, width - SIDE - RIGHT, height - FOOT + 2);
    c.clip();
    for (const row of rows) bars(c, row, width);
    if (held)
      boxes
        .filter((box) => box.bar.trial.number === held.trial.number)
        .forEach((box) => framed(c, box));
    if (drag) {
      c.fillStyle = color("--accent") + "33";
      c.fillRect(drag[0], 0, drag[1] - drag[0], height - FOOT);
    }
    c.restore();
  }
  function framed(c, box) {
    c.strokeStyle = color("--text");
    c.lineWidth = 2;
    c.strokeRect(box.left, box.top, Math.max(2, box.right - box.left), box.bottom - box.top);
  }
  function time(c, width) {
    const [from, to] = limits();
    c.textAlign = "center";
    for (const t of moments(from - begin, to - begin, Math.max(2, Math.floor(width / 130)))) {
      const at = Math.round(x(begin + t)) + 0.5;
      c.strokeStyle = color("--line");
      c.beginPath();
      c.moveTo(at, 4);
      c.lineTo(at, height - FOOT);
      c.stroke();
      c.fillStyle = color("--muted");
      c.fillText(duration(t), at, height - FOOT / 2);
    }
  }
  function named(c, row) {
    c.textAlign = "right";
    c.fillStyle = color("--muted");
    if (row.count * tall >= 11)
      c.fillText(short(row.name, 10), SIDE - 8, row.top + (row.count * tall) / 2);
  }
  function bars(c, row, width) {
    const gap = Math.min(2, tall / 4);
    const last = [];
    const other = color("--muted");
    const tones = Object.fromEntries(
      Object.entries(COLORS).map(([state, tone]) => [state, color(tone)]),
    );
    for (const bar of row.bars) {
      const left = x(bar.from);
      const right = Math.max(x(bar.to), left + 1);
      if (right < SIDE || left > width - RIGHT) continue;
      const spot = Math.round(right);
      if (right - left < 1.5 && last[bar.lane] === spot) continue; // a bar is already drawn there
      last[bar.lane] = spot;
      const top = row.top + bar.lane * tall;
      const box = { left, right, top, bottom: top + tall - gap, bar };
      boxes.push(box);
      c.fillStyle = tones[bar.trial.state] || other;
      c.fillRect(
        left,
        top,
        Math.max(1, right - left - Math.min(1, (right - left) / 3)),
        tall - gap,
      );
      if (right - left <= 30 || tall <= 13) continue;
      const middle = (Math.max(left, SIDE) + Math.min(right, width - RIGHT)) / 2;
      c.fillStyle = ink(c.fillStyle);
      c.textAlign = "center";
      c.fillText(String(bar.trial.number), middle, top + (tall - gap) / 2 + 0.5);
    }
  }
  const boxAt = ([px, py]) =>
    boxes.find((b) => px >= b.left - 1 && px <= b.right + 1 && py >= b.top && py <= b.bottom);
  function show(bar, px, py, aloud) {
    held = bar;
    view.again();
    bubble.say(describe(bar), px, py, aloud);
  }
  const leave = () => {
    held = null;
    bubble.hide();
    view.again();
  };
  function zoomTo(window) {
    zoom.window = window;
    zoomed();
    view.again();
  }
  function zoomBy(factor) {
    const [from, to] = limits();
    const middle = held ? (held.from + held.to) / 2 : (from + to) / 2;
    const half = ((to - from) * factor) / 2;
    if (half * 2 >= end - begin) zoomTo(null);
    else zoomTo([Math.max(begin, middle - half), Math.min(end, middle + half)]);
  }
  function selectNext(step) {
    const now = held
      ? all.findIndex((b) => b.trial.number === held.trial.number)
      : step > 0
        ? -1
        : all.length;
    const bar = all[Math.max(0, Math.min(all.length - 1, now + step))];
    const [from, to] = limits();
    const middle = (bar.from + bar.to) / 2;
    if (middle < from || middle > to) zoomTo([middle - (to - from) / 2, middle + (to - from) / 2]);
    const scaled = scale(limits(), SIDE, view.box.clientWidth - RIGHT);
    show(bar, scaled(middle), HEAD, true);
  }
  view.canvas.addEventListener("pointerdown", (e) => {
    const [px] = place(view.canvas, e);
    drag = [px, px];
    view.canvas.setPointerCapture(e.pointerId);
  });
  view.canvas.addEventListener("pointermove", (e) => {
    const where = place(view.canvas, e);
    if (drag) {
      drag[1] = where[0];
      view.again();
      return;
    }
    const box = boxAt(where);
    if (box) show(box.bar, ...where, false);
    else if (held) leave();
  });
  view.canvas.addEventListener("pointerup", (e) => {
    const [from, to] = [...(drag || [0, 0])].sort((a, b) => a - b);
    drag = null;
    if (to - from > 8) zoomTo([Math.max(begin, x.back(from)), Math.min(end, x.back(to))]);
    else {
      const box = boxAt(place(view.canvas, e));
      if (box) open(box.bar.trial.number);
      view.again();
    }
  });
  view.canvas.addEventListener("pointerleave", () => {
    if (!drag) leave();
  });
  view.canvas.addEventListener("blur", leave);
  view.canvas.addEventListener("keydown", (e) => {
    const action = {
      ArrowRight: () => selectNext(1),
      ArrowLeft: () => selectNext(-1),
      Home: () => {
        held = null;
        selectNext(1);
      },
      End: () => {
        held = null;
        selectNext(-1);
      },
      "+": () => zoomBy(0.5),
      "-": () => zoomBy(2),
      Escape: () => {
        leave();
        zoomTo(null);
      },
      Enter: () => held && open(held.trial.number),
    }[e.key];
    if (!action || !all.length) return;
    e.preventDefault();
    action();
  });
  return { box: view.box, canvas: view.canvas, fill };
}
