# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker Engine through the Docker SDK, within one deadline. No other file imports the SDK.

The SDK applies its timeout to each read, so a slow engine could hold it forever. Importing the SDK takes longer than
all requests of a run without changes, so GET requests to a local socket are sent without it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import json
import os
import signal
import time
import urllib.parse
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    EngineApiError,
    EngineError,
    MissingLibrary,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api

if TYPE_CHECKING:
    from docker import APIClient

UNIX = "unix://"
_WORDS = 500
_LIBRARY = "install the package python3-docker (Debian, Ubuntu), or docker with pip"


class EngineTimeout(EngineError):
    """The deadline has passed; the last request may or may not have been carried out."""


class EngineClient:
    """A connection to Docker Engine; ``api`` is the API version, such as (1, 44)."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the connection parameters of the module."""
        self.url = str(params["docker_host"])
        self._params = params
        self._sdk_client: APIClient | None = None
        if importlib.util.find_spec("docker") is None:
            raise MissingLibrary(f"the Python library docker is not installed on this host: {_LIBRARY}")
        is_local = self.url.startswith(UNIX) and not (params["tls"] or params["validate_certs"])
        self._socket = self.url.removeprefix(UNIX) if is_local else None
        version = str(params["api_version"])
        if self._socket is None or version != "auto":
            version = str(self._client.api_version)
        else:
            version = self._parse_version(self._get_locally("/version"))
        self._version = version
        self.api = tuple(int(part) for part in version.split("."))

    @property
    def _client(self) -> APIClient:
        """The client of the SDK, created on first use."""
        if self._sdk_client is None:
            import docker

            with self._translate_errors():
                self._sdk_client = docker.APIClient(**_build_client_arguments(self._params, docker.TLSConfig))
        return self._sdk_client

    def _parse_version(self, answer: Any) -> str:
        try:
            return ".".join(str(int(part)) for part in answer["ApiVersion"].split("."))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise EngineError(self.url, "the answer to /version has no version of the API") from None

    def get(self, path: str, **query: Any) -> Any:
        """Send a GET request and return the answer."""
        return self.get_with_version(self._version, path, **query)

    def get_with_version(self, version: str, path: str, **query: Any) -> Any:
        """Send a GET request in another version of the API, which can have other fields, and return the answer."""
        if self._socket is None:
            return self._send_request("GET", path, query, version=version)
        given = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in query.items()}
        return self._get_locally(f"/v{version}{path}{'?' if given else ''}{urllib.parse.urlencode(given)}")

    def _get_locally(self, target: str) -> Any:
        deadline = time.monotonic() + self._params["timeout"]
        try:
            return local_api.LocalEngineClient(self._socket, deadline).get(target)
        except EngineError as error:
            if isinstance(error, EngineTimeout):
                raise
            # The error names the URL that the user gave.
            raise type(error)(self.url, str(error).partition(": ")[2][:_WORDS]) from None

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a POST request and return the answer."""
        return self._send_request("POST", path, {}, body)

    def delete(self, path: str) -> None:
        """Send a DELETE request."""
        self._send_request("DELETE", path, {})

    def close(self) -> None:
        """Close the connection."""
        if self._sdk_client is not None:
            self._sdk_client.close()

    def _send_request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        version: str | None = None,
    ) -> Any:
        client = self._client
        given = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in query.items()}
        url = f"{client.base_url}/v{version or client.api_version}{path}"
        with self._translate_errors():
            answer = client.request(method, url, params=given, json=body, timeout=client.timeout)
        text = answer.text
        if answer.status_code >= 400:
            with contextlib.suppress(ValueError, AttributeError):
                text = json.loads(text).get("message") or text
            words = " ".join(str(text or f"status {answer.status_code}").split())[:_WORDS]
            raise (NotFound if answer.status_code == 404 else EngineApiError)(self.url, words)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            raise EngineError(self.url, f"the answer to {path} is not JSON") from None

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException, OSError, ValueError) as error:
            _raise_engine_timeout(error)
            raise EngineError(self.url, " ".join(_find_reason(error).split())[:_WORDS]) from None


def _find_reason(error: BaseException) -> str:
    """Return the error of the operating system that the SDK wrapped in others, or else the message of the SDK."""
    reason, inner = str(error), error.__context__
    while inner is not None:
        if isinstance(inner, OSError) and inner.errno is not None and inner.strerror:
            reason = inner.strerror
        inner = inner.__context__
    return reason


def _raise_engine_timeout(error: BaseException | None) -> None:
    """Raise the deadline's error where the SDK converted it into another error."""
    while error is not None:
        if isinstance(error, EngineTimeout):
            raise error
        error = error.__context__


def _build_client_arguments(params: Mapping[str, Any], tls_config: Any) -> dict[str, Any]:
    """Return the arguments of the SDK's client."""
    url, verify = str(params["docker_host"]), params["validate_certs"]
    found: dict[str, Any] = {"version": params["api_version"], "timeout": params["timeout"]}
    if params["use_ssh_client"]:
        found["use_ssh_client"] = True
    if verify or params["tls"]:
        given = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
        folder = os.environ.get("DOCKER_CERT_PATH")
        files = {key: params[key] or (f"{folder}/{name}" if folder else None) for key, name in given.items()}
        pair = (files["client_cert"], files["client_key"])
        for key, path in files.items():
            if path and not Path(path).is_file():
                raise BadParameter(key, f"file not found: {path}")
        if bool(pair[0]) != bool(pair[1]):
            raise BadParameter("client_cert", "required together with client_key")
        found["tls"] = _build_tls_config(
            params, tls_config, pair if all(pair) else None, files["ca_path"] if verify else None
        )
        url = url.replace("tcp://", "https://", 1)
    return {"base_url": url, **found}


def _build_tls_config(params: Mapping[str, Any], tls_config: Any, pair: Any, authority: str | None) -> Any:
    """Return the TLS settings of the SDK."""
    more = {"assert_hostname": params["tls_hostname"]} if params["tls_hostname"] else {}
    if more and "assert_hostname" not in inspect.signature(tls_config).parameters:
        # Version 7 of the SDK has no such option.
        raise BadParameter("tls_hostname", "not supported by the docker SDK on this host; omit it")
    # The library requests prefers these variables to the parameters of the task.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    # The user disabled verification explicitly.
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return tls_config(client_cert=pair, ca_cert=authority, verify=bool(params["validate_certs"]), **more)


@contextlib.contextmanager
def limit_time(seconds: float, url: str) -> Iterator[None]:
    """Raise EngineTimeout if the body takes longer; use it in the main thread, which receives signals."""

    def raise_timeout(_number: int, _frame: FrameType | None) -> None:
        raise EngineTimeout(url, f"timed out after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, raise_timeout)
    # The signal repeats each second, because a library may suppress the exception.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
