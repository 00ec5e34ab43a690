# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent's points in a real database say, and what they should: shared by the tests of all agents."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import from_series, selectors
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Window
from ansible_collections.evolve.vm.tests.kernel_counters import KernelCounters
from ansible_collections.evolve.vm.tests.monitored_machine import NAME

_MIB = 2**20
# An agent reads its sources a few milliseconds after the moment it stamps; on a busy machine, more.
_RELATIVE = 0.1


class AgentPoints:
    """The metrics of the machine, as they follow from what an agent has written."""

    def __init__(self, agent: str, connection: dict[str, Any]) -> None:
        self.agent = agent
        self.connection = connection
        self._kind = connection["kind"]
        self._backend = backend_for(read_connection(connection, "connection"))

    def of(self, metric: str, begin_ms: int = 0, probe: str = "", end_ms: int | None = None) -> list[tuple[int, float]]:
        """Its points from a moment to another, or of the last ten minutes."""
        now_ms = int(time.time() * 1000)
        window = Window(max(begin_ms, now_ms - 600_000), now_ms + 60_000 if end_ms is None else end_ms)
        read = {
            each: self._backend.read(each, window)
            for each in selectors(self.agent, self._kind, metric, NAME, probe=probe)
        }
        return from_series(self.agent, self._kind, metric, NAME, read, window, probe=probe)

    def agree_with(self, kernel: KernelCounters, begin_ms: int, end_ms: int, *, memory_share: float) -> None:
        """Every metric of the machine is what the kernel says, within a tenth; memory within a share of all of it.

        The rate of a window is the sum of rates times seconds, so both see the same span.
        """
        times = [at for at, dummy in self.of("cpu_wait_percent", begin_ms, "", end_ms)]
        assert len(times) >= 5
        for metric, counter, unit in (
            ("disk_write_operations_per_second", "writes", 1),
            ("disk_write_mib_per_second", "written_bytes", _MIB),
            ("disk_read_operations_per_second", "reads", 1),
            ("disk_read_mib_per_second", "read_bytes", _MIB),
            ("network_received_mbit_per_second", "received_bytes", 125_000),
            ("network_sent_mbit_per_second", "sent_bytes", 125_000),
        ):
            points = self.of(metric, begin_ms, "", end_ms)
            total = sum(value * (at - before) / 1000 for (before, dummy), (at, value) in pairwise(points))
            truth = kernel.between(points[0][0], points[-1][0])[counter] / unit
            assert total == pytest.approx(truth, rel=_RELATIVE, abs=0.1 if unit > 1 else 20), metric
        for metric, counter in (
            ("cpu_utilisation_percent", "cpu_used"),
            ("cpu_wait_percent", "cpu_wait"),
            ("cpu_steal_percent", "cpu_steal"),
        ):
            points = self.of(metric, begin_ms, "", end_ms)
            grown = kernel.between(points[0][0], points[-1][0])
            weighed = sum(value * (at - before) for (before, dummy), (at, value) in pairwise(points))
            mean = weighed / (points[-1][0] - points[0][0])
            assert mean == pytest.approx(100 * grown[counter] / grown["cpu_all"], abs=4), metric
        for metric, unit in (("memory_used_mib", 1024.0), ("memory_used_percent", None)):
            for at, value in self.of(metric, begin_ms, "", end_ms):
                then = kernel.at(at)
                all_of_it = then["memory_kib"] / unit if unit else 100.0
                truth = all_of_it * then["memory_used_kib"] / then["memory_kib"]
                assert value == pytest.approx(truth, abs=memory_share * all_of_it), metric

    def middle(self, metric: str, begin_ms: int, probe: str) -> float:
        """The median of the points since a moment."""
        return median(value for dummy, value in self.of(metric, begin_ms, probe))
