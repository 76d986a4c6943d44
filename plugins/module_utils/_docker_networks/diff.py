# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences between a network and its desired state, and the network that a recreation creates; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    FIELDS,
    MEMBER_FIELDS,
    ActualNetwork,
    Member,
    Network,
    Pool,
    to_plain,
)

# Options that engines and drivers add on their own.
_ENGINES = (
    *("com.docker.network.driver.overlay.vxlanid_list", "com.docker.network.enable_ipv4"),
    "com.docker.network.enable_ipv6",
)
_DEFAULT_DRIVER = "bridge"
# The parent that the driver creates for a macvlan network without one.
_DUMMY = "dm-"
# Options that apply to one driver only.
_DRIVERS = ("options", "ipam_driver", "ipam_options", "scope", "ingress", "attachable", "config_from", "config_only")


class Difference(NamedTuple):
    """A difference: the option, and its values before and after."""

    option: str
    wanted: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.option} is {self.actual!r}, not {self.wanted!r}"


def select_user_options(
    options: Mapping[str, str] | None, wanted: Mapping[str, str] | None = None, defaults: Collection[str] = ()
) -> dict[str, str]:
    """Return the driver options without those that the engine added; ``defaults`` are its default options."""
    added = {*_ENGINES, *defaults}
    return {
        key: value
        for key, value in (options or {}).items()
        if key in (wanted or {}) or (key not in added and not (key == "parent" and value.startswith(_DUMMY)))
    }


def compare_networks(want: Network, have: Network, defaults: Collection[str] = ()) -> list[Difference]:
    """Return the differences between a network and its desired state.

    ``defaults`` are the names of the options that the engine adds to new networks.
    """
    found = []
    for name in FIELDS:
        wanted, there = getattr(want, name), getattr(have, name)
        if name == "options":
            there = select_user_options(there, wanted, defaults)
        if wanted is None or wanted == there:
            continue
        if name == "pools":
            found += _compare_pools(wanted, there or ())
        elif isinstance(wanted, Mapping):
            keys = sorted({*wanted, *(there or {})})
            values = [(key, wanted.get(key), (there or {}).get(key)) for key in keys]
            found += [Difference(f"{_get_option_name(name)}.{key}", new, old) for key, new, old in values if new != old]
        # Engines without support for networks without IPv4 have none.
        elif not (name == "ipv4" and wanted and there is None):
            found.append(Difference(_get_option_name(name), wanted, there))
    return found


def _get_option_name(name: str) -> str:
    names = {"options": "driver_options", "ipam_options": "ipam_driver_options", "pools": "ipam_config"}
    return {**names, "ipv4": "enable_ipv4", "ipv6": "enable_ipv6"}.get(name, name)


def _compare_pools(want: tuple[Pool, ...], have: tuple[Pool, ...]) -> list[Difference]:
    """Return the differences of the subnets; a missing subnet is reported as a whole. Additional ones are allowed."""
    found = []
    matches = _match_pools(want, have)
    for at, (pool, there) in enumerate(zip(want, matches)):
        if there is None:
            found.append(Difference(f"ipam_config[{at}].subnet", pool.subnet, [one.subnet for one in have]))
        for key in ("iprange", "gateway", "aux"):
            wanted, old = getattr(pool, key), getattr(there, key, None)
            if wanted is not None and (wanted or None) != (old or None):
                shown = "aux_addresses" if key == "aux" else key
                found.append(Difference(f"ipam_config[{at}].{shown}", wanted, old))
    return found


def _match_pools(want: Iterable[Pool], have: Iterable[Pool]) -> list[Pool | None]:
    """Return the existing subnet for each desired one: the same, or one of the same size for an automatic one."""
    want, left = list(want), {pool.subnet: pool for pool in have}
    exact = {pool.subnet: left.pop(pool.subnet) for pool in want if pool.subnet in left}
    found: list[Pool | None] = []
    for pool in want:
        there = exact.get(pool.subnet)
        if there is None and pool.is_automatic:
            name = next((subnet for subnet in left if _get_size(subnet) == _get_size(pool.subnet)), None)
            there = left.pop(name) if name else None
        found.append(there)
    return found


def _get_size(subnet: str) -> tuple[bool, str]:
    return ":" in subnet, subnet.partition("/")[2]


def _get_ip_version(pool: Pool) -> int:
    return 6 if ":" in pool.subnet else 4


