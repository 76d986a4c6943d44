# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Docker Engine of this host says; the only file that imports the docker SDK, and only where it is needed."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._errors import MissingLibrary, NetfleetError, NoSuchNetns

_SOCKET = "unix:///var/run/docker.sock"
_TIMEOUT_SECONDS = 15
_SHORT_ID = 12


@dataclasses.dataclass(frozen=True)
class Container:
    """A container as far as its network namespace needs it; ``pid`` is 0 while it does not run."""

    name: str
    pid: int
    status: str
    network_mode: str


def container(reference: str) -> Container:
    """Return a container by its exact name, or its id of 12 digits or more; raise NoSuchNetns if there is none."""
    try:
        import docker
        from docker.errors import DockerException, NotFound
    except ImportError:
        raise MissingLibrary(
            "the Python library docker 5.0.3 or later is missing on this host, and containers are named: "
            "install the package python3-docker (Debian, Ubuntu, Fedora), or docker with pip"
        ) from None
    try:
        client = docker.APIClient(base_url=_local_socket(), version="auto", timeout=_TIMEOUT_SECONDS)
        try:
            found: dict[str, Any] = client.inspect_container(reference)
        finally:
            client.close()
    except NotFound:
        raise NoSuchNetns(f"no such container: {reference}") from None
    except (DockerException, OSError) as error:
        raise NetfleetError(f"the Docker Engine does not answer at {_local_socket()}: {error}") from None
    name = str(found["Name"]).lstrip("/")
    if reference != name and not (len(reference) >= _SHORT_ID and str(found["Id"]).startswith(reference)):
        raise NoSuchNetns(f"no such container: {reference} (the id of {name} begins like this; give 12 digits of it)")
    state = found["State"]
    return Container(name, int(state["Pid"]), str(state["Status"]), str(found["HostConfig"]["NetworkMode"]))


def _local_socket() -> str:
    # A PID means something only on the host of its engine, so an engine elsewhere is of no use here.
    host = os.environ.get("DOCKER_HOST", "")
    return host if host.startswith("unix://") else _SOCKET
