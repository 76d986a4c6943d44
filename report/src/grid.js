// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Tables: Tabulator with plain text cells and keyboard support.

import { library } from "./data.js";
import { el } from "./text.js";

// Up to this number of rows, the table shows all rows; above, it creates visible rows only.
const ALL = 120;

/** Return a table in an element. Cells are created by functions that return elements. */
export async function grid(place, { rows, columns, label, none, ...options }) {
  const Tabulator = await library("table", "netfleetTable");
  const box = el("div", { "aria-label": label });
  place.replaceChildren(box);
  const few = rows.length <= ALL;
  return new Promise((done) => {
    const table = new Tabulator(box, {
      data: rows,
      layout: "fitColumns",
      renderVertical: few ? "basic" : "virtual",
      maxHeight: few ? false : "78vh",
      placeholder: el("p", { class: "none" }, none),
      headerSortElement: "<i></i>",
      columns: columns.map(column),
      ...options,
    });
    table.on("tableBuilt", () => {
      // The scroll container must not be a tab stop: the rows are.
      box.removeAttribute("aria-owns");
      box.querySelector(".tabulator-tableholder").removeAttribute("tabindex");
      done(table);
    });
  });
}

function column({ title, cell, ...definition }) {
  return {
    title,
    titleFormatter: () =>
      definition.headerSort === false
        ? el("span", {}, title)
        : el("button", { type: "button", class: "sort", "aria-label": `Sort by ${title}` }, title),
    formatter: cell ? (one) => cell(one.getRow().getData()) : (one) => document.createTextNode(one.getValue() ?? ""),
    variableHeight: true,
    minWidth: 70,
    ...definition,
  };
}

/** Return a row of toggle buttons. */
export function toggles(label, names, pressed, changed) {
  return el(
    "div",
    { class: "toggles", role: "group", "aria-label": label },
    names.map(([value, text, kind]) =>
      el(
        "button",
        {
          type: "button",
          class: `toggle ${kind || ""}`,
          "aria-pressed": String(pressed.has(value)),
          onclick: (event) => {
            if (pressed.has(value)) pressed.delete(value);
            else pressed.add(value);
            event.currentTarget.setAttribute("aria-pressed", String(pressed.has(value)));
            changed();
          },
        },
        text,
      ),
    ),
  );
}

export function choice(label, options, value, changed) {
  const id = label.toLowerCase().replaceAll(" ", "-");
  return el(
    "div",
    { class: "choice" },
    el("label", { for: id }, label),
    el(
      "select",
      { id, onchange: (event) => changed(event.target.value) },
      options.map(([one, text]) => el("option", { value: one, selected: one === value }, text)),
    ),
  );
}
