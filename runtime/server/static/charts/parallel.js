// Parallel coordinates: an axis for each parameter and one for the result, a line for each trial.
import { passesFilter } from "./axes.js";
import { dialog, h, number, short } from "../parts/dom.js";
import { color, extent, marks, scale, surface, ticks } from "./plot.js";
import { place, tip } from "./tip.js";

const TOP = 52;
const BOTTOM = 40;
const SIDE = 64;
const APART = 104; // pixels; an axis needs so much room
const SHADES = 12;

// `rows()` are trials with their values, `best` is maximize or minimize. Calls `onchoice` with the
// trials that pass the filters, null without filters, and `open` with a trial.
export function parallel({ height = 380, axes, rows, best, onchoice, open }) {
  const choices = new Map(); // from an axis' number
  let order = axes.map((_, i) => i);
  let drag = null;
  let held = null;
  let lines = [];
  let width0 = 0;
  let stale = true;
  const names = axes.map((a, n) => nameOf(a, n));
  const view = surface(
    height,
    "Parallel coordinates of values and results; the table below has the same data",
    draw,
  );
  view.canvas.tabIndex = -1; // the names of the axes are what the keyboard reaches
  view.box.classList.add("parallel");
  view.box.style.minWidth = `${APART * axes.length}px`;
  view.box.append(...names);
  const bubble = tip(view, height);
  const low = height - BOTTOM;
  const lane = height - 12;
  const x = (i) => SIDE + (order.length < 2 ? 0 : (i * (width0 - 2 * SIDE)) / (order.length - 1));

  function measure(list) {
    for (const a of axes) {
      const places = list.map(a.at);
      a.missing = places.includes(undefined);
      a.extent = a.options ? [-0.5, a.options.length - 0.5] : extent(places);
      a.steps = a.log && a.extent[0] > 0; // in powers of ten, where all can be

      a.scale = scale(a.extent, low, TOP, a.steps);
    }
    lines = list.map((row) => ({
      row,
      ys: axes.map((a) => {
        const v = a.at(row);
        return v === undefined ? lane : a.scale(v);
      }),
    }));
    const results = list.map(axes.at(-1).at);
    const sorted = results.filter((v) => v !== undefined).sort((a, b) => a - b);
    if (best === "minimize") sorted.reverse();
    const rank = new Map(sorted.map((v, i) => [v, Math.floor((SHADES * i) / sorted.length)]));
    lines.forEach((line, i) => {
      line.shade = rank.get(results[i]) ?? -1;
    });
  }
  const passes = (row) => [...choices].every(([a, choice]) => passesFilter(choice, axes[a].at(row)));

  function draw(c, width) {
    width0 = width;
    if (stale) {
      measure(rows());
      stale = false;
    }
    const chosen = lines.filter((line) => passes(line.row));
    if (choices.size)
      strokes(c, lines, color("--muted"), Math.max(0.03, Math.min(0.15, 60 / lines.length)));
    const alpha = Math.max(0.08, Math.min(0.85, 150 / chosen.length));
    strokes(
      c,
      chosen.filter((line) => line.shade < 0),
      color("--muted"),
      alpha / 2,
    );
    for (let n = 0; n < SHADES; n++)
      strokes(
        c,
        chosen.filter((line) => line.shade === n),
        shade(n / (SHADES - 1)),
        alpha,
      );
    const shown = held && chosen.find((line) => line.row.number === held);
    if (shown) strokes(c, [shown], color("--text"), 1, 2.5);
    order.forEach((a, i) => drawAxis(c, axes[a], x(i), a));
    order.forEach((a, i) => {
      names[a].style.left = `${x(i)}px`;
    });
    onchoice(choices.size ? chosen.map((line) => line.row) : null);
  }
  function strokes(c, some, ink, alpha, width = 1.3) {
    c.globalAlpha = alpha;
    c.strokeStyle = ink;
    c.lineWidth = width;
    for (const { ys } of some) {
      c.beginPath();
      order.forEach((a, i) => {
        if (i) c.lineTo(x(i), ys[a]);
        else c.moveTo(x(i), ys[a]);
      });
      c.stroke();
    }
    c.globalAlpha = 1;
  }
  function drawAxis(c, a, px, n) {
    c.strokeStyle = color("--text");
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(px, TOP);
    c.lineTo(px, low);
    c.stroke();
    c.font = "11px system-ui, sans-serif";
    c.textAlign = "left";
    c.textBaseline = "middle";
    for (const [text, y] of marksOf(a)) {
      const wide = c.measureText(text).width;
      c.fillStyle = color("--card");
      c.globalAlpha = 0.8;
      c.fillRect(px + 4, y - 7, wide + 4, 14);
      c.globalAlpha = 1;
      c.fillStyle = color("--muted");
      c.fillText(text, px + 6, y);
    }
    const choice = choices.get(n);
    if (choice) {
      c.fillStyle = color("--accent") + "55";
      for (const [from, to] of spans(a, choice)) c.fillRect(px - 8, from, 16, to - from);
    }
  }
  function marksOf(a) {
    const found = [];
    if (a.options) found.push(...a.options.map((o, n) => [short(o, 14), a.scale(n)]));
    else {
      const shown = ticks(a.extent, 6, a.steps);
      const write = marks(shown, a.steps);
      found.push(...shown.map((t) => [write(t), a.scale(t)]));
    }
    return a.missing ? [...found, ["none", lane]] : found;
  }
  function spans(a, choice) {
    const found = choice.options
      ? [...choice.options].map((n) => [a.scale(n + 0.45), a.scale(n - 0.45)])
      : choice.high >= choice.low
        ? [[Math.max(TOP, a.scale(choice.high)), Math.min(low, a.scale(choice.low))]]
        : [];
    return choice.missing ? [...found, [lane - 7, lane + 7]] : found;
  }

  // Sets the filter for a drag between two heights.
  function choose(n, from, to) {
    const a = axes[n];
    const missing = a.missing && to > low + 8;
    if (!a.options) {
      choices.set(n, {
        low: from > low ? Infinity : a.scale.back(Math.min(to, low)),
        high: a.scale.back(Math.max(from, TOP)),
        missing,
      });
      return;
    }
    const inside = a.options.map((_, i) => i).filter((i) => a.scale(i) >= from && a.scale(i) <= to);
    choices.set(n, { options: new Set(inside), missing });
  }
  const nearest = (px) =>
    order.reduce((found, _, i) => (Math.abs(x(i) - px) < Math.abs(x(found) - px) ? i : found), 0);
  function move(n, to) {
    const from = order.indexOf(n);
    if (to === from || to < 0 || to >= order.length) return;
    order.splice(from, 1);
    order.splice(to, 0, n);
    view.again();
  }
  function lineAt(px, py) {
    const i = Math.max(
      0,
      Math.min(
        order.length - 2,
        order.findIndex((_, k) => x(k + 1) >= px),
      ),
    );
    const share = (px - x(i)) / (x(i + 1) - x(i));
    if (!(share >= 0 && share <= 1)) return null;
    let found = null;
    let nearby = 6;
    for (const { row, ys } of lines) {
      const far = Math.abs(ys[order[i]] + (ys[order[i + 1]] - ys[order[i]]) * share - py);
      if (far < nearby && passes(row)) {
        nearby = far;
        found = row;
      }
    }
    return found;
  }
  view.canvas.addEventListener("pointerdown", (e) => {
    const [px, py] = place(view.canvas, e);
    drag = { n: order[nearest(px)], near: Math.abs(x(nearest(px)) - px) < 24, y: py };
    view.canvas.setPointerCapture(e.pointerId);
  });
  view.canvas.addEventListener("pointermove", (e) => {
    const [px, py] = place(view.canvas, e);
    if (drag) {
      if (Math.abs(py - drag.y) > 3) choose(drag.n, Math.min(drag.y, py), Math.max(drag.y, py));
      return view.again();
    }
    const row = lineAt(px, py);
    held = row && row.number;
    if (row) bubble.say(`trial ${row.number}: ${number(row.metric)}`, px, py);
    else bubble.hide();
    view.again();
  });
  view.canvas.addEventListener("pointerup", (e) => {
    const d = drag;
    const [px, py] = place(view.canvas, e);
    drag = null;
    if (!d || Math.abs(py - d.y) > 3) return;
    const row = lineAt(px, py);
    if (d.near) choices.delete(d.n);
    else if (row) open(row);
    view.again();
  });
  view.canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  view.canvas.addEventListener("pointerleave", () => {
    held = null;
    bubble.hide();
    view.again();
  });

  function nameOf(a, n) {
    let moved = null;
    const button = h(
      "button",
      {
        class: "axis",
        title: a.name,
        "aria-label": `Axis ${a.name}`,
        onclick: () => moved || ask(a, n),
      },
      h("b", {}, short(a.name, 18)),
      h("span", {}, a.log ? "log" : a.options ? "choice" : ""),
    );
    button.addEventListener("keydown", (e) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (way) {
        e.preventDefault();
        move(n, order.indexOf(n) + way);
      }
    });
    button.addEventListener("pointerdown", (e) => {
      moved = null;
      button.setPointerCapture(e.pointerId);
      button.dataset.held = "";
    });
    button.addEventListener("pointermove", (e) => {
      if (!("held" in button.dataset)) return;
      const to = nearest(place(view.canvas, e)[0]);
      if (to !== order.indexOf(n)) {
        moved = true;
        move(n, to);
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      button.addEventListener(end, () => {
        delete button.dataset.held;
      });
    return button;
  }

  // The filter as a dialog, for keyboards, touch screens and exact bounds.
  function ask(a, n) {
    const now = choices.get(n);
    const box = (title, checked) => h("input", { type: "checkbox", checked, "aria-label": title });
    const missing = a.missing ? box("trials without it", now ? now.missing : true) : null;
    const options = a.options?.map((o, i) => box(o, now ? now.options.has(i) : true));
    const bound = (title, v) =>
      h("input", {
        type: "number",
        step: "any",
        value: Number.isFinite(v) ? String(v) : "",
        "aria-label": title,
      });
    const [least, most] = a.options
      ? []
      : [bound("at least", now?.low), bound("at most", now?.high)];
    const take = () => {
      const chosen = { missing: missing?.checked ?? false };
      if (a.options)
        chosen.options = new Set(a.options.map((_, i) => i).filter((i) => options[i].checked));
      else {
        chosen.low = least.value === "" ? -Infinity : Number(least.value);
        chosen.high = most.value === "" ? Infinity : Number(most.value);
      }
      choices.set(n, chosen);
      done();
    };
    const done = () => {
      made.close();
      view.again();
    };
    const labels = a.options
      ? options.map((input, i) => h("label", {}, input, short(a.options[i], 80)))
      : [h("label", {}, "at least ", least), h("label", {}, "at most ", most)];
    const made = dialog(
      `Filter by ${a.name}`,
      null,
      h("h1", {}, a.name),
      h("p", { class: "muted" }, "Only matching trials are drawn in colour."),
      h("div", { class: "stack" }, labels, missing && h("label", {}, missing, "trials without it")),
      h(
        "div",
        { class: "row" },
        h("button", { class: "primary", onclick: take }, "Apply"),
        h(
          "button",
          {
            onclick: () => {
              choices.delete(n);
              done();
            },
          },
          "All",
        ),
        h("button", { onclick: () => move(n, order.indexOf(n) - 1) }, "Move left"),
        h("button", { onclick: () => move(n, order.indexOf(n) + 1) }, "Move right"),
        h("button", { onclick: done }, "Close"),
      ),
    );
  }
  const clear = () => {
    choices.clear();
    order = axes.map((_, i) => i);
    view.again();
  };
  const again = () => {
    stale = true;
    view.again();
  };
  return {
    box: h("div", { class: "scroll" }, view.box),
    again,
    clear: h("button", { onclick: clear }, "Reset axes"),
  };
}

// From worse to better: safe for colour-blind readers, with increasing contrast.
function shade(t) {
  const stops = ["--worse", "--middle", "--better"].map((name) =>
    color(name)
      .match(/\w\w/g)
      .map((x) => parseInt(x, 16)),
  );
  const at = Math.max(0, Math.min(0.9999, t)) * 2;
  const i = Math.floor(at);
  const f = at - i;
  return `rgb(${stops[i].map((v, k) => Math.round(v + (stops[i + 1][k] - v) * f)).join(",")})`;
}
