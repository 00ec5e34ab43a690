# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server to throw away, for tests: from Debian's package, on loopback, with nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

USER = "evolve"
PASSWORD = "p@ss/word"  # has to be written by codes in a URL
START_SECONDS = 60
# It has nothing to lose, so it need not wait for the disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a server; gives the URL of its database `postgres`, whose user may do anything."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="evolve-postgresql-"))
    # It refuses to run as root.
    other: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        (folder / "password").write_text(PASSWORD)
        if other:
            for path in (folder, folder / "password"):
                shutil.chown(path, other["user"], other["group"])
        command = [programs / "initdb", "-D", folder / "data", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync"]
        command += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **other)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        with _running(programs / "postgres", folder, other) as port:
            yield f"postgresql+psycopg://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """An empty database on the server; gives its URL."""
    name = f"test_{time.monotonic_ns()}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """A connection of one's own, committed at its end."""
    with psycopg.connect(_plain(url)) as connection:
        yield connection


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")


def _programs() -> Path:
    """The newest of the servers that are installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not found:
        raise RuntimeError("the tests need PostgreSQL's server; as root: apt-get install postgresql")
    return max(found, key=lambda folder: float(folder.parent.name))


@contextmanager
def _running(program: Path, folder: Path, other: dict[str, Any]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [program, "-D", folder / "data", "-p", str(port), *settings], cwd=folder, stdout=log, stderr=log, **other
        )
    try:
        _wait(server, port, folder / "log")
        yield port
    finally:
        server.send_signal(signal.SIGINT)  # ends its sessions
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    patience = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < patience:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the PostgreSQL server did not start: {log.read_text()}")
