// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Graphviz input of a diagram. Labels are HTML-like tables, and the style sheet sets the colours.

import { folded, spaces } from "./fold.js";
import { count, legible } from "./text.js";

// Placeholder colours that the style sheet replaces: secondary text and text of each severity.
const MUTED = "#000001";
const TONES = { critical: "#0000c1", high: "#0000c2", medium: "#0000c3", low: "#0000c4", info: "#0000c5" };
const LONG = 40;
const ADDRESSES = 3;

function safe(text) {
  const plain = legible(text);
  const cut = plain.length > LONG ? `${plain.slice(0, LONG - 1)}…` : plain;
  return cut.replace(/[&<>"'\\[\]{}|%]/g, (one) => `&#${one.charCodeAt(0)};`);
}

const muted = (text) => `<FONT COLOR="${MUTED}" POINT-SIZE="10">${safe(text)}</FONT>`;
const cell = (content, port) => `<TR><TD ALIGN="LEFT"${port ? ` PORT="${port}"` : ""}>${content}</TD></TR>`;
const table = (rows) => ({
  html: `<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">${rows.join("")}</TABLE>`,
});

function found(one) {
  const all = one.findings?.length || 0;
  if (!all || !one.severity) return all ? muted(`${all} waived`) : null;
  return `<FONT COLOR="${TONES[one.severity]}" POINT-SIZE="10"><B>${all} ${all === 1 ? "finding" : "findings"}, ${one.severity}</B></FONT>`;
}

const KINDS = {
  device: "device",
  sharing: "container",
  remote: "other host",
  container: "",
  named: "named",
  process: "process",
  unowned: "no owner",
  "load-balancer": "load balancer",
};
const kind = (one) => KINDS[one.kind] ?? one.kind;

/** Return the label rows of a link. */
function rows(node, port) {
  const words = [kind(node), node.hint, node.mtu && `MTU ${node.mtu}`].filter(Boolean).join(", ");
  const state =
    node.state && node.state !== "up" ? ` <FONT COLOR="${TONES.medium}" POINT-SIZE="10">${safe(node.state)}</FONT>` : "";
  const addresses = (node.addresses || []).filter((one) => one !== node.label);
  const shown = addresses.slice(0, ADDRESSES).map((one) => cell(safe(one)));
  const left = addresses.length - ADDRESSES;
  if (left > 0) shown.push(cell(muted(count(left, "more address", "more addresses"))));
  return [
    cell(`<B>${safe(node.label)}</B> ${words ? muted(words) : ""}${state}`, port),
    node.network ? cell(muted(`network ${legible(node.network)}`)) : null,
    ...shown,
    found(node) ? cell(found(node)) : null,
  ].filter(Boolean);
}

function foldRows(fold) {
  const tone = fold.severity
    ? `<FONT COLOR="${TONES[fold.severity]}" POINT-SIZE="10"><B>${fold.severity}</B></FONT>`
    : muted("no findings");
  return [cell(`<B>${safe(fold.label)}</B>`), cell(`${tone} ${muted("· expand")}`)];
}

function heading(group) {
  const hint = group.hint && ![group.label, `container:${group.label}`].includes(group.hint) ? group.hint : null;
  const words = [kind(group), hint].filter(Boolean).join(", ");
  return [
    cell(`<B>${safe(group.label)}</B> ${words ? muted(words) : ""}`),
    found(group) ? cell(found(group)) : null,
  ].filter(Boolean);
}

function worst(group, nodes) {
  const there = new Set([group.severity, ...nodes.map((node) => node.severity)]);
  return Object.keys(TONES).find((severity) => there.has(severity)) || "";
}

function box(node) {
  return {
    name: node.id,
    attributes: {
      id: node.id,
      class: `${node.kind} ${node.severity || ""}`,
      label: table(node.box ? foldRows(node) : rows(node)),
    },
  };
}

/** Return the Graphviz input of a diagram, with the folds in `open` expanded. */
export function drawing(graph, open) {
  const drawn = folded(graph, open);
  const ends = new Map();
  const nodes = [];
  const subgraphs = [];
  const alone = [];
  const tied = new Set(drawn.edges.flatMap((edge) => [edge.tail, edge.head]));
  for (const { group, nodes: links, single } of spaces(drawn)) {
    if (!links.length || single) {
      const parts = [...heading(group), ...links.flatMap((node) => rows(node, node.id))];
      for (const node of links) ends.set(node.id, [group.id, node.id]);
      // Graphviz draws unconnected nodes from bottom to top: add them first.
      (links.some((node) => tied.has(node.id)) ? nodes : alone).push({
        name: group.id,
        attributes: { id: group.id, class: `space ${group.kind} ${worst(group, links)}`, label: table(parts) },
      });
    } else {
      subgraphs.push({
        name: `cluster ${group.id}`,
        graphAttributes: {
          id: group.id,
          margin: "12",
          class: `space ${group.kind} ${group.severity || ""}`,
          label: table(heading(group)),
        },
        nodes: links.map(box),
      });
    }
  }
  for (const node of drawn.nodes) if (!node.group) nodes.push(box(node));
  return {
    graphAttributes: {
      rankdir: "LR",
      bgcolor: "transparent",
      fontname: "Arial",
      fontsize: "11",
      nodesep: "0.16",
      ranksep: "0.7",
      pad: "0.1",
      labeljust: "l",
      style: "rounded",
      newrank: "true",
      compound: "true",
    },
    nodeAttributes: {
      shape: "box",
      style: "rounded,filled",
      fontname: "Arial",
      fontsize: "11",
      margin: "0.09,0.05",
      height: "0.3",
    },
    edgeAttributes: { fontname: "Arial", fontsize: "9.5", fontcolor: MUTED, arrowhead: "none" },
    nodes: [...alone, ...nodes],
    subgraphs,
    edges: drawn.edges.toReversed().map((edge) => {
      const [tail, tailport] = ends.get(edge.tail) || [edge.tail];
      const [head, headport] = ends.get(edge.head) || [edge.head];
      const label =
        edge.label || (edge.kind === "member" || edge.kind === "port" || edge.kind === "veth" ? "" : edge.kind);
      return {
        tail,
        head,
        attributes: {
          class: `edge-${edge.kind}`,
          label: label ? ` ${safe(label)} ` : "",
          tailport: tailport ? `${tailport}:e` : "e",
          headport: headport ? `${headport}:w` : "w",
        },
      };
    }),
  };
}

/** Return the description of a diagram element for screen readers. */
export function inWords(one, nodes = []) {
  const links = nodes.map(
    (node) =>
      `${node.label} ${(node.addresses || []).join(" ")}${node.state && node.state !== "up" ? ` ${node.state}` : ""}`,
  );
  const numbers = new Set([one, ...nodes].flatMap((part) => part.findings || []));
  return legible(
    [`${kind(one)} ${one.label}`.trim(), ...links, numbers.size ? count(numbers.size, "finding") : ""]
      .filter(Boolean)
      .join(", "),
  );
}
