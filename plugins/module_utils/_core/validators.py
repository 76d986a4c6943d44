# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validators: each returns a normalized value, or raises ValueError with the reason."""

from __future__ import annotations

import ipaddress
import re

# Limits from linux/if.h and linux/if_ether.h, and of names in sysfs and sysctl.
IFNAME_BYTES = 15
ALTNAME_BYTES = 127
ALIAS_BYTES = 255
MTU_RANGE = (68, 65535)
IPV6_MIN_MTU = 1280

_HEXADECIMAL = re.compile("0[xX][0-9a-fA-F]+")
_PRINTABLE = re.compile(r"[!-~]+")
_NETNS_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=,~-]*")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def ifname(value: str) -> str:
    """Return the interface name if the kernel accepts it unchanged."""
    size = len(value.encode(errors="surrogateescape"))
    if not 1 <= size <= IFNAME_BYTES:
        raise ValueError(f"must have 1 to {IFNAME_BYTES} bytes; {value[:40]!r} has {size}")
    if value in (".", "..", "all", "default"):
        raise ValueError(f"{value!r} is reserved by the kernel and not allowed as an interface name")
    if not _PRINTABLE.fullmatch(value) or set(value) & set("/:%"):
        raise ValueError(f"must be printable ASCII without white space, '/', ':' and '%', not {value!r}")
    return value


def altname(value: str) -> str:
    """Return the alternative interface name."""
    size = len(value.encode(errors="surrogateescape"))
    if not 1 <= size <= ALTNAME_BYTES or not _PRINTABLE.fullmatch(value) or set(value) & set("/%"):
        raise ValueError(
            f"must be 1 to {ALTNAME_BYTES} printable ASCII characters "
            f"without white space, '/' and '%', not {value[:40]!r}"
        )
    return value


def alias(value: str) -> str:
    """Return the interface alias; empty means none."""
    if len(value.encode(errors="surrogateescape")) > ALIAS_BYTES or "\0" in value:
        raise ValueError(f"must have at most {ALIAS_BYTES} bytes and no NUL")
    return value


def topology_name(value: str) -> str:
    """Return the name of a topology."""
    if not _NETNS_NAME.fullmatch(value) or len(value) > 100:
        raise ValueError(
            "must be 1 to 100 ASCII letters, digits and '_.@+=,~-', "
            f"starting with a letter, a digit or '_', not {value[:40]!r}"
        )
    return value


def netns_name(value: str) -> str:
    """Return the name of a named network namespace, a file name in /run/netns."""
    if not _NETNS_NAME.fullmatch(value) or len(value) > 255:
        raise ValueError(
            "must be 1 to 255 ASCII letters, digits and '_.@+=,~-', "
            f"starting with a letter, a digit or '_', not {value[:40]!r}"
        )
    if value == "host":
        raise ValueError("'host' is reserved for the namespace of the host")
    return value


def netns_reference(value: str) -> str:
    """Return a namespace reference: host, NAME, container:NAME-or-ID, pid:N, path:/..., docker:NAME."""
    scheme, colon, rest = value.partition(":")
    if value == "host":
        return value
    if not colon:
        return netns_name(value)
    if scheme == "container" and _CONTAINER.fullmatch(rest):
        return value
    if scheme == "pid" and re.fullmatch(r"[1-9][0-9]{0,9}", rest):
        return value
    if scheme == "path" and rest.startswith("/") and "\0" not in rest:
        return value
    if scheme == "docker" and _NETNS_NAME.fullmatch(rest):
        return value
    raise ValueError(
        "must be one of host, NAME, container:NAME-or-ID, pid:NUMBER, "
        f"path:/ABSOLUTE or docker:SANDBOX, not {value[:80]!r}"
    )


def mac(value: str) -> str:
    """Return the MAC address in lower case with colons; only unicast addresses can be set."""
    normal = any_mac(value)
    if int(normal[:2], 16) & 1 or normal == "00:00:00:00:00:00":
        raise ValueError(f"{value} must be a unicast MAC address")
    return normal


