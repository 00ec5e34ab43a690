# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers to send requests to, for tests: an nginx which writes down what it was asked, and a slow one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from ansible_collections.evolve.vm.tests.servers import nginx_server

BODY = "x" * 1000
_CONFIG = f"""
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events {{ worker_connections 256; }}
http {{
    default_type text/plain;
    log_format seen '$msec $status $bytes_sent $request_uri $http_x_test';
    access_log @folder@/access.log seen;
    server {{
        listen 127.0.0.1:@port@;
        location / {{ return 200 {BODY}; }}
        location /errors {{ return 500 {BODY}; }}
        location /some {{ if ($connection_requests ~ 5$) {{ return 503 {BODY}; }} return 200 {BODY}; }}
        location /secret {{ if ($http_x_test != 'a "\\\\" b') {{ return 403; }} return 200 {BODY}; }}
        location /cut {{ return 444; }}
    }}
}}
"""


class Seen(NamedTuple):
    """One request: when its answer was sent, in seconds; its status; its size in bytes with headers; its path."""

    when: float
    status: int
    size: int
    path: str


class WebServer:
    """/ answers, /errors fails, /some fails now and then, /cut says nothing, /secret wants a header."""

    def __init__(self, folder: Path, port: int) -> None:
        self._log = folder / "access.log"
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def seen(self) -> list[Seen]:
        """The requests since the last call."""
        lines = self._log.read_text().splitlines()
        with self._log.open("w"):
            pass
        rows = (line.split() for line in lines)
        return [Seen(float(when), int(status), int(size), path) for when, status, size, path, *dummy in rows]


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """A server that is there meanwhile, its files in the folder."""
    with nginx_server(folder, _CONFIG) as path:
        port = re.search(r"127\.0\.0\.1:(\d+)", path.read_text())
        assert port is not None
        yield WebServer(folder, int(port.group(1)))


@contextmanager
def slow_server(seconds: float) -> Iterator[str]:
    """A server that takes this long to answer, whatever it is asked; gives its address."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
