# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan of the module engine: contents of daemon.json, how they are applied, and invalid input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._engine.daemon_json import redact, select_public_settings
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import (
    DesiredEngine,
    EngineHost,
    EngineState,
    ServiceState,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.options import SETTINGS, SPEC, parse_options
from ansible_collections.netfleet.docker.plugins.module_utils._engine.planner import (
    EnginePlan,
    find_forwarding_warning,
    plan,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.verification import (
    find_differences,
    find_pending_bridge_settings,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import ENTRY_POINT

ROLE = Path(__file__).resolve().parents[2] / "roles/engine"
FILE = "/etc/docker/daemon.json"
DROPIN = "/etc/systemd/system/docker.service.d/netfleet-hosts.conf"
SOCKET = "unix:///var/run/docker.sock"
TLS: dict[str, Any] = {"tlsverify": True, "tlscacert": "/ca.pem", "tlscert": "/cert.pem", "tlskey": "/key.pem"}
POOL = {"base": "10.200.0.0/16", "size": 24}
COMMAND = "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"
IDLE = EngineState(live_restore=False, swarm="inactive", running=())
BUSY = EngineState(live_restore=False, swarm="inactive", running=("web", "db"))


def desired(**params: Any) -> DesiredEngine:
    """Return the desired state from parameters that are converted like Ansible converts them."""
    validated = ArgumentSpecValidator(SPEC).validate(params)
    assert not validated.error_messages, validated.error_messages
    return parse_options(validated.validated_parameters)


def host(settings: Any = None, dropin: str | None = None, **fields: Any) -> EngineHost:
    """Return a host with a running engine; ``settings`` is the text or the contents of its file."""
    text = settings if settings is None or isinstance(settings, str) else json.dumps(settings)
    return replace_fields(EngineHost({FILE: text, DROPIN: dropin}, ServiceState(True, True), COMMAND, True), **fields)


def planned(settings: Any = None, engine: EngineState | None = IDLE, **params: Any) -> EnginePlan:
    return plan(desired(**params), host(settings), engine)


def verbs(found: EnginePlan) -> list[str]:
    return [operation.describe() for operation in found.operations]


def settled(want: DesiredEngine, have: EngineHost, engine: EngineState | None = IDLE) -> EnginePlan:
    """Return the plan of a second run after the first plan was applied."""
    for operation in plan(want, have, engine).operations:
        have = operation.simulate(have)
    return plan(want, have, engine)


def test_unmanaged_settings_are_kept() -> None:
    before = {"log-opts": {"max-size": "11m"}, "mtu": 1500, "dns": ["192.0.2.1"]}
    found = planned(before, mtu=1400, icc=False)
    assert found.after == {**before, "mtu": 1400, "icc": False}
    assert found.changed == ("icc", "mtu")
    assert verbs(found) == [f"write {FILE} (icc, mtu)", "restart docker.service"]


def test_text_from_the_command_line_is_converted() -> None:
    found = planned(mtu="1400", icc="false", iptables="yes", live_restore="true", dns="192.0.2.1,192.0.2.2").after
    assert found == {
        "mtu": 1400,
        "icc": False,
        "iptables": True,
        "live-restore": True,
        "dns": ["192.0.2.1", "192.0.2.2"],
    }
    assert isinstance(found["mtu"], int)


def test_omitted_setting_is_kept() -> None:
    assert not planned({"mtu": 1400}, mtu=None).operations


def test_empty_list_is_a_setting() -> None:
    assert planned({"dns": ["192.0.2.1"]}, dns=[]).after == {"dns": []}


@pytest.mark.parametrize("text", [None, "", " \n", "{}"])
def test_file_may_be_missing_or_empty(text: str | None) -> None:
    assert planned(text, mtu=1400).after == {"mtu": 1400}


def test_boolean_written_as_a_number_is_a_change() -> None:
    assert planned({"icc": 0}, icc=False).changed == ("icc",)


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        (None, {"mtu": 1400, "default_address_pools": [POOL], "ip": "192.0.2.1"}),
        ({"debug": True}, {"hosts": [SOCKET], "live_restore": True}),
        ({"hosts": [SOCKET], "mtu": 1400}, {"settings_absent": ["hosts", "mtu", "bip"]}),
        ({"live-restore": True}, {"live_restore": False}),
        (None, {"sysctls": {"net.ipv4.tcp_ecn": 1}, "modules": ["bridge"], "modules_optional": ["macvlan"]}),
    ],
)
def test_second_run_changes_nothing(settings: Any, params: dict[str, Any]) -> None:
    want = desired(**params)
    have = host(
        settings,
        dropin="[Service]\n",
        modules={"bridge": "loaded", "macvlan": "loadable"},
        sysctls={one.path: "0" for one in want.sysctls},
        service=ServiceState(is_active=False, is_enabled=False),
    )
    assert plan(want, have, None).operations
    assert not settled(want, have, None).operations


@pytest.mark.parametrize(
    ("before", "params", "last"),
    [
        ({}, {"live_restore": True}, "reload docker.service"),
        ({"live-restore": True}, {"live_restore": False}, "reload docker.service"),
        # A reload with a file that lacks the key does not change the engine.
        ({"live-restore": True}, {"settings_absent": ["live-restore"]}, "restart docker.service"),
        ({}, {"live_restore": True, "mtu": 1400}, "restart docker.service"),
        ({}, {"dns": ["192.0.2.1"]}, "restart docker.service"),
    ],
)
def test_restart_only_where_a_reload_is_not_enough(before: dict[str, Any], params: dict[str, Any], last: str) -> None:
    assert verbs(planned(before, **params))[-1] == last


def test_live_restore_is_enabled_before_a_restart() -> None:
    found = planned({"debug": True}, BUSY, live_restore=True, mtu=1400)
    assert verbs(found) == [
        f"write {FILE} (live-restore)",
        "reload docker.service",
        f"write {FILE} (live-restore, mtu)",
        "restart docker.service",
    ]
    assert json.loads(found.operations[0].text) == {"debug": True, "live-restore": True}  # type: ignore[union-attr]


def test_live_restore_not_yet_active_is_enabled_before_a_restart() -> None:
    # A run was killed after it wrote the file, before the engine read it.
    found = planned({"live-restore": True}, BUSY, live_restore=True, mtu=1400)
    assert verbs(found)[1] == "reload docker.service"


def test_restart_that_would_stop_containers_is_rejected() -> None:
    with pytest.raises(
        BadParameter, match=r"stop_containers: the restart to change mtu would stop containers: db, web;"
    ):
        planned({}, BUSY, mtu=1400)
    for params in ({"stop_containers": True}, {"live_restore": True}):
        assert planned({}, BUSY, mtu=1400, **params).has_restart
    # A reload stops no container.
    assert not planned({}, BUSY, live_restore=False).has_restart


def test_live_restore_is_rejected_in_a_swarm() -> None:
    with pytest.raises(BadParameter, match=r"live_restore: .*Swarm"):
        planned({}, replace_fields(IDLE, swarm="active"), live_restore=True)


def test_interrupted_run_is_completed_by_a_restart() -> None:
    want = desired(mtu=1400)
    have = host({"mtu": 1400}, former={FILE: None, DROPIN: None}, has_socket=False)
    assert verbs(plan(want, have, IDLE)) == ["restart docker.service"]
    with pytest.raises(BadParameter, match="complete an interrupted run would stop containers"):
        plan(want, have, BUSY)
    assert not settled(want, have).operations


def test_interrupted_change_of_hosts_is_completed() -> None:
    have = host({}, former={FILE: json.dumps({"hosts": [SOCKET]}), DROPIN: "[Service]\n"})
    assert verbs(plan(desired(settings_absent=["hosts"]), have, IDLE)) == [
        "stop docker.socket",
        "restart docker.service",
    ]


def test_stopped_engine_is_started_and_enabled() -> None:
    have = host({}, service=ServiceState(is_active=False, is_enabled=False))
    assert verbs(plan(desired(), have)) == ["enable docker.service", "start docker.service"]


def test_hosts_setting_removes_sockets_from_the_command() -> None:
    found = planned({}, hosts=[SOCKET, "tcp://127.0.0.1:2375"])
    assert verbs(found) == [
        f"write {DROPIN}",
        f"write {FILE} (hosts)",
        "stop docker.socket",
        "restart docker.service",
    ]
    text = found.operations[0].text  # type: ignore[union-attr]
    command = "/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"
    assert text.splitlines()[1:] == ["[Service]", "ExecStart=", f"ExecStart={command}"]


def test_removing_hosts_removes_the_drop_in() -> None:
    have = host({"hosts": [SOCKET]}, dropin="[Service]\n")
    assert verbs(plan(desired(settings_absent=["hosts"]), have, IDLE)) == [
        f"remove {DROPIN}",
        f"write {FILE} (hosts)",
        "stop docker.socket",
        "restart docker.service",
    ]


def test_kernel_modules_and_sysctls_come_first() -> None:
    want = desired(
        modules=["bridge", "br-netfilter", "overlay"],
        modules_optional=["macvlan"],
        sysctls={"net.ipv4.tcp_ecn": 1, "net.bridge.bridge-nf-call-iptables": True},
        mtu=1400,
    )
    modules = {"bridge": "built in", "br_netfilter": "loadable", "overlay": "loaded", "macvlan": "missing"}
    have = host({}, modules=modules, sysctls={"net/ipv4/tcp_ecn": "2"})
    found = plan(want, have, IDLE)
    assert verbs(found) == [
        "load the kernel module br_netfilter",
        "write /etc/modules-load.d/netfleet-docker.conf",
        "write /etc/sysctl.d/60-netfleet-docker.conf",
        "set the sysctl net.bridge.bridge-nf-call-iptables to 1",
        "set the sysctl net.ipv4.tcp_ecn to 1",
        f"write {FILE} (mtu)",
        "restart docker.service",
    ]
    # Built-in modules are also available after a reboot.
    assert found.operations[1].text.splitlines()[1:] == ["br_netfilter", "overlay"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"modules": ["bridge", "nonsense"]}, "modules: the kernel of this host lacks nonsense"),
        ({"modules": ["../x"]}, r"modules\[0\]: must be the name of a kernel module"),
        (
            {"sysctls": {"net.ipv4.nonsense": 1}},
            r"sysctls.net.ipv4.nonsense: the kernel of this host has no such sysctl",
        ),
        ({"sysctls": {"../../etc/passwd": 1}}, "is not a sysctl name"),
        ({"sysctls": {"net.ipv4.tcp_ecn": [1]}}, "sysctls.net.ipv4.tcp_ecn: "),
        ({"service": "a b"}, "service: must be the name"),
        ({"config_file": "daemon.json"}, "config_file: must be an absolute path"),
    ],
)
def test_invalid_kernel_modules_sysctls_and_units_are_rejected(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        plan(desired(**params), host({}, modules={"bridge": "loaded", "nonsense": "missing"}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ this is none", "is not valid JSON"),
        ('{"mtu": 1400} // MTU of the tunnel', "is not valid JSON"),
        ("[1]", "must contain a JSON object"),
        ('"text"', "must contain a JSON object"),
        ("{'mtu': 1}", "is not valid JSON"),
    ],
)
def test_file_that_is_not_a_json_object_is_rejected(text: str, words: str) -> None:
    with pytest.raises(BadParameter, match=f"config_file: {FILE} {words}.*was not changed"):
        planned(text, mtu=1400)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"bip": "172.17.0.0/16"}, "bip: .*such as 172.17.0.1/16"),
        ({"bip": "172.17.0.1"}, "bip: "),
        ({"bip": "nonsense"}, "bip: "),
        ({"bip6": "fd00::/64"}, "bip6: "),
        ({"fixed_cidr": "172.17.0.1/33"}, "fixed_cidr: "),
        ({"fixed_cidr_v6": "x"}, "fixed_cidr_v6: "),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "172.18.0.0/25"}, "fixed_cidr: .*outside"),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "172.17.0.0/16"}, "fixed_cidr: .*outside"),
        ({"bip": "172.17.0.1/24", "fixed_cidr": "fd00::/64"}, "fixed_cidr: .*outside"),
        ({"mtu": 67}, "mtu: must be 68 to 65535"),
        ({"mtu": 65536}, "mtu: "),
        ({"dns": ["192.0.2.1", "dns.example"]}, r"dns\[1\]: "),
        ({"ip": "192.0.2.0/24"}, "ip: "),
        ({"default_address_pools": [{"base": "10.0.0.0/16", "size": 8}]}, r"pools\[0\].size: must be 16 to 32"),
        ({"default_address_pools": [{"base": "10.0.0.0/33", "size": 24}]}, r"pools\[0\].base: "),
        ({"default_address_pools": [POOL, {"base": "10.200.128.0/17", "size": 24}]}, r"pools\[1\].base: .*overlaps"),
        ({"hosts": ["tcp://127.0.0.1:2375"]}, "hosts: .*docker.sock or fd:// is required"),
        ({"hosts": []}, "hosts: .*docker.sock or fd:// is required"),
        ({"hosts": [SOCKET, "tcp://0.0.0.0:2375"]}, r"hosts\[1\]: .*requires tlsverify"),
        ({"hosts": [SOCKET, "tcp://:2375"]}, r"hosts\[1\]: .*requires tlsverify"),
        ({"hosts": [SOCKET, "http://192.0.2.1"]}, r"hosts\[1\]: must be unix"),
        ({"hosts": [SOCKET], **TLS, "tlskey": None}, "tlskey: required for tlsverify"),
        ({"tlsverify": True}, "tlscacert: required for tlsverify"),
        ({"mtu": 1400, "settings_absent": ["mtu"]}, "settings_absent: mtu cannot be both"),
    ],
)
def test_invalid_setting_is_rejected_by_its_option(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=f"^{words}|^default_address_{words}"):
        planned({}, **params)


