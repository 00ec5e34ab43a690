# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis, a real one: what is set is in force, live and after a restart, and is given back exactly."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.redis import Redis
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.tests.servers import redis_server, wait_until

PASSWORD = "s3cret word"
CONFIG = f"""# A server as people write one.
port 0
unixsocket @folder@/redis.sock
dir @folder@
requirepass "{PASSWORD}"
  MaxMemory 100mb
maxmemory-policy allkeys-lru
save 900 1
save 300 10
databases 16
client-output-buffer-limit pubsub 32mb 8mb 60"""


def setting(name: str, unit: str = "") -> Setting:
    return Setting(f"app.redis.{name}", name, unit)


MEMORY = setting("maxmemory", "MiB")
POLICY = setting("maxmemory-policy")
APPEND = setting("appendonly")
FSYNC = setting("appendfsync")
SAVE = setting("save")
DATABASES = setting("databases")
THREADS = setting("io-threads")
LIVE: dict[Setting, Value] = {
    MEMORY: 200,
    POLICY: "allkeys-lfu",
    APPEND: True,
    FSYNC: "no",
    SAVE: "",
    setting("timeout", "min"): 2,
    setting("lua-time-limit", "s"): 3,
    setting("slowlog-log-slower-than", "ms"): 20,
    setting("hz"): 50,
    setting("client-output-buffer-limit"): "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 524288 30",
}
RESTART: dict[Setting, Value] = {DATABASES: 4, THREADS: 2, setting("rdbchecksum"): False}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    with redis_server(tmp_path, CONFIG) as found:
        yield found


@pytest.fixture
def redis(server: tuple[Path, Path]) -> Redis:
    return made(server)


def made(server: tuple[Path, Path], **options: Any) -> Redis:
    config, restart = server
    return Redis("redis", {"config_file": str(config), "restart_command": [str(restart)], **options})


def apply(app: Redis, target: dict[Setting, Value], restart: bool = False) -> None:
    assert app.faults(target) == []
    for path, content in app.files(target).items():
        managed_file.write(path, content)
    assert app.check() == ""
    if restart:
        app.restart()
        wait_until(app.is_running)
    else:
        app.reload(target)


def cli(config: Path, *words: str) -> str:
    command = ["redis-cli", "-s", str(config.parent / "redis.sock"), *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "REDISCLI_AUTH": PASSWORD}
    ).stdout.strip()


