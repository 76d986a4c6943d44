# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The become plugin on a host: it verifies that it entered the right namespace, or runs nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.become.netns import _read_program

from .docker_host import IMAGE, DockerHost
from .sandbox import Sandbox

pytestmark = pytest.mark.long

MARK = "BECOME-SUCCESS-test"
SOCKET = "/var/run/docker.sock"
WHERE = "readlink /proc/self/ns/net"


class Run:
    """A command run inside a namespace; a failure is reported once, to Ansible and to the user."""

    def __init__(
        self,
        box: Sandbox,
        reference: str,
        command: str = WHERE,
        resolver: str = "host",
        socket: str = SOCKET,
        before: tuple[str, ...] = (),
        python: str = sys.executable,
    ) -> None:
        program = [python, "-I", "-S", "-c", _read_program(), MARK, reference, resolver, socket]
        argv = [*box.entering(), *before, *program, "sh", "-c", f"echo {MARK}; {command}"]
        done = subprocess.run(
            argv, input="what Ansible pipes\n", capture_output=True, text=True, check=False, timeout=60
        )
        assert "Traceback" not in done.stderr, done.stderr
        first, _newline, self.out = done.stdout.partition("\n")
        assert first == MARK, done
        self.out = self.out.strip()
        self.refused = ""
        if done.returncode:
            said = json.loads(self.out)
            assert said["failed"] is True and set(said) == {"failed", "msg"}
            assert done.stderr == f"{said['msg']}\n"
            assert said["msg"].startswith("netfleet.docker.netns: ")
            self.refused = said["msg"].partition(": ")[2]


def inode(box: Sandbox, path: str) -> str:
    return f"net:[{box.run('stat', '-L', '-c', '%i', path).strip()}]"


def test_every_reference_type_enters_its_namespace(box: Sandbox) -> None:
    pid = box.process()
    box.sh("mkdir -p /run/docker/netns", "touch /run/docker/netns/1-abc")
    box.sh("mount --bind /run/netns/blue /run/docker/netns/1-abc", "ln -s /run/netns/red /run/link")
    for reference, path in (
        ("red", "/run/netns/red"),
        ("path:/run/netns/red", "/run/netns/red"),
        ("path:/run/link", "/run/netns/red"),
        (f"pid:{pid}", f"/proc/{pid}/ns/net"),
        ("docker:1-abc", "/run/netns/blue"),
        ("host", "/proc/1/ns/net"),
    ):
        assert Run(box, reference).out == inode(box, path), reference
    assert Run(box, "red", before=("nsenter", "--net=/run/netns/blue")).out == inode(box, "/run/netns/red")
    assert Run(box, "host", before=("nsenter", "--net=/run/netns/blue")).out == inode(box, "/proc/1/ns/net")


def test_command_receives_standard_input(box: Sandbox) -> None:
    assert Run(box, "red", "cat").out == "what Ansible pipes"


def test_command_uses_sysfs_of_the_namespace(box: Sandbox) -> None:
    box.sh("ip -n red link add inside type veth peer name other", "ip link add outside type veth peer name beside")
    seen = Run(box, "red", "ls /sys/class/net; ls /proc/sys/net/ipv4/conf; cat /proc/net/dev").out
    assert "inside" in seen and "outside" not in seen
    assert Run(box, "red", "cat /sys/class/net/inside/ifindex").out == str(
        box.ip("link", "show", "inside", netns="red")[0]["ifindex"]
    )
    seen = Run(box, "host", "ls /sys/class/net", before=("nsenter", "--net=/run/netns/blue")).out
    assert "outside" in seen and "inside" not in seen


def test_mounts_below_sys_are_kept_and_not_propagated(box: Sandbox) -> None:
    box.sh(
        "mount -t tmpfs below /sys/kernel",
        "touch /sys/kernel/mine",
        "mkdir /sys/kernel/a",
        "mount -t tmpfs c /sys/kernel/a",
    )
    before = box.run("cat", "/proc/self/mountinfo")
    seen = Run(
        box, "red", "ls /sys/kernel; grep -c ' /sys/kernel/a ' /proc/self/mountinfo; ls -d /sys/class/net/lo"
    ).out
    assert seen.splitlines()[:2] == ["a", "mine"] and seen.splitlines()[-1] == "/sys/class/net/lo"
    assert box.run("cat", "/proc/self/mountinfo") == before
    box.sh("mount -o remount,bind,ro /sys")
    assert (
        "Read-only" in Run(box, "red", "echo x 2>&1 > /sys/class/net/lo/ifalias || true; touch /sys/x 2>&1 || true").out
    )


@pytest.fixture
def own_etc(box: Sandbox) -> Sandbox:
    """Return a sandbox with its own /etc."""
    box.sh("cp -a /etc /run/etc", "mount --bind /run/etc /etc", "mkdir -p /etc/netns/red/folder /etc/folder")
    return box


