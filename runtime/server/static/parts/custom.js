// The dialog that runs a custom trial, starting from another trial's values.
import { dialog, h, named, optionOf, optionText, short, toast, value } from "./dom.js";
import { change } from "./server.js";

class Mistake extends Error {}

export function custom(model, values) {
  const fields = model.head.space.map((p) => ({ key: p.key, ...field(p, values[p.key], true) }));
  const problem = h("p", { class: "bad", role: "alert" });
  let sent = false;
  async function run(event) {
    event.preventDefault();
    if (sent) return; // ignore a double click
    sent = true;
    problem.textContent = "";
    try {
      toast(await change(model.id, "enqueue", { values: read(fields) }));
      opened.close();
    } catch (error) {
      problem.textContent = error.message;
    }
    sent = false;
  }
  const form = h(
    "form",
    { onsubmit: run, novalidate: "" },
    h(
      "div",
      { class: "stack" },
      fields.map((f) => f.element),
    ),
    problem,
    h(
      "div",
      { class: "row" },
      h("button", { class: "primary" }, "Run trial"),
      h("button", { type: "button", onclick: () => opened.close() }, "Cancel"),
    ),
  );
  const opened = dialog(
    "Run a custom trial",
    null,
    h("h1", {}, "Run a custom trial"),
    h("p", { class: "muted" }, "Empty fields keep the value in the script."),
    form,
  );
}

const read = (fields) =>
  Object.fromEntries(fields.map((f) => [f.key, f.read()]).filter(([, v]) => v !== undefined));

// One parameter's entry: {element, read}. read() is undefined for "as in script".
function field(p, given, optional) {
  return p.options ? choice(p, given, optional) : entry(p, given);
}

function entry(p, given) {
  const input = h("input", {
    value: given === undefined ? "" : JSON.stringify(given),
    inputmode: "decimal",
    autocomplete: "off",
  });
  const element = h(
    "div",
    { class: "field" },
    h("label", {}, named(p.name), input),
    h("span", { class: "muted mono" }, short(p.text, 120)),
  );
  return {
    element,
    read() {
      if (input.value.trim() === "") return undefined;
      try {
        return JSON.parse(input.value);
      } catch {
        throw new Mistake(`${p.name}: ${input.value} is not a number`);
      }
    },
  };
}

function choice(p, given, optional) {
  const same = (o) =>
    given !== undefined && JSON.stringify(optionOf(o)) === JSON.stringify(optionOf(given));
  const select = h(
    "select",
    {},
    optional ? h("option", { value: "" }, "as in script") : null,
    p.options.map((o, n) =>
      h("option", { value: String(n), selected: same(o) }, short(optionText(o), 80)),
    ),
  );
  const inside = h("div", { class: "stack inside" });
  let fields = [];
  function open() {
    const option = p.options[Number(select.value)];
    const chosen = select.value !== "" && optionOf(option);
    const children = (p.children || []).filter(
      (c) => JSON.stringify(c.of) === JSON.stringify(chosen),
    );
    fields = children.map((c) => ({
      key: c.key,
      ...field(c, same(option) ? given[c.key] : undefined, false),
    }));
    inside.replaceChildren(...fields.map((f) => f.element));
    inside.hidden = !fields.length;
  }
  select.addEventListener("change", open);
  open();
  const element = h(
    "div",
    { class: "field" },
    h("label", {}, named(p.name), select),
    h("span", { class: "muted mono" }, "choice"),
    inside,
  );
  return {
    element,
    read() {
      if (select.value === "") return undefined;
      const option = p.options[Number(select.value)];
      return fields.length ? { _name: optionOf(option), ...read(fields) } : option;
    },
  };
}
