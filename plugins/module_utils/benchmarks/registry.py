# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark tools a definition can name."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.command import Command
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.fio import FioTool
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.iperf3 import Iperf3Tool
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.jmeter import JMeter
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.latency import Latency
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.memtier import Memtier
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.pgbench import PgbenchTool
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.redis_benchmark import RedisBenchmark
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.stress_ng import StressNg
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench import Sysbench
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Tool
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.wrk import Wrk, Wrk2

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Command(),
        FioTool(),
        Iperf3Tool(),
        JMeter(),
        Latency(),
        Memtier(),
        PgbenchTool(),
        RedisBenchmark(),
        StressNg(),
        Sysbench(),
        Wrk(),
        Wrk2(),
    )
}
