// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Changes since the previous run, and incomplete checks.

import { badge } from "./finding.js";
import { add, count, el, legible, number, shown, time } from "./text.js";

const LISTED = 200;
const SOME = 20;
// Up to this number of rows, a list is open.
const SHORT = 50;

/** Return a one-line summary of changes and incomplete checks, with links to the details. */
export function changes(report) {
  const to = (id, text) => el("a", { href: `#${id}`, onclick: (event) => go(event, id) }, text);
  const { fixed, appeared, vanished, earlier, summary } = report;
  const moved = [
    count(summary.new, "new finding"),
    `${number(fixed.count)} fixed`,
    count(appeared.count, "object added", "objects added"),
    `${number(vanished.count)} removed`,
  ];
  const unseen = missing(report).reduce((sum, [rows]) => sum + rows.count, 0);
  return el(
    "p",
    { class: "changes" },
    earlier
      ? [`Since ${time(earlier.created)}: `, el("a", { href: "#/changes" }, moved.join(", ")), ". "]
      : "Not compared with a previous run. ",
    unseen ? ["Incomplete checks: ", to("blind", count(unseen, "problem")), "."] : "All checks are complete.",
  );
}

function go(event, id) {
  event.preventDefault();
  const heading = document.getElementById(id);
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "start" });
}

/** Show the changes since the previous run: new and fixed findings, added and removed objects. */
export async function changesPage(screen, report) {
  add(screen, el("h2", { id: "since" }, "Changes since the previous run"));
  if (!report.earlier) {
    add(screen, el("p", { class: "none" }, "This report was not compared with a previous run."));
    return;
  }
  const found = (row) =>
    el(
      "li",
      {},
      badge(row.severity || "info"),
      " ",
      shown(row.title || row.rule || ""),
      el("span", { class: "object" }, shown(`${row.host || ""} ${row.object || ""}`.trim())),
    );
  const fresh = report.findings.filter((one) => one.status === "new" && !one.waived);
  add(
    screen,
    el("p", { class: "hint" }, `Compared with the run at ${time(report.earlier.created)}.`),
    listed("new finding", "new findings", { count: report.summary.new, rows: fresh }, found),
    report.summary.new ? el("p", {}, el("a", { href: "#/findings?status=new" }, "New findings with evidence and remedy")) : null,
    listed("fixed finding", "fixed findings", report.fixed, found),
    listed("object added", "objects added", report.appeared, moved),
    listed("object removed", "objects removed", report.vanished, moved),
  );
}

const moved = (row) =>
  typeof row === "object" && row
    ? el(
        "li",
        {},
        [row.type, row.name ?? row.object].filter(Boolean).map((one) => [shown(one), " "]),
        row.type === "host" ? null : el("span", { class: "object" }, shown(row.host || "")),
      )
    : el("li", {}, shown(row));

function listed(one, many, { count: whole, rows }, line) {
  const head = [el("b", {}, number(whole)), ` ${whole === 1 ? one : many}`];
  if (!whole) return el("p", { class: "change" }, head);
  return el(
    "details",
    { class: "change", open: rows.length <= SHORT },
    el("summary", {}, head),
    el(
      "ul",
      {},
      rows.slice(0, LISTED).map(line),
      whole > LISTED
        ? el("li", { class: "hint" }, `${number(whole - Math.min(LISTED, rows.length))} more in report.json`)
        : null,
    ),
  );
}

/** Return the reasons for incomplete checks: rows, singular label, plural label, and a function that renders one row. */
function missing(report) {
  const listed = (rows) => ({ count: rows.length, rows });
  const named = (name, reason) => el("li", {}, el("code", {}, shown(name)), ": ", shown(reason));
  const host = (name) =>
    report.byName.has(name) ? el("a", { href: `#/host/${encodeURIComponent(name)}` }, shown(name)) : shown(name);
  const expired = (report.waivers || []).filter((one) => one.expired);
  return [
    [report.absent, "host without a snapshot", "hosts without a snapshot", (name) => el("li", {}, shown(name))],
    [
      listed(report.broken_snapshots || []),
      "invalid snapshot file",
      "invalid snapshot files",
      (row) => named(row.file, row.reason),
    ],
    [listed(report.broken_rules || []), "invalid rule", "invalid rules", (row) => named(row.rule, row.reason)],
    [
      listed(expired),
      "expired waiver",
      "expired waivers",
      (row) => named(row.rule, `${row.reason} (until ${row.until})`),
    ],
    [
      report.not_checked,
      "cause of incomplete checks",
      "causes of incomplete checks",
      (row) => {
        const hosts = row.hosts.slice(0, SOME).flatMap((name, at) => [at ? ", " : "", host(name)]);
        return el(
          "li",
          {},
          shown(row.text),
          el("span", { class: "object" }, "Hosts: ", hosts, row.count > SOME ? " …" : ""),
          el("span", { class: "object" }, `Rules: ${legible(row.rules.join(", "))}`),
        );
      },
    ],
  ].filter(([rows]) => rows.count);
}

/** Return the section of incomplete checks, so that missing data is not mistaken for a healthy host. */
export function blind(report) {
  const parts = missing(report).map((one) => some(...one));
  const none = el("p", { class: "none" }, "All rules were checked on all hosts.");
  return el(
    "section",
    { "aria-labelledby": "blind" },
    el("h3", { id: "blind" }, "Incomplete checks"),
    parts.length ? parts : none,
  );
}

function some({ count: whole, rows }, one, many, line) {
  return el(
    "details",
    { class: "change blind" },
    el("summary", {}, el("b", {}, number(whole)), ` ${whole === 1 ? one : many}`),
    el(
      "ul",
      {},
      rows.slice(0, LISTED).map(line),
      whole > LISTED ? el("li", { class: "hint" }, `${number(whole - LISTED)} more in report.json`) : null,
    ),
  );
}
