# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes against real servers, which are stopped and started again meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import Fault
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes import icmp
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import check_probes, read_probes
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import ProbeFault
from ansible_collections.evolve.vm.plugins.module_utils.sampling.sampler import _answer
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, PostgreSQLServer, folder_of
from ansible_collections.evolve.vm.tests.servers import (
    end_process,
    free_port,
    nginx_server,
    pid_in,
    redis_server,
    wait_until,
)
from ansible_collections.evolve.vm.tests.web_server import slow_server, web_server

# The sampler is a process of its own; here it shares one with busy tests.
SLACK_MS = 200.0


def definition(**options):
    faults: list[Fault] = []
    (found,) = read_probes([options], 5.0, faults)
    assert faults == []
    return found


class Asking:
    """A probe that is asked again and again, over one event loop."""

    def __init__(self, address="127.0.0.1", timeout_seconds=20.0, **options):
        self._definition = definition(timeout_seconds=timeout_seconds, **options)
        self._loop = asyncio.new_event_loop()
        self._probe = self._definition.probe_of(address)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._probe.close()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def ask(self):
        """The time of an answer, or why there is none."""
        took, reason = self._loop.run_until_complete(_answer(self._probe, self._definition.timeout_seconds))
        return took if took is not None else reason

    def fails(self):
        return isinstance(self.ask(), str)


def asked(**options):
    with Asking(**options) as asking:
        return asking.ask()


