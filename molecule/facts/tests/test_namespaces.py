# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""List and owners of namespaces, compared with lsns, the mount table and docker inspect."""

from __future__ import annotations

from pathlib import Path

from .conftest import Host, same


def test_only_namespaces_known_by_number_are_missing(host: Host) -> None:
    for said in (host.info, host.facts):
        assert [row for row in said["missing"] if not str(row["netns"]).startswith("nsid:")] == []
    by_number = {row["netns"] for row in host.info["missing"]}
    assert by_number == {netns for netns in host.netns if netns.startswith("nsid:")}
    assert "routes" in {row["part"] for row in host.info["missing"]}


def test_snapshot_contains_exactly_the_namespaces(host: Host) -> None:
    by_number = {netns for netns in host.netns if netns.startswith("nsid:")}
    same(set(host.netns) - by_number, host.witness["namespaces"], "namespaces")
    linked = {
        f"nsid:{link['link_netnsid']}@{inode}"
        for inode, _row, look in host.both()
        for link in look["links"]
        if "link_netnsid" in link
    }
    assert by_number <= linked, "a namespace that is known by number only must be referenced by a link"
    assert len(host.netns) == len(host.info["namespaces"]), "a namespace is listed twice"


def test_kinds_and_owners(host: Host) -> None:
    sandboxes = {
        one["NetworkSettings"]["SandboxKey"].replace("/var/run/", "/run/"): name
        for name, one in host.inspected.items()
        if one["State"]["Running"] and one["NetworkSettings"]["SandboxKey"]
    }
    mounts = host.mounts()
    networks = {one["Id"]: one["Name"] for one in host.witness["networks"]}
    for inode, row, _look in host.both():
        paths = mounts[inode]
        owner = next((sandboxes[path] for path in paths if path in sandboxes), None)
        docker = next((path for path in paths if path.startswith("/run/docker/netns/")), "")
        name = docker.removeprefix("/run/docker/netns/")
        named = [Path(path).name for path in paths if path.startswith("/run/netns/")]
        network = None
        if inode == str(host.witness["host"]):
            kind, owner = "host", None
        elif owner:
            kind = "container"
        elif name == "ingress_sbox":
            kind, network = "ingress", "ingress"
        elif name.startswith(("1-", "lb_")):
            kind = "overlay" if name.startswith("1-") else "load-balancer"
            part = name.split("-" if kind == "overlay" else "_")[1]
            network = next(full for id_, full in networks.items() if id_.startswith(part))
        elif named:
            kind = "named"
        else:
            kind = "process" if inode in host.witness["lsns"] else "unowned"
        seen = (row["kind"], row["container"], row["docker_network"], sorted(row["names"]))
        assert seen == (kind, owner, network, sorted(named)), inode
        assert row["container_id"] == (host.inspected[owner]["Id"] if owner else None)
        assert row["docker_network_id"] == next((id_ for id_, full in networks.items() if full == network), None)
        assert set(paths) <= set(row["paths"]), inode
        assert ("mount" in row["held_by"]) == bool(row["paths"]), inode


def test_processes(host: Host) -> None:
    for inode, row, _look in host.both():
        seen = host.witness["lsns"].get(inode)
        assert ("process" in row["held_by"]) == (seen is not None), inode
        if row["kind"] != "host":
            assert row["process_count"] == (seen["nprocs"] if seen else 0), inode
        assert len(row["processes"]) == min(row["process_count"], 10), inode


def test_shared_namespaces(host: Host) -> None:
    for inode, row, _look in host.both():
        there = [name for name, one in host.inspected.items() if str(one["netns"]) == inode]
        same(row["containers"], there, inode)


def test_containers_have_their_namespaces(host: Host) -> None:
    mounts = {path: str(inode) for path, inode in host.witness["by_path"].items()}
    same(host.containers, host.inspected, "containers")
    for name, one in host.inspected.items():
        row = host.containers[name]
        assert row["netns"] == (str(one["netns"]) if one["netns"] else None), name
        key = one["NetworkSettings"]["SandboxKey"].replace("/var/run/", "/run/")
        if one["State"]["Running"] and key:
            assert row["sandbox_netns"] == mounts[key], name
    left = host.containers["mf-left"]
    assert left["netns"] != left["sandbox_netns"]
    assert host.netns[left["sandbox_netns"]]["container"] == "mf-left"
    joined = host.containers["mf-joined"]
    assert (joined["joined"], joined["netns"]) == ("mf-user", host.containers["mf-user"]["netns"])
    assert host.containers["mf-host"]["netns"] == str(host.witness["host"])
    assert host.containers["mf-exited"]["netns"] is None


def test_hidden_namespaces(host: Host) -> None:
    for what, kind, held_by in (
        ("mount", "unowned", ["mount"]),
        ("process", "process", ["process"]),
        ("other mount namespace", "unowned", ["mount"]),
        ("descriptor", "unowned", ["descriptor"]),
        ("sandbox", "unowned", ["mount"]),
    ):
        row = host.netns[str(host.hidden[what]["inode"])]
        assert (row["kind"], row["held_by"], row["container"]) == (kind, held_by, None), what
        if held_by == ["mount"]:
            assert host.hidden[what]["path"] in row["paths"], what
    leak = host.netns[str(host.hidden["sandbox"]["inode"])]
    assert leak["reference"] == "docker:mfleaked0000"
    process = host.netns[str(host.hidden["process"]["inode"])]
    assert process["processes"] == [{"pid": host.hidden["process"]["pid"], "command": "sleep"}]
    assert process["reference"] == f"pid:{host.hidden['process']['pid']}"


def test_namespace_known_by_number_only(host: Host) -> None:
    here = host.netns[str(host.witness["host"])]
    near = next(link for link in here["interfaces"] if link["name"] == host.hidden["socket"]["peer"])
    far = host.netns[near["peer_netns"]]
    assert (near["peer"], far["process_count"], far["container"]) == ("mf-far", 0, None)
    assert {link["name"] for link in far["interfaces"]} == {"lo", "mf-far"}


def test_strays(host: Host) -> None:
    ours = {row["path"]: row for row in host.info["strays"] if "/mf-" in row["path"]}
    assert {path: row["type"] for path, row in ours.items()} == host.hidden["strays"]
    assert ours["/run/netns/mf-hosts"]["target"] == "/proc/1/ns/net"
    assert ours["/run/netns/mf-hosts"]["netns"] == str(host.witness["host"])
    assert ours["/run/netns/mf-dangling"]["netns"] is None
