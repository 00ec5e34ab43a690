# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxDB 1.6.7, a real one: what is written comes back as it was, and every trouble is told for what it is."""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxdb import InfluxDb
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window, tagged
from ansible_collections.evolve.vm.tests.http_server import Reply, http_server, make_certificate
from ansible_collections.evolve.vm.tests.influxdb_server import (
    PASSWORD,
    USER,
    InfluxServer,
    influxdb_server,
    json_web_token,
)

NOW_MS = time.time_ns() // 1_000_000
AROUND_NOW = Window(NOW_MS - 1_000_000, NOW_MS + 1_000_000)
# What a line of the line protocol, a query or a shell would take for something else.
NASTY = [
    *("a b", "a,b", "a=b", "it's", 'say "hi"', "back\\slash", "a\\\\b", "\\,a", "a\\ b", "\\n", "\\'", "'\\", " lead"),
    *("trail ", "x' OR 'a'='a", "';DROP DATABASE evolve;--", "--", "/.*/", "#", "$host", "%s", "{{ x }}", "\t", "null"),
    *("ünïcödé", "日本語", "😀", "\u2028", "\u00a0", "\x01", "x" * 1000, '"', ",", "=", " "),
]
CANNOT_BE_WRITTEN = {"'\\"}


def connected(server: InfluxServer, **options: object) -> InfluxDb:
    given = {"kind": "influxdb", "url": server.url, "database": "evolve", "retries": 0, **options}
    return InfluxDb(read_connection(given, "test"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influxdb_server(tmp_path_factory.mktemp("influxdb") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """One that wants to know who asks, and knows a user who may only read."""
    with influxdb_server(tmp_path_factory.mktemp("guarded") / "data", authentication=True) as running:
        running.ask("CREATE USER reader WITH PASSWORD 'reads'")
        running.ask('GRANT READ ON "evolve" TO reader')
        running.ask("CREATE USER writer WITH PASSWORD 'writes'")
        running.ask('GRANT WRITE ON "evolve" TO writer')
        yield running


@pytest.fixture
def measurement(request: pytest.FixtureRequest) -> str:
    """One that no other test writes to."""
    return f"{request.node.originalname}_{time.monotonic_ns()}"


def test_floats_come_back_bit_for_bit(server: InfluxServer, measurement: str):
    numbers = random.Random(7)
    values = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 1e22, 2.0**53, 123456789012345680.0]
    while len(values) < 2000:
        (value,) = struct.unpack("<d", numbers.randbytes(8))
        if value - value == 0:  # neither infinite nor no number
            values.append(value)
    database = connected(server)
    database.write([Point(measurement, "v", (), NOW_MS + at, value) for at, value in enumerate(values)])
    (series,) = database.read(Selector(measurement, "v"), AROUND_NOW)
    assert [at_ms for at_ms, dummy in series.points] == [NOW_MS + at for at in range(len(values))]
    assert [struct.pack("<d", value) for dummy, value in series.points] == [struct.pack("<d", v) for v in values]


def test_tags_come_back_whatever_is_in_them(server: InfluxServer, measurement: str):
    database = connected(server)
    hosts = [host for host in NASTY if host not in CANNOT_BE_WRITTEN]
    database.write([Point(measurement, "v", (("host", host),), NOW_MS, float(n)) for n, host in enumerate(hosts)])
    assert {series.tags["host"]: series.points for series in database.read(Selector(measurement, "v"), AROUND_NOW)} == {
        host: [(NOW_MS, float(number))] for number, host in enumerate(hosts)
    }


@pytest.mark.parametrize("host", NASTY, ids=ascii)
def test_a_host_name_reads_its_own_points_and_no_others(server: InfluxServer, host: str):
    # Each in a database of the same hosts, so that a name that is no longer one would find those of the others.
    database = connected(server)
    hosts = [each for each in NASTY if each not in CANNOT_BE_WRITTEN]
    database.write([Point("hosts", "v", (("host", each),), NOW_MS, float(n)) for n, each in enumerate(hosts)])
    expected = [] if host in CANNOT_BE_WRITTEN else [Series({"host": host}, [(NOW_MS, float(hosts.index(host)))])]
    assert database.read(Selector("hosts", "v", (("host", host),)), AROUND_NOW) == expected
    assert database.check().endswith("database evolve")


@pytest.mark.parametrize("name", ["a b", "a,b=c", 'f" FROM "hosts', "it's", '"quoted"', "日本語", "100 %"])
def test_names_come_back_whatever_is_in_them(server: InfluxServer, name: str):
    # A field and a tag of the same name would be two columns of the same name to InfluxDB.
    point = Point(f"of {name}", name, ((f"tag {name}", "x"),), NOW_MS, 1.0)
    database = connected(server)
    database.write([point])
    assert database.read(Selector(point.measurement, name, point.tags), AROUND_NOW) == [
        Series(dict(point.tags), [(NOW_MS, 1.0)])
    ]


@pytest.mark.parametrize("host", ["two\nlines", "end\\", "a\rb"], ids=ascii)
def test_a_host_name_that_cannot_be_written_is_told_and_the_rest_is_kept(
    server: InfluxServer, measurement: str, host: str
):
    database = connected(server)
    with pytest.raises(RejectedError, match=r"will never take 1 of 2 points: .*: no value of the tag host") as caught:
        database.write(
            [
                Point(measurement, "v", (("host", host),), NOW_MS, 1.0),
                Point(measurement, "v", (("host", "web"),), NOW_MS, 2.0),
            ]
        )
    assert caught.value.count == 1
    assert database.read(Selector(measurement, "v"), AROUND_NOW)[-1] == Series({"host": "web"}, [(NOW_MS, 2.0)])


def test_what_is_written_twice_is_kept_once(server: InfluxServer, measurement: str):
    database = connected(server)
    points = [Point(measurement, "v", tagged(host="a"), NOW_MS + at, float(at)) for at in range(10)]
    for dummy in range(2):
        database.write(points)
        database.write(list(reversed(points)))
    assert database.read(Selector(measurement, "v"), AROUND_NOW) == [
        Series({"host": "a"}, [(NOW_MS + at, float(at)) for at in range(10)])
    ]


def test_nothing_to_write_is_nothing(server: InfluxServer):
    connected(server, url="http://127.0.0.1:9").write([])


def test_a_window_begins_after_its_begin_and_ends_with_its_end(server: InfluxServer, measurement: str):
    database = connected(server)
    database.write([Point(measurement, "v", (), NOW_MS + at, float(at)) for at in range(5)])
    (series,) = database.read(Selector(measurement, "v"), Window(NOW_MS + 1, NOW_MS + 3))
    assert [value for dummy, value in series.points] == [2.0, 3.0]


def test_each_point_between_two_milliseconds_is_in_one_of_two_windows(server: InfluxServer, measurement: str):
    # Others write nanoseconds. 10.7 ms is in the window up to 10 ms, 11.0 ms in the next one.
    base_ns = NOW_MS * 1_000_000
    server.put("".join(f"{measurement} v={tenth} {base_ns + tenth * 100_000}\n" for tenth in range(300)))
    database = connected(server)
    first, second = (
        [value for dummy, value in database.read(Selector(measurement, "v"), window)[0].points]
        for window in (Window(NOW_MS, NOW_MS + 10), Window(NOW_MS + 10, NOW_MS + 20))
    )
    assert first == [float(tenth) for tenth in range(10, 110)]
    assert second == [float(tenth) for tenth in range(110, 210)]


def test_only_series_with_the_tags_are_read_in_the_order_of_their_tags(server: InfluxServer, measurement: str):
    database = connected(server)
    tags = [
        tagged(host="b", study="s"),
        tagged(host="a", study="s", trial="2"),
        tagged(host="a", study="s", trial="10"),
        tagged(host="a", study="t"),
    ]
    database.write([Point(measurement, "v", each, NOW_MS, 1.0) for each in tags])
    found = database.read(Selector(measurement, "v", tagged(study="s")), AROUND_NOW)
    # Tags that a series does not have are not among its tags, though InfluxDB tells them as empty.
    assert [dict(series.tags) for series in found] == [
        {"host": "a", "study": "s", "trial": "10"},
        {"host": "a", "study": "s", "trial": "2"},
        {"host": "b", "study": "s"},
    ]


@pytest.mark.parametrize("selector", [Selector("absent", "v"), Selector("hosts", "absent"), Selector("hosts", "v")])
def test_what_is_not_there_is_nothing(server: InfluxServer, selector: Selector):
    database = connected(server)
    database.write([Point("hosts", "v", (), NOW_MS, 1.0)])
    assert database.read(selector, Window(NOW_MS - 10, NOW_MS - 5)) == []
    assert database.read(selector._replace(tags=(("absent", "a"),)), AROUND_NOW) == []


def test_a_hundred_thousand_points_are_written_and_read_in_seconds(server: InfluxServer, measurement: str):
    count, hosts = 100_000, 50
    points = [
        Point(measurement, "v", tagged(host=f"web{at % hosts}", study="s"), NOW_MS + at // hosts, float(at))
        for at in range(count)
    ]
    database = connected(server)
    begin = time.monotonic()
    database.write(points)
    written = time.monotonic()
    found = database.read(Selector(measurement, "v", tagged(study="s")), AROUND_NOW)
    read = time.monotonic()
    print(f"{count} points: written in {written - begin:.2f} s, read in {read - written:.2f} s")
    assert sum(len(series.points) for series in found) == count
    assert len(found) == hosts
    # Ten times what it takes on two busy cores.
    assert read - written < 10


def test_a_limit_of_the_server_cuts_nothing_off(tmp_path: Path):
    with influxdb_server(tmp_path, most_rows=10) as limited:
        database = connected(limited)
        database.write([Point("m", "v", (), NOW_MS + at, float(at)) for at in range(2500)])
        (series,) = database.read(Selector("m", "v"), AROUND_NOW)
    assert len(series.points) == 2500


def test_batches_that_are_too_large_for_the_server_are_halved(tmp_path: Path):
    with influxdb_server(tmp_path, most_bytes=2000) as small:
        database = connected(small)
        database.write([Point("m", "v", tagged(host="web"), NOW_MS + at, 0.5) for at in range(1000)])
        (series,) = database.read(Selector("m", "v"), AROUND_NOW)
        assert len(series.points) == 1000
        with pytest.raises(BackendError, match=r"no request of this size \(HTTP 413\)") as caught:
            database.write([Point("m", "v", tagged(host="x" * 3000), NOW_MS, 0.5)])
    assert not isinstance(caught.value, RejectedError)


def test_the_check_names_version_and_database_and_leaves_nothing_behind(tmp_path: Path):
    with influxdb_server(tmp_path) as fresh:
        assert connected(fresh).check().startswith("InfluxDB 1.6.7")
        assert connected(fresh).check().endswith(", database evolve")
        assert fresh.ask("SHOW MEASUREMENTS", db="evolve") == []


def test_a_missing_database_is_told_with_the_way_to_create_it(server: InfluxServer):
    database = connected(server, database="absent")
    for act in (
        database.check,
        lambda: database.write([Point("m", "v", (), NOW_MS, 1.0)]),
        lambda: database.read(Selector("m", "v"), AROUND_NOW),
    ):
        with pytest.raises(BackendError, match=r'no database absent\. Create it .*CREATE DATABASE "absent"') as caught:
            act()
        assert not caught.value.passing
        assert not isinstance(caught.value, RejectedError)


def test_a_retention_policy_can_be_named(server: InfluxServer, measurement: str):
    server.ask('CREATE RETENTION POLICY "long" ON "evolve" DURATION INF REPLICATION 1')
    database = connected(server, database="evolve/long")
    assert database.check().endswith("evolve/long")
    database.write([Point(measurement, "v", (), NOW_MS, 1.0)])
    assert database.read(Selector(measurement, "v"), AROUND_NOW) == [Series({}, [(NOW_MS, 1.0)])]
    assert connected(server).read(Selector(measurement, "v"), AROUND_NOW) == []


def test_a_missing_retention_policy_is_told(server: InfluxServer):
    database = connected(server, database="evolve/absent")
    for act in (
        database.check,
        lambda: database.write([Point("m", "v", (), NOW_MS, 1.0)]),
        lambda: database.read(Selector("m", "v"), AROUND_NOW),
    ):
        with pytest.raises(BackendError, match="database evolve has no retention policy 'absent'") as caught:
            act()
        assert not caught.value.passing


def test_points_too_old_for_the_database_are_counted_and_the_others_kept(server: InfluxServer, measurement: str):
    server.ask('CREATE RETENTION POLICY "hour" ON "evolve" DURATION 1h REPLICATION 1')
    database = connected(server, database="evolve/hour")
    old_ms = NOW_MS - 100 * 3_600_000
    with pytest.raises(RejectedError, match=r"will never take 4 of 6 points: .*beyond retention policy") as caught:
        database.write(
            [Point(measurement, name, (), at_ms, 1.0) for at_ms in (old_ms, old_ms + 1, NOW_MS) for name in ("a", "b")]
        )
    assert caught.value.count == 4
    assert database.read(Selector(measurement, "b"), AROUND_NOW) == [Series({}, [(NOW_MS, 1.0)])]


def test_a_field_of_another_type_loses_its_own_points_only(server: InfluxServer, measurement: str):
    server.put(f"{measurement},host=x count=1i\n")
    database = connected(server)
    with pytest.raises(RejectedError, match=r"will never take 3 of 6 points: .*field type conflict") as caught:
        database.write(
            [Point(measurement, name, (), NOW_MS + at, 2.0) for at in range(3) for name in ("count", "other")]
        )
    assert caught.value.count == 3
    (series,) = database.read(Selector(measurement, "other"), AROUND_NOW)
    assert len(series.points) == 3


def test_whole_numbers_of_others_are_read_and_texts_are_not(server: InfluxServer, measurement: str):
    server.put(f'{measurement} whole=7i,text="7" {NOW_MS}000000\n')
    database = connected(server)
    ((at_ms, value),) = database.read(Selector(measurement, "whole"), AROUND_NOW)[0].points
    assert (at_ms, value, type(value)) == (NOW_MS, 7.0, float)
    with pytest.raises(BackendError, match="the field text holds str values, expected numbers"):
        database.read(Selector(measurement, "text"), AROUND_NOW)


def test_no_number_is_refused_and_the_rest_is_kept(server: InfluxServer, measurement: str):
    database = connected(server)
    with pytest.raises(RejectedError, match="1 of 2 points") as caught:
        database.write([Point(measurement, "a", (), NOW_MS, float("nan")), Point(measurement, "b", (), NOW_MS, 1.0)])
    assert caught.value.count == 1
    assert database.read(Selector(measurement, "b"), AROUND_NOW) == [Series({}, [(NOW_MS, 1.0)])]


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": USER, "password": PASSWORD},
        {"token": json_web_token(USER)},
    ],
    ids=["basic", "JWT"],
)
def test_a_user_who_may_reads_and_writes(guarded: InfluxServer, credentials: dict[str, str]):
    database = connected(guarded, **credentials)
    database.check()
    database.write([Point("m", "v", (), NOW_MS, 1.0)])
    assert database.read(Selector("m", "v"), AROUND_NOW) == [Series({}, [(NOW_MS, 1.0)])]


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"username": USER, "password": "hunter2"},
        {"username": "nobody", "password": "hunter2"},
        {"token": json_web_token(USER, secret="hunter2")},
        {"token": json_web_token(USER, expires_at=1)},
        {"token": "hunter2"},
        {"token": json_web_token(USER), "authentication": "token"},
    ],
    ids=["none", "password", "user", "signature", "expired", "nonsense", "as version 2 wants it"],
)
def test_a_user_who_may_not_is_told_so_and_no_secret(guarded: InfluxServer, credentials: dict[str, str]):
    database = connected(guarded, **credentials)
    for act in (
        database.check,
        lambda: database.write([Point("m", "v", (), NOW_MS, 1.0)]),
        lambda: database.read(Selector("m", "v"), AROUND_NOW),
    ):
        with pytest.raises(BackendError, match="does not accept the credentials") as caught:
            act()
        assert not caught.value.passing
        for secret in ("hunter2", credentials.get("token", "hunter2")):
            assert secret not in str(caught.value)


