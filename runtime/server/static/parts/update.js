// Runs updates one at a time, so that an old one never replaces a newer one.
import { toast } from "./dom.js";
import { Away, Refused } from "./server.js";

// Shows why a request failed. The banner already tells if the server is away.
export function showFailure(error) {
  if (error instanceof Refused) toast(error.message);
  else if (!(error instanceof Away)) throw error;
}

// Returns a function that runs `work` now or, if it is already running, once more afterwards.
// `rest` is the pause between two runs in milliseconds.
export function inTurn(work, rest = 0) {
  let busy = false;
  let due = false;
  return async function update() {
    due = busy;
    if (busy) return;
    busy = true;
    try {
      await work();
    } catch (error) {
      showFailure(error);
    } finally {
      setTimeout(() => {
        busy = false;
        if (due) update();
      }, rest);
    }
  };
}
