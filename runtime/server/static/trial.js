// One trial: its values, curve, why it failed, its logs, and what can be done with it.
import { duration, h, number, pill, put, time, toast, value } from "./dom.js";
import { chart, color } from "./plot.js";
import { change, get, mayChange, text } from "./server.js";

export async function showTrial(model, which) {
  let found, curve;
  try {
    found = await get(model.id, `/trials/${which}`);
    curve = (await get(model.id, `/curves?trial=${found.number}`))[found.number];
  } catch (error) { toast(error.message); return; }
  const dialog = h("dialog", { "aria-label": `Trial ${found.number}` });
  const log = h("pre", { tabindex: "0" }, "…");
  const streams = ["stderr", "stdout"].map((name) => h("button", { "aria-pressed": "false", onclick: () => read(name) }, name));
  async function read(name) {
    streams.forEach((b) => b.setAttribute("aria-pressed", String(b.textContent === name)));
    try { log.textContent = (await text(model.id, `/trials/${found.number}/log/${name}`)) || `It wrote nothing to ${name}.`; log.scrollTop = log.scrollHeight; } catch (error) { log.textContent = error.message; }
  }
  const points = curve.map(([n, v]) => [n, numberOf(v), v]);
  const plot = chart({ height: 200, label: "Intermediate results", xLabel: "report", tip: (v) => typeof v === "object" ? JSON.stringify(v) : number(v), data: () => [{ points, line: true, silent: true, color: color("--c1") }, { points, color: color("--c1"), radius: 2.5 }] });
  const close = () => dialog.close();
  put(dialog, h("div", { class: "row" }, h("h1", {}, `Trial ${found.number}`), h("span", { class: "mono muted" }, found.id), pill(found.state), h("span", { style: { flex: "1" } }), actions(model, found, close), h("button", { onclick: close }, "Close")),
    found.reason ? h("p", { class: found.state === "FAILED" ? "bad" : "" }, found.reason) : null,
    h("p", {}, h("span", { class: "big best" }, number(found.metric)), h("span", { class: "muted" }, `  result; began ${time(found.started)}, took ${duration(found.ended && found.started ? found.ended - found.started : null)}`)),
    found.final && typeof found.final === "object" ? h("p", { class: "mono" }, JSON.stringify(found.final)) : null,
    h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, model.head.space.map((p) => h("tr", {}, h("th", { scope: "row", title: p.key }, p.name), h("td", { class: "mono" }, value(found.values[p.key]))))))),
    curve.length ? h("div", {}, h("h2", { style: { marginTop: "12px" } }, `${curve.length} intermediate results `, plot.reset), plot.box) : null,
    h("div", { class: "row", style: { marginTop: "12px" } }, h("h2", {}, "Log"), streams), log, h("p", { class: "muted mono" }, found.folder));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  read(found.state === "FAILED" ? "stderr" : "stdout");
}

export const numberOf = (v) => typeof v === "number" ? v : v && typeof v === "object" && typeof v.default === "number" ? v.default : NaN;

function actions(model, trial, close) {
  const copy = (name, make) => h("button", { onclick: () => navigator.clipboard.writeText(make(trial.values)).then(() => toast("Copied."), () => toast(make(trial.values))) }, name);
  const made = [copy("Copy JSON", (v) => JSON.stringify(v, null, 2)), copy("Copy Python", python)];
  if (model.head.state === "RUNNING" && mayChange()) {
    if (["RUNNING", "WAITING"].includes(trial.state)) made.push(h("button", { class: "danger", onclick: () => send(model.id, "kill", { trial: trial.number }, close) }, "Kill"));
    made.push(h("button", { class: "primary", onclick: () => { close(); custom(model, trial.values); } }, "Run changed"));
  }
  return made;
}

async function send(id, kind, document, done) {
  try { toast(await change(id, kind, document)); done(); } catch (error) { toast(error.message); }
}

// A trial of the person's own, from the values of another.
export function custom(model, values) {
  const inputs = new Map();
  const rows = model.head.space.map((p) => {
    const given = values[p.key];
    const input = p.options && !p.children?.length
      ? h("select", {}, p.options.map((o, n) => h("option", { value: String(n), selected: JSON.stringify(o) === JSON.stringify(given) }, value(o))))
      : h("input", { value: given === undefined ? "" : JSON.stringify(given) });
    inputs.set(p.key, () => p.options && !p.children?.length ? p.options[Number(input.value)] : input.value.trim() === "" ? undefined : JSON.parse(input.value));
    return h("tr", {}, h("th", { scope: "row" }, h("label", {}, p.name, " ", input)), h("td", { class: "muted mono" }, p.text));
  });
  const dialog = h("dialog", { "aria-label": "A trial of your own" });
  const close = () => dialog.close();
  const run = () => {
    const wanted = {};
    for (const [key, read] of inputs) {
      try { const v = read(); if (v !== undefined) wanted[key] = v; } catch { toast(`${key} is no JSON value`); return; }
    }
    send(model.id, "enqueue", { values: wanted }, close);
  };
  dialog.append(h("h1", {}, "A trial of your own"), h("p", { class: "muted" }, "What is left empty is as written in the script."), h("table", {}, h("tbody", {}, rows)), h("div", { class: "row" }, h("button", { class: "primary", onclick: run }, "Run it"), h("button", { onclick: close }, "Cancel")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function python(values) {
  const write = (v) => v === null ? "None" : v === true ? "True" : v === false ? "False" : Array.isArray(v) ? `[${v.map(write).join(", ")}]` : typeof v === "object" ? `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${write(x)}`).join(", ")}}` : JSON.stringify(v);
  return write(values);
}
