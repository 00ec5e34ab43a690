# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""memtier_benchmark 1.4 and later on a Redis: sets and gets, mixed.

Its random numbers are the same each time, whatever the seed. Debian 12 has no package of it; packages.redis.io has. The
server's password is in the environment (REDISCLI_AUTH): see `redis_database`.
"""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import memtier_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.redis_database import CLIENT, OPTIONS, RedisDatabase
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool

_RESULTS = "memtier.json"


class SetsAndGets(Job):
    """Sets and gets of random keys, `ratio` of them, with `clients` connections for each of `threads`."""

    name = "memtier"
    programs = (CLIENT,)

    def __init__(self, section: Section) -> None:
        self.database = RedisDatabase(section)
        self.ratio = section.text("ratio", "1:10", r"[0-9]{1,6}:[0-9]{1,6}")
        if not re.search("[1-9]", self.ratio):
            section.fault("ratio", f"found {self.ratio!r}, which is neither sets nor gets")

    @property
    def metric_names(self) -> list[str]:
        return list(memtier_output.METRIC_NAMES)

    def prepare(self, shell: Shell) -> None:
        self.database.claim(shell)
        self.database.fill(shell, "memtier-%d", 1)

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        there = self.database
        address = (
            [f"--unix-socket={there.socket}"]
            if there.socket
            else [f"--server={shell.addressed(there.host)}", f"--port={there.port}"]
        )
        return [
            "memtier_benchmark",
            *address,
            *([f"--authenticate={':'.join(there.login)}"] if there.login else []),
            f"--select-db={there.database}",
            f"--test-time={seconds}",
            f"--ratio={self.ratio}",
            f"--clients={there.clients}",
            f"--threads={there.threads}",
            f"--pipeline={there.pipeline}",
            f"--data-size={there.payload_bytes}",
            "--key-minimum=1",
            f"--key-maximum={there.keyspace}",
            "--distinct-client-seed",
            "--hide-histogram",
            "--print-percentiles=50,95,99",
            f"--json-out-file={_RESULTS}",
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        there = self.database
        return memtier_output.metrics(shell.read(_RESULTS), there.clients * there.threads * there.pipeline)

    def clean_up(self, shell: Shell) -> None:
        self.database.release(shell)


class Memtier(Tool):
    """The memtier_benchmark program."""

    name = "memtier"
    program = Program("memtier_benchmark", "memtier-benchmark")
    METRICS: ClassVar[Mapping[str, str]] = {
        "throughput_per_second": "sets and gets",
        "transferred_mib_per_second": "sent and received",
        "latency_mean_ms": "a set or a get",
        "latency_p50_ms": "half of them take no longer",
        "latency_p95_ms": "95 % of them take no longer",
        "latency_p99_ms": "99 % of them take no longer",
        "latency_maximum_ms": "the longest",
    }

    def option_names(self) -> Sequence[str]:
        return ["ratio", *OPTIONS]

    def jobs(self, section: Section) -> list[Job]:
        return [SetsAndGets(section)]

    def version_command(self) -> list[str]:
        return [self.program.name, "--version"]

    def version(self, output: str) -> str:
        match = re.match(r"memtier_benchmark (\d{1,4})\.(\d{1,4})\.\d+\S*", output)
        if match is None or (int(match.group(1)), int(match.group(2))) < (1, 4):
            raise InfrastructureError(
                f"this memtier_benchmark calls itself {output.strip()[:60]!r}; the output of 1.4 and later is "
                "understood"
            )
        return match.group(0)
