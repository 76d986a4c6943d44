# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module network with an engine that requires TLS client certificates."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .docker_host import DockerHost

pytestmark = [pytest.mark.long, pytest.mark.libraries]

_OF_CA = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Keys:
    """A certificate authority in a folder, and the certificates that it signs."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.ca = self.folder / "ca.pem"
        self._openssl("req", "-x509", *_CURVE, "-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/CN={name}", *_OF_CA)

    def signed(self, name: str, more: str) -> tuple[str, str]:
        """Return the files of a certificate and its key."""
        more += "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
        (self.folder / f"{name}.ext").write_text(more, encoding="utf-8")
        self._openssl(
            "req", "-new", *_CURVE[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"
        )
        sign = ("x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        self._openssl(*sign, "-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext")
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    def _openssl(self, *argv: str) -> None:
        assert shutil.which("openssl"), "the tests need openssl"
        done = subprocess.run(["openssl", *argv], cwd=self.folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture(scope="module")
def host(keys: Keys) -> Iterator[DockerHost]:
    certificate, key = keys.signed("engine", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    files = (f"--tlscacert={keys.ca}", f"--tlscert={certificate}", f"--tlskey={key}")
    with DockerHost("--host=tcp://127.0.0.1:2376", "--tlsverify", *files) as found:
        yield found


def asked(keys: Keys, **more: Any) -> dict[str, Any]:
    """Return a network's arguments for a user with a valid client certificate."""
    certificate, key = keys.signed("user", "extendedKeyUsage=clientAuth\n")
    known = {"ca_path": str(keys.ca), "client_cert": certificate, "client_key": key, "validate_certs": True}
    return {"name": "one", "docker_host": "tcp://127.0.0.1:2376", "timeout": 5, "deadline": 15, **known, **more}


@pytest.mark.parametrize("trust", [{}, {"validate_certs": False, "tls": True}])
def test_engine_is_reached_over_tls(
    host: DockerHost, keys: Keys, monkeypatch: pytest.MonkeyPatch, trust: dict[str, bool]
) -> None:
    # Such a variable can configure CAs for other purposes, which do not apply to the engine.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(keys.folder / "engine.pem"))
    for state, there in (("present", True), ("absent", False)):
        done = host.network(**asked(keys, state=state, **trust))
        assert not done.failed, done.msg
        assert done.changed
        assert (host.inspect("network", "one") is not None) is there
        assert not host.network(**asked(keys, state=state, **trust)).changed


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("authority", ("certificate verify failed",)),
        # All settings that the SDK supports; unsupported ones are reported.
        ("name", ("doesn't match", "tls_hostname: not supported by the docker SDK on this host")),
        # With TLS 1.3, the engine rejects it after the handshake, and may close the connection early.
        ("user", ("certificate", "EOF occurred")),
    ],
)
def test_engine_with_an_untrusted_certificate_is_rejected(
    host: DockerHost, keys: Keys, tmp_path: Path, wrong: str, words: tuple[str, ...], check: bool
) -> None:
    more: dict[str, Any] = {}
    if wrong == "authority":
        more["ca_path"] = str(Keys(tmp_path, "theirs").ca)
    elif wrong == "name":
        more["tls_hostname"] = "somebody.else"
    else:
        certificate, key = Keys(tmp_path, "theirs").signed("user", "extendedKeyUsage=clientAuth\n")
        more.update(client_cert=certificate, client_key=key)
    failed = host.network(check=check, **asked(keys, **more))
    assert failed.failed
    assert any(one in failed.msg for one in words), failed.msg
    assert "\n" not in failed.msg
    assert host.inspect("network", "one") is None
