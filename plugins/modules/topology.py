#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a whole host's namespaces and links as one document."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Manage all network namespaces and links of a host as one document
version_added: 0.1.0
description:
  - >-
    Takes namespaces, links, addresses, bridge ports, forwarding entries, neighbours, routes and rules of a host as one
    document, and makes them so in one go. The order in the document does not matter.
  - >-
    All of it is done or nothing: if a step fails, what was done before is undone. A reference to something that is
    neither declared nor there is refused before anything is done.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.topology
options:
  name:
    description:
      - >-
        Name of the topology. What it makes is marked as its own, by a link group that is made of the name, and is known
        by that ever after.
      - Without it, nothing is marked, and nothing is removed that is not declared.
    type: str
  state:
    description:
      - >-
        V(merged) makes and changes what is declared. An option that is not given is left as it is, and so are entries
        of a list that are not listed: addresses, routes, ports and all others.
      - >-
        V(replaced) does so too, but its lists are exact, unless told otherwise, and it sets what is not given of a
        declared link or named namespace to what a new one has: no addresses, no master, no routes, and the kernel's
        defaults. The MTU, the MAC address and sysctls stay as they are. With O(name) it removes what the topology owns
        and no longer declares. What is not its own is never removed.
      - >-
        V(absent) removes the declared links and named namespaces, with O(name) those of them that the topology owns;
        and all that it owns where nothing is declared.
      - >-
        V(gathered) changes nothing and returns the document of what is there: the named namespaces with what is in
        them, and the host's own links; with O(name) what the topology owns. Docker's own links are left out.
      - >-
        V(rendered) changes nothing, and does not look at the host either: it returns the commands that would make what
        is declared.
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
- name: A namespace with a leg in a bridge of the host
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

- name: What the topology owns, as a document
  netfleet.docker.topology:
    name: dmz
    state: gathered
  register: found

- name: The same on a host that has nothing of it, as commands to read
  netfleet.docker.topology:
    state: rendered
    namespaces: "{{ found.gathered.namespaces }}"
    links: "{{ found.gathered.links }}"

- name: All that the topology owns is gone
  netfleet.docker.topology:
    name: dmz
    state: absent
"""

RETURN = r"""
operations:
  description:
    - What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: str
  sample:
    - create veth eth0 in blue with peer blue-host in host
    - set eth0 in blue to up
topology:
  description:
    - What there is of the topology in a few words.
  returned: unless O(state) is V(gathered) or V(rendered)
  type: dict
  contains:
    name:
      description: Its name, null without one.
      type: str
      sample: dmz
    group:
      description: The link group that marks its links, null without a name.
      type: int
      sample: 2908312487
    namespaces:
      description: The namespaces that were looked at and are there.
      type: list
      elements: str
      sample: [dmz, host]
    links:
      description: Number of links in them that are declared and there.
      type: int
      sample: 3
gathered:
  description:
    - The document of what is there, with O(state=replaced) on another host the same is made there.
    - What is there and cannot be declared is left out, and a warning names it.
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
      The commands, as lines for a shell, that make what is declared on a host that has nothing of it and all that it
      refers to. They are those of iproute2, C(sysctl) and C(nsenter).
  returned: with O(state=rendered)
  type: list
  elements: str
  sample:
    - ip netns add dmz
    - ip link add name br-dmz type bridge
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired import topology as topology_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.export.render import render_commands
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def gathered(params: dict[str, Any]) -> dict[str, Any]:
    """Return what is there."""
    # Of no use for the other states, and whatever comes along is compiled anew at each run.
    from ansible_collections.netfleet.docker.plugins.module_utils._links.export import gather

    found = gather.gather_document(topology_options.parse_owner(params))
    return {"changed": False, "gathered": found.document, "warnings": found.warnings}


def rendered(params: dict[str, Any]) -> dict[str, Any]:
    """Return what is declared as commands."""
    return {"changed": False, "rendered": render_commands(params)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=topology_options.build_argument_spec(), supports_check_mode=True)
    work = {"gathered": gathered, "rendered": rendered}.get(module.params["state"])
    if work:
        exit_with_result(module, lambda: work(module.params), large=True)
    else:
        run_module(module, "topology", topology_options.build_request, large=True)


if __name__ == "__main__":
    main()
