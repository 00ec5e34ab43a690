# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests oltp_* of sysbench: transactions on tables of a PostgreSQL, MySQL or MariaDB server."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import sysbench_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_database import Data, Database
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_job import MAXIMUM_THREADS, SysbenchJob
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Shell

OLTP_TESTS = (
    *("oltp_read_write", "oltp_read_only", "oltp_write_only", "oltp_point_select"),
    *("oltp_update_index", "oltp_update_non_index", "oltp_insert", "oltp_delete"),
)
DISTRIBUTIONS = ("special", "uniform", "gaussian", "pareto")


class OltpOptions(NamedTuple):
    """What the tests share: `tables` tables of `table_size` rows, and how the rows to work on are drawn."""

    threads: int
    tables: int
    table_size: int
    distribution: str

    @classmethod
    def from_section(cls, section: Section) -> OltpOptions:
        """As the section `oltp` says it."""
        section.refuse_unknown(("distribution", "table_size", "tables", "threads"))
        return cls(
            section.integer("threads", 0, minimum=1, maximum=MAXIMUM_THREADS),
            section.integer("tables", 4, minimum=1, maximum=9999),
            section.integer("table_size", 25000, minimum=1),
            section.choice("distribution", DISTRIBUTIONS[0], DISTRIBUTIONS),
        )


class Oltp(SysbenchJob):
    """One script. Each has a database of its own, so that none finds what another has written or deleted."""

    def __init__(self, name: str, options: OltpOptions, database: Database) -> None:
        self.name = name
        self.threads = options.threads
        self.oltp = options
        self.database = database
        self.programs = database.programs

    @property
    def metric_names(self) -> list[str]:
        return [f"{self.name}_{metric}" for metric in sysbench_output.OLTP_METRICS]

    @property
    def _database_name(self) -> str:
        return f"{self.database.name}_{self.name}"

    def options(self, shell: Shell) -> list[str]:
        return [
            *self.database.options(shell, self._database_name),
            f"--tables={self.oltp.tables}",
            f"--table-size={self.oltp.table_size}",
            f"--rand-type={self.oltp.distribution}",
        ]

    def prepare(self, shell: Shell) -> None:
        self.database.restore(shell, self._database_name, Data(self.oltp.tables, self.oltp.table_size, shell.seed))

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        found = sysbench_output.oltp(output)
        return {f"{self.name}_{metric}": value for metric, value in found.items()}

    def clean_up(self, shell: Shell) -> None:
        self.database.drop(shell, self._database_name)
