# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning that only bridges need: the exact list of their ports."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import SetLink
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.builder import Draft


def release_others(draft: Draft, label: str, want: Link) -> None:
    """Plan the release of every port that the bridge is not to have."""
    for name, link in draft.state.netns(label).links.items():
        if link.master == want.name and name not in (want.ports or ()):
            draft.do(SetLink(label, name, {"master": ""}))
