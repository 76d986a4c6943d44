# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit rules about one host: no findings on a healthy host, each rule finds its fault, and remedies fix it.

All rules are evaluated on each snapshot of the host, and findings that are not listed here are errors. Tests compare
the ``object`` of findings, and the evidence of some.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
from ansible_collections.netfleet.docker.tests.auditing import Row, evaluate, objects, of

from .docker_host import IMAGE, DockerHost
from .rules_host import inside, look, network

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

pytestmark = pytest.mark.long

# Findings of an engine with default settings, which are reported as recommendations.
HABITS = {"default-bridge-icc", "forwards-for-all", "loopback-publish-exposed", "userland-proxy"}
SEVERE = ("critical", "high", "medium")
POLICY = {
    "mtu": [{"host": "h*", "mtu": 1400}, {"host": "x*", "mtu": 1500}],
    "published_ports": [{"container": "web", "port": 8080}],
    "reserved_subnets": [{"subnet": "10.9.8.0/22", "reason": "the lab"}],
}
# Expected findings with all faults, by rule.
PLANTED = {
    "bridge-mtu-mixed": ["eth0 in container:other, network back"],
    "bridge-mtu-too-large": [
        "network back, 1500 over eth0 with 1400",
        "network bridge, 1500 over eth0 with 1400",
        "network front, 1500 over eth0 with 1400",
    ],
    "bridge-ports": ["many in host, 920 ports"],
    "capability-net-raw": ["container shares"],
    "config-from-driver": ["network wrong"],
    "container-dns-broken": ["container other"],
    "container-left-namespace": ["container left"],
    "container-link-down": ["container down, eth0 in network back"],
    "container-namespace-named": ["container web, peek"],
    "container-resolver-replaced": ["container deaf"],
    "container-no-default-route": ["container down, gateway 10.9.8.1", "container lost, gateway 203.0.113.1"],
    "dad-failed": ["2001:db8::1 on six in red"],
    "dangling-veth": ["$(id) in host", "veth1234567 in host"],
    "default-bridge-used": ["container open"],
    "dnat-stale": ["port 7777/tcp to 10.9.8.200", "port 7778/tcp to 10.9.8.200"],
    "docker-chains-missing": ["table filter"],
    "endpoint-address-differs": ["container other, 10.9.8.44 in network back"],
    "endpoint-link-missing": ["container lost in network tiny"],
    "endpoint-mac-differs": ["container open, eth0 in network bridge"],
    "endpoint-outside-bridge": ["container loose, loose0 of network front"],
    "forward-drop-bridge": ["bridge br9"],
    "forwarding-off": ["net.ipv4.conf.br-back.forwarding"],
    "host-ipc": ["container shares"],
    "host-network": ["container rides", "container shares"],
    "host-pid": ["container rides", "container shares"],
    "host-userns": ["container shares"],
    "host-uts": ["container shares"],
    "leaked-sandbox": ["/run/docker/netns/0123456789ab"],
    "macvlan-no-host-path": ["network onwire on wan0"],
    "macvlan-parent-missing": ["network onwire, parent wan0"],
    "mtu-policy": [
        "br-apart, 1500 instead of 1400",
        "br-back, 1500 instead of 1400",
        "br-front, 1500 instead of 1400",
        "br-tiny, 1500 instead of 1400",
        "br-twice1, 1500 instead of 1400",
        "br-twice2, 1500 instead of 1400",
        "br-wrong, 1500 instead of 1400",
        "docker0, 1500 instead of 1400",
    ],
    "network-capabilities": ["container left", "container shares"],
    "network-name-twice": ["network twice"],
    "orphan-docker-proxy": ["127.0.0.1:9999/tcp"],
    "planted-namespace-name": ["/run/netns/$(touch x)", "/run/netns/evil", "/run/netns/self"],
    "pool-nearly-used": ["network tiny, 4 of 4 in 203.0.113.0/30"],
    "privileged-port": ["container open, port 80/tcp"],
    "published-everywhere": ["container open, port 80/tcp"],
    "published-without-dnat": ["container open, 0.0.0.0:80/tcp"],
    "route-localnet": ["net.ipv4.conf.eth0/5.route_localnet"],
    "stale-named-namespace": ["/run/netns/stub"],
    "stale-vxlan": ["vx-001001-abcde in host, VNI 4097"],
    "subnet-in-route": ["network front 172.30.1.0/24, route 172.30.0.0/16 by vpn0"],
    "subnet-reserved": ["network back 10.9.8.0/24 in 10.9.8.0/22"],
    "subnet-shadowed": ["network back 10.9.8.0/24, route 10.9.8.128/25 by vpn0"],
    "undeclared-port": ["container open, 0.0.0.0:80/tcp"],
    "veth-managed": ["1 link of network back, by NetworkManager", "1 link of network front, by networkd"],
    "unowned-namespace": [],  # by its inode; checked below
}
# Sysctls changed for the second snapshot; the rest is unchanged.
ALSO_PLANTED = {"bridge-nf-off": ["network apart"], "forwarding-off": ["net.ipv4.ip_forward"]}
# Fixed by running the remedy, or with the module that the remediation names.
PASTED = (
    "bridge-mtu-mixed",
    "container-link-down",
    "container-namespace-named",
    "container-resolver-replaced",
    "dad-failed",
    "dnat-stale",
    "endpoint-mac-differs",
    "endpoint-outside-bridge",
    "leaked-sandbox",
    "macvlan-parent-missing",
    "orphan-docker-proxy",
    "planted-namespace-name",
    "stale-vxlan",
)
APPLIED = ("bridge-nf-off", "dangling-veth", "forwarding-off", "route-localnet", "stale-named-namespace")

