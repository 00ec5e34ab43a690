# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a database over HTTP: who asks, certificates, time limits, and again where it may help.

An answer with an error that the database explains is an answer; what it means is the caller's business. What is none
(no connection, a bad certificate, wrong credentials, an overloaded server) is a BackendError. No message holds a
secret.
"""

from __future__ import annotations

import base64
import os
import ssl
import time
from collections.abc import Iterable, Mapping
from email.message import Message
from http.client import HTTPException
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from ansible.module_utils.urls import open_url

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.version import collection_version

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_SHOWN_CHARACTERS = 300
_HIDDEN = "********"
_REFUSED = {
    401: "does not accept the credentials",
    403: "does not allow this to the user or token that was given",
    407: "is behind a proxy that wants credentials",
}


class Answer(NamedTuple):
    """What came back. status: below 500, and neither 401, 403, 407 nor 429. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, as people may see it."""
        return self.body.decode("utf-8", "replace").strip()


class HttpClient:
    """Requests to one database."""

    def __init__(self, connection: Connection, shown: str) -> None:
        self._connection = connection
        self._shown = shown
        authorization = _authorization(connection)
        self._headers = {"User-Agent": f"evolve.vm/{collection_version()}", **authorization}
        # A server may repeat what it was told: a password in its coded form too.
        told = [value.partition(" ")[2] for value in authorization.values()]
        self._secrets = sorted({*connection.secrets, *told}, key=len, reverse=True)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request of `path` below the connection's URL.

        Where it fails in passing it is made again, `retries` times, each after a longer pause or the one that the
        server names; so it must do no harm twice. Raises BackendError.
        """
        check_files(self._connection, self._shown)
        pause = _FIRST_PAUSE_SECONDS
        for left in range(self._connection.retries, -1, -1):
            try:
                return self._once(method, path, query, body, {**self._headers, **(headers or {})})
            except _Again as error:
                if left == 0:
                    raise BackendError(self.scrubbed(f"{self._shown} {error}"), passing=True) from None
                time.sleep(min(error.seconds or pause, _LONGEST_PAUSE_SECONDS))
                pause *= 2
        raise AssertionError("unreachable")

    def scrubbed(self, text: str) -> str:
        """A text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def shortened(self, answer: Answer) -> str:
        """The beginning of what the server said, for a message."""
        text = " ".join(self.scrubbed(answer.text).split())
        return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} ..."

    def _once(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        encoded = urlencode(list(query))
        url = f"{self._connection.url}{path}" + (f"?{encoded}" if encoded else "")
        try:
            with open_url(
                url,
                data=body,
                headers=dict(headers),
                method=method,
                timeout=self._connection.timeout_seconds,
                validate_certs=self._connection.validate_certs,
                ca_path=self._connection.ca_path or None,
                client_cert=self._connection.client_cert or None,
                client_key=self._connection.client_key or None,
                follow_redirects="safe",
                # Who asks is told to this server only, and is not taken from ~/.netrc.
                unredirected_headers=["Authorization"],
                use_netrc=False,
            ) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except HTTPError as error:
            with error:
                return self._understood(Answer(error.code, _lower(error.headers), error.read()))
        except ssl.SSLError as error:
            raise self._insecure(error) from None
        except URLError as error:
            if isinstance(error.reason, ssl.SSLError):
                raise self._insecure(error.reason) from None
            raise _Again(f"does not answer: {error.reason}") from None
        except (OSError, HTTPException) as error:
            raise _Again(f"does not answer: {error or type(error).__name__}") from None
        except Exception as error:
            # Ansible's own, such as for a certificate file that is not there.
            raise BackendError(self.scrubbed(f"{self._shown} cannot be asked: {error}")) from None

    def _understood(self, answer: Answer) -> Answer:
        if answer.status in _REFUSED:
            said = self.shortened(answer)
            raise BackendError(
                f"{self._shown} {_REFUSED[answer.status]} (HTTP {answer.status}{': ' if said else ''}{said})"
            )
        if answer.status == 429 or answer.status >= 500:
            raise _Again(f"answers HTTP {answer.status}: {self.shortened(answer)}", _named_pause(answer))
        return answer

    def _insecure(self, error: ssl.SSLError) -> BackendError:
        if not isinstance(error, ssl.SSLCertVerificationError):
            return BackendError(self.scrubbed(f"{self._shown} cannot be reached over TLS: {error}"))
        return BackendError(
            self.scrubbed(
                f"{self._shown}: its certificate is not trusted ({error.verify_message}). Name the authority that "
                "signed it in `ca_path`, or the host as it stands in the certificate in `url`"
            )
        )


def check_files(connection: Connection, shown: str) -> None:
    """BackendError where a certificate or key of the connection is not there: not to be taken for a silent server."""
    for name in ("ca_path", "client_cert", "client_key"):
        path = getattr(connection, name)
        if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
            raise BackendError(f"{shown} cannot be asked: `{name}` is {path}, which is no file that can be read")


class _Again(Exception):
    """The request may succeed when made again. seconds: not before then, where the server says so."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


def _named_pause(answer: Answer) -> float | None:
    named = answer.headers.get("retry-after", "")
    return float(named) if named.isdigit() else None


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _authorization(connection: Connection) -> dict[str, str]:
    if connection.authentication == "basic":
        said = base64.b64encode(f"{connection.username}:{connection.password}".encode()).decode()
        return {"Authorization": f"Basic {said}"}
    scheme = {"token": "Token", "bearer": "Bearer"}.get(connection.authentication)
    return {"Authorization": f"{scheme} {connection.token}"} if scheme else {}
