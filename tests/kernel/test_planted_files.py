# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that another user puts where a namespace or the lock is expected: they are not opened, followed or removed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NoSuchNetns
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces

from .sandbox import Sandbox

_LOCK = "/run/netfleet.docker.lock"


@pytest.mark.parametrize("follow", [True, False])
def test_pipe_is_not_opened(tmp_path: Path, follow: bool) -> None:
    pipe = tmp_path / "ns"
    os.mkfifo(pipe)
    # Opening a pipe for writing ends as soon as another process opens it for reading.
    writer = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_WRONLY)), daemon=True)
    writer.start()
    with pytest.raises(NoSuchNetns, match="is not a network namespace"):
        namespaces.open_netns(str(pipe), follow=follow)
    writer.join(0.3)
    assert writer.is_alive()
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer.join(10)
    os.close(reader)
    assert not writer.is_alive()


def test_link_of_a_user_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "ns"
    link.symlink_to("/proc/self/ns/net")
    with pytest.raises(NoSuchNetns, match="symbolic link"):
        namespaces.open_netns(str(link))


@pytest.mark.parametrize(
    ("path", "is_kernels"),
    [
        ("/proc/42/ns/net", True),
        ("/proc/42/task/43/ns/net", True),
        ("/proc/thread-self/ns/net", True),
        ("/proc/42/fd/7", True),
        ("/proc/42/root/run/netns/a", False),
        ("/proc/42/root/proc/1/ns/net", False),
        ("/proc/42/cwd/ns/net", False),
        ("/run/netns/a", False),
    ],
)
def test_only_links_of_the_kernel_are_followed(path: str, is_kernels: bool) -> None:
    assert namespaces.is_process_file(path) is is_kernels


def test_namespace_of_another_kind_is_not_removed(box: Sandbox) -> None:
    box.sh("touch /run/netns/other", "mount --bind /proc/self/ns/uts /run/netns/other")
    found = box.module("netns", {"name": "other", "state": "present"})
    assert found.failed
    assert "other" in found.msg
    box.module("topology", {"name": "t", "state": "absent"})
    assert box.run("readlink", "/proc/self/ns/uts").strip()
    assert "nsfs" in box.run("findmnt", "--noheadings", "--output=FSTYPE", "/run/netns/other")


@pytest.mark.parametrize("make", [f"mkfifo {_LOCK}", f"mknod {_LOCK} c 1 3", f"mkdir {_LOCK}"])
def test_lock_that_is_no_regular_file_is_an_error(box: Sandbox, make: str) -> None:
    box.sh(make)
    found = box.module("bridge", {"name": "br0"})
    assert found.failed
    assert _LOCK in found.msg
    assert not box.run("ip", "link", "show", "br0", check=False)
