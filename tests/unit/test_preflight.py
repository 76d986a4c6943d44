# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements that the options of the module preflight name."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.host import select_engine_packages
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.options import SPEC, parse_requirements


def keys(**params: Any) -> list[tuple[str, bool]]:
    """Return requirements and whether they are mandatory, with parameters as Ansible converts them."""
    validated = ArgumentSpecValidator(SPEC).validate(params)
    assert not validated.error_messages, validated.error_messages
    return [(need.key, need.required) for need in parse_requirements(validated.validated_parameters)]


@pytest.mark.parametrize(
    ("release", "has_client"),
    [
        ('ID=debian\nVERSION_ID="12"\n', False),
        ('ID=debian\nVERSION_ID="13"\n', True),
        # Debian testing and unstable.
        ('PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\nVERSION_CODENAME=forky\n', True),
        ('ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\n', False),
        ("", False),
    ],
)
def test_client_is_a_separate_package_since_debian_13(release: str, has_client: bool) -> None:
    assert ("docker-cli" in select_engine_packages(release)) == has_client


def test_python_and_root_are_required_by_default() -> None:
    assert keys() == [("python", True), ("root", True)]
    assert keys(root=False) == [("python", True)]


def test_every_requirement_has_a_key() -> None:
    found = keys(
        systemd=True,
        engine="running",
        libraries=["docker"],
        kinds=["vxlan"],
        modules=["br-netfilter"],
        features=["esp"],
    )
    assert [key for key, _required in found] == [
        "python",
        "root",
        "systemd",
        "engine:running",
        "library:docker",
        "kind:vxlan",
        "module:br_netfilter",
        "feature:esp",
    ]


def test_link_kinds_of_a_topology_are_requirements() -> None:
    links = [{"name": "a", "kind": "veth"}, {"name": "b", "kind": "veth"}, {"name": "eth0"}, "esp"]
    assert keys(kinds=links)[2:] == [("kind:veth", True), ("feature:esp", True)]


def test_required_item_is_not_optional() -> None:
    found = keys(libraries=["docker"], optional={"libraries": ["docker", "pyroute2"], "features": ["ipvs"]})
    assert found[2:] == [("library:docker", True), ("library:pyroute2", False), ("feature:ipvs", False)]


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"kinds": ["veth", 3]}, "kinds[1]"),
        ({"kinds": [{"kind": 3}]}, "kinds[0]"),
        ({"optional": {"kinds": [""]}}, "optional.kinds[0]"),
        ({"kinds": [None]}, "kinds[0]"),
    ],
)
def test_unknown_link_kind_is_rejected(params: dict[str, Any], parameter: str) -> None:
    with pytest.raises(BadParameter, match="must be a kind of link") as caught:
        keys(**params)
    assert caught.value.parameter == parameter
