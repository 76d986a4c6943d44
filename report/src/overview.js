// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The first screen: how much there is, what is wrong, what has changed, and what nobody could look at.

import { SEVERITIES } from "./data.js";
import { badge, tally } from "./finding.js";
import { add, count, el, legible, number, shown, time } from "./text.js";

const FIRST = 6;
const LISTED = 200;

export async function overview(screen, report) {
  const { summary } = report;
  add(
    screen,
    el("h2", { class: "off" }, "Overview"),
    verdict(report),
    el("dl", { class: "tiles" }, ["hosts", "namespaces", "containers", "networks"].map((name) => tile(name, summary[name], report.before?.[name]))),
    severities(report),
    el("div", { class: "halves" }, first(report), worst(report)),
    el("div", { class: "halves" }, since(report), blind(report)),
  );
}

/** Say in one sentence how things are. */
function verdict(report) {
  const { critical = 0, high = 0, ...rest } = report.summary.findings || {};
  const bad = critical + high;
  const others = Object.values(rest).reduce((sum, one) => sum + one, 0);
  const on = report.hosts.filter((host) => host.counts[0] + host.counts[1]).length;
  const text = bad ? `${count(bad, "finding")} of severity ${critical && high ? "critical or high" : critical ? "critical" : "high"} on ${count(on, "host")}` : others ? "Nothing of severity high or above" : "Nothing was found";
  return el("p", { class: `verdict ${bad ? "bad" : "good"}` }, text);
}

function tile(name, value, before) {
  const more = before === undefined || before === null ? 0 : value - before;
  return el("div", {}, el("dt", {}, name), el("dd", {}, number(value), more ? el("span", { class: "hint", title: "since the run before" }, ` ${more > 0 ? "+" : "−"}${number(Math.abs(more))}`) : null));
}

function severities(report) {
  const counts = SEVERITIES.map((one) => report.summary.findings?.[one] || 0);
  const total = counts.reduce((sum, one) => sum + one, 0);
  const waived = report.summary.waived || 0;
  return el(
    "section",
    { class: "severities", "aria-labelledby": "by-severity" },
    el("h3", { id: "by-severity" }, "Findings by severity"),
    el("ul", { class: "bars" }, SEVERITIES.map((severity, place) => el("li", {}, el("a", { href: `#/findings?severity=${severity}`, class: severity }, el("b", {}, number(counts[place])), el("span", {}, severity), el("meter", { min: "0", max: String(Math.max(1, total)), value: String(counts[place]), "aria-hidden": "true", tabindex: "-1" }))))),
    waived ? el("p", { class: "hint" }, el("a", { href: "#/findings?status=waived" }, count(waived, "finding")), " accepted by waivers, not counted here.") : null,
  );
}

/** The rules whose findings to look at first. */
function first(report) {
  const open = Object.entries(report.rules).map(([id, rule]) => ({ id, ...rule, ...found(report, id) })).filter((rule) => rule.number);
  open.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || b.number - a.number);
  return el(
    "section",
    { "aria-labelledby": "first" },
    el("h3", { id: "first" }, "Look at these first"),
    open.length
      ? el("ol", { class: "first" }, open.slice(0, FIRST).map((rule) => el("li", {}, badge(rule.severity), el("div", {}, el("a", { href: `#/findings?rule=${encodeURIComponent(rule.id)}` }, shown(rule.title)), el("span", { class: "hint" }, ` ${count(rule.number, "finding")}${rule.hosts ? ` on ${count(rule.hosts, "host")}` : ""}`), rule.reason ? el("p", {}, shown(rule.reason)) : null))))
      : el("p", { class: "none" }, "Nothing is open."),
    open.length > FIRST ? el("p", {}, el("a", { href: "#/findings?group=rule" }, `All ${open.length} rules that found something`)) : null,
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
  return { number: whole ?? here?.number ?? 0, hosts: report.findings_left_out ? null : here?.on.size || 0 };
}

