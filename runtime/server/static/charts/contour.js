// The mean result over two parameters, averaged over all others, with the trials on top.
import { number, resultText, short, value } from "../parts/dom.js";
import { cellChart, countText, drawDots, meanText } from "./cells.js";
import { beside } from "./dimension.js";
import { color, extent, scale, ticks } from "./plot.js";

const PAD = { left: 82, right: 74, top: 10, bottom: 40 };
const HEIGHT = 340;
// From worse to better: evenly lighter, and safe for colour-blind readers.
const STOPS = [
  [0, 42, 92],
  [70, 84, 118],
  [124, 123, 120],
  [186, 165, 92],
  [247, 207, 58],
];
const SHADES = Array.from({ length: 64 }, (_, n) => {
  const at = (n / 64) * (STOPS.length - 1);
  const i = Math.floor(at);
  return `rgb(${STOPS[i].map((v, k) => Math.round(v + (STOPS[i + 1][k] - v) * (at - i))).join(",")})`;
});

const label = (metric, over) =>
  `Mean ${metric || "result"} over ${over}. Arrow keys select a cell, Enter opens its best trial.`;

// `state()` is {across, up, mean, spread}: two dimensions and the means, one row for each cell of
// `across`; null before they arrive. `rows()` are the placed trials, `best()` is the direction and `metric` the results' name.
export function contour({ state, rows, best, metric, open }) {
  let x;
  let y;

  function drawCell(c, width, cell) {
    if (cell === null) return;
    const box = corners(state(), ...cell);
    c.strokeStyle = color("--text");
    c.lineWidth = 2;
    c.strokeRect(box.x, box.y, box.wide, box.tall);
  }
  function drawBase(c, width) {
    const s = state();
    if (!s) return [];
    x = scale([0, 1], PAD.left, width - PAD.right);
    y = scale([0, 1], HEIGHT - PAD.bottom, PAD.top);
    const limits = extent(s.mean.flat());
    const up = best() === "maximize";
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
    const dots = trials(c, s, tone);
    axes(c, width, s);
    scaleBar(c, width, limits, tone);
    return dots;
  }
  function corners(s, i, j) {
    const [a, b] = s.across.cell(i);
    const [low, high] = s.up.cell(j);
    return { x: x(a), y: y(high), wide: x(b) - x(a), tall: y(low) - y(high) };
  }
  function trials(c, s, tone) {
    const all = rows();
    const many = all.length > 1000;
    const position = (row) => [x(beside(row, s.across)), y(beside(row, s.up, 0.381))];
    c.lineWidth = many ? 0.5 : 1.2;
    c.strokeStyle = color("--card");
    return drawDots(c, all, many ? 1.6 : 3.2, position, {
      fillOf: (row) => tone(row.y),
      outlined: true,
    });
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
    const left = width - PAD.right + 14;
    const steps = 60;
    const to = scale(limits, HEIGHT - PAD.bottom, PAD.top);
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
  function cellTip([i, j]) {
    const s = state();
    const box = corners(s, i, j);
    const mean = meanText(s.mean[i][j], s.spread[i][j]);
    const places = `${s.across.name}: ${s.across.cellText(i)}\n${s.up.name}: ${s.up.cellText(j)}`;
    const text = `${places}\n${mean}, ${countText(inside(s, i, j).length)}`;
    return { text, x: box.x + box.wide / 2, y: box.y + box.tall / 2 };
  }
  function dotTip({ trial, y, values }) {
    const s = state();
    const line = (d) => `${d.name}: ${value(d.of(values))}`;
    return `trial ${trial.number}: ${resultText(metric, y)}\n${line(s.across)}\n${line(s.up)}`;
  }
  function cellAt([px, py]) {
    const s = state();
    if (!s || !x) return null;
    const [across, up] = [x.back(px), y.back(py)];
    if (across < 0 || across > 1 || up < 0 || up > 1) return null;
    return [s.across.cellAt(across), s.up.cellAt(up)];
  }
  function nextCell(key, cell) {
    const s = state();
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[key];
    if (!s || !step) return null;
    const [i, j] = cell ? [cell[0] + step[0], cell[1] + step[1]] : [0, 0];
    return [(i + s.across.count) % s.across.count, (j + s.up.count) % s.up.count];
  }
  function bestIn(cell) {
    const sign = best() === "maximize" ? -1 : 1;
    return inside(state(), ...cell).sort((a, b) => sign * (a.y - b.y))[0];
  }
  const chart = cellChart({
    height: HEIGHT,
    label: label(metric, "two parameters"),
    reach: 8,
    radius: 6,
    drawBase,
    drawCell,
    dotTip,
    cellTip,
    cellAt,
    nextCell,
    open,
    best: bestIn,
    exists: ([i, j]) => state() && i < state().across.count && j < state().up.count,
  });
  function again() {
    const s = state();
    if (s) chart.canvas.setAttribute("aria-label", label(metric, `${s.across.name} and ${s.up.name}`));
    chart.again();
  }
  return { box: chart.box, again };
}
