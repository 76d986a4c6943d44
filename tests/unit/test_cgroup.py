# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers by cgroup, in the path formats of all engines and cgroup managers."""

from __future__ import annotations

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._facts.cgroup import find_container_id, find_container_ids

A, B, C = "a1" * 32, "b2" * 32, "c3" * 32


@pytest.mark.parametrize(
    "text, wanted",
    [
        (f"0::/docker/{A}\n", A),
        (f"0::/system.slice/docker-{A}.scope\n", A),
        (f"0::/system.slice/docker-{A}.scope/init.scope\n", A),
        (f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{A}.scope\n", A),
        (f"13:hugetlb:/\n9:name=systemd:/docker/{A}/init.scope\n0::/docker/{A}/init.scope\n", A),
        (f"4:memory:/docker/{A}/docker/{B}\n", B),
        (f"0::/system.slice/docker-{A}.scope/system.slice/docker-{B}.scope\n", B),
        (f"0::/../{A}\n", A),
        (f"0::/machine.slice/libpod-{A}.scope/container\n", A),
        (f"0::/libpod_parent/libpod-{A}\n", A),
        (f"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/cri-containerd-{A}.scope\n", A),
        (f"0::/kubepods/besteffort/pod25c3f2fa/{A}\n", A),
        (f"0::/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:{A}\n", A),
        (f"0::/kubepods.slice/crio-{A}.scope\n", A),
        ("0::/system.slice/ssh.service\n", None),
        ("0::/\n", None),
        ("", None),
        ("nonsense\n", None),
        (f"0::/system.slice/docker-{A[:63]}.scope\n", None),
        (f"0::/system.slice/docker-{A}0.scope\n", None),
        (f"0::/{A.upper()}\n", None),
        (f"0::/machine.slice/libpod-conmon-{A}.scope\n", None),
        (f"0::/home-{A}\n", None),
    ],
)
def test_container_id_is_read_from_the_cgroup(text: str, wanted: str | None) -> None:
    assert find_container_id(text) == wanted


def test_container_that_acts_as_host_has_no_container_id() -> None:
    """In a container that acts as a host, every cgroup path begins with that container."""
    own = find_container_ids(f"9:name=systemd:/docker/{A}/init.scope\n0::/docker/{A}/init.scope\n")
    assert own == {A}
    assert find_container_id(f"9:name=systemd:/docker/{A}/system.slice/ssh.service\n", own) is None
    assert find_container_id(f"4:memory:/docker/{A}/docker/{B}\n", own) == B
    assert find_container_id(f"4:memory:/docker/{A}/docker/{B}/docker/{C}\n", own) == C
    assert find_container_id(f"5:cpu:/docker/{A}\n4:memory:/docker/{A}/docker/{B}\n", own) == B
