# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis-benchmark of Redis 6.2 and later.

It sends a number of requests, however long that takes. Without the option `requests` a short run beforehand tells how
many fill the time. It cannot be seeded. With several `threads` it looks at the clock every 0.25 s only: the rate of a
short run is coarse then. The server's password is in the environment (REDISCLI_AUTH): see `redis_database`.
"""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import redis_benchmark_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.redis_database import CLIENT, OPTIONS, RedisDatabase
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool

TESTS = (
    *("set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin"),
    *("lrange_100", "lrange_300", "lrange_500", "lrange_600", "mset"),
)
#: Without these they take from what is empty, which is another thing to measure.
_NEEDS = {"lpop": "lpush", "rpop": "rpush", "spop": "sadd", "zpopmin": "zadd"}
_TRIAL_REQUESTS = 10000
_TRIAL_ROUNDS = 20


class Commands(Job):
    """Each test on its own, with the same number of requests, on a database in which `get` finds its keys."""

    name = "redis-benchmark"
    programs = (CLIENT,)

    def __init__(self, section: Section) -> None:
        self.tests = section.choices("tests", ("set", "get"), TESTS)
        self.requests = section.integer("requests", 0, minimum=1000)
        self.database = RedisDatabase(section)
        self._seconds_a_request = 0.0
        for test in self.tests:
            if test in _NEEDS and _NEEDS[test] not in self.tests:
                section.fault("tests", f"{test!r} takes what {_NEEDS[test]!r} has put in; list that as well")

    @property
    def metric_names(self) -> list[str]:
        return redis_benchmark_output.metric_names(self.tests)

    def prepare(self, shell: Shell) -> None:
        self.database.claim(shell)
        self.database.fill(shell, "key:%012d", 0)
        if not self.requests:
            count = max(_TRIAL_REQUESTS, _TRIAL_ROUNDS * self.database.clients * self.database.pipeline)
            output = shell.run(self._command(shell, count))
            if output:
                found = self.metrics(output, shell)
                self._seconds_a_request = sum(1 / found[f"{test}_requests_per_second"] for test in self.tests)
            self.database.reset(shell)
            self.database.fill(shell, "key:%012d", 0)

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        count = self.requests
        if not count and self._seconds_a_request:
            count = max(1000, round(seconds / self._seconds_a_request))
        # In check mode nothing is known of the server.
        return self._command(shell, count or _TRIAL_REQUESTS)

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return redis_benchmark_output.metrics(output, self.tests, self.database.clients, self.database.pipeline)

    def clean_up(self, shell: Shell) -> None:
        self.database.release(shell)

    def _command(self, shell: Shell, requests: int) -> list[str]:
        there = self.database
        return [
            "redis-benchmark",
            *(["-s", there.socket] if there.socket else ["-h", shell.addressed(there.host), "-p", str(there.port)]),
            *(["--user", there.login[0], "-a", there.login[1]] if there.login else []),
            *("--dbnum", str(there.database), "-t", ",".join(self.tests), "-n", str(requests)),
            *("-c", str(there.clients), "-P", str(there.pipeline)),
            *("-d", str(there.payload_bytes), "-r", str(there.keyspace)),
            *(["--threads", str(there.threads)] if there.threads > 1 else []),
            "--csv",
        ]


class RedisBenchmark(Tool):
    """The redis-benchmark program."""

    name = "redis-benchmark"
    program = Program("redis-benchmark", "redis-tools")
    METRICS: ClassVar[Mapping[str, str]] = {
        "<test>_requests_per_second": "requests answered",
        "<test>_latency_mean_ms": "a request, or `pipeline` of them sent at once",
        "<test>_latency_p50_ms": "half of the requests take no longer",
        "<test>_latency_p95_ms": "95 % of the requests take no longer",
        "<test>_latency_p99_ms": "99 % of the requests take no longer",
        "<test>_latency_maximum_ms": "the longest request",
    }

    def option_names(self) -> Sequence[str]:
        return ["tests", "requests", *OPTIONS]

    def jobs(self, section: Section) -> list[Job]:
        return [Commands(section)]

    def version_command(self) -> list[str]:
        return [self.program.name, "--version"]

    def version(self, output: str) -> str:
        match = re.match(r"redis-benchmark (\d{1,4})\.(\d{1,4})\.\d+\S*", output)
        if match is None or (int(match.group(1)), int(match.group(2))) < (6, 2):
            raise InfrastructureError(
                f"this redis-benchmark calls itself {output.strip()[:60]!r}; the output of 6.2 and later is "
                "understood, which has latencies. Install redis-tools of a newer distribution"
            )
        return match.group(0)
