// The axes of parallel coordinates: what each is called, and where on it a trial lies.
import { value } from "../parts/dom.js";

const inner = (v) => (v && typeof v === "object" && "_name" in v ? v._name : v);

// From the space to axes; behind that of a nested choice come those of what is inside it. `at` is
// the place of a trial on its axis: its number, or that of its option; undefined where it has none.
export function axesOf(space) {
  const result = (row) => (typeof row.metric === "number" ? row.metric : undefined);
  const values = space.flatMap((p) => branch(p, p.name, (row) => row.values[p.key]));
  return [...values, { name: "result", log: false, at: result }];
}

function branch(p, name, given) {
  const children = (p.children || []).flatMap((child) =>
    branch(child, child.name, (row) => {
      const v = given(row);
      return v && typeof v === "object" && value(v._name) === value(child.of)
        ? v[child.key]
        : undefined;
    }),
  );
  return [axis(p, name, (row) => inner(given(row))), ...children];
}

function axis(p, name, given) {
  if (p.options) {
    const options = p.options.map((o) => value(inner(o)));
    const at = (row) => {
      const v = given(row),
        n = v === undefined ? -1 : options.indexOf(value(v));
      return n < 0 ? undefined : n;
    };
    return { name, options, at };
  }
  const at = (row) => {
    const v = given(row);
    return typeof v === "number" ? v : undefined;
  };
  return { name, log: p.log, at };
}

// What is chosen on one axis: a range of numbers or some options, and whether trials without a
// place on it are.
export function chooses(choice, place) {
  if (place === undefined) return choice.missing;
  return choice.options ? choice.options.has(place) : place >= choice.low && place <= choice.high;
}
