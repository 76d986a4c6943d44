// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// A finding, unfolded: why it matters, what proves it, and what to type.

import { copyButton } from "./copy.js";
import { add, count, el, legible, shown } from "./text.js";

export function badge(severity) {
  return el("span", { class: `badge ${severity}` }, severity);
}

export function marks(finding) {
  return [
    finding.status === "new" ? el("span", { class: "mark new", title: "not there in the run before" }, "new") : null,
    finding.waived ? el("span", { class: "mark", title: "accepted by a waiver" }, "waived") : null,
  ];
}

function reference(text) {
  if (/^https?:\/\/[^\s]+$/.test(text)) {
    return el("a", { href: text, rel: "noreferrer noopener", target: "_blank" }, shown(text));
  }
  return el("span", {}, shown(text));
}

/** Return a value of the evidence: text, a list of values, or an object. */
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
  const code = el("pre", { tabindex: "0", "aria-label": "What to type" }, el("code", {}, shown(text, true)));
  return el("div", { class: "remedy" }, code, copyButton(legible(text, true), "Copy the remedy"));
}

/** Return the parts of an unfolded finding. `rule` is the rule's own data, `more` what is known of this finding. */
export function details(finding, rule, more) {
  const waived = finding.waived;
  return el(
    "div",
    { class: "details" },
    waived
      ? el(
          "p",
          { class: "waived" },
          "Accepted: ",
          shown(waived.reason || "no reason given"),
          waived.until ? `, until ${legible(waived.until)}` : "",
        )
      : null,
    rule?.reason ? [el("h4", {}, "Why it matters"), el("p", {}, shown(rule.reason))] : null,
    more.evidence ? [el("h4", {}, "Evidence"), evidence(more.evidence)] : null,
    more.remedy ? [el("h4", {}, "What to do"), remedy(more.remedy)] : null,
    more.remediation
      ? el(
          "p",
          { class: "hint" },
          "The role can do this by itself, with ",
          el("code", {}, `audit_remediate: [${legible(finding.rule)}]`),
          ".",
        )
      : null,
    el(
      "p",
      { class: "hint" },
      "Rule ",
      el("code", {}, shown(finding.rule)),
      ...(rule?.references || []).flatMap((one) => [" · ", reference(one)]),
    ),
  );
}

/** Return a finding as a disclosure of its own; `extra` makes what stands below it. */
export function disclosure(finding, rule, more, open = false, extra = () => null) {
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
  // A host may have thousands: what is in them is made when it is looked at.
  whole.fill = () => whole.querySelector(".details") || whole.append(add(details(finding, rule, more), extra()));
  if (open) whole.fill();
  whole.addEventListener("toggle", () => whole.open && whole.fill());
  return whole;
}

/** Return counts by severity, those that are none left out. */
export function tally(counts, severities) {
  const there = severities.map((severity, place) => [severity, counts[place]]).filter(([, one]) => one);
  if (!there.length) return el("span", { class: "none" }, "nothing found");
  return el(
    "span",
    { class: "tally" },
    there.map(([severity, one]) =>
      el("span", { class: `badge ${severity}`, title: count(one, `${severity} finding`) }, `${one} ${severity}`),
    ),
  );
}
