// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The details of a finding: reason, evidence and remedy.

import { copyButton } from "./copy.js";
import { add, count, el, legible, shown } from "./text.js";

export function badge(severity) {
  return el("span", { class: `badge ${severity}` }, severity);
}

export function marks(finding) {
  return [
    finding.status === "new" ? el("span", { class: "mark new", title: "not found in the previous run" }, "new") : null,
    finding.waived ? el("span", { class: "mark", title: "accepted by a waiver" }, "waived") : null,
  ];
}

function reference(text) {
  if (/^https?:\/\/[^\s]+$/.test(text)) {
    return el("a", { href: text, rel: "noreferrer noopener", target: "_blank" }, shown(text));
  }
  return el("span", {}, shown(text));
}

/** Return an evidence value: text, a list of values, or an object. */
function value(what) {
  if (what === null || what === undefined || what === "") return el("span", { class: "none" }, "none");
  if (Array.isArray(what)) {
    if (!what.length) return el("span", { class: "none" }, "none");
    if (what.every((one) => one === null || typeof one !== "object")) {
      return el(
        "ul",
        { class: "values" },
        what.map((one) => el("li", {}, value(one))),
      );
    }
    return el(
      "ul",
      { class: "values" },
      what.map((one) => el("li", {}, value(one))),
    );
  }
  if (typeof what === "object") return evidence(what);
  if (typeof what === "boolean") return el("code", {}, what ? "yes" : "no");
  return el("code", {}, shown(what));
}

export function evidence(fields) {
  return el(
    "dl",
    { class: "evidence" },
    Object.entries(fields).map(([name, what]) =>
      el("div", {}, el("dt", {}, shown(name.replaceAll("_", " "))), el("dd", {}, value(what))),
    ),
  );
}

function remedy(text) {
  const code = el("pre", { tabindex: "0", "aria-label": "Remedy" }, el("code", {}, shown(text, true)));
  return el("div", { class: "remedy" }, code, copyButton(legible(text, true), "Copy remedy"));
}

const quoted = (text) => JSON.stringify(legible(text));
// Values of a waiver are shell patterns.
const pattern = (text) => String(text).replace(/[*?[]/g, (one) => `[${one}]`);

/** Return a waiver for a finding as YAML, with the columns that identify it. It expires after 90 days. */
export function waiver(finding, rule, more, created) {
  const until = new Date((Date.parse(created) || 0) + 90 * 86400000).toISOString().slice(0, 10);
  const where = (rule?.key || [])
    .map((name) => [name, more.evidence?.[name]])
    .filter(([, one]) => typeof one === "string" || typeof one === "number");
  return [
    "audit_waivers:",
    `  - rule: ${legible(finding.rule)}`,
    `    host: ${quoted(pattern(finding.host))}`,
    ...(where.length ? ["    where:"] : []),
    ...where.map(([name, one]) => `      ${legible(name)}: ${quoted(pattern(one))}`),
    `    until: "${until}"`,
    '    reason: "REASON"',
    "",
  ].join("\n");
}

function waiving(finding, rule, more, created) {
  const text = waiver(finding, rule, more, created);
  return el(
    "details",
    { class: "waiver" },
    el("summary", {}, "Accept this finding"),
    el("p", { class: "hint" }, "Add this to the variables of the hosts, and state the reason."),
    el(
      "div",
      { class: "remedy" },
      el("pre", { tabindex: "0", "aria-label": "Waiver" }, el("code", {}, text)),
      copyButton(text, "Copy waiver"),
    ),
  );
}

/** Return the details of a finding. `rule` is the data of the rule, `more` the data of the finding. */
export function details(finding, rule, more, created) {
  const waived = finding.waived;
  return el(
    "div",
    { class: "details" },
    waived
      ? el(
          "p",
          { class: "waived" },
          "Waived: ",
          shown(waived.reason || "no reason given"),
          waived.until ? `, until ${legible(waived.until)}` : "",
        )
      : null,
    rule?.reason ? [el("h4", {}, "Why it matters"), el("p", {}, shown(rule.reason))] : null,
    more.evidence ? [el("h4", {}, "Evidence"), evidence(more.evidence)] : null,
    more.remedy ? [el("h4", {}, "Remedy"), remedy(more.remedy)] : null,
    more.remediation
      ? el(
          "p",
          { class: "hint" },
          "To apply the remedy with the audit role, set ",
          el("code", {}, `audit_remediate: [${legible(finding.rule)}]`),
          ".",
        )
      : null,
    waived || !more.evidence ? null : waiving(finding, rule, more, created),
    el(
      "p",
      { class: "hint" },
      "Rule ",
      el("code", {}, shown(finding.rule)),
      ...(rule?.references || []).flatMap((one) => [" · ", reference(one)]),
    ),
  );
}

/** Return a finding as a disclosure element; `extra` returns content to append. */
export function disclosure(finding, rule, more, open = false, extra = () => null, created = "") {
  const whole = el(
    "details",
    { class: `finding ${finding.severity}`, open, id: finding.anchor },
    el(
      "summary",
      {},
      el("i", { class: "chevron" }),
      badge(finding.severity),
      el(
        "span",
        { class: "what" },
        el("b", {}, shown(finding.title)),
        el("span", { class: "object" }, shown(finding.object)),
      ),
      marks(finding),
    ),
  );
  // A host can have thousands of findings: create the details when the element opens.
  whole.fill = () => whole.querySelector(".details") || whole.append(add(details(finding, rule, more, created), extra()));
  if (open) whole.fill();
  whole.addEventListener("toggle", () => whole.open && whole.fill());
  return whole;
}

/** Return the counts by severity, without zeros. */
export function tally(counts, severities, unchecked = 0) {
  const there = severities.map((severity, place) => [severity, counts[place]]).filter(([, one]) => one);
  const blind = unchecked
    ? el("span", { class: "badge medium", title: "no data for these rules" }, `${unchecked} not checked`)
    : null;
  if (!there.length) return el("span", { class: "tally" }, el("span", { class: "none" }, "no findings"), blind);
  return el(
    "span",
    { class: "tally" },
    blind,
    there.map(([severity, one]) =>
      el("span", { class: `badge ${severity}`, title: count(one, `${severity} finding`) }, `${one} ${severity}`),
    ),
  );
}
