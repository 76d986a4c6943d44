# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd's command line and daemon.json, in all forms that dockerd accepts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker.engine_rows import (
    parse_command_line,
    parse_daemon_json,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("-H fd:// --containerd=/run/containerd/containerd.sock", {"hosts": ["fd://"]}),
        ("-H=tcp://0.0.0.0:2375", {"hosts": ["tcp://0.0.0.0:2375"]}),
        ("-Htcp://0.0.0.0:2375", {"hosts": ["tcp://0.0.0.0:2375"]}),
        ("-DH tcp://0.0.0.0:2375", {"hosts": ["tcp://0.0.0.0:2375"]}),
        ("--host unix:///a -H fd://", {"hosts": ["unix:///a", "fd://"]}),
        ("-D --host=unix:///a", {"hosts": ["unix:///a"]}),
        ("--iptables=false --icc=0 --ip-masq=F", {"iptables": False, "icc": False, "ip-masq": False}),
        ("--tlsverify --mtu 1400", {"tlsverify": True, "mtu": 1400}),
        ("--tlsverify=true --userland-proxy=TRUE", {"tlsverify": True, "userland-proxy": True}),
        ("-b br0 --bip=192.0.2.1/24", {"bridge": "br0", "bip": "192.0.2.1/24"}),
        ("--dns 192.0.2.53 --dns-opt ndots:1", {"dns": ["192.0.2.53"], "dns-opts": ["ndots:1"]}),
        (
            "--default-address-pool base=10.0.0.0/8,size=24 --default-address-pool=size=28,base=172.16.0.0/12",
            {"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}, {"base": "172.16.0.0/12", "size": 28}]},
        ),
        (
            "--default-network-opt bridge=com.docker.network.driver.mtu=1400 --default-network-opt=bridge=password=x",
            {"default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}}},
        ),
        ("--config-file /etc/other.json", {"config-file": "/etc/other.json"}),
        ("--log-opt splunk-token=x --tlskey /k --http-proxy http://u:p@h --label a=b", {}),
        ("--mtu", {"mtu": None}),
        ("--mtu many", {"mtu": None}),
        ("- -- stray", {}),
        ("", {}),
    ],
)
def test_flags_are_parsed(words: str, wanted: dict[str, Any]) -> None:
    assert parse_command_line(words.split()) == wanted


@given(st.lists(st.text() | st.sampled_from(["-H", "--host", "--mtu", "--default-network-opt", "-b=", "--dns="])))
def test_any_command_line_is_parsed(words: list[str]) -> None:
    parse_command_line(words)


def test_file_is_parsed() -> None:
    content = (
        '{"mtu": 1400, "icc": false, "dns": ["192.0.2.53"], "ipv6": null, "debug": true, "registry-mirrors": ["x"]}'
    )
    assert parse_daemon_json(content) == {"mtu": 1400, "icc": False, "dns": ["192.0.2.53"]}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"mtu": 1400,}', "[" * 100000], ids=lambda text: text[:9])
def test_invalid_file_is_reported(content: str) -> None:
    with pytest.raises(NetfleetError, match=r"not (JSON|a JSON object)"):
        parse_daemon_json(content)
