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
      - Namespaces with their loopback, sysctls, routes, rules and neighbours.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the namespace in C(/run/netns). It is created if it does not exist.
          - >-
            To manage the loopback, sysctls, routes, rules and neighbours of an existing namespace, any other reference
            is accepted. See the notes for the notation.
        type: str
        required: true
      force:
        description:
          - >-
            With O(state=absent), remove the name even if processes run in the namespace. The namespace then exists
            without a name until the last process ends.
        type: bool
        default: false
      loopback_up:
        description:
          - Whether the loopback interface C(lo) is up.
          - By default, it is set up in a named namespace and not managed in other namespaces.
        type: bool
      sysctls:
        description:
          - >-
            Sysctls of the namespace below C(net.), with their values. As in C(sysctl\(8\)), a dot in an interface name
            is written as C(/).
        type: dict
      routes:
        description:
          - >-
            Routes. The list is exact for routes with the protocols C(boot) and C(static). Routes of the kernel, of
            router advertisements and of routing daemons are not managed.
        type: list
        elements: dict
        suboptions:
          dst:
            description:
              - Network in CIDR notation, an address, or C(default).
            type: str
            required: true
          gateway:
            description:
              - Address of the next hop. It determines the family of a default route.
            type: str
          dev:
            description:
              - Outgoing link.
            type: str
          family:
            description:
              - Family of a default route without a gateway.
            type: str
            choices: [ipv4, ipv6]
          metric:
            description:
              - Metric. The route with the lowest metric is used.
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
              - Type of the route.
            type: str
            choices: [unicast, local, blackhole, unreachable, prohibit]
            default: unicast
          onlink:
            description:
              - Treat the gateway as reachable on the link, even if no address is in its subnet.
            type: bool
      routes_append:
        description:
          - Keep routes that are not listed in O(namespaces[].routes).
        type: bool
        default: false
      rules:
        description:
          - Policy rules. The list is exact, except for the default rules of the kernel.
        type: list
        elements: dict
        suboptions:
          priority:
            description:
              - Priority of the rule. Rules with a lower number are evaluated first.
            type: int
            required: true
          family:
            description:
              - >-
                Family of the rule. The default is that of O(namespaces[].rules[].src) or O(namespaces[].rules[].dst),
                otherwise C(ipv4).
            type: str
            choices: [ipv4, ipv6]
          src:
            description:
              - Source network.
            type: str
          dst:
            description:
              - Destination network.
            type: str
          iif:
            description:
              - Incoming link.
            type: str
          oif:
            description:
              - Link that the socket is bound to.
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
              - Number of the routing table. Required for the action C(lookup).
            type: int
          action:
            description:
              - Action for matching packets.
            type: str
            choices: [lookup, blackhole, unreachable, prohibit]
            default: lookup
      rules_append:
        description:
          - Keep rules that are not listed in O(namespaces[].rules).
        type: bool
        default: false
      neighbours:
        description:
          - >-
            Permanent neighbour entries and, with O(namespaces[].neighbours[].proxy), proxy entries. The list is exact.
            Learned entries and entries of routing daemons are not managed.
          - The kernel deletes the entries of a link that is set down or gets another MAC address.
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
              - MAC address of the neighbour. Not allowed for a proxy entry.
            type: str
          dev:
            description:
              - Link of the neighbour.
            type: str
            required: true
          proxy:
            description:
              - >-
                Answer requests for this address on the link. Requires the sysctl C(proxy_ndp) or C(forwarding) of the
                link.
            type: bool
            default: false
      neighbours_append:
        description:
          - Keep entries that are not listed in O(namespaces[].neighbours).
        type: bool
        default: false
  links:
    description:
      - Links, in any order.
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
          - Namespace of the link. By default, the namespace that the module runs in. See the notes for the notation.
        type: str
      kind:
        description:
          - Kind of the link. Without a kind, the link must exist, and only the options that are set are managed.
        type: str
        choices: [bridge, dummy, ifb, ipvlan, macvlan, macvtap, veth, vlan, vxlan]
      up:
        description:
          - Whether the link is up. The default is V(true) for a link with O(links[].kind).
        type: bool
      mtu:
        description:
          - MTU in bytes, 68 to 65535.
        type: int
      mac:
        description:
          - Unicast MAC address.
        type: str
      addresses:
        description:
          - >-
            IPv4 and IPv6 addresses with prefix length. The list is exact; other addresses are removed. Addresses of the
            kernel, of router advertisements and of leases are not managed.
        type: list
        elements: str
      master:
        description:
          - Bridge or other master in the same namespace. An empty string removes the link from its master.
        type: str
      altnames:
        description:
          - Alternative names. The list is exact.
        type: list
        elements: str
      alias:
        description:
          - Alias of the link, at most 255 bytes. An empty string removes it.
        type: str
      bridge_port:
        description:
          - Options of the link as a port of the bridge O(links[].master).
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
              - Whether frames can be sent back through the port that received them.
            type: bool
          learning:
            description:
              - Whether the bridge learns MAC addresses on the port.
            type: bool
          neigh_suppress:
            description:
              - Whether the bridge answers ARP requests and neighbour solicitations from its own entries.
            type: bool
          isolated:
            description:
              - Whether the port is isolated from other isolated ports.
            type: bool
      peer:
        description:
          - >-
            For veth: the other end of the pair, in any namespace.
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
                Namespace of the link. By default, the namespace that the module runs in. See the notes for the
                notation.
            type: str
          up:
            description:
              - Whether the peer is up.
            type: bool
          mtu:
            description:
              - MTU in bytes, 68 to 65535.
            type: int
          mac:
            description:
              - Unicast MAC address.
            type: str
          addresses:
            description:
              - >-
                IPv4 and IPv6 addresses with prefix length. The list is exact; other addresses are removed. Addresses of
                the kernel, of router advertisements and of leases are not managed.
            type: list
            elements: str
          master:
            description:
              - Bridge or other master in the same namespace. An empty string removes the link from its master.
            type: str
          altnames:
            description:
              - Alternative names. The list is exact.
            type: list
            elements: str
          alias:
            description:
              - Alias of the link, at most 255 bytes. An empty string removes it.
            type: str
          bridge_port:
            description:
              - Options of the link as a port of the bridge O(links[].peer.master).
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
                  - Whether frames can be sent back through the port that received them.
                type: bool
              learning:
                description:
                  - Whether the bridge learns MAC addresses on the port.
                type: bool
              neigh_suppress:
                description:
                  - Whether the bridge answers ARP requests and neighbour solicitations from its own entries.
                type: bool
              isolated:
                description:
                  - Whether the port is isolated from other isolated ports.
                type: bool
      parent:
        description:
          - >-
            Parent link. Required for macvlan, macvtap, ipvlan and vlan. For vxlan, the outgoing link of the
            encapsulated packets. The kernel cannot change it.
        type: str
      parent_netns:
        description:
          - >-
            Namespace of O(links[].parent) and, for vxlan, of the encapsulated packets. By default, the namespace that
            the module runs in.
        type: str
      ports:
        description:
          - >-
            For bridge: ports in the same namespace, as names or as dictionaries with C(name) and options of
            O(links[].bridge_port).
          - >-
            The list is exact, together with links that have the bridge as O(links[].master). Other ports are removed
            from the bridge, unless O(links[].ports_append=true).
        type: list
        elements: raw
      ports_append:
        description:
          - Keep ports that are not listed in O(links[].ports).
        type: bool
        default: false
      fdb:
        description:
          - >-
            Static forwarding entries. For vxlan, the host of a MAC address; for a bridge port, a MAC address on this
            port. The list is exact, unless O(links[].fdb_append=true).
        type: list
        elements: dict
        suboptions:
          mac:
            description:
              - >-
                MAC address. The default, for vxlan only, applies to all addresses without an entry, including
                broadcasts, and is allowed once for each destination.
            type: str
            default: "00:00:00:00:00:00"
          dst:
            description:
              - >-
                For vxlan: address of the remote host.
            type: str
          port:
            description:
              - UDP port of the remote host. The default is O(links[].port).
            type: int
          vni:
            description:
              - VNI on the remote host. The default is O(links[].vni).
            type: int
          via:
            description:
              - Outgoing link of the encapsulated packets. The default is the parent, or the route to the remote host.
            type: str
          vlan:
            description:
              - >-
                For a bridge port: VLAN of the entry.
            type: int
      fdb_append:
        description:
          - Keep forwarding entries that are not listed in O(links[].fdb).
        type: bool
        default: false
      mode:
        description:
          - >-
            For macvlan and macvtap, the mode V(bridge), V(vepa), V(private), V(passthru) or V(source); see
            M(netfleet.docker.macvlan). For ipvlan, V(l2), V(l3) or V(l3s).
        type: str
      flags:
        description:
          - >-
            For macvlan and macvtap, any of V(nopromisc) and V(nodst). For ipvlan, one of V(bridge), V(private) and
            V(vepa).
        type: list
        elements: str
      source_macs:
        description:
          - >-
            For macvlan and macvtap with O(links[].mode=source): source MAC addresses to accept. The list is exact.
        type: list
        elements: str
      broadcast_queue_length:
        description:
          - >-
            For macvlan and macvtap: length of the broadcast queue in packets. The kernel uses the maximum of all links
            of the parent.
        type: int
      id:
        description:
          - >-
            For vlan: VLAN ID, 0 to 4094. The kernel cannot change it.
        type: int
      protocol:
        description:
          - >-
            For vlan: protocol of the tags, V(802.1Q) or V(802.1ad). The kernel cannot change it.
        type: str
      stp:
        description:
          - >-
            For bridge: whether the spanning tree protocol is enabled.
        type: bool
      forward_delay:
        description:
          - >-
            For bridge: duration of the listening state and of the learning state in hundredths of a second, 200 to
            3000.
        type: int
      hello_time:
        description:
          - >-
            For bridge: interval of hello packets of the root bridge in hundredths of a second, 100 to 1000.
        type: int
      max_age:
        description:
          - >-
            For bridge: maximum age of hello packets in hundredths of a second, 600 to 4000.
        type: int
      ageing_time:
        description:
          - >-
            For bridge: lifetime of learned MAC addresses in hundredths of a second.
        type: int
      priority:
        description:
          - >-
            For bridge: bridge priority for the spanning tree, 0 to 65535.
        type: int
      vlan_filtering:
        description:
          - >-
            For bridge: whether VLAN filtering is enabled.
        type: bool
      multicast_snooping:
        description:
          - >-
            For bridge: whether multicast packets are forwarded only to ports with listeners.
        type: bool
      group_fwd_mask:
        description:
          - >-
            For bridge: bit mask of the link-local groups 01:80:C2:00:00:0X to forward, 0 to 65535.
        type: int
      nf_call_iptables:
        description:
          - >-
            For bridge: whether bridged IPv4 packets pass iptables.
        type: bool
      nf_call_ip6tables:
        description:
          - >-
            For bridge: whether bridged IPv6 packets pass ip6tables.
        type: bool
      nf_call_arptables:
        description:
          - >-
            For bridge: whether bridged ARP packets pass arptables.
        type: bool
      vni:
        description:
          - >-
            For vxlan: VXLAN network identifier (VNI), 0 to 16777215. Required for this kind. The kernel cannot change
            it.
        type: int
      port:
        description:
          - >-
            For vxlan: local and remote UDP port. The default is 4789. The kernel cannot change it.
        type: int
      local:
        description:
          - >-
            For vxlan: source address of the encapsulated packets. With an empty string, the route determines it.
          - Required if only O(links[].fdb) contains IPv6 addresses, because a link without an address uses IPv4.
        type: str
      remote:
        description:
          - >-
            For vxlan: remote host for frames without a forwarding entry. An empty string removes it.
        type: str
      group:
        description:
          - >-
            For vxlan: multicast group for frames without a forwarding entry. Requires O(links[].parent); mutually
            exclusive with O(links[].remote). The kernel cannot change it.
        type: str
      learning:
        description:
          - >-
            For vxlan: whether the link learns the remote host of MAC addresses from received packets.
        type: bool
      proxy:
        description:
          - >-
            For vxlan: whether the link answers ARP requests and neighbour solicitations from the neighbour table of its
            namespace.
        type: bool
      rsc:
        description:
          - >-
            For vxlan: whether frames to a router are sent directly to the destination if its neighbour entry is known
            (route short circuit).
        type: bool
      l2miss:
        description:
          - >-
            For vxlan: whether the kernel sends netlink notifications for MAC addresses without an entry.
        type: bool
      l3miss:
        description:
          - >-
            For vxlan: whether the kernel sends netlink notifications for IP addresses without a neighbour entry.
        type: bool
      ttl:
        description:
          - >-
            For vxlan: time to live of the encapsulated packets, 0 to 255. With V(0), the kernel uses the default of the
            route, or 1 for a multicast group.
        type: int
      tos:
        description:
          - >-
            For vxlan: type of service of the encapsulated packets, 0 to 255. V(1) copies it from the inner packet.
        type: int
      df:
        description:
          - >-
            For vxlan: the don't fragment bit of the encapsulated packets, V(unset), V(set), or V(inherit) from the
            inner packet.
        type: str
      ageing:
        description:
          - >-
            For vxlan: lifetime of learned entries in seconds.
        type: int
      limit:
        description:
          - >-
            For vxlan: maximum number of forwarding entries; V(0) for no limit. The kernel cannot change it.
        type: int
      udp_checksum:
        description:
          - >-
            For vxlan: whether UDP checksums are calculated over IPv4. The kernel cannot change it.
        type: bool
      udp_zero_checksum6_tx:
        description:
          - >-
            For vxlan: whether packets are sent without a UDP checksum over IPv6. The kernel cannot change it.
        type: bool
      udp_zero_checksum6_rx:
        description:
          - >-
            For vxlan: whether packets without a UDP checksum are accepted over IPv6. The kernel cannot change it.
        type: bool
      recreate:
        description:
          - Delete and recreate the link if the kernel cannot change it in place. By default, this is an error.
        type: bool
        default: false
"""
