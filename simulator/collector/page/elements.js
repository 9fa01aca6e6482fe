// Nodes made of text that strangers said: it becomes text nodes only, and what cannot be seen is spelt out.

export const byId = (id) => document.getElementById(id);

// Control, bidirectional and zero-width characters as \u{…}, so that a name looks like what it is.
export function visible(text) {
  return String(text).replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
