# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection to Docker Engine."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, named as in community.docker."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - URL of Docker Engine, C(unix:///PATH), C(tcp://HOST:PORT) or C(ssh://USER@HOST).
      - If the option is not set, the environment variable E(DOCKER_HOST) is used.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls_hostname:
    description:
      - Host name to verify in the certificate of the engine. Supported by the Docker SDK up to version 6.
      - If the option is not set, the environment variable E(DOCKER_TLS_HOSTNAME) is used.
    type: str
  api_version:
    description:
      - Version of the API. V(auto) selects the latest version that both sides support.
      - If the option is not set, the environment variable E(DOCKER_API_VERSION) is used.
    type: str
    default: auto
    aliases: [docker_api_version]
  timeout:
    description:
      - Seconds to wait for the start and for each part of a response of the engine.
      - If the option is not set, the environment variable E(DOCKER_TIMEOUT) is used.
    type: int
    default: 60
  deadline:
    description:
      - Maximum number of seconds for the whole run, even if the engine sends its responses very slowly.
    type: int
    default: 300
  ca_path:
    description:
      - CA certificate to verify the certificate of the engine.
      - >-
        If the environment variable E(DOCKER_CERT_PATH) is set, C(ca.pem), C(cert.pem) and C(key.pem) in this directory
        are the defaults of O(ca_path), O(client_cert) and O(client_key).
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - Client certificate.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - Key of the client certificate.
    type: path
    aliases: [tls_client_key, key_path]
  tls:
    description:
      - Use TLS without verifying the certificate of the engine. O(validate_certs) takes precedence.
      - If the option is not set, the environment variable E(DOCKER_TLS) is used.
    type: bool
    default: false
  validate_certs:
    description:
      - Use TLS and verify the certificate of the engine.
      - If the option is not set, the environment variable E(DOCKER_TLS_VERIFY) is used.
    type: bool
    default: false
    aliases: [tls_verify]
  use_ssh_client:
    description:
      - For C(ssh://), use the program C(ssh) instead of the library paramiko.
    type: bool
    default: false
  debug:
    description:
      - Ignored. Accepted for compatibility with C(community.docker); operations are always returned.
    type: bool
    default: false
requirements:
  - docker SDK for Python 5.0.3 or later
"""
