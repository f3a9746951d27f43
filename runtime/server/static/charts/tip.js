// What a drawing says of the thing under the pointer, or of the one that the keyboard has reached.
import { h } from "../parts/dom.js";

export function place(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// The {x, y} of `points` that is nearest to a place, and not further off than that many pixels.
export function nearest(points, [px, py], reach) {
  let best = null,
    least = reach;
  for (const p of points) {
    const far = Math.hypot(p.x - px, p.y - py);
    if (far < least) {
      least = far;
      best = p;
    }
  }
  return best;
}

// A bubble over the drawing for eyes, and the same words for screen readers.
export function tip(view, height) {
  const bubble = h("div", { class: "tip", hidden: true });
  const said = h("span", { class: "hide", role: "status", "aria-live": "polite" });
  view.box.append(bubble, said);
  return {
    say(text, x, y, aloud = false) {
      const left = x > view.box.clientWidth / 2;
      bubble.hidden = false;
      bubble.textContent = text;
      if (aloud) said.textContent = text;
      bubble.style.left = left ? "" : `${x + 14}px`;
      bubble.style.right = left ? `${view.box.clientWidth - x + 14}px` : "";
      bubble.style.top = `${Math.max(0, Math.min(height - 64, y - 20))}px`;
    },
    hide() {
      bubble.hidden = true;
    },
  };
}
