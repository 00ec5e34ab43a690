# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and VictoriaMetrics, each for real: what was written comes back, and what cannot be kept is told."""

from __future__ import annotations

import itertools
import math
import re
import struct
import time
from contextlib import ExitStack
from functools import partial
from urllib.request import urlopen

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics import promql_backend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Window, tagged
from ansible_collections.evolve.vm.tests.prometheus_servers import (
    PASSWORD,
    USER,
    prometheus_server,
    victoriametrics_server,
)
from ansible_collections.evolve.vm.tests.servers import free_port, nginx_server, wait_until

KINDS = ("prometheus", "victoriametrics")
SERVERS = {"prometheus": prometheus_server, "victoriametrics": victoriametrics_server}
ODD = 'a "quoted" \\ back\\\\slash\nline\r\ttab \x01 {ü} €, \U0001f600 a="b"} or up{'
HOUR_MS = 3600 * 1000
_numbers = itertools.count()
_PROXY = """
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events {}
http {
    access_log off;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    server {
        listen 127.0.0.1:@port@;
        @given@
        location / { proxy_pass @server@; }
    }
}
"""


def connected(kind, url, **options):
    return backend_for(read_connection({"kind": kind, "url": url, "retries": 0, **options}, "test"))


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory):
    with prometheus_server(tmp_path_factory.mktemp("prometheus")) as server:
        yield server.url