def test_what_is_set_live_is_in_force_and_stays_after_a_restart(redis: Redis, server: tuple[Path, Path]) -> None:
    config, _restart = server
    content = config.read_bytes()
    before = redis.read(list(LIVE))
    process = cli(config, "INFO", "server").split("process_id:")[1].split()[0]
    wanted = {each.parameter: value for each, value in LIVE.items()}
    assert before == {
        "app.redis.maxmemory": 100,
        "app.redis.maxmemory-policy": "allkeys-lru",
        "app.redis.appendonly": False,
        "app.redis.appendfsync": "everysec",
        "app.redis.save": "900 1 300 10",
        "app.redis.timeout": 0,
        "app.redis.lua-time-limit": 5,
        "app.redis.slowlog-log-slower-than": 10,
        "app.redis.hz": 10,
        "app.redis.client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    }
    assert {found.tier for found in redis.known([each.name for each in LIVE]).values()} == {"live"}

    apply(redis, LIVE)

    assert made(server).read(list(LIVE)) == wanted
    assert cli(config, "CONFIG", "GET", "maxmemory") == "maxmemory\n209715200"
    assert f"process_id:{process}" in cli(config, "INFO", "server")

    redis.restart()
    wait_until(redis.is_running)
    assert made(server).read(list(LIVE)) == wanted

    apply(made(server), {each: before[each.parameter] for each in LIVE})

    assert config.read_bytes() == content
    assert made(server).read(list(LIVE)) == before


def test_what_needs_a_restart_is_known_and_is_in_force_after_it(redis: Redis, server: tuple[Path, Path]) -> None:
    content = server[0].read_bytes()
    before = redis.read(list(RESTART))
    assert {found.tier for found in redis.known([each.name for each in RESTART]).values()} == {"restart"}

    apply(redis, RESTART, restart=True)

    assert made(server).read(list(RESTART)) == {each.parameter: value for each, value in RESTART.items()}
    assert "out of range" in cli(server[0], "SELECT", "5")

    apply(made(server), {each: before[each.parameter] for each in RESTART}, restart=True)

    assert server[0].read_bytes() == content
    assert made(server).read(list(RESTART)) == before


def test_a_second_value_keeps_what_was_before_the_first(redis: Redis, server: tuple[Path, Path]) -> None:
    content = server[0].read_bytes()
    apply(redis, {MEMORY: 50, POLICY: "noeviction"})
    apply(made(server), {MEMORY: 60.5})
    assert made(server).read([MEMORY, POLICY]) == {MEMORY.parameter: 60.5, POLICY.parameter: "noeviction"}

    apply(made(server), {MEMORY: 100, POLICY: "allkeys-lru"})

    assert server[0].read_bytes() == content


def test_no_limit_is_zero(redis: Redis, server: tuple[Path, Path]) -> None:
    apply(redis, {MEMORY: 0})

    assert cli(server[0], "CONFIG", "GET", "maxmemory") == "maxmemory\n0"


def test_what_redis_refuses_is_said_in_its_words_before_anything_is_touched(
    redis: Redis, server: tuple[Path, Path]
) -> None:
    content = server[0].read_bytes()

    faults = redis.faults(
        {
            POLICY: "allkeys-lrv",
            setting("hz"): "often",
            setting("maxmemory-samples"): -1,
            DATABASES: 0,
            APPEND: "on",
            FSYNC: True,
            setting("maxmemory-clients"): "5mb",
            setting("timeout", "MiB"): 1,
            setting("hash-max-listpack-entries", "s"): 1,
            setting("client-output-buffer-limit"): "normal 0 0 0",
            setting("requirepass"): "x",
            setting("maxmemory", "B"): 0.5,
        }
    )

    def about(name: str) -> str:
        return "\n".join(fault for fault in faults if fault.startswith(f"app.redis.{name}: "))

    assert "Redis refuses 'allkeys-lrv': argument(s) must be one of the following: volatile-lru" in about(POLICY.name)
    assert "couldn't be parsed into an integer" in about("hz")
    assert "must be between 1 and" in about("maxmemory-samples")
    assert "Redis refuses '0': argument must be between 1 and" in about("databases")
    assert about("appendonly").endswith("found 'on', expected true or false: appendonly is yes or no.")
    assert "Redis refuses 'yes': argument(s) must be one of" in about("appendfsync")
    assert about("maxmemory-clients").endswith("Redis makes '5242880' of '5mb'; write it so.")
    assert "what Redis counts it in is not known here" in about("hash-max-listpack-entries")
    assert "expected the limits of all three classes" in about("client-output-buffer-limit")
    assert "which is not varied here" in about("requirepass")
    assert "0.5 B is not a multiple of B" in about("maxmemory")
    assert server[0].read_bytes() == content


def test_what_redis_does_not_have_is_not_known(redis: Redis) -> None:
    assert set(redis.known(["maxmemory", "maxmemoryy", "io-threads"])) == {"maxmemory", "io-threads"}
    assert did_you_mean("maxmemory-polcy", redis.names()) == " Did you mean maxmemory-policy?"


def test_a_file_that_redis_refuses_is_refused_by_check_in_its_words(redis: Redis, server: tuple[Path, Path]) -> None:
    assert redis.check() == ""
    server[0].write_text(server[0].read_text().replace("databases 16", "databases many"))

    said = redis.check()

    assert "Reading the configuration file, at line 10" in said
    assert "argument couldn't be parsed into an integer" in said
    assert redis.is_running()


def test_checking_leaves_nothing_behind_and_disturbs_nobody(redis: Redis, server: tuple[Path, Path]) -> None:
    def around() -> tuple[list[str], str, str]:
        processes = subprocess.run(["pgrep", "-fc", "evolve-redis-"], capture_output=True, text=True, check=False)
        return sorted(os.listdir(server[0].parent)), processes.stdout, cli(server[0], "INFO", "replication")[:30]

    before = around()
    assert redis.check() == ""
    redis.known(["databases"])

    assert around() == before


def test_a_server_that_does_not_come_up_says_why(redis: Redis, server: tuple[Path, Path]) -> None:
    server[0].write_text(server[0].read_text() + "\ndir /nowhere\n")

    with pytest.raises(AppError, match="'dir /nowhere'\nNo such file"):
        redis.restart()
    assert not redis.is_running()


def test_a_wrong_password_is_told_apart_from_a_server_that_is_down(server: tuple[Path, Path]) -> None:
    with pytest.raises(AppError, match="Redis does not let us in"):
        made(server, password="wrong").is_running()
    assert not made(server, socket="/nowhere.sock").is_running()


def test_the_password_is_in_no_command_line(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    popen = subprocess.Popen

    def watched(command: list[str], *arguments: Any, **more: Any) -> Any:
        commands.append([str(word) for word in command])
        return popen(command, *arguments, **more)

    monkeypatch.setattr(subprocess, "Popen", watched)
    redis.read([MEMORY])
    redis.faults({MEMORY: 10})

    assert commands
    assert not any(PASSWORD in word for command in commands for word in command)


def test_another_server_is_not_taken_for_the_one_of_the_file(server: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_bytes(server[0].read_bytes())

    with pytest.raises(AppError, match=r"was started with .*/redis\.conf, not .*/other\.conf"):
        made((other, server[1])).read([MEMORY])


def test_what_is_known_while_it_is_stopped_is_the_same(redis: Redis, server: tuple[Path, Path]) -> None:
    names = [each.name for each in (*LIVE, *RESTART)]
    running = redis.known(names)
    cli(server[0], "SHUTDOWN", "NOSAVE")
    stopped = made(server)

    assert not stopped.is_running()
    assert stopped.known(names) == running
    assert stopped.faults({MEMORY: 5, DATABASES: 3}) == []
    apply(stopped, {MEMORY: 5, DATABASES: 3}, restart=True)
    assert stopped.read([MEMORY, DATABASES]) == {MEMORY.parameter: 5, DATABASES.parameter: 3}


def test_what_is_missing_is_named() -> None:
    with pytest.raises(AppError, match="there is no program /nowhere/redis"):
        Redis("redis", {"program": "/nowhere/redis"})
    with pytest.raises(AppError, match=r"there is no configuration /nowhere\.conf"):
        Redis("redis", {"config_file": "/nowhere.conf"})
