# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the source and the target of a diagnosis; pure."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_REFERENCE = re.compile(r"(pid|container|docker|path):(.+)")
_PORT = re.compile(r"(.+?):([^:]*)")
# Schemes that are not in the list of services of every control node.
_PORTS = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "ssh": 22,
    "ftp": 21,
    "ldap": 389,
    "ldaps": 636,
    "amqp": 5672,
    "amqps": 5671,
    "redis": 6379,
    "rediss": 6379,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "mongodb": 27017,
    "mqtt": 1883,
    "mqtts": 8883,
    "nats": 4222,
    "dns": 53,
}
_UDP = ("udp", "dns")


class TargetText(NamedTuple):
    """A target: the host before the slash, an address, name or reference, its port, and the protocol of the port."""

    host: str | None
    what: str
    port: int | None
    protocol: str

    @property
    def is_address(self) -> bool:
        """Whether the target is an IP address."""
        return is_address(self.what)

    @property
    def is_reference(self) -> bool:
        """Whether the target is a reference to a namespace."""
        return self.what == "host" or _REFERENCE.fullmatch(self.what) is not None


def parse_source(text: str) -> tuple[str | None, str]:
    """Return the host before the slash, if there is one, and the reference to a namespace."""
    return _split_host(text)


def parse_target(text: str, protocol: str = "tcp") -> TargetText:
    """Return the parts of a target; raise BadParameter for an invalid URL or port."""
    if found := _URL.match(text):
        return _parse_url(text, found[1].lower(), protocol)
    host, rest = _split_host(text)
    what, port = _split_port(rest)
    return TargetText(host, what, port, protocol)


def list_references(texts: Iterable[str], host: str) -> Iterator[str]:
    """Yield the references to namespaces among sources and targets that can exist on a host."""
    for text in texts:
        try:
            found = parse_target(text)
        except BadParameter:
            continue
        if found.host in (None, host) and _REFERENCE.fullmatch(found.what):
            yield found.what


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parse_url(text: str, scheme: str, protocol: str) -> TargetText:
    try:
        parts = urlsplit(text)
        name, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadParameter("target", f"the URL is invalid: {error}") from None
    if not name:
        raise BadParameter("target", "the URL contains no host")
    protocol = "udp" if scheme in _UDP else "tcp" if scheme in _PORTS or scheme == "tcp" else protocol
    return TargetText(None, name, _validate_port(str(port)) if port is not None else _get_port(scheme), protocol)


def _get_port(scheme: str) -> int:
    """Return the port of the scheme of a URL."""
    if scheme in _PORTS:
        return _PORTS[scheme]
    try:
        return socket.getservbyname(scheme)
    except OSError:
        raise BadParameter("target", f"a URL with {scheme}:// requires a port, such as {scheme}://db:5432") from None


def _split_host(text: str) -> tuple[str | None, str]:
    """Return the host before the slash and the rest; the path of a reference contains slashes itself."""
    host, slash, rest = text.partition("/")
    return (host, rest) if slash and rest and not host.startswith("path:") else (None, text)


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        address, _bracket, rest = text[1:].partition("]")
        if not is_address(address) or (rest and not rest.startswith(":")):
            raise BadParameter("target", f"{text!r} is not an IPv6 address in brackets, such as [fd00::2]:80")
        return address, _validate_port(rest[1:]) if rest else None
    if is_address(text):
        return text, None
    kind, prefix = (found[2], f"{found[1]}:") if (found := _REFERENCE.fullmatch(text)) else (text, "")
    if found := _PORT.fullmatch(kind):
        return prefix + found[1], _validate_port(found[2])
    return text, None


def _validate_port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadParameter("target", f"{text} is not a valid port; must be 1 to 65535")
    return int(text)
