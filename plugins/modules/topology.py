#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage all namespaces and links of a host as one document."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Manage all network namespaces and links of a host in one transaction
version_added: 0.1.0
description:
  - >-
    Manages namespaces, links, addresses, bridge ports, forwarding entries, neighbours, routes and rules of a host as
    one document in one transaction. The order of the entries has no meaning.
  - >-
    If an operation fails, all changes are rolled back. A reference to an object that neither exists nor is declared is
    an error before any change.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.topology
  - netfleet.docker.protection
options:
  name:
    description:
      - >-
        Name of the topology. It determines a link group that marks all namespaces and links that the topology creates
        as its own. The routes, rules and neighbours that it adds are recorded in C(/run) on the host.
      - Without a name, nothing is marked, and only declared objects are removed.
    type: str
  state:
    description:
      - >-
        V(merged) creates and changes declared objects. Options that are not set, and entries that are not listed, such
        as addresses, routes and ports, are not changed.
      - >-
        V(replaced) also makes lists exact, unless an option of the list says otherwise, and resets options of declared
        links and named namespaces that are not set to their defaults, except MTU, MAC address and sysctls. With
        O(name), it removes objects that the topology owns and no longer declares. Other objects are never removed.
      - >-
        V(absent) removes the declared links and named namespaces; with O(name), only those that the topology owns.
        Without a declaration, it removes everything that the topology owns.
      - >-
        V(gathered) changes nothing and returns the current state as a document, with the named namespaces and the links
        of the host, without those of Docker. With O(name), it returns only what the topology owns.
      - >-
        V(rendered) changes nothing and does not read from the host. It returns the commands that create the declared
        objects.
    type: str
    choices: [merged, replaced, absent, gathered, rendered]
    default: merged
seealso:
  - module: netfleet.docker.netns
  - module: netfleet.docker.veth
  - module: netfleet.docker.bridge
  - module: netfleet.docker.macvlan
  - module: netfleet.docker.vxlan
"""

EXAMPLES = r"""
- name: Connect a namespace to a bridge of the host
  netfleet.docker.topology:
    name: dmz
    state: replaced
    namespaces:
      - name: dmz
        routes:
          - dst: default
            gateway: 10.20.1.1
    links:
      - name: br-dmz
        kind: bridge
        netns: host
        addresses: [10.20.1.1/24]
      - name: eth0
        kind: veth
        netns: dmz
        addresses: [10.20.1.2/24]
        peer:
          name: dmz-host
          netns: host
          master: br-dmz

- name: Read the objects that the topology owns
  netfleet.docker.topology:
    name: dmz
    state: gathered
  register: found

- name: Show the commands that create the same objects on another host
  netfleet.docker.topology:
    state: rendered
    namespaces: "{{ found.gathered.namespaces }}"
    links: "{{ found.gathered.links }}"

- name: Remove all objects that the topology owns
  netfleet.docker.topology:
    name: dmz
    state: absent
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create namespace dmz
    - create bridge br-dmz in host
    - create veth eth0 in dmz with peer dmz-host in host
topology:
  description:
    - Summary of the topology after the run.
  returned: success, unless O(state) is V(gathered) or V(rendered)
  type: dict
  contains:
    name:
      description: Name of the topology, or null.
      type: str
      sample: dmz
    group:
      description: Link group that marks the links of the topology, or null without a name.
      type: int
      sample: 2908312487
    namespaces:
      description: Observed namespaces that exist.
      type: list
      elements: str
      sample: [dmz, host]
    links:
      description: Number of declared links that exist.
      type: int
      sample: 3
gathered:
  description:
    - Current state as a document. Use it with O(state=replaced) to create the same objects on another host.
    - Objects that cannot be declared are omitted with a warning.
  returned: with O(state=gathered)
  type: dict
  sample:
    namespaces:
      - name: dmz
        routes: [{dst: default, gateway: 10.20.1.1, dev: eth0}]
    links:
      - {name: br-dmz, netns: host, kind: bridge, mtu: 1500, mac: "02:00:00:00:00:01", addresses: [10.20.1.1/24]}
rendered:
  description:
    - >-
      Shell commands that create the declared objects on a host that has none of them. They use iproute2, C(sysctl) and
      C(nsenter).
  returned: with O(state=rendered)
  type: list
  elements: str
  sample:
    - ip netns add dmz
    - ip link add name br-dmz type bridge
"""

from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired import topology as topology_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.export.render import render_commands
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def gather_topology(params: dict[str, Any]) -> dict[str, Any]:
    """Return the current topology."""
    # Imported for this state only, because each run compiles all imported files.
    from ansible_collections.netfleet.docker.plugins.module_utils._links.export import gather

    found = gather.gather_document(topology_options.parse_owner(params))
    return {"changed": False, "gathered": found.document, "warnings": found.warnings}


def render_topology(params: dict[str, Any]) -> dict[str, Any]:
    """Return the commands that create the topology."""
    return {"changed": False, "rendered": render_commands(params)}


def main() -> None:
    """Run the module."""
    module = Module(argument_spec=topology_options.build_argument_spec(), supports_check_mode=True)
    work = {"gathered": gather_topology, "rendered": render_topology}.get(module.params["state"])
    if work:
        exit_with_result(module, lambda: work(module.params), large=True)
    else:
        run_module(module, "topology", topology_options.build_request, large=True)


if __name__ == "__main__":
    main()
