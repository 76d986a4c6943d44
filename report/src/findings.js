// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// All findings: search, filter, sort, group, expand.

import { SEVERITIES, more } from "./data.js";
import { badge, details, marks } from "./finding.js";
import { SORTS, filter, filters, wantedOf } from "./filters.js";
import { grid } from "./grid.js";
import { add, count, el, legible, number, shown } from "./text.js";

const NARROW = "(max-width: 700px)";
// With more findings than this, groups start collapsed.
const SHORT = 40;

export async function findings(screen, report, name, chosen, ready) {
  const wanted = wantedOf(chosen);
  const said = el("p", { class: "hint", role: "status" });
  const place = el("div", { class: "grid", tabindex: "-1" });
  const view = { report, wanted, said, place, open: new Set(), table: null };
  place.addEventListener("keydown", (event) => move(view, event));
  add(screen, el("h2", {}, "Findings"), filters(view), leftOut(report), said, place);
  ready();
  await build(view);
  const narrow = matchMedia(NARROW);
  narrow.addEventListener("change", function again() {
    if (place.isConnected) build(view);
    else narrow.removeEventListener("change", again);
  });
}

function leftOut(report) {
  if (!report.findings_left_out) return null;
  return el(
    "p",
    { class: "notice" },
    `This list shows the ${number(report.findings.length)} most severe findings. For ${count(report.findings_left_out, "more finding")}, see the host pages and report.json.`,
  );
}

async function build(view) {
  const narrow = matchMedia(NARROW).matches;
  const wide = [
    { title: "Severity", field: "rank", sorter: "number", width: 128, cell: (finding) => opener(view, finding) },
    { title: "Finding", field: "title", sorter: "string", widthGrow: 3, cell: what },
    { title: "Host", field: "host", sorter: "string", widthGrow: 1, cell: (finding) => where(view, finding) },
  ];
  const card = [
    {
      title: "Finding",
      field: "title",
      sorter: "string",
      cell: (finding) => el("div", { class: "card" }, opener(view, finding), what(finding), where(view, finding)),
    },
  ];
  const hidden = ["rank", "host"].map((field) => ({
    title: field,
    field,
    visible: false,
    sorter: field === "rank" ? "number" : "string",
  }));
  view.table = await grid(view.place, {
    rows: view.report.findings,
    label: "Findings",
    none: "No matching findings.",
    columns: narrow ? [...card, ...hidden] : wide,
    headerVisible: !narrow,
    rowFormatter: (row) => format(view, row),
    ...(view.wanted.group ? { groupBy: view.wanted.group } : {}),
    groupToggleElement: "header",
    groupStartOpen: () => view.report.findings.length <= SHORT || Boolean(view.wanted.rule),
    groupHeader: (value, size, rows, group) => heading(view, value, rows, group.isVisible()),
    initialSort: SORTS[view.wanted.sort],
  });
  // The whole row opens the finding, except its link, its button and the text that is being selected.
  view.table.on("rowClick", (event, row) => {
    if (event.target.closest("a, button, .details") || getSelection()?.toString()) return;
    toggle(view, row.getData());
  });
  // The table recreates a group header when the group opens or closes: restore the focus.
  view.table.on("groupVisibilityChanged", (one) =>
    [...view.place.querySelectorAll(".group")].find((head) => head.dataset.group === legible(one.getKey()))?.focus(),
  );
  view.table.on("dataFiltered", (filters, rows) => {
    view.said.textContent = `${number(rows.length)} of ${count(view.report.findings.length, "finding")}`;
  });
  filter(view);
}

function opener(view, finding) {
  return el(
    "button",
    {
      type: "button",
      class: "open",
      "aria-expanded": String(view.open.has(finding.id)),
      "aria-label": legible(`${finding.severity}: ${finding.title}: ${finding.object}, on ${finding.host}`),
      "data-finding": finding.id,
      onclick: () => toggle(view, finding),
    },
    badge(finding.severity),
  );
}

