# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module app_config with several applications in one call, and with none."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils import machine_lock as locking
from ansible_collections.evolve.vm.plugins.modules import app_config
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, PostgreSQLServer, folder_of

WORK_MEM = "app.postgresql.work_mem"
CONNECTIONS = "app.postgresql.max_connections"
SORT_BUFFER = "app.mysql.sort_buffer_size"
FLUSH_METHOD = "app.mysql.innodb_flush_method"


@pytest.fixture(scope="module")
def made():
    with folder_of(PostgreSQLServer.USER) as first, folder_of(MariaDBServer.USER) as second:
        yield PostgreSQLServer(first), MariaDBServer(second)


@pytest.fixture
def servers(made, tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path),))
    with made[0].running() as postgresql, made[1].running() as mariadb:
        yield postgresql, mariadb


@pytest.fixture
def apply(servers, tmp_path, run_module):
    def call(configuration, **given):
        apps = {"postgresql": servers[0].options, "mysql": servers[1].options}
        return run_module(
            app_config, configuration=configuration, apps=apps, state_directory=str(tmp_path / "state"), **given
        )

    return call


def test_applications_are_configured_together(servers, apply):
    values = {WORK_MEM: 8192, SORT_BUFFER: 524288, FLUSH_METHOD: "fsync"}
    result = apply({**values, "vm.vcpus": 2})
    assert result["apps"] == {
        "postgresql": {"restarted": False, "reloaded": True},
        "mysql": {"restarted": True, "reloaded": False},
    }
    assert (result["tier"], result["readback"]) == ("restart", values)


def test_one_that_fails_puts_back_the_other(servers, apply):
    postgresql, mariadb = servers
    result = apply({WORK_MEM: 8192, CONNECTIONS: 30, "app.mysql.innodb_page_size": 4096})
    assert "mysql does not come up with its new configuration" in result["msg"]
    assert result["msg"].endswith("The previous files are back, and mysql and postgresql run on them again.")
    assert result["failure_class"] == "configuration"
    assert (postgresql.show("work_mem"), postgresql.show("max_connections")) == ("4MB", "20")
    assert not postgresql.ours.exists()
    assert not mariadb.ours.exists()
    assert mariadb.value("innodb_page_size") == "16384"


def test_faults_of_all_applications_in_one_message(apply):
    result = apply({"app.postgresql.work_memm": 1, FLUSH_METHOD: "never", "app.mysql.max_connection": 1})
    assert [line.split(":")[0] for line in result["msg"].splitlines()[1:]] == [
        "app.postgresql.work_memm",
        "app.mysql.max_connection",
        FLUSH_METHOD,
    ]


def test_one_that_cannot_be_put_back_says_so_loudly(servers, apply, tmp_path):
    """It comes up with neither its new files nor its old."""
    mariadb = servers[1]
    mariadb.options["restart_command"] = "echo the disk is gone; exit 1"
    result = apply({FLUSH_METHOD: "fsync"})
    assert "PUTTING BACK FAILED: mysql does not run as it did before" in result["msg"]
    assert "the disk is gone" in result["msg"]
    assert result["failure_class"] == "infrastructure"
    assert not mariadb.ours.exists()
    # Its files are back, so nothing is left for the next call to do.
    assert not list((tmp_path / "state").iterdir())


def test_configuration_without_applications_does_nothing(run_module, tmp_path):
    result = run_module(app_config, configuration={"vm.vcpus": 2}, state_directory=str(tmp_path / "state"))
    assert (result["changed"], result["tier"], result["readback"], result["apps"]) == (False, "none", {}, {})
    assert not (tmp_path / "state").exists()


def test_application_that_is_not_there(run_module, tmp_path):
    result = run_module(
        app_config,
        configuration={WORK_MEM: 8192, SORT_BUFFER: 1},
        apps={"postgresql": {"data_directory": str(tmp_path)}, "mysql": {"program": "/nowhere/mysqld"}},
        state_directory=str(tmp_path / "state"),
    )
    assert "is no data directory of PostgreSQL" in result["msg"]
    assert "/nowhere/mysqld is no program that can be run" in result["msg"]
    assert result["failure_class"] == "infrastructure"


def test_simulated_is_not_answered_by_the_module(run_module):
    assert "action plugin evolve.vm.app_config" in run_module(app_config, hypervisor="simulated")["msg"]
