# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a real Redis with the real redis-benchmark, and what becomes of the server's data."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    DefinitionError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.tests.servers import free_port, redis_server

PASSWORD = "no one must see this"


class Redis:
    """A server on a port and on a socket."""

    def __init__(self, socket, port):
        self.socket = socket
        self.port = port

    def ask(self, *words, database=9):
        command = ["redis-cli", "-s", self.socket, "-n", str(database), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    def calls(self, command):
        found = re.search(rf"cmdstat_{re.escape(command)}:calls=(\d+)", self.ask("INFO", "commandstats"))
        return int(found.group(1)) if found else 0


@pytest.fixture(scope="module")
def server():
    # A socket's path may not be long.
    with tempfile.TemporaryDirectory(prefix="evolve-redis-") as folder:
        port = free_port()
        config = f"bind 127.0.0.1\nport {port}\nunixsocket @folder@/s\nsave ''\ndir @folder@\ndatabases 16\n"
        with redis_server(Path(folder), config):
            yield Redis(f"{folder}/s", port)


@pytest.fixture
def redis(server, monkeypatch):
    monkeypatch.delenv("REDISCLI_AUTH", raising=False)
    server.ask("FLUSHALL")
    server.ask("CONFIG", "RESETSTAT")
    yield server
    monkeypatch.delenv("REDISCLI_AUTH", raising=False)


def run(redis, tmp_path, **options):
    definition = {
        **{"name": "redis-benchmark", "port": redis.port, "seconds": 1, "warmup_seconds": 0, "repeats": 1},
        **{"clients": 4, "keyspace": 1000},
        **options,
    }
    result = measure(parse_definition(definition), str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []
    return result


def test_the_server_has_counted_the_same(redis, tmp_path):
    result = run(redis, tmp_path, requests=5000, tests=["set", "get", "incr", "lpush", "mset"])
    # SET: the requests, the marker and the 1000 keys that are there beforehand.
    assert [redis.calls(name) for name in ("set", "get", "incr", "lpush", "mset")] == [6001, 5000, 5000, 5000, 5000]
    hits = re.search(r"keyspace_hits:(\d+)\r?\nkeyspace_misses:(\d+)", redis.ask("INFO", "stats"))
    assert int(hits.group(1)) >= 5000
    assert int(hits.group(2)) == 0, "all keys were found, EXISTS is not asked"
    rates = [value for name, value in result["metrics"].items() if name.endswith("_per_second")]
    assert sum(5000 / rate for rate in rates) < result["seconds"]
    assert result["version"].startswith("redis-benchmark ")


def test_a_run_takes_the_seconds_that_it_is_given(redis, tmp_path):
    result = run(redis, tmp_path, seconds=2, repeats=2, warmup_seconds=1)
    assert list(result["metrics"]) == metric_names(parse_definition({"name": "redis-benchmark"}))
    commands = [command for command in result["commands"] if command.startswith("redis-benchmark")]
    requests = [int(re.search(r"-n (\d+)", command).group(1)) for command in commands]
    assert len(requests) == 4, "one to find out how fast it is, and three runs"
    assert requests[3] == requests[2] == pytest.approx(2 * requests[1], rel=0.01)
    for metrics in result["runs"]:
        taken = sum(requests[2] / metrics[f"{test}_requests_per_second"] for test in ("set", "get"))
        assert 0.5 < taken < 6, "the machine may be busy"


def test_it_begins_with_the_same_data_and_leaves_none(redis, tmp_path):
    redis.ask("SET", "user", "data", database=0)
    for dummy in range(2):
        run(redis, tmp_path, requests=1000, tests=["lpush", "incr"], socket=redis.socket, port=None)
        assert redis.ask("DBSIZE") == "0"
    assert redis.ask("GET", "user", database=0) == "data"


@pytest.mark.parametrize("database", [0, 9])
def test_a_database_with_keys_that_are_not_ours_is_left_alone(redis, tmp_path, database):
    redis.ask("SET", "user", "data", database=database)
    with pytest.raises(InfrastructureError, match=f"database {database} of the Redis has 1 keys that are not ours"):
        run(redis, tmp_path, database=database)
    assert redis.ask("GET", "user", database=database) == "data"
    assert redis.ask("DBSIZE", database=database) == "1"


def test_what_a_killed_benchmark_has_left_is_removed(redis, tmp_path):
    redis.ask("MSET", "evolve.vm:benchmark", "1", "key:000000000001", "old")
    run(redis, tmp_path, requests=1000)
    assert redis.ask("DBSIZE") == "0"


def test_a_failed_run_leaves_no_data(redis, tmp_path):
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        run(redis, tmp_path, requests=2000000000, timeout_seconds=3)
    assert redis.ask("DBSIZE") == "0"


def test_a_password_comes_from_the_environment_and_is_on_no_command_line(redis, tmp_path, monkeypatch):
    redis.ask("CONFIG", "SET", "requirepass", PASSWORD)
    try:
        with pytest.raises(BenchmarkError, match=r"taken from the environment, REDISCLI_AUTH(.|\n)*NOAUTH"):
            run(redis, tmp_path, requests=1000)
        monkeypatch.setenv("REDISCLI_AUTH", PASSWORD)
        result = run(redis, tmp_path, requests=1000)
        assert not any(PASSWORD in command for command in result["commands"])
        assert redis.ask("ACL", "USERS") == "default", "the benchmark's own user is gone"
        redis.ask("ACL", "SETUSER", "admin", "on", ">other", "~*", "+@all")
        monkeypatch.setenv("REDISCLI_AUTH", "other")
        run(redis, tmp_path, requests=1000, user="admin")
        with pytest.raises(BenchmarkError, match="NOAUTH"):
            run(redis, tmp_path, requests=1000)
    finally:
        monkeypatch.setenv("REDISCLI_AUTH", PASSWORD)
        redis.ask("ACL", "DELUSER", "admin")
        redis.ask("CONFIG", "SET", "requirepass", "")


def test_a_server_that_refuses_is_told_in_its_own_words(redis, tmp_path):
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(BenchmarkError, match="OOM command not allowed"):
            run(redis, tmp_path)
    finally:
        redis.ask("CONFIG", "SET", "maxmemory", "0")
    with pytest.raises(BenchmarkError, match="DB index is out of range"):
        run(redis, tmp_path, database=99)


def test_a_target_that_is_down_is_told(redis, tmp_path):
    with pytest.raises(BenchmarkError, match="Connection refused"):
        run(redis, tmp_path, port=free_port())
    with pytest.raises(BenchmarkError, match="No such file or directory"):
        run(redis, tmp_path, socket="/nowhere/s", port=None)


def test_pipelines_and_threads_are_measured(redis, tmp_path):
    metrics = run(redis, tmp_path, requests=20000, pipeline=8, threads=2, payload_bytes=1000)["metrics"]
    assert all(value > 0 for value in metrics.values())


def test_the_plan_names_the_measured_machine():
    commands = planned_commands(parse_definition({"name": "redis-benchmark"}), 2, "192.0.2.7")
    assert commands[0] == "redis-cli -h 192.0.2.7 -p 6379 -n 9 DBSIZE"
    assert commands[-1].startswith("redis-benchmark -h 192.0.2.7 -p 6379 --dbnum 9 -t set,get ")


def test_all_faults_of_the_options_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                **{"name": "redis-benchmark", "tests": ["set", "lpop", "sett"], "requests": 5, "socket": "/run/s"},
                **{"port": 6379, "clients": 0, "databse": 1, "payload_bytes": "1k"},
            }
        )
    assert [fault.where for fault in caught.value.faults] == [
        f"evolve_benchmark.{key}"
        for key in ("databse", "tests", "requests", "clients", "payload_bytes", "port", "tests")
    ]
    assert "Did you mean database?" in str(caught.value)
    assert "'lpop' takes what 'lpush' has put in" in str(caught.value)


