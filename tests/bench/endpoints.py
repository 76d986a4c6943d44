# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that create, read and remove endpoints; topology.py measures them.

An endpoint is a named namespace and a veth pair: one end is a port of the bridge, the other is eth0 in the namespace
and has an address. All links are up, including lo.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BRIDGE = "br0"
MODULE = "ansible_collections.netfleet.docker.plugins.modules.topology"
_GROUP = "7"


@dataclasses.dataclass(frozen=True)
class Step:
    """A process to measure, its expected output, and what it must remove: nothing, the links, or everything."""

    name: str
    argv: list[str]
    stdin: str = ""
    prints: str = ""
    gone: str = ""


@dataclasses.dataclass(frozen=True)
class Life:
    """Steps of one sandbox in order; slow ones have a maximum number of endpoints by default."""

    create: Step
    unchanged: tuple[Step, ...] = ()
    remove: tuple[Step, ...] = ()
    most: int = sys.maxsize


def netns(number: int) -> str:
    """Return the name of an endpoint's namespace."""
    return f"ep{number}"


def host_end(number: int) -> str:
    """Return the name of an endpoint's port on the bridge."""
    return f"ep{number}-host"


def address(number: int) -> str:
    """Return an endpoint's address."""
    return f"10.0.{number // 250}.{number % 250 + 1}/16"


def _words(number: int) -> tuple[str, str, str]:
    return netns(number), host_end(number), address(number)


class Ways:
    """All variants for a number of endpoints; their input files are in a folder."""

    def __init__(self, count: int, folder: Path) -> None:
        self._numbers = range(count)
        self._folder = folder
        for number in self._numbers:
            lines = (f"addr add {address(number)} dev eth0", "link set eth0 up", "link set lo up")
            self._file(f"inside-{netns(number)}", lines)

    def lives(self, loops: bool) -> list[Life]:
        """Return all variants; those with ansible-playbook and loops of tasks only on request."""
        return [self._guide(), self._batch(), *self._best(), *([self._tasks()] if loops else []), *self._ours()]

    def _guide(self) -> Life:
        lines = (line for number in self._numbers for line in _by_hand(*_words(number)))
        return Life(
            self._shell("shell loop", lines),
            remove=(
                self._shell("ip link del each", (f"ip link del {host_end(n)}" for n in self._numbers), gone="links"),
                self._shell("  and ip netns del each", (f"ip netns del {netns(n)}" for n in self._numbers), gone="all"),
            ),
            most=100,
        )

    def _batch(self) -> Life:
        lines = (line for number in self._numbers for line in _by_hand(*_words(number), program=""))
        return Life(
            self._ip("batch, create and move", lines),
            remove=(
                self._ip("batch: link del", (f"link del {host_end(n)}" for n in self._numbers), gone="links"),
                self._ip("  and netns del", (f"netns del {netns(n)}" for n in self._numbers), gone="all"),
            ),
            most=100,
        )

    def _best(self) -> list[Life]:
        """Return the fastest variants with ip(8); which one is fastest depends on the number of endpoints.

        The first variant creates endpoint after endpoint. The others are optimized: they create the veth pair with each
        end in its namespace, and set all ports up by their group in one request at the end, because each port that is
        up receives the multicast of the others. The remaining cost is a process for each namespace, for which ``ip -n``
        copies the mount table.
        """
        lines = (
            line
            for n in self._numbers
            for line in (
                f"netns add {netns(n)}",
                f"link add {host_end(n)} type veth peer name eth0 netns {netns(n)}",
                f"link set {host_end(n)} master {BRIDGE} up",
            )
        )
        first = f"ip -batch {self._file('in_order', lines)}"
        in_order = self._shell("batch, peer at creation", [first, *self._switching()])
        outside = [f"netns add {netns(n)}" for n in self._numbers]
        outside += [
            f"link add {host_end(n)} master {BRIDGE} group {_GROUP} type veth peer name eth0 netns {netns(n)}"
            for n in self._numbers
        ]
        first, last = f"ip -batch {self._file('outside', outside)}", f"ip link set group {_GROUP} up"
        inside = f"ip -batch {self._folder}/inside-"
        entering = [f"nsenter --net=/run/netns/{netns(n)} {inside}{netns(n)}" for n in self._numbers]
        at_once = f"xargs -P {os.cpu_count()} -I @ nsenter --net=/run/netns/@ {inside}@"
        names = " ".join(netns(n) for n in self._numbers)
        forget = self._ip("batch: netns del only", (f"netns del {netns(n)}" for n in self._numbers), gone="all")
        group = f"ip link del group {_GROUP}"
        return [
            Life(in_order),
            Life(
                self._shell("best batch: nsenter", [first, *entering, last]),
                unchanged=(self._shell("ip -n each", self._look("ip -n {} -j")),),
                remove=(
                    self._shell("ip link del group", [group], gone="links"),
                    dataclasses.replace(forget, name="  and batch: netns del"),
                ),
            ),
            Life(
                self._shell("best batch: ip -n", [first, *self._switching(), last]),
                unchanged=(self._shell("nsenter each", self._look("nsenter --net=/run/netns/{} ip -j")),),
                remove=(forget,),
            ),
            Life(self._shell("best batch on all processors", [first, f"printf '%s\\n' {names} | {at_once}", last])),
        ]

    def _switching(self) -> list[str]:
        return [f"ip -n {netns(n)} -batch {self._folder}/inside-{netns(n)}" for n in self._numbers]

    def _tasks(self) -> Life:
        play = self._playbook("tasks", _tasks(self._numbers))
        argv = [*_ansible(), play]
        name = "Ansible loops"
        return Life(Step(name, argv), unchanged=(Step(name, argv, prints="changed=0"),), most=10)

    def _ours(self) -> list[Life]:
        """Return the topology in three variants, and without a name, which is required to remove links by group."""
        document = {
            "name": "bench",
            "namespaces": [{"name": netns(n), "loopback_up": True} for n in self._numbers],
            "links": [
                {
                    "name": host_end(n),
                    "kind": "veth",
                    "master": BRIDGE,
                    "peer": {"name": "eth0", "netns": netns(n), "addresses": [address(n)]},
                }
                for n in self._numbers
            ],
        }
        return [
            self._ours_by(lambda state, changed: self._engine({**document, "state": state}, changed)),
            self._ours_by(lambda state, changed: self._module({**document, "state": state}, changed)),
            self._ours_by(lambda state, changed: self._task({**document, "state": state}, changed)),
            dataclasses.replace(
                self._ours_by(lambda state, changed: self._engine({**document, "name": None, "state": state}, changed)),
                most=100,
            ),
        ]

    def _ours_by(self, run: Callable[[str, bool], Step]) -> Life:
        return Life(
            run("merged", True),
            unchanged=(run("merged", False),),
            remove=(dataclasses.replace(run("absent", True), gone="all"),),
        )

    def _engine(self, arguments: dict[str, Any], changed: bool) -> Step:
        """Return the module as a process, without Ansible's library."""
        name = "engine" if arguments["name"] else "unnamed engine"
        return Step(name, [*self._python(), str(HERE / "apply.py")], json.dumps(arguments), _says(changed))

    def _module(self, arguments: dict[str, Any], changed: bool) -> Step:
        """Return the module as a process, with Ansible's library but without AnsiballZ."""
        request = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_remote_tmp": "/tmp"}})
        return Step("module", [*self._python(), "-m", MODULE], request, _says(changed))

    def _python(self) -> list[str]:
        """Return an interpreter that caches compiled files."""
        prefix = f"pycache_prefix={self._folder / 'compiled'}"
        return ["env", "-u", "PYTHONDONTWRITEBYTECODE", sys.executable, "-X", prefix]

    def _look(self, ip: str) -> Iterable[str]:
        return (f"{ip.format(netns(n))} {table}" for n in self._numbers for table in ("addr", "link"))

    def _task(self, arguments: dict[str, Any], changed: bool) -> Step:
        task = {"name": "Endpoints", "netfleet.docker.topology": arguments}
        play = self._playbook(f"topology-{arguments['state']}", [task])
        return Step("playbook", [*_ansible(), play], prints=f"changed={changed:d}")

    def _playbook(self, name: str, tasks: list[dict[str, Any]]) -> str:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        return self._file(f"{name}.yml", [json.dumps([play])])

    def _shell(self, name: str, lines: Iterable[str], gone: str = "") -> Step:
        return Step(name, ["sh", "-e", self._file(f"{name}.sh", lines)], gone=gone)

    def _ip(self, name: str, lines: Iterable[str], gone: str = "") -> Step:
        return Step(name, ["ip", "-batch", self._file(f"{name}.batch", lines)], gone=gone)

    def _file(self, name: str, lines: Iterable[str]) -> str:
        path = self._folder / name.strip().replace(" ", "_")
        path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        return str(path)


