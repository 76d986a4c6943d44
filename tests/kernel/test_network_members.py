# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of several members of a network: exchanged, taken, duplicate; and members after a failed run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .docker_host import DockerHost

pytestmark = pytest.mark.engine

_POOL = {"subnet": "10.41.0.0/24", "gateway": "10.41.0.1"}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerHost]:
    """Return a host with an engine and the containers c1, c2 and c3 for all tests of this file."""
    with DockerHost() as found:
        for name in ("c1", "c2", "c3"):
            found.container(name, "--network=bridge")
        yield found


@pytest.fixture
def host(engine: DockerHost) -> Iterator[DockerHost]:
    """Return the host with an empty network, and remove the network afterwards."""
    engine.docker("network", "create", "--subnet=10.41.0.0/24", "shop")
    yield engine
    engine.sh(
        "! docker inspect odd >/dev/null 2>&1 || docker rm -f odd",
        "for name in c1 c2 c3; do docker network disconnect -f shop $name || true; done",
        "for name in c1 c2 c3; do docker restart --time=0 $name; done",
        "docker network rm shop",
    )


def _connect(host: DockerHost, **addresses: str) -> None:
    for name, address in addresses.items():
        host.docker("network", "connect", *(["--ip", address] if address else []), "shop", name)


def _get_addresses(host: DockerHost) -> dict[str, str]:
    return {name: endpoint["IPAddress"] for name, endpoint in host.endpoints("shop").items()}


def _members(**addresses: str) -> list[dict[str, Any]]:
    return [{"name": name, **({"ipv4_address": address} if address else {})} for name, address in addresses.items()]


def _apply(host: DockerHost, **addresses: str) -> None:
    planned = host.network(check=True, name="shop", connected=_members(**addresses))
    done = host.network(name="shop", connected=_members(**addresses))
    assert done.changed and done.plan == planned.plan
    assert not host.network(name="shop", connected=_members(**addresses)).changed


def test_members_exchange_their_addresses(host: DockerHost) -> None:
    _connect(host, c1="10.41.0.11", c2="10.41.0.12")
    _apply(host, c1="10.41.0.12", c2="10.41.0.11")
    assert _get_addresses(host) == {"c1": "10.41.0.12", "c2": "10.41.0.11"}


def test_member_gets_the_address_that_another_one_gives_up(host: DockerHost) -> None:
    _connect(host, c1="10.41.0.11", c2="10.41.0.12", c3="10.41.0.13")
    _apply(host, c2="10.41.0.11", c1="10.41.0.13")
    assert _get_addresses(host) == {"c1": "10.41.0.13", "c2": "10.41.0.11"}


def test_automatic_member_does_not_take_a_requested_address(host: DockerHost) -> None:
    _apply(host, c1="", c2="10.41.0.2", c3="10.41.0.3")
    addresses = _get_addresses(host)
    assert (addresses["c2"], addresses["c3"]) == ("10.41.0.2", "10.41.0.3")
    assert addresses["c1"] not in ("10.41.0.2", "10.41.0.3")


def test_former_automatic_address_yields_to_a_requested_one(host: DockerHost) -> None:
    _connect(host, c1="")
    (address,) = _get_addresses(host).values()
    done = host.network(name="shop", labels={"a": "b"}, connected=_members(c1="", c2=address))
    assert done.changed
    assert _get_addresses(host)["c2"] == address
    assert f"c1 cannot keep its address {address}: c2 uses it" in str(done.data["warnings"])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            {"c2": "10.41.0.11"},
            "connected[0].ipv4_address: c2 cannot have the address 10.41.0.11: c1 uses it in network shop",
        ),
        ({"c2": "10.41.0.50", "c3": "10.41.0.50"}, "connected[1].ipv4_address: c3 cannot have the address 10.41.0.50"),
        ({"c2": "10.41.0.1"}, "connected[0].ipv4_address: c2 cannot have the address 10.41.0.1: it is a gateway"),
        ({"c2": "10.42.0.9"}, "connected[0].ipv4_address: c2 cannot have the address 10.42.0.9: it is a gateway"),
    ],
)
def test_address_that_is_not_free_is_rejected(host: DockerHost, wanted: dict[str, str], words: str) -> None:
    _connect(host, c1="10.41.0.11")
    before = host.endpoints("shop")
    for check in (True, False):
        failed = host.network(check=check, name="shop", connected=_members(**wanted), appends=True)
        assert failed.failed and words in failed.msg, failed.msg
    assert host.endpoints("shop") == before
    for name in ("c1", "c2", "c3"):
        host.docker("restart", "--time=0", name)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("mode", ["none", "host", "container:c1"])
def test_failed_connection_leaves_no_endpoint(host: DockerHost, mode: str, exists: bool) -> None:
    """The engine rejects the last container; the others must start again, with or without the network."""
    host.container("odd", f"--network={mode}")
    name = "shop" if exists else "new"
    failed = host.network(
        name=name, ipam_config=[_POOL] if exists else [{"subnet": "10.43.0.0/24"}], connected=["c1", "odd"]
    )
    assert failed.failed and "odd" in failed.msg
    assert failed.msg.endswith("The changes of this run were rolled back."), failed.msg
    assert (host.inspect("network", name) is not None) is exists
    for one in ("c1", "c2", "odd"):
        assert name not in host.inspect("container", one)["NetworkSettings"]["Networks"]
        host.docker("restart", "--time=0", one)