def test_setting_that_contradicts_the_file_is_rejected() -> None:
    with pytest.raises(BadParameter, match=r"fixed_cidr: .*outside"):
        planned({"bip": "172.17.0.1/24"}, fixed_cidr="172.18.0.0/24")
    # An invalid value in the file is named as well.
    with pytest.raises(BadParameter, match="bip: must be the address"):
        planned({"bip": "none"}, fixed_cidr="172.18.0.0/24")


def test_tls_is_not_removed_from_a_public_port() -> None:
    before = {"hosts": [SOCKET, "tcp://192.0.2.1:2376"], "tlsverify": True}
    for params in ({"settings_absent": ["tlsverify"]}, {"tlsverify": False}):
        with pytest.raises(BadParameter, match=r"hosts\[1\]: .*requires tlsverify"):
            planned(before, **params)
    assert planned(before, settings_absent=["hosts", "tlsverify"]).after == {}


@pytest.mark.parametrize(
    "hosts",
    [["fd://"], [SOCKET], ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"], [SOCKET, "tcp://[::1]:2375"]],
)
def test_local_sockets_need_no_certificate(hosts: list[str]) -> None:
    assert planned({}, hosts=hosts).after == {"hosts": hosts}


def test_tcp_with_certificates() -> None:
    assert planned({}, hosts=[SOCKET, "tcp://192.0.2.1:2376"], **TLS).after["tlskey"] == "/key.pem"


def test_unmanaged_secrets_are_not_shown() -> None:
    settings = {
        "log-opts": {"splunk-token": "canary-one"},
        "proxies": {"http-proxy": "http://me:canary-two@proxy.example"},
        "registry-mirrors": ["https://canary-three@mirror.example"],
        "mtu": 1400,
        "debug": True,
        "tlskey": "/key.pem",
    }
    shown = select_public_settings(settings, ["tlskey"])
    assert shown == {
        "log-opts": "(not shown)",
        "proxies": "(not shown)",
        "registry-mirrors": "(not shown)",
        "mtu": 1400,
        "debug": True,
        "tlskey": "/key.pem",
    }
    argv = ["dockerd", "--log-opt", "gelf-token=canary-four", "--https-proxy=http://canary-five", "--mtu=1400"]
    words = (
        "log-opts: (from flag: map[gelf-token:canary-four], from file: map[splunk-token:canary-one]), "
        "proxy http://me:canary-two@proxy.example, https://canary-three@mirror.example, http://canary-five, mtu 1400"
    )
    redacted = redact(words, settings, [], argv)
    assert "canary" not in redacted
    assert redacted.endswith("mtu 1400")


@pytest.mark.parametrize(
    ("settings", "fields", "lines"),
    [
        ({}, {"live_restore": True}, ["live-restore is True, not False"]),
        ({"live-restore": True}, {}, ["live-restore is False, not True"]),
        ({"mtu": 1400}, {}, ["mtu is 1500, not 1400"]),
        ({"mtu": 1500, "icc": True, "bip": "172.17.0.1/16"}, {}, []),
        ({"icc": False}, {}, ["icc is True, not False"]),
        ({"bip": "172.29.0.1/24"}, {}, ["bip is 172.17.0.1, not 172.29.0.1/24"]),
        ({"ipv6": True}, {}, ["ipv6 is False, not True"]),
        ({"ip": "192.0.2.1"}, {}, ["ip is 0.0.0.0, not 192.0.2.1"]),
        (
            {"default-address-pools": [POOL]},
            {"info": {"DefaultAddressPools": [{"Base": "10.0.0.0/8", "Size": 24}]}},
            ["default-address-pools is 10.0.0.0/8 size 24, not 10.200.0.0/16 size 24"],
        ),
        (
            {"default-address-pools": [{"base": "10.200.7.1/16", "size": 24}]},
            {"info": {"DefaultAddressPools": [{"Base": "10.200.0.0/16", "Size": 24}]}},
            [],
        ),
        # Docker Engine 28 after a reload.
        (
            {"default-address-pools": [POOL]},
            {"info": {"DefaultAddressPools": [{"Base": "invalid Prefix", "Size": 24}]}},
            [],
        ),
    ],
)
def test_engine_that_does_not_apply_its_settings_is_reported(
    settings: dict[str, Any], fields: dict[str, Any], lines: list[str]
) -> None:
    bridge = {
        "EnableIPv6": False,
        "IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]},
        "Options": {
            "com.docker.network.bridge.enable_icc": "true",
            "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
            "com.docker.network.driver.mtu": "1500",
        },
    }
    engine = replace_fields(IDLE, bridge=bridge, **fields)
    assert find_differences(settings, engine, with_bridge=True) == lines
    # An engine with containers keeps its default bridge.
    about_bridge = [line for line in lines if not line.startswith(("live-restore", "default-address-pools"))]
    kept = find_differences(settings, engine, with_bridge=False)
    assert kept == [line for line in lines if line not in about_bridge]


def test_change_of_the_default_bridge_waits_for_the_last_container() -> None:
    settings = {"live-restore": True, "mtu": 1400, "dns": ["192.0.2.1"]}
    assert find_pending_bridge_settings(["dns", "mtu"], settings, BUSY) == ["mtu"]
    assert find_pending_bridge_settings(["dns", "mtu"], settings, IDLE) == []
    assert find_pending_bridge_settings(["dns", "mtu"], {"mtu": 1400}, BUSY) == []


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        # The default bridge can be part of a pool.
        ({}, {"bip": "10.200.0.1/24", "default_address_pools": [POOL]}),
        ({"bip": "10.200.0.1/24"}, {"default_address_pools": [POOL]}),
        ({}, {"default_address_pools": [{"base": "10.200.0.0/16", "size": "24"}]}),
        ({}, {"default_address_pools": [{"base": "10.210.0.1/16", "size": 24}]}),
        ({}, {"hosts": ["unix://", "tcp://127.0.0.1:2375"]}),
    ],
)
def test_settings_with_which_engines_start_are_accepted(settings: dict[str, Any], params: dict[str, Any]) -> None:
    assert planned(settings, **params).changed


