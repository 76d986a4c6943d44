# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit rules about settings of Docker that something else removed or overrode, each fault alone, for IPv4 and IPv6.

After each fault, which is undone before the next one, only its findings are new.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from ansible_collections.netfleet.docker.tests.auditing import Row, evaluate

from .docker_host import IMAGE, DockerHost
from .rules_host import look, network

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

pytestmark = pytest.mark.long

_APP6 = "fd00:61:1::/64"


class Fault(NamedTuple):
    """Shell commands that plant a fault and undo it, and the objects of its findings by rule.

    Without commands that undo it, the remedies of the findings are run.
    """

    plant: str
    undo: str
    found: dict[str, list[str]]


_ADDRESS = {"bridge-address-missing": ["network app 10.61.1.0/24, bridge br-app"]}
_ADDRESS6 = {"bridge-address-missing": [f"network app {_APP6}, bridge br-app"]}
_VPN = "ip link add ts0 type veth peer name ts1; ip link set ts0 up; ip link set ts1 up"
_SAVE4, _LOAD4 = "iptables-save > /run/v4", "iptables-restore < /run/v4"
_SAVE6, _LOAD6 = "ip6tables-save > /run/v6", "ip6tables-restore < /run/v6"
_REJECT = "-j REJECT --reject-with"
_CHAINS6 = {
    "docker-chains-missing": ["table ip6 filter", "table ip6 nat"],
    "masquerade-missing": [f"network app {_APP6}"],
}
FAULTS = {
    "bridge without an IPv4 address": Fault("ip address del 10.61.1.1/24 dev br-app", "", _ADDRESS),
    "bridge with another address of the subnet": Fault(
        "ip address add 10.61.1.9/24 dev br-app; ip address del 10.61.1.1/24 dev br-app; "
        "ip address add 10.61.1.9/24 dev br-app || true; ip address del 10.61.1.9/24 dev br-app; "
        "ip address add 10.61.1.9/24 dev br-app",
        "ip address add 10.61.1.1/24 dev br-app; ip address del 10.61.1.9/24 dev br-app; "
        "ip address add 10.61.1.1/24 dev br-app || true",
        _ADDRESS,
    ),
    "bridge without an IPv6 address": Fault("ip address del fd00:61:1::1/64 dev br-app", "", _ADDRESS6),
    "bridge is down": Fault(
        "ip link set br-quiet down",
        "",
        {"network-bridge-missing": ["network quiet, bridge br-quiet"]},
    ),
    "IPv4 route is gone": Fault(
        "ip route del 10.61.1.0/24 dev br-app",
        "",
        {"network-route-missing": ["network app 10.61.1.0/24, bridge br-app"]},
    ),
    "IPv6 route is gone": Fault(
        f"ip -6 route del {_APP6} dev br-app",
        "",
        {"network-route-missing": [f"network app {_APP6}, bridge br-app"]},
    ),
    "IPv4 masquerading is gone": Fault(
        f"{_SAVE4}; iptables -t nat -F POSTROUTING",
        _LOAD4,
        {
            "masquerade-missing": [
                "network app 10.61.1.0/24",
                "network bridge 172.31.255.0/24",
                "network quiet 10.61.2.0/24",
            ]
        },
    ),
    "IPv6 masquerading is gone": Fault(
        f"{_SAVE6}; ip6tables -t nat -F POSTROUTING", _LOAD6, {"masquerade-missing": [f"network app {_APP6}"]}
    ),
    "IPv6 chains are gone": Fault(
        f"{_SAVE6}; for table in nat filter; do ip6tables -t $table -F; ip6tables -t $table -X; done", _LOAD6, _CHAINS6
    ),
    "IPv6 jump is gone": Fault(
        "ip6tables -D FORWARD -j DOCKER-ISOLATION-STAGE-1",
        "ip6tables -I FORWARD -j DOCKER-ISOLATION-STAGE-1",
        {"docker-chains-missing": ["table ip6 filter"]},
    ),
    "IPv6 port is not published": Fault(
        f"{_SAVE6}; ip6tables -t nat -F DOCKER",
        _LOAD6,
        {"published-without-dnat": ["container app1, 2001:db8::1:8082/tcp"]},
    ),
    "IPv6 NAT rule of a removed container": Fault(
        "ip6tables -t nat -A DOCKER -p tcp --dport 7777 -j DNAT --to-destination [fd00:61:1::99]:80",
        "",
        {"dnat-stale": ["port 7777/tcp to fd00:61:1::99"]},
    ),
    "IPv4 reject before Docker's rules": Fault(
        f"iptables -I FORWARD {_REJECT} icmp-host-prohibited",
        "",
        {"forward-drop-before-docker": [f"iptables: -A FORWARD {_REJECT} icmp-host-prohibited"]},
    ),
    "IPv4 drop in DOCKER-USER": Fault(
        "iptables -I DOCKER-USER -j DROP; iptables -I DOCKER-USER -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "iptables -D DOCKER-USER -j DROP; iptables -D DOCKER-USER -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        {"forward-drop-before-docker": ["iptables: -A DOCKER-USER -j DROP"]},
    ),
    "IPv6 drop before Docker's rules": Fault(
        "ip6tables -I FORWARD -j DROP; ip6tables -I FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "",
        {"forward-drop-before-docker": ["ip6tables: -A FORWARD -j DROP"]},
    ),
    "drop of one bridge": Fault(
        "iptables -I FORWARD -o br-app -j DROP",
        "",
        {"forward-drop-before-docker": ["iptables: -A FORWARD -o br-app -j DROP"]},
    ),
    "reject behind an exception": Fault(
        "iptables -I DOCKER-USER -j DROP; iptables -I DOCKER-USER -s 192.0.2.0/24 -j RETURN",
        "iptables -D DOCKER-USER -j DROP; iptables -D DOCKER-USER -s 192.0.2.0/24 -j RETURN",
        {},
    ),
    "drop of some addresses": Fault(
        "iptables -I DOCKER-USER -i eth0 ! -s 192.0.2.0/24 -j DROP",
        "iptables -D DOCKER-USER -i eth0 ! -s 192.0.2.0/24 -j DROP",
        {},
    ),
    "legacy filter drops IPv4": Fault(
        "iptables-legacy -P FORWARD DROP",
        "iptables-legacy -P FORWARD ACCEPT",
        {"forward-dropped-elsewhere": ["iptables-legacy ip filter, chain FORWARD"]},
    ),
    "legacy filter drops IPv6": Fault(
        "ip6tables-legacy -A FORWARD -j DROP",
        "ip6tables-legacy -F FORWARD",
        {"forward-dropped-elsewhere": ["iptables-legacy ip6 filter, chain FORWARD"]},
    ),
    "nftables drops both": Fault(
        "nft 'table inet guard { chain forward { type filter hook forward priority 0; policy drop;"
        " ct state established,related accept; }; }'",
        "nft delete table inet guard",
        {"forward-dropped-elsewhere": ["nft inet guard, chain forward"]},
    ),
    "nftables that accepts some": Fault(
        "nft 'table inet guard { chain forward { type filter hook forward priority 0; policy drop;"
        ' iifname "br-app" accept; }; }\'',
        "nft delete table inet guard",
        {},
    ),
    "no firewall drops forwarded packets": Fault(
        "iptables -P FORWARD ACCEPT", "", {"forwards-for-all": ["net.ipv4.ip_forward"]}
    ),
    "permanent neighbour entry of the bridge": Fault(
        "nsenter --net=$APP1 ip neigh replace 10.61.1.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "",
        {
            "gateway-neighbour-permanent": ["10.61.1.1 on eth0 in container:app1, 02:00:00:00:00:99"],
            "gateway-neighbour-wrong": ["10.61.1.1 on eth0 in container:app1"],
        },
    ),
    "permanent IPv6 neighbour entry of the bridge": Fault(
        "nsenter --net=$APP1 ip neigh replace fd00:61:1::1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "",
        {
            "gateway-neighbour-permanent": ["fd00:61:1::1 on eth0 in container:app1, 02:00:00:00:00:99"],
            "gateway-neighbour-wrong": ["fd00:61:1::1 on eth0 in container:app1"],
        },
    ),
    "permanent neighbour entry of the uplink": Fault(
        "ip neigh replace 192.0.2.254 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "",
        {"gateway-neighbour-permanent": ["192.0.2.254 on eth0 in host, 02:00:00:00:00:99"]},
    ),
    "container without an IPv6 default route": Fault(
        "nsenter --net=$APP1 ip -6 route del default",
        "",
        {"container-no-default-route": ["container app1, gateway fd00:61:1::1"]},
    ),
    "address on a port of a bridge": Fault(
        "ip link add br9 type bridge; ip link add p9 type veth peer name q9; ip link set p9 master br9;"
        " ip address add 198.51.100.9/24 dev p9; ip address add 2001:db8:9::9/64 dev p9 nodad",
        "",
        {
            "bridge-port-address": [
                "198.51.100.9 on p9 in host, port of br9",
                "2001:db8:9::9 on p9 in host, port of br9",
            ]
        },
    ),
    "link inside the subnet of a network": Fault(
        "ip link add dmz type bridge; ip address add 192.0.2.65/30 dev dmz",
        "ip link del dmz",
        {"address-in-network-subnet": ["192.0.2.65/30 on dmz, network lan 192.0.2.0/24"]},
    ),
    "routing table of a VPN": Fault(
        f"{_VPN}; ip route add 10.61.0.0/16 dev ts0 table 52; ip rule add priority 5270 table 52",
        "ip rule del priority 5270; ip link del ts0",
        {
            "subnet-shadowed": [
                "network app 10.61.1.0/24, route 10.61.0.0/16 by ts0",
                "network quiet 10.61.2.0/24, route 10.61.0.0/16 by ts0",
            ]
        },
    ),
    "IPv6 routing table of a VPN": Fault(
        f"{_VPN}; ip -6 route add fd00::/8 dev ts0 table 52; ip -6 rule add priority 5270 table 52",
        "ip -6 rule del priority 5270; ip link del ts0",
        {"subnet-shadowed": [f"network app {_APP6}, route fd00::/8 by ts0"]},
    ),
    "routing table that is looked up after main": Fault(
        f"{_VPN}; ip route add 10.61.0.0/16 dev ts0 table 52; ip rule add priority 32800 table 52",
        "ip rule del priority 32800; ip link del ts0",
        {
            "subnet-in-route": [
                "network app 10.61.1.0/24, route 10.61.0.0/16 by ts0",
                "network quiet 10.61.2.0/24, route 10.61.0.0/16 by ts0",
            ]
        },
    ),
    "router advertisements are ignored": Fault(
        "ip -6 route add default via fe80::99 dev eth0 proto ra expires 600; sysctl -qw net.ipv6.conf.eth0.accept_ra=1",
        "",
        {"accept-ra-forwarding": ["net.ipv6.conf.eth0.accept_ra"]},
    ),
    "MTU of one container": Fault(
        "nsenter --net=$APP1 ip link set eth0 mtu 9000",
        "",
        {"container-mtu-too-large": ["container app1, eth0 in network app, 9000 of 1500"]},
    ),
    "joined container is left behind": Fault(
        "docker restart -t0 vpn",
        "",
        {"joined-container-left-behind": ["container torrent, joined vpn"]},
    ),
    "joined container is stopped": Fault(
        "docker stop -t0 vpn",
        "",
        {"joined-container-left-behind": ["container torrent, joined vpn"]},
    ),
    "socket of the engine in a container": Fault(
        f"docker run -d --name=boss --stop-timeout=0 --network=none -v /run/docker.sock:/x.sock:ro {IMAGE} sleep 999",
        "docker rm -f boss",
        {"engine-socket-mounted": ["container boss"]},
    ),
    "directory of the socket in a container": Fault(
        f"docker run -d --name=boss --stop-timeout=0 --network=none -v /run:/hosts {IMAGE} sleep 999",
        "docker rm -f boss",
        {"engine-socket-mounted": ["container boss"]},
    ),
    # The last one, because Docker does not create the bridge again before it starts.
    "bridge is deleted": Fault(
        "ip link del br-quiet", "true", {"network-bridge-missing": ["network quiet, bridge br-quiet"]}
    ),
}


