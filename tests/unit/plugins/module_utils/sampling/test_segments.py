# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of samples: written by one, read by others meanwhile, whatever happens to either."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.clock import Clock
from ansible_collections.evolve.vm.plugins.module_utils.sampling.collecting import collect
from ansible_collections.evolve.vm.plugins.module_utils.sampling.recorder import Recorder
from ansible_collections.evolve.vm.plugins.module_utils.sampling.segments import (
    Limits,
    SegmentWriter,
    read_records,
    segments,
)

WRITER = (
    "import itertools, sys\n"
    "from ansible_collections.evolve.vm.plugins.module_utils.sampling.segments import Limits, SegmentWriter\n"
    "writer = SegmentWriter(sys.argv[1], lambda: [{'head': 1}], Limits(segment_bytes=2000))\n"
    "for number in itertools.count(1):\n"
    "    writer.write([(number, [number, 'x' * 50])])\n"
    "    print(number, flush=True)\n"
)


def written(folder, since_ms=0):
    return [record[0] for part in read_records(str(folder), since_ms) for record in part if isinstance(record, list)]


def lines(*times):
    return [(at_ms, [at_ms, "x"]) for at_ms in times]


def test_what_was_written_is_read_in_order_and_only_what_is_new(tmp_path):
    writer = SegmentWriter(str(tmp_path), lambda: [{"head": 1}], Limits(segment_bytes=40))
    for start in range(0, 100, 10):
        writer.write(lines(*range(start + 1, start + 11)))
    assert written(tmp_path) == list(range(1, 101))
    # Whole segments that are older are not even opened.
    assert written(tmp_path, since_ms=95) == list(range(91, 101))
    assert all({"head": 1} in part for part in read_records(str(tmp_path), 0))


