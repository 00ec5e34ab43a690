# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx, a real one: what is set is in force, proven by its own processes and answers, and is given back exactly."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file, nginx_processes
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx import Nginx
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.tests.servers import nginx_server, pid_in, program, wait_until

CONFIG = """# A server as people write one.
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log notice;

events {
    worker_connections 64;   # few
}

http {
    access_log off;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi;
    uwsgi_temp_path @folder@/uwsgi;
    scgi_temp_path @folder@/scgi;
    include conf.d/*.conf;

    server {
        listen 127.0.0.1:@port@;
        default_type text/plain;
        location / { return 200 "@text@"; }
    }
}
"""
INCLUDED = "keepalive_timeout 65;\ngzip_types text/plain\n           text/css;\nclient_body_buffer_size 16k;\n"


def setting(name: str, unit: str = "") -> Setting:
    return Setting(f"app.nginx.{name}", name, unit)


WORKERS = setting("worker_processes")
CONNECTIONS = setting("events.worker_connections")
GZIP = setting("http.gzip")
KEEPALIVE = setting("keepalive_timeout", "ms")
BODY = setting("http.client_body_buffer_size", "KiB")
FILES = setting("main.worker_rlimit_nofile")
ALL: dict[Setting, Value] = {
    WORKERS: 2,
    CONNECTIONS: 128,
    GZIP: True,
    KEEPALIVE: 1500,
    BODY: 32,
    FILES: 3000,
    setting("tcp_nopush"): True,
    setting("open_file_cache"): "max=100 inactive=20s",
    setting("http.gzip_types"): "text/plain",
}


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "tuning.conf").write_text(INCLUDED)
    with nginx_server(tmp_path, CONFIG.replace("@text@", "x" * 4000)) as path:
        yield path


@pytest.fixture
def nginx(config: Path) -> Nginx:
    return made(config)


def made(config: Path) -> Nginx:
    return Nginx("nginx", {"config_file": str(config), "reload_timeout_seconds": 10})


def apply(app: Nginx, target: dict[Setting, Value]) -> None:
    assert app.faults(target) == []
    for path, content in app.files(target).items():
        managed_file.write(path, content)
    assert app.check() == ""
    app.reload(target)


def everything(config: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in [config, *(config.parent / "conf.d").iterdir()]}


def master(config: Path) -> int:
    found = pid_in(config.parent / "nginx.pid")
    assert found is not None
    return found


def get(config: Path) -> tuple[str | None, int]:
    """The encoding of the answer, and its size."""
    port = re.search(r"127\.0\.0\.1:(\d+)", config.read_text())[1]
    with urlopen(Request(f"http://127.0.0.1:{port}/", headers={"Accept-Encoding": "gzip"})) as answer:
        return answer.headers["Content-Encoding"], len(answer.read())


def test_what_is_set_is_in_force_and_what_was_comes_back_byte_for_byte(nginx: Nginx, config: Path) -> None:
    before = nginx.read(list(ALL))
    files = everything(config)
    assert before == {
        "app.nginx.worker_processes": 1,
        "app.nginx.events.worker_connections": 64,
        "app.nginx.http.gzip": False,
        "app.nginx.keepalive_timeout": 65000,
        "app.nginx.http.client_body_buffer_size": 16,
        "app.nginx.main.worker_rlimit_nofile": os.sysconf("SC_OPEN_MAX"),
        "app.nginx.tcp_nopush": False,
        "app.nginx.open_file_cache": "off",
        "app.nginx.http.gzip_types": "text/plain text/css",
    }
    assert get(config) == (None, 4000)

    apply(nginx, ALL)

    assert made(config).read(list(ALL)) == {each.parameter: value for each, value in ALL.items()}
    workers = nginx_processes.workers(master(config))
    assert len(workers) == 2
    assert {nginx_processes.open_files_limit(worker.pid) for worker in workers} == {3000}
    assert get(config)[0] == "gzip"
    assert "keepalive_timeout 1500ms; # evolve.vm: in place of" in (config.parent / "conf.d/tuning.conf").read_text()

    apply(made(config), {each: before[each.parameter] for each in ALL})

    assert everything(config) == files
    assert made(config).read(list(ALL)) == before
    assert get(config) == (None, 4000)


def test_an_idle_connection_is_kept_as_long_as_was_set(nginx: Nginx, config: Path) -> None:
    apply(nginx, {KEEPALIVE: 300})
    port = int(re.search(r"127\.0\.0\.1:(\d+)", config.read_text())[1])

    with closing(socket.create_connection(("127.0.0.1", port), 10)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        started = time.monotonic()
        while connection.recv(65536):
            pass

    assert 0.25 < time.monotonic() - started < 5


def test_an_nginx_that_has_no_workers_yet_is_waited_for(nginx: Nginx, config: Path) -> None:
    pid = master(config)
    os.kill(pid, signal.SIGSTOP)
    for worker in nginx_processes.workers(pid):
        os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not nginx_processes.workers(pid))
    soon = threading.Timer(0.3, os.kill, (pid, signal.SIGCONT))
    soon.start()

    assert nginx.read([CONNECTIONS]) == {CONNECTIONS.parameter: 64}
    soon.join()


def test_a_second_value_keeps_what_was_before_the_first(nginx: Nginx, config: Path) -> None:
    files = everything(config)
    apply(nginx, {CONNECTIONS: 100, GZIP: True})
    apply(made(config), {CONNECTIONS: 200})
    assert made(config).read([CONNECTIONS, GZIP]) == {CONNECTIONS.parameter: 200, GZIP.parameter: True}

    apply(made(config), {CONNECTIONS: 64, GZIP: False})

    assert everything(config) == files


