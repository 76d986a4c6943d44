# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS, names of targets and TLS, with servers of the test whose answers are known."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .docker_host import DockerHost
from .probing import FAR, FAR6, Way

pytestmark = [pytest.mark.long, pytest.mark.sockets]

QUICK = {"timeout": 1}


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    with Way() as found:
        found.serve("udp:dns:53", "tcp:dns:53", "udp:garbage:54", "udp:silent:55", "tcp:http:80")
        (tmp_path / "resolv.conf").write_text(f"# a comment\nnameserver {FAR}\nsearch search.test\noptions ndots:1\n")
        yield found


@pytest.fixture
def conf(tmp_path: Path) -> str:
    return str(tmp_path / "resolv.conf")


def test_answers_of_a_name_server(way: Way) -> None:
    ask = {"type": "dns", "server": FAR, **QUICK}
    found = way.probe(
        {**ask, "target": "far.test", "answers": [FAR]},
        {**ask, "target": "far.test", "record": "AAAA", "answers": [FAR6]},
        {**ask, "target": "FAR.test.", "protocol": "tcp"},
        {**ask, "target": FAR, "answers": ["far.test"]},
        {**ask, "target": "alias.test"},
        {**ask, "target": "long.test", "record": "TXT"},
        {**ask, "target": "far.test", "answers": ["192.0.2.9"]},
        {**ask, "target": "none.test"},
        {**ask, "target": "far.test", "record": "TXT"},
        {**ask, "target": "only6.test"},
        {**ask, "target": "broken.test"},
        {**ask, "target": "secret.test"},
        {**ask, "target": "far.test", "server": FAR6},
    )
    states = ["open"] * 7 + ["nxdomain", "nxdomain", "nodata", "servfail", "refused", "open"]
    assert [one["state"] for one in found] == states, [one["reason"] for one in found]
    assert [one["met"] for one in found] == [True] * 6 + [False] * 6 + [True]
    assert found[0]["answers"] == [{"name": "far.test", "type": "A", "ttl": 60, "data": FAR}]
    assert (found[0]["server"], found[0]["rcode"], found[0]["authoritative"]) == (FAR, "NOERROR", True)
    assert [one["type"] for one in found[4]["answers"]] == ["CNAME", "A"]
    assert found[5]["answers"][0]["data"] == "x" * 1000
    assert "192.0.2.9 is not among the answers" in found[6]["reason"]


def test_name_servers_that_do_not_answer(way: Way) -> None:
    ask = {"type": "dns", "target": "far.test", "server": FAR, **QUICK}
    garbage, silent, closed, nobody = way.probe(
        {**ask, "port": 54}, {**ask, "port": 55}, {**ask, "port": 56}, {**ask, "server": "203.0.113.1"}
    )
    assert garbage["state"] == "servfail" and "is invalid" in garbage["reason"]
    assert silent["state"] == "filtered"
    assert closed["state"] == "refused"
    assert nobody["state"] in ("unreachable", "filtered")


def test_resolver_of_the_namespace_is_used(way: Way, conf: str) -> None:
    found = way.probe(
        {"type": "dns", "target": "far.test"},
        {"type": "dns", "target": "db", "search": True},
        {"type": "dns", "target": "db", "expect": ["nxdomain"]},
        {"type": "ping", "target": "far.test", "count": 1},
        {"type": "ping", "target": "far.test", "count": 1, "family": "ipv6"},
        {"type": "ping", "target": "only6.test", "count": 1},
        {"type": "tcp", "target": "db", "port": 80},
        {"type": "http", "url": "http://far.test/", "contains": "Host: far.test"},
        {"type": "ping", "target": "none.test", "expect": ["unresolved"]},
        {"type": "ping", "target": "only6.test", "family": "ipv4", "expect": ["unresolved"]},
        resolv_conf=conf,
    )
    assert all(one["met"] for one in found), [one["reason"] for one in found]
    assert found[1]["question"] == "db.search.test A"
    assert [one["address"] for one in found[3:8]] == [FAR, FAR6, FAR6, FAR, FAR]
    assert {one["resolved_by"] for one in found[3:8]} == {FAR}
    assert "NXDOMAIN" in found[8]["reason"] and FAR in found[8]["reason"]


def test_unreachable_resolver_is_reported(way: Way, conf: str) -> None:
    way.sh("iptables -A INPUT -p udp --dport 53 -j DROP", netns="far")
    name, dns = way.probe(
        {"type": "tcp", "target": "far.test", "port": 80, "timeout": 2},
        {"type": "dns", "target": "far.test", "timeout": 2},
        resolv_conf=conf,
    )
    assert name["state"] == "unresolved" and f"{FAR}: timed out" in name["reason"]
    assert dns["state"] == "filtered"


