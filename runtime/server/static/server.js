// Talking to the server. The token came behind the # of a link and stays in this browser.

const KEY = "annotate-token";

export function takeToken() {
  const found = location.hash.match(/^#token=([\w-]+)$/);
  if (!found) return;
  localStorage.setItem(KEY, found[1]);
  history.replaceState(null, "", location.pathname + location.search);
}

const headers = () => {
  const token = localStorage.getItem(KEY);
  return token ? { "X-Annotate-Token": token } : {};
};

export const mayChange = () => localStorage.getItem(KEY) !== null;

async function answer(response) {
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    const said = await response.json();
    text = [said.error, said.hint].filter(Boolean).join("\n") || text;
  } catch { /* not ours: the status says enough */ }
  if (response.status === 401) text = "Open the link that `annotate webui url` prints: it holds the secret that this needs.";
  throw new Error(text);
}

const path = (id, rest = "") => `/api/v1/experiments${id ? "/" + encodeURIComponent(id) : ""}${rest}`;

export const get = async (id, rest, signal) => (await answer(await fetch(path(id, rest), { headers: headers(), signal }))).json();
export const text = async (id, rest) => (await answer(await fetch(path(id, rest), { headers: headers() }))).text();

export async function change(id, kind, document) {
  const response = await fetch(path(id, `/requests/${kind}`), {
    method: "POST", body: JSON.stringify(document), headers: { ...headers(), "Content-Type": "application/json" },
  });
  return (await (await answer(response)).json()).message;
}

// Calls `heard` with every line that says what has changed, and comes back by itself when the
// server was away. Nothing is held open while the page cannot be seen.
export function follow(id, heard, reachable) {
  let turn = "", stop = new AbortController(), ended = false;
  async function listen() {
    const response = await answer(await fetch(path(id, `/events?since=${turn}`), { headers: headers(), signal: stop.signal }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const timer = setTimeout(() => reader.cancel(), 25000);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) throw new Error("the server has gone");
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
      if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
      if (ended) return;
      stop = new AbortController();
      try { await listen(); } catch { if (!ended && !document.hidden) reachable(false); }
      if (!ended) await new Promise((go) => setTimeout(go, 700));
    }
  }
  const hide = () => document.hidden && stop.abort();
  document.addEventListener("visibilitychange", hide);
  loop();
  return () => { ended = true; stop.abort(); document.removeEventListener("visibilitychange", hide); };
}
