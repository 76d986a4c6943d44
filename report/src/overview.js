// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The overview: totals, findings by severity, changes, and incomplete checks.

import { blind, changes } from "./changes.js";
import { tests } from "./checks.js";
import { SEVERITIES } from "./data.js";
import { badge, tally } from "./finding.js";
import { add, count, el, legible, number, shown } from "./text.js";

const FIRST = 6;

export async function overview(screen, report) {
  const { summary } = report;
  add(
    screen,
    el("h2", { class: "off" }, "Overview"),
    verdict(report),
    changes(report),
    el(
      "dl",
      { class: "tiles" },
      ["hosts", "namespaces", "containers", "networks"].map((name) => tile(name, summary[name], report.before?.[name])),
    ),
    severities(report),
    el("div", { class: "halves" }, first(report), worst(report)),
    el("div", { class: "halves" }, tests(report), blind(report)),
  );
}

/** Return the result of the audit in one sentence. */
function verdict(report) {
  const { critical = 0, high = 0, ...rest } = report.summary.findings || {};
  const bad = critical + high;
  const others = Object.values(rest).reduce((sum, one) => sum + one, 0);
  const severe = report.hosts.filter((host) => host.counts[0] + host.counts[1]);
  const on = severe.length;
  const first = severe[0];
  // A clean result is good only if everything was checked.
  const gaps = report.summary.gaps;
  const text = bad
    ? `${count(bad, "finding")} of severity ${critical && high ? "critical or high" : critical ? "critical" : "high"} on ${on === 1 ? legible(first.name) : count(on, "host")}`
    : others
      ? "No critical or high findings"
      : "No findings";
  return [
    el("p", { class: `verdict ${bad ? "bad" : gaps ? "unsure" : "good"}` }, text, gaps && !bad ? " in what was checked" : ""),
    gaps ? el("p", { class: "gaps" }, "Not everything was checked: ", shown(gaps), ".") : null,
  ];
}

function tile(name, value, before) {
  const more = before === undefined || before === null ? 0 : value - before;
  return el(
    "div",
    {},
    el("dt", {}, name),
    el(
      "dd",
      {},
      number(value),
      more
        ? el(
            "span",
            { class: "hint", title: "compared with the previous run" },
            ` ${more > 0 ? "+" : "−"}${number(Math.abs(more))}`,
          )
        : null,
    ),
  );
}

function severities(report) {
  const counts = SEVERITIES.map((one) => report.summary.findings?.[one] || 0);
  const total = counts.reduce((sum, one) => sum + one, 0);
  const waived = report.summary.waived || 0;
  return el(
    "section",
    { class: "severities", "aria-labelledby": "by-severity" },
    el("h3", { id: "by-severity" }, "Findings by severity"),
    el(
      "ul",
      { class: "bars" },
      SEVERITIES.map((severity, place) =>
        el(
          "li",
          {},
          el(
            "a",
            { href: `#/findings?severity=${severity}`, class: severity },
            el("b", {}, number(counts[place])),
            el("span", {}, severity),
            el("meter", {
              min: "0",
              max: String(Math.max(1, total)),
              value: String(counts[place]),
              "aria-hidden": "true",
              tabindex: "-1",
            }),
          ),
        ),
      ),
    ),
    waived
      ? el(
          "p",
          { class: "hint" },
          el("a", { href: "#/findings?status=waived" }, count(waived, "waived finding")),
          " not included.",
        )
      : null,
  );
}

/** Return the rules with the most severe findings. */
function first(report) {
  const open = Object.entries(report.rules)
    .map(([id, rule]) => ({ id, ...rule, ...found(report, id) }))
    .filter((rule) => rule.number);
  open.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || b.number - a.number);
  return el(
    "section",
    { "aria-labelledby": "first" },
    el("h3", { id: "first" }, "Most severe findings"),
    open.length
      ? el(
          "ol",
          { class: "first" },
          open
            .slice(0, FIRST)
            .map((rule) =>
              el(
                "li",
                {},
                badge(rule.severity),
                el(
                  "div",
                  {},
                  el("a", { href: `#/findings?rule=${encodeURIComponent(rule.id)}` }, shown(rule.title)),
                  el(
                    "span",
                    { class: "hint" },
                    ` ${count(rule.number, "finding")}${rule.hosts ? ` on ${rule.hosts === 1 ? legible(rule.host) : count(rule.hosts, "host")}` : ""}`,
                  ),
                  rule.reason ? el("p", {}, shown(rule.reason)) : null,
                ),
              ),
            ),
        )
      : el("p", { class: "none" }, "No open findings."),
    open.length > FIRST
      ? el("p", {}, el("a", { href: "#/findings?group=rule" }, `All ${open.length} rules with findings`))
      : null,
  );
}

function found(report, id) {
  report.byRule ||= report.findings.reduce((all, one) => {
    if (one.waived) return all;
    const rule = all.get(one.rule) || { number: 0, on: new Set() };
    rule.number += 1;
    rule.on.add(one.host);
    return all.set(one.rule, rule);
  }, new Map());
  const here = report.byRule.get(id);
  const whole = report.rules[id].findings;
  return { number: whole ?? here?.number ?? 0, hosts: report.findings_left_out ? null : here?.on.size || 0, host: [...(here?.on || [])][0] };
}

function worst(report) {
  const hosts = report.hosts.filter((host) => host.total).sort((a, b) => b.weight - a.weight);
  return el(
    "section",
    { "aria-labelledby": "worst" },
    el("h3", { id: "worst" }, "Hosts with the most severe findings"),
    hosts.length
      ? el(
          "ul",
          { class: "plain-list" },
          hosts
            .slice(0, 8)
            .map((host) =>
              el(
                "li",
                {},
                el("a", { href: `#/host/${encodeURIComponent(host.name)}` }, shown(host.name)),
                tally(host.counts, SEVERITIES),
              ),
            ),
        )
      : el("p", { class: "none" }, "No host has findings."),
    el(
      "p",
      {},
      el("a", { href: "#/hosts" }, `All ${count(report.hosts.length, "host")}`),
      " · ",
      el("a", { href: "#/fleet" }, "Fleet map"),
    ),
  );
}
