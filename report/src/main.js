// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The page: header, theme switch and screen selection.

import { changesPage } from "./changes.js";
import { checksPage } from "./checks.js";
import { load } from "./data.js";
import { findings } from "./findings.js";
import { fleetPage } from "./fleet.js";
import { host } from "./host.js";
import { hosts } from "./hosts.js";
import { overview } from "./overview.js";
import { printing } from "./print.js";
import { el, number, shown, time } from "./text.js";
import { themeSwitch } from "./theme.js";

const SCREENS = { "": overview, findings, checks: checksPage, changes: changesPage, hosts, host, fleet: fleetPage };
let turn = 0;

/** Return the screen, name and parameters of the address. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [screen, ...rest] = path.split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    // invalid percent-encoding: use the name as it is
  }
  return { screen: Object.hasOwn(SCREENS, screen) ? screen : "", name, chosen: new URLSearchParams(query || "") };
}

function head(report) {
  const total = Object.values(report.summary.findings || {}).reduce((sum, one) => sum + one, 0);
  const link = (path, label, more) =>
    el(
      "a",
      { href: `#/${path}`, "data-screen": path },
      label,
      more === undefined ? null : el("span", { class: "n" }, number(more)),
    );
  return el(
    "header",
    {},
    el("a", { href: "#main", class: "skip", onclick: skip }, "Skip to content"),
    el(
      "div",
      { class: "title" },
      el("h1", {}, "Docker network audit"),
      el("p", {}, time(report.created), report.collector ? [" · ", shown(report.collector)] : null),
    ),
    el(
      "nav",
      { "aria-label": "Report sections" },
      link("", "Overview"),
      link("findings", "Findings", total),
      link("checks", "Checks", Object.keys(report.rules).length),
      report.earlier ? link("changes", "Changes") : null,
      link("hosts", "Hosts", report.summary.hosts),
      link("fleet", "Fleet map"),
    ),
    themeSwitch(),
  );
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

async function show(report, first) {
  const mine = ++turn;
  const { screen, name, chosen } = place();
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.dataset.screen === screen || (screen === "host" && link.dataset.screen === "hosts");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = document.getElementById("main");
  const made = el("div", { class: `screen ${screen || "overview"}` });
  try {
    await SCREENS[screen](made, report, name, chosen, () => main.replaceChildren(made));
  } catch (error) {
    made.replaceChildren(
      el("p", { class: "error", role: "alert" }, "Cannot display this page: ", shown(error.message || error)),
    );
  }
  if (mine !== turn) return;
  if (made.parentNode !== main) main.replaceChildren(made);
  const title = made.querySelector("h2")?.textContent;
  document.title = title ? `${title} - Docker network audit` : "Docker network audit";
  if (!first) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  document.body.dataset.ready = String(mine);
}

async function start() {
  const page = document.getElementById("page");
  try {
    const report = await load();
    page.append(
      head(report),
      el("main", { id: "main", tabindex: "-1" }),
      el("p", { id: "said", class: "off", role: "status", "aria-live": "polite" }),
      el("div", { id: "paper", "aria-hidden": "true" }),
    );
    printing(report, place);
    window.addEventListener("hashchange", () => show(report, false));
    await show(report, true);
  } catch (error) {
    page.append(
      el(
        "p",
        { class: "error", role: "alert" },
        "Cannot read this report: ",
        shown(error.message || error),
        ". A browser from 2024 or later is required. The findings are also in report.json.",
      ),
    );
  }
}

start();