@pytest.mark.parametrize("user", ["reader", "writer"])
def test_the_check_finds_that_a_user_may_not_read_or_not_write(guarded: InfluxServer, user: str):
    with pytest.raises(BackendError, match=r"does not allow this .*403"):
        connected(guarded, token=json_web_token(user)).check()


def test_a_server_with_a_certificate_is_reached_over_tls(tmp_path: Path):
    certificate = make_certificate(tmp_path)
    with influxdb_server(tmp_path / "data", certificate=certificate) as secure:
        database = connected(secure, ca_path=str(certificate.authority))
        database.check()
        database.write([Point("m", "v", (), NOW_MS, 1.0)])
        assert database.read(Selector("m", "v"), AROUND_NOW) == [Series({}, [(NOW_MS, 1.0)])]
        with pytest.raises(BackendError, match="certificate is not trusted"):
            connected(secure).check()


def test_a_server_that_dies_is_trouble_that_passes(tmp_path: Path):
    with influxdb_server(tmp_path) as mortal:
        database = connected(mortal, retries=1)
        database.write([Point("m", "v", (), NOW_MS, 1.0)])
        os.kill(mortal.pid, signal.SIGKILL)
        os.waitpid(mortal.pid, 0)
        for act in (
            database.check,
            lambda: database.write([Point("m", "v", (), NOW_MS, 2.0)]),
            lambda: database.read(Selector("m", "v"), AROUND_NOW),
        ):
            with pytest.raises(BackendError, match="does not answer") as caught:
                act()
            assert caught.value.passing
            assert mortal.url in str(caught.value)


