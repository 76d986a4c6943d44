# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of the networks of all roles before the first change, in a playbook that connects to no host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import convert_role_variables
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import (
    ROLES,
    RoleRequirements,
    get_requirements,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.prediction import predict_engine, predict_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.topology import check_topology

Row = dict[str, Any]
HOSTS = ("h1", "h2", "h3")
BRIDGE = {"name": "br0", "kind": "bridge"}
PLAY = [{"hosts": "all", "gather_facts": False, "tasks": [{"netfleet.docker.network_preflight": {}, "run_once": True}]}]


def docker(*networks: Row) -> Row:
    engine = {"version": "26.1.5", "swarm_state": "inactive", "live_restore": False}
    default = {"id": "0" * 64, "name": "bridge", "driver": "bridge", "ipam": [{"subnet": "172.17.0.0/16"}]}
    return {"engine": engine, "networks": [default, *networks], "swarm_nodes": []}


def state_of_host(number: int, variables: Row, engine: Row | None) -> Row:
    """Return the result of host_state for a host with the uplink eth0 and these role variables."""
    roles = [role for role in ROLES if any(name.startswith(f"{role}_") for name in variables)]
    converted = {role: convert_role_variables(role, variables) for role in roles}
    needs = RoleRequirements()
    for role, values in converted.items():
        needs = needs.combine(get_requirements(role, values))
    route = {"interface": "eth0", "table": 254, "family": 4, "metric": 0}
    place = {
        "kind": "host",
        "interfaces": [{"name": "eth0", "kind": "", "up": True, "mtu": 1500, "master": None}],
        "addresses": [{"interface": "eth0", "address": f"10.213.0.1{number}", "family": 4, "scope": "global"}],
        "routes": [{**route, "dst": "0.0.0.0/0"}, {**route, "dst": "10.213.0.0/24"}],
        "sockets": [],
    }
    state = {"host": {"hostname": f"h{number}"}, "namespaces": [place], **({"docker": engine} if engine else {})}
    return {"state": state, "missing": [], "needs": needs.to_dict(), "variables": converted, "engine": {}, "cards": {}}


def run(folder: Path, variables: dict[str, Row], engines: dict[str, Row | None] | None = None) -> tuple[bool, str]:
    """Return whether the play succeeded, and its output in one line."""
    hosts = {}
    for number, name in enumerate(HOSTS, 1):
        own = variables.get(name, {})
        engine = (engines or {}).get(name, docker())
        hosts[name] = {**own, "netfleet_host": state_of_host(number, own, engine)}
    groups: Row = {"managers": {"hosts": {"h1": {}}}, "workers": {"hosts": {"h2": {}, "h3": {}}}}
    inventory = {"all": {"hosts": hosts, "children": groups}}
    (folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    (folder / "play.yml").write_text(json.dumps(PLAY), encoding="utf-8")
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [playbook, "-i", "hosts.json", "play.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


def bridge(name: str, subnet: str, **more: Any) -> Row:
    return {"name": name, "subnets": [{"subnet": subnet}], **more}


def macvlan(name: str, subnet: str, **more: Any) -> Row:
    return {"name": name, "parent": "eth0", "subnets": [{"subnet": subnet, **more}]}


@pytest.mark.parametrize(
    ("role_variables", "words"),
    [
        pytest.param(
            {"bridge_networks": [bridge("app", "10.61.0.0/24")]},
            None,
            id="valid",
        ),
        pytest.param(
            {"bridge_networks": [bridge("app", "10.213.0.128/25")]},
            "app: subnets[].subnet: 10.213.0.128/25 overlaps the route to 10.213.0.0/24 through eth0 of h3",
            id="uplink",
        ),
        pytest.param(
            {
                "bridge_networks": [bridge("app", "10.61.0.0/24")],
                "macvlan_networks": [macvlan("wire", "10.61.0.0/25")],
            },
            "wire: subnets[].subnet: 10.61.0.0/25 overlaps the network app of h3",
            id="bridge and macvlan",
        ),
        pytest.param(
            {"macvlan_networks": [{**macvlan("wire", "10.62.0.0/24"), "parent": "eth9"}]},
            "wire: parent: h3 has no link eth9; it has eth0",
            id="parent",
        ),
        pytest.param(
            {"macvlan_networks": [macvlan("wire", "10.213.0.0/24", gateway="10.213.0.1")]},
            "Docker would assign 10.213.0.13, an address of h3, to a container on h3",
            id="address of a host",
        ),
    ],
)
def test_fault_of_one_host_is_found(tmp_path: Path, role_variables: Row, words: str | None) -> None:
    other = {"bridge_networks": [bridge("other", "10.60.0.0/24")]}
    succeeded, output = run(tmp_path, {"h1": other, "h3": role_variables})
    assert succeeded is (words is None), output
    assert (words or "ok=1") in output


def test_overlay_network_is_compared_with_the_bridge_networks_of_the_run(tmp_path: Path) -> None:
    mesh = {"overlay_networks": [{"name": "mesh", "subnets": [{"subnet": "10.61.0.0/16"}]}]}
    variables = {"h1": mesh, "h2": mesh, "h3": {**mesh, "bridge_networks": [bridge("app", "10.61.0.0/24")]}}
    succeeded, output = run(tmp_path, variables)
    assert not succeeded
    assert "mesh: subnets[].subnet: 10.61.0.0/16 overlaps the network app of h3" in output


def test_host_without_engine_is_named_and_not_checked(tmp_path: Path) -> None:
    wrong = {"bridge_networks": [bridge("app", "10.213.0.128/25")]}
    right = {"overlay_networks": [{"name": "mesh", "subnets": [{"subnet": "10.66.0.0/24"}]}]}
    succeeded, output = run(tmp_path, {"h1": right, "h2": wrong}, {"h2": None})
    assert succeeded, output
    assert "the networks of h2 are checked when their roles run" in output


def test_subnet_of_a_removed_network_is_free(tmp_path: Path) -> None:
    old = {"id": "1" * 64, "name": "old", "driver": "bridge", "ipam": [{"subnet": "10.61.0.0/24"}], "options": {}}
    wanted = {"macvlan_networks": [macvlan("wire", "10.61.0.0/24")]}
    succeeded, output = run(tmp_path, {"h2": wanted}, {"h2": docker(old)})
    assert not succeeded
    assert "overlaps the network old of h2" in output
    removed = {**wanted, "bridge_networks": [{"name": "old", "state": "absent"}]}
    succeeded, output = run(tmp_path, {"h2": removed}, {"h2": docker(old)})
    assert succeeded, output


def test_slices_are_not_written(tmp_path: Path) -> None:
    shared = {"name": "app", "subnets": [{"subnet": "10.64.0.0/16", "slices": {"prefix": 24}}]}
    succeeded, output = run(tmp_path, {name: {"bridge_networks": [shared]} for name in HOSTS})
    assert succeeded, output
    assert not list(tmp_path.glob("*slices*"))


def test_first_host_need_not_have_the_role_whose_slices_are_read(tmp_path: Path) -> None:
    shared = {"name": "app", "subnets": [{"subnet": "10.64.0.0/16", "slices": {"prefix": 24}}]}
    variables: dict[str, Row] = {
        "h1": {"topology_links": []},
        "h2": {"bridge_networks": [shared]},
        "h3": {"bridge_networks": [bridge("other", "10.60.0.0/24")]},
    }
    succeeded, output = run(tmp_path, variables, {"h2": None})
    assert succeeded, output
    assert "Traceback" not in output


def test_default_bridge_has_the_subnet_that_the_role_engine_sets() -> None:
    route = {"dst": "172.17.0.0/16", "interface": "docker0", "table": 254}
    place = {"kind": "host", "routes": [route], "addresses": [], "sockets": [{"port": 7946}]}
    info = {"namespaces": [place], "docker": docker()}
    arguments = {"bip": "10.70.0.1/24", "bip6": None, "default_address_pools": None, "live_restore": True}
    assert predict_engine(info, {"arguments": arguments, "result": {"changed": False}}) == info
    found = predict_engine(info, {"arguments": arguments, "result": {"changed": True}})
    assert [one["ipam"] for one in found["docker"]["networks"]] == [[{"subnet": "10.70.0.0/24"}]]
    assert found["namespaces"] == [{"kind": "host", "routes": [], "addresses": []}]
    assert found["docker"]["engine"]["live_restore"] is True


def test_networks_are_predicted_by_name() -> None:
    existing: list[Row] = [
        {"id": "1", "name": "kept", "ipam": [{"subnet": "10.1.0.0/24"}]},
        {"id": "2", "name": "gone"},
    ]
    wanted: list[Row] = [
        {"name": "gone", "state": "absent"},
        {"name": "kept", "driver": "bridge"},
        {"name": "new", "driver": "bridge", "ipam_config": [{"subnet": "10.2.0.0/24", "gateway": "10.2.0.1"}]},
    ]
    found = predict_networks(existing, wanted)
    assert [(one["name"], one["ipam"]) for one in found] == [
        ("kept", [{"subnet": "10.1.0.0/24"}]),
        ("new", [{"subnet": "10.2.0.0/24"}]),
    ]


@pytest.mark.parametrize(
    ("variables", "parameter"),
    [
        ({"topology_links": [BRIDGE, BRIDGE]}, "topology_links[1].name"),
        ({"topology_links": [BRIDGE], "topology_host_links": [BRIDGE]}, "topology_host_links[0].name"),
        ({"topology_host_namespaces": [{"name": "a/b"}]}, "topology_host_namespaces[0].name"),
        ({"topology_host_links": [{**BRIDGE, "addresses": ["10.0.0.300/24"]}]}, "topology_host_links[0].addresses[0]"),
    ],
)
def test_error_names_the_variable_and_the_entry(variables: Row, parameter: str) -> None:
    with pytest.raises(BadParameter) as error:
        check_topology(convert_role_variables("topology", variables))
    assert error.value.parameter == parameter


def test_absent_topology_is_not_checked() -> None:
    wrong = [{"name": "v", "kind": "nothing"}]
    check_topology(convert_role_variables("topology", {"topology_state": "absent", "topology_links": wrong}))
