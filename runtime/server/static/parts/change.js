// The dialog that changes a running experiment's limits and search space.
import { copying, dialog, duration, forDialog, h, put, toast, words } from "./dom.js";
import { change, get } from "./server.js";

export function changeButton(model) {
  return h("button", { onclick: () => open(model) }, "Change");
}

async function open(model) {
  const runs = model.head.state === "RUNNING";
  let experiment;
  try {
    experiment = await forDialog(get(model.id, ""));
  } catch (error) {
    toast(error.message);
  }
  if (!experiment) return;
  const e = model.head;
  const close = () => panel.close();
  const input = (kind, value) =>
    h("input", { ...kind, value: value === null ? "" : String(value), placeholder: "no limit" });
  const count = { type: "number", min: "1", step: "1" };
  const whole = (text) => (text === "" ? null : Number(text));
  const panel = dialog(
    "Change the experiment",
    null,
    h(
      "div",
      { class: "row heading" },
      h("h1", { class: "grow" }, "Change the experiment"),
      h("button", { onclick: close }, "Close"),
    ),
    runs
      ? h("p", { class: "muted" }, "Limits change at once. Running trials continue.")
      : notice(e),
    row("Maximum trials", input(count, e.max_trials), (text) => ["trials", { value: whole(text) }]),
    row(
      "Maximum time",
      input({}, e.max_duration === null ? null : duration(e.max_duration)),
      (text) => ["duration", { seconds: text.trim() || null }],
      "for example 90s, 10m or 1h30m, counted from the start of the run",
    ),
    row(
      "Concurrency",
      input({ required: true }, e.concurrency),
      (text) => ["concurrency", { value: text.trim() }],
      "a number, or auto for as many as fit",
    ),
    h(
      "details",
      {},
      h("summary", {}, "Search space"),
      row(
        "NNI's JSON",
        h("textarea", { rows: "12", spellcheck: false }, JSON.stringify(experiment.space_json, null, 2)),
        (text) => ["space", { space: parsed(text) }],
        "results inside the new space still count",
      ),
    ),
  );

  // A label, its field, the button that sends it, and the driver's answer.
  function row(label, input, requestOf, hint = "") {
    const answer = h("p", { role: "status" });
    const button = h("button", { class: "primary", disabled: !runs }, "Set");
    input.disabled = !runs;
    let sent = false; // disabling the button would lose the focus
    async function send(event) {
      event.preventDefault();
      if (sent) return;
      sent = true;
      try {
        const [kind, document] = requestOf(input.value);
        put(answer, await change(model.id, kind, document));
        answer.className = "good";
      } catch (error) {
        answer.className = "bad";
        put(answer, error.message);
      }
      sent = false;
    }
    return h(
      "form",
      { class: "setting", onsubmit: send },
      h("label", {}, h("span", {}, label), input),
      button,
      hint && h("p", { class: "label" }, hint),
      answer,
    );
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Invalid JSON: ${error.message}`);
  }
}

// Why nothing can be changed, and how to resume the experiment.
function notice(e) {
  const why = e.reason ? `${words(e.state)}: ${e.reason}` : words(e.state);
  const command = `annotate resume ${e.id}`;
  return h(
    "div",
    { class: "doubt" },
    h("p", {}, e.state === "DONE"
        ? "This experiment has finished, so its settings can no longer be changed."
        : `This experiment is not running (${why}), so its settings cannot be changed.`),
    e.state !== "DONE" &&
      h(
        "p",
        { class: "row" },
        "Resume it with ",
        h("code", {}, command),
        copying("Copy", () => command),
      ),
  );
}
