# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of databases for benchmarks' tests, and what a benchmark's run leaves behind there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import RunningShell
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, PostgreSQLServer, folder_of


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    with folder_of(PostgreSQLServer.USER) as folder, PostgreSQLServer(folder).running() as server:
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDBServer]:
    with folder_of(MariaDBServer.USER) as folder, MariaDBServer(folder).running() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path) -> RunningShell:
    """For the steps of a measurement one by one."""
    folder = tmp_path / "files"
    folder.mkdir()
    return RunningShell(str(folder), "127.0.0.1", 1, Deadline(120), [])
