# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with its own Docker Engine in its own namespaces, which are removed at the end."""

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
# The docker(1) of the engine's own version; PATH can contain another one.
_OWN = "/usr/bin/docker"
DOCKER = _OWN if Path(_OWN).exists() else "docker"


class DockerHost(Sandbox):
    """A sandbox with a running engine and one image; docker(1) is the witness."""

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
        # Containers can outlive the first process of the sandbox, so the engine stops them.
        self.run("sh", "-c", "docker ps -aq | xargs -r docker rm -f", check=False)
        # A test that stops the engine can also stop nsenter(1), which then ignores other signals. While it exists,
        # the engine remains a zombie, and the sandbox waits for it.
        self._engine.kill()
        super().__exit__(*exception)
        self._engine.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def docker(self, *args: str) -> str:
        """Return the output of docker(1)."""
        return self.run(DOCKER, *args).strip()

    def inspect(self, kind: str, name: str) -> Any:
        """Return the inspected object, or None if it does not exist."""
        text = self.run(DOCKER, kind, "inspect", name, check=False)
        found = json.loads(text or "[]")
        return found[0] if found else None

    def container(self, name: str, *args: str, start: bool = True) -> str:
        """Start a container that sleeps, and return its ID."""
        verb = ["run", "-d"] if start else ["create"]
        return self.docker(*verb, "--init=false", "--stop-timeout=0", "--name", name, *args, IMAGE, "sleep", "86400")

    def endpoints(self, network: str) -> dict[str, dict[str, Any]]:
        """Return the endpoints of a network by container name, running or stopped."""
        names = self.docker("ps", "-a", "--format", "{{.Names}}").split()
        said = [self.inspect("container", name) for name in names]
        ends = {one["Name"][1:]: one["NetworkSettings"]["Networks"].get(network) for one in said}
        return {name: end for name, end in ends.items() if end is not None}

    def network(self, check: bool = False, **args: Any) -> Result:
        """Run the module; in a real run, compare the result with that of check mode."""
        return self.module("network", args, check=check)

    def applied(self, **args: Any) -> Result:
        """Run the module in check mode, for real and again; verify the prediction and that nothing is left to do."""
        before = self.all_networks()
        foretold = self.network(check=True, **args)
        assert self.all_networks() == before
        done = self.network(**args)
        assert foretold.plan == done.plan, (foretold.plan, done.plan)
        again = self.network(**args)
        assert not again.changed, again.data["operations"]
        return done

    def all_networks(self) -> Any:
        """Return the inspected data of all networks."""
        return json.loads(self.run("sh", "-c", "docker network inspect $(docker network ls -q --no-trunc | sort)"))

    def killed(self, after: float, args: Mapping[str, Any]) -> bool:
        """Run the module and kill it after the given seconds; return whether it was still running.

        The engine completes the last request.
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
    """Return a root file system with busybox."""
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
