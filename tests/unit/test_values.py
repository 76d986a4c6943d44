# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values at the edge: what is taken, in which form, and what is refused."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils import _values

SAME: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (_values.mac, "02:AA:00:00:00:01", "02:aa:00:00:00:01"),
    (_values.mac, "02-aa-00-00-00-01", "02:aa:00:00:00:01"),
    (_values.interface_address, "fd00:0::1/64", "fd00::1/64"),
    (_values.interface_address, "192.0.2.1/255.255.255.0", "192.0.2.1/24"),
    (_values.network, "FD00::/64", "fd00::/64"),
    (_values.network, "192.0.2.1", "192.0.2.1/32"),
    (_values.sysctl_key, "net.ipv4.conf.eth0/5.forwarding", "net/ipv4/conf/eth0.5/forwarding"),
    (_values.sysctl_key, "net/ipv4/conf/eth0.5/forwarding", "net/ipv4/conf/eth0.5/forwarding"),
    (_values.sysctl_value, True, "1"),
    (_values.sysctl_value, "4096\t87380  6291456", "4096 87380 6291456"),
    (_values.ifname, "{{7*7}}", "{{7*7}}"),
    (_values.ifname, "$(id)", "$(id)"),
    (_values.ifname, "-rf", "-rf"),
    (_values.ifname, "fifteen-bytes-x", "fifteen-bytes-x"),
    (_values.netns_reference, "container:web", "container:web"),
    (_values.netns_reference, "docker:1-abc", "docker:1-abc"),
    (_values.netns_reference, "path:/proc/1/ns/net", "path:/proc/1/ns/net"),
    (_values.netns_reference, "blue_1", "blue_1"),
    (_values.mtu, 68, 68),
]

REFUSED: list[tuple[Callable[[Any], Any], Any]] = [
    *((_values.ifname, name) for name in ("", ".", "..", "all", "default", "a b", "a/b", "a:b", "a%d", "x" * 16)),
    *((_values.ifname, name) for name in ("é", "\x1b[0m", "\x01", "\u202eabc", "\udcff", "tab\t", "new\n")),
    *(
        (_values.netns_name, name)
        for name in ("", ".", "..", "a/b", "../x", "x" * 300, "ä", "a b", "host", "-x", "a\n")
    ),
    *(
        (_values.netns_reference, name)
        for name in ("pid:", "pid:0", "pid:-1", "pid:x", "path:x", "path:", "docker:../x")
    ),
    *((_values.netns_reference, name) for name in ("container:", "container:../x", "nonsense:x", "docker:", "pid:1e3")),
    *(
        (_values.mac, mac)
        for mac in ("", "02:00", "02:00:00:00:00:0g", "01:00:5e:00:00:01", "00:00:00:00:00:00", "0x02")
    ),
    *((_values.mtu, mtu) for mtu in (-1, 0, 67, 65536, 10**12)),
    *(
        (_values.interface_address, one)
        for one in ("192.0.2.1", "192.0.2.1/33", "192.0.2.256/24", "x/24", "fd00::1/129")
    ),
    *((_values.network, one) for one in ("192.0.2.1/24", "default", "x")),
    *(
        (_values.sysctl_key, key)
        for key in ("kernel.hostname", "net", "net.ipv4", "net/../kernel/x", "net..x", "/net/x/y")
    ),
    *((_values.sysctl_value, value) for value in ("", "  ", None, 1.5, [1])),
    (_values.alias, "x" * 256),
    *((_values.altname, name) for name in ("", "a b", "a/b", "x" * 128, "é", "a%d")),
]


@pytest.mark.parametrize(("check", "given", "form"), SAME)
def test_a_value_has_one_form(check: Callable[[Any], Any], given: Any, form: Any) -> None:
    """Whatever way a value is written, it comes in as the same; and its form is its own form."""
    assert check(given) == form
    assert check(check(given)) == form


@pytest.mark.parametrize(("check", "given"), REFUSED)
def test_a_wrong_value_is_refused_with_the_reason(check: Callable[[Any], Any], given: Any) -> None:
    """The reason is one printable line."""
    with pytest.raises(ValueError, match=r"\w") as refused:
        check(given)
    assert str(refused.value).isprintable()
