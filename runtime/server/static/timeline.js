// When each trial ran, in the slots that were free, and why those that wait do.
import { card, duration, h, pill, time } from "./dom.js";
import { color, scale, surface, ticks } from "./plot.js";
import { showTrial } from "./trial.js";

const COLORS = { SUCCEEDED: "--c3", RUNNING: "--c1", FAILED: "--bad", EARLY_STOPPED: "--c5" };

export async function show(main, model) {
  const waits = h("div", { class: "scroll" }), tip = h("p", { class: "muted", role: "status" }, "Point at a trial to see it.");
  let boxes = [], height = 220;
  const view = surface(height, "When each trial ran; the table of trials has the same in text", draw);
  main.replaceChildren(h("div", { class: "grid" }, card("w12", "Slots", null, view.box, tip), card("w12", "Waiting", null, waits)));

  // The first slot that is free again takes the next trial, as it did when they ran.
  function slots() {
    const ends = [], now = Date.now() / 1000;
    return [...model.trials.values()].filter((t) => t.started).sort((a, b) => a.started - b.started).map((t) => {
      let slot = ends.findIndex((end) => end <= t.started + 0.02);
      if (slot < 0) slot = ends.length;
      ends[slot] = t.ended || now;
      return { trial: t, slot, from: t.started, to: t.ended || now };
    });
  }
  function draw(c, width) {
    const rows = slots();
    c.fillStyle = color("--muted"); c.textBaseline = "middle";
    if (!rows.length) { c.textAlign = "center"; c.fillText("No trial has begun yet", width / 2, height / 2); return; }
    const begin = rows[0].from, end = Math.max(...rows.map((r) => r.to)), count = Math.max(...rows.map((r) => r.slot)) + 1;
    const x = scale([0, Math.max(end - begin, 0.001)], 50, width - 12), tall = Math.min(34, (height - 40) / count);
    c.textAlign = "center";
    for (const t of ticks([0, end - begin], 7)) { c.fillText(duration(t), x(t), height - 12); c.strokeStyle = color("--line"); c.beginPath(); c.moveTo(x(t), 4); c.lineTo(x(t), height - 24); c.stroke(); }
    c.textAlign = "right";
    if (tall >= 12) for (let i = 0; i < count; i++) c.fillText(`slot ${i + 1}`, 44, 8 + (i + 0.5) * tall);
    boxes = rows.map((r) => ({ ...r, x0: x(r.from - begin), x1: Math.max(x(r.to - begin), x(r.from - begin) + 1), y0: 8 + r.slot * tall, y1: 8 + (r.slot + 1) * tall - Math.min(3, tall / 4) }));
    for (const b of boxes) {
      c.fillStyle = color(COLORS[b.trial.state] || "--muted"); c.fillRect(b.x0, b.y0, Math.max(1, b.x1 - b.x0 - 1), b.y1 - b.y0);
      if (b.x1 - b.x0 > 28 && tall > 13) { c.fillStyle = color("--card"); c.textAlign = "center"; c.fillText(String(b.trial.number), (b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2); }
    }
  }
  const at = (e) => { const r = view.canvas.getBoundingClientRect(), x = e.clientX - r.left, y = e.clientY - r.top; return boxes.find((b) => x >= b.x0 && x <= b.x1 && y >= b.y0 && y <= b.y1); };
  view.canvas.addEventListener("pointermove", (e) => { const b = at(e); if (b) tip.textContent = `Trial ${b.trial.number}: ${b.trial.state.toLowerCase()}, ${time(b.from)}, ${duration(b.to - b.from)}`; });
  view.canvas.addEventListener("click", (e) => { const b = at(e); if (b) showTrial(model, b.trial.number); });
  function fill() {
    const rows = [...model.trials.values()].filter((t) => t.state === "WAITING" || t.state === "INTERRUPTED");
    waits.replaceChildren(rows.length ? h("table", {}, h("tbody", {}, rows.slice(0, 50).map((t) => h("tr", {}, h("td", { class: "number" }, String(t.number)), h("td", {}, pill(t.state)), h("td", {}, t.reason || "until a slot is free"))))) : h("p", { class: "muted" }, "No trial waits."));
  }
  return () => { view.again(); fill(); };
}
