# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module app_config with a PostgreSQL server of its own, found by the options a user would give."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils import machine_lock as locking
from ansible_collections.evolve.vm.plugins.modules import app_config
from ansible_collections.evolve.vm.tests.application_servers import PostgreSQLServer, folder_of

SETTINGS = [
    {"parameter": "app.postgresql.shared_buffers_mib", "name": "shared_buffers", "unit": "MiB"},
    {"parameter": "app.postgresql.work_mem_mib", "name": "work_mem", "unit": "MiB"},
    {"parameter": "app.postgresql.wal_buffers_kib", "name": "wal_buffers", "unit": "KiB"},
    {"parameter": "app.postgresql.checkpoint_timeout_min", "name": "checkpoint_timeout", "unit": "min"},
    {"parameter": "app.postgresql.deadlock_timeout_s", "name": "deadlock_timeout", "unit": "s"},
    {"parameter": "app.postgresql.vacuum_cost_delay_us", "name": "autovacuum_vacuum_cost_delay", "unit": "us"},
    {"parameter": "app.postgresql.scale_factor_percent", "name": "autovacuum_vacuum_scale_factor", "unit": "%"},
    {"parameter": "app.postgresql.cost_mib", "name": "random_page_cost", "unit": "MiB"},
]


@pytest.fixture(scope="module")
def pristine():
    """What initdb makes, once."""
    with folder_of(PostgreSQLServer.USER) as folder:
        yield PostgreSQLServer(folder)


@pytest.fixture
def server(pristine, tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path),))
    with pristine.running() as server:
        yield server


@pytest.fixture
def apply(server, tmp_path, run_module):
    """Call app_config: names without `app.postgresql.`."""

    def call(check_mode=False, **given):
        values = given.pop("values", {})
        options = {
            "configuration": {f"app.postgresql.{name}": value for name, value in values.items()},
            "settings": SETTINGS,
            "apps": {"postgresql": server.options},
            "state_directory": str(tmp_path / "state"),
            **given,
        }
        result = run_module(app_config, check_mode=check_mode, **options)
        if "readback" in result:
            result["readback"] = {name.rpartition(".")[2]: value for name, value in result["readback"].items()}
        return result

    return call


def left_over(tmp_path):
    return list((tmp_path / "state").rglob("*.*")) if (tmp_path / "state").exists() else []


def test_reload_tier_takes_no_restart(server, apply, tmp_path):
    started = server.started
    result = apply(values={"work_mem_mib": 16, "random_page_cost": 1.1})
    assert result["tier"] == "reload"
    assert result["apps"] == {"postgresql": {"restarted": False, "reloaded": True}}
    assert [(change["before"], change["after"]) for change in result["changes"]] == [(4, 16), (4, 1.1)]
    assert result["readback"] == {"work_mem_mib": 16, "random_page_cost": 1.1}
    assert (server.show("work_mem"), server.show("random_page_cost"), server.started) == ("16MB", "1.1", started)
    assert not left_over(tmp_path)


def test_restart_tier_takes_one_restart(server, apply):
    started = server.started
    values = {"shared_buffers_mib": 24, "work_mem_mib": 8, "max_connections": 30}
    result = apply(values=values)
    assert (result["tier"], result["apps"]["postgresql"]["restarted"]) == ("restart", True)
    assert {change["parameter"].rpartition(".")[2]: change["tier"] for change in result["changes"]} == {
        "shared_buffers_mib": "restart",
        "work_mem_mib": "reload",
        "max_connections": "restart",
    }
    assert result["readback"] == values
    assert (server.show("shared_buffers"), server.show("max_connections")) == ("24MB", "30")
    assert server.started != started
    assert server.log.read_text().count("starting PostgreSQL") >= 2


def test_second_call_changes_nothing(server, apply):
    values = {"shared_buffers_mib": 24, "work_mem_mib": 8, "jit": False, "synchronous_commit": "OFF"}
    apply(values=values)
    started, file = server.started, server.ours.read_bytes()
    again = apply(values=values)
    assert (again["changed"], again["tier"], again["changes"]) == (False, "none", [])
    assert again["readback"] == values
    assert (server.started, server.ours.read_bytes()) == (started, file)