def test_each_fault_alone_is_found() -> None:
    with DockerHost("--experimental", "--ip6tables") as host:
        _prepare(host)
        before = _find(host)
        # Only recommendations about default settings.
        assert {severity for severity, _rule, _object in before} <= {"low", "info"}, before
        app1 = host.inspect("container", "app1")["NetworkSettings"]["SandboxKey"]
        wrong = {}
        for name, fault in FAULTS.items():
            host.sh(f"APP1={app1}", fault.plant)
            found = [one for one in evaluate({"h1": look(host)}) if _identify(one) not in before]
            new = sorted(_identify(one)[1:] for one in found)
            if fault.undo:
                host.sh(f"APP1={app1}", fault.undo)
            else:
                # The first remedy can fix the fault of several findings.
                for one in found:
                    host.run("bash", "-c", one["remedy"], check=one is found[0])
            wanted = sorted((rule, one) for rule, objects in fault.found.items() for one in objects)
            if new != wanted:
                wrong[name] = new
        assert wrong == {}


def _prepare(host: DockerHost) -> None:
    host.netns("wire")
    host.sh(
        "ip link add eth0 type veth peer name e0 netns wire",
        "ip link set eth0 up",
        "ip -n wire link set e0 up",
        "ip -n wire address add 192.0.2.254/24 dev e0",
        "ip address add 192.0.2.1/24 dev eth0",
        "ip route add default via 192.0.2.254",
        "ip address add 2001:db8::1/64 dev eth0 nodad",
        "sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.eth0.accept_ra=2 net.ipv4.ip_forward=1",
        "iptables -P FORWARD DROP",
        "ip6tables -P FORWARD DROP",
    )
    network(host, "app", "10.61.1.0/24", "--ipv6", "--subnet", _APP6)
    network(host, "quiet", "10.61.2.0/24")
    host.docker("network", "create", "--driver=macvlan", "--opt=parent=eth0", "--subnet=192.0.2.0/24", "lan")
    host.container("app1", "--network=app", "--publish=[2001:db8::1]:8082:80")
    host.container("app2", "--network=app")
    host.container("vpn", "--network=app")
    host.container("torrent", "--network=container:vpn")


def _find(host: DockerHost) -> list[tuple[str, str, str]]:
    return [_identify(one) for one in evaluate({"h1": look(host)})]


def _identify(finding: Row) -> tuple[str, str, str]:
    return finding["severity"], finding["rule"], finding["object"]