# Only the API allows two networks of one name.
_TWICE = """
import http.client, json, socket
for number in (1, 2):
    made = http.client.HTTPConnection("localhost")
    made.sock = socket.socket(socket.AF_UNIX)
    made.sock.connect("/run/docker.sock")
    body = {"Name": "twice", "CheckDuplicate": False, "Driver": "bridge"}
    body["IPAM"] = {"Config": [{"Subnet": f"198.18.{number}.0/24"}]}
    body["Options"] = {"com.docker.network.bridge.name": f"br-twice{number}"}
    made.request("POST", "/networks/create", json.dumps(body), {"Content-Type": "application/json"})
    said = made.getresponse()
    assert said.status == 201, said.read()
"""


def test_faults_of_a_host_are_found() -> None:
    with DockerHost() as host:
        prepare(host)
        healthy = look(host)
        plant(host)
        planted = look(host)
        host.sh("sysctl -qw net.ipv4.ip_forward=0 net.bridge.bridge-nf-call-iptables=0")
        also = look(host)
        silent_where_healthy(evaluate({"h1": healthy}))
        found = evaluate({"h1": planted}, POLICY)
        fires(found, PLANTED)
        evidence(found)
        both = evaluate({"h1": also}, POLICY)
        for rule, wanted in ALSO_PLANTED.items():
            assert objects(both, rule) == [f"h1: {one}" for one in wanted]
        mend(host, both)
        left = evaluate({"h1": look(host)}, POLICY)
        assert [one["object"] for one in left if one["rule"] in (*PASTED, *APPLIED)] == []
        # The names were quoted: no part of them was executed.
        assert "x" not in host.run("ls", "/").split()


def silent_where_healthy(found: Sequence[Row]) -> None:
    """Assert that a healthy host has only the findings of default engine settings."""
    assert {one["rule"] for one in found} <= HABITS
    assert [one["object"] for one in found if one["severity"] in SEVERE] == []


def fires(found: Sequence[Row], wanted: dict[str, list[str]]) -> None:
    """Assert that each rule finds its fault, and that no other rule reports a finding."""
    rules = {one["rule"] for one in found} - HABITS
    assert {rule: objects(found, rule) for rule in rules if wanted.get(rule) != []} == {
        rule: sorted(f"h1: {one}" for one in names) for rule, names in wanted.items() if names
    }
    assert rules == set(wanted)
    assert len({one["fingerprint"] for one in found}) == len(found)


def evidence(found: Sequence[Row]) -> None:
    """Assert that the evidence shows the planted faults."""

    def one(rule: str, part: str = "") -> Row:
        (row,) = (row for row in of(found, rule) if part in row["object"])
        evidence: Row = row["evidence"]
        return evidence

    assert one("bridge-mtu-mixed")["interface_mtu"] == 1300
    assert one("container-dns-broken")["absent"] == ["firewall rule"]
    assert one("container-link-down")["state"] == "down"
    assert one("container-left-namespace")["runs_in"] == "process"
    assert one("docker-chains-missing")["absent"] == [
        "jump from FORWARD to DOCKER-USER",
        "jump to DOCKER-ISOLATION-STAGE-1",
    ]
    assert one("endpoint-address-differs")["kernel_addresses"] == ["10.9.8.99"]
    assert one("container-resolver-replaced")["name_servers"] == ["203.0.113.9"]
    assert one("endpoint-outside-bridge")["port_of"] is None
    assert one("endpoint-mac-differs")["kernel_mac"] == "02:00:00:00:00:99"
    assert one("leaked-sandbox")["links"] == ["inner"]
    assert one("macvlan-parent-missing")["state"] == "down"
    assert one("network-capabilities", "shares")["capabilities"] == ["NET_ADMIN"]
    assert one("network-name-twice")["drivers"] == ["bridge", "bridge"]
    assert one("planted-namespace-name", "evil")["leads_to"] == "host"
    assert one("published-everywhere")["addresses"] in (["0.0.0.0"], ["0.0.0.0", "::"])
    assert one("subnet-shadowed")["interface"] == "vpn0"
    assert one("unowned-namespace")["paths"] == ["/run/x"]
    assert one("dangling-veth", "id")["bridge"] == "docker0"


