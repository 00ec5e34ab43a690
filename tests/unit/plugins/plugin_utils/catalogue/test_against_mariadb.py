# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of MariaDB is what the server says of itself. Debian has no server of MySQL's."""

from __future__ import annotations

import csv
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.catalogue_values import LARGE, SMALL, Told, told

ENTRIES = told("mysql")
# What only MySQL has. A name that MariaDB turns out to have too does not belong here.
MYSQL_ONLY = {
    "app.mysql.binlog_group_commit_sync_delay_microseconds",
    "app.mysql.binlog_group_commit_sync_no_delay_count",
    "app.mysql.innodb_buffer_pool_instances",
    "app.mysql.innodb_log_checksums",
    "app.mysql.innodb_log_writer_threads",
    "app.mysql.innodb_page_cleaners",
    "app.mysql.innodb_parallel_read_threads",
    "app.mysql.innodb_redo_log_capacity_mib",
    "app.mysql.innodb_thread_concurrency",
    "app.mysql.innodb_use_fdatasync",
    "app.mysql.internal_tmp_mem_storage_engine",
    "app.mysql.temptable_max_ram_mib",
}
# Unset, it is said to be the largest number there is; what it then is follows from innodb_io_capacity.
WORKED_OUT = {"app.mysql.innodb_io_capacity_max"}
ROUNDS = 4
PATIENCE_SECONDS = 60

Rows = Mapping[str, Mapping[str, str]]
Here = list[tuple[Told, Mapping[str, str]]]


