// What a trial printed: the end of it, growing while it runs, and all of it to keep.
import { download, h, put, toast } from "./dom.js";
import { ask, away, Refused, text } from "./server.js";
import { inTurn } from "./update.js";

const MOST = 1 << 19; // characters that are shown

// Without what colours a terminal; of a line that was written over, what stood there last.
export function plain(printed) {
  const bare = printed
    .replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g, "")
    .replaceAll("\r\n", "\n");
  return bare
    .split("\n")
    .map((line) => line.replace(/\r+$/, "").split("\r").at(-1))
    .join("\n");
}

export function logOf(model, number, first) {
  const pre = h("pre", { tabindex: "0", role: "group", "aria-label": "Log" }),
    before = h("p", { class: "muted small", hidden: true });
  let stream = first,
    next = 0,
    raw = "",
    decoder,
    turn = 0; // how often another stream was wanted, or the same from its start
  const buttons = ["stderr", "stdout"].map((name) =>
    h("button", { "aria-pressed": String(name === first), onclick: () => read(name) }, name),
  );
  function read(name) {
    stream = name;
    turn++;
    next = 0;
    raw = "";
    decoder = new TextDecoder();
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.textContent === name));
    return more();
  }
  const more = inTurn(async () => {
    const wanted = turn;
    try {
      const answer = await ask(model.id, `/trials/${number}/log/${stream}?after=${next}`);
      const bytes = new Uint8Array(await answer.arrayBuffer().catch(away));
      if (wanted === turn) take(Number(answer.headers.get("X-From")), bytes);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (wanted === turn) pre.textContent = error.message;
    }
  });
  function take(from, bytes) {
    if (from !== next) {
      raw = "";
      before.hidden = false;
      before.textContent = `${from} bytes before this are left out.`;
    }
    if (!next && !from) before.hidden = true;
    if (!bytes.length && (next || raw)) return;
    next = from + bytes.length;
    raw = (raw + decoder.decode(bytes, { stream: true })).slice(-MOST);
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
    pre.textContent = plain(raw) || `Nothing was written to ${stream}.`;
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }
  const keep = async () => {
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
      h("button", { onclick: keep }, "Download"),
    ),
    before,
    pre,
  );
  read(first);
  return { section, more };
}
