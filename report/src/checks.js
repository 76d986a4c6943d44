// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// What the audit checked: the result of each rule, and of each control of the CIS Docker Benchmark.

import { badge } from "./finding.js";
import { add, count, el, legible, number, shown } from "./text.js";

const STATES = {
  failed: "Failed: the rule has findings",
  "not checked": "Not checked: no host provided the data",
  "partly checked": "Partly checked: no finding, but some hosts did not provide the data",
  waived: "Waived: all findings are accepted",
  passed: "Passed: no finding on any host",
  "not applicable": "Not applicable: no host has what the rule checks",
};
const TONES = { failed: "high", "not checked": "medium", "partly checked": "medium", passed: "good" };

const mark = (state) => el("span", { class: `badge ${TONES[state] || "info"}` }, state);

/** Return the number of rules by result, as a section of the overview. */
export function tests(report) {
  const counts = report.summary.rules || {};
  return el(
    "section",
    { "aria-labelledby": "tests" },
    el("h3", { id: "tests" }, "Checks"),
    el(
      "ul",
      { class: "plain-list" },
      Object.keys(STATES)
        .filter((state) => counts[state])
        .map((state) => el("li", {}, mark(state), el("span", {}, count(counts[state], "rule")))),
    ),
    el("p", {}, el("a", { href: "#/checks" }, "All rules and CIS controls")),
  );
}

export async function checksPage(screen, report) {
  const rules = Object.entries(report.rules).map(([id, rule]) => ({ id, ...rule }));
  add(
    screen,
    el("h2", {}, "Checks"),
    el("p", { class: "hint" }, `${count(rules.length, "rule")} on ${count(report.hosts.length, "host")}.`),
    Object.entries(STATES).map(([state, text]) =>
      listed(
        report,
        text,
        rules.filter((rule) => rule.state === state),
        state,
      ),
    ),
    controls(report),
  );
}

function listed(report, text, rules, state) {
  if (!rules.length) return null;
  rules.sort((a, b) => a.id.localeCompare(b.id));
  return el(
    "details",
    { class: "checks", open: !["passed", "not applicable"].includes(state) },
    el("summary", {}, el("b", {}, number(rules.length)), " ", text),
    table(
      ["Rule", "Severity", "Checked on", "Not checked on", "Not applicable to"],
      rules.map((rule) => [
        [
          rule.findings
            ? el("a", { href: `#/findings?rule=${encodeURIComponent(rule.id)}` }, shown(rule.title))
            : shown(rule.title),
          el("span", { class: "object" }, shown(rule.id)),
        ],
        badge(rule.severity),
        count(rule.checked, "host"),
        rule.not_checked ? count(rule.not_checked, "host") : "",
        rule.not_applicable ? count(rule.not_applicable, "host") : "",
      ]),
      text,
    ),
  );
}

function controls(report) {
  const all = report.controls || [];
  if (!all.length) return null;
  return el(
    "section",
    { "aria-labelledby": "cis" },
    el("h3", { id: "cis" }, "CIS Docker Benchmark 1.8.0"),
    el("p", { class: "hint" }, "The controls about networking. A control has the result of its worst rule."),
    table(
      ["Control", "Result", "Findings", "Rules"],
      all.map((one) => [
        shown(one.control),
        mark(one.state),
        one.findings ? number(one.findings) : "",
        legible(one.rules.join(", ")),
      ]),
      "CIS Docker Benchmark",
    ),
  );
}

function table(heads, rows, label) {
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el(
        "tbody",
        {},
        rows.map((row) => el("tr", {}, row.map((value, at) => el("td", { "data-label": value ? heads[at] : null }, value)))),
      ),
    ),
  );
}
