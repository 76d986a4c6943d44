// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The page: its head, its switch between light and dark, and which screen is shown.

import { load } from "./data.js";
import { findings } from "./findings.js";
import { fleetPage } from "./fleet.js";
import { host } from "./host.js";
import { hosts } from "./hosts.js";
import { overview } from "./overview.js";
import { printing } from "./print.js";
import { el, number, shown, time } from "./text.js";
import { themeSwitch } from "./theme.js";

const SCREENS = { "": overview, findings, hosts, host, fleet: fleetPage };
let turn = 0;

/** Return where the address leads: the screen, a name, and what was chosen. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [screen, ...rest] = path.split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    // a name that somebody typed: it is looked for as it stands
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
    el("a", { href: "#main", class: "skip", onclick: skip }, "Skip to the content"),
    el(
      "div",
      { class: "title" },
      el("h1", {}, "Docker network audit"),
      el("p", {}, time(report.created), report.collector ? [" · ", shown(report.collector)] : null),
    ),
    el(
      "nav",
      { "aria-label": "Screens" },
      link("", "Overview"),
      link("findings", "Findings", total),
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
      el("p", { class: "error", role: "alert" }, "This cannot be shown: ", shown(error.message || error)),
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
        "This report cannot be read: ",
        shown(error.message || error),
        ". It needs a browser of 2024 or newer; the same findings are in report.json beside it.",
      ),
    );
  }
}

start();