def test_memtier_has_the_same_database_and_a_user_of_its_own(redis, tmp_path, monkeypatch):
    """With a program in memtier's place, which Debian 12 has no package of: it looks at the data, repeats a result."""
    program = tmp_path / "memtier_benchmark"
    program.write_text(
        f"""#!/bin/sh
        [ "$1" = --version ] && {{ echo memtier_benchmark 2.1.1; exit; }}
        login=$(echo "$*" | sed -n 's/.*--authenticate=evolve-benchmark:\\([^ ]*\\).*/\\1/p')
        export REDISCLI_AUTH=$login
        asked="redis-cli --user evolve-benchmark -s {redis.socket} -n 9"
        [ "$($asked get memtier-1)" = xxxx ] && [ "$($asked get memtier-500)" = xxxx ] || exit 3
        [ "$($asked get memtier-0)" = "" ] && [ "$($asked get memtier-501)" = "" ] || exit 4
        $asked config get '*' | grep -q NOPERM || exit 5
        cp {Path(__file__).parent}/fixtures/memtier_2.json memtier.json
        """
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    redis.ask("CONFIG", "SET", "requirepass", PASSWORD)
    monkeypatch.setenv("REDISCLI_AUTH", PASSWORD)
    try:
        definition = {
            **{"name": "memtier", "port": redis.port, "keyspace": 500, "payload_bytes": 4, "threads": 4},
            **{"seconds": 1, "warmup_seconds": 0, "repeats": 2},
        }
        result = measure(parse_definition(definition), str(tmp_path / "bench"))
        assert result["metrics"]["throughput_per_second"] == 311352.91
        assert redis.ask("DBSIZE") == "0"
        assert redis.ask("ACL", "USERS") == "default"
    finally:
        redis.ask("CONFIG", "SET", "requirepass", "")


def test_memtiers_faults_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition({"name": "memtier", "ratio": "0:0", "tests": ["set"], "pipeline": 0})
    assert [fault.where.rpartition(".")[2] for fault in caught.value.faults] == ["tests", "pipeline", "ratio"]
