# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http: one request over a connection of its own, over TLS for https; redirects are answers and not followed."""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from http.client import HTTPException, HTTPResponse
from typing import ClassVar, Sequence
from urllib.parse import urlsplit

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import Probe, ProbeFailed, ProbeFault

_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_MOST_BYTES = 16 * 2**20
_CHUNK_BYTES = 65536


class Http(Probe):
    """expected_status: which are right, 200 to 299 unless said. expected_text: what the body has to hold."""

    OPTIONS: ClassVar[Sequence[str]] = ("url", "method", "expected_status", "expected_text", "ca", "validate_certs")

    def __init__(self, section: Section, address: str) -> None:
        self._method = section.choice("method", "GET", _METHODS)
        self._statuses = _statuses(section)
        self._text = section.text("expected_text", "").encode()
        self._ca = section.text("ca", "")
        self._validate = section.flag("validate_certs", True)
        url = section.text("url", "")
        expected = "expected a URL such as http://{target}:8080/health"
        try:
            parts = urlsplit(url)
            self._host, self._is_tls = parts.hostname or "", parts.scheme == "https"
            self._port = parts.port or (443 if self._is_tls else 80)
            usable = parts.scheme in ("http", "https") and bool(self._host) and url.isascii() and " " not in url
        except ValueError:
            usable = False
        if not usable:
            section.fault("url", f"found {url!r}, {expected}" if url else f"is missing; {expected}")
            return
        if "@" in parts.netloc:
            section.fault("url", "holds a user name, which would be seen by all; leave it out")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._request = (
            f"{self._method} {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            "User-Agent: evolve.vm\r\nAccept: */*\r\nConnection: close\r\n"
            f"{'Content-Length: 0' if self._method == 'POST' else ''}"
        ).rstrip("\r\n").encode() + b"\r\n\r\n"
        self._context: ssl.SSLContext | None = None

    def check(self) -> None:
        if not self._is_tls:
            return
        try:
            self._tls()
        except OSError as error:
            raise ProbeFault(f"ca: {self._ca} cannot be used: {error.strerror or error}") from error

    async def ask(self) -> float:
        began = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection(
                self._host, self._port, limit=_MOST_BYTES, ssl=self._tls() if self._is_tls else None
            )
        except ssl.SSLCertVerificationError as error:
            raise ProbeFailed(f"the certificate is not trusted: {error.verify_message}") from error
        try:
            writer.write(self._request)
            answer = await self._answer(reader)
            took = (time.perf_counter() - began) * 1000.0
        finally:
            # Whatever the other side does, the connection is gone.
            writer.transport.abort()
        self._judge(answer)
        return took

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        """All that is sent, to the end that the header names, or to that of the connection."""
        answer, end = b"", _MOST_BYTES
        while len(answer) < end:
            chunk = await reader.read(_CHUNK_BYTES)
            if not chunk:
                break
            answer += chunk
            if end == _MOST_BYTES:
                end = _end(answer, self._method)
        return answer

    def _judge(self, answer: bytes) -> None:
        response = HTTPResponse(_Received(answer), method=self._method)  # type: ignore[arg-type]
        try:
            response.begin()
            body = response.read()
        except (HTTPException, ValueError, OSError) as error:
            raise ProbeFailed(f"the answer is not whole, or not HTTP: {type(error).__name__}") from error
        if response.status not in self._statuses:
            expected = "200 to 299" if isinstance(self._statuses, range) else ", ".join(map(str, self._statuses))
            raise ProbeFailed(f"the status is {response.status}, expected {expected}")
        if self._text not in body:
            raise ProbeFailed("the answer does not hold expected_text")

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._ca or None)
            if not self._validate:
                self._context.check_hostname = False
                self._context.verify_mode = ssl.CERT_NONE
        return self._context


class _Received:
    """What was received, as http.client wants it."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._answer)


def _end(answer: bytes, method: str) -> int:
    """How long the whole answer is, as far as its header says so."""
    header, blank, dummy = answer.partition(b"\r\n\r\n")
    if not blank or header.startswith(b"HTTP/1.1 100"):
        return _MOST_BYTES
    if method == "HEAD":
        return len(header) + len(blank)
    for line in header.split(b"\r\n")[1:]:
        name, dummy, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return min(_MOST_BYTES, len(header) + len(blank) + int(value))
    return _MOST_BYTES


def _statuses(section: Section) -> Sequence[int]:
    given = section.content.get("expected_status")
    if given is None:
        return range(200, 300)
    numbers = given if isinstance(given, (list, tuple)) else [given]
    try:
        statuses = [int(number) for number in numbers]
    except (TypeError, ValueError):
        statuses = []
    if not statuses or not all(100 <= status <= 599 for status in statuses):
        section.fault("expected_status", f"found {given!r}, expected a list of numbers from 100 to 599, such as [200]")
        return range(200, 300)
    return statuses
