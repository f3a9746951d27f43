// The results along one parameter: each trial, and the forest's mean over all other parameters.
import { number, short, value } from "../parts/dom.js";
import { beside } from "./dimension.js";
import { color, scale, surface, ticks } from "./plot.js";
import { still } from "./still.js";
import { nearest, place, tip } from "./tip.js";

const PAD = { left: 54, right: 12, top: 8, bottom: 24 };
const HEIGHT = 200;

// `rows()` are the placed trials, `limits()` the range of results that is drawn.
export function slice({ along, rows, limits, open }) {
  const view = surface(HEIGHT, `Results along ${along().name}; the arrow keys go along it`, draw);
  const bubble = tip(view, HEIGHT);
  const rest = still(HEIGHT, drawRest);
  let shown = [],
    x,
    y,
    cell = null,
    held = null;

  function draw(c, width) {
    const d = along();
    rest.put(c, width);
    c.save();
    c.beginPath();
    c.rect(PAD.left - 4, PAD.top, width - PAD.left - PAD.right + 8, HEIGHT - PAD.top - PAD.bottom);
    c.clip();
    if (cell !== null) {
      const [a, b] = d.cell(cell);
      c.fillStyle = color("--accent") + "22";
      c.fillRect(x(a), PAD.top, x(b) - x(a), HEIGHT - PAD.top - PAD.bottom);
    }
    if (held) {
      c.strokeStyle = color("--text");
      c.lineWidth = 2;
      c.beginPath();
      c.arc(held.x, held.y, 5, 0, 7);
      c.stroke();
    }
    c.restore();
  }
  function drawRest(c, width) {
    const d = along();
    x = scale([0, 1], PAD.left, width - PAD.right);
    y = scale(limits(), HEIGHT - PAD.bottom, PAD.top);
    axes(c, width, d);
    c.beginPath();
    c.rect(PAD.left - 4, PAD.top, width - PAD.left - PAD.right + 8, HEIGHT - PAD.top - PAD.bottom);
    c.clip();
    dots(c, d);
    if (d.along) mean(c, d);
  }
  function axes(c, width, d) {
    c.strokeStyle = color("--line");
    c.fillStyle = color("--muted");
    c.lineWidth = 1;
    c.textBaseline = "middle";
    c.textAlign = "right";
    for (const t of ticks(limits(), 4)) {
      const at = Math.round(y(t)) + 0.5;
      c.beginPath();
      c.moveTo(PAD.left, at);
      c.lineTo(width - PAD.right, at);
      c.stroke();
      c.fillText(number(t), PAD.left - 8, at);
    }
    const marks = d.marks(Math.max(2, Math.floor(width / 70))),
      foot = HEIGHT - PAD.bottom;
    const most = Math.max(3, Math.floor((width - 70) / marks.length / 7));
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const [text, at] of marks) {
      c.beginPath();
      c.moveTo(x(at), foot);
      c.lineTo(x(at), foot + 4);
      c.stroke();
      c.fillText(short(text, most), x(at), foot + 7);
    }
  }
  function dots(c, d) {
    const all = rows(),
      r = all.length > 2000 ? 1.4 : 2.6;
    shown = [];
    c.fillStyle = color("--c1");
    c.globalAlpha = all.length > 2000 ? 0.35 : 0.6;
    for (const row of all) {
      const px = x(beside(row, d)),
        py = y(row.y);
      if (Number.isNaN(px)) continue;
      c.beginPath();
      c.arc(px, py, r, 0, 7);
      c.fill();
      shown.push({ x: px, y: py, row });
    }
    c.globalAlpha = 1;
  }
  function mean(c, d) {
    const { mean, spread } = d.along;
    for (let n = 0; n < d.count; n++) {
      const [a, b] = d.cell(n),
        inset = d.choice ? (b - a) * 0.12 : 0,
        left = x(a + inset),
        wide = x(b - inset) - left;
      c.globalAlpha = 0.25;
      c.fillStyle = color("--c2");
      c.fillRect(
        left,
        y(mean[n] + spread[n]),
        wide,
        Math.max(1, y(mean[n] - spread[n]) - y(mean[n] + spread[n])),
      );
      c.globalAlpha = 1;
      c.fillRect(left, y(mean[n]) - 1.25, d.choice ? wide : wide + 0.6, 2.5);
    }
  }
  function say(n) {
    const d = along(),
      [a, b] = d.cell(n),
      inside = rows().filter((row) => d.cellAt(row.at.get(d.number)) === n).length;
    const model = d.along
      ? `mean ${number(d.along.mean[n])} ± ${number(Number(d.along.spread[n].toPrecision(2)))}`
      : "";
    cell = n;
    view.again();
    bubble.say(
      `${d.name}: ${d.said(n)}\n${[model, `${inside} trial${inside === 1 ? "" : "s"} here`].filter(Boolean).join(", ")}`,
      x((a + b) / 2),
      HEIGHT / 2,
      true,
    );
  }
  view.canvas.addEventListener("pointermove", (e) => {
    const at = place(view.canvas, e),
      d = along();
    held = nearest(shown, at, 12);
    cell = null;
    view.again();
    if (held)
      bubble.say(
        `trial ${held.row.trial.number}: ${number(held.row.y)}\n${d.name}: ${value(d.of(held.row.values))}`,
        held.x,
        held.y,
      );
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
    const found = nearest(shown, place(view.canvas, e), 12);
    if (found) open(found.row.trial.number);
  });
  view.canvas.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key],
      count = along().count;
    if (e.key === "Escape") return leave();
    if (step === undefined) return;
    e.preventDefault();
    held = null;
    say(cell === null ? (step > 0 ? 0 : count - 1) : (cell + step + count) % count);
  });
  return {
    box: view.box,
    again: () => {
      rest.forget();
      view.again();
    },
  };
}
