# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a Docker Engine of its own, in namespaces of its own; all of it goes with its end."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import forked
from .sandbox import PACKAGE, Result, Sandbox, request, result

IMAGE = "netfleet-test/busybox"
_APPLETS = ("sh", "sleep", "ping", "ip", "cat", "nslookup")
_SECONDS = 60
# The engine's own docker(1), of its version; another one may be before it in PATH.
_OWN = "/usr/bin/docker"
DOCKER = _OWN if Path(_OWN).exists() else "docker"


class DockerHost(Sandbox):
    """A sandbox in which an engine with these flags runs that has one image; what it has is told by docker(1)."""

    def __init__(self, *flags: str) -> None:
        super().__init__()
        self._data = Path(tempfile.mkdtemp(prefix="netfleet-engine-"))
        self.sh("mkdir -p /var/lib/netfleet.docker", "mount -t tmpfs tmpfs /var/lib/netfleet.docker")
        log = (self._data / "log").open("wb")
        argv = ["dockerd", f"--data-root={self._data}/data", "--exec-root=/run/docker", "--pidfile=/run/docker.pid"]
        more = ["--host=unix:///run/docker.sock", "--cgroup-parent=/netfleet-test", "--bip=172.31.255.1/24", *flags]
        self._engine = subprocess.Popen([*self.entering(), *argv, *more], stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + _SECONDS
        while not self.run(DOCKER, "version", "--format", "{{.Server.Version}}", check=False).strip():
            assert self._engine.poll() is None and time.monotonic() < deadline, (self._data / "log").read_text()[-2000:]
            time.sleep(0.2)
        done = subprocess.run(
            [*self.entering(), DOCKER, "import", "-", IMAGE], input=_image(), check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr

    def __exit__(self, *exception: object) -> None:
        # Its containers are not children of the sandbox's first process alone: the engine takes them down.
        self.run("sh", "-c", "docker ps -aq | xargs -r docker rm -f", check=False)
        # nsenter(1) has stopped itself with an engine that a test stopped, and then heeds nothing else; until it goes
        # nobody buries the engine, for which the end of the sandbox waits.
        self._engine.kill()
        super().__exit__(*exception)
        self._engine.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def docker(self, *args: str) -> str:
        """Return what docker(1) prints."""
        return self.run(DOCKER, *args).strip()

    def inspect(self, kind: str, name: str) -> Any:
        """Return what the engine says of an object; None where there is none."""
        text = self.run(DOCKER, kind, "inspect", name, check=False)
        found = json.loads(text or "[]")
        return found[0] if found else None

    def container(self, name: str, *args: str, start: bool = True) -> str:
        """Make a container that sleeps, and return its id."""
        verb = ["run", "-d"] if start else ["create"]
        return self.docker(*verb, "--init=false", "--stop-timeout=0", "--name", name, *args, IMAGE, "sleep", "86400")

    def endpoints(self, network: str) -> dict[str, dict[str, Any]]:
        """Return the endpoints in a network by their containers' names, running or not."""
        names = self.docker("ps", "-a", "--format", "{{.Names}}").split()
        said = [self.inspect("container", name) for name in names]
        ends = {one["Name"][1:]: one["NetworkSettings"]["Networks"].get(network) for one in said}
        return {name: end for name, end in ends.items() if end is not None}

    def network(self, check: bool = False, **args: Any) -> Result:
        """Run the module; where there is no check, hold what it returns against what it foretells."""
        return self.module("network", args, check=check)

    def applied(self, **args: Any) -> Result:
        """Run the module in check mode, for real, and once more; what was foretold is done, and nothing is left."""
        before = self.all_networks()
        foretold = self.network(check=True, **args)
        assert self.all_networks() == before
        done = self.network(**args)
        assert foretold.plan == done.plan, (foretold.plan, done.plan)
        again = self.network(**args)
        assert not again.changed, again.data["operations"]
        return done

    def all_networks(self) -> Any:
        """Return all that the engine says of its networks."""
        return json.loads(self.run("sh", "-c", "docker network inspect $(docker network ls -q --no-trunc | sort)"))

    def killed(self, after: float, args: Mapping[str, Any]) -> bool:
        """Run the module and kill it after so many seconds; tell whether it was killed before it had ended.

        The engine still does what it was told last.
        """
        out, err, status = forked.run(self.pid, forked.entry(f"{PACKAGE}.network"), request(args, False), None, after)
        if status == -9:
            before = None
            while before != (before := self.all_networks()):
                time.sleep(0.3)
            return True
        result(out, err, status)
        return False


def _image() -> bytes:
    """Return a root file system with a busybox."""
    busybox = shutil.which("busybox")
    assert busybox, "the tests need busybox-static"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return file.getvalue()
