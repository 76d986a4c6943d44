# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try ports between nodes: `listen` and `hear` tell whose packets come through a host's firewall, `send` sends them.

Raw sockets see what the kernel's INPUT chains let pass, whoever has the port, and before it has anybody: so one look
serves before there is a Swarm and after, for TCP, for UDP and for the port of VXLAN links.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import json
import os
import re
import resource
import secrets
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
# A VXLAN header of a network that Swarm gives to nobody, which no link takes.
VXLAN = struct.pack("!II", 0x08000000, 0xFFFFFE << 8)
SO_ATTACH_FILTER = 26
PAUSE, ANSWER, WAIT, LIFE = 0.25, 1.0, 30, 600
STACK = 256 * 1024


def filtered(family: int, protocol: str, ports: list[int]) -> socket.socket:
    """Return a raw socket that gets packets to these ports alone, so that a busy host's others cost nothing."""
    # IPv4 packets come with their header, whose length X is; IPv6 ones without.
    port = [(0xB1, 0, 0, 0), (0x48, 0, 0, 2)] if family == socket.AF_INET else [(0x28, 0, 0, 2)]
    tests = [(0x15, len(ports) - at, 0, number) for at, number in enumerate(ports)]
    code = [*port, *tests, (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFF)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    found = socket.socket(family, socket.SOCK_RAW, PROTOCOLS[protocol])
    found.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(code), ctypes.addressof(program)))
    return found


def listen(want: dict[str, Any]) -> dict[str, Any]:
    """Listen in the background, and return the name of the socket on which ``hear`` gets what came of it."""
    missing = {(one["address"], one["protocol"], one["port"]): one for one in want["expect"]}
    ports: dict[tuple[int, str], set[int]] = {}
    for address, protocol, port in missing:
        ports.setdefault((family_of(address), protocol), set()).add(port)
    sockets = {filtered(*key, sorted(found)): key for key, found in ports.items()}
    # An abstract name leaves no file behind, and goes with this process.
    name = f"netfleet.docker-{secrets.token_hex(8)}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind("\0" + name)
    server.listen(1)
    if os.fork():
        return {"socket": name}
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    # Whoever asks comes when everybody has sent; one that is forgotten ends by itself.
    end = time.monotonic() + LIFE
    while time.monotonic() < end:
        ready = select.select([server, *sockets], [], [], max(0.0, end - time.monotonic()))[0]
        for one in ready:
            if one is not server:
                missing.pop(seen(one, *sockets[one]), None)
        if ready == [server]:
            tell(server, list(missing.values()))
            break
    os._exit(0)


def tell(server: socket.socket, missing: list[dict[str, Any]]) -> None:
    """Answer who asks."""
    rules = list(dropping()) if missing else []
    with server.accept()[0] as asker:
        found = [{**row, "rule": rule_for(rules, row["protocol"], row["port"])} for row in missing]
        asker.sendall(json.dumps({"missing": found}).encode())


