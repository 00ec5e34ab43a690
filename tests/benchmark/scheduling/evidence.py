# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study did: its search runs as the store and the simulation's log tell them, without our own code."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

# The store's times are cut to milliseconds.
_CUT = 0.0015


@dataclass(frozen=True)
class Run:
    """One run of a trial on a slot. Times are seconds since 1970.

    asked, told: when the store handed it out, and took its result. began, seconds: when the simulated benchmark really
    ran, and how long; None and 0.0 where it did not.
    """

    trial: int
    slot: str
    status: str
    asked: float
    told: float | None
    began: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Trial:
    """A configuration of the search. Number 0 is the baseline."""

    number: int
    configuration: Mapping[str, Any]
    repeat_of: int | None
    status: str


@dataclass(frozen=True)
class Evidence:
    """All of it. `winner` is the number of the trial that was recommended, None for the baseline."""

    runs: tuple[Run, ...]
    trials: tuple[Trial, ...]
    winner: int | None


def read(store: str, study: str, log: Path) -> Evidence:
    """Read the store at this URL, and the log of the simulation."""
    engine = sa.create_engine(store, poolclass=sa.NullPool)
    with engine.connect() as connection:

        def rows(columns: str, table: str, column: str = "study") -> list[Any]:
            query = f"SELECT {columns} FROM {table} WHERE {column} = :study"
            return list(connection.execute(sa.text(query), {"study": study}))

        runs = [
            Run(trial, slot, status, seconds_of(asked), None if told is None else seconds_of(told))
            for trial, slot, status, asked, told, purpose in rows(
                "trial, slot, status, started_at, finished_at, purpose", "measurements"
            )
            if purpose == "search"
        ]
        trials = [
            Trial(n, decoded(c), r, s) for n, c, r, s in rows("number, configuration, repeat_of, status", "trials")
        ]
        winner = rows("winner", "studies", "name")[0][0]
    return Evidence(tuple(joined(runs, entries(log))), tuple(sorted(trials, key=lambda t: t.number)), winner)


def entries(log: Path) -> list[dict[str, Any]]:
    """The simulation's log; nothing where nothing was measured."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def joined(runs: Iterable[Run], log: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs in the order in which they were handed out, each with the measurement that began within it."""
    begun: dict[str, list[tuple[float, float]]] = {}
    for entry in log:
        begun.setdefault(entry["machine"], []).append((entry["began"], entry["seconds"]))
    for times in begun.values():
        times.sort()
    return [_with_measurement(run, begun.get(run.slot, [])) for run in sorted(runs, key=lambda run: run.asked)]


def _with_measurement(run: Run, begun: list[tuple[float, float]]) -> Run:
    place = bisect_left(begun, (run.asked - _CUT, 0.0))
    if place == len(begun) or run.told is None or begun[place][0] > run.told + _CUT:
        return run
    began, seconds = begun[place]
    return Run(run.trial, run.slot, run.status, run.asked, run.told, began, seconds)


def seconds_of(time: str) -> float:
    """A time of the store, in seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()


def decoded(value: Any) -> Any:
    """A JSON column, which SQLite gives as text and PostgreSQL as what it means."""
    return json.loads(value) if isinstance(value, str) else value
