# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets that probes send and receive: known bytes, and arbitrary bytes."""

from __future__ import annotations

import contextlib
import socket
import struct

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import arp as arp_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import certificate
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import dns as dns_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import icmp as icmp_codec
from hypothesis import given
from hypothesis import strategies as st

QUESTION = bytes.fromhex("1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001")
HEAD = bytes.fromhex("1234 8580 0001 0001 0000 0000") + QUESTION[12:]


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def test_dns_query_matches_the_rfc() -> None:
    assert dns_codec.encode_query(0x1234, "www.example.com", "A") == QUESTION
    assert dns_codec.encode_query(0x1234, "www.example.com.", "A") == QUESTION
    assert dns_codec.encode_query(1, ".", "NS")[12:] == bytes.fromhex("00 0002 0001")


@pytest.mark.parametrize("name", ["a" * 64, "a..b", ".".join(["a" * 60] * 5), "ü.example"])
def test_invalid_names_are_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|codec"):
        dns_codec.encode_query(1, name, "A")


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("A", bytes([192, 0, 2, 1]), "192.0.2.1"),
        ("AAAA", socket.inet_pton(socket.AF_INET6, "2001:db8::1"), "2001:db8::1"),
        ("CNAME", b"\x03web\xc0\x10", "web.example.com"),
        ("MX", b"\x00\x0a\x04mail\xc0\x10", "10 mail.example.com"),
        ("SRV", struct.pack("!3H", 1, 2, 443) + b"\x01a\x00", "1 2 443 a"),
        ("SOA", b"\x01a\x00\x01b\x00" + struct.pack("!5I", 1, 2, 3, 4, 5), "a b 1 2 3 4 5"),
        ("TXT", b"\x03abc\x03d\xffe", "abcd\\xffe"),
        ("CAA", b"\x00\x05issueca.test", "0 issue ca.test"),
        ("DS", b"\x01\x02", "0102"),
        ("A", b"\x01\x02", "0102"),
        ("PTR", b"\x04a.b\x1b\x00", "a\\046b\\027"),
    ],
)
def test_records_are_formatted_as_text(kind: str, data: bytes, text: str) -> None:
    question = QUESTION[:-4] + struct.pack("!HH", dns_codec.TYPES[kind], 1)
    message = bytes.fromhex("1234 8580 0001 0001 0000 0000") + question[12:] + record(dns_codec.TYPES[kind], data)
    answer = dns_codec.decode_answer(message, 0x1234, "WWW.example.com.", kind)
    assert answer.records == (dns_codec.Record("www.example.com", kind, 300, text),)
    assert (answer.rcode, answer.authoritative, answer.truncated) == ("NOERROR", True, False)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        QUESTION,
        HEAD[:20],
        HEAD,
        b"\x12\x35" + HEAD[2:],
        HEAD.replace(b"www", b"xxx"),
        HEAD + record(5, b"\xc0\x2d"),  # a compression pointer to itself
        HEAD + record(1, bytes(4))[:-1],
        HEAD + record(5, b"\x80abc"),
        HEAD + record(16, b"\x09abc") + b"",
    ],
)
def test_invalid_dns_response_is_rejected(message: bytes) -> None:
    try:
        found = dns_codec.decode_answer(message, 0x1234, "www.example.com", "A")
    except ValueError:
        return
    assert found.records[0].type == "TXT"  # a string that ends too early is truncated


@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_dns_response_is_parsed_or_a_value_error(head: bytes, tail: bytes) -> None:
    for message in (head, HEAD + tail, HEAD + record(15, tail), HEAD + record(6, tail), HEAD + record(257, tail)):
        with contextlib.suppress(ValueError):
            dns_codec.decode_answer(message, 0x1234, "www.example.com", "A")


def test_reverse_names() -> None:
    assert dns_codec.build_reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa"
    assert dns_codec.build_reverse_name("2001:db8::1").endswith(".8.b.d.0.1.0.0.2.ip6.arpa")


