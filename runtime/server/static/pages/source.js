// The annotated source, with the values tried and the best one at each place.
import { copying, h, named, number, optionOf, optionText, put, redraw, short, value } from "../parts/dom.js";
import { color, surface } from "../charts/plot.js";
import { Away, get, valuesOf } from "../parts/server.js";
import { inTurn } from "../parts/update.js";

const BINS = 24;

export async function show(main, model) {
  const grid = h("div", { class: "grid" }); // late answers must not draw over another page
  put(main, grid);
  const files = await get(model.id, "/source");
  if (!files.length) {
    put(
      grid,
      h(
        "div",
        { class: "card empty w12" },
        h("h1", {}, "No annotated source"),
        h("p", {}, "This experiment's search space comes from a file."),
        h("p", {}, h("a", { href: `/e/${model.id}`, "data-inside": "" }, "Show the search space")),
      ),
    );
    return null;
  }
  const notes = []; // {place, box} of each parameter's place
  const applied = h("section", { class: "card w12", "aria-label": "apply", hidden: true });
  put(
    grid,
    files.map((file) => listing(file, notes)),
    applied,
  );
  const wanted = new URLSearchParams(location.search).get("parameter");
  const target = notes.find(({ place }) => place.key === wanted)?.row;
  target?.classList.add("sought");
  target?.scrollIntoView({ block: "center" });

  async function fill() {
    const values = Object.values(await valuesOf(model));
    const best = model.head.best?.values || {};
    for (const { place, box } of notes) {
      const tried = values.map((v) => v[place.key]).filter((v) => v !== undefined);
      redraw(box, [tried, best[place.key]], () => noteOf(model, place, tried, best));
    }
  }
  let shown;
  async function apply() {
    if (!model.head.best || model.head.best.number === shown) return;
    const best = model.head.best.number;
    try {
      redraw(applied, best, await diff(model));
      applied.hidden = false;
    } catch (error) {
      if (error instanceof Away) throw error;
      applied.hidden = true; /* the code folder was removed */
    }
    shown = best;
  }
  return inTurn(async () => {
    await fill();
    await apply();
  }, 300);
}

async function diff(model) {
  const found = await get(model.id, "/apply");
  const command = `annotate apply ${model.id}`;
  const kind = (line) =>
    /^(---|\+\+\+|@@)/.test(line)
      ? "muted"
      : line[0] === "+"
        ? "added"
        : line[0] === "-"
          ? "removed"
          : null;
  return () => [
    h(
      "header",
      {},
      h("h2", {}, `Changes by annotate apply: values of trial ${found.trial}`),
      h(
        "div",
        { class: "row" },
        h("code", {}, command),
        copying("Copy command", () => command),
        copying("Copy", () => found.diff),
      ),
    ),
    found.diff
      ? h(
          "pre",
          { tabindex: "0", role: "group", "aria-label": "Diff" },
          found.diff.split(/(?<=\n)/).map((line) => h("span", { class: kind(line) }, line)),
        )
      : h("p", { class: "muted" }, "No changes: the source already has these values."),
    found.misfits.map((m) =>
      h("p", { class: "bad" }, `${m.where}: ${m.name} no longer fits: ${m.reason}`),
    ),
  ];
}

function listing(file, notes) {
  const rows = file.lines.map((line, i) => {
    const places = file.places.filter((p) => p.line === i + 1);
    const boxes = places.map((place) => ({ place, box: h("div", { class: "tried" }) }));
    const row = h(
      "tr",
      { id: `L${i + 1}` },
      h("td", { class: "n" }, String(i + 1)),
      h("td", {}, places.length ? marked(line, places) : commented(line)),
      h(
        "td",
        { class: "note" },
        boxes.map((b) => b.box),
      ),
    );
    notes.push(...boxes.map((b) => ({ ...b, row })));
    return row;
  });
  return h(
    "section",
    { class: "card w12", "aria-label": file.path },
    h(
      "header",
      {},
      h("h2", { class: "mono" }, file.path),
      h("span", { class: "muted small" }, "as of the start of the experiment"),
    ),
    h(
      "nav",
      { class: "row jumps", "aria-label": "Parameters" },
      file.places.map((p) => h("a", { href: `#L${p.line}` }, named(p.name))),
    ),
    h(
      "div",
      { class: "code", tabindex: "0", role: "group", "aria-label": `Lines of ${file.path}` },
      h("table", {}, h("tbody", {}, rows)),
    ),
  );
}

