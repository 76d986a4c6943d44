# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The encoder of this collection and pyroute2 produce the same bytes, or the request is passed to pyroute2."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, Route
from ansible_collections.netfleet.docker.plugins.module_utils._links.requests import build_request
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import pyroute2_encoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.encoder import encode_common
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class Places:
    """A host on which every link and namespace exists."""

    def get_index(self, label: str, name: str) -> int:
        """Return an index that is unique for a link."""
        return sum(f"{label}/{name}".encode())

    def get_fd(self, label: str) -> int:
        """Return a descriptor that is unique for a namespace."""
        return len(label) + 3


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any | None]:
    """Draw a value or None."""
    return st.none() | strategy


labels = st.sampled_from(["host", "red", "blue"])
names = st.text("abcdefghijklmno-_.0123456789", min_size=1, max_size=15)
macs = st.binary(min_size=6, max_size=6).map(lambda data: data.hex(":"))
numbers = st.integers(0, 2**32 - 1)
mtus = st.integers(68, 65535)
links = st.builds(
    Link, names, kind=st.just("veth"), mtu=some(mtus), mac=some(macs), group=some(numbers), index=some(mtus)
)
addresses = st.builds("{}/{}".format, st.ip_addresses(v=4), st.integers(0, 32)) | st.builds(
    "{}/{}".format, st.ip_addresses(v=6), st.integers(0, 128)
)
bare = st.sampled_from(["ifb", "dummy", "bridge"]).flatmap(
    lambda kind: links.map(lambda link: Link(link.name, kind=kind, mtu=link.mtu, mac=link.mac, group=link.group))
)
attributes = st.dictionaries(
    st.sampled_from(["mtu", "up", "master", "mac"]), st.nothing(), max_size=0
) | st.fixed_dictionaries({}, optional={"mtu": mtus, "up": st.booleans(), "master": names | st.just(""), "mac": macs})
operations = st.one_of(
    st.builds(ops.CreateLink, labels, links, labels, links, names | st.just("")),
    st.builds(ops.CreateLink, labels, bare, master=names | st.just("")),
    st.builds(ops.DeleteLink, labels, names),
    st.builds(ops.DeleteGroup, labels, numbers, st.just(())),
    st.builds(ops.SetGroupUp, labels, numbers, st.just(())),
    st.builds(ops.MoveLink, labels, names, labels),
    st.builds(ops.SetLink, labels, names, attributes),
    st.builds(ops.AddAddress, labels, names, addresses),
    st.builds(ops.RemoveAddress, labels, names, addresses),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations)
def test_requests_equal_those_of_pyroute2(op: ops.Op) -> None:
    request = build_request(op, Places())
    assert encode_common(request) == pyroute2_encoder.encode(request)


@pytest.mark.parametrize(
    "op",
    [
        ops.CreateLink("red", Link("v0", kind="vxlan", options={"vni": 7})),
        ops.CreateLink("red", Link("br0", kind="bridge", options={"priority": 7})),
        ops.CreateLink("red", Link("m0", kind="macvlan", parent=Endpoint("host", "p"), options={"mode": "bridge"})),
        ops.SetLink("red", "a", {"alias": "words"}),
        ops.SetLink("red", "a", port={"cost": 7}),
        ops.AddAltname("red", "a", "b"),
        ops.AddEntry("red", Route("192.0.2.0/24", dev="a")),
    ],
)
def test_unsupported_requests_are_encoded_by_pyroute2(op: ops.Op) -> None:
    assert encode_common(build_request(op, Places())) is None
