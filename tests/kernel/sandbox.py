# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A separate host for one test: network, mount and PID namespaces; the namespace of PID 1 is ``host``.

The witnesses are ip(8), bridge(8) and /proc, never the code under test.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import forked
from .snapshot import Snapshot, take

if TYPE_CHECKING:
    from typing_extensions import Self

PACKAGE = "ansible_collections.netfleet.docker.plugins.modules"
# DAD takes up to two seconds per address, so it is enabled only in tests of DAD itself.
_QUIET = "for name in all default; do echo 0 >/proc/sys/net/ipv6/conf/$name/accept_dad; done"
_INIT = (
    # Namespaces mounted on the machine are copied with its mounts and have no owner here.
    f"umount --all --types nsfs; mount -t tmpfs tmpfs /run && mkdir /run/netns && {_QUIET} && "
    "ip link set lo up && echo ready && exec sleep infinity"
)
_BECOME = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


@dataclasses.dataclass(frozen=True)
class Result:
    """Output and exit status of a module."""

    data: dict[str, Any]
    stderr: str
    status: int

    @property
    def failed(self) -> bool:
        """Whether the module failed."""
        return bool(self.data.get("failed"))

    @property
    def msg(self) -> str:
        """The error message of a failed module."""
        return str(self.data.get("msg", ""))

    @property
    def changed(self) -> bool:
        """Whether the module reported a change; fails the test if the module failed."""
        assert not self.failed, self.msg
        return bool(self.data["changed"])

    @property
    def plan(self) -> Any:
        """The part of the result on which check mode and the real run must agree."""
        return self.data["operations"], self.data["diff"]

    def operations(self) -> list[str]:
        """Verbs of the operations in order."""
        return [str(op).partition(" ")[0] for op in self.data["operations"]]


class Sandbox:
    """Namespaces for one test; a context manager that kills all processes at its end."""

    def __init__(self) -> None:
        self._unshare = subprocess.Popen(
            [*_BECOME, "sh", "-c", _INIT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._unshare.stdout is not None
        ready = self._unshare.stdout.readline()
        assert ready == "ready\n", "the sandbox did not start: root and util-linux are required"
        parent = self._unshare.pid
        self.pid = int(Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        # The kernel kills all processes inside when PID 1 ends.
        os.kill(self.pid, signal.SIGKILL)
        self._unshare.wait()
        assert self._unshare.stdout is not None
        self._unshare.stdout.close()

    def entering(self, netns: str = "host") -> list[str]:
        """Return the command that runs another command in the sandbox's host or another namespace."""
        inner = {"host": []}.get(netns, ["nsenter", f"--net={_path(netns)}"])
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--", *inner]

    def run(self, *argv: str, netns: str = "host", check: bool = True, text: str | None = None) -> str:
        """Run a command and return its output."""
        done = subprocess.run(
            [*self.entering(netns), *argv],
            input=text,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        assert not check or done.returncode == 0, f"{shlex.join(argv)}: {done.stderr}"
        return done.stdout

    def sh(self, *lines: str, netns: str = "host") -> str:
        """Run lines of shell code, each of which must succeed."""
        return self.run("sh", "-e", "-c", "\n".join(lines), netns=netns)

    def ip(self, *args: str, netns: str = "host") -> Any:
        """Return the output of ``ip -j``."""
        text = self.run("ip", "-j", "-d", *args, netns=netns)
        return json.loads(text, strict=False) if text.strip() else []

    def bridge(self, *args: str, netns: str = "host") -> Any:
        """Return the output of ``bridge -j``."""
        return json.loads(self.run("bridge", "-j", "-d", *args, netns=netns) or "[]")

    def netns(self, *names: str, dad: bool = False) -> None:
        """Create named namespaces."""
        for name in names:
            quiet = "true" if dad else f"nsenter --net=/run/netns/{name} sh -c {shlex.quote(_QUIET)}"
            self.sh(f"ip netns add {name}", quiet)

    def process(self) -> int:
        """Start a process in a new unnamed network namespace and return its PID in the sandbox."""
        own = self.sh("readlink /proc/self/ns/net")
        pid = int(self.sh("unshare --net sleep infinity >/dev/null 2>&1 & echo $!"))
        deadline = time.monotonic() + 5
        while self.run("readlink", f"/proc/{pid}/ns/net") == own:
            assert time.monotonic() < deadline
        self.run("sh", "-e", "-c", _QUIET, netns=f"pid:{pid}")
        return pid

    def snapshot(self, *others: str, indexes: bool = True) -> Snapshot:
        """Return the state of the host, all named namespaces, and others such as pid:12."""
        return take(self, others, indexes)

    def module(
        self, name: str, args: Mapping[str, Any], check: bool = False, netns: str = "host", user: int = 0
    ) -> Result:
        """Run a module in a forked process; ``netns`` and ``user`` are those in which Ansible would run it."""
        entry = forked.entry(f"{PACKAGE}.{name}", user)
        out, err, status = forked.run(self.pid, entry, request(args, check), netns and _inner(netns))
        return result(out, err, status)

    def fresh(self, name: str, args: Mapping[str, Any], *before: str, **env: str) -> Result:
        """Run a module with a new interpreter like Ansible does; ``before`` precedes the command."""
        argv = [*self.entering(), *before, sys.executable, "-m", f"{PACKAGE}.{name}"]
        done = subprocess.run(
            argv,
            input=request(args, False).decode(),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **env},
            cwd="/",
        )
        return result(done.stdout, done.stderr, done.returncode)


def request(args: Mapping[str, Any], check: bool) -> bytes:
    private = {
        "_ansible_check_mode": check,
        "_ansible_diff": True,
        "_ansible_remote_tmp": "/tmp",
        "_ansible_no_log": True,
    }
    return json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **private}}).encode()


def result(out: str, err: str, status: int) -> Result:
    assert "Traceback" not in out + err, out + err
    assert len(out.split("\n")) <= 3, f"more than one line: {out!r}"
    assert out, f"no result, status {status}: {err}"
    result = Result(json.loads(out), err, status)
    if result.failed:
        assert result.msg and "\n" not in result.msg, repr(result.msg)
    assert (status != 0) == result.failed, (status, result.data)
    return result


def _path(netns: str) -> str:
    scheme, colon, rest = netns.partition(":")
    if not colon:
        return f"/run/netns/{netns}"
    return f"/proc/{rest}/ns/net" if scheme == "pid" else rest


def _inner(netns: str) -> str | None:
    return None if netns == "host" else _path(netns)