class Server:
    """A server that forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        self._client = ["mariadb", "--no-defaults", "--batch", "-S", str(folder / "socket"), "-e"]

    def rows(self, statement: str) -> list[dict[str, str]]:
        done = subprocess.run([*self._client, statement], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return list(csv.DictReader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))

    def variables(self) -> Rows:
        found = self.rows("SELECT * FROM information_schema.SYSTEM_VARIABLES")
        return {row["VARIABLE_NAME"].lower(): row for row in found}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # A socket's path may not be long, and pytest's are.
    with tempfile.TemporaryDirectory(prefix="evolve-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        command = ["mariadbd", "--no-defaults", "--skip-grant-tables", "--skip-networking"]
        command += [f"--datadir={folder / 'data'}", f"--tmpdir={folder}", f"--socket={folder / 'socket'}"]
        # The sizes of the pool of threads are only taken over where there is one.
        command += ["--thread-handling=pool-of-threads", *(["--user=root"] if os.geteuid() == 0 else [])]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield answering(Server(folder), process, folder / "log")
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def answering(server: Server, process: subprocess.Popen[bytes], log: Path) -> Server:
    patience = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < patience:
        try:
            server.rows("SELECT 1")
        except RuntimeError:
            time.sleep(0.05)
        else:
            return server
    raise RuntimeError(f"MariaDB did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def rows(server: Server) -> Rows:
    return server.variables()


@pytest.fixture(scope="module")
def version(server: Server) -> str:
    return server.rows("SELECT VERSION() AS version")[0]["version"].partition("-")[0]


@pytest.fixture(scope="module")
def here(rows: Rows, version: str) -> Here:
    """The entries of this version, each with what the server says of it."""
    return [(entry, rows[entry.setting]) for entry in ENTRIES if entry.is_in(version, "mariadb")]


def test_the_server_has_exactly_what_the_catalogue_says_its_version_has(rows: Rows, version: str) -> None:
    missing = {entry.name for entry in ENTRIES if entry.setting not in rows}
    assert missing == {entry.name for entry in ENTRIES if not entry.is_in(version, "mariadb")} == MYSQL_ONLY


def test_summaries_say_what_only_one_of_the_two_has() -> None:
    words = {"mariadb": "(MariaDB only).", "mysql": "(MySQL only).", None: ""}
    assert [e.name for e in ENTRIES if not e.raw["summary"].endswith(words[e.raw.get("flavor")])] == []
    assert [e.name for e in ENTRIES if "flavor" not in e.raw and "only)." in e.raw["summary"]] == []


def test_types_are_those_of_the_server(here: Here) -> None:
    assert {e.name: row["VARIABLE_TYPE"] for e, row in here if not fits(e, row)} == {}


def test_tiers_follow_from_what_can_be_set_while_it_runs(here: Here) -> None:
    tiers = {entry.name: "restart" if row["READ_ONLY"] == "YES" else "live" for entry, row in here}
    assert {entry.name: entry.raw["tier"] for entry, dummy in here} == tiers


def test_defaults_are_those_of_the_server(here: Here) -> None:
    stated = [(e, row) for e, row in here if e.default is not None and e.name not in WORKED_OUT]
    defaults = {e.name: in_catalogue(e, row["DEFAULT_VALUE"]) for e, row in stated}
    assert {e.name: e.default for e, dummy in stated} == defaults
    worked_out = [(e, row) for e, row in here if e.name in WORKED_OUT]
    assert [e.name for e, row in worked_out if in_catalogue(e, row["GLOBAL_VALUE"]) != e.default] == []


@pytest.mark.parametrize("facts", [SMALL, LARGE], ids=["small", "large"])
def test_every_value_is_one_that_the_server_can_hold(here: Here, facts: Mapping[str, float]) -> None:
    refused = {e.name: value for e, row in here for value in e.samples(facts) if not can_hold(row, in_server(e, value))}
    assert refused == {}


def test_what_is_set_while_it_runs_is_read_back_unchanged(server: Server, here: Here) -> None:
    live = [entry for entry, dummy in here if entry.raw["tier"] == "live"]
    for number in range(ROUNDS):
        wanted = {entry: pick(entry.samples(SMALL), number) for entry in live}
        ours = [(entry.setting, quoted(in_server(entry, wanted[entry]))) for entry in by_dependence(live)]
        server.rows("; ".join(f"SET GLOBAL {name} = {value}" for name, value in ours))
        now = server.variables()
        found = {entry: in_catalogue(entry, now[entry.setting]["GLOBAL_VALUE"]) for entry in live}
        assert {e.name: (wanted[e], found[e]) for e in live if found[e] != wanted[e]} == {}


def by_dependence(entries: list[Told]) -> list[Told]:
    """Those last that the server adapts when what they limit, or are limited by, is set."""
    last = ("innodb_io_capacity", "innodb_io_capacity_max", "innodb_max_dirty_pages_pct_lwm")
    return sorted(entries, key=lambda entry: last.index(entry.setting) if entry.setting in last else -1)


def pick(values: list[Any], number: int) -> Any:
    return values[number % len(values)]


def fits(entry: Told, row: Mapping[str, str]) -> bool:
    kind = row["VARIABLE_TYPE"]
    if entry.raw["type"] == "choice" and "INT" in kind:
        return all(isinstance(value, int) for value in entry.raw["values"])
    own = {"BOOLEAN": "bool", "ENUM": "choice", "DOUBLE": "float"}
    return entry.raw["type"] == own.get(kind, "int" if "INT" in kind else kind)


def can_hold(row: Mapping[str, str], own: str) -> bool:
    if row["VARIABLE_TYPE"] in ("ENUM", "BOOLEAN"):
        return own in row["ENUM_VALUE_LIST"].split(",")
    block = int(row["NUMERIC_BLOCK_SIZE"]) if row["NUMERIC_BLOCK_SIZE"] not in ("NULL", "0") else 0
    whole = not block or int(own) % block == 0
    return whole and float(row["NUMERIC_MIN_VALUE"]) <= float(own) <= float(row["NUMERIC_MAX_VALUE"])


def in_catalogue(entry: Told, text: str) -> Any:
    """What the server has written, in the entry's type and unit; it counts sizes in bytes, times as the entry does."""
    if entry.raw["type"] == "bool":
        return text == "ON"
    if entry.raw["type"] == "float":
        return float(text)
    if entry.raw["type"] == "int" or isinstance(entry.raw["values"][0], int):
        value = int(text)
        return value // entry.in_bytes(1) if entry.is_size and value % entry.in_bytes(1) == 0 else value
    return text


def in_server(entry: Told, value: Any) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    return str(entry.in_bytes(value) if entry.is_size else value)


def quoted(own: str) -> str:
    return own if own.replace(".", "").isdigit() else f"'{own}'"
