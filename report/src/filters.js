// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Filters of the findings table, stored in the address.

import { SEVERITIES } from "./data.js";
import { choice, toggles } from "./grid.js";
import { count, el, legible, number } from "./text.js";

export const SORTS = {
  severity: [{ column: "rank", dir: "asc" }],
  host: [{ column: "host", dir: "asc" }],
  finding: [{ column: "title", dir: "asc" }],
};
const STATUS = { "": "Open", new: "New", unchanged: "Unchanged", waived: "Waived", all: "All" };

/** Return the filter values of an address. */
export function wantedOf(chosen) {
  return {
    text: chosen.get("search") || "",
    severities: new Set((chosen.get("severity") || "").split(",").filter((one) => SEVERITIES.includes(one))),
    status: Object.hasOwn(STATUS, chosen.get("status")) ? chosen.get("status") : "",
    rule: chosen.get("rule") || "",
    host: chosen.get("host") || "",
    group: { none: "", host: "host" }[chosen.get("group")] ?? "rule",
    sort: Object.hasOwn(SORTS, chosen.get("sort")) ? chosen.get("sort") : "severity",
  };
}

/** Return the filter fields. */
export function filters(view) {
  const { report, wanted } = view;
  const rules = Object.entries(report.rules)
    .filter(([id]) => report.findings.some((one) => one.rule === id))
    .sort(
      (a, b) =>
        SEVERITIES.indexOf(a[1].severity) - SEVERITIES.indexOf(b[1].severity) || a[1].title.localeCompare(b[1].title),
    );
  const change = (name) => (value) => {
    wanted[name] = value;
    filter(view);
  };
  let timer;
  const search = el("input", {
    type: "search",
    id: "search",
    value: wanted.text,
    placeholder: report.beside ? "title, host, object" : "title, host, object, evidence",
    oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => change("text")(event.target.value), 150);
    },
  });
  const hosts = el("input", {
    type: "search",
    id: "host",
    value: wanted.host,
    placeholder: "all",
    list: "hosts",
    oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => change("host")(event.target.value), 150);
    },
  });
  const names = el(
    "datalist",
    { id: "hosts" },
    report.hosts
      .filter((host) => host.total)
      .slice(0, 500)
      .map((host) => el("option", { value: host.name })),
  );
  return el(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "wide" }, el("span", {}, "Search"), search),
    toggles(
      "Severity",
      SEVERITIES.map((one) => [one, `${one} ${number(report.summary.findings?.[one])}`, one]),
      wanted.severities,
      () => filter(view),
    ),
    el("span", { class: "break" }),
    choice("Status", Object.entries(STATUS), wanted.status, change("status")),
    choice("Rule", [["", "all"], ...rules.map(([id, rule]) => [id, legible(rule.title)])], wanted.rule, change("rule")),
    el("label", {}, el("span", {}, "Host"), hosts, names),
    choice(
      "Group by",
      [
        ["", "none"],
        ["rule", "rule"],
        ["host", "host"],
      ],
      wanted.group,
      (value) => {
        wanted.group = value;
        view.table?.setGroupBy(value || false);
        filter(view);
      },
    ),
    choice(
      "Sort by",
      [
        ["severity", "severity"],
        ["host", "host"],
        ["finding", "finding"],
      ],
      wanted.sort,
      (value) => {
        wanted.sort = value;
        view.table?.setSort(SORTS[value]);
        remember(wanted);
      },
    ),
  );
}

/** Apply the filters to the table. */
export function filter(view) {
  const { wanted, table } = view;
  remember(wanted);
  if (!table) return;
  const text = wanted.text.trim().toLowerCase();
  const host = wanted.host.trim().toLowerCase();
  table.setFilter(
    (finding) =>
      (!wanted.severities.size || wanted.severities.has(finding.severity)) &&
      (!wanted.rule || finding.rule === wanted.rule) &&
      (!host || legible(finding.host).toLowerCase().includes(host)) &&
      status(finding, wanted.status) &&
      (!text || words(finding).includes(text)),
  );
}

function status(finding, wanted) {
  if (wanted === "all") return true;
  if (wanted === "waived") return Boolean(finding.waived);
  return !finding.waived && (!wanted || finding.status === wanted);
}

/** Return the text of a finding that the search covers. */
function words(finding) {
  finding.words ||= legible(
    [
      finding.title,
      finding.rule,
      finding.host,
      finding.object,
      finding.more
        ? Object.values(finding.more.evidence || {})
            .map((one) => (typeof one === "object" ? JSON.stringify(one) : one))
            .join(" ")
        : "",
    ].join(" "),
  ).toLowerCase();
  return finding.words;
}

/** Store the filters in the address, so that it can be shared and bookmarked. */
function remember(wanted) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({
    search: wanted.text,
    severity: [...wanted.severities].join(","),
    status: wanted.status,
    rule: wanted.rule,
    host: wanted.host,
    group: wanted.group === "rule" ? "" : wanted.group || "none",
    sort: wanted.sort === "severity" ? "" : wanted.sort,
  }))
    if (value) query.set(name, value);
  const text = query.toString();
  history.replaceState(null, "", `#/findings${text ? `?${text}` : ""}`);
}
