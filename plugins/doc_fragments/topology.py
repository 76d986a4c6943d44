# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of a topology's document."""

from __future__ import annotations


class ModuleDocFragment:
    """The namespaces and links of a document."""

    DOCUMENTATION = r"""
options:
  namespaces:
    description:
      - Namespaces, each with what belongs to it as a whole.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the namespace, a file in C(/run/netns); it is created if it is not there.
          - >-
            Any other reference to a namespace (see the notes) is taken too, for its loopback, sysctls, routes, rules
            and neighbours; it must be there.
        type: str
        required: true
      force:
        description:
          - >-
            With O(state=absent), remove the name even though processes are inside. The namespace then lives on without
            a name until the last of them ends.
        type: bool
        default: false
      loopback_up:
        description:
          - Whether the loopback interface C(lo) is to be up.
          - By default it is brought up in a named namespace and left alone in any other.
        type: bool
      sysctls:
        description:
          - >-
            Sysctls of the namespace, all below C(net.), with their values. As in C(sysctl\(8\)), a dot in an
            interface's name is written as C(/).
        type: dict
      routes:
        description:
          - >-
            Routes. The list is exact for routes that users make (protocols C(boot) and C(static)); those of the kernel,
            of router advertisements and of routing daemons are left alone.
        type: list
        elements: dict
        suboptions:
          dst:
            description:
              - Network in CIDR form, an address, or C(default).
            type: str
            required: true
          gateway:
            description:
              - Address of the next hop; its family is the family of a default route.
            type: str
          dev:
            description:
              - Link through which packets leave.
            type: str
          family:
            description:
              - Family of a default route that has no gateway.
            type: str
            choices: [ipv4, ipv6]
          metric:
            description:
              - Priority, the lowest wins.
            type: int
          table:
            description:
              - Number of the routing table.
            type: int
            default: 254
          src:
            description:
              - Preferred source address.
            type: str
          type:
            description:
              - What happens to packets.
            type: str
            choices: [unicast, local, blackhole, unreachable, prohibit]
            default: unicast
          onlink:
            description:
              - Take the gateway for reachable on the link without an address in its subnet.
            type: bool
      routes_append:
        description:
          - Leave routes that are not listed in O(namespaces[].routes).
        type: bool
        default: false
      rules:
        description:
          - Policy rules. The list is exact but for those that every namespace is born with.
        type: list
        elements: dict
        suboptions:
          priority:
            description:
              - Number of the rule, the lowest is looked at first.
            type: int
            required: true
          family:
            description:
              - >-
                Family of the rule, by default that of O(namespaces[].rules[].src) or O(namespaces[].rules[].dst), else
                C(ipv4).
            type: str
            choices: [ipv4, ipv6]
          src:
            description:
              - Network that the source address lies in.
            type: str
          dst:
            description:
              - Network that the destination address lies in.
            type: str
          iif:
            description:
              - Link through which packets come.
            type: str
          oif:
            description:
              - Link to which a socket is bound.
            type: str
          fwmark:
            description:
              - Firewall mark.
            type: int
          fwmask:
            description:
              - Mask for the firewall mark.
            type: int
          table:
            description:
              - Number of the routing table to look in; needed for the action C(lookup).
            type: int
          action:
            description:
              - What happens to packets that match.
            type: str
            choices: [lookup, blackhole, unreachable, prohibit]
            default: lookup
      rules_append:
        description:
          - Leave rules that are not listed in O(namespaces[].rules).
        type: bool
        default: false
      neighbours:
        description:
          - >-
            Permanent neighbours, and with O(namespaces[].neighbours[].proxy) addresses that are answered for. The list
            is exact; entries that come with traffic, or from routing daemons, are left alone.
          - The kernel drops the neighbours of a link that goes down or gets another MAC address.
        type: list
        elements: dict
        suboptions:
          dst:
            description:
              - Address of the neighbour.
            type: str
            required: true
          mac:
            description:
              - MAC address of the neighbour; a proxy entry has none.
            type: str
          dev:
            description:
              - Link at which the neighbour is.
            type: str
            required: true
          proxy:
            description:
              - Answer for this address on the link, where its sysctl C(proxy_ndp) or C(forwarding) lets it.
            type: bool
            default: false
      neighbours_append:
        description:
          - Leave neighbours that are not listed in O(namespaces[].neighbours).
        type: bool
        default: false
  links:
    description:
      - Links, in any order. What each needs is made before it.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the link, 1 to 15 printable ASCII characters without white space, C(/), C(:) and C(%).
        type: str
        required: true
      netns:
        description:
          - >-
            Namespace in which the link is to be, see the notes for how it is named. Without it, the namespace that the
            module runs in.
        type: str
      kind:
        description:
          - Kind of the link. Without it, the link must be there already, and only what is given of it is changed.
        type: str
        choices: [bridge, dummy, ifb, ipvlan, macvlan, macvtap, veth, vlan, vxlan]
      up:
        description:
          - Whether the link is to be up. By default it is, unless it has no O(links[].kind).
        type: bool
      mtu:
        description:
          - Largest packet in bytes, 68 to 65535.
        type: int
      mac:
        description:
          - Unicast MAC address.
        type: str
      addresses:
        description:
          - >-
            IPv4 and IPv6 addresses with their prefix lengths. The list is exact, other addresses are removed, but for
            those of the kernel itself, of router advertisements and of leases.
        type: list
        elements: str
      master:
        description:
          - Link in the same namespace, such as a bridge, of which this one is to be a port. Empty for none.
        type: str
      altnames:
        description:
          - Alternative names. The list is exact.
        type: list
        elements: str
      alias:
        description:
          - Free text that the kernel keeps with the link, at most 255 bytes. Empty for none.
        type: str
      bridge_port:
        description:
          - Options of the link as a port of the bridge that is its O(links[].master).
        type: dict
        suboptions:
          priority:
            description:
              - Priority of the port for the spanning tree, 0 to 63.
            type: int
          cost:
            description:
              - Cost of the port for the spanning tree, 1 to 65535.
            type: int
          hairpin:
            description:
              - Whether frames may leave through the port they came in by.
            type: bool
          learning:
            description:
              - Whether the bridge learns MAC addresses behind the port.
            type: bool
          neigh_suppress:
            description:
              - Whether the bridge answers ARP and neighbour solicitations itself where it can.
            type: bool
          isolated:
            description:
              - Whether the port is kept apart from other isolated ones.
            type: bool
      peer:
        description:
          - >-
            Of a veth, its other end: a link of its own, in any namespace.
        type: dict
        suboptions:
          name:
            description:
              - Name of the link, 1 to 15 printable ASCII characters without white space, C(/), C(:) and C(%).
            type: str
            required: true
          netns:
            description:
              - >-
                Namespace in which the link is to be, see the notes for how it is named. Without it, the namespace that
                the module runs in.
            type: str
          up:
            description:
              - Whether this end is to be up.
            type: bool
          mtu:
            description:
              - Largest packet in bytes, 68 to 65535.
            type: int
          mac:
            description:
              - Unicast MAC address.
            type: str
          addresses:
            description:
              - >-
                IPv4 and IPv6 addresses with their prefix lengths. The list is exact, other addresses are removed, but
                for those of the kernel itself, of router advertisements and of leases.
            type: list
            elements: str
          master:
            description:
              - Link in the same namespace, such as a bridge, of which this one is to be a port. Empty for none.
            type: str
          altnames:
            description:
              - Alternative names. The list is exact.
            type: list
            elements: str
          alias:
            description:
              - Free text that the kernel keeps with the link, at most 255 bytes. Empty for none.
            type: str
          bridge_port:
            description:
              - Options of the link as a port of the bridge that is its O(links[].peer.master).
            type: dict
            suboptions:
              priority:
                description:
                  - Priority of the port for the spanning tree, 0 to 63.
                type: int
              cost:
                description:
                  - Cost of the port for the spanning tree, 1 to 65535.
                type: int
              hairpin:
                description:
                  - Whether frames may leave through the port they came in by.
                type: bool
              learning:
                description:
                  - Whether the bridge learns MAC addresses behind the port.
                type: bool
              neigh_suppress:
                description:
                  - Whether the bridge answers ARP and neighbour solicitations itself where it can.
                type: bool
              isolated:
                description:
                  - Whether the port is kept apart from other isolated ones.
                type: bool
      parent:
        description:
          - >-
            Link that this one sits on. A macvlan, macvtap, ipvlan and vlan cannot be without one; of a VXLAN link it is
            the one through which packets leave. The kernel cannot change it later.
        type: str
      parent_netns:
        description:
          - >-
            Namespace of O(links[].parent), and of a VXLAN link's packets. Without it, the namespace that the module
            runs in.
        type: str
      ports:
        description:
          - >-
            Of a bridge, links in the same namespace that are to be its ports, as names or as dictionaries with a
            C(name) and any of the options of O(links[].bridge_port).
          - >-
            The list is exact, together with the links that declare the bridge as their O(links[].master); other ports
            are released, unless O(links[].ports_append=true).
        type: list
        elements: raw
      ports_append:
        description:
          - Leave ports that are not listed in O(links[].ports).
        type: bool
        default: false
      fdb:
        description:
          - >-
            Static forwarding entries. Of a VXLAN link, behind which host a MAC address is; of a port of a bridge, that
            a MAC address is behind it. The list is exact, unless O(links[].fdb_append=true).
        type: list
        elements: dict
        suboptions:
          mac:
            description:
              - >-
                MAC address. The default, of a VXLAN link only, stands for all that have no entry, broadcasts among
                them, and may be there once for each destination.
            type: str
            default: "00:00:00:00:00:00"
          dst:
            description:
              - Of a VXLAN link, address of the host to which such frames go.
            type: str
          port:
            description:
              - UDP port of that host, if not O(links[].port).
            type: int
          vni:
            description:
              - Number of the virtual network there, if not O(links[].vni).
            type: int
          via:
            description:
              - Link through which the packets leave, if it is not to be the parent or what the routes tell.
            type: str
          vlan:
            description:
              - Of a port of a bridge, the VLAN in which this holds.
            type: int
      fdb_append:
        description:
          - Leave forwarding entries that are not listed in O(links[].fdb).
        type: bool
        default: false
      mode:
        description:
          - >-
            Of a macvlan or macvtap, how links of one parent see each other: V(bridge), V(vepa), V(private), V(passthru)
            or V(source), see M(netfleet.docker.macvlan). Of an ipvlan V(l2), V(l3) or V(l3s).
        type: str
      flags:
        description:
          - >-
            Of a macvlan or macvtap, any of V(nopromisc) and V(nodst); of an ipvlan, one of V(bridge), V(private) and
            V(vepa).
        type: list
        elements: str
      source_macs:
        description:
          - >-
            Of a macvlan or macvtap. With O(links[].mode=source), the MAC addresses from which packets are taken. The
            list is exact.
        type: list
        elements: str
      broadcast_queue_length:
        description:
          - >-
            Of a macvlan or macvtap. Number of broadcast packets that may wait on the parent; the largest among the
            parent's links counts.
        type: int
      id:
        description:
          - Of a vlan, its number, 0 to 4094. The kernel cannot change it later.
        type: int
      protocol:
        description:
          - Of a vlan, the protocol of its tags, V(802.1Q) or V(802.1ad). The kernel cannot change it later.
        type: str
      stp:
        description:
          - Of a bridge. Whether the spanning tree protocol runs.
        type: bool
      forward_delay:
        description:
          - >-
            Of a bridge. Time that a port listens, and learns, before it forwards; in hundredths of a second, 200 to
            3000.
        type: int
      hello_time:
        description:
          - >-
            Of a bridge. Time between two hello packets of the spanning tree's root; in hundredths of a second, 100 to
            1000.
        type: int
      max_age:
        description:
          - >-
            Of a bridge. Time after which a bridge that was not heard of is taken for lost; in hundredths of a second,
            600 to 4000.
        type: int
      ageing_time:
        description:
          - Of a bridge. Time after which a learned MAC address is forgotten; in hundredths of a second.
        type: int
      priority:
        description:
          - Of a bridge. Bridge priority for the spanning tree, 0 to 65535.
        type: int
      vlan_filtering:
        description:
          - Of a bridge. Whether the bridge looks at VLAN tags.
        type: bool
      multicast_snooping:
        description:
          - Of a bridge. Whether multicast packets go only to ports with listeners.
        type: bool
      group_fwd_mask:
        description:
          - Of a bridge. Bits of the link-local groups 01:80:C2:00:00:0X that are forwarded, 0 to 65535.
        type: int
      nf_call_iptables:
        description:
          - Of a bridge. Whether bridged IPv4 packets pass iptables.
        type: bool
      nf_call_ip6tables:
        description:
          - Of a bridge. Whether bridged IPv6 packets pass ip6tables.
        type: bool
      nf_call_arptables:
        description:
          - Of a bridge. Whether bridged ARP packets pass arptables.
        type: bool
      vni:
        description:
          - >-
            Of a VXLAN link. Number of the virtual network, 0 to 16777215, without which it cannot be. The kernel cannot
            change it later.
        type: int
      port:
        description:
          - >-
            Of a VXLAN link. UDP port, here and at the other ends, 4789 if none is given. The kernel cannot change it
            later.
        type: int
      local:
        description:
          - Of a VXLAN link. Source address of the packets. Empty for the one that the routes tell.
          - With IPv6 addresses in O(links[].fdb) alone it is needed, as a link without any address is one of IPv4.
        type: str
      remote:
        description:
          - >-
            Of a VXLAN link. The one other end: where frames go for which there is no forwarding entry. Empty for none.
        type: str
      group:
        description:
          - >-
            Of a VXLAN link. Multicast group of all ends, to which such frames go. Needs a O(links[].parent), and
            excludes O(links[].remote). The kernel cannot change it later.
        type: str
      learning:
        description:
          - Of a VXLAN link. Whether the link learns from the packets that come in behind which host a MAC address is.
        type: bool
      proxy:
        description:
          - >-
            Of a VXLAN link. Whether the link answers ARP and neighbour solicitations itself, from the neighbours of its
            namespace.
        type: bool
      rsc:
        description:
          - Of a VXLAN link. Whether frames to a router go straight to their destination where its neighbour is known.
        type: bool
      l2miss:
        description:
          - Of a VXLAN link. Whether the kernel tells listeners of MAC addresses that it has no entry for.
        type: bool
      l3miss:
        description:
          - Of a VXLAN link. Whether the kernel tells listeners of IP addresses that it has no neighbour for.
        type: bool
      ttl:
        description:
          - >-
            Of a VXLAN link. Time to live of the packets, 0 to 255. With V(0) it is that of the route, and V(1) for a
            multicast group.
        type: int
      tos:
        description:
          - Of a VXLAN link. Type of service of the packets, 0 to 255. With V(1) it is that of the packet inside.
        type: int
      df:
        description:
          - >-
            Of a VXLAN link. Whether routers on the way may split packets, V(inherit) as the packet inside says;
            V(unset) or V(set).
        type: str
      ageing:
        description:
          - Of a VXLAN link. Seconds after which what was learned is forgotten.
        type: int
      limit:
        description:
          - Of a VXLAN link. Largest number of forwarding entries; V(0) for no limit. The kernel cannot change it later.
        type: int
      udp_checksum:
        description:
          - Of a VXLAN link. Whether packets over IPv4 have a UDP checksum. The kernel cannot change it later.
        type: bool
      udp_zero_checksum6_tx:
        description:
          - Of a VXLAN link. Whether packets over IPv6 leave without a UDP checksum. The kernel cannot change it later.
        type: bool
      udp_zero_checksum6_rx:
        description:
          - >-
            Of a VXLAN link. Whether packets over IPv6 are taken without a UDP checksum. The kernel cannot change it
            later.
        type: bool
      recreate:
        description:
          - >-
            Delete what has the name and make the link anew where the kernel cannot change it in place. Without it, that
            is an error.
        type: bool
        default: false
"""
