# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements apart from the kernel: Python libraries, systemd and Docker Engine."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient

PYTHON = (3, 9)
_LIBRARIES = {"pyroute2": (0, 7, 2), "docker": (5, 0, 3)}
_PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENGINE_SECONDS = 10.0


def check_python() -> str:
    """Return why the Python version is not supported; empty if it is."""
    if sys.version_info >= PYTHON:
        return ""
    return "{} is Python {}.{}; 3.9 or later is required".format(sys.executable, *sys.version_info[:2])


def check_library(name: str) -> str:
    """Return why a Python library is missing or too old; empty if it is available."""
    # Imported here, because the module has to run with Python 3.7.
    from importlib import metadata

    least = _LIBRARIES[name]
    required = "{} or later is required".format(".".join(map(str, least)))
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"not installed for {sys.executable}; {required}"
    is_old = tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < least
    return f"version {version}; {required}" if is_old else ""


def check_systemd() -> str:
    """Return why this host does not run systemd, as sd_booted(3) checks it; empty if it does."""
    if Path("/run/systemd/system").is_dir():
        return ""
    try:
        first = Path("/proc/1/comm").read_text(encoding="utf-8").strip()
    except OSError:
        first = "another program"
    return f"process 1 is {first}"


def check_engine(how: str) -> str:
    """Return why Docker Engine is not ``installed`` or not ``running``; empty if it is."""
    path = os.pathsep.join(filter(None, (os.environ.get("PATH"), _PROGRAMS)))
    if not shutil.which("dockerd", path=path):
        return "the program dockerd is not installed"
    if how == "installed":
        return ""
    try:
        LocalEngineClient(deadline=time.monotonic() + _ENGINE_SECONDS).get("/version")
    except NetfleetError as error:
        return str(error)
    return ""


def list_engine_packages() -> list[str]:
    """Return the packages of Docker Engine for this release of Debian or Ubuntu."""
    text = ""
    with contextlib.suppress(OSError):
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    return select_engine_packages(text)


def select_engine_packages(text: str) -> list[str]:
    """Return the packages of Docker Engine for the release that the text of os-release(5) describes."""
    pairs = (line.partition("=") for line in text.splitlines())
    fields = {key: value.strip('"') for key, _equals, value in pairs}
    # Since Debian 13, the client is a separate package. Debian testing and unstable have no number.
    number = fields.get("VERSION_ID", "")
    has_client = fields.get("ID") == "debian" and (not number.isdecimal() or int(number) >= 13)
    return ["docker.io", "iptables", *(["docker-cli"] if has_client else [])]