def test_baseline_removes_what_we_wrote(server, apply):
    config = (server.data / "postgresql.conf").read_bytes()
    names = ["shared_buffers_mib", "work_mem_mib", "wal_buffers_kib", "jit", "wal_compression", "random_page_cost"]
    names = [f"app.postgresql.{name}" for name in names]
    baseline = apply(state="read", parameters=names)["readback"]
    apply(values={"shared_buffers_mib": 24, "work_mem_mib": 8})
    apply(
        values={"shared_buffers_mib": 20, "wal_buffers_kib": 256, "jit": False, "wal_compression": "pglz"},
    )
    assert server.show("work_mem") == "8MB"  # not named the second time, so it stays
    apply(values={"random_page_cost": 1.25})
    assert server.ours.exists()
    back = apply(values=baseline)
    assert back["readback"] == baseline
    assert not server.ours.exists()
    assert (server.data / "postgresql.conf").read_bytes() == config
    assert (server.show("shared_buffers"), server.show("jit")) == ("16MB", "on")


def test_include_dir_is_used_where_there_is_one(server, apply):
    (server.data / "conf.d").mkdir()
    shutil.chown(server.data / "conf.d", (server.data / "PG_VERSION").owner())
    server.configure("include_dir = 'conf.d'")
    config = (server.data / "postgresql.conf").read_bytes()
    apply(values={"work_mem_mib": 8})
    assert (server.data / "conf.d" / "zz-evolve.conf").stat().st_uid == (server.data / "conf.d").stat().st_uid
    assert (server.data / "postgresql.conf").read_bytes() == config
    assert server.show("work_mem") == "8MB"
    apply(values={"work_mem_mib": 4})
    assert not list((server.data / "conf.d").iterdir())
    (server.data / "conf.d").rmdir()


def test_units_and_special_values(server, apply):
    values = {
        "wal_buffers_kib": -1,
        "checkpoint_timeout_min": 15,
        "deadlock_timeout_s": 0.25,
        "vacuum_cost_delay_us": 500,
        "scale_factor_percent": 2.5,
        "log_min_duration_statement": -1,
        "work_mem_mib": 0.5,
    }
    assert apply(values=values)["readback"] == values
    assert (server.show("checkpoint_timeout"), server.show("deadlock_timeout")) == ("15min", "250ms")
    assert server.sql("SELECT setting FROM pg_settings WHERE name = 'autovacuum_vacuum_scale_factor'") == "0.025"
    assert server.show("work_mem") == "512kB"


def test_every_fault_at_once_and_before_anything(server, apply):
    config = (server.data / "postgresql.conf").read_bytes()
    result = apply(
        values={
            "shared_bufers": 1,
            "max_connections": 9999999,
            "wal_compression": "gzip",
            "jit": "perhaps",
            "cost_mib": 3,
            "work_mem_mib": 0.0001,
            "max_worker_processes": 4.5,
            "block_size": 4096,
            "checkpoint_timeout_min": 12,
        }
    )
    lines = {line.split(":")[0].rpartition(".")[2]: line for line in result["msg"].splitlines()[1:]}
    assert result["msg"].startswith("Nothing was changed.\n")
    assert result["failure_class"] == "configuration"
    assert set(lines) == {
        "shared_bufers",
        "max_connections",
        "wal_compression",
        "jit",
        "cost_mib",
        "work_mem_mib",
        "max_worker_processes",
        "block_size",
    }
    assert "Did you mean shared_buffers?" in lines["shared_bufers"]
    assert "outside the valid range" in lines["max_connections"]
    assert "Available values: " in lines["wal_compression"]
    assert "requires a Boolean value" in lines["jit"]
    assert "bare number" in lines["cost_mib"]
    assert "nearest" in lines["max_worker_processes"]
    assert (server.data / "postgresql.conf").read_bytes() == config
    assert not server.ours.exists()


def test_unknown_application(apply):
    result = apply(configuration={"app.postgres.work_mem": 3, "app.mongo.cache": 2, "app.postgresql.work_mem_mib": 8})
    assert "app.postgres: no application postgres is known. Did you mean postgresql?" in result["msg"]
    assert "app.mongo: no application mongo is known." in result["msg"]
    assert "failure_class" not in result


def test_unknown_option(server, apply):
    server.options["prot"] = 1
    try:
        assert "apps.postgresql.prot: there is no such option. Did you mean port?" in apply(values={"jit": 1})["msg"]
    finally:
        del server.options["prot"]


