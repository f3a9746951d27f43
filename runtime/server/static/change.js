// Changing a running experiment: its limits and search space. The driver does it, and answers.
import { duration, h, put, toast } from "./dom.js";
import { change, get, mayChange } from "./server.js";

export function changeButton(model) {
  return h("button", { onclick: () => open(model) }, "Change");
}

async function open(model) {
  const refused = reason(model.head);
  const dialog = h("dialog", { "aria-label": "Change the experiment" });
  let space = {};
  try { space = (await get(model.id, "")).space_json; } catch (error) { toast(error.message); return; }
  const e = model.head, close = () => dialog.close();
  const input = (kind, value) => h("input", { ...kind, value: value === null ? "" : String(value), placeholder: "no limit" });
  const count = { type: "number", min: "1", step: "1" };
  const whole = (text) => text === "" ? null : Number(text);
  put(dialog,
    h("div", { class: "row heading" }, h("h1", { class: "grow" }, "Change the experiment"), h("button", { onclick: close }, "Close")),
    refused ? notice(refused, model.id) : h("p", { class: "muted" }, "It takes effect at once, and no trial that runs is lost."),
    row("Trials in all", input(count, e.max_trials), (text) => ["trials", { value: whole(text) }]),
    row("Time in all", input({}, e.max_duration === null ? null : duration(e.max_duration)),
      (text) => ["duration", { seconds: text.trim() || null }], "for example 90s, 10m or 1h30m, from when the driver began"),
    row("Trials at a time", input({ ...count, required: true }, e.concurrency), (text) => ["concurrency", { value: Number(text) }]),
    h("details", {}, h("summary", {}, "Search space"),
      row("NNI's JSON", h("textarea", { rows: "12", spellcheck: false }, JSON.stringify(space, null, 2)),
        (text) => ["space", { space: parsed(text) }], "results that lie in the new space still count there")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  // A label, its field, the button that sends it, and below what the driver says.
  function row(label, input, made, hint = "") {
    const said = h("p", { role: "status" }), button = h("button", { class: "primary", disabled: refused !== null }, "Set");
    input.disabled = refused !== null;
    async function send(event) {
      event.preventDefault();
      button.disabled = true;
      try {
        const [kind, document] = made(input.value);
        put(said, await change(model.id, kind, document));
        said.className = "good";
      } catch (error) { said.className = "bad"; put(said, error.message); }
      button.disabled = false;
    }
    return h("form", { class: "setting", onsubmit: send }, h("label", {}, h("span", {}, label), input), button,
      hint && h("p", { class: "label" }, hint), said);
  }
}

function parsed(text) {
  try { return JSON.parse(text); } catch (error) { throw new Error(`This is no JSON: ${error.message}`); }
}

// Why nothing can be changed; null where it can.
function reason(e) {
  const why = e.reason ? `${e.state.toLowerCase()}: ${e.reason}` : e.state.toLowerCase();
  if (e.state !== "RUNNING") return { text: `It does not run (${why}), and nobody would take a change.`, resume: e.state !== "DONE" };
  if (!mayChange()) return { text: "Open the link that `annotate webui url` prints: it holds the secret that changes take.", resume: false };
  return null;
}

function notice({ text, resume }, id) {
  const command = `annotate resume ${id}`;
  const copy = () => navigator.clipboard.writeText(command).then(() => toast("Copied."), () => toast(command));
  return h("div", { class: "doubt" }, h("p", {}, text),
    resume && h("p", { class: "row" }, "This goes on with it: ", h("code", {}, command), h("button", { onclick: copy }, "Copy")));
}
