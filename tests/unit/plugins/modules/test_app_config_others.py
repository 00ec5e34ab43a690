# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module app_config with a real Redis, nginx and Java, and with an application that its user describes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from contextlib import closing

import pytest

from ansible_collections.evolve.vm.plugins.module_utils import machine_lock as locking
from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm import Jvm
from ansible_collections.evolve.vm.plugins.modules import app_config
from ansible_collections.evolve.vm.tests.servers import (
    end_process,
    java_service,
    nginx_server,
    pid_in,
    redis_server,
    wait_until,
)

NGINX = """worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log notice;
events {
    worker_connections 64;
}
http {
    access_log off;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi;
    uwsgi_temp_path @folder@/uwsgi;
    scgi_temp_path @folder@/scgi;
    server { listen 127.0.0.1:@port@; }
}
"""
REDIS = "port 0\nunixsocket @folder@/redis.sock\ndir @folder@\nmaxmemory 100mb\nsave 900 1\n"
SETTINGS = [
    {"parameter": "app.redis.maxmemory_mib", "name": "maxmemory", "unit": "MiB"},
    {"parameter": "app.nginx.keepalive_timeout_ms", "name": "http.keepalive_timeout", "unit": "ms"},
    {"parameter": "app.jvm.heap_mib", "name": "heap", "unit": "MiB"},
]


@pytest.fixture
def apply(tmp_path, monkeypatch, run_module):
    """Call app_config: `apply({"app.redis.hz": 5}, {"redis": {...}})`."""
    (tmp_path / "lock").mkdir()
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path / "lock"),))

    def call(values, apps, **given):
        parameters = given.pop("settings", SETTINGS)
        options = {"configuration": values, "settings": parameters, "apps": apps, **given}
        return run_module(app_config, state_directory=str(tmp_path / "state"), **options)

    return call


@pytest.fixture
def redis(tmp_path):
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis", REDIS) as (config, restart):
        yield config, {"config_file": str(config), "restart_command": [str(restart)], "health_timeout_seconds": 5}


@pytest.fixture
def nginx(tmp_path):
    (tmp_path / "nginx").mkdir()
    with nginx_server(tmp_path / "nginx", NGINX) as config:
        yield config, {"config_file": str(config), "reload_timeout_seconds": 5, "health_timeout_seconds": 5}


@pytest.fixture
def java(tmp_path):
    folder = tmp_path / "java"
    folder.mkdir()
    (folder / "options").write_text("-Xmx128m\n")
    with java_service(folder, "@java@ @@folder@/options @run@") as (pid_file, restart):
        options = {"options_file": str(folder / "options"), "pid_file": str(pid_file), "up_seconds": 1}
        more = {"restart_command": [str(restart)], "health_timeout_seconds": 4}
        wait_until(Jvm("jvm", options).is_running, 10)
        yield folder / "options", {**options, **more}


def test_several_applications_are_configured_in_one_call_and_given_back(apply, redis, nginx, java):
    apps = {"redis": redis[1], "nginx": nginx[1], "jvm": java[1]}
    files = [each[0] for each in (redis, nginx, java)]
    contents = [file.read_bytes() for file in files]
    values = {
        "app.redis.maxmemory_mib": 50,
        "app.redis.io-threads": 2,
        "app.nginx.keepalive_timeout_ms": 1500,
        "app.nginx.worker_processes": 2,
        "app.jvm.heap_mib": 70,
        "app.jvm.gc": "serial",
    }
    before = apply({}, apps, state="read", parameters=list(values))["readback"]
    assert before["app.redis.maxmemory_mib"] == 100

    done = apply(values, apps)

    assert done["readback"] == values
    assert done["tier"] == "restart"
    assert done["apps"] == {
        "redis": {"restarted": True, "reloaded": False},
        "nginx": {"restarted": False, "reloaded": True},
        "jvm": {"restarted": True, "reloaded": False},
    }
    assert not apply(values, apps)["changed"]

    back = apply(before, apps)

    assert back["readback"] == before
    assert [file.read_bytes() for file in files] == contents


