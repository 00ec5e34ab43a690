# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that wait for a database."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics import spool as module
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.spool import Sent, Spool, SpoolError


class Database(Backend):
    """Keeps what is written, and fails when told to."""

    shown = "a database"

    def __init__(self) -> None:
        self.batches: list[list[Point]] = []
        self.trouble: BackendError | None = None

    @property
    def points(self) -> list[Point]:
        return [point for batch in self.batches for point in batch]

    def check(self) -> str:
        return self.shown

    def write(self, points: Sequence[Point]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.batches.append(list(points))

    def read(self, selector: Selector, window: Window) -> list[Series]:
        return []


def points(first: int, count: int) -> list[Point]:
    return [
        Point("evolve_vm", "cpu_steal_percent", tagged(host="ä b"), at, at / 3) for at in range(first, first + count)
    ]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool" / "influxdb.sqlite")


def test_points_are_sent_in_the_order_they_came_in_and_once(spool: Spool) -> None:
    database = Database()
    for first in range(0, 12_000, 1000):
        spool.add(points(first, 1000))

    assert spool.send(database, seconds=60) == Sent(12_000, 0)
    assert spool.send(database, seconds=60) == Sent(0, 0)

    assert database.points == points(0, 12_000)
    assert [len(batch) for batch in database.batches] == [5000, 5000, 2000]


def test_a_database_that_is_down_loses_nothing_and_is_left_alone_for_a_while(spool: Spool) -> None:
    database = Database()
    database.trouble = BackendError("a database does not answer", passing=True)
    spool.add(points(0, 10))

    assert spool.send(database, seconds=60) == Sent(0, 10, "a database does not answer")
    database.trouble = None
    spool.add(points(10, 5))
    assert spool.send(database, seconds=60) == Sent(0, 15, "a database does not answer")
    assert spool.send(database, seconds=60, at_once=True) == Sent(15, 0)

    assert database.points == points(0, 15)
    assert spool.waiting == 0
    spool.add(points(20, 1))
    assert spool.send(database, seconds=60) == Sent(1, 0)


def test_what_is_refused_for_good_is_told_and_does_not_hold_up_the_rest(spool: Spool) -> None:
    database = Database()
    database.trouble = RejectedError("too old", count=3)
    spool.add(points(0, 10))
    sent = spool.send(database, seconds=60)
    assert (sent.waiting, sent.rejected) == (0, "too old")

    database.trouble = None
    spool.add(points(10, 5))
    assert spool.send(database, seconds=60) == Sent(5, 0)


def test_the_pause_grows_up_to_ten_minutes(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    present = [1000.0]
    monkeypatch.setattr(module.time, "time", lambda: present[0])
    attempts: list[float] = []

    class Silent(Database):
        def write(self, points: Sequence[Point]) -> None:
            attempts.append(present[0])
            raise BackendError("it does not answer", passing=True)

    spool.add(points(0, 1))
    while present[0] < 3500:
        spool.send(Silent(), seconds=1)
        present[0] += 1

    assert [later - earlier for earlier, later in pairwise(attempts)] == [15, 30, 60, 120, 240, 480, 600, 600]


def test_one_process_sends_at_a_time(spool: Spool) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow(Database):
        def write(self, points: Sequence[Point]) -> None:
            entered.set()
            assert leave.wait(30)
            super().write(points)

    slow, other = Slow(), Database()
    spool.add(points(0, 10))
    thread = threading.Thread(target=spool.send, args=(slow,), kwargs={"seconds": 60})
    thread.start()
    assert entered.wait(30)

    assert spool.send(other, seconds=0.1, at_once=True) == Sent(0, 10, "another process is sending")
    spool.add(points(10, 1))
    threading.Timer(0.2, leave.set).start()
    assert spool.send(other, seconds=60, at_once=True) == Sent(0, 0)
    thread.join()

    assert slow.points == points(0, 11)
    assert other.points == []


def test_a_kill_between_taking_and_forgetting_sends_again_and_loses_nothing(spool: Spool, tmp_path: Path) -> None:
    """Killed eight times in its work; in the end the database has everything, and had it in order."""
    script = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path[:0] = {sys.path!r}
        from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.spool import Spool
        from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.metrics.test_spool import Database, points

        class File(Database):
            def write(self, points):
                with open({str(tmp_path / "taken")!r}, "a") as file:
                    file.write("".join(f"{{point.at_ms}}\\n" for point in points))

        spool = Spool(Path({str(tmp_path / "spool" / "influxdb.sqlite")!r}))
        first = int(sys.argv[1])
        for number in range(first, first + 400, 20):
            spool.add(points(number, 20))
            print(number, flush=True)  # it was told to be on disk
            spool.send(File(), seconds=60, at_once=True)
        """
    )
    told: list[int] = []
    for kill in range(8):
        process = subprocess.Popen([sys.executable, "-c", script, str(kill * 1000)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _line in range(kill + 2):
            told.append(int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
        process.wait()
    taken = [int(line) for line in (tmp_path / "taken").read_text().split()]
    rest = Database()
    spool.send(rest, seconds=60, at_once=True)

    everything = [*taken, *(point.at_ms for point in rest.points)]
    assert set(everything) >= {number + step for number in told for step in range(20)}
    assert sorted(set(everything), key=everything.index) == sorted(set(everything))


def test_a_spool_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")

    with pytest.raises(SpoolError, match="cannot be kept in"):
        Spool(tmp_path / "spool" / "influxdb.sqlite").add(points(0, 1))
