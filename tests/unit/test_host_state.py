# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements of roles, reuse of a gathered state, and the parts of a state that are kept."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.host_state import (
    build_preflight_params,
    read_cards,
    reduce_snapshot,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import (
    convert_role_variables,
    refuse_misspelled_variables,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import engine
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import find_current_state
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import (
    ROLES,
    RoleRequirements,
    get_requirements,
    load_requirements,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import slices_file

Row = dict[str, Any]


def needs(role: str, **variables: Any) -> RoleRequirements:
    return get_requirements(role, convert_role_variables(role, variables))


def test_state_gathered_for_all_roles_is_reused() -> None:
    asked = needs("engine")
    for role in ROLES:
        asked = asked.combine(needs(role).make_optional())
    for role in ("bridge", "macvlan", "overlay", "containers", "topology"):
        assert needs(role).is_covered_by(load_requirements(asked.to_dict()), [])


@pytest.mark.parametrize("missing", ["library:docker", "kind:bridge"])
def test_missing_requirement_is_checked_again_by_the_role_that_requires_it(missing: str) -> None:
    asked = needs("engine").combine(needs("bridge").make_optional())
    assert needs("engine").is_covered_by(asked, [missing])
    assert not needs("bridge").is_covered_by(asked, [missing])


@pytest.mark.parametrize(
    ("network", "kinds"),
    [
        ({}, {"kind:macvlan"}),
        ({"driver": "ipvlan", "vlan": 5}, {"kind:ipvlan", "kind:vlan"}),
        ({"driver": "ipvlan", "state": "absent"}, set()),
    ],
)
def test_macvlan_requires_the_declared_link_kinds(network: Row, kinds: set[str]) -> None:
    found = needs("macvlan", macvlan_networks=[{"name": "wire", "parent": "eth0", **network}])
    assert {key for key in found.required if key.startswith("kind:")} == kinds
    assert found.cards is bool(kinds)
    assert not needs("macvlan", macvlan_hints="false", macvlan_networks=[{"name": "wire"}]).cards


def test_requirements_are_converted_to_preflight_parameters() -> None:
    found = build_preflight_params(["engine:installed", "systemd", "library:docker", "module:ip_vs", "feature:esp"])
    assert found == {
        "engine": "installed",
        "systemd": True,
        "libraries": ["docker"],
        "kinds": [],
        "modules": ["ip_vs"],
        "features": ["esp"],
    }


def test_reduced_state_contains_only_planner_input() -> None:
    route = {"dst": "10.0.0.0/8", "interface": "eth0", "table": 254, "family": 4, "metric": 0}
    docker = {
        "engine": {"version": "26.1.5"},
        "containers": [{"name": "web"}],
        "networks": [{"name": "app", "driver": "bridge", "ipam": [], "labels": {"secret": "x"}}],
    }
    namespace = {
        "kind": "host",
        "netns": "1",
        "routes": [{**route, "protocol": "kernel"}, {**route, "protocol": "bgp"}],
    }
    found = reduce_snapshot({"host": {"hostname": "h1"}, "namespaces": [namespace], "docker": docker, "missing": []})
    assert found["namespaces"] == [{"kind": "host", "routes": [route]}]
    assert found["docker"] == {
        "engine": {"version": "26.1.5"},
        "networks": [{"id": None, "name": "app", "driver": "bridge", "config_only": None, "ipam": [], "options": None}],
    }


def test_network_cards_are_links_with_a_device(tmp_path: Path) -> None:
    for link in ("eth0", "lo", "wlan0"):
        (tmp_path / "net" / link).mkdir(parents=True)
    driver = tmp_path / "drivers" / "virtio_net"
    driver.mkdir(parents=True)
    (tmp_path / "net/eth0/device").mkdir()
    (tmp_path / "net/eth0/device/driver").symlink_to(driver)
    (tmp_path / "net/wlan0/phy80211").mkdir()
    assert read_cards(tmp_path / "net") == {
        "eth0": {"driver": "virtio_net", "wireless": False},
        "wlan0": {"driver": None, "wireless": True},
    }


def test_slices_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "slices.yml"
    assert slices_file.read_slices(path) == {}
    slices = {"wire": {"192.0.2.0/24": {"h1": "192.0.2.16/28", "h2": "192.0.2.32/28"}}}
    path.write_text(slices_file.render_slices(slices), encoding="utf-8")
    assert slices_file.read_slices(path) == slices


def test_slices_file_is_refused_where_ansible_reads_it_as_inventory(tmp_path: Path) -> None:
    loader = DataLoader()
    (tmp_path / "inventory").mkdir()
    for name in (tmp_path / "inventory/slices.yml", tmp_path / "inventory/group_vars/slices.yml"):
        with pytest.raises(BadParameter, match=r"bridge_slices_file: .* is in the inventory directory"):
            slices_file.resolve_path(loader, "bridge_slices_file", str(name), [str(tmp_path / "inventory"), "h1,"])
    # Beside an inventory that is a file, and in a collection.
    (tmp_path / "hosts").touch()
    path = slices_file.resolve_path(loader, "bridge_slices_file", str(tmp_path / "s.yml"), [str(tmp_path / "hosts")])
    assert path == tmp_path / "s.yml"
    with pytest.raises(BadParameter, match="bridge_slices_file: required"):
        slices_file.resolve_path(loader, "bridge_slices_file", "/x/ansible_collections/a/b/playbooks/s.yml", [])


def test_slices_file_at_the_former_default_is_not_ignored(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/bridge_slices.yml").touch()
    path, folder = tmp_path / "bridge_slices.yml", str(tmp_path / "inventory")
    with pytest.raises(BadParameter, match=r"bridge_slices_file: .*inventory/bridge_slices.yml does, which was"):
        slices_file.refuse_former_default(path, "bridge_slices_file", folder)
    slices_file.refuse_former_default(path, "bridge_slices_file", None)
    path.touch()
    slices_file.refuse_former_default(path, "bridge_slices_file", folder)


def test_concurrent_runs_do_not_lose_slices(tmp_path: Path) -> None:
    """Each of eight runs adds a host with the slice that it finds free."""
    path = tmp_path / "new/slices.yml"

    def add(number: int) -> None:
        with slices_file.hold_lock(path):
            found = slices_file.read_slices(path)
            time.sleep(0.02)
            found[f"h{number}"] = len(found)
            path.write_text(slices_file.render_slices(found), encoding="utf-8")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert sorted(slices_file.read_slices(path).values()) == list(range(8))


@pytest.mark.parametrize(("text", "error"), [("slices: [", NetfleetError), ("hosts: {}", BadParameter)])
def test_invalid_slices_file_is_rejected(tmp_path: Path, text: str, error: type[Exception]) -> None:
    path = tmp_path / "slices.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=str(path)):
        slices_file.read_slices(path)


def registered(asked: RoleRequirements, **fields: Any) -> Row:
    state = {"namespaces": [], "docker": {"engine": {}}}
    return {"state": state, "needs": asked.to_dict(), "missing_needs": [], "incomplete": False, **fields}


def test_state_is_current_until_a_role_changes_the_host() -> None:
    own = needs("containers")
    assert find_current_state({}, own) is None
    result = registered(own)
    assert find_current_state({"netfleet_host": result}, own) == result
    assert find_current_state({"netfleet_host": result, "bridge_applied": {"changed": False}}, own) == result
    for role in ("engine", "bridge", "macvlan", "overlay", "topology"):
        assert find_current_state({"netfleet_host": result, f"{role}_applied": {"changed": True}}, own) is None
    assert find_current_state({"netfleet_host": registered(needs("bridge"))}, own) is None
    assert find_current_state({"netfleet_host": registered(own, state={"namespaces": []})}, own) is None


def test_engine_prediction_is_used_for_equal_arguments_only() -> None:
    variables = convert_role_variables("engine", {"engine_mtu": "1400", "engine_icc": "false"})
    arguments = engine.build_role_arguments(variables)
    assert arguments is not None
    assert (arguments["mtu"], arguments["icc"], arguments["bip"]) == (1400, False, None)
    result = registered(needs("engine"), engine={"arguments": arguments, "result": {"changed": False}})
    given = {name: value for name, value in arguments.items() if value is not None}
    assert engine.find_prediction({"netfleet_host": result}, given) == {"changed": False}
    assert engine.find_prediction({"netfleet_host": result}, {**given, "mtu": 1450}) is None
    assert engine.find_prediction({"netfleet_host": result, "engine_applied": {"changed": True}}, given) is None
    assert engine.find_prediction({"netfleet_host": registered(needs("engine"), engine={})}, given) is None


def test_invalid_engine_arguments_are_not_built() -> None:
    assert engine.build_arguments({"mtu": "large"}) is None


@pytest.mark.parametrize(
    ("role", "name", "meant"),
    [
        ("bridge", "bridge_netwroks", "bridge_networks"),
        ("bridge", "bridge_network", "bridge_networks"),
        ("engine", "engine_mtuu", "engine_mtu"),
        ("overlay", "overlay_manager_goup", "overlay_manager_group"),
        ("topology", "topology_link", "topology_links"),
    ],
)
def test_misspelled_variable_is_reported_with_the_right_name(role: str, name: str, meant: str) -> None:
    with pytest.raises(BadParameter, match=f"{name}: the role {role} has no such variable; did you mean {meant}"):
        refuse_misspelled_variables(role, [meant, name])


def test_variables_of_users_and_tasks_are_not_taken_for_misspelled_ones() -> None:
    own = ("bridge_networks_common", "bridge_vlan_of_site", "engine_owner", "bridge", "overlay_plan")
    for role in ROLES:
        folder = Path(argument_spec.__file__).parents[3] / "roles" / role
        texts = [path.read_text(encoding="utf-8") for path in (*folder.glob("tasks/*.yml"), *folder.glob("vars/*.yml"))]
        names = re.findall(rf"\b{role}_\w+", " ".join(texts))
        refuse_misspelled_variables(role, [*own, *names])
