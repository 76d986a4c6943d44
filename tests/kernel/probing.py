# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox with a path of the namespaces near, mid and far and servers in far; ip(8) and ping(8) are the witnesses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .sandbox import Result, Sandbox

FAR, FAR6, MID, NEAR = "198.51.100.1", "fd02::1", "192.0.2.254", "192.0.2.1"
SERVERS = Path(__file__).with_name("probe_servers.py")
_WAY = """
ip link add near0 netns near type veth peer name mid0 netns mid
ip link add far0 netns far type veth peer name mid1 netns mid
ip -n near addr add 192.0.2.1/24 dev near0
ip -n near addr add fd01::1/64 dev near0 nodad
ip -n mid addr add 192.0.2.254/24 dev mid0
ip -n mid addr add fd01::254/64 dev mid0 nodad
ip -n mid addr add 198.51.100.254/24 dev mid1
ip -n mid addr add fd02::254/64 dev mid1 nodad
ip -n far addr add 198.51.100.1/24 dev far0
ip -n far addr add fd02::1/64 dev far0 nodad
for end in near:lo near:near0 mid:lo mid:mid0 mid:mid1 far:lo far:far0; do
  ip -n ${end%:*} link set ${end#*:} up
done
ip -n near route add default via 192.0.2.254
ip -n near -6 route add default via fd01::254
ip -n far route add default via 198.51.100.254
ip -n far -6 route add default via fd02::254
ip netns exec mid sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
# Otherwise it sends so few messages of ICMP a second that checks take them from each other.
ip netns exec mid sh -c 'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit'
"""


class Way(Sandbox):
    """Three namespaces in a row; the servers are processes of the test."""

    def __init__(self) -> None:
        super().__init__()
        self._servers: list[subprocess.Popen[str]] = []
        self.netns("near", "mid", "far")
        self.sh(*_WAY.splitlines())
        # Neighbor resolution and IPv6 configuration are complete before the first check.
        for target in (FAR, FAR6):
            self.wait_for(target, "near")

    def __exit__(self, *exception: object) -> None:
        for server in self._servers:
            server.kill()
            server.wait()
            assert server.stdout
            server.stdout.close()
        super().__exit__(*exception)

    def wait_for(self, target: str, netns: str) -> None:
        """Wait until ping(8) reaches the target."""
        deadline = time.monotonic() + 20
        while ", 1 received" not in self.run("ping", "-c1", "-W1", target, netns=netns, check=False):
            assert time.monotonic() < deadline, target

    def serve(self, *servers: str, netns: str = "far", certificate: Path | None = None) -> None:
        """Start servers given as udp:KIND:PORT or tcp:KIND:PORT, and wait until they listen."""
        environment = [f"CERTIFICATE={certificate}"] if certificate else []
        argv = [*self.entering(netns), "env", *environment, sys.executable, str(SERVERS), *servers]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self._servers.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

    def probe(self, *checks: dict[str, Any], netns: str = "near", **more: Any) -> list[dict[str, Any]]:
        """Run checks and return their results."""
        done = self.module("probe", {"netns": netns, "checks": list(checks), **more})
        assert not done.failed, done.msg
        assert not done.changed
        results: list[dict[str, Any]] = done.data["results"]
        assert [one["type"] for one in results] == [check["type"] for check in checks]
        for one in results:
            assert one["reason"] and "\n" not in one["reason"], one
            assert one["state"] != "error", one["reason"]
        return results

    def one(self, **check: Any) -> dict[str, Any]:
        """Run one check and return its result."""
        return self.probe(check)[0]

    def refuse(self, *checks: dict[str, Any], **more: Any) -> Result:
        """Return the failure of a module that must reject its parameters."""
        done = self.module("probe", {"netns": "near", "checks": list(checks), **more})
        assert done.failed, done.data
        return done
