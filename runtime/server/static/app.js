// The shell: which page of which experiment, its head, and what the pages share.
import { changeButton } from "./parts/change.js";
import * as compare from "./pages/compare.js";
import { duration, h, pill, put, redraw, short, toast } from "./parts/dom.js";
import * as experiments from "./pages/experiments.js";
import * as importance from "./pages/importance.js";
import * as overview from "./pages/overview.js";
import * as source from "./pages/source.js";
import * as timeline from "./pages/timeline.js";
import * as trials from "./pages/trials.js";
import { showTrial } from "./parts/trial.js";
import { change, follow, get, Refused, takeToken } from "./parts/server.js";

const PAGES = {
  "": ["Overview", overview],
  trials: ["Trials", trials],
  source: ["Source", source],
  importance: ["Importance", importance],
  timeline: ["Timeline", timeline],
};
const main = document.getElementById("main"),
  head = document.getElementById("top");
let leave = null,
  opened = 0,
  address = "",
  tried = false; // a secret that was typed in, of which nothing is known yet

const here = () => location.pathname + location.search;

function takeLink() {
  if (!/^#token=/.test(location.hash)) return false;
  takeToken(location.hash);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

takeLink();
addEventListener("hashchange", () => takeLink() && open());
addEventListener("popstate", () => here() === address || open()); // else a jump within the page
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-inside]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  open(() => {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  });
});

function reachable(yes, error) {
  const box = document.getElementById("offline");
  box.hidden = yes;
  if (!yes && error instanceof Refused) box.textContent = error.message;
  else if (!yes)
    box.textContent =
      "The server cannot be reached. What you see may be old; this page comes back by itself.";
}

const inside = (href, ...rest) => h("a", { href, "data-inside": "" }, ...rest);
const brand = () =>
  h(
    "a",
    { href: "/", class: "brand", "data-inside": "" },
    h("img", { src: "/static/icon.svg", alt: "" }),
    "Annotate",
  );

// While a page has not all that it shows at first, it says so to screen readers.
const busy = (yes) => main.setAttribute("aria-busy", String(yes));

// `arrived` is called as soon as the new page stands in the place of the old one: whoever goes on
// by keyboard while it fills is not called back.
async function open(arrived = () => {}) {
  busy(true);
  address = here();
  const turn = ++opened;
  leave?.();
  leave = null;
  document.querySelectorAll("dialog").forEach((d) => d.close());
  const [, id, page = ""] = location.pathname.match(/^\/e\/([A-Za-z0-9]+)\/?(\w*)$/) || [];
  const [, several] = location.pathname.match(/^\/compare\/([A-Za-z0-9+]+)$/) || [];
  try {
    if (id) await experiment(id, page in PAGES ? page : "", turn, arrived);
    else {
      if (several) comparison([...new Set(several.split("+"))]);
      else list();
      arrived();
    }
  } catch (error) {
    if (turn === opened) failed(error);
  }
}

function failed(error) {
  leave?.();
  leave = null;
  busy(false);
  if (error instanceof Refused && error.status === 401) return locked();
  document.title = "Annotate";
  put(head, h("div", { class: "bar" }, brand()));
  const text =
    error instanceof Refused ? error.message : `This page could not be shown: ${error.message}`;
  put(
    main,
    h(
      "div",
      { class: "card empty" },
      h("h1", {}, "Nothing to see here"),
      h("p", { role: "alert" }, text),
      h(
        "p",
        {},
        inside("/", "All experiments"),
        " · ",
        h("button", { onclick: () => open(() => main.focus()) }, "Try again"),
      ),
    ),
  );
}

// Somebody who came without the link, or with that of another server. What is typed stays.
function locked() {
  document.title = "Annotate";
  put(head, h("div", { class: "bar" }, brand()));
  if (tried) toast("The server has another secret than this one.");
  tried = false;
  if (document.getElementById("secret")) return;
  const input = h("input", {
    id: "secret",
    type: "password",
    "aria-label": "Link or secret",
    autocomplete: "off",
    spellcheck: false,
  });
  const enter = (event) => {
    event.preventDefault();
    tried = takeToken(input.value);
    if (tried) open();
    else toast("That is no link of ours, and no secret.");
  };
  put(
    main,
    h(
      "div",
      { class: "card empty" },
      h("h1", {}, "Open the link with the secret"),
      h(
        "p",
        {},
        "Whoever reads here has to have it: ",
        h("code", {}, "annotate webui url"),
        " prints the link. It can be pasted here, too.",
      ),
      h(
        "form",
        { class: "row", onsubmit: enter },
        input,
        h("button", { class: "primary" }, "Open"),
      ),
    ),
  );
}

