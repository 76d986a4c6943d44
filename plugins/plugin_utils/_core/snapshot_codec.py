# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot as it comes from a host: one compressed string, which costs the controller least."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleActionFail

_GZIP_MAGIC = b"\x1f\x8b"


@contextlib.contextmanager
def quietly(action: Any) -> Iterator[None]:
    """Keep what comes through an action's connection out of the log, to which it goes from the third verbosity on."""
    # A connection that stands since an earlier task has the context of that one.
    contexts = [action._play_context, getattr(action._connection, "_play_context", action._play_context)]
    before = [context.no_log for context in contexts]
    for context in contexts:
        context.no_log = True
    try:
        yield
    finally:
        for context, value in zip(contexts, before):
            context.no_log = value


def compressed(content: Any) -> bytes:
    """Return the document as it goes into a file, compressed with gzip; raise AnsibleActionFail for anything else."""
    try:
        document = base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error):
        document = b""
    if not document.startswith(_GZIP_MAGIC):
        raise AnsibleActionFail("what came from the host is no snapshot")
    return document


def document(content: Any) -> dict[str, Any]:
    """Return the document itself, likewise."""
    try:
        found = json.loads(gzip.decompress(compressed(content)))
    except (ValueError, EOFError, OSError, zlib.error):
        found = None
    if not isinstance(found, dict):
        raise AnsibleActionFail("what came from the host is no snapshot")
    return found
