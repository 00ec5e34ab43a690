# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbench against a real PostgreSQL server, and the server's own counts beside it."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import PlannedShell, online_cpus
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of
from ansible_collections.evolve.vm.tests.postgresql import PASSWORD, USER, postgresql_server

DATA = (
    "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (SELECT aid, abalance, 1 FROM pgbench_accounts "
    "UNION ALL SELECT tid, tbalance, 2 FROM pgbench_tellers UNION ALL SELECT count(*), 0, 3 FROM pgbench_history) t"
)
CONFLICTS = (
    "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT sum(bbalance) FROM pgbench_branches;\n\\sleep 1 ms\n"
    "UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1;\nCOMMIT;\n"
)


def definition(server, **options):
    general = {"name": "pgbench", "seconds": 1, "warmup_seconds": 0, "repeats": 1, "scale": 1}
    if "template" in options:
        del general["scale"]
    return {**general, "socket_directory": str(server.folder), "user": "evolve", **options}


def measured(tmp_path, server, **options):
    return measure(parse_definition(definition(server, **options)), str(tmp_path / "bench"))


def databases(server):
    return server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'evolve%' ORDER BY 1").split()


def in_database(server, statement, database="evolve_bench"):
    connection = ("-h", server.folder, "-U", "evolve", "-d", database)
    return server.run("psql", "-X", "-Atq", *connection, "-c", statement).strip()


@pytest.fixture(autouse=True)
def _nothing_left(postgresql):
    yield
    for name in databases(postgresql):
        postgresql.sql(f"DROP DATABASE {name}")


def test_the_real_pgbench_is_measured_and_only_the_template_is_left(postgresql, tmp_path):
    parsed = parse_definition(definition(postgresql, warmup_seconds=1, repeats=2))
    result = measure(parsed, str(tmp_path / "bench"))
    assert list(result["metrics"]) == job_of(definition(postgresql)).metric_names
    assert len(result["runs"]) == 2
    for run in result["runs"]:
        assert 0 < run["latency_p50_ms"] <= run["latency_p95_ms"] <= run["latency_p99_ms"] <= run["latency_maximum_ms"]
        # Clients that do nothing else have as many transactions in the air as there are of them.
        in_the_air = run["throughput_per_second"] * run["latency_mean_ms"] / 1000
        assert in_the_air == pytest.approx(online_cpus(), rel=0.3)
        assert run["errors_total"] == run["errors_percent"] == 0
    assert result["version"].startswith("pgbench ")
    assert result["commands"] == planned_commands(parsed, online_cpus())
    assert list(tmp_path.iterdir()) == []
    assert databases(postgresql) == ["evolve_bench_template_1"]
    assert postgresql.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") == "0"


@pytest.mark.parametrize(
    ("script", "protocol"),
    [("tpcb-like", "simple"), ("simple-update", "extended"), ("select-only", "prepared"), ("tpcb-like", "prepared")],
)
def test_the_server_has_counted_the_same_transactions(postgresql, shell, script, protocol):
    job = job_of(definition(postgresql, script=script, protocol=protocol, clients=3, threads=2))
    job.prepare(shell)
    committed = f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{job.database}'"
    before = int(postgresql.sql(committed))
    output = shell.run(job.run_command(shell, 1))
    metrics = job.metrics(output, shell)
    after = int(postgresql.sql(committed))
    processed = int(re.search(r"actually processed: (\d+)", output).group(1))
    # A few of pgbench's own come on top, before the run.
    assert processed <= after - before <= processed + 20
    assert metrics["throughput_per_second"] == pytest.approx(after - before, rel=0.3)
    if script != "select-only":
        assert int(in_database(postgresql, "SELECT count(*) FROM pgbench_history")) == processed


def test_each_run_reads_its_own_log(postgresql, shell):
    job = job_of(definition(postgresql, clients=2))
    job.prepare(shell)
    for dummy in range(2):
        job.metrics(shell.run(job.run_command(shell, 1)), shell)


