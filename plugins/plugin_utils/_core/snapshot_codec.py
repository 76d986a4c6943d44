# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots as compressed strings, which require the least time on the control node."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleActionFail

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_HEADER = 16
# A host with a thousand containers returns some 20 MiB. Parsed, a document takes at most some 20 times its size.
_MOST_BYTES = 1 << 26


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
    """Return the decompressed document; raise AnsibleActionFail for invalid content and for more than the limit."""
    try:
        found = json.loads(_decompress_limited(compress(content)))
    except (ValueError, RecursionError, zlib.error):
        found = None
    if not isinstance(found, dict):
        raise AnsibleActionFail("the host returned an invalid snapshot")
    return found


def _decompress_limited(document: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | _GZIP_HEADER)
    text = reader.decompress(document, _MOST_BYTES)
    if reader.unconsumed_tail:
        raise AnsibleActionFail(
            f"the host returned a snapshot of more than {_MOST_BYTES >> 20} MiB; reduce it with gather_subset or "
            "max_entries"
        )
    if not reader.eof:
        raise ValueError("truncated")
    return text