function worst(report) {
  const hosts = report.hosts.filter((host) => host.total).sort((a, b) => b.weight - a.weight);
  return el(
    "section",
    { "aria-labelledby": "worst" },
    el("h3", { id: "worst" }, "Hosts with the most to do"),
    hosts.length ? el("ul", { class: "plain-list" }, hosts.slice(0, 8).map((host) => el("li", {}, el("a", { href: `#/host/${encodeURIComponent(host.name)}` }, shown(host.name)), tally(host.counts, SEVERITIES)))) : el("p", { class: "none" }, "No host has a finding."),
    el("p", {}, el("a", { href: "#/hosts" }, `All ${count(report.hosts.length, "host")}`), " · ", el("a", { href: "#/fleet" }, "Fleet map")),
  );
}

function since(report) {
  const head = el("h3", { id: "since" }, "Since the last run");
  if (!report.earlier) return el("section", { "aria-labelledby": "since" }, head, el("p", { class: "none" }, "This report was not compared with an earlier one."));
  const fixed = (row) => el("li", {}, badge(row.severity || "info"), " ", shown(row.title || row.rule || ""), el("span", { class: "object" }, shown(`${row.host || ""} ${row.object || ""}`.trim())));
  return el(
    "section",
    { "aria-labelledby": "since" },
    head,
    el("p", { class: "hint" }, `Compared with the run of ${time(report.earlier.created)}.`),
    el("p", { class: "change" }, el("a", { href: "#/findings?status=new" }, el("b", {}, number(report.summary.new)), " new findings")),
    listed("fixed findings", report.fixed, fixed),
    listed("appeared", report.appeared, moved),
    listed("vanished", report.vanished, moved),
  );
}

const moved = (row) => (typeof row === "object" && row ? el("li", {}, [row.type, row.name ?? row.object].filter(Boolean).map((one) => [shown(one), " "]), row.type === "host" ? null : el("span", { class: "object" }, shown(row.host || ""))) : el("li", {}, shown(row)));

function listed(label, { count: whole, rows }, line) {
  const head = [el("b", {}, number(whole)), ` ${label}`];
  if (!whole) return el("p", { class: "change" }, head);
  return el("details", { class: "change" }, el("summary", {}, head), el("ul", {}, rows.slice(0, LISTED).map(line), whole > LISTED ? el("li", { class: "hint" }, `and ${number(whole - Math.min(LISTED, rows.length))} more, in report.json`) : null));
}

/** What nobody could look at: it must not be taken for healthy. */
function blind(report) {
  const parts = [
    some(report.absent, "host without a snapshot", "hosts without a snapshot", (host) => el("li", {}, shown(host))),
    some({ count: report.broken_snapshots?.length || 0, rows: report.broken_snapshots || [] }, "file is no snapshot", "files are no snapshots", (row) => el("li", {}, el("code", {}, shown(row.file)), ": ", shown(row.reason))),
    some({ count: report.broken_rules?.length || 0, rows: report.broken_rules || [] }, "rule is broken", "rules are broken", (row) => el("li", {}, el("code", {}, shown(row.rule)), ": ", shown(row.reason))),
    some({ count: (report.waivers || []).filter((one) => one.expired).length, rows: (report.waivers || []).filter((one) => one.expired) }, "waiver has expired", "waivers have expired", (row) => el("li", {}, el("code", {}, shown(row.rule)), `, until ${legible(row.until)}: `, shown(row.reason))),
    some(report.not_checked, "reason why rules could not see all", "reasons why rules could not see all", (row) => el("li", {}, shown(row.reason), el("span", { class: "object" }, `${count(row.rules.length, "rule")} on ${count(row.count, "host")}: `, row.hosts.slice(0, 20).flatMap((host, at) => [at ? ", " : "", report.byName.has(host) ? el("a", { href: `#/host/${encodeURIComponent(host)}` }, shown(host)) : shown(host)]), row.count > 20 ? " …" : ""))),
  ].filter(Boolean);
  return el("section", { "aria-labelledby": "blind" }, el("h3", { id: "blind" }, "What could not be checked"), parts.length ? parts : el("p", { class: "none" }, "Every rule saw all that it looks at, on every host."));
}

function some({ count: whole, rows }, one, many, line) {
  if (!whole) return null;
  return el("details", { class: "change blind" }, el("summary", {}, el("b", {}, number(whole)), ` ${whole === 1 ? one : many}`), el("ul", {}, rows.slice(0, LISTED).map(line), whole > LISTED ? el("li", { class: "hint" }, `and ${number(whole - LISTED)} more, in report.json`) : null));
}
