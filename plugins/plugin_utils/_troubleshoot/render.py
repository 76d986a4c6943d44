# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Output of a diagnosis: lines for a terminal, and Markdown with a diagram of the packet path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

_BY_ADDRESS = "the target is reachable by its address, but not by its name"
# First line of the verdict if the target answers although a step is broken.
_DESPITE_REACHED = {
    "process": "the target answers the probes, but the programs of the source cannot use the connection",
    "target container": "the target accepts connections, but its programs cannot answer",
    "resolver": _BY_ADDRESS,
    "name": _BY_ADDRESS,
    "other address": "the target is reachable over IPv4, but not over IPv6",
    "path MTU": "the target is reachable, but not with large packets",
}
_MARKS = {"ok": "✓", "broken": "✗", "unknown": "?", "note": "·", "skipped": "-"}


def render_lines(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return the diagnosis for a terminal."""
    return [escape_invisible(line) for line in _iterate_lines(diagnosis)]


def _iterate_lines(diagnosis: Mapping[str, Any]) -> Iterator[str]:
    yield format_title(diagnosis)
    yield from _render_verdict(diagnosis)
    yield "checklist:"
    for step in diagnosis["steps"]:
        yield f"  {_MARKS[step['state']]} {step['step']:<18} {step['detail']}"


def format_title(diagnosis: Mapping[str, Any]) -> str:
    """Return source and target in one line."""
    target = diagnosis["target"]
    address = f" ({diagnosis['address']})" if diagnosis["address"] and diagnosis["address"] not in target else ""
    return f"{diagnosis['source']} on {diagnosis['host']} → {diagnosis['protocol']} {target}{address}"


def _render_verdict(diagnosis: Mapping[str, Any]) -> Iterator[str]:
    yield _describe_result(diagnosis)
    if not diagnosis["first_broken"]:
        yield diagnosis["cause"]
        return
    yield f"first broken step: {diagnosis['first_broken']}"
    yield f"{'likely cause' if diagnosis['confident'] else 'cause'}: {diagnosis['cause']}"
    for line in diagnosis["remedy"].splitlines():
        yield f"remedy: {line}"


def _describe_result(diagnosis: Mapping[str, Any]) -> str:
    """Return the first line of the verdict, which must not contradict the first broken step."""
    if diagnosis["reached"] and diagnosis["first_broken"]:
        return _DESPITE_REACHED.get(diagnosis["first_broken"], "the target answers, but a step is broken")
    return {True: "the target is reachable", False: "the target is unreachable", None: "the target was not tested"}[
        diagnosis["reached"]
    ]


def render_markdown(diagnosis: Mapping[str, Any]) -> str:
    """Return the diagnosis in Markdown, with a diagram of the packet path."""
    rows = [
        f"| {_MARKS[step['state']]} | {step['step']} | {_escape_cell(step['detail'])} |" for step in diagnosis["steps"]
    ]
    parts = [
        f"# {_escape_cell(format_title(diagnosis))}",
        "\n".join(f"- {_escape_cell(line)}" for line in _render_verdict({**diagnosis, "remedy": ""})),
        *([f"```sh\n{_fence_code(diagnosis['remedy'])}\n```"] if diagnosis["remedy"] else []),
        "\n".join(["| | Step | Result |", "|---|---|---|", *rows]),
    ]
    if path := diagnosis["path"]:
        hops = [f"{place}. {_render_hop(hop)}" for place, hop in enumerate(path["hops"], 1)]
        parts += [
            "## Packet path according to snapshots",
            f"```mermaid\n{render_mermaid(path)}\n```",
            "\n".join(hops),
            "Assumptions: " + ("; ".join(map(_escape_cell, path["assumed"])) or "none") + ".",
            "Not modelled: " + "; ".join(path["not_modelled"]) + ".",
        ]
    return "\n\n".join(parts) + "\n"


def _render_hop(hop: Mapping[str, Any]) -> str:
    return _escape_cell(f"{hop['netns']} on {hop['host']}: {hop['what']}")


def render_mermaid(path: Mapping[str, Any]) -> str:
    """Return the hops as a Mermaid flowchart, with a box for each link in the box of its namespace."""
    boxes: dict[tuple[str, str, str], str] = {}
    for hop in path["hops"]:
        boxes.setdefault((hop["host"], hop["netns"], hop["link"] or "·"), f"n{len(boxes)}")
    drawn = ["flowchart LR"]
    for number, place in enumerate(dict.fromkeys((host, netns) for host, netns, _link in boxes)):
        drawn.append(f'  subgraph s{number}["{_escape_label(f"{place[1]} on {place[0]}")}"]')
        drawn += [f'    {name}["{_escape_label(key[2])}"]' for key, name in boxes.items() if key[:2] == place]
        drawn.append("  end")
    names = [boxes[hop["host"], hop["netns"], hop["link"] or "·"] for hop in path["hops"]]
    drawn += [f"  {one} --> {other}" for one, other in dict.fromkeys(zip(names, names[1:])) if one != other]
    if path["stops_at"]:
        drawn.append(f"  style {names[-1]} stroke:#c00,stroke-width:3px")
    return "\n".join(drawn)


def _escape_label(text: str) -> str:
    """Return text escaped for Mermaid."""
    return "".join(one if one.isalnum() or one in " .:/-_@" else f"#{ord(one)};" for one in escape_invisible(text))


def _escape_cell(text: str) -> str:
    """Return text escaped for Markdown."""
    text = escape_invisible(text)
    for one in "\\`*_{}[]<>|#&~!":
        text = text.replace(one, "\\" + one if one not in "<>&" else f"&#{ord(one)};")
    return text


def _fence_code(text: str) -> str:
    return "\n".join(escape_invisible(line).replace("```", "` ` `") for line in text.splitlines())
