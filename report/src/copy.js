// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The clipboard, also where a browser keeps its newer way from pages that lie on a disk.

import { el } from "./text.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = el("textarea", { class: "off", readonly: true });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("the browser keeps its clipboard");
  }
}

/** Return a button that copies what is shown, no more: no character that one does not see. */
export function copyButton(text, label) {
  const button = el("button", { type: "button", class: "copy", "aria-label": label }, "Copy");
  button.addEventListener("click", async () => {
    const focused = document.activeElement;
    try {
      await copy(text);
      say("Copied");
      button.textContent = "Copied";
    } catch {
      say("Not copied: select the text and copy it yourself");
      button.textContent = "Not copied";
    }
    focused?.focus?.();
    setTimeout(() => (button.textContent = "Copy"), 1600);
  });
  return button;
}

/** Say something to those who do not see the page. */
export function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}