def engine_of(version: str, **fields: Any) -> EngineState:
    return replace_fields(IDLE, info={"ServerVersion": version}, **fields)


NEWER: list[tuple[dict[str, Any], str, str, str]] = [
    ({"default_network_opts": {"bridge": {"mtu": 1400}}}, "24.0", "23.0.1", "24.0.0"),
    ({"bip6": "fd00::1/64"}, "28.0", "26.1.5+dfsg1", "28.0.0-rc.1"),
    ({"host_gateway_ips": ["192.0.2.1", "2001:db8::1"]}, "28.0", "27.5.1", "28.5.2+dfsg4"),
    ({"ip_forward_no_drop": True}, "28.0", "20.10.24+dfsg1", "28.0.4"),
    ({"allow_direct_routing": True}, "28.2", "28.1.1", "28.2.0"),
    ({"firewall_backend": "nftables"}, "29.0", "28.5.2", "29.0.0"),
    ({"bridge_accept_fwmark": "0x1/0x3"}, "29.0", "28.5.2", "29.1.0"),
    ({"min_api_version": "1.40"}, "29.0", "28.5.2", "30.0.0"),
]


@pytest.mark.parametrize(("params", "needed", "old", "new"), NEWER)
def test_setting_that_the_engine_is_too_old_for_is_refused_by_name(
    params: dict[str, Any], needed: str, old: str, new: str
) -> None:
    (name,) = params
    with pytest.raises(BadParameter) as caught:
        planned({}, engine_of(old), **params)
    assert str(caught.value) == f"{name}: requires Docker Engine {needed} or later; this host has {old}"
    key = name.replace("_", "-")
    assert planned({}, engine_of(new), **params).changed == (key,)
    # What the version is not known of, dockerd itself validates.
    for version in ("dev", ""):
        assert planned({}, engine_of(version), **params).changed == (key,)


