// Changing a running experiment: its limits and search space. The driver does it, and answers.
import { copying, dialog, duration, forDialog, h, put, toast, words } from "./dom.js";
import { change, get } from "./server.js";

export function changeButton(model) {
  return h("button", { onclick: () => open(model) }, "Change");
}

async function open(model) {
  const runs = model.head.state === "RUNNING";
  let found;
  try {
    found = await forDialog(get(model.id, ""));
  } catch (error) {
    toast(error.message);
  }
  if (!found) return;
  const e = model.head,
    close = () => made.close();
  const input = (kind, value) =>
    h("input", { ...kind, value: value === null ? "" : String(value), placeholder: "no limit" });
  const count = { type: "number", min: "1", step: "1" };
  const whole = (text) => (text === "" ? null : Number(text));
  const made = dialog(
    "Change the experiment",
    null,
    h(
      "div",
      { class: "row heading" },
      h("h1", { class: "grow" }, "Change the experiment"),
      h("button", { onclick: close }, "Close"),
    ),
    runs
      ? h("p", { class: "muted" }, "It takes effect at once, and no trial that runs is lost.")
      : notice(e),
    row("Trials in all", input(count, e.max_trials), (text) => ["trials", { value: whole(text) }]),
    row(
      "Time in all",
      input({}, e.max_duration === null ? null : duration(e.max_duration)),
      (text) => ["duration", { seconds: text.trim() || null }],
      "for example 90s, 10m or 1h30m, from when the driver began",
    ),
    row(
      "Trials at a time",
      input({ required: true }, e.concurrency),
      (text) => ["concurrency", { value: text.trim() }],
      "a number, or auto: as many as there is room for",
    ),
    h(
      "details",
      {},
      h("summary", {}, "Search space"),
      row(
        "NNI's JSON",
        h("textarea", { rows: "12", spellcheck: false }, JSON.stringify(found.space_json, null, 2)),
        (text) => ["space", { space: parsed(text) }],
        "results that lie in the new space still count there",
      ),
    ),
  );

  // A label, its field, the button that sends it, and below what the driver says.
  function row(label, input, made, hint = "") {
    const said = h("p", { role: "status" }),
      button = h("button", { class: "primary", disabled: !runs }, "Set");
    input.disabled = !runs;
    let sent = false; // the button stays as it is, and with it the focus that it has
    async function send(event) {
      event.preventDefault();
      if (sent) return;
      sent = true;
      try {
        const [kind, document] = made(input.value);
        put(said, await change(model.id, kind, document));
        said.className = "good";
      } catch (error) {
        said.className = "bad";
        put(said, error.message);
      }
      sent = false;
    }
    return h(
      "form",
      { class: "setting", onsubmit: send },
      h("label", {}, h("span", {}, label), input),
      button,
      hint && h("p", { class: "label" }, hint),
      said,
    );
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
}

// Why nothing can be changed, and how it goes on where it does.
function notice(e) {
  const why = e.reason ? `${words(e.state)}: ${e.reason}` : words(e.state);
  const command = `annotate resume ${e.id}`;
  return h(
    "div",
    { class: "doubt" },
    h("p", {}, `It does not run (${why}), and nobody would take a change.`),
    e.state !== "DONE" &&
      h(
        "p",
        { class: "row" },
        "This goes on with it: ",
        h("code", {}, command),
        copying("Copy", () => command),
      ),
  );
}
