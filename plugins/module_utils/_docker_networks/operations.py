# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be done to a network, as data: each can describe itself and tell what becomes of it; pure."""

from __future__ import annotations

from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import Actual, Member, Network


@record
class Create:
    """Make the network."""

    network: Network

    def describe(self) -> str:
        """Return a line for people."""
        kind = "configuration" if self.network.config_only else f"{self.network.driver or 'bridge'} network"
        return f"create {kind} {self.network.name}"

    def simulate(self, actual: Actual) -> Actual:
        """Return what there is afterwards."""
        return replace_fields(actual, network=self.network, id="", members={}, before=None, before_id="")


@record
class Remove:
    """Remove the network, in which nobody is any more."""

    name: str
    id: str

    def describe(self) -> str:
        """Return a line for people."""
        return f"remove network {self.name}"

    def simulate(self, actual: Actual) -> Actual:
        """Return what there is afterwards."""
        return replace_fields(actual, network=None, id="", members={})


@record
class Connect:
    """Connect a container, with what is not None of its endpoint."""

    name: str
    member: Member

    def describe(self) -> str:
        """Return a line for people."""
        words = [f"connect {self.member.name} to {self.name}"]
        words += [f"{key} {getattr(self.member, key)}" for key in ("ipv4", "ipv6", "mac") if getattr(self.member, key)]
        words += [f"aliases {', '.join(self.member.aliases)}"] if self.member.aliases else []
        return ", ".join(words)

    def simulate(self, actual: Actual) -> Actual:
        """Return what there is afterwards."""
        return actual.with_member(self.member)


@record
class Disconnect:
    """Disconnect a container."""

    name: str
    member: Member

    def describe(self) -> str:
        """Return a line for people."""
        return f"disconnect {self.member.name} from {self.name}"

    def simulate(self, actual: Actual) -> Actual:
        """Return what there is afterwards."""
        return actual.without_member(self.member)


@record
class Forget:
    """Forget who was in a network that is not to come back."""

    name: str

    def describe(self) -> str:
        """Return a line for people."""
        return f"discard the recovery journal of {self.name}"

    def simulate(self, actual: Actual) -> Actual:
        """Return what there is afterwards."""
        return replace_fields(actual, before=None, before_id="", lost={})


Op = Union[Create, Remove, Connect, Disconnect, Forget]