def test_each_measurement_starts_from_the_same_data(postgresql, shell):
    job = job_of(definition(postgresql))
    job.prepare(shell)
    first = in_database(postgresql, DATA)
    shell.run(job.run_command(shell, 1))
    assert in_database(postgresql, DATA) != first
    job.prepare(shell)
    assert in_database(postgresql, DATA) == first


def test_the_data_are_made_once(postgresql, tmp_path):
    first = measured(tmp_path, postgresql)["commands"]
    second = measured(tmp_path, postgresql)["commands"]
    assert sum("--initialize" in command for command in first) == 1
    assert sum("--initialize" in command for command in second) == 0


def test_a_template_that_was_not_finished_is_made_again(postgresql, tmp_path):
    postgresql.sql("CREATE DATABASE evolve_bench_half")
    in_database(postgresql, "CREATE TABLE pgbench_accounts (rubbish int)", "evolve_bench_half")
    assert measured(tmp_path, postgresql)["metrics"]["throughput_per_second"] > 0
    assert databases(postgresql) == ["evolve_bench_template_1"]


def test_the_checkpoint_comes_before_the_run(postgresql, shell):
    job = job_of(definition(postgresql))
    job.prepare(shell)
    # All 20 MB of the copy would be in the log since the last checkpoint.
    since = postgresql.sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) FROM pg_control_checkpoint()")
    assert int(since) < 1000000


def test_a_user_who_may_create_databases_and_nothing_else_will_do(postgresql, tmp_path):
    postgresql.sql("CREATE ROLE plain LOGIN CREATEDB")
    try:
        assert measured(tmp_path, postgresql, user="plain")["metrics"]["throughput_per_second"] > 0
    finally:
        postgresql.sql("DROP DATABASE evolve_bench_template_1")
        postgresql.sql("DROP ROLE plain")


def test_a_rate_is_kept_and_latency_counts_from_when_a_transaction_was_due(postgresql, tmp_path):
    metrics = measured(tmp_path, postgresql, rate=200, seconds=3, script="select-only")["metrics"]
    assert metrics["throughput_per_second"] == pytest.approx(200, rel=0.2)


def test_a_script_of_ones_own_runs_on_a_template_of_ones_own(postgresql, tmp_path):
    postgresql.sql("CREATE DATABASE evolve_own")
    in_database(postgresql, "CREATE TABLE things AS SELECT generate_series(1, 100) AS number", "evolve_own")
    script = "\\set number random(1, 100)\nSELECT * FROM things WHERE number = :number;\n"
    result = measured(tmp_path, postgresql, template="evolve_own", sql=script)
    assert result["metrics"]["throughput_per_second"] > 0
    file = tmp_path / "with@2 signs.sql"
    file.write_text(script)
    result = measured(tmp_path, postgresql, template="evolve_own", file=str(file))
    assert result["metrics"]["throughput_per_second"] > 0
    assert databases(postgresql) == ["evolve_own"]


@pytest.mark.parametrize("options", [{}, {"max_tries": 2}, {"rate": 200}, {"rate": 200, "max_tries": 3}])
def test_transactions_that_fail_are_counted(postgresql, tmp_path, options):
    metrics = measured(tmp_path, postgresql, sql=CONFLICTS, clients=4, **options)["metrics"]
    assert 0 < metrics["errors_percent"] < 100
    assert metrics["errors_total"] >= 1


def test_a_script_that_fails_is_no_result(postgresql, tmp_path):
    with pytest.raises(BenchmarkError, match=r"exit code 2\.(.|\n)*division by zero"):
        measured(tmp_path, postgresql, sql="SELECT 1/0;")
    assert databases(postgresql) == ["evolve_bench_template_1"]


def test_a_run_that_hangs_is_stopped_and_its_sessions_and_database_are_gone(postgresql, tmp_path):
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        measured(tmp_path, postgresql, sql="SELECT pg_sleep(600);", timeout_seconds=5)
    assert databases(postgresql) == ["evolve_bench_template_1"]
    assert postgresql.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'") == "1"
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_is_told_in_its_own_words(postgresql, tmp_path):
    with pytest.raises(BenchmarkError, match=r"nowhere/\.s\.PGSQL\.5432\" failed: No such file or directory") as caught:
        measured(tmp_path, postgresql, socket_directory="/nowhere")
    assert caught.value.failure_class == "measurement"
    assert list(tmp_path.iterdir()) == []


