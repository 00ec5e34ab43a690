# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module app_config with a MariaDB server of its own, found by the options a user would give."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils import machine_lock as locking
from ansible_collections.evolve.vm.plugins.modules import app_config
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, folder_of

SETTINGS = [
    {"parameter": "app.mysql.buffer_pool_mib", "name": "innodb_buffer_pool_size", "unit": "MiB"},
    {"parameter": "app.mysql.sort_buffer_kib", "name": "sort_buffer_size", "unit": "KiB"},
    {"parameter": "app.mysql.join_buffer_b", "name": "join_buffer_size", "unit": "B"},
    {"parameter": "app.mysql.log_file_mib", "name": "innodb_log_file_size", "unit": "MiB"},
    {"parameter": "app.mysql.old_blocks_s", "name": "innodb_old_blocks_time", "unit": "s"},
    {"parameter": "app.mysql.wait_timeout_min", "name": "wait_timeout", "unit": "min"},
    {"parameter": "app.mysql.long_query_time_ms", "name": "long_query_time", "unit": "ms"},
    {"parameter": "app.mysql.dirty_percent", "name": "innodb_max_dirty_pages_pct", "unit": "%"},
]


@pytest.fixture(scope="module")
def pristine():
    """What mariadb-install-db makes, once."""
    with folder_of(MariaDBServer.USER) as folder:
        yield MariaDBServer(folder)


@pytest.fixture
def server(pristine, tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path),))
    with pristine.running() as server:
        yield server


@pytest.fixture
def apply(server, tmp_path, run_module):
    """Call app_config: names without `app.mysql.`."""

    def call(check_mode=False, values=None, **given):
        options = {
            "configuration": {f"app.mysql.{name}": value for name, value in (values or {}).items()},
            "settings": SETTINGS,
            "apps": {"mysql": server.options},
            "state_directory": str(tmp_path / "state"),
            **given,
        }
        result = run_module(app_config, check_mode=check_mode, **options)
        if "readback" in result:
            result["readback"] = {name.rpartition(".")[2]: value for name, value in result["readback"].items()}
        return result

    return call


def test_live_tier_takes_no_restart_and_outlasts_one(server, apply):
    starts = server.starts
    values = {"max_connections": 50, "sort_buffer_kib": 512, "innodb_stats_persistent": False, "buffer_pool_mib": 24}
    result = apply(values=values)
    assert result.get("msg") is None
    assert (result["tier"], result["apps"]) == ("live", {"mysql": {"restarted": False, "reloaded": True}})
    assert result["readback"] == values
    assert (server.starts, server.value("max_connections"), server.value("sort_buffer_size")) == (
        starts,
        "50",
        "524288",
    )
    server.start()
    assert (server.value("max_connections"), server.value("sort_buffer_size")) == ("50", "524288")
    assert apply(values=values)["changed"] is False


def test_restart_tier_takes_one_restart(server, apply):
    starts = server.starts
    values = {
        "back_log": 30,
        "innodb-flush-method": "fsync",
        "max_connections": 60,
        "skip_external_locking": True,
    }
    result = apply(values=values)
    assert result.get("msg") is None
    assert {change["parameter"].rpartition(".")[2]: change["tier"] for change in result["changes"]} == {
        "back_log": "restart",
        "innodb-flush-method": "restart",
        "max_connections": "live",
    }
    assert (result["tier"], result["apps"]["mysql"]["restarted"], result["readback"]) == ("restart", True, values)
    assert server.starts == starts + 1


def test_units(server, apply):
    values = {
        "old_blocks_s": 2,
        "wait_timeout_min": 30,
        "long_query_time_ms": 250,
        "dirty_percent": 75.5,
        "join_buffer_b": 262144,
        "log_file_mib": 12,
    }
    assert apply(values=values)["readback"] == values
    assert (server.value("innodb_old_blocks_time"), server.value("wait_timeout")) == ("2000", "1800")
    assert server.value("long_query_time") == "0.250000"


