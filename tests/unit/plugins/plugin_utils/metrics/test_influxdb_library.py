# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxDB 2 and 3: the requests that are made of them, and what their answers mean.

None of them can be installed here, so a web server gives answers that others recorded; where from is said with each.
The real influxdb-client makes the requests that write.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxdb import InfluxDb
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window
from ansible_collections.evolve.vm.tests.http_server import Asked, Reply, http_server, make_certificate
from ansible_collections.evolve.vm.tests.servers import free_port

SECRET = "opensesame=="
POINTS = [
    Point("evolve_vm", "cpu", (("host", "web 1"),), 1795400000000, 1.0),
    Point("evolve_vm", "memory", (("host", "web 1"),), 1795400000000, 2.5),
]
LINE = b"evolve_vm,host=web\\ 1 cpu=1.0,memory=2.5 1795400000000\n"
JSON = {"Content-Type": "application/json; charset=utf-8"}

# github.com/influxdata/influxdb/issues/25049 (v2.7.6)
NO_BUCKET = Reply(404, r'{"code":"not found","message":"bucket \"\u003cgg\u003e\" not found"}', JSON)
# github.com/influxdata/influxdb/issues/20859
UNAUTHORIZED = Reply(401, '{"code":"unauthorized","message":"unauthorized access"}', JSON)
# github.com/influxdata/influxdb http/legacy/influxqld_handler_test.go
FORBIDDEN = Reply(403, '{"code":"forbidden","message":"insufficient permissions"}', JSON)
# github.com/avojak/pihole-influxdb-monitor/issues/15 (v2.7.10), the field's name apart
CONFLICT = Reply(
    422,
    r'{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type '
    r"conflict: input field \"cpu\" on measurement \"evolve_vm\" is type float, already exists as type integer "
    'dropped=1"}',
    JSON,
)
# The documentation of InfluxDB 3 Core, "Partial writes" of the guide to /api/v3/write_lp, whose error it is for
# /api/v2/write too; the line apart.
CONFLICT_OF_3 = Reply(
    400,
    '{"error":"partial write of line protocol occurred","data":[{"original_line":"evolve_vm,host=web\\\\ 1 cpu=1.0 '
    '1795400000000","line_number":1,"error_message":"invalid column type for column \'cpu\', expected '
    'iox::column_type::field::integer, got iox::column_type::field::float"}]}',
    JSON,
)
# /ping of 2.7 answers with this header (github.com/tkurki/signalk-to-influxdb2/issues/84), that of 3 with the version
# alone and a body of these names (influxdb3/tests/server/ping.rs), whose values are made up.
PING = Reply(204, "", {"X-Influxdb-Version": "v2.7.11", "X-Influxdb-Build": "OSS"})
PING_OF_3 = Reply(200, '{"version":"3.2.1","revision":"1ca3168bee"}', {"X-Influxdb-Version": "3.2.1"})
NOTHING = Reply(200, '{"results":[{"statement_id":0}]}\n', {"Content-Type": "application/json"})
WRITTEN = Reply(204)


def connected(url: str, **options: object) -> InfluxDb:
    given = {"kind": "influxdb", "version": 2, "database": "evolve", "organisation": "our org", "token": SECRET}
    return InfluxDb(read_connection({**given, "retries": 0, **options, "url": url}, "test"))


def replies(*several: Reply):
    left = list(several)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def refusal(reply: Reply, **options: object) -> tuple[BackendError, list[Asked]]:
    """What comes of a write that is answered so."""
    with http_server(lambda asked: reply) as server, pytest.raises(BackendError) as caught:
        connected(server.url, **options).write(POINTS)
    assert SECRET not in str(caught.value)
    assert server.url in str(caught.value)
    return caught.value, server.asked


@pytest.mark.parametrize("version", [2, 3])
def test_points_are_written_as_the_library_does(version):
    with http_server(lambda asked: WRITTEN) as server:
        connected(server.url, version=version).write(POINTS)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v2/write")
    assert dict(asked.query) == {"org": "our org", "bucket": "evolve", "precision": "ms"}
    assert asked.body == LINE
    assert asked.headers["authorization"] == f"Token {SECRET}"
    assert asked.headers["user-agent"].startswith("influxdb-client-python/")