@pytest.fixture(scope="module")
def victoriametrics_url(tmp_path_factory):
    with victoriametrics_server(tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server.url


@pytest.fixture
def prometheus(prometheus_url):
    return connected("prometheus", prometheus_url)


@pytest.fixture(params=KINDS)
def backend(request):
    return connected(request.param, request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def proxy(prometheus_url, tmp_path):
    """Starts a proxy in front of Prometheus, with more of its configuration; gives its URL."""
    with ExitStack() as stack:

        def start(given):
            folder = tmp_path / f"proxy-{next(_numbers)}"
            folder.mkdir()
            config = _PROXY.replace("@given@", given).replace("@server@", prometheus_url)
            text = stack.enter_context(nginx_server(folder, config)).read_text()
            return f"http://{re.search('listen (.*?);', text).group(1)}"

        yield start


@pytest.fixture
def name():
    """A measurement of the test's own."""
    return f"test_{next(_numbers)}"


def now():
    return time.time_ns() // 1_000_000


def points_of(name, times_and_values, field="value", **tags):
    return [Point(name, field, tagged(**tags), at_ms, value) for at_ms, value in times_and_values]


def read(backend, name, at_ms, field="value", before_ms=HOUR_MS, **tags):
    return backend.read(Selector(name, field, tagged(**tags)), Window(at_ms - before_ms, at_ms))


def bits(value):
    return struct.pack("<d", value)


def test_points_come_back_as_they_were_written_at_once(backend, name):
    at_ms = now()
    values = [42.0, 0.0, -1.5, 99.99999999, 1e-3, 1234567.891, 0.000125, 3.141592654, 1e6, -273.15]
    times = [at_ms - 12345 + 13 * number**2 for number in range(len(values))]
    backend.write(points_of(name, zip(times, values, strict=True), "latency_p95_ms", host="vm-1", study="web"))
    (series,) = read(backend, name, at_ms, "latency_p95_ms", host="vm-1")
    assert series.tags == {"host": "vm-1", "study": "web"}
    assert series.points == list(zip(times, values, strict=True))


def test_prometheus_keeps_every_bit(prometheus, name):
    at_ms = now()
    values = [0.1 + 0.2, 1 / 3, math.pi * 1e-7, 5e-324, 1.7976931348623157e308, -0.0, 2.0**53 - 1, 1e22, 98.76543210123]
    prometheus.write(points_of(name, ((at_ms - 1000 + number, value) for number, value in enumerate(values))))
    (series,) = read(prometheus, name, at_ms)
    assert [bits(value) for dummy, value in series.points] == [bits(value) for value in values]


def test_tags_may_hold_anything(backend, name):
    at_ms = now()
    plain = points_of(name, [(at_ms - 5, 1.0)], host="plain")
    odd = points_of(name, [(at_ms - 5, 2.0)], host=ODD)
    backend.write([*plain, *odd])
    (series,) = read(backend, name, at_ms, host=ODD)
    assert (series.tags, series.points) == ({"host": ODD}, [(at_ms - 5, 2.0)])


@pytest.mark.parametrize("host", ['plain"} or {host!="', 'plain"}[1h] #', "plain\\", '.*"', "plain\n", "", "*"])
def test_a_name_cannot_change_the_question(backend, name, host):
    at_ms = now()
    backend.write(points_of(name, [(at_ms - 5, 1.0)], host="plain"))
    assert backend.read(Selector(name, "value", (("host", host),)), Window(at_ms - 1000, at_ms)) == []
    assert len(read(backend, name, at_ms)) == 1


def test_names_that_there_cannot_be_are_refused(backend, name):
    with pytest.raises(BackendError, match=r"'a\"b' is no name of a label"):
        backend.read(Selector(name, "value", (('a"b', "c"),)), Window(0, 1))
    with pytest.raises(BackendError, match=r"is no name of a metric"):
        backend.read(Selector('up{} or {x="y"}', "value"), Window(0, 1))


def test_points_in_any_order_and_twice_are_kept_once(backend, name):
    at_ms = now()
    points = points_of(name, ((at_ms - 1000 * number, float(number)) for number in range(20)), host="vm-1")
    backend.write(points)
    backend.write(points[::-1])
    backend.write(points[5:15])
    (series,) = read(backend, name, at_ms)
    assert series.points == [(at_ms - 1000 * number, float(number)) for number in range(19, -1, -1)]


def test_series_come_in_the_order_of_their_tags(backend, name):
    at_ms = now()
    for host in ("c", "a", "b"):
        backend.write(points_of(name, [(at_ms - 1, 1.0)], host=host, study="one"))
    backend.write(points_of(name, [(at_ms - 1, 1.0)], host="d", study="two"))
    found = read(backend, name, at_ms, study="one")
    assert [series.tags["host"] for series in found] == ["a", "b", "c"]


def test_a_window_begins_after_its_begin_and_ends_with_its_end(backend, name):
    at_ms = now()
    backend.write(points_of(name, ((at_ms - 10 + number, float(number)) for number in range(10))))
    (series,) = backend.read(Selector(name, "value"), Window(at_ms - 8, at_ms - 3))
    assert [value for dummy, value in series.points] == [3.0, 4.0, 5.0, 6.0, 7.0]
    (series,) = backend.read(Selector(name, "value"), Window(at_ms - 8, at_ms - 7))
    assert series.points == [(at_ms - 7, 3.0)]
    assert backend.read(Selector(name, "value"), Window(at_ms - 8, at_ms - 8)) == []
    assert backend.read(Selector(name, "value"), Window(at_ms + 1000, at_ms + 2000)) == []


def test_nothing_is_an_answer(backend, name):
    assert read(backend, name, now()) == []
    assert read(backend, name, now(), before_ms=365 * 24 * HOUR_MS) == []
    backend.write([])


def test_many_points_are_read_quickly(backend, name):
    at_ms = now()
    for host in range(10):
        times = range(at_ms - 1_000_000, at_ms, 100)
        backend.write(points_of(name, ((each, each % 997 / 8) for each in times), host=f"vm-{host}", study="web"))
    begin = time.process_time()
    found = read(backend, name, at_ms, study="web")
    assert time.process_time() - begin < 2
    assert [len(series.points) for series in found] == [10_000] * 10
    assert all(value == each % 997 / 8 for series in found for each, value in series.points)


def test_a_long_window_is_read_in_parts(backend, name, monkeypatch):
    monkeypatch.setattr(promql_backend, "_POINTS_AT_ONCE", 100)
    at_ms = now()
    points = [(at_ms - 3_000_000 + 2500 * number, float(number)) for number in range(1200)]
    backend.write(points_of(name, points, host="vm-1"))
    (series,) = read(backend, name, at_ms, before_ms=7 * HOUR_MS)
    assert series.points == points


def test_a_server_that_gives_few_points_at_once_is_asked_for_few(tmp_path, name):
    at_ms = now()
    points = [(at_ms - 3_000_000 + 500 * number, float(number)) for number in range(6000)]
    with prometheus_server(tmp_path, options=["--query.max-samples=1000"]) as server:
        backend = connected("prometheus", server.url)
        backend.write(points_of(name, points))
        (series,) = read(backend, name, at_ms)
        assert series.points == points
        (series,) = read(backend, name, at_ms, before_ms=7 * HOUR_MS)
        assert series.points == points


def test_points_in_the_future_are_refused_and_block_nothing(backend, name):
    at_ms = now()
    points = points_of(name, [(at_ms + HOUR_MS, 1.0), (at_ms - 10, 2.0)])
    with pytest.raises(RejectedError, match=r"1 of 2 points.* in the future; compare the clocks") as caught:
        backend.write(points)
    assert caught.value.count == 1
    backend.write(points_of(name, [(at_ms - 9, 3.0)]))
    (series,) = read(backend, name, at_ms + 2 * HOUR_MS, before_ms=3 * HOUR_MS)
    assert series.points == [(at_ms - 10, 2.0), (at_ms - 9, 3.0)]


def test_what_no_database_takes_is_refused_alone(backend, name):
    at_ms = now()
    points = [
        Point(name, "value", (("bad-label", "x"),), at_ms, 1.0),
        Point(name, "bad-field", (), at_ms, 1.0),
        Point(name, "value", (("host", "\ud800"),), at_ms, 1.0),
        Point(name, "value", (), at_ms, math.nan),
        Point(name, "value", (("__name__", "up"),), at_ms, 1.0),
        Point(name, "value", (), at_ms, 5.0),
    ]
    with pytest.raises(RejectedError) as caught:
        backend.write(points)
    text = str(caught.value)
    assert caught.value.count == 5
    for part in ("'bad-label' is no", f"'{name}_bad-field' is no", "'__name__' is no", "finite", "host has a value"):
        assert part in text
    (series,) = read(backend, name, at_ms)
    assert series.points == [(at_ms, 5.0)]


def test_prometheus_says_what_is_out_of_order(prometheus, name):
    at_ms = now()
    prometheus.write(points_of(name, [(at_ms - 1000, 1.0)], host="vm-1"))
    points = [
        *points_of(name, [(at_ms - 3000, 2.0), (at_ms - 2000, 3.0), (at_ms - 500, 4.0)], host="vm-1"),
        *points_of(name, [(at_ms - 3000, 5.0), (at_ms - 500, 6.0)], host="vm-2"),
    ]
    with pytest.raises(RejectedError, match=r"2 of 5 points. 2: .*out of order.*out_of_order_time_window") as caught:
        prometheus.write(points)
    assert caught.value.count == 2
    one, two = read(prometheus, name, at_ms)
    assert one.points == [(at_ms - 1000, 1.0), (at_ms - 500, 4.0)]
    assert two.points == [(at_ms - 3000, 5.0), (at_ms - 500, 6.0)]


def test_prometheus_says_what_it_knows_otherwise(prometheus, name):
    at_ms = now()
    prometheus.write(points_of(name, [(at_ms - 2000, 1.0), (at_ms - 1000, 2.0)]))
    with pytest.raises(RejectedError, match=r"2 of 3 points. 2: it has another value") as caught:
        prometheus.write(points_of(name, [(at_ms - 2000, 8.0), (at_ms - 1000, 9.0), (at_ms - 500, 3.0)]))
    assert caught.value.count == 2
    (series,) = read(prometheus, name, at_ms)
    assert series.points == [(at_ms - 2000, 1.0), (at_ms - 1000, 2.0), (at_ms - 500, 3.0)]


def test_prometheus_says_what_is_too_old_without_asking_for_each(prometheus, prometheus_url, name):
    """As after hours in which it was down."""
    at_ms = now()
    prometheus.write(points_of(name, [(at_ms, 0.0)], host="newest"))
    times = range(at_ms - 3 * HOUR_MS, at_ms, 10_000)
    points = [*points_of(name, ((each, 1.0) for each in times), host="vm-1")]
    late = sum(each < at_ms - HOUR_MS for each in times)
    before = _write_requests(prometheus_url)
    with pytest.raises(RejectedError, match=rf"{late} of {len(points)} points.*too old") as caught:
        prometheus.write(points)
    assert caught.value.count == late
    assert _write_requests(prometheus_url) - before < 30
    (series,) = read(prometheus, name, at_ms, host="vm-1", before_ms=4 * HOUR_MS)
    assert [each for each, dummy in series.points] == [each for each in times if each >= at_ms - HOUR_MS]
    # All that it has: nothing is left to refuse.
    prometheus.write(points_of(name, series.points, host="vm-1"))


def test_prometheus_says_what_is_out_of_order_without_asking_for_each(prometheus, prometheus_url, name):
    """As where another controller has written later points of the series."""
    at_ms = now()
    prometheus.write(points_of(name, [(at_ms, 0.0)], host="vm-1"))
    pairs = [(each, 1.0) for each in range(at_ms - 2000, at_ms - 1000)]
    before = _write_requests(prometheus_url)
    with pytest.raises(RejectedError, match=r"1000 of 2000 points. 1000: .*out of order"):
        prometheus.write([point for host in ("vm-1", "vm-2") for point in points_of(name, pairs, host=host)])
    assert _write_requests(prometheus_url) - before < 10
    assert [len(series.points) for series in read(prometheus, name, at_ms)] == [1, 1000]


def _write_requests(url):
    with urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if "http_requests_total" in line and "/api/v1/write" in line)


def test_a_prometheus_that_takes_late_points_gets_them(tmp_path, name):
    at_ms = now()
    config = "storage: {tsdb: {out_of_order_time_window: 2h}}\n"
    with prometheus_server(tmp_path, config=config) as server:
        backend = connected("prometheus", server.url)
        backend.write(points_of(name, [(at_ms, 1.0)]))
        backend.write(points_of(name, [(at_ms - HOUR_MS - 60_000, 2.0), (at_ms - 5, 3.0)]))
        late = points_of(name, [(at_ms - 3 * HOUR_MS, 4.0), (at_ms - 60_000, 5.0), (at_ms, 1.5)])
        with pytest.raises(RejectedError, match=r"2 of 3 points") as caught:
            backend.write(late)
        assert "1: they are too old for it" in str(caught.value)
        assert "1: it has another value" in str(caught.value)
        (series,) = read(backend, name, at_ms, before_ms=4 * HOUR_MS)
    assert [value for dummy, value in series.points] == [2.0, 5.0, 3.0, 1.0]


@pytest.mark.parametrize(("period", "days"), [([], 31), (["-retentionPeriod=3d"], 3), (["-retentionPeriod=1y"], 365)])
def test_victoriametrics_says_what_it_would_drop(period, days, tmp_path, name):
    at_ms = now()
    ages = (days + 1, days - 1, 0)
    with victoriametrics_server(tmp_path, options=period) as server:
        backend = connected("victoriametrics", server.url)
        with pytest.raises(RejectedError, match=r"1 of 3 points. 1: they are older than it keeps any") as caught:
            backend.write(points_of(name, [(at_ms - age * 24 * HOUR_MS, float(age)) for age in ages]))
        assert caught.value.count == 1
        (series,) = backend.read(Selector(name, "value"), Window(0, at_ms))
    assert [value for dummy, value in series.points] == [float(days - 1), 0.0]


def test_a_victoriametrics_that_is_not_to_be_hurried_shows_points_soon(tmp_path, name):
    at_ms = now()
    with victoriametrics_server(tmp_path, options=["-forceFlushAuthKey=secret"]) as server:
        backend = connected("victoriametrics", server.url)
        backend.write(points_of(name, [(at_ms, 1.0)]))
        wait_until(lambda: read(backend, name, at_ms) != [])
        assert read(backend, name, at_ms)[0].points == [(at_ms, 1.0)]


def test_a_prometheus_that_says_nothing_of_itself_is_asked_for_each_point(prometheus_url, proxy, name):
    at_ms = now()
    backend = connected("prometheus", proxy("location /api/v1/status/ { return 403; }"))
    backend.write(points_of(name, [(at_ms - 1000, 1.0)], host="vm-1"))
    times = [at_ms - 2000 + 100 * number for number in range(20)]
    with pytest.raises(RejectedError, match=r"11 of 41 points. 10: .*out of order") as caught:
        backend.write(
            points_of(name, [(each, 2.0) for each in times], host="vm-1")
            + points_of(name, [(each, 3.0) for each in times], host="vm-2")
            + points_of(name, [(at_ms, 4.0)])
        )
    assert "1: it has another value" in str(caught.value)
    found = {series.tags.get("host"): series.points for series in read(backend, name, at_ms)}
    assert found["vm-1"] == [(at_ms - 1000, 1.0), *((each, 2.0) for each in times if each > at_ms - 1000)]
    assert found["vm-2"] == [(each, 3.0) for each in times]
    assert found[None] == [(at_ms, 4.0)]


def test_a_proxy_that_is_in_the_way_is_told(proxy, name):
    points = points_of(name, [(now(), 1.0)])
    for given, expected in (
        ("client_max_body_size 10;", "takes no request as large as ours"),
        ("location /api/v1/write { return 405; }", r"does not take points \(HTTP 405"),
        ("location /api/v1/write { return 400 'bad day'; }", r"does not take points \(HTTP 400: bad day\)"),
    ):
        with pytest.raises(BackendError, match=expected) as caught:
            connected("prometheus", proxy(given)).write(points)
        assert not isinstance(caught.value, RejectedError)
        assert not caught.value.passing
    with pytest.raises(BackendError, match=r"not understood, or was cut off: 'Welcome'"):
        read(connected("prometheus", proxy("location /api/v1/query { return 200 Welcome; }")), name, now())


def test_a_prometheus_that_takes_no_points_is_told(tmp_path):
    with prometheus_server(tmp_path, receiver=False) as server:
        backend = connected("prometheus", server.url)
        for attempt in (backend.check, lambda: backend.write(points_of("test", [(now(), 1.0)]))):
            with pytest.raises(BackendError, match=r"receiver is off.*--web\.enable-remote-write-receiver") as caught:
                attempt()
            assert not caught.value.passing
            assert not isinstance(caught.value, RejectedError)


def test_what_answers_is_told(prometheus_url, victoriametrics_url):
    assert connected("prometheus", prometheus_url).check().startswith("Prometheus 2.")
    assert connected("victoriametrics", victoriametrics_url).check().startswith("VictoriaMetrics ")
    with pytest.raises(BackendError, match=r"is Prometheus 2\.\S+; give `kind: prometheus`"):
        connected("victoriametrics", prometheus_url).check()
    with pytest.raises(BackendError, match="Give `kind: victoriametrics`"):
        connected("prometheus", victoriametrics_url).check()
    with pytest.raises(BackendError, match="HTTP 404"):
        connected("prometheus", f"{prometheus_url}/nowhere").check()


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_leaves_no_points(kind, tmp_path):
    with SERVERS[kind](tmp_path) as server:
        connected(kind, server.url).check()
        with urlopen(f"{server.url}/api/v1/label/__name__/values") as answer:
            assert not [each for each in answer.read().decode().split('"') if "evolve" in each]


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_credentials_are_told_without_them(kind, tmp_path, name):
    at_ms = now()
    with SERVERS[kind](tmp_path, password=True) as server:
        right = connected(kind, server.url, username=USER, password=PASSWORD)
        right.check()
        right.write(points_of(name, [(at_ms, 1.0)]))
        assert read(right, name, at_ms)[0].points == [(at_ms, 1.0)]
        for options in ({}, {"username": USER, "password": "hunter2"}):
            wrong = connected(kind, server.url, **options)
            window = Window(at_ms - 1, at_ms)
            for attempt in (
                wrong.check,
                partial(wrong.write, points_of(name, [(at_ms, 1.0)])),
                partial(wrong.read, Selector(name, "value"), window),
            ):
                with pytest.raises(BackendError, match=r"does not accept the credentials \(HTTP 401") as caught:
                    attempt()
                assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_was_killed_has_what_it_took(kind, tmp_path, name):
    at_ms = now()
    points = [(at_ms - 1000 * number, float(number)) for number in range(50, 0, -1)]
    with SERVERS[kind](tmp_path) as server:
        backend = connected(kind, server.url)
        backend.write(points_of(name, points[:25]))
        # What VictoriaMetrics has in memory only is written to disk by a question for it.
        assert len(read(backend, name, at_ms)[0].points) == 25
        server.kill()
        for attempt in (
            backend.check,
            lambda: backend.write(points_of(name, points)),
            lambda: read(backend, name, at_ms),
        ):
            with pytest.raises(BackendError, match="does not answer") as caught:
                attempt()
            assert caught.value.passing
        server.start()
        # The spool would send them again, and what came meanwhile.
        backend.write(points_of(name, points))
        (series,) = read(backend, name, at_ms)
    assert series.points == points


def test_expressions_are_computed_by_the_server(backend, name):
    at_ms = now()
    backend.write(points_of(name, [(at_ms - 5, 2.0)], host="vm-1") + points_of(name, [(at_ms - 5, 3.0)], host="vm-2"))
    assert [(each.tags, each.value) for each in backend.values(f"sum({name}) * 2", at_ms).values] == [({}, 10.0)]
    assert [(each.tags["host"], each.value) for each in backend.values(f"{name} > 2", at_ms).values] == [("vm-2", 3.0)]
    with pytest.raises(BackendError, match="answers with an error"):
        backend.values("sum(", at_ms)


def test_what_is_no_server_of_this_kind_is_told(tmp_path):
    nobody = connected("prometheus", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BackendError, match="does not answer"):
        nobody.check()
