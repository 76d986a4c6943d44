# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of where the Docker Engine is, for the modules that change what it has."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, named as in community.docker."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - URL of the Docker Engine, C(unix:///PATH), C(tcp://HOST:PORT) or C(ssh://USER@HOST).
      - The environment variable E(DOCKER_HOST) says so where the task does not.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls_hostname:
    description:
      - Name that the engine's certificate is to have. The docker SDK takes it up to version 6.
      - The environment variable E(DOCKER_TLS_HOSTNAME) says so where the task does not.
    type: str
  api_version:
    description:
      - Version of the API to use, V(auto) for the newest that both sides know.
      - The environment variable E(DOCKER_API_VERSION) says so where the task does not.
    type: str
    default: auto
    aliases: [docker_api_version]
  timeout:
    description:
      - Seconds to wait for each answer of the engine to begin, and to go on.
      - The environment variable E(DOCKER_TIMEOUT) says so where the task does not.
    type: int
    default: 60
  deadline:
    description:
      - >-
        Seconds in which all is to be done. An engine that hangs or drips is given up then, which O(timeout) alone
        cannot do.
    type: int
    default: 300
  ca_path:
    description:
      - Certificate of the authority that the engine's certificate is held against.
      - >-
        Where the environment variable E(DOCKER_CERT_PATH) names a folder, C(ca.pem), C(cert.pem) and C(key.pem) in it
        are taken for O(ca_path), O(client_cert) and O(client_key) that the task does not give.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - Certificate that is shown to the engine.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - Its key.
    type: path
    aliases: [tls_client_key, key_path]
  tls:
    description:
      - Use TLS, and do not look at the engine's certificate; O(validate_certs) goes before this.
      - The environment variable E(DOCKER_TLS) says so where the task does not.
    type: bool
    default: false
  validate_certs:
    description:
      - Use TLS, and refuse an engine whose certificate is not what it should be.
      - The environment variable E(DOCKER_TLS_VERIFY) says so where the task does not.
    type: bool
    default: false
    aliases: [tls_verify]
  use_ssh_client:
    description:
      - For C(ssh://), use the program C(ssh) in place of the library paramiko.
    type: bool
    default: false
  debug:
    description:
      - Accepted for the sake of playbooks written for C(community.docker); operations are always returned.
    type: bool
    default: false
requirements:
  - docker SDK for Python 5.0.3 or later
"""
