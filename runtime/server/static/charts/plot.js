// Charts on a canvas: points and lines over two axes, with zoom, a pointer's and a keyboard's tip.
import { alike, h, number } from "../parts/dom.js";
import { place, tip as tipOver } from "./tip.js";

export const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const SERIES = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const finite = Number.isFinite;

export function extent(values) {
  let low = Infinity,
    high = -Infinity;
  for (const v of values)
    if (finite(v)) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  if (low > high) return [0, 1];
  if (low === high) {
    const d = Math.abs(low) * 0.05 || 0.5;
    return [low - d, high + d];
  }
  return [low, high];
}

export function ticks([low, high], count, log = false) {
  if (log && low > 0) {
    const found = [],
      last = Math.log10(high) + 1e-9;
    for (let e = Math.ceil(Math.log10(low) - 1e-9); e <= last; e++) found.push(10 ** e);
    if (found.length > 1) return found.filter((_, i) => i % Math.ceil(found.length / count) === 0);
  }
  const span = high - low,
    raw = span / count,
    power = 10 ** Math.floor(Math.log10(raw));
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

// A function that writes the marks of an axis, however close they are.
export function marks(shown, log = false) {
  if (log) return number;
  const [low, high] = extent(shown),
    steps = shown.length - 1;
  const write = alike(steps > 0 ? [low, low + (high - low) / steps, high] : shown);
  return (v) => {
    const text = write(v);
    return text.includes("e") ? text : String(Number(text));
  };
}

export function scale([low, high], from, to, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const a = f(low),
    b = f(high) - f(low) || 1;
  const apply = (v) => from + ((f(v) - a) / b) * (to - from);
  apply.back = (p) => {
    const v = a + ((p - from) / (to - from)) * b;
    return log ? 10 ** v : v;
  };
  return apply;
}

const BY_HAND = ["keydown", "pointerdown", "pointerup", "click", "dblclick"];

// A canvas that is as sharp as the screen; `draw(context, width, height)` is called when it has to:
// in the next frame, or before a key or a click that comes earlier, which mean what is there by then.
export function surface(height, label, draw) {
  const canvas = h("canvas", { role: "img", "aria-label": label, tabindex: "0" });
  const box = h("div", { class: "chart" }, canvas);
  canvas.style.height = `${height}px`;
  let drawn = false,
    framed = false;
  const paint = () => {
    const width = box.clientWidth,
      ratio = devicePixelRatio || 1;
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
  for (const kind of BY_HAND) box.addEventListener(kind, paint, { capture: true });
  new ResizeObserver(again).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  return { box, canvas, again };
}

// One result far off must not flatten all others: the range of most of them, with a little room.
function usual(values, log) {
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

// data() gives series: [{points: [[x, y, thing]], color, and either line (with step, width, dash)
// or radius; silent ones are not pointed at}]. A point far off is a triangle at the edge, one
// whose y is no number a cross below. tip(thing, point) is what a point says, open(thing) what a
// click on it does, xLabel() what stands below. While it is `waiting` for its data, an empty chart
// does not say that there are none.
export function chart({
  height = 260,
  label,
  xLabel,
  data,
  tip,
  open,
  logY = false,
  waiting = () => false,
}) {
  let zoom = null,
    drag = null,
    held = null,
    shown = [],
    sx,
    sy,
    current = -1;
  const keys = "Arrow keys go from point to point, plus and minus zoom, Escape shows all again.";
  const view = surface(height, `${label}. ${keys}`, draw);
  const bubble = tipOver(view, height);
  const floor = height - PAD.bottom;

  function draw(c, width) {
    const series = data();
    const all = series.flatMap((s) => s.points);
    const log = logY && all.every((p) => !finite(p[1]) || p[1] > 0);
    const xs = zoom ? zoom.x : extent(all.map((p) => p[0]));
    const ys = zoom ? zoom.y : usual(all.map((p) => p[1]).filter(finite), log);
    sx = scale(xs, PAD.left, width - PAD.right);
    sy = scale(ys, floor, PAD.top, log);
    if (!all.length) {
      c.fillStyle = color("--muted");
      c.textAlign = "center";
      c.fillText(waiting() ? "" : "No result yet", width / 2, height / 2);
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
    shown = series.filter((s) => !s.silent).flatMap((s) => s.points.filter((p) => at(p) !== null));
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
    const up = ticks(ys, 5, log),
      write = marks(up, log);
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
    const along = ticks(xs, Math.max(2, Math.floor(width / 110))),
      name = marks(along);
    for (const t of along) c.fillText(name(t), sx(t), floor + 7);
    c.fillText(xLabel(), (PAD.left + width - PAD.right) / 2, height - 13);
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
      const px = sx(x),
        py = sy(y);
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
  // Where a point is drawn: a far one at the edge; null where the view is zoomed past it.
  function at([x, y]) {
    const px = sx(x),
      py = finite(y) ? sy(y) : floor + 1;
    if (zoom && (x < zoom.x[0] || x > zoom.x[1] || !finite(y) || y < zoom.y[0] || y > zoom.y[1]))
      return null;
    return [px, Math.max(PAD.top - 3, Math.min(floor + 1, py))];
  }
  function points(c, s) {
    c.fillStyle = s.color;
    c.globalAlpha = s.alpha ?? 1;
    const r = s.radius || 3;
    for (const p of s.points) {
      const spot = at(p);
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
    const spot = at(p);
    if (spot === null) return;
    c.strokeStyle = color("--text");
    c.lineWidth = 2;
    c.beginPath();
    c.arc(...spot, 6, 0, 7);
    c.stroke();
  }
  function nearest(x, y) {
    let best = null,
      distance = 900;
    for (const p of shown) {
      const [px, py] = at(p),
        d = (px - x) ** 2 + (py - y) ** 2;
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
    else bubble.say(tip(p[2], p), ...(at(p) || [0, 0]), aloud);
  }
  function zoomTo(found) {
    zoom = found;
    if (!zoom && document.activeElement === reset) view.canvas.focus();
    reset.hidden = zoom === null;
    view.again();
  }
  // Closer to what is held, or to the middle; back to all once that is as near.
  function nearer(factor) {
    const [px, py] = (held && at(held)) || [view.box.clientWidth / 2, height / 2];
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
    if (e.key === "+") nearer(0.5);
    if (e.key === "-" && zoom) nearer(2);
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
  // Draws what has other axes now: nothing of the old ones stays.
  function anew() {
    show(null);
    zoomTo(null);
  }
  return { box: view.box, again: view.again, anew, reset };
}
