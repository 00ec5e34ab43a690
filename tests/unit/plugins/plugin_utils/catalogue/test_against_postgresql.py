# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of PostgreSQL is what the server says of itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ansible_collections.evolve.vm.tests.catalogue_values import LARGE, SMALL, Told, told
from ansible_collections.evolve.vm.tests.postgresql import SETTINGS, connected, postgresql_server

ENTRIES = told("postgresql")
TYPES = {"integer": "int", "real": "float", "bool": "bool", "enum": "choice"}
UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "ms": Fraction(1, 1000), "s": 1, "min": 60}
ROUNDS = 5

Rows = Mapping[str, Mapping[str, Any]]
Here = list[tuple[Told, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One of its own: its configuration is changed."""
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="module")
def rows(server: str) -> Rows:
    return settings(server)


@pytest.fixture(scope="module")
def version(server: str) -> str:
    with connected(server) as connection:
        return str(connection.info.server_version // 10000)


def settings(server: str) -> Rows:
    with connected(server) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return {row["name"]: row for row in cursor.execute("SELECT * FROM pg_settings")}


@pytest.fixture(scope="module")
def here(rows: Rows, version: str) -> Here:
    """The entries of this version, each with what the server says of it."""
    return [(entry, rows[entry.setting]) for entry in ENTRIES if entry.is_in(version)]


def test_the_server_has_exactly_what_the_catalogue_says_its_version_has(rows: Rows, version: str) -> None:
    missing = {entry.name for entry in ENTRIES if entry.setting not in rows}
    assert missing == {entry.name for entry in ENTRIES if not entry.is_in(version)}


def test_types_are_those_of_the_server(here: Here) -> None:
    assert {e.name: row["vartype"] for e, row in here if e.raw["type"] != TYPES[row["vartype"]]} == {}


def test_what_has_a_unit_there_has_one_here(here: Here) -> None:
    assert {e.name: row["unit"] for e, row in here if bool(e.unit) != bool(row["unit"])} == {}


def test_tiers_follow_from_when_the_server_takes_a_value_over(here: Here) -> None:
    tiers = {entry.name: "restart" if row["context"] == "postmaster" else "reload" for entry, row in here}
    assert {entry.name: entry.raw["tier"] for entry, dummy in here} == tiers


def test_defaults_are_those_of_the_server(here: Here) -> None:
    stated = [(entry, row) for entry, row in here if entry.default is not None]
    assert {e.name: e.default for e, dummy in stated} == {e.name: in_catalogue(e, r, r["boot_val"]) for e, r in stated}


@pytest.mark.parametrize("facts", [SMALL, LARGE], ids=["small", "large"])
def test_every_value_is_one_that_the_server_can_hold(here: Here, facts: Mapping[str, float]) -> None:
    refused = {e.name: v for e, row in here for v in e.samples(facts) if not can_hold(row, in_server(e, row, v))}
    assert refused == {}


def test_what_a_reload_sets_is_read_back_unchanged(server: str, rows: Rows, version: str) -> None:
    # What stands on the server's command line beats its files.
    mine = [e for e in ENTRIES if e.is_in(version) and e.raw["tier"] == "reload" and e.setting not in SETTINGS]
    for number in range(ROUNDS):
        wanted = {entry: pick(entry.samples(SMALL), number) for entry in mine}
        reload(server, {entry.setting: in_server(entry, rows[entry.setting], value) for entry, value in wanted.items()})
        now = settings(server)
        found = {entry: in_catalogue(entry, now[entry.setting], now[entry.setting]["setting"]) for entry in mine}
        assert {e.name: found[e] for e in mine if found[e] != wanted[e]} == {}


def pick(values: list[Any], number: int) -> Any:
    return values[number % len(values)]


def can_hold(row: Mapping[str, Any], own: str) -> bool:
    if row["vartype"] == "enum":
        return own in row["enumvals"]
    if row["vartype"] == "bool":
        return True
    whole = row["vartype"] == "real" or Fraction(own).denominator == 1  # else it falls between two values
    return whole and Fraction(row["min_val"]) <= Fraction(own) <= Fraction(row["max_val"])


def in_catalogue(entry: Told, row: Mapping[str, Any], text: str) -> Any:
    """What the server has written, in the entry's type and unit."""
    if entry.raw["type"] == "choice":
        return text
    if entry.raw["type"] == "bool":
        return text == "on"
    value = Fraction(text)
    if value > 0 and entry.unit:
        value *= base(row) / (entry.in_bytes(1) if entry.is_size else Fraction(str(entry.in_seconds(1))))
    return int(value) if entry.raw["type"] == "int" and value.denominator == 1 else float(value)


def in_server(entry: Told, row: Mapping[str, Any], value: Any) -> str:
    """A value as the server would write it, in its own unit."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    amount = Fraction(str(value))
    if amount > 0 and entry.unit:
        amount *= Fraction(str(entry.in_bytes(1) if entry.is_size else entry.in_seconds(1))) / base(row)
    return str(amount.numerator) if amount.denominator == 1 else str(float(amount))


def base(row: Mapping[str, Any]) -> Fraction:
    """What one of the server's unit is in bytes or seconds; it counts some sizes in blocks of 8kB."""
    match = re.fullmatch(r"(\d*)(\D+)", row["unit"])
    assert match is not None
    return Fraction(int(match[1] or 1) * UNITS[match[2]])


def reload(server: str, values: Mapping[str, str]) -> None:
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        for name, value in values.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        before = connection.execute("SELECT pg_conf_load_time()").fetchone()
        connection.execute("SELECT pg_reload_conf()")
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        with connected(server) as connection:
            if connection.execute("SELECT pg_conf_load_time()").fetchone() != before:
                return
        time.sleep(0.02)
    raise AssertionError("the server did not reload")
