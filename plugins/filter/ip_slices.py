# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: slices of a subnet that several hosts share."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ip_slices
short_description: Divide a subnet into separate slices for hosts
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Macvlan or ipvlan networks of several Docker hosts can share one physical subnet. Each Docker Engine assigns
    addresses independently, so each host requires its own C(iprange) in this subnet. This filter assigns a separate
    slice to each host.
  - >-
    A host keeps its slice when other hosts are added or removed, in any order. For this, store the result and pass it
    as O(previous) in the next run. A host in O(previous) keeps its slice. A new host gets the slice that its name maps
    to, or the next free one.
  - >-
    A host that is no longer listed also keeps its slice, because its containers may still be running. When they are
    removed, delete the host from the stored result to release the slice.
  - >-
    Without O(previous), each host that is not in O(assigned) gets the slice that its name maps to. If two names map
    to the same slice, the filter fails. This is likely for a few hosts in an IPv4 subnet, and very unlikely in an IPv6
    subnet.
positional: _input, hosts, prefix
options:
  _input:
    description:
      - Shared subnet in CIDR notation.
      - An IPv6 subnet must be V(/64) or longer, because Docker counts the addresses of a subnet in 64 bits.
    type: str
    required: true
  hosts:
    description:
      - Names of the hosts, each once, in any order.
    type: list
    elements: str
    required: true
  prefix:
    description:
      - Prefix length of a slice, such as V(28) for 16 addresses.
      - >-
        O(prefix) and O(count) are mutually exclusive. By default, half of the host bits number the slices: a V(/24) has
        16 slices of 16 addresses, a V(/16) 256 of 256, an IPv6 V(/64) 2^32 of 2^32.
      - >-
        With O(previous), the value can be changed: existing hosts keep their slices, and new hosts get slices of the
        new size. Without O(previous), all slices change.
    type: int
  count:
    description:
      - >-
        Minimum number of slices, instead of O(prefix). Choose it for the maximum number of hosts in the future. The
        number of slices is the next power of two, including those that overlap O(reserved).
    type: int
  previous:
    description:
      - >-
        Result of the previous run; an empty dictionary in the first run. With a stored result, hosts whose names map
        to the same slice get different slices.
      - >-
        Make sure that the playbook fails if the stored result is missing. With an empty dictionary, slices of hosts
        could change.
    type: dict
  assigned:
    description:
      - >-
        Fixed slices by host, in CIDR notation with any size, or as the number of a slice from 0. They take precedence
        over O(previous).
      - V(null) means no fixed slice.
      - The former slice of the host is free from the next run.
    type: dict
  reserved:
    description:
      - >-
        Addresses, ranges such as V(192.0.2.100-192.0.2.150), and subnets that no slice may overlap, such as the pool of
        a DHCP server.
      - A single address excludes a whole slice. Use O(aux_addresses) for single addresses.
    type: list
    elements: str
    default: []
  gateway:
    description:
      - >-
        Gateway of the network. It can be in a slice, because Docker does not assign it to containers. Without a
        gateway, many versions of Docker reserve an address of each slice for it.
    type: str
  aux_addresses:
    description:
      - >-
        Single addresses of other devices by name, such as routers, servers and the hosts. They can be in a slice. With
        O(ipam=true), the result excludes them from assignment; otherwise, pass them to Docker yourself.
      - Docker never assigns the network address, the broadcast address and the gateway.
    type: dict
    default: {}
  ipam:
    description:
      - >-
        Return an entry of C(ipam_config) of M(netfleet.docker.network) for each host: C(subnet), C(iprange), C(gateway)
        if set, and the C(aux_addresses) in the slice of the host. Addresses in other slices are omitted, so the network
        does not change with them.
      - O(previous) accepts both formats.
    type: bool
    default: false
notes:
  - The filter does not connect to hosts. Slices in two separate stored results can overlap.
  - >-
    The slice that a name maps to depends only on the name, the subnet, the size of slices and O(reserved). It does not
    change between versions.
seealso:
  - module: netfleet.docker.macvlan
"""

EXAMPLES = r"""
# group_vars/docker/wire.yml, with wire_subnet and wire_gateway:
#
#   wire: "{{ wire_subnet | netfleet.docker.ip_slices(groups.docker, prefix=28, previous=wire_slices) }}"
#
# group_vars/docker/wire_slices.yml, which the first task writes; before the first run:
#
#   wire_slices: {}

- name: Save the assignment of slices on the control node
  ansible.builtin.copy:
    dest: "{{ inventory_dir }}/group_vars/docker/wire_slices.yml"
    content: "{{ {'wire_slices': wire} | to_nice_yaml }}"
    mode: "0644"
  delegate_to: localhost
  become: false
  run_once: true

- name: Create the network with the slice of this host
  netfleet.docker.network:
    name: wire
    driver: macvlan
    driver_options:
      parent: eth0
    ipam_config:
      - subnet: "{{ wire_subnet }}"
        gateway: "{{ wire_gateway }}"
        iprange: "{{ wire[inventory_hostname] }}"

- name: Create the network, and exclude the pool of a DHCP server and two other addresses
  netfleet.docker.network:
    name: wire
    driver: macvlan
    driver_options:
      parent: eth0
    ipam_config:
      - "{{ slices[inventory_hostname] }}"
  vars:
    slices: >-
      {{ wire_subnet | netfleet.docker.ip_slices(groups.docker, prefix=28, previous=wire_slices, ipam=true,
         gateway=wire_gateway, reserved=['192.0.2.128-192.0.2.159'],
         aux_addresses={'nas': '192.0.2.20', 'printer': '192.0.2.21'}) }}

- name: Use slices from the variable wire_slice of each host, without a stored result
  ansible.builtin.debug:
    msg: "{{ wire_subnet | netfleet.docker.ip_slices(groups.docker, prefix=28, assigned=numbers) }}"
  vars:
    numbers: "{{ dict(groups.docker | zip(groups.docker | map('extract', hostvars, 'wire_slice'))) }}"

- name: Use an IPv6 subnet, where names do not collide
  ansible.builtin.debug:
    msg: "{{ 'fd00:0:0:1::/64' | netfleet.docker.ip_slices(groups.docker) }}"
"""

RETURN = r"""
_value:
  description:
    - >-
      Slice of each host that is listed or in O(previous) or O(assigned), sorted by name: in CIDR notation, or with
      O(ipam=true) as an entry of C(ipam_config).
  type: dict
  sample:
    server1: 192.0.2.64/28
    server2: 192.0.2.16/28
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import allocator


def ip_slices(subnet: Any, hosts: Any = None, prefix: Any = None, **options: Any) -> dict[str, Any]:
    """Return the slice of each host."""
    try:
        return allocator.allocate_slices(subnet, hosts, prefix=prefix, **options)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"ip_slices": ip_slices}
