// Requests to the server. The token comes after the # of a link and stays in this browser.

const KEY = "annotate-token";
const BY_NUMBER = 200; // request the values of more trials by asking for all of them

// Stores the token from a link or from pasted text. False if there is none.
export function takeToken(from) {
  const match = from.match(/(?:#token=|^\s*)([\w-]{20,})\s*$/);
  if (match) localStorage.setItem(KEY, match[1]);
  return match !== null;
}

const headers = () => {
  const token = localStorage.getItem(KEY);
  return token ? { "X-Annotate-Token": token } : {};
};

// The server answered with an error.
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// The server cannot be reached.
export class Away extends Error {}

// Converts the browser's error for a lost connection.
export function away(error) {
  throw error instanceof TypeError ? new Away(error.message) : error;
}

async function answer(response) {
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    const { error, hint } = await response.json();
    text = [error, hint].filter(Boolean).join("\n") || text;
  } catch {
    /* not our JSON: show the status */
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

// All trials' values by number. Fetches only new and changed ones.
export async function valuesOf(model) {
  const { known, states } = (model.values ??= { known: {}, states: new Map() });
  const stale = [...model.trials.values()].filter((t) => states.get(t.number) !== t.state);
  if (stale.length) {
    const which = stale.length > BY_NUMBER ? "" : `?${numbered(stale.map((t) => t.number))}`;
    Object.assign(known, await get(model.id, `/values${which}`));
    for (const trial of stale) states.set(trial.number, trial.state);
  }
  return known;
}

// Calls `onUpdate` with every live update, and reconnects after a lost connection. Holds no
// connection while the page is hidden.
export function follow(id, onUpdate, onConnection) {
  let turn = "";
  let stop = new AbortController();
  let ended = false;
  async function listen() {
    const response = await ask(id, `/events?since=${turn}`, stop.signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const timer = setTimeout(() => reader.cancel(), 25000);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) throw new Away("the server has gone");
      onConnection(true);
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.map((l) => JSON.parse(l))) {
        if (line.turn === undefined) continue;
        turn = line.turn;
        onUpdate(line);
      }
    }
  }
  async function loop() {
    while (!ended) {
      if (document.hidden) await visibilityChange();
      if (ended) return;
      stop = new AbortController();
      try {
        await listen();
      } catch (error) {
        if (!ended && !document.hidden) onConnection(false, error);
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

// Resolves when the page's visibility changes.
export const visibilityChange = () =>
  new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
