// A trial's log: its end, which grows while the trial runs, and a download of all of it.
import { download, h, put, toast } from "./dom.js";
import { ask, away, Refused, text } from "./server.js";
import { inTurn } from "./update.js";
import { visible } from "./visible.js";

const SHOWN = 1 << 19; // characters

// Removes terminal colours, and text that carriage returns overwrote; shows other controls.
export function plain(printed) {
  const bare = printed
    .replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g, "")
    .replaceAll("\r\n", "\n");
  const lines = bare.split("\n").map((line) => line.replace(/\r+$/, "").split("\r").at(-1));
  return visible(lines.join("\n"));
}

export function logOf(model, number, first) {
  const pre = h("pre", { tabindex: "0", role: "group", "aria-label": "Log" });
  const before = h("p", { class: "muted small", hidden: true });
  let stream = first;
  let next = 0;
  let raw = "";
  let decoder;
  let streamChanges = 0; // answers from before the last change are dropped
  const buttons = ["stderr", "stdout"].map((name) =>
    h("button", { "aria-pressed": String(name === first), onclick: () => read(name) }, name),
  );
  function read(name) {
    stream = name;
    streamChanges++;
    next = 0;
    raw = "";
    decoder = new TextDecoder();
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.textContent === name));
    return more();
  }
  const more = inTurn(async () => {
    const change = streamChanges;
    try {
      const answer = await ask(model.id, `/trials/${number}/log/${stream}?after=${next}`);
      const bytes = new Uint8Array(await answer.arrayBuffer().catch(away));
      if (change === streamChanges) take(Number(answer.headers.get("X-From")), bytes);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (change === streamChanges) pre.textContent = error.message;
    }
  });
  function take(from, bytes) {
    if (from !== next) {
      raw = "";
      before.hidden = false;
      before.textContent = `The first ${from} bytes are not shown.`;
    }
    if (!next && !from) before.hidden = true;
    if (!bytes.length && (next || raw)) return;
    next = from + bytes.length;
    raw = (raw + decoder.decode(bytes, { stream: true })).slice(-SHOWN);
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
    pre.textContent = plain(raw) || `Nothing written to ${stream}.`;
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }
  const save = async () => {
    try {
      download(
        `${model.id}-${number}.${stream}`,
        await text(model.id, `/trials/${number}/log/${stream}/whole`),
      );
    } catch (error) {
      toast(error.message);
    }
  };
  const section = put(
    h("section"),
    h(
      "div",
      { class: "row" },
      h("h2", {}, "Log"),
      h("div", { class: "switches", role: "group", "aria-label": "Stream" }, buttons),
      h("button", { onclick: save }, "Download"),
    ),
    before,
    pre,
  );
  read(first);
  return { section, more };
}