def merge_networks(want: Network, base: Network | None) -> Network:
    """Return the network to create: the desired options, and the existing ones for all others."""
    if base is None:
        return want if want.driver else replace_fields(want, driver=_DEFAULT_DRIVER)
    other_driver = want.driver is not None and want.driver != base.driver
    kept = {}
    for name in FIELDS:
        there = getattr(base, name)
        if getattr(want, name) is None and there is not None and not (other_driver and name in _DRIVERS):
            kept[name] = select_user_options(there) if name == "options" else there
    found = replace_fields(want, **kept)
    if found.pools is not None:
        found = replace_fields(found, pools=_merge_pools(want.pools, base.pools or (), bool(found.ipv6)))
    return found


def _merge_pools(want: tuple[Pool, ...] | None, base: tuple[Pool, ...], ipv6: bool) -> tuple[Pool, ...]:
    found = []
    for pool, there in zip(want or (), _match_pools(want or (), base)):
        keys = [key for key in ("iprange", "gateway", "aux") if getattr(pool, key) is None] if there else []
        # An automatic subnet stays the same, because the members keep their addresses.
        keys += ["subnet"] if there else []
        found.append(replace_fields(pool, **{key: getattr(there, key) for key in keys}))
    families = {_get_ip_version(pool) for pool in want or ()}
    found += [pool for pool in base if _get_ip_version(pool) not in families]
    return tuple(pool for pool in found if ipv6 or _get_ip_version(pool) == 4)


def compare_members(want: Member, have: Member) -> list[Difference]:
    """Return the differences of a container's endpoint."""
    found = []
    for name in MEMBER_FIELDS:
        wanted, there = getattr(want, name), getattr(have, name)
        if name == "aliases" and wanted is not None:
            wanted, there = tuple(sorted(set(wanted))), tuple(sorted(set(there or ())))
        if wanted is not None and wanted != (there if there is not None else type(wanted)()):
            found.append(Difference(f"connected[{want.name}].{name}", wanted, there))
    return found


def merge_members(want: Member, have: Member) -> Member:
    """Return the endpoint to create: the desired options, and the existing ones for all others."""
    kept = {name: getattr(have, name) for name in (*MEMBER_FIELDS, "links") if getattr(want, name) is None}
    chosen = (*want.chosen, *(name for name in have.chosen if getattr(want, name) is None))
    if not have.mac_chosen and want.mac is None:
        kept["mac"] = None
    found = replace_fields(have, **{**{name: getattr(want, name) for name in MEMBER_FIELDS}, **kept, "chosen": chosen})
    if want.ipv4 and want.ipv4 != have.ipv4 and want.mac is None:
        # The engine chose it, from the address or at random.
        found = replace_fields(found, mac=None)
    return found


def build_managed_view(
    actual: ActualNetwork, members: Iterable[Member], want: Network, connected: Iterable[Member] | None
) -> dict[str, Any]:
    """Return the managed values of a network and its members as plain data for the diff."""
    network = actual.network
    if network is None:
        return {"exists": False}
    found: dict[str, Any] = {"exists": True}
    for name in FIELDS:
        if getattr(want, name) is not None:
            found[_get_option_name(name)] = to_plain(getattr(network, name))
    if want.options is not None:
        found[_get_option_name("options")] = select_user_options(network.options, want.options, actual.default_options)
    if want.pools is not None:
        found[_get_option_name("pools")] = _show_pools(network.pools or (), want.pools)
    if connected is not None:
        wanted = {one.id: one for one in connected}
        found["connected"] = {one.name: _show_endpoint(one, wanted.get(one.id, Member(one.name))) for one in members}
    return found


def _show_pools(pools: Iterable[Pool], want: Iterable[Pool]) -> list[dict[str, Any]]:
    """Return the managed values of the pools; of pools to be removed, all values."""
    wanted = {pool.subnet: to_plain(pool) for pool in want}
    keys = {subnet: set(one) for subnet, one in wanted.items()}
    found = [to_plain(pool) for pool in sorted(pools, key=lambda pool: [*wanted, pool.subnet].index(pool.subnet))]
    return [
        {key: value for key, value in pool.items() if key in keys.get(pool["subnet"], {key} if value else ())}
        for pool in found
    ]


def _show_endpoint(have: Member, want: Member) -> dict[str, Any]:
    """Return the managed values of an endpoint."""
    return {name: to_plain(getattr(have, name)) for name in MEMBER_FIELDS if getattr(want, name) is not None}
