# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysbench 1.0: the tests cpu, memory and fileio."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import sysbench_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool

READING_MODES = ("rndrd", "rndrw", "seqrd")
WRITING_MODES = ("rndrw", "rndwr", "seqrewr", "seqwr")
MODES = tuple(sorted({*READING_MODES, *WRITING_MODES}))
OPERATIONS = ("read", "write")
MAXIMUM_THREADS = 4096


class _SysbenchJob(Job):
    """What the tests have in common. `threads` 0: as many as the machine has CPUs online."""

    option_names: tuple[str, ...]

    def __init__(self, section: Section) -> None:
        section.refuse_unknown(self.option_names)
        self.threads = section.integer("threads", 0, minimum=1, maximum=MAXIMUM_THREADS)

    @abstractmethod
    def options(self) -> list[str]:
        """The options of the test itself."""

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return [
            "sysbench",
            self.name,
            f"--threads={self.threads or shell.cpus}",
            f"--time={seconds}",
            f"--rand-seed={shell.seed}",
            "--percentile=95",
            # The summary rounds to 0.01 ms, which is 0.00 for most operations: the histogram says more.
            "--histogram=on",
            *self.options(),
            "run",
        ]


class Cpu(_SysbenchJob):
    """Primes up to `max_prime`, over and over; one event is one search."""

    name = "cpu"
    option_names = ("max_prime", "threads")

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.max_prime = section.integer("max_prime", 10000, minimum=3)

    @property
    def metric_names(self) -> list[str]:
        return ["cpu_events_per_second", "cpu_latency_mean_ms", "cpu_latency_p95_ms"]

    def options(self) -> list[str]:
        return [f"--cpu-max-prime={self.max_prime}"]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.cpu(output)


class Memory(_SysbenchJob):
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

    def options(self) -> list[str]:
        return [
            f"--memory-block-size={self.block_size_kib}K",
            f"--memory-total-size={self.total_size_mib or self._ENDLESS_MIB}M",
            f"--memory-oper={self.operation}",
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.memory(output, self.block_size_kib)


class Fileio(_SysbenchJob):
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

    def options(self) -> list[str]:
        return [
            f"--file-total-size={self.total_size_mib}M",
            f"--file-num={self.file_count}",
            f"--file-block-size={self.block_size_kib * 1024}",
            f"--file-test-mode={self.mode}",
            f"--file-fsync-freq={self.fsync_every}",
        ]

    def prepare(self, shell: Shell) -> None:
        shell.run(["sysbench", self.name, f"--rand-seed={shell.seed}", *self.options(), "prepare"])

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return sysbench_output.fileio(output, self.block_size_kib, self.metric_names)


class Sysbench(Tool):
    """The sysbench program."""

    name = "sysbench"
    program = Program("sysbench", "sysbench")
    resolution_ms = sysbench_output.LATENCY_FLOOR_MS
    METRICS: ClassVar[Mapping[str, str]] = {
        "fileio_operations_per_second": "reads and writes, fsyncs not counted",
        "fileio_read_mib_per_second": "read; only in modes that read",
        "fileio_written_mib_per_second": "written; only in modes that write",
        "fileio_fsyncs_per_second": "fsyncs; only in modes that write, unless fsync_every is 0",
        "fileio_latency_mean_ms": "a read, write or fsync",
        "fileio_latency_p95_ms": "95 % of reads, writes and fsyncs take no longer",
        "memory_operations_per_second": "passes over the buffer",
        "memory_mib_per_second": "read or written",
        "memory_latency_p95_ms": "95 % of the passes take no longer",
        "cpu_events_per_second": "searches for primes",
        "cpu_latency_mean_ms": "a search",
        "cpu_latency_p95_ms": "95 % of the searches take no longer",
    }
    tests = ("fileio", "memory", "cpu")

    def option_names(self) -> Sequence[str]:
        return ["tests", *self.tests]

    def jobs(self, section: Section) -> list[Job]:
        chosen = section.choices("tests", self.tests, self.tests)
        # The options of a test that is left out are checked as well: it may be wanted in the next study.
        jobs: dict[str, _SysbenchJob] = {
            "fileio": Fileio(section.subsection("fileio")),
            "memory": Memory(section.subsection("memory")),
            "cpu": Cpu(section.subsection("cpu")),
        }
        return [jobs[name] for name in chosen]

    def version_command(self) -> list[str]:
        return ["sysbench", "--version"]

    def version(self, output: str) -> str:
        version = output.strip()
        if not re.match(r"sysbench 1\.0\.\d+\b", version):
            raise InfrastructureError(
                f"this sysbench calls itself {version[:100]!r}; the output of sysbench 1.0.x is understood. "
                "Install the sysbench package of your distribution"
            )
        return version.splitlines()[0]
