// The tip of a drawing, for the thing under the pointer or selected by keyboard.
import { h } from "../parts/dom.js";
import { visible } from "../parts/visible.js";

export function place(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// The {x, y} of `points` nearest to a position, within `reach` pixels.
export function nearest(points, [px, py], reach) {
  let best = null;
  let least = reach;
  for (const p of points) {
    const far = Math.hypot(p.x - px, p.y - py);
    if (far < least) {
      least = far;
      best = p;
    }
  }
  return best;
}

// A bubble over the drawing, and the same text for screen readers.
export function tip(view, height) {
  const bubble = h("div", { class: "tip", hidden: true });
  const spoken = h("span", { class: "hide", role: "status", "aria-live": "polite" });
  view.box.append(bubble, spoken);
  return {
    say(text, x, y, aloud = false) {
      const left = x > view.box.clientWidth / 2;
      bubble.hidden = false;
      bubble.textContent = visible(text);
      if (aloud) spoken.textContent = visible(text);
      bubble.style.left = left ? "" : `${x + 14}px`;
      bubble.style.right = left ? `${view.box.clientWidth - x + 14}px` : "";
      bubble.style.top = `${Math.max(0, Math.min(height - 64, y - 20))}px`;
    },
    hide() {
      bubble.hidden = true;
    },
  };
}
