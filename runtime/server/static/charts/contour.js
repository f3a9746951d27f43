// The mean result over two parameters, whatever all others are, and the trials on top of it.
import { number, short, value } from "../parts/dom.js";
import { beside } from "./dimension.js";
import { color, extent, scale, surface, ticks } from "./plot.js";
import { still } from "./still.js";
import { nearest, place, tip } from "./tip.js";

const PAD = { left: 66, right: 74, top: 10, bottom: 40 };
const HEIGHT = 340;
// From worse to better: evenly lighter, and told apart by the colour-blind.
const STOPS = [
  [0, 42, 92],
  [70, 84, 118],
  [124, 123, 120],
  [186, 165, 92],
  [247, 207, 58],
];
const SHADES = Array.from({ length: 64 }, (_, n) => {
  const at = (n / 64) * (STOPS.length - 1),
    i = Math.floor(at);
  return `rgb(${STOPS[i].map((v, k) => Math.round(v + (STOPS[i + 1][k] - v) * (at - i))).join(",")})`;
});

const label = (over) =>
  `The mean result over ${over}; the arrow keys go from cell to cell, Enter opens the best trial of one`;

// `state()` is {across, up, mean, spread}: two dimensions, and the means, a row for each of
// across' cells; or null. `rows()` are the placed trials.
export function contour({ state, rows, best, open }) {
  const view = surface(HEIGHT, label("two parameters"), draw);
  const bubble = tip(view, HEIGHT);
  const rest = still(HEIGHT, drawRest);
  let x,
    y,
    shown = [],
    cell = null,
    held = null;

  function draw(c, width) {
    rest.put(c, width);
    c.strokeStyle = color("--text");
    c.lineWidth = 2;
    if (cell) {
      const box = corners(state(), ...cell);
      c.strokeRect(box.x, box.y, box.wide, box.tall);
    }
    if (held) {
      c.beginPath();
      c.arc(held.x, held.y, 6, 0, 7);
      c.stroke();
    }
  }
  function drawRest(c, width) {
    const s = state();
    shown = [];
    if (!s) return;
    x = scale([0, 1], PAD.left, width - PAD.right);
    y = scale([0, 1], HEIGHT - PAD.bottom, PAD.top);
    const limits = extent(s.mean.flat()),
      up = best() === "maximize";
    const tone = (v) => {
      const t = Math.max(0, Math.min(1, (v - limits[0]) / (limits[1] - limits[0])));
      return SHADES[Math.round((up ? t : 1 - t) * (SHADES.length - 1))];
    };
    s.mean.forEach((column, i) =>
      column.forEach((v, j) => {
        const box = corners(s, i, j);
        c.fillStyle = tone(v);
        c.fillRect(box.x, box.y, box.wide + 0.6, box.tall + 0.6);
      }),
    );
    trials(c, s, tone);
    axes(c, width, s);
    scaleBar(c, width, limits, tone);
  }
  function corners(s, i, j) {
    const [a, b] = s.across.cell(i),
      [low, high] = s.up.cell(j);
    return { x: x(a), y: y(high), wide: x(b) - x(a), tall: y(low) - y(high) };
  }
  function trials(c, s, tone) {
    const all = rows(),
      r = all.length > 1000 ? 1.6 : 3.2;
    c.lineWidth = all.length > 1000 ? 0.5 : 1.2;
    c.strokeStyle = color("--card");
    for (const row of all) {
      const px = x(beside(row, s.across)),
        py = y(beside(row, s.up, 0.381));
      if (Number.isNaN(px) || Number.isNaN(py)) continue;
      c.beginPath();
      c.arc(px, py, r, 0, 7);
      c.fillStyle = tone(row.y);
      c.fill();
      c.stroke();
      shown.push({ x: px, y: py, row });
    }
  }
  function axes(c, width, s) {
    c.fillStyle = color("--muted");
    c.textBaseline = "top";
    c.textAlign = "center";
    const along = s.across.marks(Math.max(2, Math.floor(width / 90)));
    for (const [text, at] of along)
      c.fillText(
        short(text, Math.floor((width - 140) / along.length / 7)),
        x(at),
        HEIGHT - PAD.bottom + 6,
      );
    c.textBaseline = "middle";
    c.textAlign = "right";
    for (const [text, at] of s.up.marks(6)) c.fillText(short(text, 8), PAD.left - 8, y(at));
    c.fillStyle = color("--text");
    c.textAlign = "center";
    c.textBaseline = "alphabetic";
    c.fillText(short(s.across.name, 44), x(0.5), HEIGHT - 6);
    c.save();
    c.translate(11, y(0.5));
    c.rotate(-Math.PI / 2);
    c.textBaseline = "middle";
    c.fillText(short(s.up.name, 36), 0, 0);
    c.restore();
  }
  function scaleBar(c, width, limits, tone) {
    const left = width - PAD.right + 14,
      steps = 60,
      to = scale(limits, HEIGHT - PAD.bottom, PAD.top);
    const tall = (HEIGHT - PAD.top - PAD.bottom) / steps;
    for (let n = 0; n < steps; n++) {
      c.fillStyle = tone(limits[0] + ((limits[1] - limits[0]) * (n + 0.5)) / steps);
      c.fillRect(left, HEIGHT - PAD.bottom - (n + 1) * tall, 10, tall + 0.6);
    }
    c.fillStyle = color("--muted");
    c.textAlign = "left";
    c.textBaseline = "middle";
    for (const t of ticks(limits, 4))
      c.fillText(number(Number(t.toPrecision(6))), left + 14, to(t));
  }
  const isIn = (row, d, n) => d.cellAt(row.at.get(d.number)) === n;
  const inside = (s, i, j) => rows().filter((row) => isIn(row, s.across, i) && isIn(row, s.up, j));
  function say(i, j, aloud) {
    const s = state(),
      box = corners(s, i, j),
      count = inside(s, i, j).length;
    cell = [i, j];
    view.again();
    const mean = `mean ${number(s.mean[i][j])} ± ${number(Number(s.spread[i][j].toPrecision(2)))}`;
    bubble.say(
      `${s.across.name}: ${s.across.said(i)}\n${s.up.name}: ${s.up.said(j)}\n${mean}, ${count} trial${count === 1 ? "" : "s"}`,
      box.x + box.wide / 2,
      box.y + box.tall / 2,
      aloud,
    );
  }
  view.canvas.addEventListener("pointermove", (e) => {
    const s = state(),
      at = place(view.canvas, e);
    if (!s || !x) return;
    held = nearest(shown, at, 8);
    cell = null;
    view.again();
    const [across, up] = [x.back(at[0]), y.back(at[1])];
    const saying = (d) => `${d.name}: ${value(d.of(held.row.values))}`;
    if (held)
      bubble.say(
        `trial ${held.row.trial.number}: ${number(held.row.y)}\n${saying(s.across)}\n${saying(s.up)}`,
        held.x,
        held.y,
      );
    else if (across >= 0 && across <= 1 && up >= 0 && up <= 1)
      say(s.across.cellAt(across), s.up.cellAt(up), false);
    else bubble.hide();
  });
  const leave = () => {
    held = cell = null;
    bubble.hide();
    view.again();
  };
  view.canvas.addEventListener("pointerleave", leave);
  view.canvas.addEventListener("blur", leave);
  view.canvas.addEventListener("click", (e) => {
    const found = nearest(shown, place(view.canvas, e), 8);
    if (found) open(found.row.trial.number);
  });
  view.canvas.addEventListener("keydown", (e) => {
    const s = state(),
      step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (e.key === "Escape") return leave();
    if (!s) return;
    if (e.key === "Enter" && cell) {
      const [first] = inside(s, ...cell).sort((a, b) =>
        best() === "maximize" ? b.y - a.y : a.y - b.y,
      );
      if (first) open(first.trial.number);
    }
    if (!step) return;
    e.preventDefault();
    held = null;
    const [i, j] = cell ? [cell[0] + step[0], cell[1] + step[1]] : [0, 0];
    say((i + s.across.count) % s.across.count, (j + s.up.count) % s.up.count, true);
  });
  function again() {
    const s = state();
    if (cell && !(s && cell[0] < s.across.count && cell[1] < s.up.count)) cell = null;
    held = null;
    if (s) view.canvas.setAttribute("aria-label", label(`${s.across.name} and ${s.up.name}`));
    rest.forget();
    view.again();
  }
  return { box: view.box, again };
}
