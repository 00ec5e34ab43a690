# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool sysbench 1.0 and its tests.

Passwords of databases come from PGPASSWORD, ~/.pgpass or MYSQL_PWD.
"""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_database import database_of
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_machine import (
    Cpu,
    Fileio,
    Memory,
    Mutex,
    Threads,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_oltp import OLTP_TESTS, Oltp, OltpOptions
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_output import LATENCY_FLOOR_MS
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Tool


class Sysbench(Tool):
    """The sysbench program."""

    name = "sysbench"
    program = Program("sysbench", "sysbench")
    resolution_ms = LATENCY_FLOOR_MS
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
        "threads_events_per_second": "rounds of locking and yielding, each of `yields` times",
        "threads_latency_mean_ms": "a round",
        "threads_latency_p95_ms": "95 % of the rounds take no longer",
        "mutex_locks_per_second": "mutexes taken, by all threads together",
        "mutex_latency_mean_ms": "the time a thread takes for all its mutexes",
        "<oltp_test>_transactions_per_second": "transactions, or single statements where the test has no others",
        "<oltp_test>_queries_per_second": "statements, begin and commit among them",
        "<oltp_test>_latency_mean_ms": "a transaction",
        "<oltp_test>_latency_p95_ms": "95 % of the transactions take no longer",
        "<oltp_test>_errors_total": "transactions that had to be begun again: deadlocks and the like",
        "<oltp_test>_errors_percent": "the same as a share of all that were begun",
        "<oltp_test>_reconnects_total": "sessions that were lost and opened again",
    }
    tests = ("fileio", "memory", "cpu", "threads", "mutex", *OLTP_TESTS)
    default_tests = ("fileio", "memory", "cpu")

    def option_names(self) -> Sequence[str]:
        return ["tests", "fileio", "memory", "cpu", "threads", "mutex", "oltp", "database"]

    def jobs(self, section: Section) -> list[Job]:
        chosen = section.choices("tests", self.default_tests, self.tests)
        # The options of a test that is left out are checked as well: it may be wanted in the next study.
        jobs: dict[str, Job] = {
            "fileio": Fileio(section.subsection("fileio")),
            "memory": Memory(section.subsection("memory")),
            "cpu": Cpu(section.subsection("cpu")),
            "threads": Threads(section.subsection("threads")),
            "mutex": Mutex(section.subsection("mutex")),
        }
        oltp = OltpOptions.from_section(section.subsection("oltp"))
        database = database_of(section.subsection("database"))
        jobs.update((test, Oltp(test, oltp, database)) for test in OLTP_TESTS)
        return [jobs[name] for name in chosen]

    def version_command(self) -> list[str]:
        return ["sysbench", "--version"]

    def version(self, output: str) -> str:
        version = output.strip()
        if not re.match(r"sysbench 1\.0\.\d+\b", version):
            raise self.not_understood(output, "sysbench 1.0.x")
        return version.splitlines()[0]
