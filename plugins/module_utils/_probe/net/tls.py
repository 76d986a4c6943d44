# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS on an existing connection: handshake, facts of the certificate, and verification."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import certificate
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import Check


class CertificateRejected(Exception):
    """A certificate fails verification, and why."""


def do_handshake(check: Check, connection: socket.socket, verified: bool) -> tuple[ssl.SSLSocket, dict[str, Any]]:
    """Return the TLS connection and its facts; raise ssl.SSLError, or CertificateRejected during verification."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    name = check.options.get("server_name") or check.target
    if verified:
        if check.options.get("ca_file"):
            context.load_verify_locations(check.options["ca_file"])
        else:
            context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        secure = context.wrap_socket(connection, server_hostname=name.rstrip("."))
    except ssl.SSLCertVerificationError as error:
        raise CertificateRejected(error.verify_message or str(error)) from None
    cipher = secure.cipher()
    facts: dict[str, Any] = {"version": secure.version(), "cipher": cipher[0] if cipher else None, "server_name": name}
    der = secure.getpeercert(binary_form=True)
    if der:
        try:
            facts["certificate"] = certificate.parse_certificate(der, time.time())
        except ValueError as error:
            facts["certificate"] = {"error": str(error)}
    return secure, facts
