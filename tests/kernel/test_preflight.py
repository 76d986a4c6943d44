# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements of a host, compared with ip(8), modprobe(8) and the host itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .docker_host import DockerHost
from .sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
KINDS = ("bridge", "dummy", "ipvlan", "macvlan", "veth", "vlan", "vrf", "vxlan", "wireguard", "nonsense")


def missing(box: Sandbox, **args: Any) -> list[str]:
    """Return missing requirements without failing."""
    result = box.module("preflight", {"fail": False, **args})
    assert not result.changed
    return list(result.data["missing_needs"])


def test_link_kinds_unknown_to_ip(box: Sandbox) -> None:
    unknown = []
    for kind in KINDS:
        command = [*box.entering(), "unshare", "--net", "ip", "link", "add", "probe0", "type", kind]
        error = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        if "Unknown device type" in error or "not supported" in error:
            unknown.append(f"kind:{kind}")
    assert "kind:nonsense" in unknown
    assert missing(box, kinds=list(KINDS)) == unknown


def test_check_of_a_kind_leaves_no_link(box: Sandbox) -> None:
    before = box.snapshot()
    missing(box, kinds=["veth", "dummy", "vxlan"], features=["esp", "ipvs"])
    assert box.snapshot() == before


def test_esp_with_the_cipher_of_docker(box: Sandbox) -> None:
    state = "src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 mode transport"
    command = f"ip xfrm state add {state} aead 'rfc4106(gcm(aes))' 0x{'5a' * 20} 64"
    done = subprocess.run(
        [*box.entering(), "unshare", "--net", "sh", "-c", command], capture_output=True, text=True, check=False
    )
    assert missing(box, features=["esp"]) == ([] if done.returncode == 0 else ["feature:esp"])


def test_kernel_modules_are_checked(box: Sandbox) -> None:
    file = Path("/proc/modules")
    # A kernel can be built without modules.
    loaded = [line.split()[0] for line in file.read_text(encoding="ascii").splitlines()] if file.exists() else []
    names = [*loaded[:3], "bridge", "veth", "proc", "netfleet_nonsense"]
    assert missing(box, modules=names) == ["module:netfleet_nonsense"]


def test_one_message_names_all_missing_requirements(box: Sandbox) -> None:
    result = box.module("preflight", {"kinds": ["nonsense", "veth"], "optional": {"modules": ["netfleet_nonsense"]}})
    assert result.failed
    assert result.msg.startswith("This host lacks: links of the kind nonsense in its kernel (")
    # Optional items are in the result but not in the message.
    assert "netfleet_nonsense" not in result.msg
    rows = [(row["need"], row["required"]) for row in result.data["missing"]]
    assert rows == [("kind:nonsense", True), ("module:netfleet_nonsense", False)]
    assert all(row["reason"] and row["remedy"] for row in result.data["missing"])


def test_unprivileged_user_lacks_only_root(box: Sandbox) -> None:
    result = box.module("preflight", {"kinds": ["nonsense"]}, user=65534)
    assert result.data["missing_needs"] == ["root"]
    assert "become: true" in result.msg


def test_outdated_library_is_reported(box: Sandbox, tmp_path: Path) -> None:
    info = tmp_path / "pyroute2-0.5.14.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pyroute2\nVersion: 0.5.14\n", encoding="ascii")
    args = {"libraries": ["pyroute2", "docker"], "fail": False}
    assert box.fresh("preflight", args).data["missing_needs"] == []
    result = box.fresh("preflight", args, PYTHONPATH=str(tmp_path))
    assert result.data["missing_libraries"] == ["pyroute2"]
    assert result.data["missing"][0]["reason"] == "version 0.5.14; 0.7.2 or later is required"


@pytest.mark.parametrize(("how", "found"), [("installed", []), ("running", ["engine:running"])])
def test_stopped_engine_is_reported(box: Sandbox, how: str, found: list[str]) -> None:
    assert missing(box, engine=how) == found


def test_running_engine_is_accepted() -> None:
    with DockerHost() as host:
        assert missing(host, engine="running") == []


def checked(python: str, folder: Path, *flags: str, **params: Any) -> Any:
    """Return the result of the module code in an interpreter without packages."""
    (folder / "ansible_collections/netfleet").mkdir(parents=True)
    (folder / "ansible_collections/netfleet/docker").symlink_to(ROOT)
    program = f"""
import json, sys
sys.path.insert(0, {str(folder)!r})
from ansible_collections.netfleet.docker.plugins.module_utils._preflight import check, options
params = {{name: option.get("default") for name, option in options.SPEC.items()}}
params.update({params!r})
print(json.dumps(check.build_result(params)))
"""
    done = subprocess.run([python, *flags, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_checks_need_only_the_standard_library(tmp_path: Path) -> None:
    params = {"libraries": ["pyroute2", "docker"], "kinds": ["veth", "nonsense"], "fail": False}
    found = checked(sys.executable, tmp_path, "-I", "-S", **params)
    assert found["missing_needs"] == ["library:pyroute2", "library:docker", "kind:nonsense"]


@pytest.mark.parametrize("version", ["3.7", "3.8"])
def test_outdated_python_is_reported(version: str, tmp_path: Path) -> None:
    paths = [*sorted(map(str, PYENV.glob(f"versions/{version}.*/bin/python"))), f"/usr/bin/python{version}"]
    python = next(filter(os.path.exists, paths), None)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    found = checked(python, tmp_path, libraries=["pyroute2"], kinds=["veth"], engine="installed")
    assert found["missing_needs"][0] == "python"
    assert f"is Python {version}; 3.9 or later is required" in found["msg"]
