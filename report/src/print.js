// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Printing: expand all details, and print all rows that match the filters.

import { disclosure } from "./finding.js";
import { count, el, shown } from "./text.js";

// Maximum number of findings to print.
const MOST = 300;

export function printing(report, place) {
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("main details:not([open])")) {
      one.open = true;
      one.fill?.();
      one.dataset.printed = "";
    }
    const paper = document.getElementById("paper");
    paper.replaceChildren();
    if (place().screen === "findings") paper.append(...chosen(report));
  });
  window.addEventListener("afterprint", () => {
    for (const one of document.querySelectorAll("[data-printed]")) {
      one.open = false;
      delete one.dataset.printed;
    }
    document.getElementById("paper").replaceChildren();
  });
}

/** Return the findings that match the filters, with the details that are loaded. */
function chosen(report) {
  const table = globalThis.netfleetTable?.findTable(".grid > div")?.[0];
  const rows = table ? table.getData("active") : [];
  const some = rows.slice(0, MOST);
  return [
    report.beside ? el("p", {}, "For the details of a finding, see the page of its host.") : "",
    rows.length > MOST ? el("p", {}, `The first ${MOST} of ${count(rows.length, "finding")}.`) : "",
    ...some.flatMap((one, at) => [
      at && some[at - 1].host === one.host ? "" : el("h3", {}, shown(one.host)),
      disclosure(one, report.rules[one.rule], one.more || {}, true),
    ]),
  ];
}