@pytest.mark.parametrize(
    ("poison", "words"),
    [
        ({"huge_pages": True, "shared_buffers_mib": 500000}, "huge pages"),
        ({"shared_buffers_mib": 4000000}, "Cannot allocate memory"),
        ({"wal_level": "minimal", "max_wal_senders": 5}, "wal_level"),
    ],
)
def test_value_that_passes_the_check_and_does_not_start(server, apply, tmp_path, poison, words):
    apply(values={"work_mem_mib": 8})
    before = server.ours.read_bytes()
    result = apply(values=poison)
    assert result["failure_class"] == "configuration"
    assert words in result["msg"]
    assert result["msg"].endswith("The previous files are back, and postgresql runs on them again.")
    assert server.ours.read_bytes() == before
    assert (server.show("work_mem"), server.show("shared_buffers")) == ("8MB", "16MB")
    assert not left_over(tmp_path)


def test_value_that_is_overridden_elsewhere(server, apply):
    server.sql("ALTER SYSTEM SET work_mem = '7MB'")
    server.sql("ALTER ROLE evolve SET random_page_cost = 3")
    server.sql("SELECT pg_reload_conf()")
    time.sleep(0.3)
    result = apply(values={"work_mem_mib": 9, "random_page_cost": 2, "jit": False})
    server.sql("ALTER ROLE evolve RESET random_page_cost")
    assert "app.postgresql.work_mem_mib: postgresql.auto.conf sets it" in result["msg"]
    assert "app.postgresql.random_page_cost: evolve in every database has a value of its own" in result["msg"]
    assert result["msg"].startswith("Nothing was changed.")


def test_line_after_ours_is_named_and_all_is_put_back(server, apply):
    (server.data / "conf.d").mkdir()
    shutil.chown(server.data / "conf.d", (server.data / "PG_VERSION").owner())
    server.configure("include_dir = 'conf.d'", "work_mem = 7MB")
    server.control("restart")
    try:
        result = apply(values={"work_mem_mib": 9, "jit": False})
        assert "asked for 9 MiB, but 7 MiB is in force: line " in result["msg"]
        assert f"of {server.data}/postgresql.conf sets it" in result["msg"]
        assert result["failure_class"] == "configuration"
        assert server.show("jit") == "on"
        assert not list((server.data / "conf.d").iterdir())
    finally:
        (server.data / "conf.d").rmdir()


def test_value_in_force_is_no_fault_wherever_it_is_set(server, apply):
    """A baseline that was read can be applied."""
    server.sql("ALTER SYSTEM SET work_mem = '7MB'")
    server.sql("SELECT pg_reload_conf()")
    names = [f"app.postgresql.{name}" for name in ("work_mem_mib", "block_size", "data_directory", "jit")]
    baseline = apply(state="read", parameters=names)["readback"]
    assert (baseline["work_mem_mib"], baseline["block_size"]) == (7, 8192)
    result = apply(values={**baseline, "jit": False})
    assert [change["parameter"] for change in result["changes"]] == ["app.postgresql.jit"]
    assert b"work_mem" not in server.ours.read_bytes()


def test_texts_are_taken_as_they_are(server, apply):
    values = {"log_line_prefix": "%m 'x' # \\ ", "search_path": '"$user", public', "session_preload_libraries": ""}
    result = apply(values=values)
    assert result.get("msg") is None
    assert result["readback"] == values
    assert apply(values=values)["changed"] is False


def test_check_mode_touches_nothing(server, apply, tmp_path):
    result = apply(check_mode=True, values={"work_mem_mib": 16, "shared_buffers_mib": 24})
    assert (result["changed"], result["tier"]) == (True, "restart")
    assert result["readback"] == {"work_mem_mib": 4, "shared_buffers_mib": 16}
    assert result["diff"]["prepared"].splitlines()[0] == "app.postgresql.work_mem_mib: 4 -> 16 (reload)"
    assert not server.ours.exists()
    assert not (tmp_path / "state").exists()
    assert server.show("work_mem") == "4MB"


def test_forty_settings_in_one_restart(server, apply):
    rows = json.loads(
        server.sql(
            "SELECT json_object_agg(name, setting::int + 1) FROM (SELECT name, setting FROM pg_settings WHERE"
            " vartype = 'integer' AND context IN ('sighup', 'user', 'superuser', 'postmaster') AND unit IS NULL"
            " AND setting::int BETWEEN 0 AND 1000 AND setting::int < max_val::bigint AND name !~ 'timeline|port|float"
            "|compute|backend_flush|permissions|file_mode|ssl|krb|jit|debug|geqo_seed|post_auth' LIMIT 40) AS found"
        )
    )
    values = {**rows, "work_mem_mib": 8, "shared_buffers_mib": 24, "jit": False, "random_page_cost": 1.1}
    assert len(values) >= 40
    starts = server.log.read_text().count("starting PostgreSQL")
    result = apply(values=values)
    assert result.get("msg") is None
    assert result["readback"] == values
    assert server.log.read_text().count("starting PostgreSQL") == starts + 1
    assert apply(values=values)["changed"] is False


