# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions in PromQL, and answers to them, also those that no healthy server gives."""

from __future__ import annotations

import json

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.promql import (
    TooManyPointsError,
    Value,
    count_text,
    metric_name,
    range_text,
    read_series,
    read_values,
    seconds_text,
    selector_text,
)

SHOWN = "Prometheus at http://metrics.example.org:9090"
# As Prometheus 2.42 gave it.
MATRIX = (
    b'{"status":"success","data":{"resultType":"matrix","result":['
    b'{"metric":{"__name__":"m","host":"a \\"q\\" \\\\ \\n"},"values":['
    b'[1795406508.879,"0.30000000000000004"],[1795406508.886,"-0"],[1795406508.893,"+Inf"]]}]}}'
)


def answer(kind, result, **more):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def test_a_field_is_part_of_the_name():
    assert metric_name("evolve_run", "latency_p95_ms") == "evolve_run_latency_p95_ms"
    assert metric_name("node_load1", "value") == "node_load1"
    assert metric_name("job:up:sum", "value") == "job:up:sum"


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "a{", "é", "a\n", 'a"'])
def test_what_is_no_name_of_a_metric_is_refused(name):
    with pytest.raises(BackendError, match="is no name of a metric"):
        metric_name(name, "value")


@pytest.mark.parametrize("label", ["", "1st", "a-b", "a=b", "__name__", "__address__", "a\n", "é"])
def test_what_is_no_name_of_a_label_is_refused(label):
    with pytest.raises(BackendError, match="is no name of a label"):
        selector_text(Selector("up", "value", ((label, "x"),)))


def test_values_are_quoted():
    tags = (("a", 'x"} or up{'), ("b", "\\"), ("c", "one\ntwo\r"), ("d", "ü \x01'`"))
    expected = 'evolve_vm_f{a="x\\"} or up{",b="\\\\",c="one\\ntwo\\r",d="ü \x01\'`"}'
    assert selector_text(Selector("evolve_vm", "f", tags)) == expected
    with pytest.raises(BackendError, match="the label a has a value that is no text"):
        selector_text(Selector("up", "value", (("a", "\ud800"),)))


def test_windows_are_told_to_the_millisecond():
    window = Window(1795406508879, 1795406510005)
    assert range_text("up{}", window) == "up{}[1126ms]"
    assert count_text("up{}", window) == "sum(count_over_time(up{}[1126ms]))"
    assert seconds_text(window.end_ms) == "1795406510.005"


def test_points_are_read_as_they_are():
    (series,) = read_series(MATRIX, SHOWN)
    assert series.tags == {"host": 'a "q" \\ \n'}
    times = [1795406508879, 1795406508886, 1795406508893]
    assert series.points == list(zip(times, [0.30000000000000004, 0.0, float("inf")], strict=True))
    assert str(series.points[1][1]) == "-0.0"


def test_what_is_no_number_is_left_out():
    result = [{"metric": {"__name__": "m"}, "values": [[1, "NaN"], [2, "5"], [3.5, "nan"]]}]
    assert [series.points for series in read_series(answer("matrix", result), SHOWN)] == [[(2000, 5.0)]]


def test_each_millisecond_comes_back():
    for at_ms in range(1795406508000, 1795406509000):
        result = [{"metric": {}, "values": [[float(seconds_text(at_ms)), "1"]]}]
        assert read_series(answer("matrix", result), SHOWN)[0].points == [(at_ms, 1.0)]


def test_an_error_inside_is_told():
    body = b'{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": parse error"}'
    for read in (read_series, read_values):
        with pytest.raises(BackendError, match=r"Prometheus at http.* answers with an error: invalid parameter"):
            read(body, SHOWN)


@pytest.mark.parametrize(
    "said",
    [
        "query processing would load too many samples into memory in query execution",
        "cannot process more than 1000 samples; increase -search.maxSamplesPerQuery",
    ],
)
def test_too_many_points_are_known_as_such(said):
    body = json.dumps({"status": "error", "errorType": "execution", "error": said}).encode()
    with pytest.raises(TooManyPointsError):
        read_series(body, SHOWN)


@pytest.mark.parametrize("more", [{"warnings": ["1 store did not answer"]}, {"isPartial": True}])
def test_an_answer_that_may_lack_points_is_none(more):
    with pytest.raises(BackendError, match=r"may not be whole: .*did not answer"):
        read_series(answer("matrix", [], **more), SHOWN)
    assert "did not answer" in read_values(answer("vector", [], **more), SHOWN).warnings[0]


def test_a_histogram_is_told():
    entry = {"metric": {"__name__": "h"}, "histograms": [[1, {"count": "1"}]]}
    with pytest.raises(BackendError, match="h is a native histogram"):
        read_series(answer("matrix", [entry]), SHOWN)
    with pytest.raises(BackendError, match="h is a native histogram"):
        read_values(answer("vector", [{"metric": {"__name__": "h"}, "histogram": [1, {}]}]), SHOWN)


@pytest.mark.parametrize("length", range(0, len(MATRIX), 7))
def test_an_answer_that_was_cut_off_is_told(length):
    with pytest.raises(BackendError, match="not understood, or was cut off"):
        read_series(MATRIX[:length], SHOWN)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"status":"success"}',
        b'{"status":"success","data":null}',
        b'{"status":"error"}',
        answer("vector", []),
        answer("matrix", None),
        answer("matrix", [1]),
        answer("matrix", [{}]),
        answer("matrix", [{"metric": {}}]),
        answer("matrix", [{"metric": None, "values": []}]),
        answer("matrix", [{"metric": {}, "values": [1]}]),
        answer("matrix", [{"metric": {}, "values": [["x", "1"]]}]),
        answer("matrix", [{"metric": {}, "values": [[1, "one"]]}]),
        answer("matrix", [{"metric": {}, "values": [[1, "1", 2]]}]),
        answer("matrix", [{"metric": {}, "values": [[float("inf"), "1"]]}]),
        b"\xff\xfe",
        b"[" * 100000,
    ],
)
def test_what_is_no_answer_is_told(body):
    with pytest.raises(BackendError, match=r"not understood, or was cut off: .* Is its URL that of"):
        read_series(body, SHOWN)


def test_values_of_expressions():
    result = [{"metric": {"__name__": "m", "host": "a"}, "value": [1.5, "2.5"]}]
    assert read_values(answer("vector", result), SHOWN).values == [Value({"host": "a"}, 1500, 2.5)]
    assert read_values(answer("scalar", [1.5, "2.5"]), SHOWN).values == [Value({}, 1500, 2.5)]
    for kind in ("matrix", "string"):
        with pytest.raises(BackendError, match=f"the expression gives a {kind}; expected one that gives numbers"):
            read_values(answer(kind, []), SHOWN)
