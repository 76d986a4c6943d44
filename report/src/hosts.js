// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// All hosts, most severe findings first.

import { SEVERITIES } from "./data.js";
import { tally } from "./finding.js";
import { grid } from "./grid.js";
import { add, count, el, legible, number, shown, time } from "./text.js";

export async function hosts(screen, report, name, chosen, ready) {
  const field = el("input", {
    type: "search",
    id: "search",
    value: chosen.get("search") || "",
    placeholder: "name, system, kernel, engine",
  });
  const said = el("p", { class: "hint", role: "status" });
  const place = el("div", { class: "grid" });
  add(
    screen,
    el("h2", {}, "Hosts"),
    el("div", { class: "filters" }, el("label", { class: "wide" }, el("span", {}, "Search"), field)),
    said,
    place,
  );
  ready();
  const narrow = matchMedia("(max-width: 700px)").matches;
  const columns = [
    { title: "Host", field: "name", sorter: "string", widthGrow: 1, minWidth: 120, cell: link },
    {
      title: "Findings",
      field: "weight",
      sorter: "number",
      headerSortStartingDir: "desc",
      widthGrow: 2,
      minWidth: 150,
      cell: (host) => tally(host.counts, SEVERITIES, host.rules_not_checked),
    },
    ...(narrow
      ? []
      : [
          {
            title: "Containers",
            field: "containers",
            sorter: "number",
            width: 108,
            hozAlign: "right",
            cell: (host) => document.createTextNode(number(host.containers)),
          },
          {
            title: "Namespaces",
            field: "namespaces",
            sorter: "number",
            width: 116,
            hozAlign: "right",
            cell: (host) => document.createTextNode(number(host.namespaces)),
          },
          {
            title: "Networks",
            field: "networks",
            sorter: "number",
            width: 96,
            hozAlign: "right",
            cell: (host) => document.createTextNode(number(host.networks)),
          },
          { title: "System", field: "os", sorter: "string", widthGrow: 2, minWidth: 220, cell: system },
        ]),
  ];
  const table = await grid(place, {
    rows: report.hosts,
    label: "Hosts",
    none: "No matching hosts.",
    columns,
    initialSort: [{ column: "weight", dir: "desc" }],
  });
  table.on("dataFiltered", (filters, rows) => {
    said.textContent = `${number(rows.length)} of ${count(report.hosts.length, "host")}`;
  });
  const filter = () => {
    const text = field.value.trim().toLowerCase();
    table.setFilter(
      (host) =>
        !text ||
        legible([host.name, host.hostname, host.os, host.kernel, host.engine_version].join(" "))
          .toLowerCase()
          .includes(text),
    );
  };
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 150);
  });
  filter();
}

const link = (host) => el("a", { class: "where", href: `#/host/${encodeURIComponent(host.name)}` }, shown(host.name));

const system = (host) =>
  el(
    "span",
    { title: `Snapshot taken ${time(host.taken_at)}` },
    shown(host.os || "unknown"),
    el(
      "span",
      { class: "object" },
      [host.engine_version && `Docker ${host.engine_version}`, host.kernel].filter(Boolean).map(legible).join(", "),
    ),
  );
