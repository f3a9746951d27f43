// The shell: chooses the page for the URL, and draws the head of every page.
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
import { visible } from "./parts/visible.js";

const PAGES = {
  "": ["Overview", overview],
  trials: ["Trials", trials],
  source: ["Source", source],
  importance: ["Importance", importance],
  timeline: ["Timeline", timeline],
};
const main = document.getElementById("main");
const head = document.getElementById("top");
let closePage = null; // stops the current page's timers and streams
let navigation = 0; // increases with every openPage(); a slow page compares it and gives up
let currentUrl = "";
let secretSubmitted = false; // the server has not answered yet

const urlPath = () => location.pathname + location.search;

function takeTokenFromUrl() {
  if (!/^#token=/.test(location.hash)) return false;
  takeToken(location.hash);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

takeTokenFromUrl();
addEventListener("hashchange", () => takeTokenFromUrl() && openPage());
addEventListener("popstate", () => urlPath() === currentUrl || openPage()); // ignore #anchors
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-inside]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  openPage(() => {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  });
});

function showConnection(online, error) {
  const banner = document.getElementById("offline");
  banner.hidden = online;
  if (!online && error instanceof Refused) banner.textContent = error.message;
  else if (!online)
    banner.textContent =
      "Cannot reach the server. This page may be out of date; it reconnects automatically.";
}

const inside = (href, ...rest) => h("a", { href, "data-inside": "" }, ...rest);
const brand = () =>
  h(
    "a",
    { href: "/", class: "brand", "data-inside": "" },
    h("img", { src: "/static/icon.svg", alt: "" }),
    "Annotate",
  );

// Tells screen readers whether the page is still loading.
const setBusy = (busy) => main.setAttribute("aria-busy", String(busy));

// Shows the page for the current URL. Calls `onShown` once it replaces the old page, before its data
// arrives, so that focus does not move later.
async function openPage(onShown = () => {}) {
  setBusy(true);
  currentUrl = urlPath();
  const thisNavigation = ++navigation;
  closePage?.();
  closePage = null;
  document.querySelectorAll("dialog").forEach((d) => d.close());
  const [, id, page = ""] = location.pathname.match(/^\/e\/([A-Za-z0-9]+)\/?(\w*)$/) || [];
  const [, compared] = location.pathname.match(/^\/compare\/([A-Za-z0-9+]+)$/) || [];
  try {
    if (id) await showExperiment(id, page in PAGES ? page : "", thisNavigation, onShown);
    else {
      if (compared) showComparison([...new Set(compared.split("+"))]);
      else showList();
      onShown();
    }
  } catch (error) {
    if (thisNavigation === navigation) showError(error);
  }
}

function showError(error) {
  closePage?.();
  closePage = null;
  setBusy(false);
  if (error instanceof Refused && error.status === 401) return askForSecret();
  document.title = "Annotate";
  put(head, h("div", { class: "bar" }, brand()));
  const text =
    error instanceof Refused ? error.message : `This page failed: ${error.message}`;
  put(
    main,
    h(
      "div",
      { class: "card empty" },
      h("h1", {}, "Cannot show this page"),
      h("p", { role: "alert" }, text),
      h(
        "p",
        {},
        inside("/", "All experiments"),
        " · ",
        h("button", { onclick: () => openPage(() => main.focus()) }, "Try again"),
      ),
    ),
  );
}

// For users without the link, or with another server's. Keeps what they have typed.
function askForSecret() {
  document.title = "Annotate";
  put(head, h("div", { class: "bar" }, brand()));
  if (secretSubmitted) toast("The server rejected this secret.");
  secretSubmitted = false;
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
    secretSubmitted = takeToken(input.value);
    if (secretSubmitted) openPage();
    else toast("This is neither a link to this server nor a secret.");
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
        "You need it to read these pages. ",
        h("code", {}, "annotate webui url"),
        " prints the link; you can also paste it here.",
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

function showList() {
  document.title = "Experiments – Annotate";
  put(
    head,
    h(
      "div",
      { class: "bar" },
      brand(),
      h("span", { class: "grow" }),
      h("span", { class: "muted small" }, "Nothing leaves this machine."),
    ),
  );
  closePage = experiments.follow(main, onConnection, showError);
}

function showComparison(ids) {
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
  closePage = compare.follow(main, ids, onConnection, showError);
}

function onConnection(online, error) {
  showConnection(online, error);
  if (online) setBusy(false);
}

async function showExperiment(id, name, thisNavigation, onShown) {
  const model = {
    id,
    head: await get(id, ""),
    trials: new Map(),
    listeners: new Set(),
    onTick: null,
    loaded: false, // whether the trials have arrived
  };
  if (thisNavigation !== navigation) return;
  document.title = `${visible(model.head.name || id)} – Annotate`;
  const updateHeading = showHeading(model, name);
  put(main);
  const loading = PAGES[name][1].show(main, model);
  onShown();
  const update = await loading;
  if (thisNavigation !== navigation) return;
  const stop = follow(
    id,
    (line) => {
      model.loaded = true;
      if (line.whole) model.trials.clear();
      const changed = line.trials.map((row) =>
        Object.fromEntries(line.columns.map((name, i) => [name, row[i]])),
      );
      for (const trial of changed) model.trials.set(trial.number, trial);
      Object.assign(model.head, line.experiment);
      updateHeading();
      const updated = Promise.resolve(update?.(changed, line.whole));
      updated.then(() => thisNavigation === navigation && setBusy(false));
      for (const listener of model.listeners) listener(changed);
    },
    showConnection,
  );
  const timer = setInterval(() => {
    if (!document.hidden && !model.head.ended) {
      updateHeading();
      model.onTick?.();
    }
  }, 1000);
  closePage = () => {
    stop();
    clearInterval(timer);
  };
  const trial = new URLSearchParams(location.search).get("trial");
  if (trial) showTrial(model, trial);
}

// Draws the head of an experiment's pages and returns a function that updates it.
function showHeading(model, name) {
  const clock = h("span", { class: "muted clock" });
  const status = h("span");
  const actions = h("div", { class: "row" });
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
  let shownState = "";
  function update() {
    const e = model.head;
    clock.textContent = duration((e.ended || Date.now() / 1000) - e.created - e.paused);
    if (shownState === e.state) return;
    shownState = e.state;
    put(status, pill(e.state));
    redraw(actions, shownState, () => [changeButton(model), e.state === "RUNNING" && controls(model)]);
  }
  update();
  return update;
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
          confirm("Stop the experiment and its running trials? You can resume it later.") && send("stop", {}),
      },
      "Stop",
    ),
  ];
}

openPage();
