# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An InfluxDB 1.6.7 to throw away, for tests: from Debian's package, on loopback, with nothing left behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from ansible_collections.evolve.vm.tests.http_server import Certificate
from ansible_collections.evolve.vm.tests.servers import end_process, free_port, program, wait_until

USER = "evolve"
PASSWORD = "p@ss'word"
SHARED_SECRET = "only for tests"
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  auth-enabled = {authentication}
  shared-secret = "{secret}"
  max-body-size = {most_bytes}
  max-row-limit = {most_rows}
  https-enabled = {tls}
  https-certificate = "{certificate}"
  https-private-key = "{key}"
"""


class InfluxServer(NamedTuple):
    """One that runs. trust: what its clients must trust, where it speaks TLS."""

    url: str
    pid: int
    log: Path
    trust: ssl.SSLContext | None

    def ask(self, query: str, **parameters: str) -> Any:
        """The series that answer a query, which is made as an administrator."""
        path = f"/query?{urlencode({'u': USER, 'p': PASSWORD})}"
        body = urlencode({"q": query, **parameters}).encode()
        with urlopen(Request(f"{self.url}{path}", data=body), timeout=30, context=self.trust) as response:
            (result,) = json.load(response)["results"]
        assert "error" not in result, result
        return result.get("series", [])

    def put(self, lines: str, database: str = "evolve") -> None:
        """Write line protocol with times in nanoseconds, as an administrator, as others may have done."""
        query = urlencode({"db": database, "u": USER, "p": PASSWORD})
        with urlopen(Request(f"{self.url}/write?{query}", data=lines.encode()), timeout=30, context=self.trust):
            pass


@contextmanager
def influxdb_server(
    folder: Path,
    *,
    authentication: bool = False,
    certificate: Certificate | None = None,
    most_bytes: int = 25_000_000,
    most_rows: int = 0,
    databases: Sequence[str] = ("evolve",),
    port: int | None = None,
) -> Iterator[InfluxServer]:
    """A server with these databases, and with authentication an administrator; data are in a folder of its own.

    most_rows: of an answer that is not in chunks; 0 for any number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    (folder / "influxdb.conf").write_text(
        CONFIG.format(
            folder=folder,
            port=port,
            rpc_port=free_port(),
            authentication=str(authentication).lower(),
            secret=SHARED_SECRET if authentication else "",
            most_bytes=most_bytes,
            most_rows=most_rows,
            tls=str(certificate is not None).lower(),
            certificate=certificate.certificate if certificate else "",
            key=certificate.key if certificate else "",
        )
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program("influxd", "influxdb"), "-config", folder / "influxdb.conf"], stdout=log, stderr=log
        )
    trust = ssl.create_default_context(cafile=str(certificate.authority)) if certificate else None
    server = InfluxServer(f"http{'s' if certificate else ''}://127.0.0.1:{port}", process.pid, folder / "log", trust)
    try:
        wait_until(lambda: _answers(server, process), 60)
        if authentication:
            password = PASSWORD.replace("'", "\\'")
            server.ask(f"CREATE USER {USER} WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        for name in databases:
            server.ask(f'CREATE DATABASE "{name}"')
        yield server
    finally:
        end_process(process.pid)


def json_web_token(username: str, *, secret: str = SHARED_SECRET, expires_at: float | None = None) -> str:
    """A token by which a server with authentication knows a user."""
    content = {"username": username, "exp": int(time.time() + 3600 if expires_at is None else expires_at)}
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, content)]
    signature = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signature)])


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _answers(server: InfluxServer, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"influxd did not start: {server.log.read_text()}"
    try:
        with urlopen(f"{server.url}/ping", timeout=5, context=server.trust):
            return True
    except HTTPError:
        return True
    except OSError:
        return False
