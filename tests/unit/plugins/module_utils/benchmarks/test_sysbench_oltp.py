# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysbench's tests threads, mutex and oltp_*, on real servers, and the servers' own counts beside them."""

from __future__ import annotations

import re

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import PlannedShell, online_cpus
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench_oltp import OLTP_TESTS
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of

OLTP = {"tables": 2, "table_size": 1000, "threads": 2}


def definition(database, *tests, **options):
    general = {"name": "sysbench", "seconds": 1, "warmup_seconds": 0, "repeats": 1}
    return {**general, "tests": list(tests), "oltp": {**OLTP, **options}, "database": database}


def measured(tmp_path, *arguments, **options):
    return measure(parse_definition(definition(*arguments, **options)), str(tmp_path / "bench"))


def printed(output, label):
    return int(re.search(rf"{label}: +(\d+)", output).group(1))


@pytest.fixture
def pgsql(postgresql):
    yield {"driver": "pgsql", "socket": str(postgresql.folder), "user": "evolve"}
    for name in postgresql.sql("SELECT datname FROM pg_database WHERE datname LIKE 'evolve%'").split():
        postgresql.sql(f"DROP DATABASE {name}")


@pytest.fixture
def mysql(mariadb):
    return {"driver": "mysql", "socket": f"{mariadb.folder}/socket", "user": "root"}


def in_database(server, name, statement):
    connection = ("-h", server.folder, "-U", "evolve", "-d", name)
    return server.run("psql", "-X", "-Atq", *connection, "-c", statement).strip()


def test_threads_and_mutex_are_measured(tmp_path):
    parsed = parse_definition(
        {"name": "sysbench", "tests": ["threads", "mutex"], "seconds": 1, "warmup_seconds": 0, "repeats": 1}
    )
    result = measure(parsed, str(tmp_path / "bench"))
    metrics = result["metrics"]
    assert list(metrics) == metric_names(parsed)
    assert all(value > 0 for value in metrics.values())
    # Each of the threads is at one round all the time.
    at_once = metrics["threads_events_per_second"] * metrics["threads_latency_mean_ms"] / 1000
    assert at_once == pytest.approx(online_cpus(), rel=0.1)
    assert result["commands"] == planned_commands(parsed, online_cpus())


@pytest.mark.parametrize("driver", ["pgsql", "mysql"])
def test_what_would_be_run_is_what_is_run(request, tmp_path, driver):
    parsed = parse_definition(definition(request.getfixturevalue(driver), "oltp_point_select"))
    planned = planned_commands(parsed, online_cpus())
    assert measure(parsed, str(tmp_path / "bench"))["commands"] == planned


def test_options_of_threads_and_mutex_reach_the_command():
    def command(test, options):
        return job_of({"name": "sysbench", "tests": [test], test: options}).run_command(
            PlannedShell("127.0.0.1", 1, 4), 5
        )

    assert {"--threads=64", "--thread-yields=10", "--thread-locks=2"} <= set(
        command("threads", {"threads": 64, "yields": 10, "locks": 2})
    )
    assert {"--threads=4", "--mutex-num=1", "--mutex-locks=10", "--mutex-loops=0"} <= set(
        command("mutex", {"mutexes": 1, "locks": 10, "loops": 0})
    )


@pytest.mark.parametrize("driver", ["pgsql", "mysql"])
def test_every_oltp_test_is_measured_and_its_database_removed(request, postgresql, mariadb, tmp_path, driver):
    database = request.getfixturevalue(driver)
    parsed = parse_definition(definition(database, *OLTP_TESTS))
    result = measure(parsed, str(tmp_path / "bench"))
    metrics = result["metrics"]
    assert list(metrics) == metric_names(parsed)
    for test in OLTP_TESTS:
        at_once = metrics[f"{test}_transactions_per_second"] * metrics[f"{test}_latency_mean_ms"] / 1000
        assert at_once == pytest.approx(2, rel=0.2)
    left = postgresql.sql("SELECT datname FROM pg_database WHERE datname LIKE 'evolve%'")
    assert left == ("evolve_bench_template_2x1000_1" if driver == "pgsql" else "")
    assert "evolve" not in mariadb.sql("SHOW DATABASES")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("test", ["oltp_read_write", "oltp_read_only", "oltp_point_select", "oltp_update_index"])
