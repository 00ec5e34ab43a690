# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The response surface: what a simulated machine would measure with a configuration, without noise.

Pure and synthetic. It has the traits that make tuning hard (saturation, interactions, interior optima, parameters
without any effect, regions where nothing works) and plausible sizes; it is no model of any real machine. Every formula
is written out in docs/reference/simulation.md: whoever changes one changes both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import FAILURES
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_QUOTA_PERCENT,
    DISK_CACHE,
    DISK_CLASS,
    DISK_IO,
    DISK_IOTHREAD,
    MEMORY_HUGEPAGES,
    MEMORY_MIB,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import SYSCTL
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import BASELINE

HUGEPAGE_MIB = 2
#: The simulated host runs this many vCPUs of a machine at once; more of them get in each other's way.
UNDISTURBED_VCPUS = 6

_LEAST_MEMORY_MIB = 192
_LEAST_MEMORY_MANY_VCPUS_MIB = 512
_LEAST_COMMIT_MIB = 400
_LEAST_FREE_OF_HUGEPAGES_MIB = 160

# Gain in fileio throughput, in log units. The disk's cache and io modes only mean something together.
_DISK_GAIN = {
    ("none", "threads"): -0.03,
    ("none", "native"): 0.10,
    ("none", "io_uring"): 0.12,
    ("writeback", "threads"): 0.00,
    ("writeback", "io_uring"): 0.04,
    ("writethrough", "threads"): -0.06,
    ("writethrough", "io_uring"): -0.04,
    ("directsync", "threads"): -0.30,
    ("directsync", "native"): -0.22,
    ("directsync", "io_uring"): -0.20,
    ("unsafe", "threads"): 0.38,
    ("unsafe", "io_uring"): 0.42,
}
_FAILURES = (*FAILURES, "reconnects_total")
_HOST_CACHED = ("writeback", "unsafe")


class _View:
    """A configuration as the formulas read it; what it does not say is as in the baseline."""

    def __init__(self, configuration: Mapping[str, Value]) -> None:
        self._values = {**BASELINE, **configuration}
        self.vcpus = int(self._values[VCPUS])
        self.memory_mib = int(self._values[MEMORY_MIB])
        self.cache = str(self._values[DISK_CACHE])
        self.io = str(self._values[DISK_IO])
        self.iothread = bool(self._values[DISK_IOTHREAD])
        self.fast_disk = self._values[DISK_CLASS] == "ssd"
        self.hugepages = bool(self._values[MEMORY_HUGEPAGES])
        #: Share of a CPU that each vCPU may use.
        self.quota = (int(self._values[CPU_QUOTA_PERCENT]) or 100) / 100

    def sysctl(self, key: str) -> int:
        return int(self._values[SYSCTL + key])

    @property
    def usable_mib(self) -> float:
        """Memory left for programs and cache."""
        reserved = (self.sysctl("vm.min_free_kbytes") - int(BASELINE[SYSCTL + "vm.min_free_kbytes"])) / 1024
        return max(1.0, self.memory_mib - HUGEPAGE_MIB * self.sysctl("vm.nr_hugepages") - reserved)

    @property
    def overcommitted(self) -> int:
        """vCPUs beyond those that run undisturbed."""
        return max(0, self.vcpus - UNDISTURBED_VCPUS)

    @property
    def dirty_ratio(self) -> float:
        return max(1.0, self.sysctl("vm.dirty_ratio"))

    @property
    def dirty_background_share(self) -> float:
        """Where background writing starts, as a share of where writers are stopped; the kernel has half at most."""
        return max(0.02, min(self.sysctl("vm.dirty_background_ratio") / self.dirty_ratio, 0.5))


def metrics(configuration: Mapping[str, Value]) -> dict[str, float]:
    """Every metric of all tests for a configuration of vm.* and kernel.sysctl.* parameters, without noise."""
    view = _View(configuration)
    throughput = _gain(_fileio, view)
    fileio = 3000 * math.exp(throughput)
    memory = 9000 * math.exp(_gain(_memory, view))
    cpu_gain = _gain(_cpu, view)
    return {
        "fileio_operations_per_second": fileio,
        "fileio_read_mib_per_second": fileio * 0.6 * 16 / 1024,
        "fileio_written_mib_per_second": fileio * 0.4 * 16 / 1024,
        "fileio_fsyncs_per_second": fileio * 0.2,
        "fileio_latency_mean_ms": 0.55 * math.exp(-0.95 * throughput),
        "fileio_latency_p95_ms": 4.0 * math.exp(-0.9 * throughput + _gain(_stalls, view)),
        "memory_operations_per_second": memory,
        "memory_mib_per_second": memory,
        "memory_latency_p95_ms": 0.25 * math.exp(-0.7 * _gain(_memory, view) + 0.04 * view.overcommitted),
        "cpu_events_per_second": 1150 * math.exp(cpu_gain),
        "cpu_latency_mean_ms": 1.7 * math.exp(-0.5 * cpu_gain),
        "cpu_latency_p95_ms": 2.1 * math.exp(-0.5 * cpu_gain + 0.05 * view.overcommitted),
    }


