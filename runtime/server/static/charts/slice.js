// The results along one parameter: each trial, and the forest's mean over all other parameters.
import { number, resultText, short, value } from "../parts/dom.js";
import { cellChart, countText, drawDots, meanText } from "./cells.js";
import { beside } from "./dimension.js";
import { color, scale, ticks } from "./plot.js";

const PAD = { left: 54, right: 12, top: 8, bottom: 24 };
const HEIGHT = 200;

// `along()` is the dimension, `rows()` the placed trials, `limits()` the range of results drawn,
// `metric` their name.
export function slice({ along, rows, limits, metric, open }) {
  let x;
  let y;

  function clip(c, width) {
    c.beginPath();
    c.rect(PAD.left - 4, PAD.top, width - PAD.left - PAD.right + 8, HEIGHT - PAD.top - PAD.bottom);
    c.clip();
  }
  function drawCell(c, width, cell) {
    clip(c, width);
    if (cell === null) return;
    const [a, b] = along().cell(cell);
    c.fillStyle = color("--accent") + "22";
    c.fillRect(x(a), PAD.top, x(b) - x(a), HEIGHT - PAD.top - PAD.bottom);
  }
  function drawBase(c, width) {
    const d = along();
    x = scale([0, 1], PAD.left, width - PAD.right);
    y = scale(limits(), HEIGHT - PAD.bottom, PAD.top);
    axes(c, width, d);
    clip(c, width);
    const dots = trials(c, d);
    if (d.along) mean(c, d);
    return dots;
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
    const marks = d.marks(Math.max(2, Math.floor(width / 70)));
    const foot = HEIGHT - PAD.bottom;
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
  function trials(c, d) {
    const all = rows();
    const many = all.length > 2000;
    c.fillStyle = color("--c1");
    c.globalAlpha = many ? 0.35 : 0.6;
    const dots = drawDots(c, all, many ? 1.4 : 2.6, (row) => [x(beside(row, d)), y(row.y)]);
    c.globalAlpha = 1;
    return dots;
  }
  function mean(c, d) {
    const { mean, spread } = d.along;
    for (let n = 0; n < d.count; n++) {
      const [a, b] = d.cell(n);
      const inset = d.choice ? (b - a) * 0.12 : 0;
      const left = x(a + inset);
      const wide = x(b - inset) - left;
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
  function cellTip(n) {
    const d = along();
    const [a, b] = d.cell(n);
    const inside = rows().filter((row) => d.cellAt(row.at.get(d.number)) === n);
    const model = d.along ? `${meanText(d.along.mean[n], d.along.spread[n])}, ` : "";
    const text = `${d.name}: ${d.cellText(n)}\n${model}${countText(inside.length)} here`;
    return { text, x: x((a + b) / 2), y: HEIGHT / 2 };
  }
  function nextCell(key, cell) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    const { count } = along();
    if (step === undefined) return null;
    if (cell === null) return step > 0 ? 0 : count - 1;
    return (cell + step + count) % count;
  }
  return cellChart({
    height: HEIGHT,
    label: `${metric || "Results"} along ${along().name}. Arrow keys select a cell.`,
    reach: 12,
    radius: 5,
    drawBase,
    drawCell,
    dotTip: ({ trial, y, values }) =>
      `trial ${trial.number}: ${resultText(metric, y)}\n${along().name}: ${value(along().of(values))}`,
    cellTip,
    nextCell,
    open,
  });
}