def test_setting_in_the_file_is_not_compared_with_the_version() -> None:
    settings = {"min-api-version": "1.40"}
    assert planned(settings, engine_of("28.5.2"), min_api_version="1.40", mtu=1400).changed == ("mtu",)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"default_network_opts": {"bridge": "mtu"}}, "default_network_opts.bridge: must be a dictionary"),
        ({"default_network_opts": {"bridge": {"mtu": [1]}}}, "default_network_opts.bridge.mtu: must be a string"),
        ({"features": {"cdi": "perhaps"}}, "features.cdi: must be true or false, not 'perhaps'"),
        ({"host_gateway_ips": ["gateway"]}, r"host_gateway_ips\[0\]: "),
        ({"host_gateway_ips": ["192.0.2.1", "192.0.2.2"]}, "host_gateway_ips: must be at most one IPv4"),
        ({"bridge_accept_fwmark": "mark"}, "bridge_accept_fwmark: must be a mark"),
        ({"bridge_accept_fwmark": "1/2/3"}, "bridge_accept_fwmark: must be a mark"),
        ({"bridge_accept_fwmark": "0x1ffffffff"}, "bridge_accept_fwmark: must be a mark"),
        ({"bridge_accept_fwmark": "4294967296"}, "bridge_accept_fwmark: must be a mark"),
        ({"min_api_version": "44"}, "min_api_version: must be a version"),
    ],
)
def test_wrong_value_of_a_newer_setting_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        planned({}, engine_of("29.3.0"), **params)


