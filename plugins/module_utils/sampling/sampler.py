# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sampler itself: reads all machines at each tick and asks each of them its questions, until it is told to stop.

One thread (asyncio) does everything but the calls of libvirt, which may take long and have one of their own. The
questions are spread over the interval, so that none waits for another and the network is not asked all at once.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import socket
import ssl
from contextlib import suppress
from typing import Callable, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of
from ansible_collections.evolve.vm.plugins.module_utils.sampling import rates
from ansible_collections.evolve.vm.plugins.module_utils.sampling.clock import Clock, Ticks
from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import Reading
from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_source import (
    LibvirtSource,
    Readings,
    SourceLost,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import ProbeDefinition
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import (
    Probe,
    ProbeFailed,
    ProbeFault,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.recorder import Recorder
from ansible_collections.evolve.vm.plugins.module_utils.sampling.segments import Limits
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import Machine, Settings
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import (
    RUNNING,
    Status,
    StatusFile,
    boot_id,
)

#: The file whose time of modification tells that somebody still wants the samples.
RENEWED = "renewed"
STOPPED = "stopped"
LEASE_ENDED = "nobody has collected or renewed for lease_seconds"
FOLDER_GONE = "its folder was removed"
INTERRUPTED = "the sampler was killed and started again"

# How soon what was sampled can be collected.
_FLUSH_SECONDS = 0.25
# Of the interval, or of this much of it where it is longer, the questions take the share from 5 to 95 %.
_SPREAD_SECONDS = 2.0
# libvirt does not answer when it has not for so long.
_PATIENCE_SECONDS = 5.0


class _Key(NamedTuple):
    """A question that stays the same over a change of settings."""

    machine: Machine
    tag: str
    definition: str
    interval_seconds: float


class Sampler:
    """One sampler, writing to a folder. `run` ends when it is told to, and says why."""

    def __init__(
        self,
        folder: str,
        settings: Settings,
        source: LibvirtSource | None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._source = source
        self._clock = clock or Clock()
        self.recorder = Recorder(folder, self._clock, limits)
        self._ticks = Ticks(settings.interval_seconds, self._clock)
        self._status = StatusFile(folder)
        self._state = RUNNING
        self._before: dict[str, Reading] = {}
        self._seen_ms: dict[str, int] = {}
        self._begun_ms = self._clock.now_ms()
        self._questions: dict[_Key, asyncio.Task[None]] = {}
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._reading: asyncio.Task[None] | None = None
        self._ended: asyncio.Event | None = None
        self._lease_mark: int | None = None
        self._lease_end = 0.0
        self.when_begun: Callable[[], None] = lambda: None
        """Called once it can be told to stop."""

    def tell_interruption(self, since_ms: int) -> None:
        """A sampler before this one was killed; it was last seen at this time."""
        self.recorder.gap("", since_ms, self._begun_ms, INTERRUPTED)

    async def run(self) -> str:
        """Sample until told to stop; why it ended."""
        self._ended = asyncio.Event()
        self._write_status()
        self._start()
        self.when_begun()
        keeping = asyncio.ensure_future(self._keep_house())
        await self._ended.wait()
        tasks = [keeping, *self._questions.values(), *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        # Each closes what it has kept open.
        await asyncio.wait(tasks, timeout=1.0)
        self.recorder.close()
        with suppress(OSError):
            self._write_status()
        return self._state

    def end(self, reason: str) -> None:
        """Have `run` end."""
        if self._state == RUNNING:
            self._state = reason
        if self._ended is not None:
            self._ended.set()

    def change(self, settings: Settings, source: LibvirtSource | None) -> None:
        """Do something else from now on; what stays the same goes on as it does. source: that of before, or another."""
        for machine in set(self._settings.machines).difference(settings.machines):
            self._before.pop(machine.name, None)
            self._seen_ms.pop(machine.host, None)
            self.recorder.forget(machine.host)
        if settings.interval_seconds != self._settings.interval_seconds:
            self._ticks = Ticks(settings.interval_seconds, self._clock)
        if source is not self._source:
            self._before.clear()
        self._settings, self._source = settings, source
        self._lease_mark = None
        if self._reading is not None:
            self._reading.cancel()
        self._start()
        self._write_status()

    @property
    def source(self) -> LibvirtSource | None:
        """Where the counters come from; None: from nowhere."""
        return self._source

    def _start(self) -> None:
        self._reading = asyncio.ensure_future(self._read_on()) if self._source is not None else None
        wanted = {
            _Key(machine, probe.tag, f"{probe.timeout_seconds} {sorted(probe.options.items())}", self._interval): (
                machine,
                probe,
            )
            for probe in self._settings.probes
            for machine in self._settings.machines
        }
        for key in set(self._questions).difference(wanted):
            self._questions.pop(key).cancel()
        spread = min(self._interval, _SPREAD_SECONDS)
        for number, (key, (machine, definition)) in enumerate(wanted.items()):
            if key not in self._questions:
                phase = spread * (0.05 + 0.9 * number / len(wanted))
                self._questions[key] = asyncio.ensure_future(self._ask_on(machine, definition, phase))

    @property
    def _interval(self) -> float:
        return self._settings.interval_seconds

    # --- counters ---------------------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        """Read the counters at each tick."""
        before: float | None = None
        while True:
            tick = self._ticks.after(self._clock.monotonic())
            await asyncio.sleep(tick - self._clock.monotonic())
            missed = self._ticks.missed(before, tick) if before is not None else 0
            if before is not None and missed:
                self.recorder.gap(
                    "",
                    self._clock.at_ms(before),
                    self._clock.at_ms(tick),
                    f"reading the counters took too long; readings left out: {missed}",
                )
            before = tick
            await self._read_once()

    async def _read_once(self) -> None:
        source, names = self._source, [machine.name for machine in self._settings.machines]
        if source is None:
            return
        with self.recorder.under_way(self._clock.now_ms()):
            future = asyncio.get_running_loop().run_in_executor(self._thread, source.read, names)
            patience = max(_PATIENCE_SECONDS, self._interval)
            done, dummy = await asyncio.wait({future}, timeout=patience)
            if not done:
                self._lose_all(f"libvirt has not answered for {patience:g} s")
                await asyncio.wait({future})
            try:
                readings: Readings = future.result()
            except SourceLost as error:
                self._lose_all(str(error))
                return
            for text in readings.warnings:
                self.recorder.warning(text)
            for machine in self._settings.machines:
                self._take(machine, readings)

    def _take(self, machine: Machine, readings: Readings) -> None:
        after = readings.machines.get(machine.name)
        if after is None:
            self._before.pop(machine.name, None)
            reason = readings.absent.get(machine.name, "it was not read")
            self.recorder.open_gap(machine.host, self._seen_ms.get(machine.host, self._begun_ms), reason)
            return
        at_ms = self._clock.at_ms(after.monotonic)
        self.recorder.end_gap(machine.host, at_ms)
        self.recorder.sample(at_ms, machine.host, "", rates.points(self._before.get(machine.name), after))
        self._before[machine.name] = after
        self._seen_ms[machine.host] = at_ms

    def _lose_all(self, reason: str) -> None:
        self._before.clear()
        for machine in self._settings.machines:
            self.recorder.open_gap(machine.host, self._seen_ms.get(machine.host, self._begun_ms), reason)

    # --- questions --------------------------------------------------------------------------------------------------

    async def _ask_on(self, machine: Machine, definition: ProbeDefinition, phase: float) -> None:
        """Ask one question at each tick; those of which it is still being answered are left out."""
        probe = definition.probe_of(machine.address)
        failing = ""
        try:
            while True:
                tick = self._ticks.after(self._clock.monotonic(), phase)
                await asyncio.sleep(tick - self._clock.monotonic())
                at_ms = self._clock.now_ms()
                with self.recorder.under_way(at_ms):
                    took, reason = await _answer(probe, definition.timeout_seconds)
                    self.recorder.sample(at_ms, machine.host, definition.tag, _values(probe, took))
                    if reason and reason != failing:
                        self.recorder.failure(at_ms, machine.host, definition.tag, reason)
                failing = reason
        finally:
            probe.close()

    # --- house ------------------------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        """Write what was found, look at the clock, and end when nobody wants it any more."""
        while True:
            jump = self._clock.refresh()
            if jump:
                way = "forward" if jump > 0 else "back"
                now = self._clock.now_ms()
                self.recorder.gap("", now, now, f"the clock was set {way} by {abs(jump):.3f} s")
            self.recorder.flush()
            renewed = self._lease_mark
            try:
                self._write_status()
                renewed = os.stat(os.path.join(self._folder, RENEWED)).st_mtime_ns
            except FileNotFoundError:
                self.end(FOLDER_GONE)
                return
            except OSError as error:
                self.recorder.trouble = self.recorder.trouble or _reason(error)
            if renewed != self._lease_mark:
                self._lease_mark = renewed
                self._lease_end = self._clock.monotonic() + self._settings.lease_seconds
            elif self._clock.monotonic() > self._lease_end:
                self.end(LEASE_ENDED)
                return
            await asyncio.sleep(_FLUSH_SECONDS)

    def _write_status(self) -> None:
        own = stat_of(os.getpid())
        status = Status(
            os.getpid(),
            own.started if own else 0,
            boot_id(),
            self._state,
            self.recorder.complete_ms(),
            self.recorder.removed_ms,
            self._settings.identity,
            self.recorder.trouble,
        )
        self._status.write(status._asdict())


async def _answer(probe: Probe, timeout_seconds: float) -> tuple[float | None, str]:
    """The time of an answer in ms, or None and why there was none."""
    try:
        return await asyncio.wait_for(probe.ask(), timeout_seconds), ""
    except asyncio.TimeoutError:
        return None, f"there was no answer within {timeout_seconds:g} s"
    except (ProbeFailed, ProbeFault) as error:
        return None, str(error)
    except OSError as error:
        return None, _reason(error)
    except Exception as error:
        # Whatever an answer can bring about, it ends no other question.
        return None, f"{type(error).__name__}: {error}"


def _reason(error: OSError) -> str:
    """The error in the system's words; asyncio's name functions of its own."""
    if error.errno and not isinstance(error, (socket.gaierror, ssl.SSLError)):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def _values(probe: Probe, took: float | None) -> dict[str, float]:
    if probe.is_network:
        return (
            {"network_lost_percent": 100.0}
            if took is None
            else {
                "network_latency_ms": took,
                "network_lost_percent": 0.0,
            }
        )
    return {"availability_percent": 0.0} if took is None else {"response_time_ms": took, "availability_percent": 100.0}


def source_of(settings: Settings, present: LibvirtSource | None = None) -> LibvirtSource | None:
    """Where the counters of these settings come from: the present source where it is the same one."""
    if settings.hypervisor == "none":
        return None
    if present is not None and present.uri == settings.uri:
        present.period_seconds = settings.interval_seconds
        return present
    return LibvirtSource(settings.uri, settings.interval_seconds)


def sample_until_told(sampler: Sampler, load: Callable[[], Settings]) -> None:
    """Run a sampler in this process. SIGTERM ends it; at SIGHUP it takes over what `load()` gives."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, sampler.end, STOPPED)

        def change() -> None:
            settings = load()
            sampler.change(settings, source_of(settings, sampler.source))

        loop.add_signal_handler(signal.SIGHUP, change)
        await sampler.run()

    asyncio.run(main())
