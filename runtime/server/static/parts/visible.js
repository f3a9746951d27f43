// Makes control characters visible.

// All but tabs and the ends of lines, and the marks that turn the text after them around.
const CONTROLS =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\r(?!\n)/g;

function escaped(character) {
  if (character === "\r") return "\\r";
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
}

// A text with its control characters visible: `\x1b`.
export const visible = (text) => text.replace(CONTROLS, escaped);
