# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of the module engine to the desired state. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK, validate_parameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.validators import sysctl_path, sysctl_value
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import DesiredEngine, Sysctl

_TEXT, _SWITCH, _NUMBER, _PATH = ({"type": name} for name in ("str", "bool", "int", "path"))
_TEXTS = {"type": "list", "elements": "str"}
_POOL = {"base": {"type": "str", "required": True}, "size": {"type": "int", "required": True}}
# Each is a key of daemon.json, with underscores instead of hyphens.
SETTINGS: dict[str, Any] = {
    "default_address_pools": {"type": "list", "elements": "dict", "options": _POOL},
    "bip": _TEXT,
    "bip6": _TEXT,
    "fixed_cidr": _TEXT,
    "fixed_cidr_v6": _TEXT,
    "mtu": _NUMBER,
    "icc": _SWITCH,
    "ip": _TEXT,
    "ip_forward": _SWITCH,
    "ip_masq": _SWITCH,
    "iptables": _SWITCH,
    "ip6tables": _SWITCH,
    "ipv6": _SWITCH,
    "userland_proxy": _SWITCH,
    "dns": _TEXTS,
    "dns_search": _TEXTS,
    "dns_opts": _TEXTS,
    "hosts": _TEXTS,
    "tlsverify": _SWITCH,
    "tlscacert": _PATH,
    "tlscert": _PATH,
    "tlskey": _PATH,
    "live_restore": _SWITCH,
    "default_network_opts": {"type": "dict"},
    "host_gateway_ips": _TEXTS,
    "allow_direct_routing": _SWITCH,
    "ip_forward_no_drop": _SWITCH,
    "firewall_backend": {"type": "str", "choices": ["iptables", "nftables"]},
    "bridge_accept_fwmark": _TEXT,
    "min_api_version": _TEXT,
    "features": {"type": "dict"},
}
SPEC: dict[str, Any] = {
    **SETTINGS,
    "settings_absent": {"type": "list", "elements": "str", "default": []},
    "stop_containers": {"type": "bool", "default": False},
    "config_file": {"type": "path", "default": "/etc/docker/daemon.json"},
    "service": {"type": "str", "default": "docker"},
    "sysctls": {"type": "dict", "default": {}},
    "sysctls_file": {"type": "path", "default": "/etc/sysctl.d/60-netfleet-docker.conf"},
    "modules": {"type": "list", "elements": "str", "default": []},
    "modules_optional": {"type": "list", "elements": "str", "default": []},
    "modules_file": {"type": "path", "default": "/etc/modules-load.d/netfleet-docker.conf"},
    "reuse": {"type": "bool", "default": False},
    **LOCK,
}
_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.:-]*")
_MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def parse_options(params: Mapping[str, Any]) -> DesiredEngine:
    """Return the desired state from the parameters."""
    settings = {name.replace("_", "-"): params[name] for name in SETTINGS if params[name] is not None}
    settings.update(_parse_dictionaries(params))
    absent = tuple(dict.fromkeys(params["settings_absent"]))
    both = sorted(set(absent) & set(settings))
    if both:
        raise BadParameter("settings_absent", f"{both[0]} cannot be both set and removed; remove it from one of them")
    return DesiredEngine(
        settings=settings,
        absent=absent,
        config_file=_parse_path(params, "config_file"),
        service=_parse_name(params, "service", _SERVICE),
        stop_containers=params["stop_containers"],
        sysctls=tuple(_parse_sysctl(name, value) for name, value in sorted(params["sysctls"].items())),
        sysctls_file=_parse_path(params, "sysctls_file"),
        modules=_parse_modules(params, "modules"),
        optional_modules=_parse_modules(params, "modules_optional"),
        modules_file=_parse_path(params, "modules_file"),
    )


def _parse_dictionaries(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with dictionaries in the types that the engine accepts: texts, and switches of features."""
    found: dict[str, Any] = {}
    if params["default_network_opts"] is not None:
        found["default-network-opts"] = {
            str(driver): _parse_texts(f"default_network_opts.{driver}", options)
            for driver, options in params["default_network_opts"].items()
        }
    if params["features"] is not None:
        found["features"] = {str(name): _parse_switch(name, one) for name, one in params["features"].items()}
    return found


def _parse_texts(parameter: str, options: Any) -> dict[str, str]:
    if not isinstance(options, Mapping):
        raise BadParameter(parameter, f"must be a dictionary of the driver's options, not {options!r}")
    for key, value in options.items():
        if isinstance(value, (Mapping, list, tuple)) or value is None:
            raise BadParameter(f"{parameter}.{key}", "must be a string, a number or a boolean")
    return {str(key): str(one).lower() if isinstance(one, bool) else str(one) for key, one in options.items()}


def _parse_switch(name: Any, value: Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise BadParameter(f"features.{name}", f"must be true or false, not {value!r}") from None


def _parse_path(params: Mapping[str, Any], key: str) -> str:
    path = str(params[key])
    if not path.startswith("/"):
        raise BadParameter(key, f"must be an absolute path, not {path!r}")
    return path


def _parse_name(params: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    name = str(params[key]).removesuffix(".service")
    if not pattern.fullmatch(name):
        raise BadParameter(key, f"must be the name of a systemd service, not {name!r}")
    return name


def _parse_modules(params: Mapping[str, Any], key: str) -> tuple[str, ...]:
    for place, name in enumerate(params[key]):
        if not _MODULE.fullmatch(name):
            raise BadParameter(f"{key}[{place}]", f"must be the name of a kernel module, not {name!r}")
    return tuple(dict.fromkeys(name.replace("-", "_") for name in params[key]))


def _parse_sysctl(name: str, value: Any) -> Sysctl:
    parameter = f"sysctls.{name}"
    return Sysctl(
        name, validate_parameter(parameter, sysctl_path, name), validate_parameter(parameter, sysctl_value, value)
    )
