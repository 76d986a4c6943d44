// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The page of a host: facts, diagram and findings.

import { SEVERITIES, hostPage } from "./data.js";
import { disclosure, tally } from "./finding.js";
import { Picture, lines } from "./picture.js";
import { add, count, el, legible, number, shown, time } from "./text.js";

export async function host(screen, report, name, chosen, ready) {
  const one = report.byName.get(name);
  if (!one) {
    add(
      screen,
      el("h2", {}, shown(name)),
      el("p", {}, "This report has no host with this name. ", el("a", { href: "#/hosts" }, "All hosts")),
    );
    return;
  }
  const facts = {
    Hostname: one.hostname,
    System: one.os,
    Kernel: one.kernel,
    "Docker Engine": one.engine_version,
    "Snapshot taken": time(one.taken_at),
    Namespaces: number(one.namespaces),
    Containers: number(one.containers),
    Networks: number(one.networks),
  };
  const list = el("section", { "aria-labelledby": "found" }, el("h3", { id: "found" }, "Findings"));
  const place = el("section", { "aria-labelledby": "drawn" }, el("h3", { id: "drawn" }, "Topology"), legend());
  add(
    screen,
    el("p", { class: "trail" }, el("a", { href: "#/hosts" }, "Hosts"), " / ", shown(name)),
    el("h2", {}, shown(name)),
    el("p", {}, tally(one.counts, SEVERITIES, one.rules_not_checked)),
    el(
      "dl",
      { class: "facts row" },
      Object.entries(facts)
        .filter(([, value]) => value)
        .map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, shown(value)))),
    ),
    unseen(report, name),
    place,
    list,
  );
  ready();
  const page = await hostPage(report, one.place);
  const findings = page.findings.map((finding, id) => ({
    ...finding,
    id,
    host: name,
    title: report.rules[finding.rule]?.title || finding.rule,
    severity: report.rules[finding.rule]?.severity || "info",
    anchor: `finding-${id}`,
  }));
  const picture = new Picture(page.graph, {
    name: `Topology of ${name}`,
    tell: (numbers) =>
      lines(numbers.map((place) => findings[place]).filter(Boolean), () => "#").map((line, at) => {
        line.addEventListener("click", (event) => {
          event.preventDefault();
          unfold(findings[numbers[at]].anchor);
        });
        return line;
      }),
    leads: (part) =>
      part.kind === "remote" && report.byName.has(part.label) ? `#/host/${encodeURIComponent(part.label)}` : null,
  });
  const seen = (number) => () =>
    picture.has(number)
      ? el(
          "p",
          {},
          el("button", { type: "button", class: "where", onclick: () => picture.reveal(number) }, "Show in diagram"),
        )
      : null;
  list.append(
    ...(findings.length
      ? findings.map((one) =>
          disclosure(one, report.rules[one.rule], one, one.fingerprint === chosen.get("finding"), seen(one.id), report.created),
        )
      : [el("p", { class: "none" }, "No findings on this host.")]),
  );
  place.append(picture.element, inText(page.graph));
  await picture.draw();
  list.querySelector("details[open]")?.scrollIntoView({ block: "center" });
}

function unfold(anchor) {
  const finding = document.getElementById(anchor);
  if (!finding) return;
  finding.open = true;
  finding.scrollIntoView({ block: "center" });
  finding.querySelector("summary").focus({ preventScroll: true });
}

/** Return the incomplete checks of a host. */
function unseen(report, name) {
  const rows = report.not_checked.rows.filter((row) => row.hosts.includes(name));
  if (!rows.length) return null;
  return el(
    "details",
    { class: "notice" },
    el("summary", {}, `Incomplete checks on this host: ${count(rows.length, "cause")}`),
    el(
      "ul",
      {},
      rows.map((row) =>
        el(
          "li",
          {},
          shown(row.reason),
          el("span", { class: "hint" }, ` (${count(row.rules.length, "rule")}: ${legible(row.rules.join(", "))})`),
        ),
      ),
    ),
  );
}

function legend() {
  const sample = (kind, label) => el("span", {}, el("i", { class: `sample ${kind}` }), label);
  return el(
    "p",
    { class: "legend" },
    sample("space", "namespace"),
    sample("link", "link"),
    sample("veth", "veth pair or port"),
    sample("rides", "stacked on (macvlan, vlan, vxlan)"),
    sample("tunnel", "VXLAN tunnel"),
    sample("fold", "similar items: select to expand"),
  );
}

/** Return the namespaces and links as a table, as an alternative to the diagram. */
function inText(graph) {
  const links = new Map(graph.groups.map((group) => [group.id, []]));
  for (const node of graph.nodes) links.get(node.group)?.push(node);
  const line = (group, node, first) =>
    el(
      "tr",
      {},
      first
        ? el(
            "th",
            { scope: "row", rowspan: Math.max(1, links.get(group.id).length) },
            shown(group.label),
            el("span", { class: "hint" }, ` ${legible(group.kind)}`),
          )
        : null,
      node
        ? [node.label, node.kind, (node.addresses || []).join(", "), node.mtu || "", node.state || ""].map((value) =>
            el("td", {}, shown(value)),
          )
        : el("td", { colspan: "5", class: "none" }, "loopback only"),
    );
  const whole = el(
    "details",
    { class: "plain" },
    el(
      "summary",
      {},
      `Table view: ${count(graph.groups.length, "namespace")}, ${count(graph.nodes.length, "link")}`,
    ),
  );
  whole.fill = () => {
    if (whole.querySelector("table")) return;
    const head = el(
      "thead",
      {},
      el(
        "tr",
        {},
        ["Namespace", "Link", "Kind", "Addresses", "MTU", "State"].map((title) => el("th", { scope: "col" }, title)),
      ),
    );
    const body = graph.groups.map((group) =>
      el(
        "tbody",
        {},
        links.get(group.id).length
          ? links.get(group.id).map((node, at) => line(group, node, at === 0))
          : line(group, null, true),
      ),
    );
    whole.append(
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Namespaces and links" },
        el("table", {}, head, body),
      ),
    );
  };
  whole.addEventListener("toggle", () => whole.open && whole.fill());
  return whole;
}
