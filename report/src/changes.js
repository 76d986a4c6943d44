// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// What has changed since the run before, and what nobody could look at.

import { badge } from "./finding.js";
import { count, el, number, shown, time } from "./text.js";

const LISTED = 200;
const SOME = 20;

/** Say what has changed and what nobody could look at, in one line; more of it stands below. */
export function changes(report) {
  const to = (id, text) => el("a", { href: `#${id}`, onclick: (event) => go(event, id) }, text);
  const { fixed, appeared, vanished, earlier, summary } = report;
  const moved = [
    `${number(summary.new)} new`,
    `${number(fixed.count)} fixed`,
    `${number(appeared.count)} appeared`,
    `${number(vanished.count)} vanished`,
  ];
  const unseen = missing(report).reduce((sum, [rows]) => sum + rows.count, 0);
  return el(
    "p",
    { class: "changes" },
    earlier
      ? [`Since ${time(earlier.created)}: `, to("since", moved.join(", ")), ". "]
      : "Not compared with an earlier run. ",
    unseen ? [to("blind", count(unseen, "thing")), " could not be checked."] : "Everything could be checked.",
  );
}

function go(event, id) {
  event.preventDefault();
  const heading = document.getElementById(id);
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "start" });
}

export function since(report) {
  const head = el("h3", { id: "since" }, "Since the last run");
  if (!report.earlier)
    return el(
      "section",
      { "aria-labelledby": "since" },
      head,
      el("p", { class: "none" }, "This report was not compared with an earlier one."),
    );
  const fixed = (row) =>
    el(
      "li",
      {},
      badge(row.severity || "info"),
      " ",
      shown(row.title || row.rule || ""),
      el("span", { class: "object" }, shown(`${row.host || ""} ${row.object || ""}`.trim())),
    );
  return el(
    "section",
    { "aria-labelledby": "since" },
    head,
    el("p", { class: "hint" }, `Compared with the run of ${time(report.earlier.created)}.`),
    el(
      "p",
      { class: "change" },
      el("a", { href: "#/findings?status=new" }, el("b", {}, number(report.summary.new)), " new findings"),
    ),
    listed("fixed findings", report.fixed, fixed),
    listed("appeared", report.appeared, moved),
    listed("vanished", report.vanished, moved),
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

function listed(label, { count: whole, rows }, line) {
  const head = [el("b", {}, number(whole)), ` ${label}`];
  if (!whole) return el("p", { class: "change" }, head);
  return el(
    "details",
    { class: "change" },
    el("summary", {}, head),
    el(
      "ul",
      {},
      rows.slice(0, LISTED).map(line),
      whole > LISTED
        ? el("li", { class: "hint" }, `and ${number(whole - Math.min(LISTED, rows.length))} more, in report.json`)
        : null,
    ),
  );
}

/** Return what nobody could look at: rows, what one and what many of them are, and how one is told. */
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
      "file is no snapshot",
      "files are no snapshots",
      (row) => named(row.file, row.reason),
    ],
    [listed(report.broken_rules || []), "rule is broken", "rules are broken", (row) => named(row.rule, row.reason)],
    [
      listed(expired),
      "waiver has expired",
      "waivers have expired",
      (row) => named(row.rule, `${row.reason} (until ${row.until})`),
    ],
    [
      report.not_checked,
      "reason why rules could not see all",
      "reasons why rules could not see all",
      (row) => {
        const hosts = row.hosts.slice(0, SOME).flatMap((name, at) => [at ? ", " : "", host(name)]);
        const where = `${count(row.rules.length, "rule")} on ${count(row.count, "host")}: `;
        return el(
          "li",
          {},
          shown(row.reason),
          el("span", { class: "object" }, where, hosts, row.count > SOME ? " …" : ""),
        );
      },
    ],
  ].filter(([rows]) => rows.count);
}

/** What nobody could look at must not be taken for healthy. */
export function blind(report) {
  const parts = missing(report).map((one) => some(...one));
  const none = el("p", { class: "none" }, "Every rule saw all that it looks at, on every host.");
  return el(
    "section",
    { "aria-labelledby": "blind" },
    el("h3", { id: "blind" }, "What could not be checked"),
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
      whole > LISTED ? el("li", { class: "hint" }, `and ${number(whole - LISTED)} more, in report.json`) : null,
    ),
  );
}
