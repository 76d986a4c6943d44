# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of containers, compared with docker inspect and ip."""

from __future__ import annotations

from .conftest import Host, same, shown


def test_facts_of_containers(host: Host) -> None:
    facts = host.facts["ansible_facts"]["container_netns"]
    same(facts, host.inspected, "containers")
    for name, one in host.inspected.items():
        mine = facts[name]
        assert (mine["id"], mine["state"]) == (one["Id"], one["State"]["Status"]), name
        assert mine["netns"] == (str(one["netns"]) if one["netns"] else None), name
        assert mine["shares_host"] == (one["netns"] == host.witness["host"]), name
        # A stopped container has no endpoint, although its networks are configured.
        networks = one["NetworkSettings"]["Networks"] if one["netns"] else []
        same(set(mine["networks"]) - {"docker_gwbridge"}, networks, name)
        if not one["netns"] or mine["shares_host"]:
            assert mine["interfaces"] == {}, name
            continue
        look = host.witness["namespaces"][str(one["netns"])]
        theirs = {
            shown(link["ifname"]): sorted(f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"])
            for link in look["addresses"]
        }
        assert {link: sorted(row["addresses"]) for link, row in mine["interfaces"].items()} == theirs, name