def test_second_name_server_is_used_when_the_first_fails(way: Way, tmp_path: Path) -> None:
    both = tmp_path / "both.conf"
    both.write_text(f"nameserver 192.0.2.254\nnameserver {FAR}\n")
    found = way.probe({"type": "ping", "target": "far.test", "count": 1}, resolv_conf=str(both))[0]
    assert found["met"] and found["resolved_by"] == FAR


def test_files_in_etc_netns_are_used(way: Way) -> None:
    # The machine's own folder is unchanged.
    way.sh("cp -a /etc /run/etc", "mount --bind /run/etc /etc", "mkdir -p /etc/netns/near")
    way.sh(f"echo nameserver {FAR} > /etc/netns/near/resolv.conf")
    way.sh(f"echo '{FAR} Known.test other' > /etc/netns/near/hosts")
    done = way.module(
        "probe",
        {
            "netns": "near",
            "checks": [
                {"type": "ping", "target": "far.test", "count": 1},
                {"type": "ping", "target": "known.test", "count": 1},
            ],
        },
    )
    assert done.data["resolver"]["path"] == "/etc/netns/near/resolv.conf"
    dns, hosts = done.data["results"]
    assert (dns["met"], dns["resolved_by"]) == (True, FAR)
    assert (hosts["met"], hosts["address"], hosts["resolved_by"]) == (True, FAR, "/etc/netns/near/hosts")


def test_only_configured_name_servers_are_queried(way: Way, tmp_path: Path) -> None:
    empty = tmp_path / "empty.conf"
    empty.write_text("options ndots:2\n")
    found = way.probe({"type": "ping", "target": "far.test"}, resolv_conf=str(empty))[0]
    assert found["state"] == "unresolved" and "lists no name server" in found["reason"]
    done = way.refuse({"type": "ping", "target": "far.test"}, resolv_conf="/gone.conf")
    assert "resolv_conf" in done.msg


def certificate(folder: Path, name: str, *more: str) -> Path:
    """Create a key and a certificate in one file with openssl(1)."""
    key, found = folder / f"{name}.key", folder / f"{name}.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(found), "-subj", f"/O=Test/CN={name}", *more]
    subprocess.run(argv, check=True, capture_output=True)
    with found.open("a") as file:
        file.write(key.read_text())
    return found