function list() {
  document.title = "Experiments – Annotate";
  put(
    head,
    h(
      "div",
      { class: "bar" },
      brand(),
      h("span", { class: "grow" }),
      h("span", { class: "muted small" }, "Everything stays on this machine."),
    ),
  );
  leave = experiments.follow(main, shown, failed);
}

function comparison(ids) {
  document.title = "Comparison – Annotate";
  put(
    head,
    h(
      "div",
      { class: "bar" },
      brand(),
      h("span", { class: "muted", "aria-hidden": "true" }, "/"),
      h("h1", { class: "grow" }, `${ids.length} experiments`),
      inside("/", "All experiments"),
    ),
  );
  leave = compare.follow(main, ids, shown, failed);
}

function shown(yes, error) {
  reachable(yes, error);
  if (yes) busy(false);
}

async function experiment(id, name, turn, arrived) {
  const model = {
    id,
    head: await get(id, ""),
    trials: new Map(),
    listeners: new Set(),
    ticked: null,
    heard: false, // the trials, at least once
  };
  if (turn !== opened) return;
  document.title = `${model.head.name || id} – Annotate`;
  const top = heading(model, name);
  put(main);
  const showing = PAGES[name][1].show(main, model);
  arrived();
  const update = await showing;
  if (turn !== opened) return;
  const stop = follow(
    id,
    (line) => {
      model.heard = true;
      if (line.whole) model.trials.clear();
      const changed = line.trials.map((row) =>
        Object.fromEntries(line.columns.map((name, i) => [name, row[i]])),
      );
      for (const trial of changed) model.trials.set(trial.number, trial);
      Object.assign(model.head, line.experiment);
      top();
      Promise.resolve(update?.(changed, line.whole)).then(() => turn === opened && busy(false));
      for (const listener of model.listeners) listener(changed);
    },
    reachable,
  );
  const tick = setInterval(() => {
    if (!document.hidden && !model.head.ended) {
      top();
      model.ticked?.();
    }
  }, 1000);
  leave = () => {
    stop();
    clearInterval(tick);
  };
  const asked = new URLSearchParams(location.search).get("trial");
  if (asked) showTrial(model, asked);
}

// The head of an experiment's pages; returns what brings it up to date.
function heading(model, name) {
  const clock = h("span", { class: "muted clock" }),
    status = h("span"),
    actions = h("div", { class: "row" });
  const title = model.head.name || model.id;
  put(
    head,
    h(
      "div",
      { class: "bar" },
      brand(),
      h("span", { class: "muted", "aria-hidden": "true" }, "/"),
      h("div", { class: "grow" }, h("h1", { title: short(title, 500) }, title)),
      h("span", { class: "mono muted" }, model.id),
      status,
      clock,
      actions,
    ),
    h(
      "nav",
      { class: "tabs", "aria-label": "Pages" },
      Object.entries(PAGES).map(([p, [text]]) =>
        h(
          "a",
          {
            href: `/e/${model.id}${p ? "/" + p : ""}`,
            "data-inside": "",
            "aria-current": p === name ? "page" : null,
          },
          text,
        ),
      ),
    ),
  );
  let shown = "";
  function top() {
    const e = model.head;
    clock.textContent = duration((e.ended || Date.now() / 1000) - e.created);
    if (shown === e.state) return;
    shown = e.state;
    put(status, pill(e.state));
    redraw(actions, shown, () => [changeButton(model), e.state === "RUNNING" && controls(model)]);
  }
  top();
  return top;
}

function controls(model) {
  const send = async (kind, document) => {
    try {
      toast(await change(model.id, kind, document));
    } catch (error) {
      toast(error.message);
    }
  };
  return [
    h(
      "button",
      {
        class: "danger",
        onclick: () =>
          confirm("End the running trials and stop? It can be resumed.") && send("stop", {}),
      },
      "Stop",
    ),
  ];
}

open();
