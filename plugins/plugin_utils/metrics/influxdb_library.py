# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing to InfluxDB 2 and 3 with their makers' library, influxdb-client."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import MissingLibraryError, optional
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.http import Answer, check_files

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30
_REFUSED = {401: "does not accept the token", 403: "does not allow this to the token that was given"}


class LibraryWriter:
    """Sends line protocol with times in milliseconds, in the same process, one request at a time.

    A connection is made for each: what writes may be a process that was forked since the last one.
    """

    def __init__(self, connection: Connection, shown: str, scrubbed: Callable[[str], str]) -> None:
        self._connection = connection
        self._shown = shown
        self._scrubbed = scrubbed

    def send(self, body: bytes) -> Answer:
        """The answer: a status below 500, and neither 401, 403 nor 429. Raises BackendError."""
        connection = self._connection
        if connection.version == 2 and not connection.organisation:
            raise BackendError(f"{self._shown} is version 2, which is written to with an `organisation`; none is given")
        check_files(connection, self._shown)
        try:
            library, urllib3 = optional("influxdb_client"), optional("urllib3")
        except MissingLibraryError as error:
            raise BackendError(f"{self._shown}, version {connection.version}, {error}") from None
        _silence()
        try:
            with library.InfluxDBClient(**self._options()) as client:
                if connection.authentication == "bearer":
                    client.api_client.set_default_header("Authorization", f"Bearer {connection.token}")
                synchronous = optional("influxdb_client.client.write_api").SYNCHRONOUS
                client.write_api(write_options=synchronous).write(
                    connection.database, connection.organisation, body, write_precision="ms"
                )
                return Answer(204, {}, b"")
        except library.rest.ApiException as error:
            return self._understood(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            insecure = isinstance(reason, (urllib3.exceptions.SSLError, ssl.SSLError))
            raise (self._insecure if insecure else self._silent)(str(reason)) from None

    def _options(self) -> dict[str, Any]:
        connection = self._connection
        parts = urlsplit(connection.url)
        proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
        # With basic authentication the password is the token, as it is for reading.
        secrets = {"basic": connection.password, "token": connection.token, "bearer": connection.token}
        return {
            "url": connection.url,
            "token": secrets.get(connection.authentication) or None,
            "org": connection.organisation,
            "timeout": round(connection.timeout_seconds * 1000),
            "retries": _retries(connection),
            "verify_ssl": connection.validate_certs,
            "ssl_ca_cert": connection.ca_path or None,
            "cert_file": connection.client_cert or None,
            "cert_key_file": connection.client_key or None,
            "proxy": proxy,
        }

    def _understood(self, error: Any) -> Answer:
        body = error.body if isinstance(error.body, bytes) else str(error.body or error.reason or "").encode()
        answer = Answer(error.status or 0, {name.lower(): value for name, value in (error.headers or {}).items()}, body)
        said = self._scrubbed(" ".join(answer.text.split()))[:300]
        if answer.status in _REFUSED:
            raise BackendError(f"{self._shown} {_REFUSED[answer.status]} (HTTP {answer.status}: {said})")
        if answer.status == 429 or answer.status >= 500:
            raise BackendError(f"{self._shown} answers HTTP {answer.status}: {said}", passing=True)
        if answer.status == 0:
            raise self._insecure(said)
        return answer

    def _insecure(self, reason: str) -> BackendError:
        reason = self._scrubbed(reason)
        if "CERTIFICATE_VERIFY_FAILED" not in reason:
            return BackendError(f"{self._shown} cannot be reached over TLS: {reason}")
        return BackendError(
            f"{self._shown}: its certificate is not trusted ({reason}). Name the authority that signed it in "
            "`ca_path`, or the host as it stands in the certificate in `url`"
        )

    def _silent(self, reason: str) -> BackendError:
        return BackendError(f"{self._shown} does not answer: {self._scrubbed(reason)}", passing=True)


def _retries(connection: Connection) -> Any:
    """When the library makes a request again: as http.py does."""
    base: Any = optional("influxdb_client.client.write.retry").WritesRetry

    class Retries(base):  # type: ignore[misc]
        def get_retry_after(self, response: Any) -> Any:
            named = super().get_retry_after(response)
            return min(named, _LONGEST_PAUSE_SECONDS) if named else named

    return Retries(
        total=connection.retries,
        retry_interval=_FIRST_PAUSE_SECONDS,
        exponential_base=2,
        max_retry_delay=_LONGEST_PAUSE_SECONDS,
        max_retry_time=(connection.retries + 1) * (connection.timeout_seconds + _LONGEST_PAUSE_SECONDS),
        allowed_methods=["POST"],
        # The token is for this address only.
        redirect=False,
    )


def _silence() -> None:
    """The library tells of each retry; where that matters, an error says so in the end."""
    logger = logging.getLogger("influxdb_client")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
