// The table of trials. The server searches, sorts and pages it.
import {
  alike,
  card,
  duration,
  h,
  keepFocus,
  menu,
  pill,
  put,
  ranFor,
  redraw,
  time,
  toast,
  valueCell,
  words,
} from "./dom.js";
import { compareTrials } from "./compared.js";
import { custom } from "./custom.js";
import { get } from "./server.js";
import { showTrial } from "./trial.js";
import { showFailure } from "./update.js";

const PAGE = 25;
const SHOWN_PARAMETERS = 8; // the others are hidden at first
const STATES = [
  "WAITING",
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
  "EARLY_STOPPED",
  "USER_CANCELED",
  "SYS_CANCELED",
  "INTERRUPTED",
];

// How to render a column of each kind. The server lists the columns, see runtime/store/columns.py.
const CELLS = {
  number: (v) => h("td", { class: "number" }, String(v)),
  code: (v) => h("td", { class: "mono" }, v),
  state: (_, trial) => stateCell(trial),
  result: (v, _, write) => h("td", { class: "number" }, write(v)),
  duration: (_, trial) => h("td", { class: "number" }, duration(ranFor(trial))),
  words: (v) => h("td", {}, words(v)),
  text: (v) => h("td", {}, v ?? ""),
  time: (v) => h("td", { class: "when" }, time(v)),
};
const RIGHT = ["number", "result", "duration"]; // kinds that are aligned to the right

const columnOf = ({ key, title, kind, hidden }) => ({
  key,
  title,
  hidden,
  right: RIGHT.includes(kind),
  cell: (trial, write) => CELLS[kind](trial[key], trial, write),
});

// What the search calls the metric: its own name, unless that is no word or a parameter's.
function searchName({ metric_name: name, space }) {
  const isWord = /^[^\s<>=!~]{1,20}$/.test(name || "");
  return isWord && !space.some((p) => p.name === name) ? name : "metric";
}

function stateCell(t) {
  const why = t.state !== "SUCCEEDED" && t.reason;
  return h(
    "td",
    { title: t.reason || "" },
    pill(t.state),
    why ? h("div", { class: "label clip" }, t.reason) : null,
  );
}

