// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// What the page holds: packed as _pack.py packs it, and what lies beside the page for many hosts.

import { el } from "./text.js";

export const SEVERITIES = ["critical", "high", "medium", "low", "info"];

/** Return the text of a block of the page. */
export async function unpackText(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

export const unpack = async (text) => JSON.parse(await unpackText(text));

const block = (name) => document.getElementById(name);
const once = new Map();

function remember(key, make) {
  if (!once.has(key)) {
    const made = make();
    once.set(key, made);
    made.catch(() => once.delete(key));
  }
  return once.get(key);
}

/** Run a library that the page carries along; the policy of the page knows its hash. */
export function library(name, global) {
  return remember(`library ${name}`, async () => {
    const script = el("script");
    script.textContent = await unpackText(block(name).textContent);
    document.head.append(script);
    if (!globalThis[global]) throw new Error(`the part ${name} of this page does not run`);
    return globalThis[global];
  });
}

export const fleet = () => remember("fleet", () => unpack(block("fleet").textContent));

const waiting = new Map();
globalThis.netfleetHost = (place, text) => waiting.get(place)?.(text);

/** Return what a host's page shows: its picture and its findings. */
export function hostPage(report, place) {
  return remember(`host ${place}`, async () => {
    if (!report.beside) return unpack(block(`host-${place}`).textContent);
    const text = await new Promise((done, failed) => {
      const script = el("script", { src: `hosts/${place}.js` });
      waiting.set(place, done);
      script.addEventListener("error", () => failed(new Error(`hosts/${place}.js is not beside this page`)));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
    waiting.delete(place);
    return unpack(text);
  });
}

/** Return the report: rows instead of columns. */
export async function load() {
  const data = await unpack(block("data").textContent);
  const { hosts, findings, rules } = data;
  const ranks = Object.fromEntries(SEVERITIES.map((one, rank) => [one, rank]));
  data.hosts = hosts.name.map((name, place) => ({
    place,
    name,
    ...Object.fromEntries(Object.keys(hosts).map((column) => [column, hosts[column][place]])),
    counts: data.counts[place],
    total: data.counts[place].reduce((sum, one) => sum + one, 0),
    // Worst first: a finding of a severity outweighs all of the ones below.
    weight: data.counts[place].reduce((sum, one) => sum * 1000 + Math.min(one, 999), 0),
  }));
  data.byName = new Map(data.hosts.map((host) => [host.name, host]));
  data.findings = findings.rule.map((rule, id) => {
    const host = findings.host[id];
    const place = typeof host === "number" ? host : null;
    return {
      id,
      rule,
      place,
      host: place === null ? host : hosts.name[place],
      title: rules[rule]?.title || rule,
      severity: rules[rule]?.severity || "info",
      rank: ranks[rules[rule]?.severity] ?? 9,
      object: findings.object[id],
      status: findings.status[id],
      waived: findings.waived[id],
      fingerprint: findings.fingerprint[id],
      more: findings.more[id] || null,
    };
  });
  return data;
}

/** Return what is shown of a finding when it is unfolded, wherever it lies. */
export async function more(report, finding) {
  if (finding.more) return finding.more;
  if (finding.place === null) return {};
  const page = await hostPage(report, finding.place);
  const found = page.findings.find((one) => one.fingerprint === finding.fingerprint && one.rule === finding.rule);
  finding.more = found || {};
  return finding.more;
}