def test_files_in_etc_netns_are_used(own_etc: Sandbox) -> None:
    box = own_etc
    box.sh("echo nameserver 192.0.2.53 > /etc/netns/red/resolv.conf", "echo mine > /etc/netns/red/hosts")
    box.sh("echo in > /etc/netns/red/folder/file", "echo lost > /etc/netns/red/not-in-etc")
    seen = Run(box, "red", "cat /etc/resolv.conf /etc/hosts /etc/folder/file; ls /etc/not-in-etc 2>&1 || true").out
    assert seen.splitlines()[:3] == ["nameserver 192.0.2.53", "mine", "in"]
    assert "192.0.2.53" not in Run(box, "blue", "cat /etc/resolv.conf").out
    assert "192.0.2.53" not in box.run("cat", "/etc/resolv.conf")
    witness = box.run("ip", "netns", "exec", "red", "sh", "-c", "cat /etc/resolv.conf /etc/hosts /etc/folder/file")
    assert seen.startswith(witness.strip())


def test_resolver_socket_of_the_host_is_hidden(own_etc: Sandbox) -> None:
    box = own_etc
    path = "/run/systemd/resolve/io.systemd.Resolve"
    code = f"import socket; socket.socket(socket.AF_UNIX).bind('{path}')"
    box.sh("mkdir -p /run/systemd/resolve", f'python3 -c "{code}"')
    assert Run(box, "red", f"test -S {path} && echo there").out == "there"
    box.sh("echo nameserver 192.0.2.53 > /etc/netns/red/resolv.conf")
    assert Run(box, "red", f"test -S {path} || test -c {path} && echo hidden").out == "hidden"


def test_invalid_references_are_rejected(box: Sandbox) -> None:
    dead = box.process()
    box.sh(f"kill {dead}", "sleep 0.2")
    box.sh(
        "ln -s /proc/1/ns/net /run/netns/link",
        "ln -s gone /run/netns/dangling",
        "touch /run/netns/stub",
        "mkfifo /run/fifo",
    )
    box.sh("touch /run/netns/mine", "mount --bind /proc/1/ns/net /run/netns/mine", "mkdir /run/netns/folder")
    host = box.sh("sleep 1000 >/dev/null 2>&1 & echo $!").strip()
    for reference, words in {
        "gone": "no such namespace: gone",
        "link": "symbolic link",
        "dangling": "symbolic link",
        "stub": "is not a network namespace",
        "folder": "is not a network namespace",
        "mine": "is the host namespace",
        f"pid:{host}": "is the host namespace",
        "pid:1": "is the host namespace",
        f"pid:{dead}": f"/proc/{dead}/ns/net: No such file",
        "pid:9999999999": "no such process: PID",
        "path:/proc/self/ns/net": "is the host namespace",
        "path:/proc/self/ns/mnt": "is not a network namespace",
        "path:/dev/null": "is not a network namespace",
        "path:/run/fifo": "is not a network namespace",
        "path:/run/none": "No such file",
        "docker:none": "/run/docker/netns/none",
        "container:web": "Docker Engine at /var/run/docker.sock",
    }.items():
        done = Run(box, reference, "touch /run/ran")
        assert words in done.refused, (reference, done.refused, done.out)
    assert box.run("ls", "/run/ran", check=False) == ""


@pytest.mark.skipif(
    not Path("/usr/bin/python3").exists(), reason="the Python of the tests can be in a folder that only root can read"
)
def test_unprivileged_user_is_rejected(box: Sandbox) -> None:
    user = ("setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all")
    done = Run(box, "red", "touch /tmp/ran", before=user, python="/usr/bin/python3")
    assert "requires root" in done.refused or "Permission" in done.refused


FAKE = """
import json, socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind("/run/fake.sock")
server.listen(8)
print("ready", flush=True)
for kind in sys.argv[1:]:
    connection = server.accept()[0]
    request = connection.recv(4096).decode()
    name = request.split("/")[2]
    assert request.startswith("GET /containers/"), request
    if kind == "silent":
        time.sleep(30)
    if kind == "drip":
        for _number in range(300):
            connection.sendall(b"HTTP/1.0 200 OK\\r\\n" if _number == 0 else b"X: y\\r\\n")
            time.sleep(0.1)
    if kind == "garbage":
        connection.sendall(b"\\x00\\xff" * 100)
    elif kind == "404":
        connection.sendall(b"HTTP/1.0 404 Not Found\\r\\n\\r\\n{}")
    else:
        said = {"Id": "a" * 64, "Name": "/web", "HostConfig": {"NetworkMode": "bridge"}}
        said["State"] = {"Pid": int(kind), "Status": "running"}
        connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + json.dumps(said).encode())
    connection.close()
"""


