# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode requests with pyroute2, and check that it is installed. No other file imports it."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import MissingLibrary
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.request import Message

_MINIMUM = (0, 7, 2)
_NETLINK_HEADER = 16


def require_pyroute2() -> None:
    """Raise MissingLibrary unless a supported pyroute2 is installed; it is not imported."""
    wanted = ".".join(str(part) for part in _MINIMUM)
    install = "install the package python3-pyroute2 (Debian, Ubuntu, Fedora), or pyroute2 with pip"
    version = _find_installed_version("pyroute2")
    if version is None:
        raise MissingLibrary(f"the Python library pyroute2 {wanted} or later is not installed on this host: {install}")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < _MINIMUM:
        raise MissingLibrary(
            f"pyroute2 {version} on this host is not supported; {wanted} or later is required: {install}"
        )


def _find_installed_version(library: str) -> str | None:
    """Return the version of a library that is installed, without importing it."""
    spec = importlib.util.find_spec(library)
    if spec is None or spec.origin is None:
        return None
    # importlib.metadata does the same and is slow to import.
    for entry in Path(spec.origin).parent.parent.glob(f"{library}-*-info"):
        found = re.fullmatch(rf"{library}-(\d[^-]*).*\.(dist|egg)-info", entry.name)
        if found:
            return found[1]
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None  # remains of a removed installation


@functools.cache
def _load_message_classes() -> Mapping[str, Any]:
    """Return pyroute2's message classes; they are imported on first use, because that is slow."""
    from pyroute2.netlink.rtnl.fibmsg import fibmsg
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg, macvx_data
    from pyroute2.netlink.rtnl.ndmsg import ndmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    # Attributes of linux/if_link.h that some versions of pyroute2 lack, in subclasses: other users of the library in
    # this process keep its classes.
    kinds = ifinfmsg.ifinfo.data_map
    own = dict(kinds)
    for kind, base, attributes in (
        ("macvlan", macvx_data, (*macvx_data.nla_map[:7], ("IFLA_MACVLAN_BC_QUEUE_LEN", "uint32"))),
        ("macvtap", macvx_data, (*macvx_data.nla_map[:7], ("IFLA_MACVLAN_BC_QUEUE_LEN", "uint32"))),
        ("ipvlan", kinds["ipvlan"], (*kinds["ipvlan"].nla_map[:2], ("IFLA_IPVLAN_FLAGS", "uint16"))),
    ):
        own[kind] = type(f"{kind}_data", (base,), {"nla_map": attributes})
    ifinfo = type("ifinfo", (ifinfmsg.ifinfo,), {"data_map": own})
    link = type("link_message", (ifinfmsg,), {"ifinfo": ifinfo})
    return {"link": link, "address": ifaddrmsg, "route": rtmsg, "rule": fibmsg, "neighbour": ndmsg}


def encode(request: Message) -> bytes:
    """Return a request as bytes, without its netlink header."""
    body = _load_message_classes()[request.kind]()
    for name, value in request.fields.items():
        body[name] = value
    body["attrs"] = list(request.attributes)
    body.encode()
    return bytes(body.data[_NETLINK_HEADER:])