def test_the_check_finds_that_the_server_is_of_version_1(server: InfluxServer):
    with pytest.raises(BackendError, match=r"version 1\.6\.7.*Set `version: 1`"):
        connected(server, version=2).check()


@pytest.mark.parametrize("reply", [Reply(200, "<html>"), Reply(404, "404 page not found"), Reply(204)])
def test_the_check_finds_that_something_else_answers(reply: Reply):
    with http_server(lambda asked: reply) as other:
        database = InfluxDb(read_connection({"kind": "influxdb", "url": other.url, "database": "d"}, "test"))
        with pytest.raises(BackendError, match="does not answer as InfluxDB does"):
            database.check()


def test_trouble_in_the_middle_of_a_write_passes_when_it_passes(server: InfluxServer, measurement: str):
    # The way to a real server, which fails at first.
    failures = [Reply(503, '{"error":"timeout"}'), Reply(429, "", {"Retry-After": "1"})]

    def through(asked):
        if failures:
            return failures.pop()
        server.put(asked.body.decode().replace("000 ", "000000 "))
        return Reply(204)

    with http_server(through) as way:
        connected(server, url=way.url, retries=2).write([Point(measurement, "v", (), NOW_MS, 1.0)])
    assert len(way.asked) == 3
    assert {(asked.path, *asked.query.items()) for asked in way.asked} == {
        ("/write", ("db", "evolve"), ("precision", "ms"))
    }
    assert way.asked[0].body == f"{measurement} v=1.0 {NOW_MS}\n".encode()


def test_no_request_carries_more_than_5000_points():
    with http_server(lambda asked: Reply(204)) as server:
        database = InfluxDb(read_connection({"kind": "influxdb", "url": server.url, "database": "d"}, "test"))
        database.write([Point("m", name, (), at, 1.0) for at in range(2000) for name in ("a", "b", "c")])
    # Each line has three of them.
    assert [asked.body.count(b"\n") for asked in server.asked] == [1666, 334]
