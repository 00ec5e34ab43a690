# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill the controller of a simulated study again and again, and look after each time whether anything was lost.

A moment is chosen in one of three ways: at a random time, which is seldom in a short window; when the store has
reached a random number of transactions more, which is right after one of them and before what follows it; and shortly
after a play has begun, of those that were hit least so far. Half of the kills hit the controller alone, the others all
that it has started, too.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ansible_collections.evolve.vm.tests.simulation.auditing import (
    Committed,
    committed,
    faults_at_any_time,
    faults_at_the_end,
    off_baseline,
)
from ansible_collections.evolve.vm.tests.simulation.conftest import Estate
from ansible_collections.evolve.vm.tests.simulation.controller import RunningController, alive

PLAYS = (
    "Open the study",
    "Fix the baseline",
    "Measure the baseline",
    "Search",
    "Verify the winner against the baseline",
    "Put the slots back on their baseline",
    "Judge and report",
)
#: When this play begins, every slot has been prepared and none has run anything.
PREPARED = "Fix the baseline"
# Until the first line of a run is printed.
_START_SECONDS = 0.4
_ORPHAN_SECONDS = 2.0
_LARGEST_STEP = 25
_LONGEST_DELAY_SECONDS = 0.4


@dataclass
class Campaign:
    """What came of it. `phases` counts the kills by the play that they hit, `ways` by how their moment was chosen."""

    kills: int = 0
    studies: int = 0
    late: int = 0  # moments that came after the end
    measurements: int = 0  # that were committed before some kill
    restored: int = 0  # restarts after which every slot was seen on its baseline before its first run
    phases: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        phases = ", ".join(f"{self.phases[play]} in {play!r}" for play in ("start", *PLAYS) if self.phases[play])
        ways = ", ".join(f"{count} by {way}" for way, count in sorted(self.ways.items()))
        return (
            f"{self.kills} kills over {self.studies} studies ({phases}; {ways}; {self.late} moments came after the "
            f"end); {self.measurements} measurements were committed before a kill; {self.restored} restarts were seen "
            f"to put the slots back; {len(self.faults)} faults"
        )


def crash(
    points: int,
    seed: int,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
    make: Callable[[Path, int], Estate] | None = None,
    length: float = 9.0,
) -> Campaign:
    """Kill so many times, over as many studies as that takes.

    `make` gives the estate of a study, given its folder and number; a simulated one by default. `length` is about how
    long a study takes in seconds.
    """
    found, chance = Campaign(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="evolve-crash-", dir=folder) as name:
        while found.kills < points:
            place = Path(name) / str(found.studies)
            place.mkdir()
            estate = (make or simulated)(place, found.studies)
            _crash_study(estate, points, chance, found, tell, length)
            found.studies += 1
    return found


def simulated(folder: Path, number: int) -> Estate:
    """A small study on three simulated machines."""
    estate = Estate(folder, slots=3)
    estate.variables |= {
        "evolve_budget": {"trials": 8},
        "evolve_verification": {"blocks": 2},
        "evolve_seed": number + 1,
        "evolve_simulation": {"seconds_per_run": 0.1},
    }
    return estate


def _crash_study(
    estate: Estate, points: int, chance: random.Random, found: Campaign, tell: Callable[[str], None], length: float
) -> None:
    """One study, killed until the points are used up, and then left in peace. It is done when a run is left to end."""
    before: Committed = {}
    while True:
        way, moment = _moment(estate, chance, length, found) if found.kills < points else ("", _never)
        with estate.start() as controller:
            watch = _Watch(estate, controller)
            came = controller.wait_for(partial(moment, controller))
            if not (came and controller.running):
                code = controller.end()
                found.late += bool(way)
                faults = faults_at_the_end(estate, before)
                if code:
                    faults.append(f"it ended with {code}: {controller.output[-1500:]}")
                _note(found, faults + watch.faults, f"the end of study {found.studies}", tell)
                found.restored += watch.seen
                return
            offspring = controller.kill(tree=chance.random() < 0.5)
            length = max(length, controller.seconds)
        found.kills += 1
        found.ways[way] += 1
        found.phases[watch.play] += 1
        found.restored += watch.seen
        faults = list(watch.faults)
        if left := alive(offspring, _ORPHAN_SECONDS):
            faults.append(f"workers have outlived their controller: {left}")
        if (estate.home / "evolve.sqlite").exists() and estate.rows("select name from sqlite_master"):
            faults += faults_at_any_time(estate, before)
            before = committed(estate)
            found.measurements += len(before)
        _note(found, faults, f"kill {found.kills} ({way}, in {watch.play!r})", tell)


def _note(found: Campaign, faults: list[str], when: str, tell: Callable[[str], None]) -> None:
    found.faults += [f"{when}: {fault}" for fault in faults]
    tell(f"{when}: {'; '.join(faults) or 'nothing is lost'}")


class _Watch:
    """Follows the plays of a run; before its first trial it holds the controller and looks at the machines."""

    def __init__(self, estate: Estate, controller: RunningController) -> None:
        self.play = "start"
        self.faults: list[str] = []
        self.seen = 0
        self._estate, self._controller = estate, controller
        controller.on_line = self._take

    def _take(self, line: str) -> None:
        play = line.strip()
        if play in PLAYS:
            self.play = play
        if play == PREPARED:
            with suppress(ProcessLookupError), _held(self._controller.pid):
                self.faults += [f"not put back before the first run: {fault}" for fault in off_baseline(self._estate)]
                self.seen += 1


@contextmanager
def _held(pid: int) -> Iterator[None]:
    """A process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _moment(
    estate: Estate, chance: random.Random, length: float, found: Campaign
) -> tuple[str, Callable[[RunningController], bool]]:
    """How a moment is chosen, and whether it has come."""
    way = chance.choices(("time", "transactions", "play"), (3, 4, 4))[0]
    if way == "time":
        seconds = chance.uniform(_START_SECONDS, length)
        return way, lambda controller: controller.seconds >= seconds
    if way == "transactions":
        until = _revision(estate) + chance.randint(1, _LARGEST_STEP)
        return way, lambda controller: _revision(estate) >= until
    play = min(PLAYS, key=lambda name: (found.phases[name], chance.random()))
    delay = chance.uniform(0, _LONGEST_DELAY_SECONDS)
    return way, lambda controller: any(
        line.strip() == play and controller.seconds >= begun + delay for begun, line in tuple(controller.lines)
    )


def _revision(estate: Estate) -> int:
    """How many transactions there were on the study. To look takes no lock that could disturb it."""
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{estate.home}/evolve.sqlite?mode=ro", uri=True) as store:
        rows = store.execute("select revision from studies").fetchall()
        return int(rows[0][0]) if rows else 0
    return 0


def _never(dummy: RunningController) -> bool:
    return False
