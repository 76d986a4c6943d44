# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a daemon.json becomes by the inventory's settings, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.filter.engine_settings import engine_settings

ROLE = Path(__file__).resolve().parents[2] / "roles/engine"
SOCKET = "unix:///var/run/docker.sock"
TLS = {"tlsverify": True, "tlscacert": "/ca.pem", "tlscert": "/cert.pem", "tlskey": "/key.pem"}
POOL = {"base": "10.200.0.0/16", "size": 24}


def plan(before: Any = None, absent: tuple[str, ...] = (), **wanted: Any) -> dict[str, Any]:
    text = before if isinstance(before, str) else json.dumps(before or {})
    return engine_settings(text, {key.replace("_", "-"): value for key, value in wanted.items()}, absent)


def test_what_others_put_there_stays() -> None:
    before = {"log-opts": {"max-size": "11m"}, "mtu": 1500, "dns": ["192.0.2.1"]}
    found = plan(before, mtu=1400, icc=False)
    assert found["settings"] == {**before, "mtu": 1400, "icc": False}
    assert found["changed"] == ["icc", "mtu"]
    assert found["before"] == before


def test_nothing_is_said_by_none_nor_by_an_empty_text() -> None:
    assert plan({"mtu": 1400}, mtu=None, icc="")["changed"] == []


def test_an_empty_list_is_said() -> None:
    assert plan({"dns": ["192.0.2.1"]}, dns=[])["settings"] == {"dns": []}


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_there_may_be_nothing_yet(text: str) -> None:
    assert plan(text, mtu=1400)["settings"] == {"mtu": 1400}


def test_values_get_the_types_that_the_engine_takes() -> None:
    found = plan(mtu="1400", icc="no", iptables="yes", live_restore="true")["settings"]
    assert found == {"mtu": 1400, "icc": False, "iptables": True, "live-restore": True}
    assert [type(value) for value in found.values()] == [int, bool, bool, bool]


def test_a_second_time_nothing_changes() -> None:
    wanted: dict[str, Any] = {"mtu": "1400", "default_address_pools": [POOL], "hosts": ["fd://"], "ip": "192.0.2.1"}
    assert plan(plan({"debug": True}, **wanted)["settings"], **wanted)["changed"] == []


def test_a_key_goes_where_it_is_named() -> None:
    found = plan({"mtu": 1400, "hosts": [SOCKET], "debug": True}, absent=("mtu", "hosts", "bip"))
    assert found["settings"] == {"debug": True}
    assert (found["changed"], found["leaves_hosts"], found["manages_hosts"]) == (["hosts", "mtu"], True, False)


