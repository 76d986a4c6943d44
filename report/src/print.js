// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Paper: what a screen folds is unfolded there, and a table has all the rows that were chosen.

import { disclosure } from "./finding.js";
import { count, el, shown } from "./text.js";

// More than this nobody reads on paper.
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

/** Return the findings that the table shows, unfolded as far as they are known here. */
function chosen(report) {
  const table = globalThis.netfleetTable?.findTable(".grid > div")?.[0];
  const rows = table ? table.getData("active") : [];
  const some = rows.slice(0, MOST);
  return [
    report.beside ? el("p", {}, "What is not told here of a finding stands on the page of its host.") : "",
    rows.length > MOST ? el("p", {}, `The first ${MOST} of ${count(rows.length, "finding")}.`) : "",
    ...some.flatMap((one, at) => [
      at && some[at - 1].host === one.host ? "" : el("h3", {}, shown(one.host)),
      disclosure(one, report.rules[one.rule], one.more || {}, true),
    ]),
  ];
}