def prepare(host: DockerHost) -> None:
    """Create a host without faults."""
    host.netns("red", "blue")
    host.sh(
        "ip link add eth0 type veth peer name wire",
        "ip link add wan0 type veth peer name wan1",
        "ip link add wan0-host link wan0 type macvlan mode bridge",
        "ip link add br9 type bridge",
        "for name in red blue; do ip link add $name-9 master br9 type veth peer name eth0 netns $name; done",
        "for name in red blue; do ip -n $name link set eth0 up; ip link set $name-9 up; done",
        "for name in eth0 wire wan0 wan1 wan0-host br9; do ip link set $name up; done",
        "ip address add 192.0.2.1/24 dev eth0",
        "ip route add default via 192.0.2.254",
    )
    network(host, "front", "172.30.1.0/24")
    network(host, "back", "10.9.8.0/24")
    network(host, "apart", "10.9.7.0/24", "--opt", "com.docker.network.bridge.enable_icc=false", "--internal")
    wire = ("--driver", "macvlan", "--opt", "parent=wan0", "--ip-range", "198.51.100.16/28")
    host.docker("network", "create", *wire, "--subnet", "198.51.100.0/24", "onwire")
    host.container("web", "--network=front", "--publish=127.0.0.1:8080:80", "--network-alias=<b>x")
    host.container("other", "--network=back", "--ip=10.9.8.44")
    host.container("member", "--network=onwire")


def plant(host: DockerHost) -> None:
    """Create the faults."""
    network(host, "tiny", "203.0.113.0/30")
    options = ("--opt=parent=wan0", "--opt=com.docker.network.bridge.name=br-wrong")
    host.docker("network", "create", "--config-only", "--subnet=198.18.3.0/24", *options, "plan")
    host.docker("network", "create", "--config-from=plan", "wrong")
    host.run(sys.executable, "-c", _TWICE)
    host.container("down", "--network=back")
    host.container("lost", "--network=tiny")
    host.container("deaf", "--network=apart")
    conf = host.inspect("container", "deaf")["ResolvConfPath"]
    host.sh(f"printf 'search x\\nnameserver 203.0.113.9\\n' > {conf}")
    host.container("open", "--publish=0.0.0.0:80:80")
    shared = (f"--{kind}=host" for kind in ("network", "pid", "ipc", "uts", "userns"))
    host.container("shares", *shared, "--cap-add=NET_ADMIN", "--cap-add=CAP_NET_RAW")
    host.container("rides", "--network=container:shares", "--pid=container:shares")
    left = ("--cap-add=SYS_ADMIN", "--network=back", IMAGE, "/bin/busybox", "unshare", "-n", "sleep", "86400")
    host.docker("run", "-d", "--name=left", "--stop-timeout=0", *left)
    inside(host, "other", "ip address del 10.9.8.44/24 dev eth0", "ip address add 10.9.8.99/24 dev eth0")
    inside(host, "other", "ip link set eth0 mtu 1300", "iptables -t nat -F", "ip route replace default via 10.9.8.1")
    inside(host, "down", "ip link set eth0 down")
    inside(host, "lost", "ip link del eth0")
    inside(host, "open", "ip link set eth0 address 02:00:00:00:00:99")
    plant_managers(host)
    plant_links(host)
    plant_namespaces(host)
    host.sh(
        "iptables -P FORWARD DROP",
        "iptables -D FORWARD -j DOCKER-USER",
        "iptables -D FORWARD -j DOCKER-ISOLATION-STAGE-1",
        "iptables -t nat -A DOCKER -p tcp --dport 7777 -j DNAT --to-destination 10.9.8.200:80",
        "iptables -t nat -A DOCKER ! -i br-back -p tcp --dport 7778 -j DNAT --to-destination 10.9.8.200:81",
        "sysctl -qw net.ipv4.conf.br-back.forwarding=0",
        "iptables -t nat -S DOCKER | grep -- '--dport 80 ' | sed 's/^-A/iptables -t nat -D/' | sh",
        "docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 9999 -container-ip 10.9.8.7 -container-port 1 "
        "3>/dev/null >/dev/null 2>&1 &",
    )


