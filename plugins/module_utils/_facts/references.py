# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up references such as pid:42: a snapshot lists only some processes and paths of each namespace."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import open_reference


def look_up_references(references: Iterable[str]) -> dict[str, str]:
    """Return the inode of the namespace of each reference; those that lead to no namespace are left out."""
    found = {}
    for reference in references:
        with contextlib.suppress(NetfleetError, ValueError):
            descriptor = open_reference(validators.netns_reference(reference))
            try:
                found[reference] = str(os.fstat(descriptor).st_ino)
            finally:
                os.close(descriptor)
    return found
