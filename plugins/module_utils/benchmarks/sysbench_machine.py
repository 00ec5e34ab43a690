# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of sysbench that need nothing but the machine: cpu, memory, fileio, threads and mutex."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import sysbench_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_job import SysbenchJob
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Shell

READING_MODES = ("rndrd", "rndrw", "seqrd")
WRITING_MODES = ("rndrw", "rndwr", "seqrewr", "seqwr")
MODES = tuple(sorted({*READING_MODES, *WRITING_MODES}))
OPERATIONS = ("read", "write")


class Cpu(SysbenchJob):
    """Primes up to `max_prime`, over and over; one event is one search."""

    name = "cpu"
    option_names = ("max_prime", "threads")

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.max_prime = section.integer("max_prime", 10000, minimum=3)

    @property
    def metric_names(self) -> list[str]:
        return ["cpu_events_per_second", "cpu_latency_mean_ms", "cpu_latency_p95_ms"]

    def options(self, shell: Shell) -> list[str]:
        return [f"--cpu-max-prime={self.max_prime}"]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.cpu(output)


class Memory(SysbenchJob):
    """Reads or writes a buffer of `block_size_kib`, one pass an event. `total_size_mib` 0: until the time is over."""

    name = "memory"
    option_names = ("block_size_kib", "operation", "threads", "total_size_mib")
    _ENDLESS_MIB = 1024**3

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        # 1 MiB, not sysbench's 1 KiB: a pass over 1 KiB takes less than the 0.001 ms that sysbench can tell apart.
        self.block_size_kib = section.integer("block_size_kib", 1024, minimum=1, maximum=1024**2)
        self.total_size_mib = section.integer("total_size_mib", 0, minimum=0, maximum=self._ENDLESS_MIB)
        self.operation = section.choice("operation", "write", OPERATIONS)
        if self.total_size_mib and self.total_size_mib * 1024 < self.block_size_kib:
            section.fault(
                "total_size_mib", f"found {self.total_size_mib}, less than one block of {self.block_size_kib} KiB"
            )

    @property
    def metric_names(self) -> list[str]:
        return ["memory_operations_per_second", "memory_mib_per_second", "memory_latency_p95_ms"]

    def options(self, shell: Shell) -> list[str]:
        return [
            f"--memory-block-size={self.block_size_kib}K",
            f"--memory-total-size={self.total_size_mib or self._ENDLESS_MIB}M",
            f"--memory-oper={self.operation}",
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.memory(output, self.block_size_kib)


class Fileio(SysbenchJob):
    """Reads and writes `file_count` files of `total_size_mib` in all, each synced after `fsync_every` operations."""

    name = "fileio"
    option_names = ("block_size_kib", "file_count", "fsync_every", "mode", "threads", "total_size_mib")

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.total_size_mib = section.integer("total_size_mib", 64, minimum=1)
        # Several files: a sync of each makes fsyncs 1 in 6 operations, so that the 95th percentile is one of them.
        # With one file they would be 1 in 21 and the percentile would jump between a sync and a cached write.
        self.file_count = section.integer("file_count", 4, minimum=1, maximum=100000)
        self.block_size_kib = section.integer("block_size_kib", 16, minimum=1, maximum=1024**2)
        self.fsync_every = section.integer("fsync_every", 20, minimum=0)
        self.mode = section.choice("mode", "rndrw", MODES)
        self.disk_mib = self.total_size_mib
        if self.total_size_mib * 1024 < self.file_count * self.block_size_kib:
            section.fault(
                "total_size_mib",
                f"found {self.total_size_mib}, too little for {self.file_count} files (file_count) of at least one "
                f"block of {self.block_size_kib} KiB (block_size_kib)",
            )

    @property
    def reads(self) -> bool:
        """Whether this mode reads."""
        return self.mode in READING_MODES

    @property
    def writes(self) -> bool:
        """Whether this mode writes."""
        return self.mode in WRITING_MODES

    @property
    def metric_names(self) -> list[str]:
        names = ["fileio_operations_per_second"]
        if self.reads:
            names.append("fileio_read_mib_per_second")
        if self.writes:
            names.append("fileio_written_mib_per_second")
        if self.writes and self.fsync_every:
            names.append("fileio_fsyncs_per_second")
        return [*names, "fileio_latency_mean_ms", "fileio_latency_p95_ms"]

    def options(self, shell: Shell) -> list[str]:
        return [
            f"--file-total-size={self.total_size_mib}M",
            f"--file-num={self.file_count}",
            f"--file-block-size={self.block_size_kib * 1024}",
            f"--file-test-mode={self.mode}",
            f"--file-fsync-freq={self.fsync_every}",
        ]

    def prepare(self, shell: Shell) -> None:
        shell.run(["sysbench", self.name, f"--rand-seed={shell.seed}", *self.options(shell), "prepare"])

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.fileio(output, self.block_size_kib, self.metric_names)


class Threads(SysbenchJob):
    """Threads that lock one of `locks` mutexes and yield, `yields` times an event: the scheduler under competition."""

    name = "threads"
    option_names = ("locks", "threads", "yields")

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.yields = section.integer("yields", 1000, minimum=1)
        self.locks = section.integer("locks", 8, minimum=1, maximum=1000000)

    @property
    def metric_names(self) -> list[str]:
        return ["threads_events_per_second", "threads_latency_mean_ms", "threads_latency_p95_ms"]

    def options(self, shell: Shell) -> list[str]:
        return [f"--thread-yields={self.yields}", f"--thread-locks={self.locks}"]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.threads(output)


class Mutex(SysbenchJob):
    """Each thread takes `locks` times one of `mutexes` mutexes, with `loops` empty loops before. Takes no `seconds`."""

    name = "mutex"
    option_names = ("locks", "loops", "mutexes", "threads")

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.mutexes = section.integer("mutexes", 4096, minimum=1, maximum=1000000)
        self.locks = section.integer("locks", 50000, minimum=1)
        self.loops = section.integer("loops", 10000, minimum=0)

    @property
    def metric_names(self) -> list[str]:
        return ["mutex_locks_per_second", "mutex_latency_mean_ms"]

    def options(self, shell: Shell) -> list[str]:
        return [f"--mutex-num={self.mutexes}", f"--mutex-locks={self.locks}", f"--mutex-loops={self.loops}"]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.mutex(output, self.locks)