def plant_links(host: DockerHost) -> None:
    """Create faulty links and routes in the host's namespace."""
    batch = [f"link add p{number} master many type veth peer name q{number}" for number in range(460)]
    batch += [f"link set q{number} master many" for number in range(460)]
    host.sh(
        "ip link add veth1234567 master br-back type veth peer name veth89abcde",
        "ip link add '$(id)' master docker0 type veth peer name '{{7*7}}'",
        "ip link add vx-001001-abcde type vxlan id 4097 dstport 4789 dev wire",
        "ip link add vpn0 type veth peer name vpn1",
        "ip link set vpn0 up",
        "ip link set vpn1 up",
        "ip route add 10.9.8.128/25 dev vpn0",
        "ip route add 172.30.0.0/16 dev vpn0",
        "ip route add 172.30.0.0/16 dev vpn0 table 99",
        "ip link set eth0 mtu 1400",
        "ip link add eth0.5 type veth peer name eth0.6",
        "sysctl -qw net.ipv4.conf.eth0/5.route_localnet=1",
        "ip link del wan0-host",
        "ip link set wan0 down",
        "ip link add many type bridge",
    )
    host.run("ip", "-batch", "-", text="\n".join(batch))
    host.container("loose", "--network=front")
    key = host.inspect("container", "loose")["NetworkSettings"]["SandboxKey"]
    peer = host.ip("link", "show", "eth0", netns=f"path:{key}")[0]["link_index"]
    name = next(link["ifname"] for link in host.ip("link", "show") if link["ifindex"] == peer)
    host.sh(f"ip link set {name} down", f"ip link set {name} name loose0 nomaster up")
    host.sh(
        "ip -n red link add six type veth peer name six netns blue",
        "for name in red blue; do",
        "  ip netns exec $name sysctl -qw net.ipv6.conf.six.accept_dad=1",
        "  ip -n $name link set six up",
        "done",
        "ip -n blue address add 2001:db8::1/64 dev six nodad",
        "ip -n red address add 2001:db8::1/64 dev six",
        "until ip -n red address show dev six | grep -q dadfailed; do sleep 0.1; done",
    )


def plant_namespaces(host: DockerHost) -> None:
    """Create unexpected entries among names and sandboxes."""
    host.sh(
        f"ip netns attach peek {host.inspect('container', 'web')['State']['Pid']}",
        "touch /run/netns/stub '/run/netns/$(touch x)'",
        "ln -s /proc/1/ns/net /run/netns/evil",
        "touch /run/netns/self",
        "mount --bind /proc/1/ns/net /run/netns/self",
        "ip netns add leak",
        "ip -n leak link add inner type bridge",
        "touch /run/docker/netns/0123456789ab /run/x",
        "mount --bind /run/netns/leak /run/docker/netns/0123456789ab",
        "ip netns del leak",
        "ip netns add leak",
        "mount --bind /run/netns/leak /run/x",
        "ip netns del leak",
    )


def plant_managers(host: DockerHost) -> None:
    """Write files of network managers for the links that they manage and those that they do not."""
    index = {link["master"]: link["ifindex"] for link in host.ip("link", "show", "type", "veth") if link.get("master")}
    front, back, bridge = index["br-front"], index["br-back"], index["docker0"]
    host.sh(
        "mkdir -p /run/systemd/netif/links /run/NetworkManager/devices",
        f"printf '# Private.\\nADMIN_STATE=configuring\\nOPER_STATE=carrier\\n' > /run/systemd/netif/links/{front}",
        f"printf '# Private.\\nADMIN_STATE=unmanaged\\nOPER_STATE=carrier\\n' > /run/systemd/netif/links/{bridge}",
        f"printf '[device]\\nmanaged=true\\nnm-owned=0\\n' > /run/NetworkManager/devices/{back}",
        f"printf '[device]\\nmanaged=false\\n' > /run/NetworkManager/devices/{bridge}",
    )


def mend(host: DockerHost, found: Sequence[Row]) -> None:
    """Apply the remedies of the findings."""
    for finding in found:
        if finding["rule"] in PASTED:
            host.run("bash", "-e", "-c", finding["remedy"])
        elif finding["rule"] in APPLIED:
            remediation = finding["remediation"]
            result = host.module(remediation["module"].rpartition(".")[2], remediation["args"])
            assert result.changed