// Calls `onSelect` when the selection changes. The URL may set the first search and order.
export function jobs(model, onSelect) {
  const url = new URLSearchParams(location.search);
  const query = { sort: url.get("sort") || "number", descending: !url.has("sort"), offset: 0 };
  const chosen = new Set();
  const [numberColumn, ...fixedColumns] = model.head.columns.map(columnOf);
  const hidden = new Set([
    ...fixedColumns.filter((c) => c.hidden).map((c) => c.key),
    ...model.head.space.slice(SHOWN_PARAMETERS).map((p) => p.key),
  ]);
  hidden.delete(query.sort);
  const search = h("input", {
    type: "search",
    placeholder: `text, number, lr<0.1 ${searchName(model.head)}>0.9`,
    "aria-label": "Search trials",
    value: url.get("search") || "",
  });
  const state = h(
    "select",
    { "aria-label": "State" },
    h("option", { value: "" }, "all states"),
    STATES.map((s) => h("option", { value: s, selected: s === url.get("state") }, words(s))),
  );
  const count = h("span", { class: "muted", role: "status" });
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Select all on this page",
    onchange: () => choose([...rows.keys()], all.checked),
  });
  const head = h("tr");
  const body = h("tbody");
  const pager = h("div", { class: "row pager" });
  const none = h("p", { class: "empty", hidden: true });
  const table = h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of trials" },
    h("table", {}, h("thead", {}, head), body),
  );
  const rows = new Map(); // from a trial's number to its row, and the data that the row shows
  let requests = 0;
  let drawnRequest = 0; // the request whose answer is shown

  const parameters = () =>
    model.head.space.map((p) => ({
      key: p.key,
      title: p.name,
      cell: (t) => valueCell(t.values[p.key]),
    }));
  const columns = () => [...fixedColumns, ...parameters()].filter((c) => !hidden.has(c.key));

  function queryString() {
    const params = new URLSearchParams({
      sort: query.sort,
      descending: query.descending,
      offset: query.offset,
      limit: PAGE,
      search: search.value,
    });
    if (state.value) params.append("state", state.value);
    return params.toString();
  }
  async function fill() {
    const params = queryString();
    const request = ++requests;
    let answer;
    try {
      answer = await get(model.id, `/trials?${params}`);
    } catch (error) {
      showFailure(error);
      return;
    }
    if (params !== queryString() || request < drawnRequest) return; // outdated
    drawnRequest = request;
    count.textContent = `${answer.total} trial${answer.total === 1 ? "" : "s"}`;
    none.hidden = answer.total > 0;
    none.textContent =
      search.value || state.value
        ? "No matching trials."
        : "No trials yet. They appear here as they start.";
    table.hidden = !answer.trials.length;
    draw(answer.trials);
    drawPager(answer.total);
  }
  // Rows and unchanged cells are kept, so that focus and selected text stay, and clicks hit the row
  // under the pointer.
  function draw(trials) {
    const shown = columns();
    const titles = shown.map((c) => c.key).join();
    const write = alike(trials.map((t) => t.metric));
    if (head.dataset.of !== `${titles} ${query.sort} ${query.descending}`) drawHead(shown, titles);
    const previous = new Map(rows);
    rows.clear();
    for (const trial of trials) {
      const old = previous.get(trial.number);
      const key = JSON.stringify([
        trial,
        titles,
        write(trial.metric),
        trial.ended ? 0 : duration(ranFor(trial)),
      ]);
      const row = old?.row ?? newRow(trial);
      if (old?.key !== key) {
        for (const cell of [...row.cells].slice(2)) cell.remove();
        row.append(...shown.map((c) => c.cell(trial, write)));
      }
      rows.set(trial.number, { key, row });
    }
    const all = [...rows.values()].map((r) => r.row);
    if (all.length !== body.children.length || all.some((r, i) => r !== body.children[i]))
      keepFocus(body, () => put(body, all));
    markSelected();
  }
  // The cells that never change.
  function newRow(t) {
    return h(
      "tr",
      { "data-trial": String(t.number) },
      h(
        "td",
        { class: "tick" },
        h("input", {
          type: "checkbox",
          "aria-label": `Select trial ${t.number}`,
          onchange: (e) => choose([t.number], e.target.checked),
        }),
      ),
      h(
        "td",
        { class: "number" },
        h(
          "button",
          {
            class: "link",
            "aria-label": `Trial ${t.number}`,
            onclick: () => showTrial(model, t.number),
          },
          String(t.number),
        ),
      ),
    );
  }
  function drawHead(shown, titles) {
    head.dataset.of = `${titles} ${query.sort} ${query.descending}`;
    const headCell = (c) => {
      const by = query.sort === c.key;
      const order = by ? (query.descending ? "descending" : "ascending") : null;
      return h(
        "th",
        { scope: "col", class: c.right ? "number" : "", title: c.key, "aria-sort": order },
        h(
          "button",
          { "data-focus": `sort ${c.key}`, onclick: () => sort(c.key) },
          c.title,
          by ? h("span", { "aria-hidden": "true" }, query.descending ? " ↓" : " ↑") : "",
        ),
      );
    };
    const cells = [numberColumn, ...shown].map(headCell);
    keepFocus(head, () => put(head, h("th", { class: "tick" }, all), cells));
  }
  function sort(key) {
    query.descending = query.sort === key ? !query.descending : false;
    query.sort = key;
    query.offset = 0;
    fill();
  }
  function choose(numbers, selected) {
    for (const n of numbers)
      if (selected) chosen.add(n);
      else chosen.delete(n);
    markSelected();
    onSelect();
  }
  function markSelected() {
    for (const [n, { row }] of rows) {
      row.classList.toggle("chosen", chosen.has(n));
      row.querySelector("input").checked = chosen.has(n);
    }
    const selected = [...rows.keys()].filter((n) => chosen.has(n)).length;
    all.checked = selected > 0 && selected === rows.size;
    all.indeterminate = selected > 0 && selected < rows.size;
    comparing.textContent = chosen.size ? `Compare ${chosen.size}` : "Compare";
    comparing.disabled = clearing.hidden = !chosen.size;
  }
  function drawPager(total) {
    const go = (offset) => () => {
      query.offset = offset;
      fill();
    };
    const pageButton = (title, offset, exists) =>
      h("button", { "aria-disabled": String(!exists), onclick: exists && go(offset) }, title);
    const shown = `${query.offset + 1}–${Math.min(total, query.offset + PAGE)} of ${total}`;
    redraw(pager, [query.offset, total], () =>
      total > PAGE || query.offset
        ? [
            pageButton("Previous", Math.max(0, query.offset - PAGE), query.offset > 0),
            h("span", { class: "muted" }, shown),
            pageButton("Next", query.offset + PAGE, query.offset + PAGE < total),
          ]
        : [],
    );
  }
  function columnMenu() {
    const toggle = (key) => (e) => {
      if (e.target.checked) hidden.delete(key);
      else hidden.add(key);
      fill();
    };
    const labels = [...fixedColumns, ...parameters()].map((c) =>
      h(
        "label",
        {},
        h("input", { type: "checkbox", checked: !hidden.has(c.key), onchange: toggle(c.key) }),
        c.title,
      ),
    );
    return menu("Columns", labels);
  }
  function runCustom() {
    if (model.head.state === "RUNNING") custom(model, model.head.best?.values || {});
    else
      toast(`The experiment is not running. Resume it with: annotate resume ${model.id}`);
  }
  const comparing = h(
    "button",
    { disabled: true, onclick: () => compareTrials(model, [...chosen]) },
    "Compare",
  );
  const clearing = h(
    "button",
    {
      hidden: true,
      onclick: () => {
        chosen.clear();
        markSelected();
        onSelect();
      },
    },
    "Clear selection",
  );

  let typingTimer;
  search.addEventListener("input", () => {
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => {
      query.offset = 0;
      fill();
    }, 200);
  });
  state.addEventListener("change", () => {
    query.offset = 0;
    fill();
  });
  const tools = [
    count,
    search,
    state,
    columnMenu(),
    comparing,
    clearing,
    h("button", { onclick: runCustom }, "Run a custom trial"),
  ];
  return {
    card: card("w12", "Trials", tools, table, none, pager),
    chosen,
    fill,
    choose(numbers) {
      chosen.clear();
      choose(numbers, true);
    },
  };
}