def _by_hand(space: str, port: str, one_address: str, program: str = "ip ") -> list[str]:
    """Return the commands of a typical guide; the inner ip(8) is a separate process in batch mode too."""
    return [
        f"{program}netns add {space}",
        f"{program}link add {port} type veth peer name {space}-in",
        f"{program}link set {space}-in netns {space} name eth0",
        f"{program}netns exec {space} ip addr add {one_address} dev eth0",
        f"{program}netns exec {space} ip link set eth0 up",
        f"{program}netns exec {space} ip link set lo up",
        f"{program}link set {port} master {BRIDGE}",
        f"{program}link set {port} up",
    ]


def _tasks(numbers: Iterable[int]) -> list[dict[str, Any]]:
    """Return the commands of the guide as tasks with loops; a new endpoint is detected by its namespace."""
    endpoints = [{"netns": netns(number), "port": host_end(number), "address": address(number)} for number in numbers]
    templates = {key: f"{{{{ item.item.{key} }}}}" for key in ("netns", "port", "address")}
    tasks: list[dict[str, Any]] = [
        {
            "name": "Namespaces",
            "community.general.ip_netns": {"name": "{{ item.netns }}"},
            "loop": endpoints,
            "register": "made",
        }
    ]
    for line in _by_hand("{netns}", "{port}", "{address}")[1:]:
        argv = [word.format(**templates) for word in line.split()]
        tasks.append(
            {
                "name": "A line of the guide",
                "ansible.builtin.command": {"argv": argv},
                "loop": "{{ made.results }}",
                "when": "item is changed",
            }
        )
    return tasks


def _says(changed: bool) -> str:
    return f'"changed": {json.dumps(changed)}'


def _ansible() -> list[str]:
    beside = Path(sys.executable).with_name("ansible-playbook")
    program = str(beside) if beside.exists() else "ansible-playbook"
    return [program, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
