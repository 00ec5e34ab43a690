# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbench, PostgreSQL's own benchmark, with percentiles from its log of transactions.

Passwords come from PGPASSWORD or ~/.pgpass. The data are made once, in a database `<database>_template_<scale>` that
stays on the server, and copied before each measurement; the copy is dropped in the end.
"""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import pgbench_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.postgresql import (
    DATABASE_NAME,
    DEFAULT_DATABASE,
    PSQL,
    PostgreSQL,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool

PROTOCOLS = ("simple", "extended", "prepared")
SCRIPTS = ("tpcb-like", "simple-update", "select-only")
OPTIONS = (
    *("clients", "database", "file", "host", "max_tries", "port", "protocol", "rate"),
    *("scale", "script", "socket_directory", "sql", "template", "threads", "user"),
)
METRIC_NAMES = (
    *("throughput_per_second", "latency_mean_ms", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms"),
    *("latency_maximum_ms", "errors_total", "errors_percent"),
)
_LOG = "transactions"
_SQL_FILE = "script.sql"
# So rarely that it never comes: pgbench then takes the mean of the latencies themselves, to compare the log with.
_PROGRESS = "--progress=86400"


class Pgbench(Job):
    """`clients` sessions that run a script over and over. 0 clients or threads: as many as there are CPUs online."""

    name = "pgbench"
    programs = (PSQL,)
    disk_mib = 64  # of the log: 40 bytes a transaction

    def __init__(self, section: Section) -> None:
        self.postgresql = PostgreSQL.from_section(section, "socket_directory")
        self.database = section.text("database", DEFAULT_DATABASE, DATABASE_NAME)
        self.template = section.text("template", "", r"[A-Za-z_][A-Za-z0-9_]{0,62}")
        self.scale = section.integer("scale", 10, minimum=1, maximum=20000)
        self.clients = section.integer("clients", 0, minimum=1, maximum=10000)
        self.threads = section.integer("threads", 0, minimum=1, maximum=1000)
        self.protocol = section.choice("protocol", "simple", PROTOCOLS)
        self.script = section.choice("script", SCRIPTS[0], SCRIPTS)
        self.file = section.text("file", "", r"/.+")
        self.sql = section.text("sql", "", r"[\s\S]*\S[\s\S]*")
        self.rate = section.number("rate", 0, minimum=0.1, maximum=1e6)
        self.max_tries = section.integer("max_tries", 1, minimum=1)
        said = [key for key in ("script", "file", "sql") if section.content.get(key) is not None]
        if len(said) > 1:
            section.fault(said[-1], f"only one of {', '.join(said)} can be set")
        if self.template == self.database:
            section.fault("template", f"found {self.template!r}, which is the database that is made from it")
        if section.content.get("template") is not None and section.content.get("scale") is not None:
            section.fault("scale", "is of no use with a template, which brings its own data")

    @property
    def metric_names(self) -> list[str]:
        return list(METRIC_NAMES)

    def prepare(self, shell: Shell) -> None:
        template = self.template
        if not template:
            template = f"{self.database}_template_{self.scale}"
            self.postgresql.template(shell, template, self._half, lambda name: self._fill(shell, name))
        self.postgresql.restore(shell, self.database, template)
        if self.sql:
            shell.write(_SQL_FILE, self.sql)

    @property
    def _half(self) -> str:
        return f"{self.database}_half"

    def _fill(self, shell: Shell, name: str) -> None:
        shell.run(
            ["pgbench", *self.postgresql.options(shell), "--initialize", "--quiet", f"--scale={self.scale}", name]
        )

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        clients = self.clients or shell.cpus
        return [
            "pgbench",
            *self.postgresql.options(shell),
            f"--client={clients}",
            f"--jobs={self.threads or min(clients, shell.cpus)}",
            f"--protocol={self.protocol}",
            f"--time={seconds}",
            f"--random-seed={shell.seed}",
            "--log",
            f"--log-prefix={_LOG}",
            _PROGRESS,
            *([f"--rate={self.rate:g}"] if self.rate else []),
            *([f"--max-tries={self.max_tries}"] if self.max_tries > 1 else []),
            *self._script(),
            self.database,
        ]

    def _script(self) -> list[str]:
        if self.file or self.sql:
            # Its tables may be others, so that pgbench cannot vacuum its own. The weight keeps an @ in the name from
            # being taken for one.
            return ["--no-vacuum", f"--file={self.file or _SQL_FILE}@1"]
        return [f"--builtin={self.script}"]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        names = [name for name in shell.names() if name.startswith(f"{_LOG}.")]
        logs = [shell.read(name) for name in names]
        for name in names:
            # The next run's log must not be taken for longer than it is.
            shell.write(name, "")
        columns = pgbench_output.Columns(lag=bool(self.rate), retries=self.max_tries > 1)
        return pgbench_output.metrics(output, logs, columns)

    def clean_up(self, shell: Shell) -> None:
        self.postgresql.drop(shell, self.database, self._half)


class PgbenchTool(Tool):
    """The pgbench program."""

    name = "pgbench"
    program = Program("pgbench", "postgresql")
    METRICS: ClassVar[Mapping[str, str]] = {
        "throughput_per_second": "transactions that succeeded, the time for connecting not counted",
        "latency_mean_ms": "a transaction that succeeded; with a rate, from when it was due",
        "latency_p50_ms": "half of them take no longer",
        "latency_p95_ms": "95 % of them take no longer",
        "latency_p99_ms": "99 % of them take no longer",
        "latency_maximum_ms": "the slowest of them",
        "errors_total": "transactions that failed for good: deadlocks and serialization failures",
        "errors_percent": "the same as a share of all transactions",
    }

    def option_names(self) -> Sequence[str]:
        return OPTIONS

    def jobs(self, section: Section) -> list[Job]:
        return [Pgbench(section)]

    def version_command(self) -> list[str]:
        return ["pgbench", "--version"]

    def version(self, output: str) -> str:
        found = re.match(r"pgbench \(PostgreSQL\) ([0-9]+)[.a-z0-9]*(?=\s|$)", output.strip())
        if not found or int(found.group(1)) < pgbench_output.OLDEST:
            raise InfrastructureError(
                f"this pgbench calls itself {output.strip()[:100]!r}; the output of pgbench {pgbench_output.OLDEST} "
                "and later is understood. Install a newer PostgreSQL"
            )
        return found.group().replace(" (PostgreSQL)", "")