def hear(want: dict[str, Any]) -> Any:
    """Return from whom nothing came, and what in the firewall may be the reason, since the listener began."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(WAIT)
        link.connect("\0" + want["socket"])
        return json.load(link.makefile())


def seen(raw: socket.socket, family: int, protocol: str) -> tuple[str, str, int]:
    """Return whose packet came, of which protocol and to which port."""
    packet, sender = raw.recvfrom(65535)
    start = (packet[0] & 15) * 4 if family == socket.AF_INET else 0
    return sender[0], protocol, struct.unpack_from("!H", packet, start + 2)[0]


def send(want: dict[str, Any]) -> dict[str, Any]:
    """Return how each address and port answered: connected, refused, or what the error was; UDP does not answer."""
    end = time.monotonic() + want["seconds"]
    targets = want["to"]
    # Each has one until the end, or some would not be sent to at all.
    threading.stack_size(STACK)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(targets) or 1) as pool:
        words = pool.map(lambda one: to_tcp(one, end) if one["protocol"] == "tcp" else to_udp(one, end), targets)
        return {"answers": [{**one, "answer": word} for one, word in zip(targets, words)]}


def to_udp(target: dict[str, Any], end: float) -> str:
    """Send datagrams until the end, as the other side may begin to listen only now."""
    payload = VXLAN if target["vxlan"] else b"netfleet.docker"
    word = "sent"
    with socket.socket(family_of(target["address"]), socket.SOCK_DGRAM) as link:
        link.bind((target["source"], 0))
        while time.monotonic() < end:
            try:
                link.sendto(payload, (target["address"], target["port"]))
                word = "sent"
            except OSError as error:
                word = error.strerror or str(error)
            time.sleep(PAUSE)
    return word


def to_tcp(target: dict[str, Any], end: float) -> str:
    """Connect until somebody takes the connection, or the end."""
    word = "no answer"
    while time.monotonic() < end:
        with socket.socket(family_of(target["address"]), socket.SOCK_STREAM) as link:
            link.settimeout(ANSWER)
            try:
                link.bind((target["source"], 0))
                link.connect((target["address"], target["port"]))
                return "connected"
            except ConnectionRefusedError:
                word = "refused"
            except socket.timeout:
                word = "no answer"
            except OSError as error:
                word = error.strerror or str(error)
        time.sleep(PAUSE)
    return word


def family_of(address: str) -> int:
    """Return the family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def dropping() -> Iterator[tuple[str, str]]:
    """Yield rules that drop what comes in, with the program that shows them."""
    for program in ("iptables", "ip6tables"):
        policies: dict[str, str] = {}
        rules: dict[str, list[str]] = {}
        table = ""
        for line in shown(f"{program}-save"):
            words = line.split()
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":") and table == "filter":
                policies[words[0][1:]] = words[1]
            elif line.startswith("-A ") and table == "filter":
                rules.setdefault(words[1], []).append(line)
        if policies.get("INPUT") == "DROP":
            yield program, "the policy of the chain INPUT"
        yield from ((program, rule) for rule in reached(rules, ["INPUT"]))
    yield from dropping_nft()


def dropping_nft() -> Iterator[tuple[str, str]]:
    """Yield such rules of nftables; those that iptables made are told by iptables already."""
    rules: dict[str, list[str]] = {}
    inputs = []
    table = chain = ""
    for line in map(str.strip, shown("nft", "list", "ruleset")):
        if line.startswith("table "):
            table = line.removeprefix("table ").rstrip(" {")
        elif line.startswith("chain "):
            chain = f"{table} {line.split()[1]}"
        elif re.match(r"type \w+ hook (input|prerouting|ingress)", line):
            inputs.append(chain)
            if "policy drop" in line:
                yield "nft", f"the policy of the chain {chain}"
        else:
            rules.setdefault(chain, []).append(re.sub(r"(jump|goto) ", rf"\1 {table} ", line))
    yield from (("nft", rule) for rule in reached(rules, inputs))


def reached(rules: dict[str, list[str]], chains: list[str]) -> Iterator[str]:
    """Yield rules that drop, of these chains and all those to which they lead."""
    waiting, known = list(chains), set(chains)
    while waiting:
        chain = waiting.pop(0)
        for rule in rules.get(chain, ()):
            found = re.search(r"(?:-j|-g|jump|goto) (.+?)(?: comment .*)?$", rule)
            target = found.group(1) if found else ""
            target = target if target in rules else target.split(" ")[0]
            if target in rules and target not in known:
                known.add(target)
                waiting.append(target)
            if re.search(r"(-j (DROP|REJECT)|(^|\s)(drop|reject)\b)", rule):
                yield f"{rule} (chain {chain})"


def shown(*command: str) -> list[str]:
    """Return what a program prints, nothing where there is none."""
    if not shutil.which(command[0]):
        return []
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return result.stdout.splitlines()


def rule_for(rules: list[tuple[str, str]], protocol: str, port: int) -> str | None:
    """Return the rule that most likely dropped a packet: one that names the port before one that names none."""
    found = []
    for program, rule in rules:
        named = re.search(r"dports?\s+(?:\{([^}]*)\}|(\S+))", rule)
        other = {"tcp": "udp", "udp": "tcp"}[protocol]
        if re.search(rf"\b{other}\b", rule) or (named and not within(named.group(1) or named.group(2), port)):
            continue
        found.append((not named, f"{program}: {rule}"))
    return min(found, key=lambda one: one[0])[1] if found else None


def within(words: str, port: int) -> bool:
    """Tell whether a list of ports and ranges has a port."""
    for word in re.split(r"[,\s]+", words.strip()):
        ends = re.split(r"[-:]", word)
        if all(end.isdecimal() for end in ends) and int(ends[0]) <= port <= int(ends[-1]):
            return True
    return False


if __name__ == "__main__":
    modes = {"listen": listen, "hear": hear, "send": send}
    sys.stdout.write(json.dumps(modes[sys.argv[1]](json.loads(sys.argv[2]))))