def test_postgresql_has_counted_the_same_transactions(postgresql, pgsql, shell, test):
    job = job_of(definition(pgsql, test, table_size=20000))
    job.prepare(shell)
    committed = f"SELECT xact_commit FROM pg_stat_database WHERE datname = 'evolve_bench_{test}'"
    before = int(postgresql.sql(committed))
    output = shell.run(job.run_command(shell, 1))
    metrics = job.metrics(output, shell)
    counted = int(postgresql.sql(committed)) - before
    # Sessions prepare their statements before, each by itself.
    prepared = 2 * OLTP["tables"] * 10 + 10
    assert printed(output, "transactions") <= counted <= printed(output, "transactions") + prepared
    assert metrics[f"{test}_transactions_per_second"] == pytest.approx(counted, rel=0.3)


@pytest.mark.parametrize("test", ["oltp_read_write", "oltp_read_only", "oltp_write_only"])
def test_mariadb_has_counted_the_same_transactions(mariadb, mysql, shell, test):
    def counted(name):
        return int(mariadb.sql(f"SHOW GLOBAL STATUS LIKE '{name}'").split()[1])

    job = job_of(definition(mysql, test, table_size=20000))
    job.prepare(shell)
    before = counted("Com_commit")
    output = shell.run(job.run_command(shell, 1))
    metrics = job.metrics(output, shell)
    assert counted("Com_commit") - before == printed(output, "transactions")
    assert metrics[f"{test}_transactions_per_second"] == pytest.approx(counted("Com_commit") - before, rel=0.3)


def test_mariadb_has_counted_the_same_inserts(mariadb, mysql, shell):
    job = job_of(definition(mysql, "oltp_insert"))
    job.prepare(shell)
    output = shell.run(job.run_command(shell, 1))
    rows = sum(int(mariadb.sql(f"SELECT count(*) FROM evolve_bench_oltp_insert.sbtest{n}")) for n in (1, 2))
    assert rows - 2 * OLTP["table_size"] == printed(output, "transactions")
    job.clean_up(shell)


def test_each_measurement_on_postgresql_starts_from_the_same_data(postgresql, pgsql, shell):
    def data():
        return in_database(
            postgresql,
            "evolve_bench_oltp_write_only",
            "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM sbtest1 t",
        )

    job = job_of(definition(pgsql, "oltp_write_only"))
    job.prepare(shell)
    first = data()
    shell.run(job.run_command(shell, 1))
    assert data() != first
    job.prepare(shell)
    assert data() == first
    # Also where the template has gone meanwhile.
    postgresql.sql("DROP DATABASE evolve_bench_template_2x1000_1")
    job.prepare(shell)
    assert data() == first


def test_each_measurement_on_mariadb_starts_from_the_same_data(mariadb, mysql, shell):
    def data():
        return mariadb.sql("CHECKSUM TABLE evolve_bench_oltp_write_only.sbtest1, evolve_bench_oltp_write_only.sbtest2")

    job = job_of(definition(mysql, "oltp_write_only"))
    job.prepare(shell)
    first = data()
    shell.run(job.run_command(shell, 1))
    assert data() != first
    job.prepare(shell)
    assert data() == first
    job.clean_up(shell)


def test_transactions_that_had_to_be_begun_again_are_counted(pgsql, tmp_path):
    metrics = measured(tmp_path, pgsql, "oltp_read_write", tables=1, table_size=20, threads=8, distribution="uniform")[
        "metrics"
    ]
    assert metrics["oltp_read_write_errors_total"] >= 1
    assert 0 < metrics["oltp_read_write_errors_percent"] < 100


