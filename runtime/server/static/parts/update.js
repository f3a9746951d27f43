// Bringing what is shown up to date: one after the other, so that what is older never comes last.
import { toast } from "./dom.js";
import { Away, Refused } from "./server.js";

// Why something could not be read. That the server is away is said over the page.
export function sayWhy(error) {
  if (error instanceof Refused) toast(error.message);
  else if (!(error instanceof Away)) throw error;
}

// A function that does `work` at once, or where it is at it already, once more when it is done and
// has rested for so many milliseconds.
export function inTurn(work, rest = 0) {
  let busy = false,
    due = false;
  return async function update() {
    due = busy;
    if (busy) return;
    busy = true;
    try {
      await work();
    } catch (error) {
      sayWhy(error);
    } finally {
      setTimeout(() => {
        busy = false;
        if (due) update();
      }, rest);
    }
  };
}