def test_every_fault_at_once_and_before_anything(server, apply):
    result = apply(
        values={
            "innodb_bufer_pool_size": 1,
            "max_connections": 9999999,
            "innodb_flush_method": "O_DIREKT",
            "join_buffer_b": 262145,
            "innodb_io_capacity": "many",
            "innodb_read_io_threads": 2.5,
            "innodb_adaptive_hash_index": "perhaps",
            "buffer_pool_mib": 0.0000001,
            "version": "11",
            "sort_buffer_kib": 1024,
        }
    )
    lines = {line.split(":")[0].rpartition(".")[2]: line for line in result["msg"].splitlines()[1:]}
    assert result["msg"].startswith("Nothing was changed.\n")
    assert result["failure_class"] == "configuration"
    assert set(lines) == {
        "innodb_bufer_pool_size",
        "max_connections",
        "innodb_flush_method",
        "join_buffer_b",
        "innodb_io_capacity",
        "innodb_read_io_threads",
        "innodb_adaptive_hash_index",
        "buffer_pool_mib",
        "version",
    }
    assert "Did you mean innodb_buffer_pool_size" in lines["innodb_bufer_pool_size"]
    assert "10 to 100000" in lines["max_connections"]
    assert "O_DIREKT" in lines["innodb_flush_method"]
    assert "the nearest are 262144 and 262272" in lines["join_buffer_b"]
    assert not server.ours.exists()
    assert server.value("sort_buffer_size") != "1048576"


@pytest.mark.parametrize(
    ("poison", "words"),
    [
        ({"innodb_data_home_dir": "/nowhere", "sort_buffer_kib": 512}, "Generic error"),
        ({"buffer_pool_mib": 400000000, "back_log": 30}, "Cannot map"),
        ({"innodb_page_size": 4096, "max_connections": 55}, "page size"),
    ],
)
def test_value_that_passes_the_check_and_does_not_start(server, apply, tmp_path, poison, words):
    apply(values={"max_connections": 40})
    before = server.ours.read_bytes()
    result = apply(values=poison)
    assert result["failure_class"] == "configuration"
    assert words in result["msg"]
    assert result["msg"].endswith("The previous files are back, and mysql runs on them again.")
    assert server.ours.read_bytes() == before
    assert (server.value("max_connections"), server.value("innodb_page_size")) == ("40", "16384")
    assert not list((tmp_path / "state").iterdir())


def test_value_that_the_server_refuses_live_is_put_back(server, apply):
    """The first of two is set already when the second is refused."""
    text = server.config.read_text().replace("log_buffer_size = 2M", "log_buffer_size = 16M")
    server.config.write_text(text.replace("log_file_size = 8M", "log_file_size = 20M"))
    server.start()
    result = apply(values={"max_connections": 40, "log_file_mib": 8})
    assert result["failure_class"] == "configuration"
    assert "innodb_log_file_size" in result["msg"]
    assert server.value("max_connections") == "151"
    assert not server.ours.exists()


def test_value_that_the_server_rounds_is_refused_and_put_back(server, apply):
    # The server wants room for open tables, too, and says nothing of it in its catalogue.
    result = apply(values={"open_files_limit": 60, "sort_buffer_kib": 512})
    assert "asked for 60, but " in result["msg"]
    assert "rounded or limited" in result["msg"]
    assert result["failure_class"] == "configuration"
    assert not server.ours.exists()


def test_baseline_removes_our_file(server, apply):
    names = [
        "max_connections",
        "buffer_pool_mib",
        "innodb_flush_method",
        "sql_mode",
        "dirty_percent",
        "query_cache_type",
    ]
    names = [f"app.mysql.{name}" for name in names]
    baseline = apply(state="read", parameters=names)["readback"]
    apply(values={"max_connections": 40, "buffer_pool_mib": 20, "sql_mode": "ANSI_QUOTES", "dirty_percent": 60})
    apply(values={"innodb_flush_method": "fsync", "query_cache_type": "ON", "buffer_pool_mib": 24})
    assert server.value("max_connections") == "40"
    back = apply(values=baseline)
    assert back["readback"] == baseline
    assert not server.ours.exists()
    assert server.value("innodb_flush_method") == "O_DIRECT"


