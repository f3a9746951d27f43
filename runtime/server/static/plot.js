// Charts on a canvas: points and lines over two axes, with zoom, a pointer's and a keyboard's tip.
import { h, number } from "./dom.js";

export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const SERIES = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const finite = Number.isFinite;

export function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (finite(v)) { if (v < low) low = v; if (v > high) high = v; }
  if (low > high) return [0, 1];
  if (low === high) { const d = Math.abs(low) * 0.05 || 0.5; return [low - d, high + d]; }
  return [low, high];
}

export function ticks([low, high], count, log = false) {
  if (log) {
    const found = [];
    for (let e = Math.ceil(Math.log10(low) - 1e-9); e <= Math.log10(high) + 1e-9; e++) found.push(10 ** e);
    if (found.length > 1) return found.filter((_, i) => i % Math.ceil(found.length / count) === 0);
  }
  const span = high - low, raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((s) => s * power >= raw);
  const found = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9 && found.length < 50; t += step) found.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return found;
}

export function scale([low, high], from, to, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const a = f(low), b = f(high) - f(low) || 1;
  const apply = (v) => from + ((f(v) - a) / b) * (to - from);
  apply.back = (p) => { const v = a + ((p - from) / (to - from)) * b; return log ? 10 ** v : v; };
  return apply;
}

// A canvas that is as sharp as the screen; `draw(context, width, height)` is called when it has to.
export function surface(height, label, draw) {
  const canvas = h("canvas", { role: "img", "aria-label": label, tabindex: "0" });
  const box = h("div", { class: "chart" }, canvas);
  canvas.style.height = `${height}px`;
  let wanted = false;
  const paint = () => {
    wanted = false;
    const width = box.clientWidth, ratio = devicePixelRatio || 1;
    if (!width) return;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    draw(context, width, height);
  };
  const again = () => { if (!wanted) { wanted = true; requestAnimationFrame(paint); } };
  new ResizeObserver(again).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  return { box, canvas, again };
}

