# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of Redis is what the server says of itself."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.catalogue_values import LARGE, SMALL, Told, told

ENTRIES = told("redis")
# Debian builds Redis with the system's jemalloc, which cannot do this.
NEEDS_REDIS_OWN_JEMALLOC = {"app.redis.activedefrag"}
PATIENCE_SECONDS = 20


class Redis:
    """A connection to a server on a socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rwb")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def call(self, *words: str) -> Any:
        """The answer to a command: a text or a list; RuntimeError with what the server refuses it with."""
        encoded = [word.encode() for word in words]
        self._stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
        self._stream.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self._stream.readline().decode().rstrip("\r\n")
        kind, rest = line[:1], line[1:]
        if kind == "-":
            raise RuntimeError(rest)
        if kind == "*":
            return [self._answer() for dummy in range(int(rest))]
        if kind == "$":
            return self._stream.read(int(rest) + 2)[:-2].decode()
        return rest

    def settings(self) -> dict[str, str]:
        found = self.call("CONFIG", "GET", "*")
        return dict(zip(found[::2], found[1::2], strict=True))


@contextmanager
def running(*arguments: str) -> Iterator[Redis]:
    # A socket's path may not be long, and pytest's are.
    with tempfile.TemporaryDirectory(prefix="evolve-") as folder:
        path = Path(folder) / "socket"
        command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", folder, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            patience = time.monotonic() + PATIENCE_SECONDS
            while not path.exists() and process.poll() is None and time.monotonic() < patience:
                time.sleep(0.01)
            if not path.exists():
                process.kill()
                raise RuntimeError(f"Redis did not start: {process.communicate()[0]}")
            redis = Redis(path)
            yield redis
            redis.close()
        finally:
            # It would save its data before it ends otherwise.
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def settings(redis: Redis) -> Mapping[str, str]:
    return redis.settings()


@pytest.fixture(scope="module")
def version(redis: Redis) -> str:
    lines = redis.call("INFO", "server").splitlines()
    return str(next(line.partition(":")[2] for line in lines if line.startswith("redis_version:")))


@pytest.fixture(scope="module")
def here(version: str) -> list[Told]:
    """The entries of this version."""
    return [entry for entry in ENTRIES if entry.is_in(version)]


def test_the_server_has_exactly_what_the_catalogue_says_its_version_has(
    settings: Mapping[str, str], version: str
) -> None:
    missing = {entry.name for entry in ENTRIES if entry.setting not in settings}
    assert missing == {entry.name for entry in ENTRIES if not entry.is_in(version)}


def test_defaults_are_those_of_the_server(here: list[Told], settings: Mapping[str, str]) -> None:
    assert {e.name: in_server(e, e.default) for e in here} == {e.name: settings[e.setting] for e in here}


def test_tiers_follow_from_what_can_be_set_while_it_runs(here: list[Told], redis: Redis) -> None:
    tiers = {entry.name: "restart" if is_immutable(redis, entry) else "live" for entry in here}
    assert {entry.name: entry.raw["tier"] for entry in here} == tiers


@pytest.mark.parametrize("facts", [SMALL, LARGE], ids=["small", "large"])
def test_every_value_that_is_set_while_it_runs_is_read_back_unchanged(
    here: list[Told], redis: Redis, facts: Mapping[str, float]
) -> None:
    refused = {}
    for entry in here:
        if entry.raw["tier"] == "live":
            problems = [problem for v in entry.samples(facts) if (problem := trouble(redis, entry, v))]
            refused.update({entry.name: "; ".join(problems)} if problems else {})
    assert set(refused) == NEEDS_REDIS_OWN_JEMALLOC, refused
    assert all("modified Jemalloc" in refused[name] for name in NEEDS_REDIS_OWN_JEMALLOC)


@pytest.mark.parametrize("number", range(4))
def test_what_takes_a_start_is_read_back_unchanged_after_it(here: list[Told], number: int) -> None:
    started = [entry for entry in here if entry.raw["tier"] == "restart"]
    samples = [entry.samples(SMALL) for entry in started]
    wanted = {e.setting: in_server(e, s[number % len(s)]) for e, s in zip(started, samples, strict=True)}
    with running(*(word for name, value in wanted.items() for word in (f"--{name}", value))) as server:
        found = server.settings()
    assert {name: found[name] for name in wanted} == wanted


def is_immutable(redis: Redis, entry: Told) -> bool:
    try:
        redis.call("CONFIG", "SET", entry.setting, in_server(entry, entry.default))
    except RuntimeError as error:
        if "immutable" in str(error):
            return True
        raise
    return False


def trouble(redis: Redis, entry: Told, value: Any) -> str:
    """Why the server does not take a value, or what it makes of it; empty where it takes it as it is."""
    own = in_server(entry, value)
    try:
        redis.call("CONFIG", "SET", entry.setting, own)
    except RuntimeError as error:
        return f"{own}: {error}"
    found = redis.call("CONFIG", "GET", entry.setting)[1]
    return "" if found == own else f"{own}: {found}"


def in_server(entry: Told, value: Any) -> str:
    """A value as the server writes it: sizes in bytes, times as the entry has them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(entry.in_bytes(value) if entry.is_size else value)