def test_our_file_is_included_where_no_folder_is(server, apply):
    server.config.write_text(
        server.config.read_text().replace(f"!includedir {server.folder}/conf.d/\n", "").rstrip("\n")
    )
    config = server.config.read_bytes()
    apply(values={"back_log": 30})
    assert server.value("back_log") == "30"
    assert server.config.read_bytes().startswith(config + b"\n# Added by evolve.vm")
    assert apply(values={"back_log": 80})["changed"] is True
    assert server.config.read_bytes() == config
    assert not (server.folder / "zz-evolve.cnf").exists()


def test_line_after_ours_is_named(server, apply):
    """The server would take the values live, and lose one of them with its next start."""
    (server.folder / "conf.d" / "zzz.cnf").write_text("[mysqld]\nmax-connections = 33\n")
    result = apply(values={"max_connections": 40, "sql_mode": "ANSI_QUOTES,NO_ZERO_DATE", "init_connect": "SET @a = 1"})
    assert f"max_connections: a file that is read after {server.ours} sets it to 33" in result["msg"]
    assert "sql_mode" not in result["msg"]
    assert result["failure_class"] == "configuration"
    assert not server.ours.exists()


def test_texts_are_taken_as_they_are(server, apply):
    values = {"sql_mode": "ANSI_QUOTES,NO_ZERO_DATE", "init_connect": "SET @a = 'x # \\'; SET @b = \"y\""}
    result = apply(values=values)
    assert result.get("msg") is None
    assert result["readback"] == values
    server.start()
    assert server.value("init_connect") == values["init_connect"].replace("\\", "\\\\")  # as the client prints it
    assert apply(values=values)["changed"] is False


def test_stopped_application_is_started_by_a_good_configuration(server, apply):
    server.stop()
    server.config.write_text(server.config.read_text().replace("pool_size = 16M", "pool_size = 400000G"))
    result = apply(values={"buffer_pool_mib": 20, "max_connections": 40})
    assert result["readback"] == {"buffer_pool_mib": 20, "max_connections": 40}
    assert result["tier"] == "restart"
    assert "shared_bufers" in apply(values={"shared_bufers": 1})["msg"]


def test_faults_are_found_while_it_is_stopped(server, apply):
    server.stop()
    values = {"innodb_bufer_pool_size": 1, "innodb_flush_method": "O_DIREKT", "innodb_flush_log_at_trx_commit": 7}
    result = apply(values=values)
    assert "Did you mean innodb_buffer_pool_size" in result["msg"]
    assert "O_DIREKT" in result["msg"]
    assert "it would make 3 of 7" in result["msg"]
    assert len(result["msg"].splitlines()) == 4


def test_server_that_does_not_let_us_in_is_not_restarted(server, apply):
    starts = server.starts
    server.options["user"] = "nobody_of_this_name"
    result = apply(values={"max_connections": 40})
    assert "runs but does not let us in" in result["msg"]
    assert "Access denied" in result["msg"]
    assert result["failure_class"] == "infrastructure"
    assert server.starts == starts


def test_forty_variables_in_one_restart(server, apply):
    rows = server.sql(
        "SELECT LOWER(variable_name), CAST(global_value AS SIGNED) + numeric_block_size"
        " FROM information_schema.system_variables"
        " WHERE (variable_type LIKE 'INT%' OR variable_type LIKE 'BIGINT%') AND variable_scope <> 'SESSION ONLY'"
        " AND read_only = 'NO' AND command_line_argument IS NOT NULL AND numeric_block_size > 0"
        " AND global_value BETWEEN 1 AND 100000000 AND variable_name NOT REGEXP 'SLAVE|GTID|SERVER_ID|DEBUG|BUFFER_POOL"
        "|CACHE|IO_CAPACITY|THREAD_POOL|MYISAM|_MODE|INNODB_FT|CONNECT|AUTO_INC' ORDER BY variable_name LIMIT 45"
    )
    values = {name: int(value) for name, dummy, value in (row.partition("\t") for row in rows.splitlines())}
    values.update(back_log=30, performance_schema=False, innodb_flush_method="fsync")
    assert len(values) >= 40
    starts = server.starts
    result = apply(values=values)
    assert result.get("msg") is None
    assert result["readback"] == values
    assert server.starts == starts + 1
    assert apply(values=values)["changed"] is False
