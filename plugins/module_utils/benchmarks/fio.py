# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fio 3: random and sequential reads and writes of files, on the disk and not in the guest's memory by default."""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import fio_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool

READING_MODES = ("randread", "randrw", "read", "rw")
WRITING_MODES = ("randrw", "randwrite", "rw", "write")
MODES = tuple(sorted({*READING_MODES, *WRITING_MODES}))
MIXED_MODES = tuple(mode for mode in MODES if mode in READING_MODES and mode in WRITING_MODES)
ENGINES = ("libaio", "io_uring", "psync")
_SYNCHRONOUS = "psync"
_QUEUE = 16
MAXIMUM_JOBS = 256
_LAYOUT_KIB = 1024


class Fio(Job):
    """One pattern of reads and writes.

    total_size_mib: the files of all `jobs` together; each has its own. io_depth: operations that a job has in flight;
    psync does one at a time. direct: past the guest's page cache. read_percent: of the operations of a mode that does
    both. fsync_every: writes after which one is made durable; 0: never.
    """

    name = "fio"
    option_names = (
        *("block_size_kib", "direct", "engine", "fsync_every", "io_depth", "jobs", "mode"),
        *("read_percent", "total_size_mib"),
    )

    def __init__(self, section: Section) -> None:
        self.mode = section.choice("mode", "randrw", MODES)
        self.block_size_kib = section.integer("block_size_kib", 4, minimum=1, maximum=64 * 1024)
        self.total_size_mib = section.integer("total_size_mib", 64, minimum=1, maximum=1024**3)
        self.engine = section.choice("engine", "libaio", ENGINES)
        self.io_depth = section.integer("io_depth", self._default_depth, minimum=1, maximum=4096)
        self.job_count = section.integer("jobs", 1, minimum=1, maximum=MAXIMUM_JOBS)
        self.direct = section.flag("direct", True)
        self.read_percent = section.integer("read_percent", 70, minimum=1, maximum=99)
        self.fsync_every = section.integer("fsync_every", 0, minimum=0)
        self.disk_mib = self.total_size_mib
        if self.engine == _SYNCHRONOUS and self.io_depth > 1:
            section.fault(
                "io_depth",
                f"found {self.io_depth}, but the engine {_SYNCHRONOUS} does one operation at a time. Take the engine "
                f"{' or '.join(name for name in ENGINES if name != _SYNCHRONOUS)}, or more `jobs`",
            )
        if "read_percent" in section.content and self.mode not in MIXED_MODES:
            section.fault(
                "read_percent", f"the mode {self.mode} does not mix reads and writes; {' and '.join(MIXED_MODES)} do"
            )
        if self.fsync_every and not self.writes:
            section.fault("fsync_every", f"found {self.fsync_every}, but the mode {self.mode} does not write")
        if not self._blocks_per_job:
            section.fault(
                "total_size_mib",
                f"found {self.total_size_mib}, too little for {self.job_count} files (jobs) of at least one block of "
                f"{self.block_size_kib} KiB (block_size_kib)",
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
        names = ["operations_per_second"]
        for direction, asked in (("read", self.reads), ("write", self.writes)):
            if asked:
                names += [f"{direction}_operations_per_second", f"{direction}_mib_per_second"]
                names += _latency_names(direction)
        if self.fsync_every:
            names += ["fsyncs_per_second", *_latency_names("fsync")]
        return names

    def prepare(self, shell: Shell) -> None:
        # Written by a job of its own: before one that writes, fio would only reserve the space.
        shell.run(
            [
                *self._common(shell),
                "--rw=write",
                f"--bs={self._layout_kib}k",
                # Every block drawn by the seed; unasked, fio mixes the time of day into a few of them.
                "--refill_buffers=1",
                "--end_fsync=1",
            ]
        )

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        command = [
            *self._common(shell),
            f"--rw={self.mode}",
            f"--bs={self.block_size_kib}k",
            f"--ioengine={self.engine}",
            f"--iodepth={self.io_depth}",
            f"--direct={int(self.direct)}",
            # Blocks are drawn one independently of the other, as databases come by theirs. With fio's map each would be
            # visited once before any is again, which no cache smaller than the file can ever answer.
            "--norandommap=1",
            "--time_based=1",
            f"--runtime={seconds}",
            # From submission to completion; with an asynchronous engine fio's own choice leaves out the submission.
            "--lat_percentiles=1",
            "--clat_percentiles=0",
            f"--percentile_list={':'.join(map(str, fio_output.PERCENTILES))}",
        ]
        if self.mode in MIXED_MODES:
            command.append(f"--rwmixread={self.read_percent}")
        if self.fsync_every:
            command.append(f"--fsync={self.fsync_every}")
        return command

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        expected = fio_output.Expected(
            reads=self.reads,
            writes=self.writes,
            fsyncs=bool(self.fsync_every),
            block_bytes=self.block_size_kib * 1024,
            in_flight=self.job_count * self.io_depth,
        )
        return fio_output.metrics(output, expected)

    @property
    def _default_depth(self) -> int:
        return 1 if self.engine == _SYNCHRONOUS else _QUEUE

    @property
    def _blocks_per_job(self) -> int:
        return self.total_size_mib * 1024 // self.job_count // self.block_size_kib

    @property
    def _layout_kib(self) -> int:
        """The size of the writes that make a file: large, and filling it, because fio leaves out what does not fit."""
        most = max(1, _LAYOUT_KIB // self.block_size_kib)
        blocks = next(count for count in range(most, 0, -1) if self._blocks_per_job % count == 0)
        return blocks * self.block_size_kib

    def _common(self, shell: Shell) -> list[str]:
        return [
            "fio",
            "--name=evolve",
            f"--numjobs={self.job_count}",
            f"--size={self._blocks_per_job * self.block_size_kib}k",
            f"--randseed={shell.seed}",
            # With its default of 1 fio draws the blocks by a seed of its own, whatever randseed says.
            "--randrepeat=0",
            "--group_reporting=1",
            "--output-format=json",
        ]


class FioTool(Tool):
    """The fio program."""

    name = "fio"
    program = Program("fio", "fio")
    METRICS: ClassVar[Mapping[str, str]] = {
        "operations_per_second": "reads and writes, fsyncs not counted",
        "read_operations_per_second": "reads; only in modes that read, as all that begin with read_",
        "read_mib_per_second": "read",
        "read_latency_mean_ms": "a read, from its submission to its completion",
        "read_latency_p50_ms": "50 % of the reads take no longer",
        "read_latency_p95_ms": "95 % of the reads take no longer",
        "read_latency_p99_ms": "99 % of the reads take no longer",
        "write_operations_per_second": "writes; only in modes that write, as all that begin with write_",
        "write_mib_per_second": "written",
        "write_latency_mean_ms": "a write, from its submission to its completion",
        "write_latency_p50_ms": "50 % of the writes take no longer",
        "write_latency_p95_ms": "95 % of the writes take no longer",
        "write_latency_p99_ms": "99 % of the writes take no longer",
        "fsyncs_per_second": "fsyncs; only with fsync_every, as all that begin with fsync",
        "fsync_latency_mean_ms": "an fsync",
        "fsync_latency_p50_ms": "50 % of the fsyncs take no longer",
        "fsync_latency_p95_ms": "95 % of the fsyncs take no longer",
        "fsync_latency_p99_ms": "99 % of the fsyncs take no longer",
    }

    def option_names(self) -> Sequence[str]:
        return Fio.option_names

    def jobs(self, section: Section) -> list[Job]:
        return [Fio(section)]

    def version_command(self) -> list[str]:
        return ["fio", "--version"]

    def version(self, output: str) -> str:
        version = output.strip()
        if not re.match(r"fio-3\.\d+", version):
            raise self.not_understood(output, "fio 3.x")
        return version.splitlines()[0]


def _latency_names(prefix: str) -> list[str]:
    return [f"{prefix}_latency_{rank}_ms" for rank in ("mean", *(f"p{rank}" for rank in fio_output.PERCENTILES))]