function noteOf(model, place, tried, best) {
  return [
    h(
      "a",
      {
        class: "quiet",
        title: `Show trials sorted by ${short(place.key, 300)}`,
        href: `/e/${model.id}/trials?sort=${encodeURIComponent(place.key)}`,
        "data-inside": "",
      },
      named(place.name),
    ),
    spark(tried, place, best[place.key]),
    place.key in best
      ? h(
          "span",
          { class: "best", title: short(value(best[place.key]), 1000) },
          `best ${short(value(best[place.key]), 40)}`,
        )
      : h("span"),
  ];
}

// A line with its annotation, if any, marked.
function commented(line) {
  const at = line.search(/#\s*@nni\b/);
  return at < 0 ? line : [line.slice(0, at), h("span", { class: "annotation" }, line.slice(at))];
}

function marked(line, places) {
  const parts = [];
  const chars = [...line];
  let from = 0;
  for (const p of [...places].sort((a, b) => a.col - b.col)) {
    const start = p.col - 1;
    const end = start + [...p.written.split("\n")[0]].length;
    if (start < from) continue;
    parts.push(
      chars.slice(from, start).join(""),
      h("span", { class: "hot" }, chars.slice(start, end).join("")),
    );
    from = end;
  }
  return [...parts, commented(chars.slice(from).join(""))];
}

// A histogram of the values tried; the best value's bar has its own colour.
function spark(tried, place, best) {
  const { bins, at } = place.options ? optionBins(tried, place) : numberBins(tried, place);
  if (!bins.length) return h("span");
  const numbers = tried.filter((v) => typeof v === "number");
  const range = numbers.length
    ? `, ${number(Math.min(...numbers))} to ${number(Math.max(...numbers))}`
    : "";
  const each = place.options
    ? `, ${place.options.map((o, i) => `${short(optionText(o), 60)} ${bins[i]} times`).join(", ")}`
    : range;
  const label = short(`${place.name}: ${tried.length} values tried${each}`, 2000);
  const view = surface(22, label, (c, width, height) => {
    const most = Math.max(...bins, 1);
    const step = width / bins.length;
    const chosen = best === undefined ? -1 : at(best);
    bins.forEach((n, i) => {
      c.fillStyle = color(i === chosen ? "--c2" : "--c1");
      const tall = n ? Math.max(2, (n / most) * (height - 3)) : 0;
      c.fillRect(i * step, height - 1 - tall, Math.max(1, step - 1), tall);
    });
    c.fillStyle = color("--line");
    c.fillRect(0, height - 1, width, 1);
  });
  view.canvas.removeAttribute("tabindex");
  return h("span", { class: "spark", title: label }, view.box);
}

function optionBins(tried, place) {
  const names = place.options.map((o) => value(optionOf(o)));
  const at = (v) => names.indexOf(value(optionOf(v)));
  return { bins: names.map((_, i) => tried.filter((v) => at(v) === i).length), at };
}

function numberBins(tried, place) {
  const of = (v) => (place.log ? Math.log(v) : v);
  const numbers = tried.map((v) => (typeof v === "number" ? of(v) : NaN)).filter(Number.isFinite);
  if (!numbers.length) return { bins: [], at: () => -1 };
  const low = Math.min(...numbers);
  const span = Math.max(...numbers) - low || 1;
  const at = (v) => Math.min(BINS - 1, Math.floor((BINS * (of(v) - low)) / span));
  const bins = new Array(BINS).fill(0);
  for (const v of tried) if (Number.isFinite(of(v))) bins[at(v)]++;
  return { bins, at };
}