def metrics_named(names: Iterable[str], configuration: Mapping[str, Value]) -> dict[str, float]:
    """The metrics of these names, without noise; those that no formula knows are made up by their units.

    A label and a dot may stand before a name. What fails is never; latencies are those of the disk, and so are rates.
    """
    known = metrics(configuration)
    found = {}
    for name in names:
        own = name.rpartition(".")[2]
        if own in known:
            found[name] = known[own]
        elif own.endswith(_FAILURES):
            found[name] = 0.0
        elif own.endswith(("_ms", "_seconds")):
            found[name] = known["fileio_latency_mean_ms" if "_mean_" in own else "fileio_latency_p95_ms"]
        else:
            found[name] = known["fileio_operations_per_second"]
    return found


def start_fault(configuration: Mapping[str, Value]) -> str | None:
    """Why a machine of this size does not work at all, as a sentence; None if it does."""
    view = _View(configuration)
    if view.memory_mib < _LEAST_MEMORY_MIB:
        return f"The guest does not answer: its kernel does not fit into {view.memory_mib} MiB."
    if view.overcommitted and view.memory_mib < _LEAST_MEMORY_MANY_VCPUS_MIB:
        return f"The guest does not answer: {view.memory_mib} MiB are too little for {view.vcpus} vCPUs."
    return None


def benchmark_fault(configuration: Mapping[str, Value]) -> str | None:
    """Why the benchmark dies on a machine that otherwise works, as a sentence; None if it does not."""
    view = _View(configuration)
    if view.sysctl("vm.min_free_kbytes") / 1024 > 0.25 * view.memory_mib:
        return "sysbench was killed by signal 9 (out of memory?): vm.min_free_kbytes is over a quarter of it."
    if view.memory_mib - HUGEPAGE_MIB * view.sysctl("vm.nr_hugepages") < _LEAST_FREE_OF_HUGEPAGES_MIB:
        return "sysbench was killed by signal 9 (out of memory?): vm.nr_hugepages takes nearly all of the memory."
    commit_mib = view.memory_mib * view.sysctl("vm.overcommit_ratio") / 100
    if view.sysctl("vm.overcommit_memory") == 2 and commit_mib < _LEAST_COMMIT_MIB:
        return (
            f"sysbench ended with exit code 1: no memory to be had beyond {commit_mib:.0f} MiB (vm.overcommit_ratio)."
        )
    return None


def _gain(formula: Callable[[_View], float], view: _View) -> float:
    """What a formula gives beyond the baseline, in log units."""
    return formula(view) - formula(_BASELINE_VIEW)


def _fileio(view: _View) -> float:
    best_dirty_ratio = 12 if view.cache in _HOST_CACHED else 40
    best_swappiness = 10 + 60 * math.exp(-view.usable_mib / 800)
    return (
        0.30 * _saturation(view.vcpus, 2)
        - 0.03 * view.overcommitted
        + 0.25 * _saturation(view.usable_mib, 700)
        + _disk(view)
        + (0.30 if view.fast_disk else 0.0)
        + 0.20 * math.log(view.quota)
        - 0.05 * _octaves(view.dirty_ratio, best_dirty_ratio) ** 2
        - 0.02 * _octaves(view.dirty_background_share, 0.25) ** 2
        - 0.08 * ((view.sysctl("vm.swappiness") - best_swappiness) / 60) ** 2
        - 0.006 * _octaves(view.sysctl("vm.vfs_cache_pressure"), 60) ** 2
        - 0.006 * _octaves(view.sysctl("vm.dirty_writeback_centisecs"), 1500) ** 2
    )


def _disk(view: _View) -> float:
    # A combination that the hypervisor refuses never gets here; cached native io would be as threads.
    gain = _DISK_GAIN.get((view.cache, view.io), _DISK_GAIN[view.cache, "threads"])
    if view.iothread:
        if view.vcpus == 1:
            return gain - 0.02
        gain += 0.02 if view.io == "threads" else 0.06
    return gain


def _stalls(view: _View) -> float:
    """What makes the slowest operations slower than throughput alone says."""
    return (
        0.10 * math.log(view.dirty_ratio / 20)
        + 0.06 * max(0.0, _octaves(view.dirty_background_share, 0.25))
        + 0.05 * view.overcommitted
        - (0.05 if view.iothread and view.vcpus > 1 else 0.0)
    )


def _memory(view: _View) -> float:
    return (
        0.55 * _saturation(view.vcpus, 2)
        - 0.02 * view.overcommitted
        + 0.25 * _saturation(view.usable_mib, 600)
        + 0.12 * _saturation(view.sysctl("vm.nr_hugepages"), 64)
        + (0.03 if view.hugepages else 0.0)
        + 0.80 * math.log(view.quota)
        - 0.015 * _octaves(view.sysctl("vm.min_free_kbytes"), 90112) ** 2
        - 0.0004 * abs(view.sysctl("vm.compaction_proactiveness") - 10)
        - (0.05 if view.sysctl("vm.zone_reclaim_mode") else 0.0)
        - (0.02 if view.sysctl("kernel.numa_balancing") else 0.0)
    )


def _cpu(view: _View) -> float:
    return (
        1.05 * _saturation(view.vcpus, 2.5)
        + 0.95 * math.log(view.quota)
        - 0.04 * view.overcommitted
        - 0.02 * view.sysctl("kernel.sched_autogroup_enabled")
        - 0.01 * view.sysctl("kernel.timer_migration")
    )


def _saturation(amount: float, scale: float) -> float:
    """From 0 to 1, two thirds of the way at `scale`."""
    return 1 - math.exp(-amount / scale)


def _octaves(value: float, best: float) -> float:
    """How many times `value` is twice `best`."""
    return math.log2(max(value, best / 256) / best)


_BASELINE_VIEW = _View({})
