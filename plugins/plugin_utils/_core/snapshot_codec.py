# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots as compressed strings, which require the least time on the control node."""

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
def suppress_output(action: Any) -> Iterator[None]:
    """Keep the output of a connection out of the log, which contains it at verbosity 3 and higher."""
    # A persistent connection has the context of an earlier task.
    contexts = [action._play_context, getattr(action._connection, "_play_context", action._play_context)]
    before = [context.no_log for context in contexts]
    for context in contexts:
        context.no_log = True
    try:
        yield
    finally:
        for context, value in zip(contexts, before):
            context.no_log = value


def compress(content: Any) -> bytes:
    """Return the compressed document; raise AnsibleActionFail for invalid content."""
    try:
        document = base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error):
        document = b""
    if not document.startswith(_GZIP_MAGIC):
        raise AnsibleActionFail("the host returned an invalid snapshot")
    return document


def decompress(content: Any) -> dict[str, Any]:
    """Return the decompressed document; raise AnsibleActionFail for invalid content."""
    try:
        found = json.loads(gzip.decompress(compress(content)))
    except (ValueError, EOFError, OSError, zlib.error):
        found = None
    if not isinstance(found, dict):
        raise AnsibleActionFail("the host returned an invalid snapshot")
    return found
