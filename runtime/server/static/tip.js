// What a drawing says of the thing under the pointer, or of the one that the keyboard has reached.
import { h } from "./dom.js";

export const place = (canvas, event) => { const r = canvas.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };

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
    hide() { bubble.hidden = true; },
  };
}
