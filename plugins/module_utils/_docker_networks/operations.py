# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on a network as data, with description and predicted result; pure."""

from __future__ import annotations

from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    ActualNetwork,
    Member,
    Network,
)


@record
class CreateNetwork:
    """Create the network."""

    network: Network

    def describe(self) -> str:
        """Return a description."""
        kind = "configuration" if self.network.config_only else f"{self.network.driver} network"
        return f"create {kind} {self.network.name}"

    def simulate(self, actual: ActualNetwork) -> ActualNetwork:
        """Return the state afterwards."""
        return replace_fields(actual, network=self.network, id="", members={}, before=None, before_id="")


@record
class RemoveNetwork:
    """Remove the network, which has no members."""

    name: str
    id: str

    def describe(self) -> str:
        """Return a description."""
        return f"remove network {self.name}"

    def simulate(self, actual: ActualNetwork) -> ActualNetwork:
        """Return the state afterwards."""
        return replace_fields(actual, network=None, id="", members={})


@record
class ConnectMember:
    """Connect a container with the given options of its endpoint."""

    name: str
    member: Member

    def describe(self) -> str:
        """Return a description."""
        words = [f"connect {self.member.name} to {self.name}"]
        words += [f"{key} {getattr(self.member, key)}" for key in ("ipv4", "ipv6", "mac") if getattr(self.member, key)]
        words += [f"aliases {', '.join(self.member.aliases)}"] if self.member.aliases else []
        return ", ".join(words)

    def simulate(self, actual: ActualNetwork) -> ActualNetwork:
        """Return the state afterwards."""
        return actual.with_member(self.member)


@record
class DisconnectMember:
    """Disconnect a container."""

    name: str
    member: Member

    def describe(self) -> str:
        """Return a description."""
        return f"disconnect {self.member.name} from {self.name}"

    def simulate(self, actual: ActualNetwork) -> ActualNetwork:
        """Return the state afterwards."""
        return actual.without_member(self.member)


@record
class DiscardMembers:
    """Discard the saved members of a network that is not recreated."""

    name: str

    def describe(self) -> str:
        """Return a description."""
        return f"discard the recovery journal of {self.name}"

    def simulate(self, actual: ActualNetwork) -> ActualNetwork:
        """Return the state afterwards."""
        return replace_fields(actual, before=None, before_id="", lost={})


Op = Union[CreateNetwork, RemoveNetwork, ConnectMember, DisconnectMember, DiscardMembers]
