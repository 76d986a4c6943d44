// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Clipboard access, with a fallback for browsers that block the Clipboard API on file:// pages.

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
    if (!done) throw new Error("clipboard access denied");
  }
}

/** Return a button that copies exactly the visible text, without invisible characters. */
export function copyButton(text, label) {
  const button = el("button", { type: "button", class: "copy", "aria-label": label }, "Copy");
  button.addEventListener("click", async () => {
    const focused = document.activeElement;
    try {
      await copy(text);
      announce("Copied");
      button.textContent = "Copied";
    } catch {
      announce("Copying failed. Select the text and copy it manually.");
      button.textContent = "Copy failed";
    }
    focused?.focus?.();
    setTimeout(() => (button.textContent = "Copy"), 1600);
  });
  return button;
}

/** Announce a message to screen readers. */
export function announce(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}