def test_checksum_matches_the_rfc() -> None:
    assert icmp_codec.compute_checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    message = icmp_codec.encode_request(4, 7, 9, 101)
    assert len(message) == 81
    assert icmp_codec.compute_checksum(message) == 0


def quoted(version: int, kind: int, code: int, rest: bytes, inner: bytes) -> bytes:
    header = bytes([0x45]) + bytes(8) + bytes([1]) + bytes(10)
    six = bytes([0x60]) + bytes(5) + bytes([58]) + bytes(33)
    message = struct.pack("!BBH", kind, code, 0) + rest + (header if version == 4 else six) + inner[:8]
    return (header if version == 4 else b"") + message


def test_icmp_responses_are_parsed() -> None:
    for version in (4, 6):
        request = icmp_codec.encode_request(version, 0xABCD, 3, 100)
        echo = (bytes([0x45]) + bytes(19) if version == 4 else b"") + bytes([0 if version == 4 else 129]) + request[1:]
        assert icmp_codec.decode_reply(version, echo, "x") == (0xABCD, 3, "reply", echo[-len(request)], 0, 0, "x")
    four, six = icmp_codec.encode_request(4, 1, 2, 100), icmp_codec.encode_request(6, 1, 2, 100)
    big = icmp_codec.decode_reply(4, quoted(4, 3, 4, struct.pack("!HH", 0, 1400), four), "r")
    assert big and (big.kind, big.mtu, big.sequence) == ("too_big", 1400, 2)
    wide = icmp_codec.decode_reply(6, quoted(6, 2, 0, struct.pack("!I", 70000), six), "r")
    assert wide and (wide.kind, wide.mtu) == ("too_big", 70000)
    late = icmp_codec.decode_reply(4, quoted(4, 11, 0, bytes(4), four), "r")
    assert late and late.kind == "expired"
    no = icmp_codec.decode_reply(6, quoted(6, 1, 4, bytes(4), six), "r")
    assert no and icmp_codec.describe_error(6, no.type, no.code) == ("refused", "port unreachable")
    assert icmp_codec.describe_error(4, 3, 200)[0] == "unreachable"
    assert icmp_codec.decode_reply(4, quoted(4, 3, 1, bytes(4), b"\x00" * 8), "r") is None


@given(st.binary(max_size=120), st.sampled_from([4, 6]))
def test_any_icmp_response_is_parsed(packet: bytes, version: int) -> None:
    icmp_codec.decode_reply(version, packet, "x")
    icmp_codec.decode_advertisement(packet, "fd00::1", bytes(6))
    arp_codec.decode_reply(packet, "192.0.2.1")


def test_neighbor_solicitation_is_encoded() -> None:
    packet, group = icmp_codec.encode_solicitation("fd00::12:3456", bytes.fromhex("020000000001"), "fd00::1")
    assert group == bytes.fromhex("3333ff123456")
    assert packet[24:40] == socket.inet_pton(socket.AF_INET6, "ff02::1:ff12:3456")
    assert packet[7] == 255 and packet[-8:] == bytes.fromhex("0101020000000001")
    pseudo = packet[8:40] + struct.pack("!II", len(packet) - 40, 58)
    assert icmp_codec.compute_checksum(pseudo + packet[40:]) == 0
    probing, _group = icmp_codec.encode_solicitation("fd00::1", bytes(6), "::")
    assert len(probing) == 64  # the sender is not given


def test_arp_request_is_encoded() -> None:
    mac = bytes.fromhex("020000000001")
    request = arp_codec.encode_request("192.0.2.1", mac, "192.0.2.2")
    assert request.hex() == "0001080006040001020000000001c0000202000000000000c0000201"
    assert arp_codec.decode_reply(request, "192.0.2.2") == mac
    assert arp_codec.decode_reply(request, "192.0.2.1") is None
    assert arp_codec.decode_reply(arp_codec.encode_request("192.0.2.1", mac, "0.0.0.0"), "192.0.2.1") == mac


@given(st.binary(max_size=200))
def test_any_certificate_is_parsed_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        certificate.parse_certificate(data, 0.0)