def test_health_command_that_fails_puts_back(server, apply):
    server.options.update(health_command="test ! -e healthy && echo not at all well && false", health_timeout_seconds=1)
    result = apply(values={"work_mem_mib": 8})
    assert "health_command ends with exit code 1: not at all well" in result["msg"]
    # It says so of the previous configuration as well.
    assert "PUTTING BACK FAILED" in result["msg"]
    assert result["failure_class"] == "infrastructure"
    assert server.show("work_mem") == "4MB"
    server.options["health_timeout_seconds"] = 20


def test_stopped_application_is_started_by_a_good_configuration(server, apply):
    """As after a boot with less memory than the files it has would need."""
    server.control("stop")
    server.configure("shared_buffers = 4000GB")
    result = apply(values={"shared_buffers_mib": 20, "work_mem_mib": 8})
    assert result["readback"] == {"shared_buffers_mib": 20, "work_mem_mib": 8}
    assert [change["before"] for change in result["changes"]] == [None, None]
    assert result["apps"]["postgresql"]["restarted"]
    assert server.show("shared_buffers") == "20MB"


def test_stopped_application_that_a_bad_configuration_does_not_start(server, apply):
    server.control("stop")
    server.configure("shared_buffers = 4000GB")
    result = apply(values={"work_mem_mib": 8})
    assert "postgresql did not run before, and does not now" in result["msg"]
    assert "failure_class" not in result
    assert not server.ours.exists()
    assert "does not run, so nothing of it can be read" in apply(state="read", values={"work_mem_mib": 8})["msg"]


def test_faults_are_found_while_it_is_stopped(server, apply):
    server.control("stop")
    result = apply(values={"shared_bufers": 1, "max_connections": 9999999, "checkpoint_timeout_min": 5})
    assert "Did you mean shared_buffers?" in result["msg"]
    assert "app.postgresql.max_connections: PostgreSQL refuses the value" in result["msg"]
    assert len(result["msg"].splitlines()) == 3
    assert not server.is_up()


KILLED = """
import json, sys
from ansible.module_utils import basic
from ansible_collections.evolve.vm.plugins.module_utils import machine_lock
machine_lock._FOLDERS = (sys.argv[2],)
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.loads(sys.argv[1])}).encode()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.evolve.vm.plugins.modules import app_config
from ansible_collections.evolve.vm.tests.application_servers import PostgreSQLServer, folder_of
app_config.main()
"""


def test_killed_between_writing_and_restarting(server, apply, tmp_path):
    apply(values={"work_mem_mib": 8})
    before = server.ours.read_bytes()
    mark = tmp_path / "restarting"
    options = {
        "configuration": {"app.postgresql.shared_buffers_mib": 24, "app.postgresql.work_mem_mib": 9},
        "settings": SETTINGS,
        "apps": {
            "postgresql": {
                **server.options,
                "restart_command": f"echo $$ > {mark}.new; mv {mark}.new {mark}; exec sleep 60",
            }
        },
        "state_directory": str(tmp_path / "state"),
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, json.dumps(options), str(tmp_path)], env=environment
    ) as module:
        patience = time.monotonic() + 30
        while not mark.exists() and module.poll() is None and time.monotonic() < patience:
            time.sleep(0.02)
        assert mark.exists()
        os.kill(module.pid, signal.SIGKILL)
    os.kill(int(mark.read_text()), signal.SIGKILL)  # what it had started
    assert b"9MB" in server.ours.read_bytes()
    assert left_over(tmp_path)

    result = apply(state="read", parameters=["app.postgresql.work_mem_mib", "app.postgresql.shared_buffers_mib"])
    assert result["readback"] == {"work_mem_mib": 8, "shared_buffers_mib": 16}
    assert server.ours.read_bytes() == before
    assert "an earlier call was cut short; the files before it are back" in str(result["warnings"])
    assert not left_over(tmp_path)
