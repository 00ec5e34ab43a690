# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and VictoriaMetrics of Debian's packages to throw away, for tests: on loopback, their data in a folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ansible_collections.evolve.vm.tests.servers import free_port, program, wait_until

START_SECONDS = 120
USER = "evolve"
PASSWORD = 's3cret "word"'
# The bcrypt hash of the password, which is all that Prometheus takes.
_USERS = f"basic_auth_users:\n  {USER}: '$2b$04$nJX1BqjFHRcWAMEtpHUVHul90FI0d8xs1nBNPvZS0kD.iZH7D71yy'\n"


class MetricsServer:
    """A server that can be killed and started again, at the same address and with the same data."""

    def __init__(self, command: Sequence[str], port: int, folder: Path, ready: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._log = folder / "log"
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._log.parent)
        try:
            wait_until(self._answers, START_SECONDS)
        except AssertionError:
            self.stop()
            raise RuntimeError(f"{self._command[0]} did not start: {self._log.read_text()[-2000:]}") from None

    def kill(self) -> None:
        """End it as a power failure does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it, if it still runs."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError("it has ended")
        try:
            with urlopen(f"{self.url}{self._ready}", timeout=5) as answer:
                return bool(answer.status == 200)
        except URLError as error:
            # One that wants credentials answers already.
            return getattr(error, "code", None) == 401
        except OSError:
            return False


@contextmanager
def prometheus_server(
    folder: Path, *, receiver: bool = True, config: str = "", password: bool = False, options: Sequence[str] = ()
) -> Iterator[MetricsServer]:
    """A Prometheus that takes points by remote write, or none. config: more of its prometheus.yml.

    password: only USER with PASSWORD may ask.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\n{config}")
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        *(["--web.enable-remote-write-receiver"] if receiver else []),
        *options,
    ]
    if password:
        (folder / "web.yml").write_text(_USERS)
        command.append(f"--web.config.file={folder}/web.yml")
    with _running(MetricsServer(command, port, folder, "/-/ready")) as server:
        yield server


@contextmanager
def victoriametrics_server(
    folder: Path, *, password: bool = False, options: Sequence[str] = ()
) -> Iterator[MetricsServer]:
    """A VictoriaMetrics. password: only USER with PASSWORD may ask."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [
        program("victoria-metrics", "victoria-metrics"),
        f"-storageDataPath={folder}/data",
        f"-httpListenAddr=127.0.0.1:{port}",
        # It would take 60 % of the machine's memory for its caches.
        "-memory.allowedBytes=100MB",
        *([f"-httpAuth.username={USER}", f"-httpAuth.password={PASSWORD}"] if password else []),
        *options,
    ]
    with _running(MetricsServer(command, port, folder, "/health")) as server:
        yield server


@contextmanager
def _running(server: MetricsServer) -> Iterator[MetricsServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
