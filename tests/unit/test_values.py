# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edge cases of values: accepted forms, canonical form and invalid values."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core import validators

SAME: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (validators.mac, "02:AA:00:00:00:01", "02:aa:00:00:00:01"),
    (validators.mac, "02-aa-00-00-00-01", "02:aa:00:00:00:01"),
    (validators.interface_address, "fd00:0::1/64", "fd00::1/64"),
    (validators.interface_address, "192.0.2.1/255.255.255.0", "192.0.2.1/24"),
    (validators.network, "FD00::/64", "fd00::/64"),
    (validators.network, "192.0.2.1", "192.0.2.1/32"),
    (validators.sysctl_key, "net.ipv4.conf.eth0/5.forwarding", "net/ipv4/conf/eth0.5/forwarding"),
    (validators.sysctl_key, "net/ipv4/conf/eth0.5/forwarding", "net/ipv4/conf/eth0.5/forwarding"),
    (validators.sysctl_value, True, "1"),
    (validators.sysctl_value, "0x1F", "31"),
    (validators.sysctl_value, [4096, "87380", "0x10"], "4096 87380 16"),
    (validators.sysctl_value, "4096\t87380  6291456", "4096 87380 6291456"),
    (validators.ifname, "{{7*7}}", "{{7*7}}"),
    (validators.ifname, "$(id)", "$(id)"),
    (validators.ifname, "-rf", "-rf"),
    (validators.ifname, "fifteen-bytes-x", "fifteen-bytes-x"),
    (validators.netns_reference, "container:web", "container:web"),
    (validators.netns_reference, "docker:1-abc", "docker:1-abc"),
    (validators.netns_reference, "path:/proc/1/ns/net", "path:/proc/1/ns/net"),
    (validators.netns_reference, "blue_1", "blue_1"),
    (validators.mtu, 68, 68),
]

REFUSED: list[tuple[Callable[[Any], Any], Any]] = [
    *((validators.ifname, name) for name in ("", ".", "..", "all", "default", "a b", "a/b", "a:b", "a%d", "x" * 16)),
    *((validators.ifname, name) for name in ("é", "\x1b[0m", "\x01", "\u202eabc", "\udcff", "tab\t", "new\n")),
    *(
        (validators.netns_name, name)
        for name in ("", ".", "..", "a/b", "../x", "x" * 300, "ä", "a b", "host", "-x", "a\n")
    ),
    *(
        (validators.netns_reference, name)
        for name in ("pid:", "pid:0", "pid:-1", "pid:x", "path:x", "path:", "docker:../x")
    ),
    *(
        (validators.netns_reference, name)
        for name in ("container:", "container:../x", "nonsense:x", "docker:", "pid:1e3")
    ),
    *(
        (validators.mac, mac)
        for mac in ("", "02:00", "02:00:00:00:00:0g", "01:00:5e:00:00:01", "00:00:00:00:00:00", "0x02")
    ),
    *((validators.mtu, mtu) for mtu in (-1, 0, 67, 65536, 10**12)),
    *(
        (validators.interface_address, one)
        for one in ("192.0.2.1", "192.0.2.1/33", "192.0.2.256/24", "x/24", "fd00::1/129")
    ),
    *((validators.network, one) for one in ("192.0.2.1/24", "default", "x")),
    *(
        (validators.sysctl_key, key)
        for key in ("kernel.hostname", "net", "net.ipv4", "net/../kernel/x", "net..x", "/net/x/y")
    ),
    *((validators.sysctl_value, value) for value in ("", "  ", None, 1.5, [], [1.5], [1, None])),
    (validators.alias, "x" * 256),
    *((validators.altname, name) for name in ("", "a b", "a/b", "x" * 128, "é", "a%d")),
]


@pytest.mark.parametrize(("check", "given", "form"), SAME)
def test_value_has_one_canonical_form(check: Callable[[Any], Any], given: Any, form: Any) -> None:
    """Equal values in any form are converted to the same canonical form, which is converted to itself."""
    assert check(given) == form
    assert check(check(given)) == form


@pytest.mark.parametrize(("check", "given"), REFUSED)
def test_invalid_value_is_rejected_with_the_reason(check: Callable[[Any], Any], given: Any) -> None:
    """The reason is one printable line."""
    with pytest.raises(ValueError, match=r"\w") as refused:
        check(given)
    assert str(refused.value).isprintable()
