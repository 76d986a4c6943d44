// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Collapsed groups of a diagram, as in the Python function `folded`.

/** Return groups, nodes and edges, with each fold that is not in `open` as one box instead of its members. */
export function folded(graph, open) {
  const at = new Map();
  const boxes = [];
  const groupOf = new Map(graph.nodes.map((node) => [node.id, node.group]));
  for (const fold of graph.folds) {
    if (open.has(fold.id)) continue;
    for (const member of fold.members) at.set(member, fold.id);
    const groups = new Set(fold.members.map((member) => groupOf.get(member)));
    boxes.push({
      ...fold,
      box: true,
      of: fold.kind,
      kind: "fold",
      group: groups.size === 1 ? [...groups][0] : undefined,
    });
  }
  for (const node of graph.nodes) if (at.has(node.group)) at.set(node.id, at.get(node.group));
  const edges = new Map();
  for (const edge of graph.edges) {
    const tail = at.get(edge.tail) || edge.tail;
    const head = at.get(edge.head) || edge.head;
    if (tail === head) continue;
    const key = `${tail} ${head} ${edge.kind}`;
    const same = edges.get(key);
    if (same) {
      same.count += 1;
      same.label = common(same.label, edge.label);
    } else edges.set(key, { ...edge, tail, head, count: 1 });
  }
  return {
    groups: graph.groups.filter((group) => !at.has(group.id)),
    nodes: [...graph.nodes.filter((node) => !at.has(node.id)), ...boxes],
    edges: [...edges.values()].map((edge) =>
      edge.count === 1 || edge.kind === "member" ? edge : { ...edge, label: `${edge.count} × ${edge.kind}` },
    ),
  };
}

/** Return the parts that two labels have in common. */
function common(one, other) {
  const parts = new Set((other || "").split(", "));
  return (one || "").split(", ").filter((part) => part && parts.has(part)).join(", ");
}

/** Return the nodes of each namespace, and whether it is drawn as one box because no edge connects its nodes. */
export function spaces(drawn) {
  const inside = new Map(drawn.groups.map((group) => [group.id, []]));
  const groupOf = new Map();
  for (const node of drawn.nodes) {
    groupOf.set(node.id, node.group);
    inside.get(node.group)?.push(node);
  }
  const tied = new Set();
  for (const edge of drawn.edges) {
    const group = groupOf.get(edge.tail);
    if (group && group === groupOf.get(edge.head)) tied.add(group);
  }
  return drawn.groups.map((group) => ({
    group,
    nodes: inside.get(group.id),
    single: group.kind !== "host" && !tied.has(group.id),
  }));
}
