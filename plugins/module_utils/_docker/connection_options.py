# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the connection to Docker Engine, named as in community.docker; see the fragment ``docker``."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback


def _build_env_fallback(name: str) -> dict[str, Any]:
    return {"fallback": (env_fallback, [name])}


CONNECTION: dict[str, Any] = {
    "docker_host": {
        "type": "str",
        "default": "unix:///var/run/docker.sock",
        "aliases": ["docker_url"],
        **_build_env_fallback("DOCKER_HOST"),
    },
    "tls_hostname": {"type": "str", **_build_env_fallback("DOCKER_TLS_HOSTNAME")},
    "api_version": {
        "type": "str",
        "default": "auto",
        "aliases": ["docker_api_version"],
        **_build_env_fallback("DOCKER_API_VERSION"),
    },
    "timeout": {"type": "int", "default": 60, **_build_env_fallback("DOCKER_TIMEOUT")},
    "deadline": {"type": "int", "default": 300},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"]},
    "tls": {"type": "bool", "default": False, **_build_env_fallback("DOCKER_TLS")},
    "use_ssh_client": {"type": "bool", "default": False},
    "validate_certs": {
        "type": "bool",
        "default": False,
        "aliases": ["tls_verify"],
        **_build_env_fallback("DOCKER_TLS_VERIFY"),
    },
    "debug": {"type": "bool", "default": False},
}
