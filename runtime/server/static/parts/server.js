// Talking to the server. The token came behind the # of a link and stays in this browser.

const KEY = "annotate-token";
const AT_ONCE = 200; // trials whose values are asked for one by one

// Keep the token that is in a link, or in a text that a person pastes; false where none is.
export function takeToken(from) {
  const found = from.match(/(?:#token=|^\s*)([\w-]{20,})\s*$/);
  if (found) localStorage.setItem(KEY, found[1]);
  return found !== null;
}

const headers = () => {
  const token = localStorage.getItem(KEY);
  return token ? { "X-Annotate-Token": token } : {};
};

// The server has answered, and says why it doesn't do what was asked.
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// The server cannot be reached.
export class Away extends Error {}

// What a browser throws where nothing is heard, or no more in the middle of an answer.
export function away(error) {
  throw error instanceof TypeError ? new Away(error.message) : error;
}

async function answer(response) {
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    const said = await response.json();
    text = [said.error, said.hint].filter(Boolean).join("\n") || text;
  } catch {
    /* not ours: the status says enough */
  }
  throw new Refused(response.status, text);
}

const path = (id, rest = "") =>
  `/api/v1/experiments${id ? "/" + encodeURIComponent(id) : ""}${rest}`;

export const ask = async (id, rest, signal) =>
  answer(await fetch(path(id, rest), { headers: headers(), signal }).catch(away));
export const get = async (id, rest, signal) => (await ask(id, rest, signal)).json().catch(away);
export const text = async (id, rest) => (await ask(id, rest)).text().catch(away);

export async function change(id, kind, document) {
  const response = await fetch(path(id, `/requests/${kind}`), {
    method: "POST",
    body: JSON.stringify(document),
    headers: { ...headers(), "Content-Type": "application/json" },
  }).catch(away);
  return (await (await answer(response)).json()).message;
}

export const numbered = (trials) => trials.map((n) => `trial=${n}`).join("&");

// The values of all trials by number; only those that are new or have changed are asked for.
export async function valuesOf(model) {
  const { known, states } = (model.values ??= { known: {}, states: new Map() });
  const stale = [...model.trials.values()].filter((t) => states.get(t.number) !== t.state);
  if (stale.length) {
    const which = stale.length > AT_ONCE ? "" : `?${numbered(stale.map((t) => t.number))}`;
    Object.assign(known, await get(model.id, `/values${which}`));
    for (const trial of stale) states.set(trial.number, trial.state);
  }
  return known;
}

// Calls `heard` with every line that says what has changed, and comes back by itself when the
// server was away. Nothing is held open while the page cannot be seen.
export function follow(id, heard, reachable) {
  let turn = "",
    stop = new AbortController(),
    ended = false;
  async function listen() {
    const response = await ask(id, `/events?since=${turn}`, stop.signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const timer = setTimeout(() => reader.cancel(), 25000);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) throw new Away("the server has gone");
      reachable(true);
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.map((l) => JSON.parse(l))) {
        if (line.turn === undefined) continue;
        turn = line.turn;
        heard(line);
      }
    }
  }
  async function loop() {
    while (!ended) {
      if (document.hidden) await seen();
      if (ended) return;
      stop = new AbortController();
      try {
        await listen();
      } catch (error) {
        if (!ended && !document.hidden) reachable(false, error);
      }
      if (!ended) await new Promise((go) => setTimeout(go, 700));
    }
  }
  const hide = () => document.hidden && stop.abort();
  document.addEventListener("visibilitychange", hide);
  loop();
  return () => {
    ended = true;
    stop.abort();
    document.removeEventListener("visibilitychange", hide);
  };
}

// Resolves when the page can be seen again.
export const seen = () =>
  new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
