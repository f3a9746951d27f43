// The shell: which page of which experiment, its head, and what the pages share.
import { changeButton } from "./change.js";
import * as compare from "./compare.js";
import { duration, h, number, pill, time, toast } from "./dom.js";
import * as importance from "./importance.js";
import * as overview from "./overview.js";
import * as source from "./source.js";
import * as timeline from "./timeline.js";
import * as trials from "./trials.js";
import { change, follow, get, mayChange, takeToken } from "./server.js";

const PAGES = { "": ["Overview", overview], trials: ["Trials", trials], source: ["Source", source], importance: ["Importance", importance], timeline: ["Timeline", timeline] };
const FIELDS = ["number", "id", "state", "origin", "metric", "reports", "last", "created", "started", "ended", "reason"];
let unfollow = null;

takeToken();
addEventListener("hashchange", takeToken);
addEventListener("popstate", open);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-inside]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  open();
});

const reachable = (yes) => { document.getElementById("offline").hidden = yes; };
const inside = (href, ...rest) => h("a", { href, "data-inside": "" }, ...rest);
const brand = () => h("a", { href: "/", class: "brand", "data-inside": "" }, h("img", { src: "/static/icon.svg", alt: "" }), "Annotate");

async function open() {
  unfollow?.(); unfollow = null;
  const [, id, page = ""] = location.pathname.match(/^\/e\/([A-Za-z0-9]+)\/?(\w*)$/) || [];
  const [, several] = location.pathname.match(/^\/compare\/([A-Za-z0-9+]+)$/) || [];
  const main = document.getElementById("main");
  try {
    if (several) await comparison([...new Set(several.split("+"))], main); else if (id) await experiment(id, page in PAGES ? page : "", main); else await list(main);
  } catch (error) { main.replaceChildren(h("p", { class: "bad", role: "alert" }, error.message), h("p", {}, inside("/", "All experiments"))); }
}

async function comparison(ids, main) {
  document.title = "Comparison – Annotate";
  document.getElementById("top").replaceChildren(h("div", { class: "bar" }, brand(), h("span", { class: "muted", "aria-hidden": "true" }, "/"), h("h1", { class: "grow" }, `${ids.length} experiments`), inside("/", "All experiments")));
  unfollow = await compare.follow(main, ids, reachable);
}

async function list(main) {
  document.title = "Experiments – Annotate";
  document.getElementById("top").replaceChildren(h("div", { class: "bar" }, brand(), h("div", { class: "grow" }), h("p", { class: "muted" }, "Everything stays on this machine.")));
  let ended = false;
  const picked = compare.picker();
  unfollow = () => { ended = true; };
  while (!ended) {
    try { const rows = await get("", ""); reachable(true); if (ended) return; const focus = document.activeElement?.dataset?.focus; main.replaceChildren(table(rows, picked)); if (focus) main.querySelector(`[data-focus="${focus}"]`)?.focus({ preventScroll: true }); }
    catch (error) { if (error instanceof TypeError) reachable(false); else throw error; }
    await new Promise((go) => setTimeout(go, 2000));
    if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
  }
}

function table(rows, picked) {
  if (!rows.length) return h("div", { class: "card empty" }, h("h1", {}, "No experiment yet"), h("p", {}, "Start one, and it appears here:"), h("p", {}, h("code", {}, "annotate run train.py --max-trials 10 --port 8080")));
  return h("section", { class: "card" }, h("header", {}, h("h1", {}, "Experiments"), picked.box), h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "hide" }, "Compare")), ["Name", "State", "Best", "Trials", "Tuner", "Began"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, rows.map((r) => r.error ? h("tr", {}, h("td"), h("td", {}, r.id), h("td", { colSpan: 5, class: "bad" }, r.error)) : h("tr", {},
      h("td", {}, picked.cell(r)), h("td", {}, inside(`/e/${r.id}`, r.name || r.id), " ", h("span", { class: "muted mono" }, r.id)), h("td", {}, pill(r.state)),
      h("td", { class: "mono" }, r.best ? number(r.best.metric) : "–"), h("td", {}, total(r.counts) + (r.max_trials ? ` of ${r.max_trials}` : "")),
      h("td", {}, r.tuner), h("td", {}, time(r.created))))))));
}
const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

async function experiment(id, name, main) {
  const model = { id, head: await get(id, ""), trials: new Map(), changed: () => {} };
  const clock = h("span", { class: "muted" });
  const status = h("span"), actions = h("div", { class: "row" });
  const shown = { state: "" };
  function top() {
    const e = model.head, end = e.ended || Date.now() / 1000;
    clock.textContent = duration(end - e.created);
    if (shown.state === e.state) return;
    shown.state = e.state;
    status.replaceChildren(pill(e.state));
    actions.replaceChildren(changeButton(model), ...(e.state === "RUNNING" && mayChange() ? controls(model) : []));
  }
  document.title = `${model.head.name || id} – Annotate`;
  const bar = h("div", { class: "bar" }, brand(), h("span", { class: "muted", "aria-hidden": "true" }, "/"), h("div", { class: "grow" }, h("h1", {}, model.head.name || id)), h("span", { class: "mono muted" }, id), status, clock, actions);
  const tabs = h("nav", { class: "tabs", "aria-label": "Pages" }, Object.entries(PAGES).map(([p, [title]]) => h("a", { href: `/e/${id}${p ? "/" + p : ""}`, "data-inside": "", "aria-current": p === name ? "page" : null }, title)));
  document.getElementById("top").replaceChildren(bar, tabs);
  top();
  main.replaceChildren();
  const update = await PAGES[name][1].show(main, model);
  const stop = follow(id, (line) => {
    if (line.whole) model.trials.clear();
    const changed = line.trials.map((row) => Object.fromEntries(FIELDS.map((f, i) => [f, row[i]])));
    for (const trial of changed) model.trials.set(trial.number, trial);
    Object.assign(model.head, line.experiment);
    top(); update?.(changed, line.whole);
  }, reachable);
  const tick = setInterval(() => { if (!document.hidden && !model.head.ended) top(); }, 1000);
  unfollow = () => { stop(); clearInterval(tick); };
}

function controls(model) {
  const send = async (kind, document) => { try { toast(await change(model.id, kind, document)); } catch (error) { toast(error.message); } };
  return [h("button", { class: "danger", onclick: () => confirm("End the running trials and stop? It can be resumed.") && send("stop", {}) }, "Stop")];
}

open();