@pytest.mark.parametrize(
    ("credentials", "reading", "writing"),
    [
        ({"authentication": "token"}, f"Token {SECRET}", f"Token {SECRET}"),
        ({"authentication": "bearer"}, f"Bearer {SECRET}", f"Bearer {SECRET}"),
        # The password is the token: only reading knows this way of giving it.
        (
            {"authentication": "basic", "token": None, "username": "any", "password": SECRET},
            "Basic YW55Om9wZW5zZXNhbWU9PQ==",
            f"Token {SECRET}",
        ),
        ({"authentication": "none", "username": "any", "password": "hunter2"}, None, None),
    ],
    ids=["token", "bearer", "basic", "none"],
)
def test_who_asks_is_told_in_the_way_that_was_chosen(credentials, reading, writing):
    with http_server(lambda asked: NOTHING if asked.path == "/query" else WRITTEN) as server:
        database = connected(server.url, version=3, **credentials)
        database.read(Selector("evolve_vm", "cpu"), Window(0, 1))
        database.write(POINTS)
    assert [asked.headers.get("authorization") for asked in server.asked] == [reading, writing]


def test_an_organisation_is_wanted_by_version_2_alone():
    with http_server(lambda asked: WRITTEN) as server:
        connected(server.url, version=3, organisation=None).write(POINTS)
        with pytest.raises(BackendError, match="written to with an `organisation`; none is given"):
            connected(server.url, version=2, organisation=None).write(POINTS)
    assert [asked.query["bucket"] for asked in server.asked] == ["evolve"]


def test_a_missing_bucket_is_told_with_the_way_to_create_it():
    error, dummy = refusal(NO_BUCKET)
    assert "no bucket evolve" in str(error)
    assert "influx bucket create --name 'evolve'" in str(error)
    assert not error.passing


def test_a_missing_organisation_is_told_in_the_words_of_the_database():
    # The words of its tenant service (github.com/influxdata/influxdb), which says so of any organisation.
    error, dummy = refusal(
        Reply(404, r'{"code":"not found","message":"organization name \"our org\" not found"}', JSON)
    )
    assert 'organization name "our org" not found' in str(error)


@pytest.mark.parametrize(("reply", "said"), [(UNAUTHORIZED, "does not accept the token"), (FORBIDDEN, "not allow")])
def test_a_wrong_token_is_trouble_that_stays(reply, said):
    error, asked = refusal(reply, retries=3)
    assert said in str(error)
    assert not error.passing
    assert len(asked) == 1


def test_a_token_that_the_server_repeats_is_not_told():
    error, dummy = refusal(Reply(401, f'{{"code":"unauthorized","message":"token {SECRET} is unknown"}}', JSON))
    assert "token ******** is unknown" in str(error)


@pytest.mark.parametrize("conflict", [CONFLICT, CONFLICT_OF_3], ids=["2", "3"])
def test_a_field_of_another_type_loses_its_own_points_only(conflict):
    with http_server(replies(conflict, conflict)) as server, pytest.raises(RejectedError) as caught:
        connected(server.url).write(POINTS)
    assert caught.value.count == 1
    assert "1 of 2 points" in str(caught.value)
    assert "cpu" in str(caught.value)
    # The second time every field has a line of its own, so that the others are taken.
    assert [asked.body.count(b"\n") for asked in server.asked] == [1, 2]


def test_a_field_that_is_fine_alone_is_no_loss():
    with http_server(replies(CONFLICT, WRITTEN)) as server:
        connected(server.url).write(POINTS)
    assert len(server.asked) == 2


def test_points_that_it_cannot_understand_are_no_points_it_will_never_take():
    # InfluxDB 2 takes nothing of such a request; the words are those of its parser.
    error, dummy = refusal(Reply(400, '{"code":"invalid","message":"unable to parse \'x\': missing fields"}', JSON))
    assert not isinstance(error, RejectedError)
    assert "unable to parse 'x': missing fields" in str(error)


