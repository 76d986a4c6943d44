# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sysctls that change other sysctls, or remove addresses and routes. Pure.

Source: net/ipv4/devinet.c and net/ipv6/addrconf.c of the kernel.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link

_IP_FORWARD = "net/ipv4/ip_forward"
_ALL_FORWARDING = "net/ipv4/conf/all/forwarding"
_ALL_REDIRECTS = "net/ipv4/conf/all/accept_redirects"
# Sysctls below net/ipv6/conf/all that the kernel copies to the default and to every link.
_COPIED = ("addr_gen_mode", "disable_ipv6", "forwarding", "ignore_routes_with_linkdown")
_SWITCH = "net/ipv6/conf/{}/disable_ipv6"
_LINK = re.compile(r"net/(?:ipv4|ipv6)/(?:conf|neigh)/(.+)/[^/]+")
_CONF = re.compile(r"net/(ipv4|ipv6)/conf/(.+)/([^/]+)")


def get_canonical_key(key: str) -> str:
    """Return the path of a sysctl that has several paths."""
    return _ALL_FORWARDING if key == _IP_FORWARD else key


def get_rank(key: str) -> int:
    """Return the place in the order to set sysctls: those that change others first."""
    found = _CONF.fullmatch(key)
    if key == _IP_FORWARD or (found and found[2] == "all"):
        return 0
    return 1 if found and found[2] == "default" else 2


def list_related_patterns(keys: Iterable[str]) -> list[str]:
    """Return patterns of the files below /proc/sys whose values can change when these sysctls are set."""
    found: dict[str, None] = {}
    for key in keys:
        parts = _CONF.fullmatch(key)
        if key in (_IP_FORWARD, _ALL_FORWARDING):
            found.update(dict.fromkeys((_IP_FORWARD, "net/ipv4/conf/*/forwarding", _ALL_REDIRECTS)))
        elif parts and (_is_copied(parts) or _is_inherited(parts)):
            found[f"net/{parts[1]}/conf/*/{parts[3]}"] = None
    return list(found)


def find_changed_sysctls(key: str, value: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the sysctls that change when one is set, including itself.

    The kernel copies a default of IPv4 only to the links on which the sysctl was never set; this is not visible, so all
    links of which the value is known count as changed.
    """
    changed = {key: value}
    if known.get(key) == value:
        return changed
    parts = _CONF.fullmatch(key)
    if key in (_IP_FORWARD, _ALL_FORWARDING):
        names = {_IP_FORWARD, *(one for one in known if re.fullmatch(r"net/ipv4/conf/.+/forwarding", one))}
        changed.update(dict.fromkeys(names & known.keys(), value))
        if _ALL_REDIRECTS in known:
            changed[_ALL_REDIRECTS] = "1" if value == "0" else "0"
    elif parts and (_is_copied(parts) or _is_inherited(parts)):
        for one in known:
            other = _CONF.fullmatch(one)
            if other and (other[1], other[3]) == (parts[1], parts[3]) and (_is_copied(parts) or other[2] != "all"):
                changed[one] = value
    return changed


def get_link_of_sysctl(key: str) -> str | None:
    """Return the link to which a sysctl belongs, None if it is not that of a single link."""
    found = _LINK.fullmatch(key)
    return found[1] if found and found[1] not in ("all", "default") else None


def get_links_without_ipv6(key: str, value: str) -> str | None:
    """Return the link on which the sysctl disables IPv6, ``all`` for every link, None for no link."""
    parts = _CONF.fullmatch(key)
    if parts and parts[1] == "ipv6" and parts[3] == "disable_ipv6" and parts[2] != "default" and value != "0":
        return parts[2]
    return None


def list_ipv6_switches(links: Iterable[Link]) -> list[str]:
    """Return patterns of the sysctls that disable IPv6 on the links with IPv6 addresses, and on new links."""
    names = [link.name for link in links if any(":" in cidr for cidr in link.addresses or ())]
    return [_SWITCH.format(glob.escape(name)) for name in (*names, *(["default"] if names else []))]


def find_ipv6_switch(name: str, known: Mapping[str, str]) -> str | None:
    """Return the sysctl that disables IPv6 on a link: its own, or the default if it is new; None if IPv6 is enabled."""
    found = next((key for key in (_SWITCH.format(name), _SWITCH.format("default")) if key in known), None)
    return found if found and known[found] not in ("0", "") and name != "lo" else None


def _is_copied(parts: re.Match[str]) -> bool:
    return parts[1] == "ipv6" and parts[2] == "all" and parts[3] in _COPIED


def _is_inherited(parts: re.Match[str]) -> bool:
    return parts[1] == "ipv4" and parts[2] == "default" and parts[3] != "forwarding"
