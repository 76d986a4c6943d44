# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of a topology: namespaces and links, composed from the fragments of their parts."""

from __future__ import annotations

import yaml
from ansible_collections.netfleet.docker.plugins.doc_fragments import (
    bridge_port,
    kind_bridge,
    kind_ipvlan,
    kind_macvlan,
    kind_vlan,
    kind_vrf,
    kind_vxlan,
    link,
    netns_contents,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.documentation import (
    merge_kinds,
    nest_options,
    read_options,
    write_options,
)

# Options of a topology only.
_OWN = yaml.safe_load(r"""
netns:
  name:
    description:
      - Name of the namespace in C(/run/netns). It is created if it does not exist.
      - >-
        To manage the loopback, sysctls, routes, rules and neighbours of an existing namespace, any other reference is
        accepted. See the notes for the notation.
    type: str
    required: true
  force:
    description:
      - >-
        With O(state=absent), remove the name even if processes run in the namespace. The namespace then exists without
        a name until the last process ends.
    type: bool
    default: false
end:
  bridge_port:
    description:
      - Options of the link as a port of the bridge that is its O(master).
    type: dict
link:
  kind:
    description:
      - Kind of the link. Without a kind, the link must exist, and only the options that are set are managed.
    type: str
    choices: [bridge, dummy, ifb, ipvlan, macvlan, macvtap, veth, vlan, vrf, vxlan]
  up:
    description:
      - Whether the link is up. The default is V(true) for a link with O(kind).
    type: bool
  peer:
    description:
      - "For veth: the other end of the pair, in any namespace."
    type: dict
  fdb:
    description:
      - >-
        Static forwarding entries. For vxlan, the host of a MAC address; for a bridge port, a MAC address on this port.
        The list is exact, unless O(fdb_append=true).
    type: list
    elements: dict
    suboptions:
      mac:
        description:
          - >-
            MAC address. The default, for vxlan only, applies to all addresses without an entry, including broadcasts,
            and is allowed once for each destination.
        type: str
        default: "00:00:00:00:00:00"
      dst:
        description:
          - "For vxlan: address of the remote host."
        type: str
      port:
        description:
          - UDP port of the remote host. The default is O(port).
        type: int
      vni:
        description:
          - VNI on the remote host. The default is O(vni).
        type: int
      via:
        description:
          - Outgoing link of the encapsulated packets. The default is the parent, or the route to the remote host.
        type: str
      vlan:
        description:
          - "For a bridge port: VLAN of the entry."
        type: int
  fdb_append:
    description:
      - Keep forwarding entries that are not listed in O(fdb).
    type: bool
    default: false
  recreate:
    description:
      - Delete and recreate the link if the kernel cannot change it in place. By default, this is an error.
    type: bool
    default: false
""")

_PORT = {"bridge_port": {**_OWN["end"]["bridge_port"], "suboptions": read_options(bridge_port.ModuleDocFragment)}}
_END = {**read_options(link.ModuleDocFragment, "state"), **_PORT}
_KINDS = merge_kinds(
    [
        ("bridge", read_options(kind_bridge.ModuleDocFragment)),
        ("macvlan and macvtap", read_options(kind_macvlan.ModuleDocFragment)),
        ("ipvlan", read_options(kind_ipvlan.ModuleDocFragment)),
        ("vlan", read_options(kind_vlan.ModuleDocFragment)),
        ("vrf", read_options(kind_vrf.ModuleDocFragment)),
        ("vxlan", read_options(kind_vxlan.ModuleDocFragment)),
    ]
)
# Default of the module vxlan, which applies to one kind only in a topology.
_KINDS["port"].pop("default")
_OWN["link"]["peer"]["suboptions"] = nest_options(_END, "links[].peer")
_LINK = {**_END, **_OWN["link"], **_KINDS}
_NAMESPACE = {**_OWN["netns"], **read_options(netns_contents.ModuleDocFragment)}


class ModuleDocFragment:
    """The namespaces and links of a topology."""

    DOCUMENTATION: str = write_options(
        {
            "namespaces": {
                "description": ["Namespaces with their loopback, sysctls, routes, rules and neighbours."],
                "type": "list",
                "elements": "dict",
                "suboptions": nest_options(_NAMESPACE, "namespaces[]"),
            },
            "links": {
                "description": ["Links, in any order."],
                "type": "list",
                "elements": "dict",
                "suboptions": nest_options(_LINK, "links[]"),
            },
        }
    )
