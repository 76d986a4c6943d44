# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse, merge and render daemon.json, and display it without secrets. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

HIDDEN = "(not shown)"
# Settings without secrets. Others, such as log-opts and proxies, can contain passwords.
PUBLIC = frozenset(
    "allow-direct-routing bip bip6 bridge-accept-fwmark default-address-pools default-network-opts dns dns-opts "
    "dns-search features firewall-backend fixed-cidr fixed-cidr-v6 host-gateway-ips hosts icc ip ip-forward "
    "ip-forward-no-drop ip-masq ip6tables iptables ipv6 live-restore min-api-version mtu tlsverify "
    "userland-proxy".split()
)
_SECRET_OPTIONS = ("--log-opt", "--http-proxy", "--https-proxy", "--cluster-store-opt")
# Shorter texts, such as numbers and driver names, occur anywhere in a message.
_SHORTEST_SECRET = 5


def parse_settings(text: str | None, path: str) -> dict[str, Any]:
    """Return the settings in the text of a file; raise BadParameter if it is not a JSON object."""
    if text is None or not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        reason = f"{path} is not valid JSON ({error}); correct it first, without comments. The file was not changed"
        raise BadParameter("config_file", reason) from None
    if not isinstance(found, dict):
        raise BadParameter("config_file", f"{path} must contain a JSON object. The file was not changed")
    return found


def render_settings(settings: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def merge_settings(before: Mapping[str, Any], given: Mapping[str, Any], absent: Iterable[str]) -> dict[str, Any]:
    """Return the settings with the given keys set and others removed; features that are not given are kept."""
    removed, merged = set(absent), {**before, **given}
    if "features" in given and isinstance(before.get("features"), Mapping):
        merged["features"] = {**before["features"], **given["features"]}
    return {key: value for key, value in merged.items() if key not in removed}


def find_changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys whose values differ."""
    missing = object()
    return tuple(
        sorted(key for key in {*before, *after} if not _is_equal(before.get(key, missing), after.get(key, missing)))
    )


def select_public_settings(settings: Mapping[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """Return the settings for display, with the values of given and public settings only."""
    shown = PUBLIC | set(given)
    return {
        key: value if key in shown or isinstance(value, (bool, int)) else HIDDEN
        for key, value in sorted(settings.items())
    }


def redact(text: str, settings: Mapping[str, Any], given: Iterable[str], argv: Iterable[str] = ()) -> str:
    """Return a message of the engine without values of settings that can be secret, and of options of its command."""
    shown = PUBLIC | set(given)
    secrets = [leaf for key, value in settings.items() if key not in shown for leaf in _iterate_leaves(value)]
    secrets += _find_command_secrets(list(argv))
    for secret in sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _find_command_secrets(argv: list[str]) -> list[str]:
    """Return the values of options such as ``--log-opt=splunk-token=SECRET``, also as two arguments."""
    options = [(one, after) for one, after in zip(argv, [*argv[1:], ""]) if one.startswith(_SECRET_OPTIONS)]
    values = [one.partition("=")[2] or after for one, after in options]
    return [*values, *(value.rpartition("=")[2] for value in values)]


def _iterate_leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _iterate_leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _iterate_leaves(inner)
    elif isinstance(value, str):
        yield value


def _is_equal(one: Any, other: Any) -> bool:
    # In Python, 1 equals true; the engine accepts only the right type.
    return type(one) is type(other) and bool(one == other)