// data() gives {series: [{points: [[x, y, thing]], color, line, radius, step}], y label, …};
// tip(thing) is what a point says, open(thing) what a click on it does.
export function chart({ height = 260, label, xLabel, data, tip, open, logY = false }) {
  const pad = { left: 62, right: 14, top: 10, bottom: 34 };
  let zoom = null, drag = null, held = null, shown = [], sx, sy, current = -1;
  const view = surface(height, label, draw);
  const bubble = h("div", { class: "tip", hidden: true });
  const said = h("span", { class: "hide", role: "status", "aria-live": "polite" });
  view.box.append(bubble, said);

  function draw(c, width) {
    const series = data();
    const all = series.flatMap((s) => s.points);
    const log = logY && all.every((p) => !finite(p[1]) || p[1] > 0);
    const [x0, x1] = zoom ? zoom.x : extent(all.map((p) => p[0]));
    const inside = zoom ? all.filter((p) => p[0] >= x0 && p[0] <= x1) : all;
    let [y0, y1] = zoom ? zoom.y : robust(inside.map((p) => p[1]).filter(finite), log);
    sx = scale([x0, x1], pad.left, width - pad.right);
    sy = scale([y0, y1], height - pad.bottom, pad.top, log);
    axes(c, width, [x0, x1], [y0, y1], log);
    c.save(); c.beginPath(); c.rect(pad.left - 4, pad.top - 4, width - pad.left - pad.right + 8, height - pad.top - pad.bottom + 8); c.clip();
    for (const s of series) paint(c, s);
    c.restore();
    shown = series.filter((s) => !s.silent).flatMap((s) => s.points.filter((p) => finite(p[1])));
    if (!all.some((p) => finite(p[1]))) { c.fillStyle = color("--muted"); c.textAlign = "center"; c.fillText("No result yet", width / 2, height / 2); }
    if (held !== null) mark(c, held);
    if (drag) { c.fillStyle = color("--accent") + "33"; c.fillRect(drag.x0, drag.y0, drag.x1 - drag.x0, drag.y1 - drag.y0); }
  }
  // One result far off must not flatten all others; what is cut off is at the edge by zooming out.
  function robust(values, log) {
    const sorted = Float64Array.from(values).sort();
    if (sorted.length < 20 || log) return widen(extent(values), log);
    const at = (q) => sorted[Math.floor(q * (sorted.length - 1))];
    const reach = 3 * (at(0.95) - at(0.05)) || 1;
    return widen(extent(values.filter((v) => v >= at(0.05) - reach && v <= at(0.95) + reach)), false);
  }
  const widen = ([a, b], log) => log ? [a / 1.1, b * 1.1] : [a - (b - a) * 0.05, b + (b - a) * 0.05];
  function axes(c, width, xs, ys, log) {
    c.strokeStyle = color("--line"); c.fillStyle = color("--muted"); c.lineWidth = 1; c.textBaseline = "middle"; c.textAlign = "right";
    for (const t of ticks(ys, 5, log)) { const y = Math.round(sy(t)) + 0.5; c.beginPath(); c.moveTo(pad.left, y); c.lineTo(width - pad.right, y); c.stroke(); c.fillText(number(t), pad.left - 8, y); }
    c.textAlign = "center"; c.textBaseline = "top";
    for (const t of ticks(xs, Math.max(2, Math.floor(width / 110)))) c.fillText(number(t), sx(t), height - pad.bottom + 6);
    c.fillText(xLabel, (pad.left + width - pad.right) / 2, height - 13);
  }
  function paint(c, s) {
    c.strokeStyle = c.fillStyle = s.color; c.globalAlpha = s.alpha ?? 1;
    if (s.line) {
      c.lineWidth = s.width || 2; c.beginPath();
      let last = null;
      for (const [x, y] of s.points) {
        if (!finite(y)) { last = null; continue; }
        const px = sx(x), py = sy(y);
        if (last === null) c.moveTo(px, py); else { if (s.step) c.lineTo(px, last); c.lineTo(px, py); }
        last = py;
      }
      c.stroke();
    } else {
      const r = s.radius || 3;
      for (const [x, y] of s.points) if (finite(y)) { c.beginPath(); c.arc(sx(x), sy(y), r, 0, 7); c.fill(); }
    }
    c.globalAlpha = 1;
  }
  function mark(c, p) { c.strokeStyle = color("--text"); c.lineWidth = 2; c.beginPath(); c.arc(sx(p[0]), sy(p[1]), 6, 0, 7); c.stroke(); }
  function nearest(x, y) {
    let best = null, distance = 900;
    for (const p of shown) { const d = (sx(p[0]) - x) ** 2 + (sy(p[1]) - y) ** 2; if (d < distance) { distance = d; best = p; } }
    return best;
  }
  function show(p) {
    held = p; view.again();
    bubble.hidden = p === null;
    if (p === null) return;
    bubble.textContent = said.textContent = tip(p[2], p);
    const x = sx(p[0]), left = x > view.box.clientWidth / 2;
    bubble.style.left = left ? "" : `${x + 12}px`;
    bubble.style.right = left ? `${view.box.clientWidth - x + 12}px` : "";
    bubble.style.top = `${Math.max(0, Math.min(height - 70, sy(p[1]) - 20))}px`;
  }
  const place = (e) => { const r = view.canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  view.canvas.addEventListener("pointerdown", (e) => { const [x, y] = place(e); drag = { x0: x, y0: y, x1: x, y1: y }; view.canvas.setPointerCapture(e.pointerId); });
  view.canvas.addEventListener("pointermove", (e) => { const [x, y] = place(e); if (drag) { drag.x1 = x; drag.y1 = y; view.again(); } else show(nearest(x, y)); });
  view.canvas.addEventListener("pointerleave", () => { if (!drag) show(null); });
  view.canvas.addEventListener("pointerup", (e) => {
    const d = drag; drag = null;
    if (!d) return;
    if (Math.abs(d.x1 - d.x0) > 8 && Math.abs(d.y1 - d.y0) > 8) {
      zoom = { x: [sx.back(Math.min(d.x0, d.x1)), sx.back(Math.max(d.x0, d.x1))], y: [sy.back(Math.max(d.y0, d.y1)), sy.back(Math.min(d.y0, d.y1))] };
    } else { const p = nearest(...place(e)); if (p && open) open(p[2]); }
    reset.hidden = zoom === null; view.again();
  });
  view.canvas.addEventListener("dblclick", () => out());
  view.canvas.addEventListener("keydown", (e) => {
    if (e.key === "Escape") return out();
    if (e.key === "Enter" && held && open) return open(held[2]);
    if (!["ArrowRight", "ArrowLeft", "Home", "End"].includes(e.key) || !shown.length) return;
    e.preventDefault();
    current = e.key === "Home" ? 0 : e.key === "End" ? shown.length - 1 : (current + (e.key === "ArrowRight" ? 1 : -1) + shown.length) % shown.length;
    show(shown[current]);
  });
  view.canvas.addEventListener("blur", () => show(null));
  const out = () => { zoom = null; reset.hidden = true; view.again(); };
  const reset = h("button", { onclick: out, hidden: true }, "Reset zoom");
  return { box: view.box, again: view.again, reset, zoomed: () => zoom };
}
