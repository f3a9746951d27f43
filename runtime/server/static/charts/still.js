// The part of a drawing that does not depend on the pointer: drawn once, then copied.
import { color } from "./plot.js";

export function still(height, draw) {
  let image = null;
  let drawn = "";
  return {
    put(context, width) {
      const ratio = devicePixelRatio || 1;
      const now = `${width} ${ratio} ${color("--card")}`;
      if (!image || drawn !== now) {
        drawn = now;
        image = new OffscreenCanvas(width * ratio, height * ratio);
        const own = image.getContext("2d");
        own.scale(ratio, ratio);
        own.font = context.font;
        draw(own, width);
      }
      context.drawImage(image, 0, 0, width, height);
    },
    forget() {
      image = null;
    },
  };
}
