# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sampler in the test's own process: what it makes of slow sources and clocks that are set."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import socket
import threading
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling import sampler as sampling
from ansible_collections.evolve.vm.plugins.module_utils.sampling.clock import Clock
from ansible_collections.evolve.vm.plugins.module_utils.sampling.collecting import collect
from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import Processor, Reading
from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_source import Readings, SourceLost
from ansible_collections.evolve.vm.plugins.module_utils.sampling.sampler import (
    FOLDER_GONE,
    LEASE_ENDED,
    RENEWED,
    Sampler,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import SettingsError, read_settings
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import read_status


def settings_of(**options):
    usual = {
        "hypervisor": "libvirt",
        "uri": "test:///default",
        "interval": 1,
        "lease_seconds": 3600,
        "machines": [{"name": "a"}],
        "probes": [],
    }
    return read_settings({**usual, **options})


class Source:
    """Machines that use half of one vCPU. Gives them as it is told to."""

    def __init__(self):
        self.do = lambda: None
        self.times = []

    def read(self, names):
        self.times.append(time.monotonic())
        self.do()
        now = time.monotonic()
        used = {"0": Processor(int(now * 5e8))}
        return Readings({name: Reading(now, name, used) for name in names}, {}, [])


class Wall:
    """A wall clock that can be set."""

    def __init__(self):
        self.offset = 0.0

    def __call__(self):
        return time.time() + self.offset


async def until(is_true, seconds=30.0):
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it took too long"
        await asyncio.sleep(0.02)


def points_of(folder, host="a", field="cpu_utilisation_percent"):
    found = collect(str(folder), 0, None).series
    return [point for each in found if (each["host"], each["field"]) == (host, field) for point in each["points"]]


def gaps_of(folder):
    return collect(str(folder), 0, None).gaps


@pytest.fixture
def run(tmp_path):
    """Runs a sampler while `doing(sampler)` lasts; gives what it ended with."""
    (tmp_path / RENEWED).touch()

    def run(doing, settings=None, source=None, clock=None):
        async def main():
            sampler = Sampler(str(tmp_path), settings or settings_of(), source, clock)
            running = asyncio.ensure_future(sampler.run())
            try:
                await doing(sampler)
            finally:
                sampler.end("stopped")
            return await running

        return asyncio.run(main())

    return run


def test_machines_are_read_at_each_tick(tmp_path, run):
    source = Source()

    async def doing(_sampler):
        await until(lambda: len(points_of(tmp_path)) >= 3)

    assert run(doing, source=source) == "stopped"
    assert [value for dummy, value in points_of(tmp_path)] == pytest.approx([50.0] * len(points_of(tmp_path)), abs=1)
    assert read_status(str(tmp_path)).state == "stopped"


def test_a_clock_that_is_set_moves_no_reading_and_leaves_a_word(tmp_path, run):
    source, wall = Source(), Wall()

    async def doing(_sampler):
        await until(lambda: len(points_of(tmp_path)) >= 2)
        wall.offset = 7200.0
        await until(lambda: len(points_of(tmp_path)) >= 4)
        wall.offset = 0.0
        await until(lambda: len(points_of(tmp_path)) >= 6)

    run(doing, source=source, clock=Clock(wall=wall))
    distances = [later - earlier for earlier, later in zip(source.times, source.times[1:], strict=False)]
    # Whole seconds, late by no more than a busy machine makes them.
    assert all(abs(distance - round(distance)) < 0.4 for distance in distances)
    assert sum(distances) < len(distances) + 5
    stamps = sorted(at_ms for at_ms, dummy in points_of(tmp_path))
    assert max(later - earlier for earlier, later in itertools.pairwise(stamps)) > 3_600_000
    assert [gap["reason"][:22] for gap in gaps_of(tmp_path)] == ["the clock was set back", "the clock was set forw"]


def test_a_source_that_is_lost_leaves_a_gap_and_no_wrong_point(tmp_path, run):
    source = Source()

    def lose():
        raise SourceLost("libvirt at x does not answer")

    async def doing(_sampler):
        await until(lambda: len(points_of(tmp_path)) >= 2)
        source.do = lose
        await until(lambda: gaps_of(tmp_path))
        assert gaps_of(tmp_path)[0]["end_ms"] is None
        source.do = lambda: None
        count = len(points_of(tmp_path))
        await until(lambda: len(points_of(tmp_path)) > count)

    run(doing, source=source)
    (gap,) = gaps_of(tmp_path)
    assert gap["reason"] == "libvirt at x does not answer"
    assert gap["begin_ms"] < gap["end_ms"]
    assert not any(gap["begin_ms"] < at_ms <= gap["end_ms"] for at_ms, dummy in points_of(tmp_path))


def test_a_source_that_hangs_holds_up_no_probe(tmp_path, run, monkeypatch):
    monkeypatch.setattr(sampling, "_PATIENCE_SECONDS", 1.0)
    source, free = Source(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe = {"kind": "tcp", "port": server.getsockname()[1], "host": "127.0.0.1"}

        async def doing(_sampler):
            await until(lambda: len(points_of(tmp_path)) >= 1)
            source.do = free.wait
            await until(lambda: gaps_of(tmp_path))
            count = len(points_of(tmp_path, field="availability_percent"))
            await until(lambda: len(points_of(tmp_path, field="availability_percent")) > count + 2)
            source.do = lambda: None
            free.set()
            await until(lambda: any("readings left out: " in gap["reason"] for gap in gaps_of(tmp_path)))

        run(doing, settings_of(probes=[probe]), source)
    (gap,) = [gap for gap in gaps_of(tmp_path) if gap["reason"] == "libvirt has not answered for 1 s"]
    assert gap["end_ms"] is not None
    availability = points_of(tmp_path, field="availability_percent")
    assert all(value == 100 for dummy, value in availability)
    distances = [later[0] - earlier[0] for earlier, later in itertools.pairwise(availability)]
    assert max(distances) < 1900


def test_other_settings_are_taken_over_without_a_gap_for_what_stays(tmp_path, run):
    source = Source()
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        probe = {"kind": "tcp", "port": server.getsockname()[1], "host": "127.0.0.1"}

        async def doing(sampler):
            await until(lambda: len(points_of(tmp_path)) >= 2 and points_of(tmp_path, field="response_time_ms"))
            two = [{"name": "a"}, {"name": "b"}]
            sampler.change(settings_of(machines=two, probes=[probe]), source)
            await until(lambda: len(points_of(tmp_path, "b")) >= 2)
            await until(lambda: points_of(tmp_path, "b", "response_time_ms"))
            sampler.change(settings_of(machines=two[1:], probes=[]), source)
            count, asked = len(points_of(tmp_path, "b")), len(points_of(tmp_path, "b", "response_time_ms"))
            await until(lambda: len(points_of(tmp_path, "b")) >= count + 2)
            assert len(points_of(tmp_path, "b", "response_time_ms")) <= asked + 1

        run(doing, settings_of(probes=[probe]), source)
    for host in ("a", "b"):
        stamps = [at_ms for at_ms, dummy in points_of(tmp_path, host)]
        assert max(later - earlier for earlier, later in itertools.pairwise(stamps)) < 2500
    assert gaps_of(tmp_path) == []


def test_it_ends_when_nobody_wants_it(tmp_path, run, monkeypatch):
    async def doing(sampler):
        monkeypatch.setattr(sampler, "_settings", settings_of()._replace(lease_seconds=0.5))
        await until(lambda: sampler._ended is not None and sampler._ended.is_set())

    assert run(doing, source=Source()) == LEASE_ENDED
    assert read_status(str(tmp_path)).state == LEASE_ENDED


def test_it_ends_when_its_folder_is_gone(tmp_path, run):
    async def doing(sampler):
        await asyncio.sleep(0.1)
        shutil.rmtree(tmp_path)
        await until(lambda: sampler._ended is not None and sampler._ended.is_set())

    assert run(doing, source=Source()) == FOLDER_GONE


def test_the_options_are_checked_as_a_whole():
    with pytest.raises(SettingsError) as caught:
        settings_of(
            interval="2h",
            lease_seconds=5,
            machines=[{"name": "a", "host": "x"}, {"name": "a", "host": "x"}],
            probes=[{"kind": "icmp"}, {"kind": "pgsql"}],
        )
    text = str(caught.value)
    assert text.startswith("7 faults in the options of sampler:\n  - interval: found '2h', expected 1 s to 60 min")
    for part in ("lease_seconds: found 5", "machines[1].name: a is in the list twice", "machines[1].host: x"):
        assert part in text
    assert "probes[1].kind: found 'pgsql'" in text
    assert "machines[0].address: a has none" in text
    with pytest.raises(SettingsError, match="at least two intervals"):
        settings_of(interval="1h")
    with pytest.raises(SettingsError, match="there is nothing to sample"):
        settings_of(hypervisor="none")
    with pytest.raises(SettingsError, match="machines: is empty"):
        settings_of(machines=[])
