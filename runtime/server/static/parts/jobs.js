// The table of trials, which the server searches, sorts and pages.
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
import { sayWhy } from "./update.js";

const PAGE = 25;
const SHOWN_PARAMETERS = 8; // others are a click away
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

function stateCell(t) {
  const why = t.state !== "SUCCEEDED" && t.reason;
  return h(
    "td",
    { title: t.reason || "" },
    pill(t.state),
    why ? h("div", { class: "label clip" }, t.reason) : null,
  );
}

// `changed` is called when other trials are chosen. What the address asks for is searched at once.
export function jobs(model, changed) {
  const asked = new URLSearchParams(location.search);
  const query = { sort: asked.get("sort") || "number", descending: !asked.has("sort"), offset: 0 };
  const chosen = new Set();
  const [numberColumn, ...fixedColumns] = model.head.columns.map(columnOf);
  const hidden = new Set([
    ...fixedColumns.filter((c) => c.hidden).map((c) => c.key),
    ...model.head.space.slice(SHOWN_PARAMETERS).map((p) => p.key),
  ]);
  hidden.delete(query.sort);
  const search = h("input", {
    type: "search",
    placeholder: "text, number, lr<0.1 metric>0.9",
    "aria-label": "Search trials",
    value: asked.get("search") || "",
  });
  const state = h(
    "select",
    { "aria-label": "State" },
    h("option", { value: "" }, "every state"),
    STATES.map((s) => h("option", { value: s, selected: s === asked.get("state") }, words(s))),
  );
  const count = h("span", { class: "muted", role: "status" });
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Choose all on this page",
    onchange: () => choose([...rows.keys()], all.checked),
  });
  const head = h("tr"),
    body = h("tbody"),
    pager = h("div", { class: "row pager" }),
    none = h("p", { class: "empty", hidden: true });
  const table = h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of trials" },
    h("table", {}, h("thead", {}, head), body),
  );
  const rows = new Map(); // from a trial's number: the row that is shown, and what it shows
  let turns = 0, // how often the server was asked
    drawn = 0; // which of its answers is shown

  const parameters = () =>
    model.head.space.map((p) => ({
      key: p.key,
      title: p.name,
      cell: (t) => valueCell(t.values[p.key]),
    }));
  const columns = () => [...fixedColumns, ...parameters()].filter((c) => !hidden.has(c.key));

  function wanted() {
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
    const params = wanted(),
      turn = ++turns;
    let found;
    try {
      found = await get(model.id, `/trials?${params}`);
    } catch (error) {
      sayWhy(error);
      return;
    }
    if (params !== wanted() || turn < drawn) return; // another table is wanted, or a newer there
    drawn = turn;
    count.textContent = `${found.total} trial${found.total === 1 ? "" : "s"}`;
    none.hidden = found.total > 0;
    none.textContent =
      search.value || state.value
        ? "No trial is like that."
        : "No trial yet: the first appears here by itself.";
    table.hidden = !found.trials.length;
    draw(found.trials);
    page(found.total);
  }
  // A row stays, and what it shows as long as that is the same: so do the focus in it, and marked
  // text, and a click goes to what was pressed.
  function draw(trials) {
    const shown = columns(),
      titles = shown.map((c) => c.key).join(),
      write = alike(trials.map((t) => t.metric));
    if (head.dataset.of !== `${titles} ${query.sort} ${query.descending}`) heads(shown, titles);
    const before = new Map(rows);
    rows.clear();
    for (const trial of trials) {
      const was = before.get(trial.number);
      const sign = JSON.stringify([
        trial,
        titles,
        write(trial.metric),
        trial.ended ? 0 : duration(ranFor(trial)),
      ]);
      const row = was?.row ?? begin(trial);
      if (was?.sign !== sign) {
        for (const cell of [...row.cells].slice(2)) cell.remove();
        row.append(...shown.map((c) => c.cell(trial, write)));
      }
      rows.set(trial.number, { sign, row });
    }
    const all = [...rows.values()].map((r) => r.row);
    if (all.length !== body.children.length || all.some((r, i) => r !== body.children[i]))
      keepFocus(body, () => put(body, all));
    mark();
  }
  // A row as far as it is the same whatever becomes of the trial.
  function begin(t) {
    return h(
      "tr",
      { "data-trial": String(t.number) },
      h(
        "td",
        { class: "tick" },
        h("input", {
          type: "checkbox",
          "aria-label": `Choose trial ${t.number}`,
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
  function heads(shown, titles) {
    head.dataset.of = `${titles} ${query.sort} ${query.descending}`;
    const titled = (c) => {
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
    const cells = [numberColumn, ...shown].map(titled);
    keepFocus(head, () => put(head, h("th", { class: "tick" }, all), cells));
  }
  function sort(key) {
    query.descending = query.sort === key ? !query.descending : false;
    query.sort = key;
    query.offset = 0;
    fill();
  }
  function choose(numbers, yes) {
    for (const n of numbers)
      if (yes) chosen.add(n);
      else chosen.delete(n);
    mark();
    changed();
  }
  function mark() {
    for (const [n, { row }] of rows) {
      row.classList.toggle("chosen", chosen.has(n));
      row.querySelector("input").checked = chosen.has(n);
    }
    const here = [...rows.keys()].filter((n) => chosen.has(n)).length;
    all.checked = here > 0 && here === rows.size;
    all.indeterminate = here > 0 && here < rows.size;
    comparing.textContent = chosen.size ? `Compare ${chosen.size}` : "Compare";
    comparing.disabled = clearing.hidden = !chosen.size;
  }
  function page(total) {
    const go = (offset) => () => {
      query.offset = offset;
      fill();
    };
    const turn = (title, offset, there) =>
      h("button", { "aria-disabled": String(!there), onclick: there && go(offset) }, title);
    const shown = `${query.offset + 1}–${Math.min(total, query.offset + PAGE)} of ${total}`;
    redraw(pager, [query.offset, total], () =>
      total > PAGE || query.offset
        ? [
            turn("Previous", Math.max(0, query.offset - PAGE), query.offset > 0),
            h("span", { class: "muted" }, shown),
            turn("Next", query.offset + PAGE, query.offset + PAGE < total),
          ]
        : [],
    );
  }
  function columnChoice() {
    const tick = (key) => (e) => {
      if (e.target.checked) hidden.delete(key);
      else hidden.add(key);
      fill();
    };
    const labels = [...fixedColumns, ...parameters()].map((c) =>
      h(
        "label",
        {},
        h("input", { type: "checkbox", checked: !hidden.has(c.key), onchange: tick(c.key) }),
        c.title,
      ),
    );
    return menu("Columns", labels);
  }
  function own() {
    if (model.head.state === "RUNNING") custom(model, model.head.best?.values || {});
    else
      toast("The experiment does not run; annotate resume goes on with one that was interrupted.");
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
        mark();
        changed();
      },
    },
    "Choose none",
  );

  let typed;
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => {
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
    columnChoice(),
    comparing,
    clearing,
    h("button", { onclick: own }, "Own trial"),
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
