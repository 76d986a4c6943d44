// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The fleet map: hosts, and the overlays and segments that connect them.

import { SEVERITIES, fleet } from "./data.js";
import { Picture, lines } from "./picture.js";
import { add, count, el, legible } from "./text.js";

// Draw at most this many boxes; the filter field selects them.
const MOST = 40;

export async function fleetPage(screen, report, name, chosen, ready) {
  const field = el("input", {
    type: "search",
    id: "near",
    value: chosen.get("near") || "",
    placeholder: "host, network or subnet",
  });
  const said = el("p", { class: "hint", role: "status" });
  const place = el("div");
  add(
    screen,
    el("h2", {}, "Fleet map"),
    el(
      "p",
      {},
      "Hosts and the overlay networks, static VXLANs and macvlan segments that connect them. Hosts with the same connections are drawn as one box.",
    ),
    el(
      "div",
      { class: "filters" },
      el("label", { class: "wide" }, el("span", {}, "Show matching items and their connections"), field),
    ),
    said,
    place,
  );
  ready();
  const whole = await fleet();
  let last = 0;
  const draw = async () => {
    const mine = ++last;
    const graph = near(whole, field.value);
    const hosts = graph.nodes.filter((node) => node.kind === "host").length;
    const networks = graph.nodes.length - hosts;
    said.textContent = `${count(hosts, "host")}, ${count(networks, "network")}${graph.left ? `; ${count(graph.left, "more network")} hidden, use the filter to show more` : ""}`;
    const picture = new Picture(graph, {
      name: "Fleet map",
      tell: (numbers) =>
        lines(
          numbers
            .slice(0, 20)
            .map((one) => report.findings[one])
            .filter(Boolean),
          (finding) => `#/host/${encodeURIComponent(finding.host)}?finding=${finding.fingerprint}`,
        ),
      leads: (part) =>
        part.kind === "host" && report.byName.has(part.label) ? `#/host/${encodeURIComponent(part.label)}` : null,
    });
    if (mine !== last) return;
    place.replaceChildren(picture.element);
    await picture.draw();
  };
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, 250);
  });
  await draw();
}

/** Return the part of the map to draw: matching items and their neighbours, and the largest of many networks. */
function near(whole, text) {
  const wanted = text.trim().toLowerCase();
  let keep = null;
  if (wanted) {
    const hit = new Set(
      whole.nodes
        .filter((node) =>
          legible([node.label, ...(node.addresses || [])].join(" "))
            .toLowerCase()
            .includes(wanted),
        )
        .map((node) => node.id),
    );
    keep = new Set(hit);
    for (const edge of whole.edges) {
      if (hit.has(edge.tail)) keep.add(edge.head);
      if (hit.has(edge.head)) keep.add(edge.tail);
    }
  }
  const size = new Map();
  for (const edge of whole.edges) size.set(edge.head, (size.get(edge.head) || 0) + 1);
  const shared = whole.nodes.filter((node) => node.kind !== "host" && (!keep || keep.has(node.id)));
  const drawn = new Set(
    shared
      .sort(
        (a, b) =>
          (b.findings?.length || 0) - (a.findings?.length || 0) || (size.get(b.id) || 0) - (size.get(a.id) || 0),
      )
      .slice(0, MOST)
      .map((node) => node.id),
  );
  const there = (node) => (node.kind === "host" ? !keep || keep.has(node.id) : drawn.has(node.id));
  const nodes = whole.nodes.filter(there);
  const ids = new Set(nodes.map((node) => node.id));
  const edges = whole.edges.filter((edge) => ids.has(edge.tail) && ids.has(edge.head));
  return { ...whole, nodes, edges, left: shared.length - drawn.size, folds: alike(nodes, edges) };
}

/** Return folds of the hosts that have the same connections and the same severity. */
function alike(nodes, edges) {
  const on = new Map();
  for (const edge of edges) on.set(edge.tail, `${on.get(edge.tail) || ""} ${edge.head}`);
  const hosts = nodes.filter((node) => node.kind === "host");
  let sets = grouped(hosts, (node) => `${node.severity || ""}|${on.get(node.id) || ""}`);
  // If there are too many boxes, ignore the severity and combine the smallest groups.
  if (sets.length > MOST) sets = grouped(hosts, (node) => on.get(node.id) || "");
  const rest = sets.splice(MOST).flat();
  const many = sets.filter((members) => members.length > (members.some((node) => node.severity) ? 8 : 3));
  return [...many, ...(rest.length > 1 ? [rest] : [])].map((members, at) => ({
    id: `f${at}`,
    kind: "host",
    label: count(members.length, "host"),
    members: members.map((node) => node.id),
    severity: SEVERITIES.find((severity) => members.some((node) => node.severity === severity)),
  }));
}

/** Return items grouped by key, largest group first. */
function grouped(all, key) {
  const found = new Map();
  for (const one of all) {
    const name = key(one);
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(one);
  }
  return [...found.values()].sort((a, b) => b.length - a.length);
}