def test_batches_that_are_too_large_are_halved():
    # A proxy in front of it (nginx) says so.
    limit = 3 * len(LINE)
    large = Reply(413, "<html><head><title>413 Request Entity Too Large</title></head></html>")
    points = [point._replace(at_ms=point.at_ms + at) for at in range(10) for point in POINTS]
    with http_server(lambda asked: large if len(asked.body) > limit else WRITTEN) as server:
        connected(server.url).write(points)
    taken = [asked.body for asked in server.asked if len(asked.body) <= limit]
    assert b"".join(taken).count(b"\n") == 10


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_is_asked_again(status):
    with http_server(replies(Reply(status, '{"code":"unavailable","message":"busy"}', JSON), WRITTEN)) as server:
        connected(server.url, retries=1).write(POINTS)
    assert [asked.body for asked in server.asked] == [LINE, LINE]


def test_a_server_that_stays_overloaded_is_trouble_that_passes():
    error, asked = refusal(Reply(503, '{"code":"unavailable","message":"busy"}', JSON), retries=1)
    assert "HTTP 503" in str(error)
    assert "busy" in str(error)
    assert error.passing
    assert len(asked) == 2


def test_a_pause_that_the_server_names_is_kept():
    with http_server(replies(Reply(429, "", {"Retry-After": "2"}), WRITTEN)) as server:
        begin = time.monotonic()
        connected(server.url, retries=1).write(POINTS)
    assert time.monotonic() - begin >= 2


def test_nobody_waits_for_an_hour(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    several = [Reply(503, "", {"Retry-After": "3600"}), Reply(503), WRITTEN]
    with http_server(replies(*several)) as server:
        connected(server.url, retries=2).write(POINTS)
    assert pauses[0] == 30
    # The library draws it at random.
    assert 1 <= pauses[1] <= 2


def test_a_server_that_is_not_there_is_trouble_that_passes():
    with pytest.raises(BackendError, match="does not answer") as caught:
        connected(f"http://127.0.0.1:{free_port()}", retries=1).write(POINTS)
    assert caught.value.passing
    assert SECRET not in str(caught.value)


def test_a_server_that_takes_too_long_is_trouble_that_passes():
    def slowly(asked):
        time.sleep(1)
        return WRITTEN

    with http_server(slowly) as server, pytest.raises(BackendError, match="does not answer") as caught:
        connected(server.url, timeout_seconds=0.2).write(POINTS)
    assert caught.value.passing


def test_a_redirect_does_not_carry_the_token_elsewhere():
    with (
        http_server(lambda asked: WRITTEN) as other,
        http_server(lambda asked: Reply(307, "", {"Location": f"{other.url}/api/v2/write"})) as server,
        pytest.raises(BackendError, match="HTTP 307"),
    ):
        connected(server.url, retries=2).write(POINTS)
    assert not other.asked


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch):
    with http_server(lambda asked: WRITTEN) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        connected("http://influxdb.invalid:8086").write(POINTS)
        with pytest.raises(BackendError, match="does not answer"):
            connected("http://direct.invalid:8086").write(POINTS)
    assert [asked.headers["host"] for asked in proxy.asked] == ["influxdb.invalid:8086"]


def test_certificates_are_checked(tmp_path: Path):
    certificate = make_certificate(tmp_path)
    with http_server(lambda asked: WRITTEN, certificate) as server:
        with pytest.raises(BackendError, match=r"certificate is not trusted .*ca_path") as caught:
            connected(server.url).write(POINTS)
        assert not caught.value.passing
        assert not server.asked
        for path, said in ((certificate.key, "cannot be reached over TLS"), (tmp_path / "absent", "no file")):
            with pytest.raises(BackendError, match=said) as caught:
                connected(server.url, ca_path=str(path)).write(POINTS)
            assert not caught.value.passing
        connected(server.url, ca_path=str(certificate.authority)).write(POINTS)
    assert [asked.body for asked in server.asked] == [LINE]


def test_retries_are_told_to_nobody(capfd: pytest.CaptureFixture[str]):
    # The library logs through the root logger, which then writes to the terminal.
    broken = Reply(503, "not JSON")
    with http_server(replies(broken, broken, WRITTEN)) as server:
        connected(server.url, retries=2).write(POINTS)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("influxdb_client").propagate is False


def test_a_library_that_is_missing_is_told_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "influxdb_client" else find(name))
    with pytest.raises(BackendError, match=r"version 2, needs influxdb-client.*pip install influxdb-client"):
        connected("http://127.0.0.1:9").write(POINTS)