def test_check_mode_touches_nothing(apply, redis):
    content = redis[0].read_bytes()

    done = apply({"app.redis.maxmemory_mib": 50}, {"redis": redis[1]}, check_mode=True)

    assert done["changes"] == [
        {"parameter": "app.redis.maxmemory_mib", "before": 100, "after": 50, "tier": "live"},
    ]
    assert redis[0].read_bytes() == content


def test_what_there_is_not_and_cannot_be_is_said_for_all_at_once(apply, redis, nginx, java):
    apps = {"redis": redis[1], "nginx": nginx[1], "jvm": java[1]}
    contents = [each[0].read_bytes() for each in (redis, nginx, java)]

    failed = apply(
        {
            "app.redis.maxmemory-polic": "noeviction",
            "app.redis.hz": "often",
            "app.nginx.worker_conections": 5,
            "app.jvm.MaxGCPauseMilis": 5,
            "app.jvm.NewRatio": -1,
        },
        apps,
    )

    assert failed["failed"]
    assert failed["msg"].startswith("Nothing was changed.\n")
    assert "redis has no setting maxmemory-polic. Did you mean maxmemory-policy" in failed["msg"]
    assert "nginx has no setting worker_conections. Did you mean worker_connections" in failed["msg"]
    assert "jvm has no setting MaxGCPauseMilis. Did you mean MaxGCPauseMillis" in failed["msg"]
    assert "app.redis.hz: Redis refuses 'often'" in failed["msg"]
    assert "app.jvm.NewRatio: java refuses -1" in failed["msg"]
    assert [each[0].read_bytes() for each in (redis, nginx, java)] == contents


def test_a_value_that_nginx_refuses_leaves_everything_as_it_was(apply, redis, nginx):
    apps = {"redis": redis[1], "nginx": nginx[1]}
    contents = [redis[0].read_bytes(), nginx[0].read_bytes()]

    failed = apply({"app.redis.maxmemory_mib": 50, "app.nginx.gzip_comp_level": 99}, apps)

    assert "nginx does not accept its new files" in failed["msg"]
    assert "value must be between 1 and 9" in failed["msg"]
    assert [redis[0].read_bytes(), nginx[0].read_bytes()] == contents
    read = apply({}, apps, state="read", parameters=["app.redis.maxmemory_mib", "app.nginx.gzip_comp_level"])
    assert read["readback"] == {"app.redis.maxmemory_mib": 100, "app.nginx.gzip_comp_level": 1}