def test_the_files_followed_are_those_that_nginx_reads(nginx: Nginx, config: Path) -> None:
    printed = subprocess.run(
        [program("nginx", "nginx-light"), "-T", "-c", config], capture_output=True, text=True, check=True
    ).stdout

    assert {place.path for place in nginx._places()} == set(re.findall(r"^# configuration file (\S+):$", printed, re.M))


def test_a_value_that_nginx_refuses_is_refused_by_check_in_its_words(nginx: Nginx, config: Path) -> None:
    target = {setting("http.gzip_comp_level"): 99}
    assert nginx.faults(target) == []
    for path, content in nginx.files(target).items():
        managed_file.write(path, content)

    assert "value must be between 1 and 9" in nginx.check()


def test_what_cannot_be_a_value_is_said_before_anything_is_touched(nginx: Nginx) -> None:
    faults = nginx.faults(
        {
            GZIP: "yes",
            setting("gzip_min_length"): 1.5,
            setting("http.keepalive_requests"): "5; include /etc/passwd",
            setting("http.client_max_body_size", "KiB"): 0.0001,
            setting("http.root"): "/srv",
            setting("http.keepalive_time", "MiB"): "",
        }
    )

    assert faults == [
        "app.nginx.http.gzip: found 'yes', expected true or false: gzip is on or off.",
        "app.nginx.gzip_min_length: found 1.5, expected a whole number or text, in quotes.",
        "app.nginx.http.keepalive_requests: found '5; include /etc/passwd', which nginx would not read as a value of "
        "keepalive_requests.",
        faults[3],
        f"app.nginx.http.root: root stands nowhere in http, and its default is not known here, so there would be "
        f"nothing to go back to. Write it into {nginx._config_file} with its present value.",
        "app.nginx.http.keepalive_time: found '', which nginx would not read as a value of keepalive_time.",
    ]
    assert "0.0001 KiB is not a multiple of B" in faults[3]


def test_a_directive_that_stands_twice_is_not_guessed_at(nginx: Nginx, config: Path) -> None:
    (config.parent / "conf.d" / "more.conf").write_text("\nerror_page 404 /a;\nerror_page 403 /b;\n")

    (fault,) = nginx.faults({setting("http.error_page"): "404 /c"})

    assert fault.startswith("app.nginx.http.error_page: error_page stands 2 times in http (")
    assert "conf.d/more.conf:2 and " in fault


def test_what_exists_is_asked_of_the_program(nginx: Nginx) -> None:
    names = ["gzip", "http.gzip", "events.gzip", "gzipp", "worker_connections", "pid", "http.server", "a.b", "gzip;"]

    known = nginx.known(names)

    assert {name: found.tier for name, found in known.items()} == {
        "gzip": "reload",
        "http.gzip": "reload",
        "worker_connections": "reload",
        "pid": "restart",
    }
    assert did_you_mean("worker_conections", nginx.names()) == " Did you mean worker_connections?"


def test_files_that_nginx_has_not_read_yet_are_not_taken_for_what_is_in_force(nginx: Nginx, config: Path) -> None:
    time.sleep(0.1)
    config.write_bytes(config.read_bytes() + b"# touched\n")

    with pytest.raises(AppError, match=r"nginx\.conf was written .* s after nginx had last read its configuration"):
        nginx.read([GZIP])

    nginx.reload({})
    assert nginx.read([GZIP]) == {GZIP.parameter: False}


def test_a_reload_that_fails_is_told_in_the_words_of_the_log(nginx: Nginx, config: Path) -> None:
    time.sleep(0.1)
    config.write_bytes(config.read_bytes().replace(b"worker_connections 64", b"worker_connections sixty"))
    before = [worker.pid for worker in nginx_processes.workers(master(config))]

    with pytest.raises(AppError, match=r'invalid number "sixty" in .*nginx.conf:7'):
        nginx.reload({})

    assert [worker.pid for worker in nginx_processes.workers(master(config))] == before
    with pytest.raises(AppError, match="Reload nginx, or put the file back"):
        nginx.read([GZIP])


def test_workers_that_cannot_start_are_told_in_the_words_of_the_log(nginx: Nginx, config: Path) -> None:
    target: dict[Setting, Value] = {CONNECTIONS: 1_000_000_000_000}
    for path, content in nginx.files(target).items():
        managed_file.write(path, content)
    assert nginx.check() == ""

    with pytest.raises(AppError, match=r"malloc.*Cannot allocate memory"):
        nginx.reload(target)


def test_a_restart_brings_another_master(nginx: Nginx, config: Path) -> None:
    before = master(config)

    nginx.restart()

    wait_until(nginx.is_running)
    assert master(config) != before
    assert get(config)[1] == 4000


def test_a_port_that_is_taken_passes_the_check_but_not_the_restart(nginx: Nginx, config: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        config.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{taken}", config.read_text()))
        assert nginx.check() == ""

        with pytest.raises(AppError, match="Address already in use"):
            nginx.restart()
        assert not nginx.is_running()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="there is no program /nowhere/nginx"):
        Nginx("nginx", {"program": "/nowhere/nginx"})
    with pytest.raises(AppError, match=r"there is no configuration /nowhere\.conf"):
        Nginx("nginx", {"config_file": "/nowhere.conf"})


def test_nothing_is_in_force_while_it_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "nginx.conf"
    path.write_text(f"pid {tmp_path}/nginx.pid;\nevents {{}}\n")
    nginx = Nginx("nginx", {"config_file": str(path)})

    assert not nginx.is_running()
    assert nginx.known(["events.multi_accept"])
    with pytest.raises(AppError, match="nginx does not run"):
        nginx.read([CONNECTIONS])
    with pytest.raises(AppError, match="nginx does not run"):
        nginx.reload({})
