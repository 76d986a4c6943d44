// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Build the parts of the report page into the collection. With --check, only compare the parts with the existing files.
// Third-party code is built into separate files that start with the required copyright notices.

import { readFile, writeFile } from "node:fs/promises";

import { build } from "esbuild";

const place = new URL("../plugins/plugin_utils/_audit/_page/", import.meta.url);
const read = (file) => readFile(new URL(file, import.meta.url), "utf8");
const { version } = JSON.parse(await read("node_modules/@viz-js/viz/package.json"));
const holders = "SPDX-FileCopyrightText";
const licence = "SPDX-License-Identifier";
const ours = `/*! ${holders}: netfleet.docker contributors\n    ${licence}: GPL-3.0-or-later */\n`;
const [, permission] = (await read("node_modules/tabulator-tables/LICENSE")).match(
  /(Permission is hereby granted[^]*?)\s*$/,
);
const tabulator = `/*! Tabulator
    ${holders}: 2015-2026 Oli Folkerd
    ${licence}: MIT

${permission} */\n`;
const viz = `/*! Viz.js ${version} (MIT), with Graphviz (EPL-1.0) and Expat (MIT) in object code; their source: https://graphviz.org, https://libexpat.github.io
    ${holders}: Michael Daines
    ${holders}: AT&T and the authors of Graphviz
    ${holders}: Thai Open Source Software Center Ltd, Clark Cooper and the Expat maintainers
    ${licence}: MIT AND EPL-1.0

${permission} */\n`;
const parts = {
  "page.js": ["src/main.js", ours],
  "page.css": ["src/style.css", ours],
  "table.js": ["src/table.js", tabulator],
  "viz.js": ["src/viz.js", viz],
};

async function built([entry, banner], kind) {
  const made = await build({
    absWorkingDir: new URL(".", import.meta.url).pathname,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome123", "firefox120", "safari17.5"],
    legalComments: "none",
    banner: { [kind]: banner.trimEnd() },
    external: ["module"],
  });
  return made.outputFiles[0].text;
}

let stale = 0;
for (const [name, part] of Object.entries(parts)) {
  const text = await built(part, name.split(".")[1]);
  // These two parts are embedded in the page unchanged; the libraries are compressed.
  if (name.startsWith("page") && /<\/(script|style)|<!--/i.test(text))
    throw new Error(`${name} contains a tag that ends its element`);
  const file = new URL(name, place);
  const there = await readFile(file, "utf8").catch(() => "");
  if (there === text) continue;
  stale += 1;
  if (process.argv.includes("--check")) console.error(`${name} is out of date: run make report`);
  else await writeFile(file, text);
}
if (process.argv.includes("--check") && stale) process.exit(1);
console.log(`${Object.keys(parts).length - stale} of ${Object.keys(parts).length} parts were up to date`);
