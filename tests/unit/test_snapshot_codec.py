# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed results of hosts: what a host returns is limited and checked before it is used."""

from __future__ import annotations

import base64
import gzip

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec


def pack(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, mtime=0)).decode()


def test_document_is_decompressed() -> None:
    assert snapshot_codec.decompress(pack(b'{"version": 1}')) == {"version": 1}


@pytest.mark.parametrize(
    "content",
    [
        *(None, 7, "", "no base64", base64.b64encode(b"no gzip").decode(), pack(b"[]"), pack(b"{"), pack(b"\xff")),
        *(pack(b'{"a": "' + b"x" * 9000 + b'"}')[:-40], pack(b"[" * 200_000), pack(b'{"a":' * 200_000)),
    ],
)
def test_invalid_document_is_an_error(content: object) -> None:
    with pytest.raises(AnsibleActionFail, match="invalid snapshot"):
        snapshot_codec.decompress(content)


def test_document_over_the_limit_is_an_error() -> None:
    bomb = pack(b'{"a": "' + bytes(1 << 27) + b'"}')
    assert len(bomb) < 1 << 18
    with pytest.raises(AnsibleActionFail, match="more than 64 MiB"):
        snapshot_codec.decompress(bomb)