def fake(box: Sandbox, *answers: str, name: str = "web") -> Run:
    """Run with a fake engine that sends the given responses, one per request."""
    argv = [*box.entering(), sys.executable, "-c", FAKE, *answers]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == "ready\n"
        try:
            return Run(box, f"container:{name}", socket="/run/fake.sock")
        finally:
            engine.kill()
            box.sh("rm -f /run/fake.sock")


def test_engine_errors_are_reported(box: Sandbox) -> None:
    pid, other = str(box.process()), str(box.process())
    host = box.sh("sleep 1000 >/dev/null 2>&1 & echo $!").strip()
    assert fake(box, pid, pid).out == inode(box, f"/proc/{pid}/ns/net")
    assert fake(box, pid, pid, name="a" * 12).out == inode(box, f"/proc/{pid}/ns/net")
    # A process of the host has the PID that belonged to the container.
    assert "is the host namespace" in fake(box, host, host).refused
    assert "restarted; try again" in fake(box, host, pid).refused
    assert "restarted; try again" in fake(box, other, pid).refused
    assert "no such process" in fake(box, "4194000", pid).refused
    assert "is not running" in fake(box, "0").refused
    assert "no such container" in fake(box, "404").refused
    assert "12 digits" in fake(box, pid, name="aaa").refused
    assert "invalid response" in fake(box, "garbage").refused
    for kind in ("silent", "drip"):
        started = time.monotonic()
        assert "timed out" in fake(box, kind).refused
        assert time.monotonic() - started < 9


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerHost]:
    with DockerHost() as host:
        host.docker("network", "create", "nets")
        host.container("web", "--network", "nets", "--dns", "192.0.2.53", "--add-host", "pinned:192.0.2.5")
        host.container("other")
        host.container("bare", "--network", "none")
        host.container("shared", "--network", "host")
        host.container("joined", "--network", "container:web")
        host.container("gone", start=False)
        yield host


def netns_of(docker: DockerHost, name: str) -> str:
    return inode(docker, f"/proc/{docker.inspect('container', name)['State']['Pid']}/ns/net")


def test_container_namespace_is_entered(docker: DockerHost) -> None:
    identifier = docker.inspect("container", "web")["Id"]
    for reference in ("web", identifier, identifier[:12]):
        assert Run(docker, f"container:{reference}").out == netns_of(docker, "web")
    assert Run(docker, "container:joined").out == netns_of(docker, "web")
    assert Run(docker, "container:bare").out == netns_of(docker, "bare")
    for name, words in {
        "shared": "shares the namespace of the host; specify host",
        "gone": "is not running (created)",
        "nobody": "no such container: nobody",
        identifier[:8]: "at least 12 digits",
    }.items():
        assert words in Run(docker, f"container:{name}", "touch /run/ran").refused
    docker.docker("pause", "other")
    assert Run(docker, "container:other").out == netns_of(docker, "other")
    docker.docker("unpause", "other")
    assert docker.run("ls", "/run/ran", check=False) == ""


def test_resolver_of_the_container_is_used(docker: DockerHost) -> None:
    reading = "cat /etc/resolv.conf /etc/hosts"
    seen = Run(docker, "container:web", reading, resolver="container").out
    assert seen == docker.docker("exec", "web", "cat", "/etc/resolv.conf", "/etc/hosts")
    assert "127.0.0.11" in seen and "pinned" in seen
    assert "pinned" not in Run(docker, "container:web", reading).out
    own = netns_of(docker, "web")
    assert Run(docker, "container:joined", WHERE, resolver="container").out == own


def test_restarting_container_is_reported(docker: DockerHost) -> None:
    docker.container("restless")
    host, other = inode(docker, "/proc/1/ns/net"), netns_of(docker, "other")
    loop = "for n in 1 2 3 4 5 6; do docker restart -t 0 restless; done"
    with subprocess.Popen([*docker.entering(), "sh", "-c", loop], stdout=subprocess.DEVNULL) as restarts:
        seen: list[Any] = []
        while restarts.poll() is None:
            done = Run(docker, "container:restless")
            assert done.refused or done.out not in (host, other), done.out
            seen.append(done.refused or done.out)
    assert len(seen) > 5
    assert Run(docker, "container:restless").out == netns_of(docker, "restless")


def test_container_with_a_single_binary_is_entered(docker: DockerHost, tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox
    docker.sh(
        f"mkdir -p /run/scratch && cp {busybox} /run/scratch/sleep",
        "tar -C /run/scratch -c sleep | docker import - scratch",
    )
    docker.docker("run", "-d", "--init=false", "--name", "scratch", "--entrypoint", "/sleep", "scratch", "86400")
    assert Run(docker, "container:scratch").out == netns_of(docker, "scratch")
    assert IMAGE not in docker.inspect("container", "scratch")["Config"]["Image"]
