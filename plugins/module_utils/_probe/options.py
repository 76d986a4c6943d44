# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert parameters to checks; invalid ones are rejected by name before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Callable
from urllib.parse import urlsplit

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs.dns import TYPES
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    CLOSED,
    DEFAULT_EXPECT,
    OPEN,
    OPTIONS,
    REQUIRED,
    STATES,
    Check,
)

_EVERY_STATE = sorted({CLOSED, *(state for states in STATES.values() for state in states)})
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NAME_BYTES = 253
_MOST_SECONDS, _MOST_PACKETS, _MOST_BYTES = 600.0, 1000, 65507
_COUNTS = {"ping": 3, "neighbour": 3, "duplicate": 3, "traceroute": 2}
_INTERVAL, _SECONDS = 0.2, 5.0
_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (1, 65535),
    "count": (1, _MOST_PACKETS),
    "interval": (0, 60),
    "timeout": (0.05, _MOST_SECONDS),
    "size": (28, 65535),
    "min_mtu": (68, 65535),
    "max_mtu": (68, 65535),
    "max_hops": (1, 64),
}
SUBOPTIONS: Mapping[str, Mapping[str, Any]] = {
    "type": {"type": "str", "required": True, "choices": list(STATES)},
    **{name: {"type": "str"} for name in ("name", "target", "source", "interface", "server_name", "server", "url")},
    **{name: {"type": "str"} for name in ("payload", "payload_hex", "contains")},
    **{name: {"type": "int"} for name in ("port", "count", "size", "min_mtu", "max_mtu", "max_hops")},
    **{name: {"type": "float"} for name in ("interval", "timeout")},
    **{name: {"type": "bool"} for name in ("dont_fragment", "tls", "verify", "search")},
    **{name: {"type": "dict"} for name in ("headers", "response_headers")},
    "expect": {"type": "list", "elements": "str", "choices": _EVERY_STATE},
    "family": {"type": "str", "choices": ["ipv4", "ipv6"]},
    "ca_file": {"type": "path"},
    "record": {"type": "str", "choices": sorted(TYPES)},
    "protocol": {"type": "str", "choices": ["udp", "tcp"]},
    "answers": {"type": "list", "elements": "str"},
    "method": {"type": "str", "choices": ["GET", "HEAD", "OPTIONS"]},
    "status": {"type": "list", "elements": "int"},
}


def parse_checks(given: list[Mapping[str, Any]]) -> list[Check]:
    """Return the checks of the parameter with this name; raise BadParameter."""
    if not given:
        raise BadParameter("checks", "must not be empty")
    return [_parse_check(f"checks[{number}]", number, params) for number, params in enumerate(given)]


def validate_host(value: str) -> str:
    """Return an address in its canonical form, or a name; raise ValueError otherwise."""
    try:
        return validators.address(value)
    except ValueError:
        labels = value[:-1].split(".") if value.endswith(".") else value.split(".")
        looks_like_address = ":" in value or re.fullmatch(r"[0-9.]+", value)
        if looks_like_address or len(value) > _NAME_BYTES or not all(map(_LABEL.fullmatch, labels)):
            raise ValueError(f"{value[:80]!r} is neither an address nor a host name") from None
        return value


def _parse_check(place: str, number: int, params: Mapping[str, Any]) -> Check:
    kind = params["type"]
    given = {name: value for name, value in params.items() if value is not None}
    _refuse_unknown(place, kind, given)
    for name, reader in _READERS.items():
        if name in given:
            given[name] = _read_value(f"{place}.{name}", reader, given[name])
    if kind == "http":
        given.update(_parse_url(f"{place}.url", given["url"]))
    elif kind == "dns":
        given["target"] = _read_value(f"{place}.target", _validate_query, given["target"])
    else:
        given["target"] = _read_value(f"{place}.target", validate_host, given["target"])
    _refuse_contradictions(place, kind, given)
    common = ("type", "name", "target", "expect", "family")
    plain = ("port", "source", "interface", "count", "interval", "timeout")
    return Check(
        type=kind,
        name=given.get("name") or _describe_check(number, kind, given),
        target=given["target"],
        expect=_parse_expected(place, kind, given.get("expect")),
        family={"ipv4": 4, "ipv6": 6}.get(given.get("family", "")),
        options={name: value for name, value in given.items() if name not in (*common, *plain)},
        **{
            "count": _COUNTS.get(kind, 1),
            "interval": _INTERVAL,
            "timeout": _SECONDS,
            **{name: given[name] for name in plain if name in given},
        },
    )


