# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An InfluxDB 1.6.7 to throw away, for tests: from Debian's package, on loopback, with nothing left behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

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
  https-enabled = {tls}
  https-certificate = "{certificate}"
"""


class InfluxServer(NamedTuple):
    """One that runs. certificate: what clients must trust, where it speaks TLS."""

    url: str
    pid: int
    log: Path
    certificate: str

    def ask(self, query: str, **parameters: str) -> Any:
        """The results of a query that is made as an administrator."""
        body = urlencode({"q": query, "u": USER, "p": PASSWORD, **parameters}).encode()
        with urlopen(Request(f"{self.url}/query", data=body), timeout=30) as response:
            (result,) = json.load(response)["results"]
        assert "error" not in result, result
        return result.get("series", [])


@contextmanager
def influxdb_server(
    folder: Path, *, authentication: bool = False, most_bytes: int = 25_000_000, databases: Sequence[str] = ("evolve",)
) -> Iterator[InfluxServer]:
    """A server with these databases, and with authentication an administrator; data are in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "influxdb.conf").write_text(
        CONFIG.format(
            folder=folder,
            port=port,
            rpc_port=free_port(),
            authentication=str(authentication).lower(),
            secret=SHARED_SECRET if authentication else "",
            most_bytes=most_bytes,
            tls="false",
            certificate="",
        )
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program("influxd", "influxdb"), "-config", folder / "influxdb.conf"], stdout=log, stderr=log
        )
    server = InfluxServer(f"http://127.0.0.1:{port}", process.pid, folder / "log", "")
    try:
        wait_until(lambda: _answers(server, process), 60)
        if authentication:
            server.ask(
                f"CREATE USER {USER} WITH PASSWORD '{PASSWORD.replace(chr(39), chr(92) + chr(39))}' WITH ALL PRIVILEGES"
            )
        for name in databases:
            server.ask(f'CREATE DATABASE "{name}"')
        yield server
    finally:
        end_process(process.pid)


def _answers(server: InfluxServer, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"influxd did not start: {server.log.read_text()}"
    try:
        with urlopen(f"{server.url}/ping", timeout=5):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