def test_workers_of_nginx_that_do_not_start_are_replaced_by_those_of_before(apply, nginx):
    content = nginx[0].read_bytes()

    failed = apply({"app.nginx.worker_connections": 10**12}, {"nginx": nginx[1]})

    assert "malloc" in failed["msg"]
    assert "The previous files are back, and nginx runs on them again." in failed["msg"]
    assert nginx[0].read_bytes() == content
    port = int(re.search(rb"127\.0\.0\.1:(\d+)", content)[1])
    with closing(socket.create_connection(("127.0.0.1", port), 5)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 ")


def test_a_java_that_does_not_stay_up_runs_again_on_the_previous_options(apply, java):
    content = java[0].read_bytes()

    failed = apply({"app.jvm.heap_mib": 400}, {"jvm": java[1]})

    assert "jvm does not come up with its new configuration" in failed["msg"]
    assert "The previous files are back, and jvm runs on them again." in failed["msg"]
    assert failed["failure_class"] == "configuration"
    assert java[0].read_bytes() == content
    read = apply({}, {"jvm": java[1]}, state="read", parameters=["app.jvm.heap_mib"])
    assert read["readback"] == {"app.jvm.heap_mib": 128}


def test_a_redis_that_cannot_have_its_values_runs_again_on_the_previous_file(apply, redis):
    config, options = redis
    content = config.read_bytes()
    # It comes up, but the rest of its service does not.
    health = ["sh", "-c", f"test $(redis-cli -s {config.parent}/redis.sock CONFIG GET databases | tail -n 1) -gt 8"]

    failed = apply({"app.redis.databases": 4}, {"redis": {**options, "health_command": health}})

    assert "health_command ends with exit code 1" in failed["msg"]
    assert "The previous files are back, and redis runs on them again." in failed["msg"]
    assert config.read_bytes() == content


APP = """#!/usr/bin/env python3
# A service with workers: it reads its file when it starts, and on SIGHUP. More than 9 are too many for it.
import json, os, signal, sys, time
folder = os.path.dirname(sys.argv[0])

def take_over(*dummy):
    with open(folder + "/app.conf") as file:
        values = dict(line.split(": ", 1) for line in file.read().splitlines() if ": " in line)
    if int(values["workers"]) > 9:
        sys.exit("too many workers")
    with open(folder + "/in-force.new", "w") as file:
        json.dump({"workers": int(values["workers"]), "mode": values["mode"]}, file)
    os.rename(folder + "/in-force.new", folder + "/in-force")

signal.signal(signal.SIGHUP, take_over)
take_over()
with open(folder + "/pid", "w") as file:
    file.write(str(os.getpid()))
while True:
    time.sleep(60)
"""
ORIGINAL = "# by hand\nworkers: 4\nmode: slow"


@pytest.fixture
def described(tmp_path):
    """An application of a user's own, running; gives its folder and its options."""
    folder = tmp_path / "own app"
    folder.mkdir()
    (tmp_path / "records").mkdir()
    (folder / "app").write_text(APP)
    (folder / "app.conf").write_text(ORIGINAL)
    restart = folder / "restart"
    restart.write_text(
        f"""#!/bin/sh
cd '{folder}'
pid=$(cat pid 2>/dev/null) && kill "$pid" 2>/dev/null && while [ -e /proc/$pid/exe ]; do sleep 0.02; done
rm -f pid
python3 '{folder}/app' >>log 2>&1 &
for turn in $(seq 100); do test -s pid && exit 0; [ -e /proc/$!/exe ] || break; sleep 0.02; done
tail -n 1 log >&2
exit 1
"""
    )
    restart.chmod(0o755)
    subprocess.run([restart], check=True)
    options = {
        "path": str(folder / "app.conf"),
        "check_command": "grep -q '^workers: [0-9]*$' {file} || { echo workers must be a number; exit 1; }",
        "read_command": ["cat", str(folder / "in-force")],
        "reload_command": f"kill -HUP $(cat '{folder}/pid') && sleep 0.3",
        "restart_command": [str(restart)],
        "health_command": f"kill -0 $(cat '{folder}/pid')",
        "health_timeout_seconds": 3,
        "present": {"workers": 4, "mode": "slow"},
        "record_file": str(tmp_path / "records" / "shop.json"),
    }
    yield folder, options
    end_process(pid_in(folder / "pid"))


def rendered(options, **values):
    """What the controller makes of the template."""
    lines = [f"{name}: {value}" for name, value in {"workers": 4, "mode": "slow", **values}.items()]
    return {"shop": {**options, "content": "\n".join(["# by a template", *lines, ""])}}


@pytest.mark.parametrize("reads", [True, False], ids=["read_command", "by the record"])
@pytest.mark.parametrize("tier", ["reload", "restart"])
def test_an_application_of_ones_own_is_configured_and_given_back(apply, described, tmp_path, reads, tier):
    folder, options = described
    options = {**options, "tier": tier}
    if not reads:
        del options["read_command"]
    names = ["app.shop.workers", "app.shop.mode"]
    read = {"state": "read", "parameters": names, "settings": []}
    before = apply({}, {"shop": options}, **read)["readback"]
    assert before == {"app.shop.workers": 4, "app.shop.mode": "slow"}

    for workers in (8, 6):
        values = {"app.shop.workers": workers, "app.shop.mode": "fast"}
        done = apply(values, rendered(options, workers=workers, mode="fast"), settings=[])

        assert done["readback"] == values
        assert done["tier"] == tier
        assert json.loads((folder / "in-force").read_text()) == {"workers": workers, "mode": "fast"}
        assert apply({}, {"shop": options}, **read)["readback"] == values
        assert not apply(values, rendered(options, workers=workers, mode="fast"), settings=[])["changed"]

    apply(before, rendered(options), settings=[])

    assert (folder / "app.conf").read_text() == ORIGINAL
    assert json.loads((folder / "in-force").read_text()) == {"workers": 4, "mode": "slow"}
    assert not list((tmp_path / "records").iterdir())


def test_an_application_of_ones_own_that_does_not_come_back_runs_again_as_before(apply, described):
    folder, options = described

    failed = apply({"app.shop.workers": 12}, rendered(options, workers=12), settings=[])

    assert "too many workers" in failed["msg"]
    assert "The previous files are back, and shop runs on them again." in failed["msg"]
    assert (folder / "app.conf").read_text() == ORIGINAL
    assert pid_in(folder / "pid") is not None
    assert json.loads((folder / "in-force").read_text())["workers"] == 4


def test_what_the_check_command_refuses_never_reaches_the_application(apply, described):
    folder, options = described

    failed = apply({"app.shop.workers": "many"}, rendered(options, workers="many"), settings=[])

    assert "shop does not accept its new files: workers must be a number" in failed["msg"]
    assert (folder / "app.conf").read_text() == ORIGINAL


def test_what_a_template_cannot_know_is_said(apply, described):
    folder, options = described

    failed = apply({"app.shop.workes": 5}, rendered(options), settings=[])
    assert "shop has no setting workes. Did you mean workers?" in failed["msg"]

    failed = apply({"app.shop.workers": 5}, {"shop": options}, settings=[])
    assert "apps.shop.template: this is needed to apply anything" in failed["msg"]

    apply({"app.shop.workers": 5, "app.shop.mode": "fast"}, rendered(options, workers=5, mode="fast"), settings=[])
    failed = apply({"app.shop.workers": 6}, rendered(options, workers=6), settings=[])
    assert "app.shop.mode: it was set to fast before, and this configuration does not name it" in failed["msg"]

    (folder / "app.conf").write_text("workers: 7\nmode: other\n")
    failed = apply({"app.shop.workers": 6, "app.shop.mode": "fast"}, rendered(options, workers=6), settings=[])
    assert "app.conf is not as this collection has written it" in failed["msg"]


def test_a_description_that_is_not_enough_says_what_is_missing(apply):
    failed = apply({"app.shop.workers": 5}, {"shop": {"tier": "live"}}, settings=[])

    assert "apps.shop.path: this is needed" in failed["msg"]
    assert "`present` or `read_command` is needed" in failed["msg"]
    assert "apps.shop.tier: found 'live', expected reload or restart." in failed["msg"]


def test_a_file_that_it_was_not_told_to_read_is_not_taken_for_what_is_in_force(apply, described, tmp_path):
    dummy, options = described
    options = {name: value for name, value in options.items() if name != "read_command"}
    apply({"app.shop.workers": 5, "app.shop.mode": "fast"}, rendered(options, workers=5, mode="fast"), settings=[])
    (tmp_path / "records" / "shop.json.in-force").unlink()

    failed = apply({}, {"shop": options}, state="read", parameters=["app.shop.workers"], settings=[])

    assert "has not been told since to read it" in failed["msg"]


def test_the_record_of_a_file_is_nobody_elses_to_read(apply, described, tmp_path, monkeypatch):
    dummy, options = described
    monkeypatch.setattr(managed_file, "STATE_DIRECTORY", str(tmp_path / "kept"))
    options = {name: value for name, value in options.items() if name != "record_file"}

    apply({"app.shop.workers": 5}, rendered(options, workers=5), settings=[])

    folder = tmp_path / "kept" / "shop.custom"
    assert (folder / "record.json").exists()
    assert folder.stat().st_mode & 0o077 == 0
