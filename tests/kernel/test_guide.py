# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples in docs/guides/topology.md that need no container work as described."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from .sandbox import Sandbox

GUIDE = Path(__file__).parents[2] / "docs/guides/topology.md"
DOCUMENTS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)]


def reach(box: Sandbox, netns: str, address: str) -> None:
    """Wait until an address answers: the first carrier of a link takes time when many links change."""
    deadline = time.monotonic() + 30
    while "1 received" not in box.run("ping", "-c", "1", "-W", "1", address, netns=netns, check=False):
        assert time.monotonic() < deadline, f"no answer of {address} in {netns}"


def document(netns: str) -> dict[str, Any]:
    """Return the document that declares a namespace."""
    (found,) = (one for one in DOCUMENTS if "links" in one and netns in [each["name"] for each in one["namespaces"]])
    return dict(found)


@pytest.mark.parametrize("netns, address", [("dmz", "10.41.1.1"), ("left", "10.45.1.2")])
def test_example_of_the_guide_carries_traffic(box: Sandbox, netns: str, address: str) -> None:
    args = {"name": "guide", "state": "replaced", **document(netns)}
    assert box.module("topology", args, check=True).changed
    assert box.module("topology", args).changed
    assert not box.module("topology", args).changed
    reach(box, netns, address)
    assert box.module("topology", {"name": "guide", "state": "absent"}).changed
    assert {link["ifname"] for link in box.ip("link")} == {"lo"}


def test_first_example_of_the_guide_applies(box: Sandbox) -> None:
    (task,) = (one for one in DOCUMENTS if isinstance(one, list) and "first" in str(one[0]))
    args = task[0]["netfleet.docker.topology"]
    assert box.module("topology", args).changed
    reach(box, "blue", "192.0.2.1")
    assert not box.module("topology", args).changed