def test_tls_probe(way: Way, tmp_path: Path, conf: str) -> None:
    good = certificate(tmp_path, "far.test", "-addext", f"subjectAltName=DNS:far.test,IP:{FAR}", "-days", "90")
    way.serve("tcp:tls:443", "tcp:mute:444", certificate=good)
    tls: dict[str, Any] = {"type": "tcp", "port": 443, "tls": True}
    trusted = {**tls, "verify": True, "ca_file": str(good)}
    told, by_name, by_address, unknown, other, none, mute, plain = way.probe(
        {**tls, "target": FAR},
        {**trusted, "target": "far.test"},
        {**trusted, "target": FAR},
        {**tls, "target": "far.test", "verify": True},
        {**trusted, "target": FAR, "server_name": "other.test", "expect": ["untrusted"]},
        {**tls, "target": FAR, "port": 80, **QUICK},
        {**tls, "target": FAR, "port": 444, **QUICK},
        {"type": "tcp", "target": FAR, "port": 443},
        resolv_conf=conf,
    )
    facts = told["tls"]["certificate"]
    witness = subprocess.run(
        ["openssl", "x509", "-in", str(good), "-noout", "-subject", "-serial", "-fingerprint", "-sha256"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert facts["sha256"] in witness.replace(":", "").lower()
    assert facts["serial"].lstrip("0").upper() in witness
    assert facts["subject"] == facts["issuer"] == "O=Test, CN=far.test"
    assert facts["names"] == ["far.test", FAR]
    assert facts["self_signed"] is True and facts["days_left"] in (89, 90)
    assert told["met"] and told["tls"]["version"].startswith("TLS") and "verified" not in told["tls"]
    assert by_name["met"] and by_name["tls"]["verified"] is True
    assert by_address["met"]
    assert (unknown["state"], unknown["met"], unknown["tls"]["verified"]) == ("untrusted", False, False)
    assert unknown["tls"]["certificate"]["sha256"] == facts["sha256"]
    assert other["met"] and "other.test" in other["reason"]
    assert none["state"] in ("no_tls", "filtered") and not none["met"]
    assert (mute["state"], mute["met"]) == ("filtered", False) and "TLS handshake timed out" in mute["reason"]
    assert plain["met"] and "tls" not in plain


def test_https_probe(way: Way, tmp_path: Path, conf: str) -> None:
    good = certificate(tmp_path, "far.test", "-addext", "subjectAltName=DNS:far.test", "-days", "90")
    way.serve("tcp:https:443", certificate=good)
    told, verified, wrong, gone = way.probe(
        {"type": "http", "url": f"https://{FAR}/", "contains": "hello"},
        {"type": "http", "url": "https://far.test/", "verify": True, "ca_file": str(good)},
        {"type": "http", "url": f"https://{FAR}/", "verify": True, "ca_file": str(good)},
        {"type": "http", "url": "https://far.test:443/gone", "headers": {"Host": "far.test"}},
        resolv_conf=conf,
    )
    assert told["met"] and told["status"] == 200 and told["tls"]["certificate"]["names"] == ["far.test"]
    assert verified["met"] and verified["tls"]["verified"] is True
    assert wrong["state"] == "untrusted"
    assert not gone["met"] and gone["status"] == 404


def expired(folder: Path) -> Path:
    """Create a certificate from January 2020."""
    good = certificate(folder, "far.test", "-addext", "subjectAltName=DNS:far.test")
    (folder / "index").touch()
    (folder / "ca.conf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n"
        f"new_certs_dir={folder}\nunique_subject=no\n[any]\ncommonName=supplied\n"
    )
    key = folder / "far.test.key"
    sign = ["openssl", "ca", "-batch", "-config", str(folder / "ca.conf"), "-notext", "-out", str(folder / "old.pem")]
    days = ["-startdate", "20200101000000Z", "-enddate", "20200131000000Z"]
    request = ["openssl", "req", "-new", "-key", str(key), "-subj", "/CN=far.test", "-out", str(folder / "request")]
    own = ["-selfsign", "-keyfile", str(key), "-in", str(folder / "request")]
    for argv in (request, [*sign, *days, *own]):
        subprocess.run(argv, check=True, capture_output=True)
    assert good.exists()
    found = folder / "old.pem"
    with found.open("a") as file:
        file.write(key.read_text())
    return found


def test_expired_certificate_is_reported(way: Way, tmp_path: Path) -> None:
    old = expired(tmp_path)
    way.serve("tcp:tls:443", certificate=old)
    check = {"type": "tcp", "target": FAR, "port": 443, "tls": True, "verify": True, "ca_file": str(old)}
    found = way.one(**check, server_name="far.test")
    assert found["state"] == "untrusted" and "expired" in found["reason"]
    facts = found["tls"]["certificate"]
    assert facts["days_left"] < 0 and facts["not_after"] == "2020-01-31T00:00:00Z"


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerHost]:
    with DockerHost() as host:
        host.docker("network", "create", "--subnet", "172.30.7.0/24", "probes")
        host.container("web", "--network", "probes", "--add-host", "pinned:192.0.2.5")
        host.container("db", "--network", "probes", "--network-alias", "database")
        host.container("bare", "--network", "none")
        host.container("shared", "--network", "host")
        host.container("joined", "--network", "container:web")
        host.container("gone", start=False)
        yield host


def test_names_resolve_as_in_the_container(docker: DockerHost) -> None:
    db = docker.inspect("container", "db")["NetworkSettings"]["Networks"]["probes"]["IPAddress"]
    done = docker.module(
        "probe",
        {
            "netns": "container:web",
            "checks": [
                {"type": "ping", "target": "database", "count": 1},
                {"type": "dns", "target": "db"},
                {"type": "tcp", "target": "db", "port": 80, "expect": ["refused"]},
                {"type": "ping", "target": "pinned", "count": 1, "timeout": 0.3, "expect": ["closed", "open"]},
                {"type": "duplicate", "target": db, "interface": "eth0", "timeout": 1},
            ],
        },
    )
    assert not done.failed, done.msg
    assert done.data["resolver"]["servers"] == ["127.0.0.11"]
    ping, dns, tcp, pinned, duplicate = done.data["results"]
    assert (ping["met"], ping["address"], ping["resolved_by"]) == (True, db, "127.0.0.11")
    assert dns["met"] and dns["answers"][0]["data"] == db
    assert tcp["met"]
    assert pinned["address"] == "192.0.2.5" and pinned["resolved_by"].endswith("/hosts")
    assert duplicate["state"] == "unique"
    assert docker.run("docker", "exec", "web", "ping", "-c1", "database")


def test_names_resolve_in_every_network_mode(docker: DockerHost) -> None:
    check = {"type": "ping", "target": "172.30.7.1", "count": 1}
    joined = docker.module("probe", {"netns": "container:joined", "checks": [check]})
    assert joined.data["met"]
    bare = docker.module("probe", {"netns": "container:bare", "checks": [check]})
    assert bare.data["results"][0]["state"] == "unreachable"
    for name, word in (("shared", "specify host"), ("gone", "is not running"), ("none-such", "no such container")):
        refused = docker.module("probe", {"netns": f"container:{name}", "checks": [check]})
        assert refused.failed and word in refused.msg
