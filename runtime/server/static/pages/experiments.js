// The list of all experiments.
import { picker } from "./compare.js";
import { h, number, pill, put, redraw, short, time, words } from "../parts/dom.js";
import { get, Refused, visibilityChange } from "../parts/server.js";

const INTERVAL = 2000; // ms between updates

// Shows the list and keeps it up to date. Returns a function that stops.
export function follow(main, onConnection, onError) {
  let ended = false;
  let rows = [];
  const search = h("input", {
    type: "search",
    placeholder: "name, id, state or tuner",
    "aria-label": "Search experiments",
  });
  const picked = picker();
  const body = h("div");
  const box = h(
    "section",
    { class: "card", "aria-label": "Experiments", hidden: true },
    h("header", {}, h("h1", {}, "Experiments"), h("div", { class: "row" }, picked.box, search)),
    body,
  );
  const none = h("div", { hidden: true }, welcome());
  const fill = () => {
    box.hidden = !rows.length;
    none.hidden = rows.length > 0;
    const matching = rows.filter((r) => matches(r, search.value));
    redraw(body, matching, () =>
      matching.length
        ? table(matching, picked)
        : h("p", { class: "empty" }, "No experiment matches."),
    );
  };
  search.addEventListener("input", fill);
  async function loop() {
    while (!ended) {
      try {
        rows = await get("", "");
        if (ended) return;
        onConnection(true);
        if (!box.isConnected) put(main, box, none);
        fill();
      } catch (error) {
        if (ended) return;
        if (error instanceof Refused) return onError(error);
        onConnection(false, error);
      }
      await new Promise((go) => setTimeout(go, INTERVAL));
      if (document.hidden) await visibilityChange();
    }
  }
  loop();
  return () => {
    ended = true;
  };
}

function matches(row, typed) {
  const text = [row.name, row.id, row.state, row.state && words(row.state), row.tuner]
    .join(" ")
    .toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function welcome() {
  return h(
    "div",
    { class: "card empty" },
    h("h1", {}, "No experiment yet"),
    h("p", {}, "Start one:"),
    h("p", {}, h("code", {}, "annotate run train.py --max-trials 10")),
    h(
      "p",
      {},
      "To see which values to annotate, run ",
      h("code", {}, "annotate suggest train.py"),
      ".",
    ),
  );
}

function table(rows, picked) {
  const heads = [
    ["Name"],
    ["State"],
    ["Best", "number"],
    ["Trials", "number"],
    ["Tuner"],
    ["Started"],
  ];
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "All experiments" },
    h(
      "table",
      { class: "list" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { class: "tick" }, h("span", { class: "hide" }, "Compare")),
          heads.map(([title, kind]) => h("th", { scope: "col", class: kind }, title)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) => line(row, picked)),
      ),
    ),
  );
}

function line(r, picked) {
  if (r.error)
    return h(
      "tr",
      {},
      h("td"),
      h("td", { class: "mono" }, r.id),
      h("td", { colSpan: 5, class: "bad" }, r.error),
    );
  const total = Object.values(r.counts).reduce((a, b) => a + b, 0);
  return h(
    "tr",
    {},
    h("td", {}, picked.cell(r)),
    h(
      "td",
      {},
      h(
        "a",
        {
          class: "name",
          href: `/e/${r.id}`,
          "data-inside": "",
          "data-focus": r.id,
          title: short(r.name || r.id, 300),
        },
        short(r.name || r.id, 120),
      ),
      h("span", { class: "muted mono" }, r.id),
    ),
    h("td", { title: r.reason || "" }, pill(r.state)),
    h(
      "td",
      { class: "number" },
      r.best ? number(r.best.metric) : "–",
      r.best && r.metric_name ? h("div", { class: "muted label" }, r.metric_name) : null,
    ),
    h(
      "td",
      { class: "number" },
      String(total),
      r.max_trials ? h("span", { class: "muted" }, ` of ${r.max_trials}`) : "",
    ),
    h("td", {}, r.tuner),
    h("td", { class: "when" }, time(r.created)),
  );
}