const what = (finding) =>
  el(
    "span",
    { class: "what" },
    el("b", {}, shown(finding.title)),
    marks(finding),
    el("span", { class: "object" }, shown(finding.object)),
  );

function where(view, finding) {
  if (!view.report.byName.has(finding.host)) return el("span", { class: "where" }, shown(finding.host));
  return el(
    "a",
    { class: "where", href: `#/host/${encodeURIComponent(finding.host)}?finding=${finding.fingerprint || ""}` },
    shown(finding.host),
  );
}

function rowOf(view, finding) {
  return view.table.searchRows("id", "=", finding.id)[0];
}

async function toggle(view, finding) {
  if (view.open.has(finding.id)) view.open.delete(finding.id);
  else view.open.add(finding.id);
  const row = rowOf(view, finding);
  if (row) await format(view, row);
}

/** Expand or collapse a row. The table recreates a row when it scrolls into view. */
async function format(view, row) {
  const finding = row.getData();
  const element = row.getElement();
  const open = view.open.has(finding.id);
  element.querySelector("[data-finding]")?.setAttribute("aria-expanded", String(open));
  const there = element.querySelector(":scope > .details");
  if (!open) {
    if (there) {
      there.remove();
      row.normalizeHeight();
    }
    return;
  }
  if (there) return;
  let content = {};
  let failed = null;
  try {
    content = finding.more || (await more(view.report, finding));
  } catch (error) {
    failed = el("p", { class: "error" }, shown(error.message));
  }
  if (!view.open.has(finding.id) || element.querySelector(":scope > .details")) return;
  const told = details(finding, view.report.rules[finding.rule], content, view.report.created);
  told.setAttribute("role", "gridcell");
  if (failed) told.prepend(failed);
  element.append(told);
  if (element.isConnected) row.normalizeHeight();
}

/** Move the focus to the next or previous finding. */
function move(view, event) {
  const step = { ArrowDown: "getNextRow", ArrowUp: "getPrevRow" }[event.key];
  const here = event.target.dataset.finding ?? (event.target === view.place ? view.at : undefined);
  if (!step || here === undefined) return;
  event.preventDefault();
  const next = view.table.searchRows("id", "=", Number(here))[0]?.[step]();
  if (!next) return;
  view.at = next.getData().id;
  if (next.getElement().isConnected) stand(view);
  else {
    // Handle keys that are pressed while the table scrolls.
    view.place.focus({ preventScroll: true });
    view.table.scrollToRow(next, "center", false).then(() => stand(view));
  }
}

function stand(view) {
  const opener = () => view.place.querySelector(`[data-finding="${view.at}"]`);
  opener()?.focus();
  // The table recreates its rows when it scrolls far.
  requestAnimationFrame(() => [document.body, view.place].includes(document.activeElement) && opener()?.focus());
}

/** Return the host if there is one, otherwise their number. */
function place(rows) {
  const hosts = new Set(rows.map((one) => one.host));
  return hosts.size === 1 ? legible([...hosts][0]) : count(hosts.size, "host");
}

function heading(view, value, rows, visible) {
  const title = view.wanted.group === "rule" ? view.report.rules[value]?.title || value : value;
  const worst = Math.min(...rows.map((one) => one.rank));
  const head = el(
    "button",
    { type: "button", class: "group", "data-group": value, "aria-expanded": String(visible) },
    badge(SEVERITIES[worst] || "info"),
    el("b", {}, shown(title)),
    el(
      "span",
      { class: "hint" },
      view.wanted.group === "rule"
        ? `${count(rows.length, "finding")} on ${place(rows)}`
        : count(rows.length, "finding"),
    ),
  );
  const cell = el("div", { role: "gridcell" }, head);
  queueMicrotask(() => cell.parentElement?.setAttribute("role", "row"));
  return cell;
}
