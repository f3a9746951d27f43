// Charts on a canvas: points and lines over two axes, with zoom and tips.
import { alike, h, number } from "../parts/dom.js";
import { place, tip as tipOver } from "./tip.js";

export const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const SERIES = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const finite = Number.isFinite;

export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values)
    if (finite(v)) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  if (low > high) return [0, 1];
  if (low === high) {
    const d = Math.abs(low) * 0.05 || 0.5;
    return [Math.max(low - d, -Number.MAX_VALUE), Math.min(high + d, Number.MAX_VALUE)];
  }
  return [low, high];
}

export function ticks([low, high], count, log = false) {
  if (log && low > 0) {
    const found = [];
    const last = Math.log10(high) + 1e-9;
    for (let e = Math.ceil(Math.log10(low) - 1e-9); e <= last; e++) found.push(10 ** e);
    if (found.length > 1) return found.filter((_, i) => i % Math.ceil(found.length / count) === 0);
  }
  const span = high - low;
  if (span === Infinity) return ticks([low / 4, high / 4], count).map((t) => t * 4);
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((s) => s * power >= raw);
  const found = [];
  for (
    let t = Math.ceil(low / step) * step;
    t <= high + step * 1e-9 && found.length < 50;
    t += step
  ) {
    found.push(Math.abs(t) < step * 1e-9 ? 0 : Number(t.toPrecision(12)));
  }
  return found;
}

// A function that formats the marks of an axis so that they differ.
export function marks(shown, log = false) {
  if (log) return number;
  const [low, high] = extent(shown);
  const steps = shown.length - 1;
  const write = alike(steps > 0 ? [low, low + (high / steps - low / steps), high] : shown);
  return (v) => {
    const text = write(v);
    return text.includes("e") ? text : String(Number(text));
  };
}

export function scale([low, high], from, to, log = false) {
  const f = log ? Math.log10 : (v) => v;
  // The difference of two large values may exceed the largest number; that of their halves does not.
  const half = f(high) / 2 - f(low) / 2 || 0.5;
  const apply = (v) => from + ((f(v) / 2 - f(low) / 2) / half) * (to - from);
  apply.back = (p) => {
    const share = (p - from) / (to - from);
    const v = f(low) * (1 - share) + f(high) * share;
    return log ? 10 ** v : v;
  };
  return apply;
}

const INPUT_EVENTS = ["keydown", "pointerdown", "pointerup", "click", "dblclick"];

// A canvas in the screen's resolution. `draw(context, width, height)` runs in the next frame, or before
// an earlier key or click, so that input always hits what is drawn.
export function surface(height, label, draw) {
  const canvas = h("canvas", { role: "img", "aria-label": label, tabindex: "0" });
  const box = h("div", { class: "chart" }, canvas);
  canvas.style.height = `${height}px`;
  let drawn = false;
  let framed = false;
  const paint = () => {
    const width = box.clientWidth;
    const ratio = devicePixelRatio || 1;
    if (drawn || !width) return;
    drawn = true;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    draw(context, width, height);
  };
  const again = () => {
    drawn = false;
    if (framed) return;
    framed = true;
    requestAnimationFrame(() => {
      framed = false;
      paint();
    });
  };
  for (const kind of INPUT_EVENTS) box.addEventListener(kind, paint, { capture: true });
  new ResizeObserver(again).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  return { box, canvas, again };
}

// The range without far outliers, which would flatten all other results; with a small margin.
function rangeWithoutOutliers(values, log) {
  const sorted = Float64Array.from(values).sort();
  const at = (q) => sorted[Math.floor(q * (sorted.length - 1))];
  const reach = 3 * (at(0.95) - at(0.05));
  const near =
    sorted.length < 20 || log || !reach
      ? values
      : values.filter((v) => v >= at(0.05) - reach && v <= at(0.95) + reach);
  const [a, b] = extent(near);
  return log ? [a / 1.1, b * 1.1] : [a - (b - a) * 0.05, b + (b - a) * 0.05];
}

const PAD = { left: 62, right: 14, top: 12, bottom: 36 };

