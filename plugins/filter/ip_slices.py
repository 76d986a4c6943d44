# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: slices of a subnet that many hosts share."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ip_slices
short_description: Split a subnet into disjoint slices that hosts keep, one a host
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    One physical subnet can be shared by macvlan or ipvlan networks of many Docker hosts. The IPAM of each Docker Engine
    hands out addresses without knowing of the others, so each host needs an C(iprange) of its own in that subnet. This
    filter gives each a slice, and no address to two of them.
  - >-
    A host keeps its slice whatever hosts are added or removed, and in whatever order they are listed. That takes a
    memory: hand in as O(previous) what the filter returned the last time, and keep what it returns. A host that is in
    there keeps its slice. A new one gets the slice to which its name leads, or the next one that nobody has or had.
  - >-
    A host that is not listed any more keeps its slice too, because its containers may still use it. It is in the result
    as long as it is in O(previous). Take it out of there when its containers are gone for good, and its slice can be
    had by others.
  - >-
    Without O(previous), each host that is not in O(assigned) has the slice to which its name leads, whoever else there
    is. Where two names lead to the same slice, one of two hosts would move when the other one comes or goes. The
    filter cannot know who came first, so that is an error. It is likely as soon as there are a few hosts in an IPv4
    subnet, and next to impossible in an IPv6 subnet.
positional: _input, hosts, prefix
options:
  _input:
    description:
      - The subnet that the hosts share, in CIDR notation.
      - An IPv6 subnet is V(/64) or longer, because Docker counts the addresses of a subnet in 64 bits.
    type: str
    required: true
  hosts:
    description:
      - Names of the hosts that need a slice, each once, in any order.
    type: list
    elements: str
    required: true
  prefix:
    description:
      - Prefix length of a slice, such as V(28) for 16 addresses.
      - >-
        Give O(prefix), O(count) or neither. Without both, half of the host bits number the slices: a V(/24) has 16
        slices of 16 addresses, a V(/16) 256 of 256, an IPv6 V(/64) 2^32 of 2^32.
      - >-
        It can be changed later: what is in O(previous) stays as it is, and new hosts get slices of the new length.
        Without O(previous), every host moves then.
    type: int
  count:
    description:
      - >-
        In place of O(prefix), how many slices there are to be at least. It is for how many hosts there may ever be, not
        for how many there are. The number of slices is the next power of two, and those that overlap O(reserved) are
        among them.
    type: int
  previous:
    description:
      - >-
        What the filter returned the last time; an empty dictionary the first time. It says that the result is kept, so
        that hosts whose names lead to the same slice can be told apart by who came first.
      - >-
        Read it from where the last result was written, and let it be an error if that is missing: with an empty
        dictionary in its place, hosts would move.
    type: dict
  assigned:
    description:
      - >-
        Slices that you decide about, by host: in CIDR notation, of any length, or as the number of a slice of this
        length, from 0. They go before O(previous) and before what a name leads to.
      - A host with V(null) has none assigned.
      - The slice that a host leaves by it can be had by others from the next run on, when the host has moved.
    type: dict
  reserved:
    description:
      - >-
        What no slice may overlap, each item an address, a range such as V(192.0.2.100-192.0.2.150) or a subnet: the
        pool of a DHCP server, other people's part of the subnet.
      - >-
        A single address takes a whole slice from use here. Name it in O(aux_addresses) where Docker can be told to
        leave it out.
    type: list
    elements: str
    default: []
  gateway:
    description:
      - >-
        Gateway of the network. It may lie in a slice, because Docker gives the gateway that it is told to no container.
        Without one, many versions of Docker take an address out of each host's slice for it.
    type: str
  aux_addresses:
    description:
      - >-
        Single addresses that belong to something else, by name: routers, servers, the hosts themselves. They may lie in
        a slice, because Docker leaves them out when it is told, with O(ipam=true) by the result. Without that, hand the
        same to Docker yourself.
      - The network address, the broadcast address and the gateway are left out in any case.
    type: dict
    default: {}
  ipam:
    description:
      - >-
        Return for each host an entry of C(ipam_config) as M(netfleet.docker.network) takes it: C(subnet),
        C(iprange), C(gateway) where one is given, and as C(aux_addresses) those that lie in the host's slice. What lies
        elsewhere is not in there, so that a host's network stays as it is when another one's addresses change.
      - The slices are the same, and O(previous) takes both kinds of result.
    type: bool
    default: false
notes:
  - Nothing is asked of any host. Slices that are written down in two places that do not know of each other can overlap.
  - >-
    Which slice a name leads to depends on the name, the subnet, the length of slices and on O(reserved), and on nothing
    else; it will not change between versions.
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

- name: With slices that the inventory names, in a variable wire_slice of each host, nothing has to be kept
  ansible.builtin.debug:
    msg: "{{ wire_subnet | netfleet.docker.ip_slices(groups.docker, prefix=28, assigned=numbers) }}"
  vars:
    numbers: "{{ dict(groups.docker | zip(groups.docker | map('extract', hostvars, 'wire_slice'))) }}"

- name: In an IPv6 subnet there is so much room that names do not meet
  ansible.builtin.debug:
    msg: "{{ 'fd00:0:0:1::/64' | netfleet.docker.ip_slices(groups.docker) }}"
"""

RETURN = r"""
_value:
  description:
    - >-
      The slice of each host that is listed, or that is in O(previous) or O(assigned): in CIDR notation, or with
      O(ipam=true) as an entry of C(ipam_config). Sorted by name.
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
        return allocator.ip_slices(subnet, hosts, prefix=prefix, **options)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"ip_slices": ip_slices}
