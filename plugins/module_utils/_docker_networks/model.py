# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker networks and their members as data; pure. In desired states, ``None`` means "not managed"."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record, replace_fields

# Options whose change requires a recreation. Docker cannot change an existing network.
FIELDS = (
    *("driver", "options", "ipam_driver", "ipam_options", "pools", "ipv4", "ipv6", "internal", "attachable"),
    *("ingress", "scope", "config_only", "config_from", "labels"),
)


@record
class Pool:
    """A subnet in CIDR notation, its range for containers, and its auxiliary addresses by name."""

    subnet: str
    iprange: str | None = None
    gateway: str | None = None
    aux: Mapping[str, str] | None = None

    @property
    def is_automatic(self) -> bool:
        """Whether the engine chooses a subnet of this size from its pools, as for 0.0.0.0/24."""
        net = ipaddress.ip_network(self.subnet)
        return net.network_address.is_unspecified and net.prefixlen > 0

    def can_assign(self, address: str) -> bool:
        """Return whether an address can be assigned to a container."""
        net, one = ipaddress.ip_network(self.subnet), ipaddress.ip_address(address)
        barred = {net[0], *([net[-1]] if net.version == 4 else [])}
        return (
            one.version == net.version and one in net and one not in barred and address not in self.reserved_addresses
        )

    @property
    def reserved_addresses(self) -> set[str]:
        """Return the addresses that cannot be assigned to a container."""
        return {*(self.aux or {}).values(), *([self.gateway] if self.gateway else [])}


@record
class Network:
    """The options of a network; ``options`` are those of the driver."""

    name: str
    driver: str | None = None
    options: Mapping[str, str] | None = None
    ipam_driver: str | None = None
    ipam_options: Mapping[str, str] | None = None
    pools: tuple[Pool, ...] | None = None
    ipv4: bool | None = None
    ipv6: bool | None = None
    internal: bool | None = None
    attachable: bool | None = None
    ingress: bool | None = None
    scope: str | None = None
    config_only: bool | None = None
    config_from: str | None = None
    labels: Mapping[str, str] | None = None


@record
class Member:
    """A container's endpoint in a network; ``id`` is that of the container, addresses have no prefix length.

    ``lasting`` names the addresses that a stopped container keeps because the user assigned them.
    """

    name: str
    id: str = ""
    ipv4: str | None = None
    ipv6: str | None = None
    mac: str | None = None
    aliases: tuple[str, ...] | None = None
    links: tuple[str, ...] | None = None
    driver_opts: Mapping[str, str] | None = None
    priority: int | None = None
    # Current states only; ``chosen`` names the addresses that the engine assigned.
    running: bool = False
    chosen: tuple[str, ...] = ()
    service: bool = False
    own_mac: str | None = None
    # Whether the user can have chosen the MAC address; Docker Engine 28 and later choose random ones.
    mac_chosen: bool = True
    # Whether the driver derives MAC addresses from IPv4 addresses.
    mac_derived: bool = True

    @property
    def automatic_endpoint(self) -> Member:
        """Return the endpoint without the addresses that the engine assigned or derived."""
        mac = None if "ipv4" in self.chosen and self.mac == self.address_mac else self.mac
        return replace_fields(self, mac=mac, **dict.fromkeys(self.chosen))

    @property
    def address_mac(self) -> str:
        """Return the MAC address that the driver derives from the IPv4 address; empty if it does not."""
        if not self.ipv4 or not self.mac_derived:
            return ""
        return "02:42:" + ":".join(f"{int(part):02x}" for part in self.ipv4.split("."))


MEMBER_FIELDS = ("ipv4", "ipv6", "mac", "aliases", "driver_opts", "priority")


@record
class ActualNetwork:
    """The current state of a name: the network if it exists, and its members by container ID.

    ``before`` is the network of a killed run, ``before_id`` its ID, and ``lost`` its members that are not connected
    again. ``default_options`` are the names of the driver options that the engine adds to new networks.
    """

    network: Network | None = None
    id: str = ""
    members: Mapping[str, Member] = field(default_factory=dict)
    before: Network | None = None
    before_id: str = ""
    lost: Mapping[str, Member] = field(default_factory=dict)
    default_options: frozenset[str] = frozenset()

    def with_member(self, member: Member) -> ActualNetwork:
        """Return the state with an additional member, which is no longer lost."""
        left = {key: one for key, one in self.lost.items() if key != member.id}
        return replace_fields(self, members={**self.members, member.id: member}, lost=left)

    def without_member(self, member: Member) -> ActualNetwork:
        """Return the state without a member."""
        return replace_fields(self, members={key: one for key, one in self.members.items() if key != member.id})


@record
class DesiredNetwork:
    """The desired state; ``connected`` are members by container ID; other members are not managed."""

    network: Network
    present: bool = True
    connected: tuple[Member, ...] | None = None
    appends: bool = False
    recreate: bool = False
    rebuild: str = "force"


def to_plain(part: Any) -> Any:
    """Return an object as JSON data without None values."""
    if isinstance(part, (Network, Pool, Member)):
        return {key: to_plain(value) for key, value in vars(part).items() if value is not None}
    if isinstance(part, Mapping):
        return {str(key): to_plain(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [to_plain(one) for one in part]
    return part


def parse_plain_network(data: Mapping[str, Any]) -> Network:
    """Return a network from the data of `plain`."""
    pools = data.get("pools")
    return Network(**{**data, **({} if pools is None else {"pools": tuple(Pool(**pool) for pool in pools)})})


def parse_plain_member(data: Mapping[str, Any]) -> Member:
    """Return a member from the data of `plain`."""
    lists = {key: tuple(data[key]) for key in ("aliases", "links", "chosen") if data.get(key) is not None}
    return Member(**{**data, **lists})