def test_options_of_networks_are_texts_and_features_are_merged() -> None:
    before = {"features": {"containerd-snapshotter": True, "cdi": True}}
    found = planned(
        before, default_network_opts={"bridge": {"mtu": 1400, "icc": False}}, features={"cdi": "no", "b": True}
    ).after
    assert found["default-network-opts"] == {"bridge": {"mtu": "1400", "icc": "false"}}
    assert found["features"] == {"containerd-snapshotter": True, "cdi": False, "b": True}


def test_nftables_is_refused_where_the_engine_does_not_start() -> None:
    swarm, want = engine_of("29.3.0", swarm="active"), desired(firewall_backend="nftables")
    with pytest.raises(BadParameter, match="firewall_backend: nftables is not supported on a host in a Swarm"):
        plan(want, host({}), swarm)
    allowed = desired(firewall_backend="nftables", features={"swarm-nftables": True})
    assert plan(allowed, host({}), swarm).changed
    off = host({}, forwards=False)
    with pytest.raises(BadParameter, match="firewall_backend: nftables requires IP forwarding"):
        plan(want, off, engine_of("29.3.0"))
    with_sysctl = desired(firewall_backend="nftables", sysctls={"net.ipv4.ip_forward": "1"})
    assert plan(with_sysctl, replace_fields(off, sysctls={"net/ipv4/ip_forward": "0"}), engine_of("29.3.0")).changed
    assert plan(desired(firewall_backend="nftables", ip_forward=False), off, engine_of("29.3.0")).changed
    # A setting that was accepted before does not prevent other changes.
    assert plan(desired(mtu=1400), host({"firewall-backend": "nftables"}), swarm).changed


