# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPsec states and policies, compared with ip-xfrm(8).

A state with keys requires a kernel with ESP. Without it, the states here are larval, as at the start of a key exchange,
and keys are tested with a constructed message.
"""

from __future__ import annotations

import ipaddress
import json
import re
import struct

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import xfrm
from ansible_collections.netfleet.docker.tests.schema import assert_row

from .reading import read
from .sandbox import Sandbox

_STATES = (
    "src 192.0.2.1 dst 198.51.100.2 proto esp mode tunnel reqid 5 min 0x100 max 0x200",
    "src 2001:db8::1 dst 2001:db8::2 proto ah mode transport reqid 6",
    "src 192.0.2.1 dst 198.51.100.3 proto comp mode transport min 0x100 max 0x200",
)
_POLICIES = (
    (
        "dir out src 10.1.0.0/24 dst 10.2.0.0/16 proto tcp sport 5 dport 80 dev lo mark 0xd0c4e3 priority 9"
        " tmpl src 192.0.2.1 dst 198.51.100.2 proto esp spi 0x5 reqid 3 mode tunnel"
        " tmpl proto ah mode transport level required"
    ),
    "dir in src 2001:db8::/32 dst 2001:db8:1::1/128 action block",
    "dir fwd src 0.0.0.0/0 dst 10.3.0.0/24 proto 47 tmpl src 192.0.2.9 dst 192.0.2.8 proto esp mode beet level use",
)


@pytest.fixture(autouse=True)
def ipsec(box: Sandbox) -> None:
    if not box.run("sh", "-c", "ip xfrm policy count 2>/dev/null || true"):
        pytest.skip("this kernel has no IPsec")


def test_states_match_ip_output(box: Sandbox) -> None:
    box.sh(*(f"ip xfrm state allocspi {state}" for state in _STATES), netns="red")
    rows = read(box, "red", xfrm.read_xfrm)["xfrm_states"]
    told = box.run("ip", "xfrm", "state", netns="red")
    expected = re.findall(r"src (\S+) dst (\S+)\n\tproto (\w+) spi (\w+) reqid (\d+) mode (\w+)", told)
    assert len(expected) == 3
    columns = ("src", "dst", "protocol", "spi", "reqid", "mode")
    found = {tuple(row[column] for column in columns) for row in rows}
    assert found == {(src, dst, of, int(spi, 16), int(reqid), mode) for src, dst, of, spi, reqid, mode in expected}
    assert {row["family"] for row in rows} == {4, 6}
    for row in rows:
        assert_row("xfrm_state", row)
    assert all(row["mark"] is None and row["encryption"] is None and row["packets"] == 0 for row in rows)
    assert read(box, "blue", xfrm.read_xfrm) == {"xfrm_states": [], "xfrm_policies": []}


def test_policies_match_what_was_created(box: Sandbox) -> None:
    box.sh(*(f"ip xfrm policy add {policy}" for policy in _POLICIES), netns="red")
    rows = xfrm.complete_policies(read(box, "red", xfrm.read_xfrm)["xfrm_policies"], {1: "lo"})
    for row in rows:
        assert_row("xfrm_policy", row)
    told = box.run("ip", "-d", "xfrm", "policy", netns="red")
    assert {f"src {row['src']} dst {row['dst']}" for row in rows} == set(
        re.findall(r"^src \S+ dst \S+", told, re.MULTILINE)
    )
    out, block, forward = sorted(rows, key=lambda row: ("out", "in", "fwd").index(row["direction"]))
    indexes = [row.pop("index") for row in (out, block, forward)]
    details = box.run("ip", "-s", "xfrm", "policy", netns="red")
    assert {str(index) for index in indexes} == set(re.findall(r"index (\d+) ", details))
    assert out == {
        "family": 4,
        "src": "10.1.0.0/24",
        "dst": "10.2.0.0/16",
        "sport": 5,
        "dport": 80,
        "ip_protocol": 6,
        "direction": "out",
        "action": "allow",
        "priority": 9,
        "mark": 0xD0C4E3,
        "interface": "lo",
        "templates": [
            {
                "src": "192.0.2.1",
                "dst": "198.51.100.2",
                "protocol": "esp",
                "spi": 5,
                "reqid": 3,
                "mode": "tunnel",
                "level": "required",
            },
            {
                "src": "0.0.0.0",
                "dst": "0.0.0.0",
                "protocol": "ah",
                "spi": 0,
                "reqid": 0,
                "mode": "transport",
                "level": "required",
            },
        ],
    }
    assert (block["family"], block["action"], block["templates"]) == (6, "block", [])
    assert (block["sport"], block["ip_protocol"], block["mark"], block["interface"]) == (None, None, None, None)
    assert forward["ip_protocol"] == 47
    assert (forward["templates"][0]["mode"], forward["templates"][0]["level"]) == ("beet", "use")


def message(*attributes: tuple[int, bytes]) -> bytes:
    """Return struct xfrm_usersa_info, field by field as in linux/xfrm.h, with attributes."""
    src, dst = (ipaddress.ip_address(one).packed.ljust(16, b"\0") for one in ("192.0.2.1", "198.51.100.2"))
    selector = bytes(16 + 16 + 2 * 4 + 2 + 3 + 3 + 4 + 4)
    identity = dst + struct.pack(">I", 0xABC) + bytes((50, 0, 0, 0))
    limits, used = bytes(8 * 8), struct.pack("=QQQQ", 4200, 42, 1, 2)
    rest = struct.pack("=IIIIIHBBB7x", 0, 0, 0, 1, 77, 2, 1, 32, 0)
    payload = selector + identity + src + limits + used + rest
    assert len(payload) == 224
    for number, value in attributes:
        payload += struct.pack("=HH", len(value) + 4, number) + value + bytes(-len(value) % 4)
    return payload


def algorithm(name: bytes, key: bytes, *more: int) -> bytes:
    return name.ljust(64, b"\0") + struct.pack("=I", len(key) * 8) + struct.pack(f"={len(more)}I", *more) + key


def test_keys_are_not_collected() -> None:
    secret = b"\xfeSECRETKEY\xff123456"
    auth = algorithm(b"hmac(sha256)", secret)
    truncated = algorithm(b"hmac(sha256)", secret, 128)
    aead = algorithm(b"rfc4106(gcm(aes))", secret, 64)
    mark = struct.pack("=II", 0xD0C4E3, 0xFFFFFFFF)
    split = xfrm.decode_state(message((1, auth), (20, truncated), (2, algorithm(b"cbc(aes)", secret)), (21, mark)))
    assert split == {
        "family": 4,
        "src": "192.0.2.1",
        "dst": "198.51.100.2",
        "protocol": "esp",
        "spi": 0xABC,
        "reqid": 77,
        "mode": "tunnel",
        "encryption": "cbc(aes)",
        "encryption_bits": len(secret) * 8,
        "authentication": "hmac(sha256)",
        "mark": 0xD0C4E3,
        "packets": 42,
        "bytes": 4200,
    }
    combined = xfrm.decode_state(message((18, aead)))
    assert (combined["encryption"], combined["authentication"]) == ("rfc4106(gcm(aes))", None)
    endless = xfrm.decode_state(message((1, algorithm(b"x" * 64, secret))))
    assert endless["authentication"] == "x" * 64
    for row in (split, combined, endless):
        text = json.dumps(row)
        assert "SECRET" not in text and secret.hex() not in text
