// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The data of the report: compressed in the page or, for many hosts, in files next to it.

import { el } from "./text.js";

export const SEVERITIES = ["critical", "high", "medium", "low", "info"];

/** Return the decompressed text of a block of the page. */
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

/** Run a library embedded in the page. The Content-Security-Policy of the page lists its hash. */
export function library(name, global) {
  return remember(`library ${name}`, async () => {
    const script = el("script");
    script.textContent = await unpackText(block(name).textContent);
    document.head.append(script);
    if (!globalThis[global]) throw new Error(`component ${name} of this page failed to start`);
    return globalThis[global];
  });
}

export const fleet = () => remember("fleet", () => unpack(block("fleet").textContent));

const waiting = new Map();
globalThis.netfleetHost = (place, text) => waiting.get(place)?.(text);

/** Return the diagram and the findings of a host. */
export function hostPage(report, place) {
  return remember(`host ${place}`, async () => {
    if (!report.beside) return unpack(block(`host-${place}`).textContent);
    const text = await new Promise((done, failed) => {
      const script = el("script", { src: `hosts/${place}.js` });
      waiting.set(place, done);
      script.addEventListener("error", () => failed(new Error(`file hosts/${place}.js not found next to this page`)));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
    waiting.delete(place);
    return unpack(text);
  });
}

/** Return the report, converted from columns to rows. */
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
    // Sort key: one finding outweighs all findings of lower severities.
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

/** Return the details of a finding, and load them if required. */
export async function more(report, finding) {
  if (finding.more) return finding.more;
  if (finding.place === null) return {};
  const page = await hostPage(report, finding.place);
  const found = page.findings.find((one) => one.fingerprint === finding.fingerprint && one.rule === finding.rule);
  finding.more = found || {};
  return finding.more;
}