@pytest.mark.parametrize(
    ("settings", "params", "forwards", "words"),
    [
        ({}, {"mtu": 1400}, False, ""),
        ({}, {"mtu": 1400}, True, ""),
        ({"mtu": 1400}, {"mtu": 1400}, True, ""),
        ({"mtu": 1400}, {"mtu": 1400}, False, "the engine enables it only when it starts; restart the engine"),
        ({}, {"ip_forward": False}, False, "the engine does not enable it with ip-forward=false"),
        ({"ip-forward": False}, {"mtu": 1400}, False, "the engine does not enable it with ip-forward=false"),
        ({"ip-forward": False}, {"sysctls": {"net.ipv4.ip_forward": 1}}, False, ""),
        ({}, {"sysctls": {"net.ipv4.ip_forward": 0}}, True, "restart the engine"),
    ],
)
def test_forwarding_that_the_engine_does_not_enable_is_reported(
    settings: dict[str, Any], params: dict[str, Any], forwards: bool, words: str
) -> None:
    want = desired(**params)
    have = host(settings, forwards=forwards, sysctls={one.path: str(int(forwards)) for one in want.sysctls})
    warning = find_forwarding_warning(want, have, plan(want, have, IDLE))
    assert words in warning
    assert bool(words) == bool(warning)


def test_every_setting_is_a_variable_of_the_role() -> None:
    """Each setting has a role variable of the same type, which the role passes to the module."""
    text = (ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.safe_load(text)["argument_specs"][ENTRY_POINT]
    tasks = yaml.safe_load((ROLE / "tasks/configure.yml").read_text(encoding="utf-8"))
    (given,) = (task["netfleet.docker.engine"] for task in tasks if "netfleet.docker.engine" in task)
    assert set(given) == set(SPEC) - {"lock_timeout"}
    for name, spec in SETTINGS.items():
        assert f"engine_{name} |" in given[name]
        assert options["options"][f"engine_{name}"]["type"] == spec["type"]
