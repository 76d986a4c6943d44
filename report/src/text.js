// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Untrusted text. The page creates every element with `el`, which adds text as text, never as markup.

// Invisible and direction-changing characters, as in the Python helper `legible`.
const ODD = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;
// A byte that is not valid UTF-8, as a snapshot escapes it.
const BYTE = /\\x[0-9a-f]{2}/g;

function code(character) {
  const number = character.codePointAt(0);
  if (number < 0x80) return `\\x${number.toString(16).padStart(2, "0")}`;
  return number <= 0xffff ? `\\u${number.toString(16).padStart(4, "0")}` : `\\U${number.toString(16).padStart(8, "0")}`;
}

/** Return text with invisible characters escaped; keep line breaks and tabs if `lines` is set. */
export function legible(text, lines = false) {
  return String(text).replace(ODD, (one) =>
    one === " " || (lines && (one === "\n" || one === "\t")) ? one : code(one),
  );
}

/** Return text as nodes, with escaped characters highlighted. */
export function shown(text, lines = false) {
  const plain = legible(text, lines);
  const whole = document.createDocumentFragment();
  let from = 0;
  for (const found of plain.matchAll(/\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})/g)) {
    whole.append(plain.slice(from, found.index));
    whole.append(
      el(
        "span",
        { class: "odd", title: BYTE.test(found[0]) ? "non-printable byte or control character" : "invisible character" },
        found[0],
      ),
    );
    BYTE.lastIndex = 0;
    from = found.index + found[0].length;
  }
  whole.append(plain.slice(from));
  return whole;
}

/** Return an element. Properties that start with `on` are listeners, others attributes; null is ignored. */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : legible(value));
  }
  return add(element, ...children);
}

/** Append children to an element; null is ignored. */
export function add(element, ...children) {
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export function count(number, one, many) {
  return `${Number(number).toLocaleString("en")} ${number === 1 ? one : many || `${one}s`}`;
}

export const number = (value) => Number(value || 0).toLocaleString("en");

/** Return a readable time in UTC. */
export function time(value) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return value ? legible(value) : "unknown";
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
