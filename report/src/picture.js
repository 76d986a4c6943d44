// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// An interactive diagram: expand groups, select boxes, zoom; by mouse and by keyboard.

import { library } from "./data.js";
import { drawing, inWords } from "./draw.js";
import { badge } from "./finding.js";
import { folded, spaces } from "./fold.js";
import { count, el, legible, shown } from "./text.js";

// A diagram opens at this scale or larger, so that its labels can be read; a larger diagram scrolls.
const READABLE = 0.95;
const STEPS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.25, 1.5, 2];
// Graphviz calculates text widths for Arial; scale the text if the system uses a wider font.
const SAMPLE = "docker_gwbridge 172.17.0.1/16 container veth0a1b2c3";
const ARIAL = { normal: 2440, bold: 2573 };

function textScale(weight) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = `${weight} 100px Arial, Helvetica, "Liberation Sans", sans-serif`;
  return Math.min(1, ARIAL[weight] / canvas.measureText(SAMPLE).width);
}

let made;
const graphviz = async () => {
  made ||= (await library("viz", "netfleetViz"))();
  return made;
};

export class Picture {
  /** `tell` returns the findings of a box as elements; `leads` returns the address of a box that has its own page. */
  constructor(graph, { name, tell, leads }) {
    Object.assign(this, { graph, name, tell, leads });
    this.open = new Set();
    this.scale = null;
    this.frame = el("div", {
      class: "frame",
      tabindex: "0",
      role: "group",
      "aria-label": `${legible(name)}. Use the arrow keys to move between boxes and Enter to open a box.`,
    });
    this.panel = el("div", { class: "panel", "aria-live": "polite" });
    this.element = el("div", { class: "picture" }, this.tools(), el("div", { class: "stage" }, this.frame, this.panel));
  }

  tools() {
    const button = (label, act, title) => el("button", { type: "button", onclick: act, title }, label);
    this.all = button("Expand all", () => this.unfold(this.graph.folds.map((fold) => fold.id)));
    this.none = button("Collapse all", () => this.unfold([]));
    return el(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Diagram" },
      ...(this.graph.folds.length ? [this.all, this.none] : []),
      button("−", () => this.zoom(-1), "Zoom out"),
      button("+", () => this.zoom(1), "Zoom in"),
      button("Fit", () => this.fit(), "Fit to window"),
      button("Save as SVG", () => this.save(), "Save the diagram as a file"),
    );
  }

  unfold(ids) {
    this.open = new Set(ids);
    return this.draw();
  }

  async draw(focus) {
    this.frame.setAttribute("aria-busy", "true");
    let svg;
    try {
      svg = (await graphviz()).renderSVGElement(drawing(this.graph, this.open));
    } catch (error) {
      this.frame.removeAttribute("aria-busy");
      this.frame.replaceChildren(
        el("p", { class: "error", role: "alert" }, "Cannot draw the diagram: ", shown(error.message)),
      );
      return;
    }
    this.drawn = folded(this.graph, this.open);
    this.prepare(svg);
    this.frame.replaceChildren(svg);
    this.svg = svg;
    // Graphviz uses points.
    this.size = { width: (svg.viewBox.baseVal.width * 4) / 3, height: (svg.viewBox.baseVal.height * 4) / 3 };
    if (this.scale === null) {
      this.fit();
      // Scroll a tall diagram to the host namespace if it is not visible.
      const host = this.frame.querySelector("[data-box=g0]");
      const down = host ? host.getBoundingClientRect().top - this.frame.getBoundingClientRect().top : 0;
      if (down > this.frame.clientHeight / 2) this.frame.scrollTop += down - 60;
    } else this.show();
    this.frame.removeAttribute("aria-busy");
    if (focus) this.focus(this.frame.querySelector(`[data-box="${focus}"]`) || this.boxes()[0]);
  }

  /** Add an accessible name and listeners to each box; remove the tooltips of Graphviz. */
  prepare(svg) {
    svg.setAttribute("role", "presentation");
    svg.style.setProperty("--normal", textScale("normal"));
    svg.style.setProperty("--bold", textScale("bold"));
    for (const title of svg.querySelectorAll("title")) title.remove();
    const told = new Map();
    for (const { group, nodes, single } of spaces(this.drawn)) told.set(group.id, [group, single ? nodes : []]);
    for (const node of this.drawn.nodes) told.set(node.id, [node, []]);
    for (const shape of svg.querySelectorAll("g.node, g.cluster")) {
      const [part, nodes] = told.get(shape.id) || [];
      if (!part) continue;
      shape.removeAttribute("id");
      shape.dataset.box = part.id;
      shape.setAttribute("tabindex", "-1");
      shape.setAttribute("role", "button");
      shape.setAttribute("aria-label", part.box ? `${legible(part.label)}, collapsed` : inWords(part, nodes));
      shape.addEventListener("click", (event) => {
        event.stopPropagation();
        this.act(part, nodes, shape);
      });
      shape.addEventListener("keydown", (event) => this.key(event, part, nodes, shape));
    }
    this.frame.onfocus = (event) =>
      event.target === this.frame &&
      event.relatedTarget &&
      !this.frame.contains(event.relatedTarget) &&
      this.focus(this.boxes()[0]);
  }