def test_a_line_that_is_not_whole_is_no_record(tmp_path):
    writer = SegmentWriter(str(tmp_path), list)
    writer.write(lines(1, 2))
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'[3,"x')
    assert written(tmp_path) == [1, 2]
    # The next process leaves it behind, and begins a file of its own.
    again = SegmentWriter(str(tmp_path), list)
    again.write(lines(4))
    assert written(tmp_path) == [1, 2, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001-2.jsonl", "00000002.open"]


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        said = [process.stdout.readline() for dummy in range(200)]
        seen = written(tmp_path)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    last = int([line for line in said if line.endswith("\n")][-1])
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 200
    again = SegmentWriter(str(tmp_path), list)
    again.write(lines(10**6))
    found = written(tmp_path)
    assert found[:last] == list(range(1, last + 1))
    assert found[-1] == 10**6


def test_old_segments_are_removed_by_age_and_by_size(tmp_path):
    by_age, by_size = tmp_path / "age", tmp_path / "size"
    for folder, limits in (
        (by_age, Limits(segment_bytes=1, kept_ms=50)),
        (by_size, Limits(segment_bytes=1, kept_bytes=100)),
    ):
        folder.mkdir()
        writer = SegmentWriter(str(folder), list, limits)
        for at_ms in range(1, 201):
            writer.write(lines(at_ms))
        assert written(folder) == list(range(writer.removed_ms + 1, 201))
    assert written(by_age) == list(range(150, 201))
    assert sum(path.stat().st_size for path in by_size.iterdir()) <= 100


def test_a_full_disk_loses_nothing_and_is_told(tmp_path):
    recorder = Recorder(str(tmp_path), Clock())
    recorder.sample(1000, "web1", "", {"cpu_utilisation_percent": 1.0})
    recorder.flush()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (path,) = tmp_path.iterdir()
    try:
        # As on a full disk, a part of what is written still fits.
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
        for at_ms in range(1001, 1011):
            recorder.sample(at_ms, "web1", "", {"cpu_utilisation_percent": 2.0})
            recorder.flush()
            assert "cannot be written: File too large" in recorder.trouble
            # Nobody may take later ones for complete.
            assert recorder.complete_ms() == 1000
        assert [point[0] for point in collect(str(tmp_path), 0, None).series[0]["points"]] == [1000]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    recorder.flush()
    assert recorder.trouble == ""
    assert [point[0] for point in collect(str(tmp_path), 0, None).series[0]["points"]] == list(range(1000, 1011))


def test_too_many_that_wait_are_dropped_and_leave_a_gap(tmp_path, monkeypatch):
    monkeypatch.setattr("ansible_collections.evolve.vm.plugins.module_utils.sampling.recorder._MOST_WAITING", 3)
    recorder = Recorder(str(tmp_path), Clock())
    folder = Path(tmp_path)
    folder.rename(tmp_path.with_name("moved"))
    for at_ms in range(1, 6):
        recorder.sample(at_ms, "web1", "", {"cpu_utilisation_percent": 1.0})
        recorder.flush()
    tmp_path.with_name("moved").rename(folder)
    recorder.flush()
    recorder.flush()
    found = collect(str(tmp_path), 0, None)
    assert [point[0] for point in found.series[0]["points"]] == [3, 4, 5]
    assert [(gap["begin_ms"], "too many were waiting" in gap["reason"]) for gap in found.gaps] == [(1, True)]


def test_answers_that_come_late_are_not_missed(tmp_path):
    recorder = Recorder(str(tmp_path), Clock(lambda: 0.0, lambda: 100.0))
    with recorder.under_way(40_000):
        recorder.sample(60_000, "web1", "", {"response_time_ms": 1.0})
        recorder.flush()
        complete = recorder.complete_ms()
        assert complete == 39_999
        assert collect(str(tmp_path), 0, complete).series == []
        recorder.sample(40_000, "web1", "", {"response_time_ms": 2.0})
    recorder.flush()
    assert collect(str(tmp_path), complete, recorder.complete_ms()).series[0]["points"] == [
        [40_000, 2.0],
        [60_000, 1.0],
    ]


@pytest.mark.parametrize("segment_bytes", [1, 300, 2**20])
def test_an_answer_of_many_points_is_given_in_parts(tmp_path, segment_bytes):
    recorder = Recorder(str(tmp_path), Clock(), Limits(segment_bytes=segment_bytes))
    for at_ms in range(1, 101):
        recorder.sample(at_ms, "web1", "", {"response_time_ms": at_ms, "availability_percent": 100.0})
        # Answers that came late are written late.
        if at_ms > 20:
            recorder.sample(at_ms - 20, "web2", "db", {"availability_percent": 0.0})
        recorder.flush()
    seen, late, since, parts = [], [], 0, 0
    while True:
        found = collect(str(tmp_path), since, 100, most_points=50)
        seen += [point for each in found.series if each["field"] == "response_time_ms" for point in each["points"]]
        late += [point[0] for each in found.series if each["host"] == "web2" for point in each["points"]]
        since, parts = found.newest_ms, parts + 1
        if not found.more:
            break
    assert seen == [[at_ms, float(at_ms)] for at_ms in range(1, 101)]
    assert late == list(range(1, 81))
    assert (since, parts) == (100, 6)
    only = collect(str(tmp_path), 0, 100, hosts=["web2"]).series
    assert [(each["host"], each["probe"], each["field"]) for each in only] == [("web2", "db", "availability_percent")]


def test_gaps_are_told_while_they_last_and_when_they_have_ended(tmp_path):
    recorder = Recorder(str(tmp_path), Clock(), Limits(segment_bytes=1, kept_ms=0))
    recorder.open_gap("web1", 10, "it is shut off")
    recorder.open_gap("web1", 11, "again")
    for dummy in range(5):
        # The segment in which it began is removed.
        recorder.warning("x")
        recorder.flush()
    assert segments(str(tmp_path))[0].number > 1
    lasting = {"host": "web1", "begin_ms": 10, "end_ms": None, "reason": "it is shut off"}
    for since_ms in (0, 10**15):
        assert collect(str(tmp_path), since_ms, None).gaps == [lasting]
    recorder.end_gap("web1", 20)
    recorder.flush()
    assert collect(str(tmp_path), 15, None).gaps == [{**lasting, "end_ms": 20}]
    assert collect(str(tmp_path), 20, None).gaps == []


def test_values_keep_seven_digits(tmp_path):
    recorder = Recorder(str(tmp_path), Clock())
    recorder.sample(1, "web1", "", {"response_time_ms": 1234.56789})
    recorder.flush()
    assert collect(str(tmp_path), 0, None).series[0]["points"] == [[1, pytest.approx(1234.568)]]
