# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on loopback that answers as a test says and remembers what it was asked; with TLS where wanted."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """A request. headers: names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = {}


@dataclass
class HttpServer:
    """`asked` grows with each request."""

    url: str
    asked: list[Asked] = field(default_factory=list)


class Certificate(NamedTuple):
    """Files, all PEM. authority: what a client must trust."""

    authority: Path
    certificate: Path
    key: Path


@contextmanager
def http_server(reply: Callable[[Asked], Reply], certificate: Certificate | None = None) -> Iterator[HttpServer]:
    """A server whose replies come from a function, called for one request at a time."""
    once = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            with once:
                server.asked.append(asked)
                given = reply(asked)
            content = given.body.encode() if isinstance(given.body, str) else given.body
            # The client may have given up waiting.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in given.headers and given.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = _reply

        def log_message(self, format: str, *args: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    web.handle_error = lambda *about: None  # type: ignore[method-assign]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        web.socket = context.wrap_socket(web.socket, server_side=True)
    server = HttpServer(f"http{'s' if certificate else ''}://127.0.0.1:{web.server_port}")
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


def make_certificate(folder: Path, *, address: str = "127.0.0.1", name: str = "server") -> Certificate:
    """A certificate of a server at an address, signed by an authority of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, authority_key = folder / f"{name}-authority.pem", folder / f"{name}-authority.key"
    certificate, key, request = (folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        *("req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-days", "30"),
        *("-subj", f"/CN=authority of {name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    _openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    extensions = folder / f"{name}.extensions"
    extensions.write_text(f"subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n")
    _openssl(
        *("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial"),
        *("-out", certificate, "-days", "30", "-extfile", extensions),
    )
    return Certificate(authority, certificate, key)


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
