# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that answers as slowly as it is told, and a disk that is written to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.monitored_machine import MonitoredMachine


class Application(ThreadingHTTPServer):
    """Answers `status` after `delay_seconds`."""

    daemon_threads = True
    status = 200
    delay_seconds = 0.15

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        time.sleep(self.server.delay_seconds)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def application() -> Iterator[Application]:
    with Application(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def written_disk(tmp_path: Path) -> Iterator[None]:
    """Files reach the disk while the test runs."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.1):
            with (tmp_path / "written").open("wb") as file:
                file.write(os.urandom(1 << 20))
                file.flush()
                os.fsync(file.fileno())

    thread = threading.Thread(target=write)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.fixture
def machine(tmp_path: Path) -> MonitoredMachine:
    return MonitoredMachine(tmp_path)
