// A drawing of cells with trials on top, read by pointer and keyboard: what slice and contour share.
import { number } from "../parts/dom.js";
import { color, surface } from "./plot.js";
import { still } from "./still.js";
import { nearest, place, tip } from "./tip.js";

// Draws a dot for each trial that has a position, and returns the dots as {x, y, row}.
// `position(row)` is [x, y], NaN where there is none; `fillOf(row)` is the dot's own colour.
export function drawDots(c, rows, radius, position, { fillOf, outlined = false } = {}) {
  const dots = [];
  for (const row of rows) {
    const [x, y] = position(row);
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    if (fillOf) c.fillStyle = fillOf(row);
    c.beginPath();
    c.arc(x, y, radius, 0, 7);
    c.fill();
    if (outlined) c.stroke();
    dots.push({ x, y, row });
  }
  return dots;
}

export const meanText = (mean, spread) =>
  `mean ${number(mean)} ± ${number(Number(spread.toPrecision(2)))}`;
export const countText = (count) => `${count} trial${count === 1 ? "" : "s"}`;

// `height` and `reach` (how near the pointer must be to a dot) are in pixels.
// `drawBase(context, width)` draws all that stays, and returns the dots.
// `drawCell(context, width, cell)` marks the selected cell, before a ring is drawn around a dot.
// `cellTip(cell)` is {text, x, y}, `dotTip(row)` a text. `cellAt(point)` is the cell under the
// pointer, null for none. `nextCell(key, cell)` is where an arrow key leads, null for other keys.
// `best(cell)` is the trial that Enter opens. `exists(cell)` is false for a cell of old data.
export function cellChart({
  height,
  label,
  reach,
  radius,
  drawBase,
  drawCell,
  dotTip,
  cellTip,
  nextCell,
  open,
  cellAt = () => null,
  best = () => undefined,
  exists = () => true,
}) {
  let dots = [];
  let hovered = null;
  let cell = null;
  const base = still(height, (c, width) => {
    dots = drawBase(c, width);
  });
  const view = surface(height, label, draw);
  const bubble = tip(view, height);
  const { canvas } = view;

  function draw(c, width) {
    base.put(c, width);
    c.save();
    drawCell(c, width, cell);
    if (hovered) {
      c.strokeStyle = color("--text");
      c.lineWidth = 2;
      c.beginPath();
      c.arc(hovered.x, hovered.y, radius, 0, 7);
      c.stroke();
    }
    c.restore();
  }
  function selectCell(next, aloud) {
    cell = next;
    hovered = null;
    view.again();
    const { text, x, y } = cellTip(cell);
    bubble.say(text, x, y, aloud);
  }
  function clear() {
    hovered = null;
    cell = null;
    bubble.hide();
    view.again();
  }
  canvas.addEventListener("pointermove", (e) => {
    const point = place(canvas, e);
    const dot = nearest(dots, point, reach);
    const under = dot ? null : cellAt(point);
    if (under !== null) return selectCell(under, false);
    clear();
    if (!dot) return;
    hovered = dot;
    bubble.say(dotTip(dot.row), dot.x, dot.y);
  });
  canvas.addEventListener("pointerleave", clear);
  canvas.addEventListener("blur", clear);
  canvas.addEventListener("click", (e) => {
    const dot = nearest(dots, place(canvas, e), reach);
    if (dot) open(dot.row.trial.number);
  });
  canvas.addEventListener("keydown", (e) => {
    if (e.key === "Escape") return clear();
    if (e.key === "Enter" && cell !== null) {
      const row = best(cell);
      if (row) open(row.trial.number);
    }
    const next = nextCell(e.key, cell);
    if (next === null) return;
    e.preventDefault();
    selectCell(next, true);
  });
  function again() {
    if (cell !== null && !exists(cell)) cell = null;
    hovered = null;
    base.forget();
    view.again();
  }
  return { box: view.box, canvas, again };
}