@pytest.mark.parametrize(
    ("before", "wanted", "absent", "restart"),
    [
        ({}, {"live_restore": True}, (), False),
        ({"live-restore": True}, {"live_restore": False}, (), False),
        # An engine that reads a file without the key keeps what it has.
        ({"live-restore": True}, {}, ("live-restore",), True),
        ({}, {"live_restore": True, "mtu": 1400}, (), True),
        ({}, {"dns": ["192.0.2.1"]}, (), True),
        ({"mtu": 1400}, {"mtu": 1400}, (), False),
    ],
)
def test_a_restart_where_there_is_no_other_way(
    before: dict[str, Any], wanted: dict[str, Any], absent: tuple[str, ...], restart: bool
) -> None:
    assert plan(before, absent, **wanted)["restart"] is restart


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ this is none", "is no JSON, and is left as it is"),
        ("[1]", "is no JSON object"),
        ('"text"', "is no JSON object"),
        ("{'mtu': 1}", "is no JSON, and is left as it is"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused(text: str, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"engine_config_file: .*{words}"):
        plan(text, mtu=1400)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"bip": "172.17.0.0/16"}, "engine_bip: .*such as 172.17.0.1/16"),
        ({"bip": "172.17.0.1"}, "engine_bip"),
        ({"bip": "nonsense"}, "engine_bip"),
        ({"bip6": "fd00::/64"}, "engine_bip6"),
        ({"fixed_cidr": "172.17.0.1/24"}, "engine_fixed_cidr"),
        ({"fixed_cidr_v6": "x"}, "engine_fixed_cidr_v6"),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "172.18.0.0/25"}, "engine_fixed_cidr: .*outside"),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "172.17.0.0/16"}, "engine_fixed_cidr: .*outside"),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "fd00::/64"}, "engine_fixed_cidr: .*outside"),
        ({"mtu": 67}, "engine_mtu: must be 68 to 65535"),
        ({"mtu": 65536}, "engine_mtu"),
        ({"mtu": "large"}, "engine_mtu: must be a number"),
        ({"icc": "perhaps"}, "engine_icc: must be true or false"),
        ({"dns": ["192.0.2.1", "dns.example"]}, "engine_dns"),
        ({"dns": "192.0.2.1"}, "engine_dns: must be a list"),
        ({"ip": "192.0.2.0/24"}, "engine_ip"),
        ({"default_address_pools": POOL}, "engine_default_address_pools: must be a list"),
        ({"default_address_pools": [{"base": "10.0.0.0/8"}]}, r"engine_default_address_pools\[0\]: must have"),
        ({"default_address_pools": [{"base": "10.0.0.0/16", "size": 8}]}, r"pools\[0\].size: must be 16 to 32"),
        ({"default_address_pools": [{"base": "10.0.0.0/16", "size": "x"}]}, r"pools\[0\].size: must be a number"),
        ({"default_address_pools": [{"base": "10.0.0.1/16", "size": 24}]}, r"pools\[0\].base"),
        ({"default_address_pools": [POOL, {"base": "10.200.128.0/17", "size": 24}]}, r"pools\[1\].base: .*overlaps"),
        ({"default_address_pools": [POOL], "bip": "10.200.3.1/24"}, r"pools\[0\].base: .*engine_bip"),
        ({"hosts": ["tcp://127.0.0.1:2375"]}, "engine_hosts: without unix:///var/run/docker.sock"),
        ({"hosts": []}, "engine_hosts: without"),
        ({"hosts": [SOCKET, "tcp://0.0.0.0:2375"]}, "engine_hosts: .*engine_tlsverify"),
        ({"hosts": [SOCKET, "tcp://:2375"]}, "engine_hosts: .*engine_tlsverify"),
        ({"hosts": [SOCKET, "http://192.0.2.1"]}, "engine_hosts: .*is no unix"),
        ({"hosts": [SOCKET], **TLS, "tlskey": None}, "engine_tlskey: is needed"),
    ],
)
def test_what_no_engine_takes_is_refused_by_name(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        plan(**wanted)


def test_what_does_not_go_with_what_is_there_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"engine_fixed_cidr: .*outside"):
        plan({"bip": "172.17.0.1/24"}, fixed_cidr="172.18.0.0/24")
    with pytest.raises(AnsibleFilterError, match=r"pools\[0\].base: .*overlaps"):
        plan({"bip": "10.200.0.1/24"}, default_address_pools=[POOL])
    # What stands in the file is named as well, and no traceback comes of it.
    with pytest.raises(AnsibleFilterError, match="engine_bip"):
        plan({"bip": "none"}, fixed_cidr="172.18.0.0/24")


def test_a_key_is_not_set_and_removed() -> None:
    with pytest.raises(AnsibleFilterError, match="engine_settings_absent: mtu"):
        plan(mtu=1400, absent=("mtu",))


@pytest.mark.parametrize(
    "hosts",
    [["fd://"], [SOCKET], ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"], [SOCKET, "tcp://[::1]:2375"]],
)
def test_a_local_socket_wants_no_certificate(hosts: list[str]) -> None:
    assert plan(hosts=hosts)["manages_hosts"]


def test_tcp_with_certificates() -> None:
    assert plan(hosts=[SOCKET, "tcp://192.0.2.1:2376"], **TLS)["settings"]["tlskey"] == "/key.pem"


def test_every_key_has_its_variable() -> None:
    """The role says each key by a variable of its name, and its argument_specs know all of them."""
    wanted = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["engine_wanted"]
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    for key, value in wanted.items():
        variable = f"engine_{key.replace('-', '_')}"
        assert value == f"{{{{ {variable} | default(none) }}}}"
        assert variable in specs["argument_specs"]["main"]["options"]