def test_a_password_of_mariadb_comes_from_the_environment(mariadb, mysql, tmp_path, monkeypatch):
    mariadb.sql("CREATE USER ours@localhost IDENTIFIED BY 'secret word'")
    mariadb.sql("GRANT ALL ON `evolve\\_%`.* TO ours@localhost")
    try:
        with monkeypatch.context() as patch:
            patch.delenv("MYSQL_PWD", raising=False)
            with pytest.raises(BenchmarkError, match="Access denied for user 'ours'@'localhost'"):
                measured(tmp_path, {**mysql, "user": "ours"}, "oltp_read_only")
            patch.setenv("MYSQL_PWD", "secret word")
            result = measured(tmp_path, {**mysql, "user": "ours"}, "oltp_read_only")
    finally:
        mariadb.sql("DROP USER ours@localhost")
    assert result["metrics"]["oltp_read_only_transactions_per_second"] > 0
    assert not any("secret" in command for command in result["commands"])


@pytest.mark.parametrize(
    ("driver", "says"),
    [("pgsql", r"No such file or directory"), ("mysql", r"Can't connect to local server through socket")],
)
def test_a_server_that_is_down_is_told_in_its_own_words(tmp_path, driver, says):
    with pytest.raises(BenchmarkError, match=says):
        measured(tmp_path, {"driver": driver, "socket": "/nowhere"}, "oltp_read_only")
    assert list(tmp_path.iterdir()) == []


def test_the_server_is_the_socket_here_and_the_measured_machine_elsewhere():
    def options(target, **database):
        job = job_of(definition(database, "oltp_insert"))
        return [
            word for word in job.run_command(PlannedShell(target, 1, 4), 5) if re.match("--(pg|my)sql-(h|p|s)", word)
        ]

    assert options("127.0.0.1") == ["--pgsql-host=/var/run/postgresql", "--pgsql-port=5432"]
    assert options("192.0.2.7") == ["--pgsql-host=192.0.2.7", "--pgsql-port=5432"]
    assert options("192.0.2.7", driver="mysql") == ["--mysql-host=192.0.2.7", "--mysql-port=3306"]
    # The library's own socket.
    assert options("127.0.0.1", driver="mysql") == []
    assert options("127.0.0.1", driver="mysql", socket="/a/socket") == ["--mysql-socket=/a/socket"]
    here = options("127.0.0.1", driver="mysql", host="{target}", port=3307)
    assert here == ["--mysql-host=127.0.0.1", "--mysql-port=3307"]


@pytest.mark.parametrize("driver", ["pgsql", "mysql"])
def test_no_test_works_on_the_data_of_another(driver):
    (benchmark,) = parse_definition(definition({"driver": driver}, *OLTP_TESTS)).benchmarks
    shell = PlannedShell("127.0.0.1", 1, 2)
    used = [word for job in benchmark.jobs for word in job.run_command(shell, 1) if word.startswith(f"--{driver}-db=")]
    assert used == [f"--{driver}-db=evolve_bench_{test}" for test in OLTP_TESTS]


def test_everything_wrong_is_told_at_once():
    database = {"driver": "mysql", "host": "db", "socket": "/s", "name": "production", "user": "a b", "prot": 1}
    with pytest.raises(DefinitionError) as caught:
        parse_definition(definition(database, "oltp_read_wirte", tables=0, distribution="even", rows=3))
    wrong = {fault.where.partition(".")[2] for fault in caught.value.faults}
    assert wrong == {
        *("tests", "oltp.tables", "oltp.distribution", "oltp.rows"),
        *("database.socket", "database.name", "database.user", "database.prot"),
    }
    assert "Did you mean oltp_read_write?" in str(caught.value)
    with pytest.raises(DefinitionError, match=r"database\.driver: found 'oracle'"):
        parse_definition(definition({"driver": "oracle"}, "oltp_insert"))