@contextmanager
def listener(answer=None):
    """A port where connections are taken; `answer` handles each. Gives the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        connections = []

        def serve():
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                connections.append(connection)
                if answer is not None:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


def test_all_faults_are_told_at_once():
    faults: list[Fault] = []
    read_probes(
        [
            {"kind": "tpc"},
            {"kind": "tcp", "prot": 4},
            {"kind": "icmp", "timeout_seconds": 0},
            {"kind": "http", "url": "http://user:secret@{target}/", "expected_status": ["ok"]},
            {"kind": "http", "url": "gopher://x"},
            {"kind": "sql", "socket": "relative"},
            {"kind": "redis", "name": "a b"},
            {"kind": "command"},
            {"port": 5},
        ],
        1.0,
        faults,
    )
    text = "\n".join(map(str, faults))
    assert "probes[0].kind: found 'tpc'" in text
    assert "Did you mean tcp?" in text
    assert "probes[1].prot: unknown option" in text
    assert "probes[1].port: is missing" in text
    assert "probes[2].timeout_seconds: found 0" in text
    assert "probes[3].url: holds a user name" in text
    assert "secret" not in text
    assert "probes[3].expected_status: found ['ok']" in text
    assert "probes[4].url: found 'gopher://x'" in text
    assert "probes[4].name: is http, as of probes[3]" in text
    assert "probes[5].engine: is missing" in text
    assert "probes[5].socket" in text
    assert "probes[6].name" in text
    assert "probes[7].command: is missing" in text
    assert "probes[8].kind: is missing" in text


def test_tags_tell_probes_of_a_kind_apart():
    faults: list[Fault] = []
    given = [
        {"kind": "icmp"},
        {"kind": "tcp", "port": 1},
        {"kind": "redis", "name": "cache"},
        {"kind": "tcp", "port": 2, "network": True, "name": "ssh"},
    ]
    assert [each.tag for each in read_probes(given, 1.0, faults)] == ["icmp", "tcp", "cache", "ssh"]
    assert [each.tag for each in read_probes(given[:2], 1.0, faults)] == ["", ""]
    assert [each.tag for each in read_probes(given[2:3], 1.0, faults)] == ["cache"]
    assert [each.timeout_seconds for each in read_probes(given[:1], 60.0, faults)] == [5.0]
    assert [each.timeout_seconds for each in read_probes(given[:1], 2.0, faults)] == [2.0]
    assert faults == []


def test_what_is_missing_here_is_told():
    faults = check_probes(
        [definition(kind="command", command="no-such-program x"), definition(kind="http", url="https://x", ca="/none")],
        ["127.0.0.1"],
    )
    assert [fault.where for fault in faults] == ["probes[0]", "probes[1]"]
    assert "there is no program no-such-program here" in faults[0].problem
    assert "/none cannot be used" in faults[1].problem


def test_only_probes_that_ask_the_machine_need_its_address():
    assert definition(kind="icmp").needs_address()
    assert definition(kind="command", command=["echo", "{target}"]).needs_address()
    assert not definition(kind="tcp", port=1, host="192.0.2.1").needs_address()
    assert not definition(kind="redis", socket="/run/redis").needs_address()
    assert not definition(kind="command", command="true").needs_address()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_icmp(address):
    with Asking(kind="icmp", address=address) as asking:
        times = [asking.ask() for dummy in range(5)]
    assert all(0 < took < SLACK_MS for took in times)


def test_icmp_to_many_at_once_over_one_socket():
    async def ask_all():
        probes = [definition(kind="icmp").probe_of(f"127.0.0.{number}") for number in range(1, 101)]
        return await asyncio.gather(*(probe.ask() for probe in probes))

    loop = asyncio.new_event_loop()
    times = loop.run_until_complete(ask_all())
    loop.close()
    assert len(times) == 100
    # The kernel says when an answer came, not when its turn was.
    assert statistics.median(times) < 5


def test_icmp_without_an_answer(monkeypatch):
    assert isinstance(asked(kind="icmp", address="240.0.0.1", timeout_seconds=0.3), str)
    real = icmp.EchoSocket._packet

    def of_somebody_else(self, sequence):
        kept, self._token = self._token, b"x" * len(self._token)
        try:
            return real(self, sequence)
        finally:
            self._token = kept

    # Its answer comes, and is not ours.
    monkeypatch.setattr(icmp.EchoSocket, "_packet", of_somebody_else)
    assert asked(kind="icmp", timeout_seconds=0.3) == "there was no answer within 0.3 s"


def test_icmp_where_it_is_not_allowed(monkeypatch):
    def refuse(*_arguments):
        raise PermissionError

    monkeypatch.setattr(icmp.socket, "socket", refuse)
    with pytest.raises(ProbeFault, match=r"become.*net\.ipv4\.ping_group_range"):
        icmp.open_socket(socket.AF_INET)


def test_tcp():
    with listener() as port:
        assert 0 < asked(kind="tcp", port=port) < SLACK_MS
        assert 0 < asked(kind="tcp", port=port, host="{target}", network=True) < SLACK_MS
    assert asked(kind="tcp", port=port) == "Connection refused"
    assert asked(kind="tcp", port=port, host="no.such.host.invalid") != ""


def test_http(tmp_path):
    with web_server(tmp_path) as server:
        with Asking(kind="http", url="http://{target}:" + f"{server.port}/some?x=1", method="POST") as asking:
            assert 0 < asking.ask() < SLACK_MS
        assert [seen.path for seen in server.seen()] == ["/some?x=1"]
        assert asked(kind="http", url=server.url, expected_text="xxx", method="HEAD") == (
            "the answer does not hold expected_text"
        )
        assert isinstance(asked(kind="http", url=server.url, expected_text="xxx"), float)
        assert asked(kind="http", url=f"{server.url}/errors") == "the status is 500, expected 200 to 299"
        assert isinstance(asked(kind="http", url=f"{server.url}/errors", expected_status=[500, 404]), float)
        assert "not whole" in asked(kind="http", url=f"{server.url}/cut")


def test_http_takes_as_long_as_the_whole_answer():
    with slow_server(0.25) as url, Asking(kind="http", url=url) as asking:
        assert 250 <= asking.ask() < 250 + SLACK_MS


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "not whole"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no", "not whole"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", None),
        (b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", "the status is 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not whole, or not HTTP"),
    ],
)
def test_http_answers(answer, found):
    def say(connection):
        connection.recv(1000)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    with listener(say) as port:
        said = asked(kind="http", url=f"http://127.0.0.1:{port}/")
    assert isinstance(said, float) if found is None else found in said


@pytest.mark.parametrize("kind", [{"kind": "http", "url": "http://127.0.0.1:{port}/"}, {"kind": "redis"}])
def test_a_server_that_never_answers_is_given_up(kind):
    with listener() as port:
        options = {**kind, "url": kind["url"].format(port=port)} if "url" in kind else {**kind, "port": port}
        began = time.monotonic()
        assert asked(timeout_seconds=0.3, **options) == "there was no answer within 0.3 s"
        assert time.monotonic() - began < 5


TLS = """
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events { worker_connections 64; }
http {
    access_log off;
    server {
        listen 127.0.0.1:@port@ ssl;
        ssl_certificate @folder@/cert.pem;
        ssl_certificate_key @folder@/key.pem;
        location / { return 200 well; }
    }
}
"""


def test_https(tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem"]
    subprocess.run([*command, "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    with nginx_server(tmp_path, TLS) as config:
        port = next(line.split(":")[1].split()[0] for line in config.read_text().splitlines() if "listen" in line)
        url = f"https://localhost:{port}/"
        assert isinstance(asked(kind="http", url=url, ca=str(tmp_path / "cert.pem"), expected_text="well"), float)
        assert isinstance(asked(kind="http", url=url, validate_certs=False), float)
        assert asked(kind="http", url=url).startswith("the certificate is not trusted: self")
        other = url.replace("localhost", "127.0.0.1")
        assert "IP address mismatch" in asked(kind="http", url=other, ca=str(tmp_path / "cert.pem"))
        assert asked(kind="http", url=f"https://127.0.0.1:{free_port()}/") == "Connection refused"
    with listener(lambda connection: connection.close()) as plain:
        assert isinstance(asked(kind="http", url=f"https://127.0.0.1:{plain}/"), str)


def test_command(tmp_path):
    assert 200 <= asked(kind="command", command="sleep 0.2") < 200 + 2 * SLACK_MS
    with Asking(kind="command", command=["sh", "-c", "test $0 = 192.0.2.7", "{target}"], address="192.0.2.7") as asking:
        assert isinstance(asking.ask(), float)
    assert asked(kind="command", command="sh -c 'exit 3'") == "it ended with exit code 3"
    assert asked(kind="command", command="sh -c 'kill -9 $$'") == "signal 9 killed it"
    left = tmp_path / "pid"
    script = f"sleep 600 & echo $! >{left}; wait"
    assert "no answer within 0.5 s" in asked(kind="command", command=["sh", "-c", script], timeout_seconds=0.5)
    # Its children were killed with it.
    wait_until(lambda: _is_gone(int(left.read_text())))


def _is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_redis(tmp_path, monkeypatch):
    config = "port 0\nunixsocket @folder@/socket\ndir @folder@\nrequirepass s3cret\nsave ''\ntimeout 1\n"
    with redis_server(tmp_path, config) as (dummy, restart):
        where = {"kind": "redis", "socket": str(tmp_path / "socket")}
        assert "NOAUTH" in asked(**where)
        monkeypatch.setenv("REDISCLI_AUTH", "wrong")
        assert "does not accept the password of REDISCLI_AUTH" in asked(**where)
        monkeypatch.setenv("REDISCLI_AUTH", "s3cret")
        assert isinstance(asked(**where, user="default"), float)
        with Asking(**where) as asking:
            assert 0 < asking.ask() < SLACK_MS
            # The server closes what is idle; that is no failure.
            asking._loop.run_until_complete(asyncio.sleep(2.5))
            assert isinstance(asking.ask(), float)
            end_process(pid_in(tmp_path / "redis.pid"))
            assert asking.fails()
            subprocess.run([restart], check=True)
            assert isinstance(asking.ask(), float)
    assert asked(kind="redis", socket=str(tmp_path / "none")) == "No such file or directory"


def test_redis_that_hangs_is_not_answered_late(tmp_path):
    config = "port 0\nunixsocket @folder@/socket\ndir @folder@\nsave ''\n"
    where = {"kind": "redis", "socket": str(tmp_path / "socket")}
    with redis_server(tmp_path, config), Asking(**where, timeout_seconds=0.5) as asking:
        assert isinstance(asking.ask(), float)
        pid = pid_in(tmp_path / "redis.pid")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert asking.fails()
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: isinstance(asking.ask(), float))


def test_sql_in_postgresql():
    with folder_of(PostgreSQLServer.USER) as folder:
        server = PostgreSQLServer(folder)
        where = {"kind": "sql", "engine": "postgresql", "socket": str(folder), "user": "evolve"}
        with server.running():
            with Asking(**where) as asking, Asking(**where, query="SELECT pg_sleep(0.2);") as slow:
                assert isinstance(asking.ask(), float)
                # The session is kept: the second question starts no program.
                assert statistics.median(asking.ask() for dummy in range(9)) < 20
                assert 200 <= slow.ask() < 200 + SLACK_MS
                server.control("stop")
                assert asking.fails()
                assert asking.fails()
                server.control("start")
                assert isinstance(asking.ask(), float)
            assert "does not exist" in asked(**where, query="SELECT missing")
            assert "does not exist" in asked(**where, database="missing")
            assert "no answer within" in asked(**where, query="SELECT pg_sleep(60)", timeout_seconds=0.5)
            # Nothing stays connected.
            wait_until(lambda: server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%SELECT 1'") == "0")


def test_sql_in_mariadb():
    with folder_of(MariaDBServer.USER) as folder:
        server = MariaDBServer(folder)
        where = {"kind": "sql", "engine": "mysql", "socket": f"{folder}/socket", "user": "root"}
        with server.running():
            with Asking(**where) as asking, Asking(**where, query="SELECT SLEEP(0.2)") as slow:
                assert isinstance(asking.ask(), float)
                assert statistics.median(asking.ask() for dummy in range(9)) < 20
                assert 200 <= slow.ask() < 200 + SLACK_MS
                server.stop()
                assert asking.fails()
                assert asking.fails()
                server.start()
                assert isinstance(asking.ask(), float)
            assert isinstance(asked(**where, query="DO 1"), float)
            assert "Unknown column" in asked(**where, query="SELECT missing")
            assert "no answer within" in asked(**where, query="SELECT SLEEP(60)", timeout_seconds=0.5)


def test_sql_shows_no_password(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    monkeypatch.setenv("MYSQL_PWD", "s3cret")
    for engine in ("postgresql", "mysql"):
        probe = definition(kind="sql", engine=engine, user="u").probe_of("127.0.0.1")
        assert "s3cret" not in " ".join(probe._command())
        assert "s3cret" not in asked(kind="sql", engine=engine, port=free_port(), user="u")
