// The axes of parallel coordinates: names, and positions of trials.
import { optionOf, optionText, value } from "../parts/dom.js";

// The axes of a search space and of the `metric`; a nested choice is followed by the parameters inside it. `at(row)` is a
// trial's number on the axis, or its option's index; undefined if it has none.
export function axesOf(space, metric) {
  const result = (row) => (typeof row.metric === "number" ? row.metric : undefined);
  const values = space.flatMap((p) => branch(p, p.name, (row) => row.values[p.key]));
  return [...values, { name: metric, log: false, at: result }];
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
  return [axis(p, name, (row) => optionOf(given(row))), ...children];
}

function axis(p, name, given) {
  if (p.options) {
    const options = p.options.map((o) => value(optionOf(o)));
    const at = (row) => {
      const v = given(row);
      const n = v === undefined ? -1 : options.indexOf(value(v));
      return n < 0 ? undefined : n;
    };
    return { name, options: p.options.map(optionText), at };
  }
  const at = (row) => {
    const v = given(row);
    return typeof v === "number" ? v : undefined;
  };
  return { name, log: p.log, at };
}

// Whether a position passes an axis' filter: a range of numbers or a set of options; `missing` is
// whether trials without the parameter pass.
export function passesFilter(choice, place) {
  if (place === undefined) return choice.missing;
  return choice.options ? choice.options.has(place) : place >= choice.low && place <= choice.high;
}
