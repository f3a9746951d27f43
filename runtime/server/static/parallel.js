// Parallel coordinates: an axis for each parameter and one for the result, a line for each trial.
import { h, number, value } from "./dom.js";
import { color, extent, scale, surface, ticks } from "./plot.js";

// From the space to axes; a nested choice has one for the option and one for each value inside.
export function axesOf(space, rows) {
  const axes = space.map((p) => axis(p.name, p, (row) => inner(row.values[p.key])));
  for (const p of space) for (const child of p.children || []) {
    axes.push(axis(child.name, child, (row) => { const v = row.values[p.key]; return v && typeof v === "object" ? v[child.key] : undefined; }));
  }
  return [...axes, { name: "result", log: false, get: (row) => typeof row.metric === "number" ? row.metric : undefined }];
  function axis(name, p, get) {
    if (p.options) return { name, options: p.options.map((o) => value(inner(o))), get: (row) => { const v = get(row); return v === undefined ? undefined : value(v); } };
    const numbers = (row) => { const v = get(row); return typeof v === "number" ? v : undefined; };
    return { name, log: p.log && rows.every((r) => !(numbers(r) <= 0)), get: numbers };
  }
}
const inner = (v) => v && typeof v === "object" && "_name" in v ? v._name : v;

export function parallel({ height = 340, axes, rows, best, onbrush }) {
  const brushes = new Map();
  let order = axes.map((_, i) => i), drag = null, width0 = 0;
  const view = surface(height, "Parallel coordinates of values and results; the table below has the same in text", draw);
  const top = 44, bottom = 26, side = 60;
  const x = (i) => side + (order.length < 2 ? 0 : i * (width0 - 2 * side) / (order.length - 1));
  function scales() {
    for (const a of axes) {
      a.scale = a.options ? (v) => { const n = a.options.indexOf(v); return height - bottom - (n + 0.5) * (height - top - bottom) / a.options.length; }
        : scale(extent(rows().map(a.get)), height - bottom, top, a.log);
    }
  }
  const passes = (row) => [...brushes].every(([a, [lo, hi]]) => { const v = axes[a].get(row); if (v === undefined) return false; const y = axes[a].scale(v); return y >= lo && y <= hi; });
  function draw(c, width) {
    width0 = width; scales();
    const list = rows(), chosen = list.filter(passes), metric = axes.at(-1);
    const [low, high] = extent(list.map(metric.get));
    if (brushes.size) { c.globalAlpha = Math.max(0.03, Math.min(0.2, 60 / list.length)); c.strokeStyle = color("--muted"); lines(c, list); }
    c.globalAlpha = Math.max(0.08, Math.min(0.8, 150 / chosen.length)); c.lineWidth = 1.3;
    const shades = Array.from({ length: 12 }, () => []);
    for (const row of chosen) { const v = metric.get(row); shades[v === undefined ? 0 : Math.min(11, Math.floor(12 * (best === "minimize" ? high - v : v - low) / (high - low)))].push(row); }
    shades.forEach((some, n) => { c.strokeStyle = shade(n / 11); lines(c, some); });
    c.globalAlpha = 1;
    order.forEach((a, i) => axis(c, axes[a], x(i), a));
    onbrush?.(brushes.size ? chosen : null);
  }
  function lines(c, list) {
    for (const row of list) {
      c.beginPath(); let down = false;
      order.forEach((a, i) => { const v = axes[a].get(row); if (v === undefined) { down = false; return; } const y = axes[a].scale(v); if (down) c.lineTo(x(i), y); else c.moveTo(x(i), y); down = true; });
      c.stroke();
    }
  }
  function axis(c, a, px, n) {
    c.strokeStyle = color("--text"); c.fillStyle = color("--text"); c.lineWidth = 1; c.textAlign = "center"; c.textBaseline = "alphabetic";
    c.beginPath(); c.moveTo(px, top); c.lineTo(px, height - bottom); c.stroke();
    c.font = "600 12px system-ui, sans-serif"; c.fillText(short(a.name, 18), px, 16); c.font = "11px system-ui, sans-serif";
    c.fillStyle = color("--muted"); c.fillText(a.log ? "log" : a.options ? "choice" : "", px, 31);
    c.textAlign = "left"; c.textBaseline = "middle";
    const marks = a.options ? a.options.map((o) => [o, a.scale(o)]) : ticks(extent(rows().map(a.get)), 5, a.log).map((t) => [number(t), a.scale(t)]);
    for (const [text, y] of marks) { const w = c.measureText(short(text, 12)).width; c.fillStyle = color("--card") ; c.globalAlpha = 0.75; c.fillRect(px + 4, y - 7, w + 4, 14); c.globalAlpha = 1; c.fillStyle = color("--muted"); c.fillText(short(text, 12), px + 6, y); }
    const brush = brushes.get(n);
    if (brush) { c.fillStyle = color("--accent") + "55"; c.fillRect(px - 8, brush[0], 16, brush[1] - brush[0]); }
  }
  const place = (e) => { const r = view.canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  const nearest = (px) => order.reduce((best, _, i) => Math.abs(x(i) - px) < Math.abs(x(best) - px) ? i : best, 0);
  view.canvas.addEventListener("pointerdown", (e) => { const [px, py] = place(e); drag = { slot: nearest(px), y: py, name: py < top - 6 }; view.canvas.setPointerCapture(e.pointerId); });
  view.canvas.addEventListener("pointermove", (e) => {
    if (!drag) return;
    const [px, py] = place(e);
    if (drag.name) { const to = nearest(px); if (to !== drag.slot) { const [a] = order.splice(drag.slot, 1); order.splice(to, 0, a); drag.slot = to; } }
    else brushes.set(order[drag.slot], [Math.max(top, Math.min(drag.y, py)), Math.min(height - bottom, Math.max(drag.y, py))]);
    view.again();
  });
  view.canvas.addEventListener("pointerup", (e) => { if (drag && !drag.name && Math.abs(place(e)[1] - drag.y) < 4) brushes.delete(order[drag.slot]); drag = null; view.again(); });
  const clear = () => { brushes.clear(); order = axes.map((_, i) => i); view.again(); };
  return { box: view.box, again: view.again, clear: h("button", { onclick: clear }, "Reset axes") };
}
const short = (text, n) => { const s = String(text); return s.length > n ? s.slice(0, n - 1) + "…" : s; };

// Dark blue to yellow, even in lightness, and told apart by the colour-blind.
export function shade(t) {
  const stops = [[0, 62, 120], [70, 90, 130], [125, 122, 122], [185, 160, 95], [240, 190, 50]];
  const at = Math.max(0, Math.min(0.999, t)) * 4, i = Math.floor(at), f = at - i;
  return `rgb(${stops[i].map((v, k) => Math.round(v + (stops[i + 1][k] - v) * f)).join(",")})`;
}
