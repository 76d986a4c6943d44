#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: gather all network namespaces of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns_info
short_description: Gather all network namespaces of a host
version_added: 0.1.0
description:
  - >-
    Finds all network namespaces of a host: the host namespace, named namespaces, namespaces of containers, Docker
    sandboxes of overlay networks, namespaces that only a process, a mount or an open file keeps alive, and leaked
    namespaces.
  - >-
    Returns the owner and the contents of each namespace (links with their peers, addresses, routes, rules, neighbours,
    forwarding databases, sockets, sysctls, firewall, IPsec), and the containers, networks and services of Docker
    Engine.
  - Data that could not be read is listed in RV(missing) with the reason.
  - The reference of the collection describes all tables and columns.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.facts
options:
  gather_subset:
    description:
      - >-
        Data to gather in addition to namespaces and interfaces: V(addresses), V(routes), V(rules), V(neighbours),
        V(fdb), V(sockets), V(sysctls), V(firewall), V(xfrm), V(conntrack), V(statistics) of interfaces, and V(docker)
        for containers, networks and services.
      - V(all) selects all of them, V(min) none. A name that starts with C(!) is excluded.
    type: list
    elements: str
    default: [all]
  kinds:
    description: Return only namespaces of these kinds.
    type: list
    elements: str
    choices: [host, container, overlay, load-balancer, ingress, named, process, unowned]
    default: []
  containers:
    description: Return only the namespaces of these containers, by name or by ID with 12 or 64 digits.
    type: list
    elements: str
    default: []
  names:
    description:
      - Return only these namespaces, by name in C(/run/netns), path, reference such as C(docker:NAME), or inode.
    type: list
    elements: str
    default: []
  labels:
    description: Labels of containers and networks to return in addition to the labels of Compose and Swarm services.
    type: list
    elements: str
    default: []
  references:
    description:
      - >-
        References to look up in addition, such as C(pid:42) or C(path:/run/user/1000/netns/build). The processes and
        paths of a namespace are not all listed in its row.
      - >-
        A host before a slash and a port after the last colon are accepted, as in the source and the target of the role
        C(troubleshoot). References to other hosts, addresses and names are ignored.
    type: list
    elements: str
    default: []
  packed:
    description: >-
      Return the result as one compressed string. The action plugin sets this option and decompresses the result.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.container_netns_facts
"""

EXAMPLES = r"""
- name: Gather everything
  netfleet.docker.netns_info:
  register: host

- name: Show the namespaces without owner
  ansible.builtin.debug:
    msg: "{{ item.netns }} is held by {{ item.held_by | join(', ') }} at {{ item.paths | join(', ') }}"
  loop: "{{ host.namespaces | selectattr('kind', 'equalto', 'unowned') }}"
  loop_control:
    label: "{{ item.netns }}"

- name: Gather interfaces, addresses and routes of a container
  netfleet.docker.netns_info:
    containers: [web]
    gather_subset: [addresses, routes]
  register: web

- name: Show the peer of eth0 of the container
  ansible.builtin.debug:
    msg: "{{ item.peer }} in namespace {{ item.peer_netns }}"
  loop: "{{ web.namespaces[0].interfaces | selectattr('name', 'equalto', 'eth0') }}"
"""

RETURN = r"""
version:
  description: Version of the document.
  returned: success
  type: int
  sample: 1
host:
  description: The host and the snapshot, as table C(host).
  returned: success
  type: dict
  sample: {hostname: h1, taken_at: "2026-01-31T12:00:00Z", seconds: 0.2, kernel: 6.1.0}
namespaces:
  description: >-
    The namespaces, as table C(netns), each with the requested lists C(interfaces), C(addresses), C(routes), C(rules),
    C(neighbours), C(fdb), C(sockets), C(firewall_chains), C(firewall_rules), C(firewall_sets), C(xfrm_states) and
    C(xfrm_policies), and the dictionary C(sysctls).
  returned: success
  type: list
  elements: dict
  sample:
    - netns: "4026532448"
      kind: container
      reference: container:web
      container: web
      process_count: 2
      interfaces:
        - {index: 7, name: eth0, kind: veth, up: true, peer: veth1a2b3c4, peer_index: 8, peer_netns: "4026531840"}
strays:
  description: >-
    Entries in C(/run/netns) and in Docker's sandbox directory that are not mounted namespaces, as table C(stray).
  returned: success
  type: list
  elements: dict
  sample: [{path: /run/netns/old, type: empty file, target: null, netns: null}]
docker:
  description: >-
    Data of Docker Engine: the dictionary C(engine) and the lists C(containers), C(networks), C(endpoints),
    C(published_ports), C(network_peers), C(swarm_nodes), C(swarm_services) and C(swarm_tasks).
  returned: when O(gather_subset) contains V(docker)
  type: dict
  sample: {engine: {version: 26.1.5}, networks: [{name: bridge, driver: bridge}]}
references:
  description: Inodes of the namespaces of O(references); references that lead to no namespace are left out.
  returned: with O(references)
  type: dict
  sample: {"pid:42": "4026532448"}
missing:
  description:
    - >-
      Data that could not be read, was truncated, or disappeared before it was read, and entries of O(containers) and
      O(names) that do not exist.
  returned: success
  type: list
  elements: dict
  sample: [{netns: "4026532448", part: routes, what: truncated, reason: only the first 10000 entries were read}]
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options, snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._facts.references import look_up_references

_LISTS = ("containers", "names", "references")


def read_info(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the snapshot, compressed if the action plugin requests it."""
    document = snapshot.collect_snapshot(options.parse_request(params))
    if params["references"]:
        document["references"] = look_up_references(params["references"])
    return {"packed": options.pack_document(document)} if params["packed"] else document


def main() -> None:
    """Run the module."""
    names = {name: {"type": "list", "elements": "str", "default": []} for name in _LISTS}
    kinds = {"type": "list", "elements": "str", "choices": list(options.KINDS), "default": []}
    spec = {**options.OPTIONS, **names, "kinds": kinds, "packed": {"type": "bool", "default": False}}
    module = Module(argument_spec=spec, supports_check_mode=True)
    options.run_module(module, read_info)


if __name__ == "__main__":
    main()