// data() returns series: [{points: [[x, y, thing]], color, and either line (with step, width, dash)
// or radius; silent ones have no tips}]. Outliers are triangles at the edge, points whose y is not a
// number are crosses below. tip(thing, point) is a point's text, open(thing) runs on click, xLabel()
// and yLabel() are the axes' labels. While waiting() is true, an empty chart has no text.
export function chart({
  height = 260,
  label,
  xLabel,
  yLabel = () => "",
  data,
  tip,
  open,
  logY = false,
  waiting = () => false,
}) {
  let zoom = null;
  let drag = null;
  let held = null;
  let shown = [];
  let sx;
  let sy;
  let current = -1;
  const keys = "Arrow keys select a point, plus and minus zoom, Escape resets.";
  const view = surface(height, `${label}. ${keys}`, draw);
  const bubble = tipOver(view, height);
  const floor = height - PAD.bottom;

  function draw(c, width) {
    const series = data();
    const all = series.flatMap((s) => s.points);
    const log = logY && all.every((p) => !finite(p[1]) || p[1] > 0);
    const xs = zoom ? zoom.x : extent(all.map((p) => p[0]));
    const ys = zoom ? zoom.y : rangeWithoutOutliers(all.map((p) => p[1]).filter(finite), log);
    sx = scale(xs, PAD.left, width - PAD.right);
    sy = scale(ys, floor, PAD.top, log);
    if (!all.length) {
      c.fillStyle = color("--muted");
      c.textAlign = "center";
      c.fillText(waiting() ? "" : "No results yet", width / 2, height / 2);
      shown = [];
      return;
    }
    axes(c, width, xs, ys, log);
    c.save();
    c.beginPath();
    c.rect(PAD.left - 6, PAD.top - 8, width - PAD.left - PAD.right + 12, floor - PAD.top + 14);
    c.clip();
    for (const s of series)
      if (s.line) line(c, s);
      else points(c, s);
    c.restore();
    shown = series.filter((s) => !s.silent).flatMap((s) => s.points.filter((p) => screenPosition(p) !== null));
    if (held) mark(c, held);
    if (drag) {
      c.fillStyle = color("--accent") + "33";
      c.fillRect(drag.x0, drag.y0, drag.x1 - drag.x0, drag.y1 - drag.y0);
    }
  }
  function axes(c, width, xs, ys, log) {
    c.strokeStyle = color("--line");
    c.fillStyle = color("--muted");
    c.lineWidth = 1;
    c.textBaseline = "middle";
    c.textAlign = "right";
    const up = ticks(ys, 5, log);
    const write = marks(up, log);
    for (const t of up) {
      const y = Math.round(sy(t)) + 0.5;
      c.beginPath();
      c.moveTo(PAD.left, y);
      c.lineTo(width - PAD.right, y);
      c.stroke();
      c.fillText(write(t), PAD.left - 8, y);
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    const along = ticks(xs, Math.max(2, Math.floor(width / 110)));
    const name = marks(along);
    for (const t of along) c.fillText(name(t), sx(t), floor + 7);
    c.fillText(xLabel(), (PAD.left + width - PAD.right) / 2, height - 13);
    c.save();
    c.rotate(-Math.PI / 2);
    c.fillText(yLabel(), -(PAD.top + floor) / 2, 1);
    c.restore();
  }
  function line(c, s) {
    c.strokeStyle = s.color;
    c.globalAlpha = s.alpha ?? 1;
    c.lineWidth = s.width || 2;
    c.setLineDash(s.dash || []);
    c.beginPath();
    let last = null;
    for (const [x, y] of s.points) {
      if (!finite(y)) {
        last = null;
        continue;
      }
      const px = sx(x);
      const py = sy(y);
      if (last === null) c.moveTo(px, py);
      else {
        if (s.step) c.lineTo(px, last);
        c.lineTo(px, py);
      }
      last = py;
    }
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }
  // Where a point is drawn: outliers at the edge, null if it is outside the zoomed view.
  function screenPosition([x, y]) {
    const px = sx(x);
    const py = finite(y) ? sy(y) : floor + 1;
    if (zoom && (x < zoom.x[0] || x > zoom.x[1] || !finite(y) || y < zoom.y[0] || y > zoom.y[1]))
      return null;
    return [px, Math.max(PAD.top - 3, Math.min(floor + 1, py))];
  }
  function points(c, s) {
    c.fillStyle = s.color;
    c.globalAlpha = s.alpha ?? 1;
    const r = s.radius || 3;
    for (const p of s.points) {
      const spot = screenPosition(p);
      if (spot === null) continue;
      const [px, py] = spot;
      c.beginPath();
      if (!finite(p[1])) {
        cross(c, px, py);
        continue;
      }
      const y = sy(p[1]);
      if (y < PAD.top - 3) triangle(c, px, py, 6);
      else if (y > floor + 1) triangle(c, px, py, -6);
      else c.arc(px, py, r, 0, 7);
      c.fill();
    }
    c.globalAlpha = 1;
  }
  const triangle = (c, x, y, size) => {
    c.moveTo(x, y - size / 2);
    c.lineTo(x - 5, y + size);
    c.lineTo(x + 5, y + size);
  };
  function cross(c, x, y) {
    c.strokeStyle = color("--bad");
    c.lineWidth = 1.5;
    c.moveTo(x - 3, y - 3);
    c.lineTo(x + 3, y + 3);
    c.moveTo(x - 3, y + 3);
    c.lineTo(x + 3, y - 3);
    c.stroke();
  }
  function mark(c, p) {
    const spot = screenPosition(p);
    if (spot === null) return;
    c.strokeStyle = color("--text");
    c.lineWidth = 2;
    c.beginPath();
    c.arc(...spot, 6, 0, 7);
    c.stroke();
  }
  function nearest(x, y) {
    let best = null;
    let distance = 900;
    for (const p of shown) {
      const [px, py] = screenPosition(p);
      const d = (px - x) ** 2 + (py - y) ** 2;
      if (d < distance) {
        distance = d;
        best = p;
      }
    }
    return best;
  }
  function show(p, aloud = false) {
    if (p !== held) view.again();
    held = p;
    if (p === null) bubble.hide();
    else bubble.say(tip(p[2], p), ...(screenPosition(p) || [0, 0]), aloud);
  }
  function zoomTo(found) {
    zoom = found;
    if (!zoom && document.activeElement === reset) view.canvas.focus();
    reset.hidden = zoom === null;
    view.again();
  }
  // Closer to what is held, or to the middle; back to all once that is as near.
  function zoomBy(factor) {
    const [px, py] = (held && screenPosition(held)) || [view.box.clientWidth / 2, height / 2];
    const right = view.box.clientWidth - PAD.right;
    const about = (f, p, a, b) => [f.back(p - (p - a) * factor), f.back(p + (b - p) * factor)];
    zoomTo({ x: about(sx, px, PAD.left, right), y: about(sy, py, floor, PAD.top) });
  }
  view.canvas.addEventListener("pointerdown", (e) => {
    const [x, y] = place(view.canvas, e);
    drag = { x0: x, y0: y, x1: x, y1: y };
    view.canvas.setPointerCapture(e.pointerId);
  });
  view.canvas.addEventListener("pointermove", (e) => {
    const [x, y] = place(view.canvas, e);
    if (drag) {
      drag.x1 = x;
      drag.y1 = y;
      view.again();
    } else show(nearest(x, y));
  });
  view.canvas.addEventListener("pointerleave", () => drag || show(null));
  view.canvas.addEventListener("pointercancel", () => {
    drag = null;
    view.again();
  });
  view.canvas.addEventListener("pointerup", (e) => {
    const d = drag;
    drag = null;
    if (!d) return;
    if (Math.abs(d.x1 - d.x0) > 8 && Math.abs(d.y1 - d.y0) > 8) {
      zoomTo({
        x: [sx.back(Math.min(d.x0, d.x1)), sx.back(Math.max(d.x0, d.x1))],
        y: [sy.back(Math.max(d.y0, d.y1)), sy.back(Math.min(d.y0, d.y1))],
      });
    } else {
      const p = nearest(...place(view.canvas, e));
      if (p && open) open(p[2]);
      view.again();
    }
  });
  view.canvas.addEventListener("dblclick", () => zoomTo(null));
  view.canvas.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && zoom) {
      e.preventDefault();
      e.stopPropagation();
      zoomTo(null);
    }
    if (e.key === "Enter" && held && open) open(held[2]);
    if (e.key === "+") zoomBy(0.5);
    if (e.key === "-" && zoom) zoomBy(2);
    if (!["ArrowRight", "ArrowLeft", "Home", "End"].includes(e.key) || !shown.length) return;
    e.preventDefault();
    const way = e.key === "ArrowRight" ? 1 : -1;
    if (e.key === "Home") current = 0;
    else if (e.key === "End") current = shown.length - 1;
    else current = (Math.min(current, shown.length) + way + shown.length) % shown.length;
    show(shown[current], true);
  });
  view.canvas.addEventListener("blur", () => show(null));
  const reset = h("button", { onclick: () => zoomTo(null), hidden: true }, "Reset zoom");
  // For data with other axes: resets tip and zoom.
  function resetView() {
    show(null);
    zoomTo(null);
  }
  return { box: view.box, again: view.again, resetView, reset };
}