def test_reading_needs_no_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with http_server(lambda asked: NOTHING) as server:
        assert connected(server.url).read(Selector("evolve_vm", "cpu"), Window(0, 1)) == []


@pytest.mark.parametrize(("version", "ping", "named"), [(2, PING, "2.7.11"), (3, PING_OF_3, "3.2.1")])
# InfluxDB 2 before 2.1 (github.com/influxdata/influxdb/issues/22573) wants a point in every request.
@pytest.mark.parametrize(
    "reply", [WRITTEN, Reply(400, '{"code":"invalid","message":"writing requires points"}', JSON)], ids=["204", "400"]
)
def test_the_check_names_version_and_database_and_writes_no_point(version, ping, named, reply):
    paths = {"/ping": ping, "/query": NOTHING, "/api/v2/write": reply}
    with http_server(lambda asked: paths[asked.path]) as server:
        assert connected(server.url, version=version).check() == f"InfluxDB {named}, database evolve"
    assert all(asked.headers["authorization"] == f"Token {SECRET}" for asked in server.asked)
    assert server.asked[-1].body == b"# evolve.vm\n"


@pytest.mark.parametrize(
    ("query", "write", "said"),
    [
        (
            Reply(200, '{"results":[{"statement_id":0,"error":"database not found: evolve"}]}'),
            WRITTEN,
            "v1 dbrp create",
        ),
        (UNAUTHORIZED, WRITTEN, "does not accept the credentials"),
        (NOTHING, NO_BUCKET, "influx bucket create"),
        (NOTHING, FORBIDDEN, "does not allow"),
    ],
)
def test_the_check_finds_what_is_missing(query, write, said):
    paths = {"/ping": PING, "/query": query, "/api/v2/write": write}
    with (
        http_server(lambda asked: paths[asked.path]) as server,
        pytest.raises(BackendError, match=said),
    ):
        connected(server.url).check()


@pytest.mark.parametrize(
    "reply",
    [
        # github.com/influxdata/influxdb/issues/25653: as it was first; now it is 404 (influxdb3/tests/server/query.rs)
        Reply(500, "query error: database not found: evolve"),
        Reply(404, "query error: database not found: evolve"),
    ],
)
def test_a_missing_database_of_version_3_is_told_with_the_way_to_create_it(reply):
    with (
        http_server(lambda asked: reply) as server,
        pytest.raises(BackendError, match=r"no database evolve.*influxdb3 create database 'evolve'") as caught,
    ):
        connected(server.url, version=3).read(Selector("evolve_vm", "cpu"), Window(0, 1))
    assert not caught.value.passing


def test_what_version_3_does_not_have_is_nothing():
    # Its stream of answers is empty where there are no rows (influxdb3_server/src/http/v1.rs).
    with http_server(lambda asked: Reply(200, "")) as server:
        assert connected(server.url, version=3).read(Selector("evolve_vm", "cpu"), Window(0, 1)) == []
        with pytest.raises(BackendError, match="it is empty"):
            connected(server.url, version=2).read(Selector("evolve_vm", "cpu"), Window(0, 1))


def test_a_bucket_is_read_under_its_database_and_policy_and_written_under_its_name():
    with http_server(lambda asked: NOTHING if asked.path == "/query" else WRITTEN) as server:
        database = connected(server.url, database="evolve/long")
        database.read(Selector("evolve_vm", "cpu"), Window(0, 1))
        database.write(POINTS)
    reading, writing = server.asked
    assert (reading.query["db"], reading.query["rp"]) == ("evolve", "long")
    assert (reading.query["epoch"], reading.query["chunked"]) == ("ms", "true")
    assert reading.headers["accept"] == "application/json"
    assert writing.query["bucket"] == "evolve/long"


def test_series_of_version_2_are_read_as_those_of_1():
    answer = (
        '{"results":[{"statement_id":0,"series":[{"name":"evolve_vm","tags":{"host":"web"},"columns":["time","cpu"],'
        '"values":[[1,0.5]]}]}]}\n'
    )
    with http_server(lambda asked: Reply(200, answer)) as server:
        found = connected(server.url).read(Selector("evolve_vm", "cpu"), Window(0, 1))
    assert found == [Series({"host": "web"}, [(1, 0.5)])]
