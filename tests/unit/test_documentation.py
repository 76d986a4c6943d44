# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Common parts of the module documentation are identical."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))


def documented(module: str, part: str) -> Any:
    """Return a part of a module's documentation."""
    found = importlib.import_module(f"ansible_collections.netfleet.docker.plugins.modules.{module}")
    return yaml.safe_load(getattr(found, part))


@pytest.mark.parametrize("module", MODULES)
def test_operations_are_documented_alike(module: str) -> None:
    """Every module describes the list of operations in the same words, with its own sample."""
    fragments = {*documented(module, "DOCUMENTATION").get("extends_documentation_fragment", ())}
    changes = fragments & {"netfleet.docker.attributes", "netfleet.docker.docker"}
    operations = documented(module, "RETURN").get("operations")
    assert operations or not changes
    if operations:
        assert (operations["type"], operations["elements"]) == ("list", "str")
        assert operations["description"] == documented("netns", "RETURN")["operations"]["description"]


def test_modules_show_their_own_operations() -> None:
    samples = [
        documented(module, "RETURN")["operations"]["sample"]
        for module in ("netns", "veth", "bridge", "macvlan", "vxlan", "topology", "network", "engine", "swarm")
    ]
    assert [sample for sample in samples if samples.count(sample) > 1] == []


def test_veth_peer_has_the_options_of_a_link() -> None:
    """The peer accepts every option of a link except those of the pair as a whole."""
    fragment = importlib.import_module("ansible_collections.netfleet.docker.plugins.doc_fragments.link")
    link = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    peer = documented("veth", "DOCUMENTATION")["options"]["peer"]["suboptions"]
    assert set(peer) == set(link) - {"state"}
    assert {name: option["type"] for name, option in peer.items()} == {name: link[name]["type"] for name in peer}