def test_a_user_of_another_name_is_told_what_to_do(postgresql, tmp_path):
    rules = postgresql.data / "pg_hba.conf"
    kept = rules.read_text()
    rules.write_text("local all all peer\n")
    try:
        postgresql.control("reload")
        with pytest.raises(BenchmarkError, match=r"Peer authentication failed(.|\n)*createuser --createdb"):
            measured(tmp_path, postgresql)
    finally:
        rules.write_text(kept)
        postgresql.control("reload")


def test_a_user_whom_the_server_does_not_know_is_told_what_to_do(postgresql, tmp_path):
    with pytest.raises(BenchmarkError, match=r'role "nobody_yet" does not exist(.|\n)*createuser --createdb'):
        measured(tmp_path, postgresql, user="nobody_yet")


def test_filling_that_takes_too_long_leaves_nothing(postgresql, tmp_path):
    with pytest.raises(BenchmarkError, match=r"stopped after timeout_seconds(.|\n)*--initialize"):
        measured(tmp_path, postgresql, scale=500, timeout_seconds=3)
    assert databases(postgresql) == []


def test_a_password_comes_from_the_environment(tmp_path, monkeypatch):
    with postgresql_server() as url:
        parsed = parse_definition(
            {
                "name": "pgbench",
                "seconds": 1,
                "warmup_seconds": 0,
                "repeats": 1,
                "scale": 1,
                "host": "{target}",
                "port": urlsplit(url).port,
                "user": USER,
            }
        )
        monkeypatch.delenv("PGPASSWORD", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(BenchmarkError, match="no password supplied"):
            measure(parsed, str(tmp_path / "bench"))
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        result = measure(parsed, str(tmp_path / "bench"))
    assert result["metrics"]["throughput_per_second"] > 0
    assert not any(PASSWORD in command for command in result["commands"])


def test_the_server_is_the_socket_here_and_the_measured_machine_elsewhere():
    def address(target, **options):
        return job_of({"name": "pgbench", **options}).run_command(PlannedShell(target, 1, 4), 5)[1]

    assert address("127.0.0.1") == "--host=/var/run/postgresql"
    assert address("192.0.2.7") == "--host=192.0.2.7"
    assert address("127.0.0.1", host="{target}") == "--host=127.0.0.1"
    assert address("192.0.2.7", host="db.example") == "--host=db.example"
    assert address("127.0.0.1", socket_directory="/tmp") == "--host=/tmp"


def test_clients_and_threads_follow_the_cpus():
    shell = PlannedShell("127.0.0.1", 7, 4)
    command = job_of({"name": "pgbench"}).run_command(shell, 5)
    assert {"--client=4", "--jobs=4", "--random-seed=7", "--time=5"} <= set(command)
    assert {"--client=2", "--jobs=2"} <= set(job_of({"name": "pgbench", "clients": 2}).run_command(shell, 5))
    assert {"--client=64", "--jobs=4"} <= set(job_of({"name": "pgbench", "clients": 64}).run_command(shell, 5))


def test_everything_wrong_is_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                "name": "pgbench",
                "scale": 0,
                "clients": "many",
                "protocol": "simpel",
                "script": "select-only",
                "sql": " \n",
                "file": "relative.sql",
                "database": "production",
                "host": "db.example",
                "socket_directory": "/tmp",
                "template": "a b",
                "rate": -1,
                "sacle": 3,
            }
        )
    wrong = {fault.where.partition(".")[2] for fault in caught.value.faults}
    assert wrong >= {"scale", "clients", "protocol", "sql", "file", "database", "socket_directory", "template", "rate"}
    assert "sacle: unknown option" in str(caught.value)


def test_a_missing_psql_is_told_with_its_package(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    os.symlink("/usr/bin/pgbench", tmp_path / "bin" / "pgbench")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(
        BenchmarkError, match=r"program psql is not on this machine\. Install the package postgresql-client"
    ):
        measure(parse_definition({"name": "pgbench"}), str(tmp_path / "bench"))
