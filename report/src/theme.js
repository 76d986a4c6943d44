// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Light or dark theme: the system setting, unless the user selects one.

import { el } from "./text.js";

const KEY = "netfleet-report-theme";
const CHOICES = ["auto", "light", "dark"];

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return CHOICES.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

function apply(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // no storage on file:// in some browsers: the selection lasts until the page is closed
  }
}

export function themeSwitch() {
  const choice = stored();
  if (choice !== "auto") apply(choice);
  const select = el(
    "select",
    { id: "theme", onchange: (event) => apply(event.target.value) },
    CHOICES.map((one) =>
      el("option", { value: one, selected: one === choice }, { auto: "Auto", light: "Light", dark: "Dark" }[one]),
    ),
  );
  return el("div", { class: "theme" }, el("label", { for: "theme" }, "Theme"), select);
}