  boxes() {
    return [...this.frame.querySelectorAll("[data-box]")];
  }

  focus(shape) {
    if (!shape) return;
    for (const one of this.boxes()) one.setAttribute("tabindex", "-1");
    shape.setAttribute("tabindex", "0");
    this.frame.setAttribute("tabindex", "-1");
    shape.focus({ preventScroll: true });
    shape.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  key(event, part, nodes, shape) {
    const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key === "Enter" || event.key === " ") this.act(part, nodes, shape);
    else if (event.key in moves) {
      const boxes = this.boxes();
      this.focus(boxes[(boxes.indexOf(shape) + moves[event.key] + boxes.length) % boxes.length]);
    } else if (event.key === "Home" || event.key === "End") this.focus(this.boxes().at(event.key === "Home" ? 0 : -1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  act(part, nodes, shape) {
    if (part.box) {
      this.open.add(part.id);
      this.draw(part.members[0]);
      return;
    }
    for (const one of this.boxes()) one.classList.toggle("chosen", one === shape);
    this.focus(shape);
    this.describe(part, nodes);
  }

  /** Return whether an element of the diagram other than the host itself has the finding with this number. */
  has(number) {
    return Boolean(this.partOf(number));
  }

  partOf(number) {
    const painted = (part) => part.id !== "g0" && part.findings?.includes(number);
    return this.graph.nodes.find(painted) || this.graph.groups.find(painted);
  }

  /** Select the element that a finding concerns. */
  async reveal(number) {
    const part = this.partOf(number);
    const fold = this.graph.folds.find((one) => one.members.includes(part.id) || one.members.includes(part.group));
    if (fold && !this.open.has(fold.id)) {
      this.open.add(fold.id);
      await this.draw();
    }
    const box = [part.id, part.group].map((id) => this.frame.querySelector(`[data-box="${id}"]`)).find(Boolean);
    box?.dispatchEvent(new MouseEvent("click"));
    this.frame.scrollIntoView({ block: "nearest" });
  }

  describe(part, nodes) {
    const links = nodes.length || !this.graph.nodes.includes(part) ? nodes : [part];
    const numbers = [...new Set([...(part.findings || []), ...nodes.flatMap((node) => node.findings || [])])];
    this.panel.replaceChildren(
      el("h3", {}, shown(part.label)),
      el("p", { class: "hint" }, [part.kind, part.hint].filter(Boolean).map(legible).join(", ")),
      this.leads?.(part) ? el("p", {}, el("a", { href: this.leads(part) }, "Open host page")) : "",
      ...links.map((node) => link(node, nodes.length > 0)),
      numbers.length
        ? el("h4", {}, count(numbers.length, "finding"))
        : el("p", { class: "hint" }, "No findings."),
      ...this.tell(numbers),
    );
    this.element.classList.add("told");
  }

  fit() {
    const room = { width: this.frame.clientWidth - 18, height: window.innerHeight * 0.78 - 18 };
    this.scale = Math.max(
      READABLE,
      Math.min(1.1, room.width / (this.size.width || 1), room.height / (this.size.height || 1)),
    );
    this.show();
  }

  zoom(direction) {
    const next =
      direction > 0 ? STEPS.find((one) => one > this.scale + 0.01) : STEPS.findLast((one) => one < this.scale - 0.01);
    this.scale = next || this.scale;
    this.show();
  }

  show() {
    this.svg.setAttribute("width", this.size.width * this.scale);
    this.svg.setAttribute("height", this.size.height * this.scale);
  }

  save() {
    const copy = this.svg.cloneNode(true);
    const ours = this.svg.querySelectorAll("polygon, path, text, ellipse, polyline");
    copy.querySelectorAll("polygon, path, text, ellipse, polyline").forEach((one, place) => {
      const style = getComputedStyle(ours[place]);
      for (const name of [
        "fill",
        "stroke",
        "stroke-width",
        "stroke-dasharray",
        "font-family",
        "font-size",
        "font-weight",
      ])
        one.setAttribute(name, style.getPropertyValue(name));
    });
    copy.removeAttribute("style");
    const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({
      x: "-10",
      y: `-${this.size.height + 10}`,
      width: "200%",
      height: "200%",
    }))
      back.setAttribute(name, value);
    back.setAttribute("fill", getComputedStyle(this.frame).backgroundColor);
    copy.querySelector("g").prepend(back);
    const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    el("a", { href: url, download: `${legible(this.name).replace(/[^\w.-]+/g, "-")}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

/** Return the facts of a link. */
function link(node, titled) {
  const known = {
    addresses: node.addresses?.join(", "),
    MTU: node.mtu,
    MAC: node.mac,
    state: node.state,
    kind: node.kind,
    options: node.hint,
    network: node.network,
    alias: node.alias,
  };
  return el(
    "section",
    {},
    titled ? el("h4", {}, shown(node.label)) : null,
    el(
      "dl",
      { class: "facts" },
      Object.entries(known)
        .filter(([, value]) => value)
        .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, shown(value)))),
    ),
  );
}

/** Return one-line links to findings. */
export function lines(findings, to) {
  return findings.map((finding) =>
    el("a", { class: "line", href: to(finding) }, badge(finding.severity), el("span", {}, shown(finding.title))),
  );
}