def any_mac(value: str) -> str:
    """Return any MAC address, including multicast and zero, in lower case with colons."""
    if not _MAC.fullmatch(value):
        raise ValueError(f"must be a MAC address such as 02:00:00:00:00:01, not {value[:40]!r}")
    return value.replace("-", ":").lower()


def mtu(value: int) -> int:
    """Return the MTU in bytes."""
    return validate_range(value, *MTU_RANGE)


def validate_range(value: int, low: int, high: int) -> int:
    """Return the number if it lies in the range."""
    if not low <= value <= high:
        raise ValueError(f"must be between {low} and {high}, not {value}")
    return value


def interface_address(value: str) -> str:
    """Return an interface's address with its prefix length, compressed: fd00:0::1/64 is fd00::1/64."""
    if "/" not in value:
        raise ValueError(f"must have a prefix length, such as 192.0.2.1/24, not {value[:60]!r}")
    _refuse_zone(value)
    try:
        found = ipaddress.ip_interface(value)
    except ValueError as error:
        raise ValueError(f"{value[:60]!r} is not an IPv4 or IPv6 address with a prefix length ({error})") from None
    # The kernel accepts multicast addresses of IPv4.
    if found.ip.is_unspecified or (found.version == 6 and found.ip.is_multicast):
        raise ValueError(f"{value} must be a unicast address")
    return str(found)


def address(value: str) -> str:
    """Return a single IPv4 or IPv6 address, compressed."""
    _refuse_zone(value)
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value[:60]!r} is not an IPv4 or IPv6 address") from None


def host_address(value: str) -> str:
    """Return a unicast IPv4 or IPv6 address."""
    found = address(value)
    if ipaddress.ip_address(found).is_multicast or ipaddress.ip_address(found).is_unspecified:
        raise ValueError(f"{value} must be a unicast address")
    return found


def group_address(value: str) -> str:
    """Return an IPv4 or IPv6 address of a multicast group."""
    found = address(value)
    if not ipaddress.ip_address(found).is_multicast:
        raise ValueError(f"{value} must be a multicast address, in 224.0.0.0/4 or ff00::/8")
    return found


def network(value: str) -> str:
    """Return a network in CIDR form; an address without prefix length is a network of one address."""
    _refuse_zone(value)
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"{value[:60]!r} is not a network such as 192.0.2.0/24 or fd00::/64 ({error})") from None


def _refuse_zone(value: str) -> None:
    # Python accepts fe80::1%eth0; in netlink messages the link is a separate field.
    if "%" in value:
        raise ValueError(f"{value[:60]!r} must not have a zone after '%'")


def get_ip_version(value: str) -> int:
    """Return 4 or 6, the IP version of an address, an interface's address or a network."""
    return 6 if ":" in value else 4


def sysctl_path(value: str) -> str:
    """Return a sysctl's path below /proc/sys; in a dotted name '/' stands for an interface's dot, as in sysctl(8)."""
    dotted = "." in value and ("/" not in value or value.index(".") < value.index("/"))
    path = value.translate(str.maketrans("./", "/.")) if dotted else value
    if any(part in ("", ".", "..") or "\0" in part for part in path.split("/")):
        raise ValueError(f"{value[:80]!r} is not a sysctl name")
    return path


def sysctl_key(value: str) -> str:
    """Return the path below /proc/sys of a sysctl that is separate for each network namespace."""
    path = sysctl_path(value)
    if not path.startswith("net/") or path.count("/") < 2:
        raise ValueError(f"must be a sysctl below net, not {value[:80]!r}")
    return path


def sysctl_value(value: object) -> str:
    """Return a sysctl's value as /proc/sys prints it: fields separated by one space, decimal, booleans as 0 and 1."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list) and value and all(isinstance(part, (str, int)) for part in value):
        return " ".join(sysctl_value(part) for part in value)
    if isinstance(value, (str, int)):
        words = (str(int(word, 16)) if _HEXADECIMAL.fullmatch(word) else word for word in str(value).split())
        text = " ".join(words)
        if text.isascii() and text.isprintable() and text:
            return text
    raise ValueError(f"must be a number or a string of printable ASCII characters, not {value!r}")