def _refuse_unknown(place: str, kind: str, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in OPTIONS[kind]:
            raise BadParameter(f"{place}.{name}", f"not supported for type={kind}")
    for name in REQUIRED[kind]:
        if name not in given:
            raise BadParameter(f"{place}.{name}", f"required for type={kind}")
    for name, (low, high) in _RANGES.items():
        if name in given and not low <= given[name] <= high:
            raise BadParameter(f"{place}.{name}", f"must be between {low:g} and {high:g}, not {given[name]}")


def _read_value(place: str, reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise BadParameter(place, str(error)) from None


def _parse_expected(place: str, kind: str, expect: list[str] | None) -> tuple[str, ...]:
    if not expect:
        return DEFAULT_EXPECT.get(kind, (OPEN,))
    possible = (*STATES[kind], *((CLOSED,) if "filtered" in STATES[kind] else ()))
    for state in expect:
        if state not in possible:
            raise BadParameter(
                f"{place}.expect", f"{state} is not a state of type={kind}; supported are {', '.join(possible)}"
            )
    return tuple(expect)


def _describe_check(number: int, kind: str, given: Mapping[str, Any]) -> str:
    what = given.get("url") or f"{given['target']}{':' + str(given['port']) if 'port' in given else ''}"
    record = f" {given.get('record', 'A')}" if kind == "dns" else ""
    return f"{number}: {kind} {what}{record}"


def _validate_query(value: str) -> str:
    """Return the subject of a DNS query: an address for a reverse lookup, or any name, also with underscores."""
    return "." if value == "." else validate_host(value)


def _parse_url(place: str, url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadParameter(place, str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise BadParameter(place, f"must be a URL such as http://192.0.2.1:8080/path, not {url[:80]!r}")
    if " " in url or parts.username is not None:
        raise BadParameter(place, "must not contain spaces or a user; use headers for authentication")
    if port == 0:
        raise BadParameter(place, "the port must be between 1 and 65535, not 0")
    target = _read_value(place, validate_host, parts.hostname)
    return {"target": target, "port": port or (443 if parts.scheme == "https" else 80)}


def _refuse_contradictions(place: str, kind: str, given: Mapping[str, Any]) -> None:
    _refuse_mixed_versions(place, kind, given)
    for one, other in (("payload", "payload_hex"), ("min_mtu", "max_mtu")):
        if one in given and other in given and (one == "payload" or given[one] > given[other]):
            raise BadParameter(f"{place}.{one}", f"mutually exclusive with {other}")
    is_secure = given.get("tls") or given.get("url", "").startswith("https:")
    for name in ("server_name", "verify", "ca_file"):
        if name in given and not is_secure:
            raise BadParameter(f"{place}.{name}", "supported only with TLS")
    if "ca_file" in given and not given.get("verify"):
        raise BadParameter(f"{place}.ca_file", "requires verify=true")
    version = _get_ip_version(given["target"])
    if kind in ("neighbour", "duplicate") and not version:
        raise BadParameter(f"{place}.target", "must be an address, not a name")
    by_link = kind != "dns" and version == 6 and ipaddress.ip_address(given["target"]).is_link_local
    if by_link and "interface" not in given:
        raise BadParameter(f"{place}.interface", f"{given['target']} is a link-local address; specify the interface")


def _refuse_mixed_versions(place: str, kind: str, given: Mapping[str, Any]) -> None:
    """Reject addresses of different IP versions; the subject of a DNS query is independent of its transport."""
    names = ("server", "source") if kind == "dns" else ("target", "source")
    versions = {name: _get_ip_version(given[name]) for name in names if name in given}
    if "family" in given and kind != "dns":
        versions["family"] = 6 if given["family"] == "ipv6" else 4
    known = {name: version for name, version in versions.items() if version}
    if len(set(known.values())) > 1:
        raise BadParameter(f"{place}.{next(iter(known))}", f"{' and '.join(known)} are of different IP versions")


def _get_ip_version(value: str) -> int | None:
    try:
        return ipaddress.ip_address(value).version
    except ValueError:
        return None


def _hex(value: str) -> str:
    data = bytes.fromhex(value)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"must have at most {_MOST_BYTES} bytes")
    return value


def _payload(value: str) -> str:
    if len(value.encode(errors="surrogateescape")) > _MOST_BYTES:
        raise ValueError(f"must have at most {_MOST_BYTES} bytes")
    return value


def _headers(value: Mapping[str, Any]) -> dict[str, str]:
    found = {str(name): str(one) for name, one in value.items()}
    for name, one in found.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", one):
            raise ValueError(f"{name[:40]!r} and its value must be printable ASCII on one line")
    return found


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "interface": validators.ifname,
    "source": validators.host_address,
    "server": validators.host_address,
    "server_name": validate_host,
    "payload": _payload,
    "payload_hex": _hex,
    "headers": _headers,
    "response_headers": _headers,
}
