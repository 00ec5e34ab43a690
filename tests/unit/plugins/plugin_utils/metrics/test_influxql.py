# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries as text, and what answers mean: those of InfluxDB 1.6.7 as the real server gave them, others as recorded."""

from __future__ import annotations

import json
import math

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxql import (
    AnswerError,
    IncompleteError,
    QueryError,
    read_series,
    select,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window

WINDOW = Window(1000, 2000)


def test_a_query_asks_for_raw_points_with_all_their_tags():
    assert select(Selector("evolve_vm", "cpu", (("host", "web1"), ("study", "s"))), WINDOW) == (
        'SELECT "cpu" FROM "evolve_vm" WHERE "host" = \'web1\' AND "study" = \'s\' AND time >= 1001ms AND time < '
        "2001ms GROUP BY *"
    )


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("it's", r"'it\'s'"),
        ("' OR 'a'='a", r"'\' OR \'a\'=\'a'"),
        ("a\\", r"'a\\'"),
        ("a\\' OR 1=1 --", r"'a\\\' OR 1=1 --'"),
        ("two\nlines", r"'two\nlines'"),
        ('say "hi"', "'say \"hi\"'"),
        ("$host; DROP", "'$host; DROP'"),
    ],
)
def test_a_value_can_never_leave_its_quotes(value, quoted):
    assert f'WHERE "host" = {quoted} AND time' in select(Selector("m", "f", (("host", value),)), WINDOW)


def test_a_name_can_never_leave_its_quotes():
    text = select(Selector('m"; DROP DATABASE evolve; --', 'f" FROM "other', (('h" = h OR "x', "a"),)), WINDOW)
    assert text.startswith(r'SELECT "f\" FROM \"other" FROM "m\"; DROP DATABASE evolve; --" WHERE "h\" = h OR \"x" = ')


@pytest.mark.parametrize("value", ["a\rb", "a\0b"])
def test_what_no_query_can_hold_is_refused(value):
    with pytest.raises(QueryError, match="no query can hold"):
        select(Selector("m", "f", (("host", value),)), WINDOW)


def test_a_window_beyond_the_times_of_influxdb_is_cut():
    assert "time >= 0ms AND time < 9223372036853ms" in select(Selector("m", "f"), Window(-(10**15), 10**18))


# Recorded from InfluxDB 1.6.7 (Debian), a series being cut after each point (chunk_size=1).
IN_CHUNKS = """\
{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"host":"a"},"columns":["time","v"],\
"values":[[1000,2]],"partial":true}],"partial":true}]}
{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"host":"a"},"columns":["time","v"],\
"values":[[2000,1]]}],"partial":true}]}
{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"host":"b"},"columns":["time","v"],\
"values":[[3000,2.5]]}]}]}
"""


def test_an_answer_in_chunks_is_put_together():
    assert read_series(IN_CHUNKS, "v") == [
        Series({"host": "a"}, [(1000, 2.0), (2000, 1.0)]),
        Series({"host": "b"}, [(3000, 2.5)]),
    ]


@pytest.mark.parametrize("lines", [1, 2])
def test_chunks_that_are_missing_at_the_end_are_noticed(lines):
    with pytest.raises(IncompleteError):
        read_series("".join(IN_CHUNKS.splitlines(keepends=True)[:lines]), "v")


def test_an_answer_that_the_server_cut_short_is_noticed():
    # InfluxDB 1.6.7 with max-row-limit = 3.
    cut = (
        '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","v"],'
        '"values":[[1,1],[2,2],[3,3]],"partial":true}]}]}\n'
    )
    with pytest.raises(IncompleteError):
        read_series(cut, "v")


def test_a_missing_measurement_is_nothing():
    assert read_series('{"results":[{"statement_id":0}]}\n', "v") == []
    assert read_series('{"results":[{"statement_id":0,"series":[{"columns":["time"],"values":[]}]}]}', "v") == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"results":[{"statement_id":0,"error":"database not found: absent"}]}\n',
        '{"error":"database not found: absent"}',
        IN_CHUNKS.splitlines()[0] + '{"results":[{"statement_id":0,"error":"database not found: absent"}]}',
    ],
)
def test_an_error_is_found_wherever_it_is(answer):
    with pytest.raises(QueryError, match="database not found: absent"):
        read_series(answer, "v")


@pytest.mark.parametrize(
    "answer",
    ["", "<html>not found</html>", '{"results":', "[1]", '{"results":[{"series":[{"columns":["x"],"values":[[1]]}]}]}'],
)
def test_an_answer_of_something_else_is_refused(answer):
    with pytest.raises(AnswerError):
        read_series(answer, "v")


@pytest.mark.parametrize("value", ["text", True])
def test_a_field_that_holds_no_numbers_is_refused(value):
    answer = {"results": [{"series": [{"columns": ["time", "v"], "values": [[1, value]]}]}]}
    with pytest.raises(QueryError, match="expected numbers"):
        read_series(json.dumps(answer), "v")


def test_a_negative_zero_stays_one():
    # InfluxDB 1.6.7 writes it so.
    answer = '{"results":[{"series":[{"columns":["time","v"],"values":[[1,-0]]}]}]}'
    ((dummy, value),) = read_series(answer, "v")[0].points
    assert math.copysign(1, value) == -1


# Recorded by the makers' own tests of InfluxDB 3, influxdata/influxdb on GitHub,
# influxdb3/tests/server/snapshots/lib__server__query__api_v1_query_group_by-12.snap (shortened by the last two series),
# with times in milliseconds as `epoch=ms` gives them: each chunk is a document, none says that more follows.
OF_VERSION_3 = """\
{"results":[{"series":[{"columns":["time","val"],"name":"bar","tags":{"t1":"a","t2":"aa","t3":""},\
"values":[[2998574931000,1.0]]}],"statement_id":0}]}\r
{"results":[{"series":[{"columns":["time","val"],"name":"bar","tags":{"t1":"a","t2":"bb","t3":""},\
"values":[[2998574933000,3.0]]}],"statement_id":0}]}\r
"""


def test_an_answer_of_version_3_is_understood():
    assert read_series(OF_VERSION_3, "val") == [
        Series({"t1": "a", "t2": "aa"}, [(2998574931000, 1.0)]),
        Series({"t1": "a", "t2": "bb"}, [(2998574933000, 3.0)]),
    ]


def test_tags_that_come_as_columns_are_tags_all_the_same():
    # As early versions of InfluxDB 3 did: influxdb3_server/src/http/v1.rs gave a series no tags before GROUP BY was
    # handled there; the columns of tags without a value are null.
    answer = (
        '{"results":[{"statement_id":0,"series":[{"name":"bar","columns":["time","t1","t2","val"],"values":'
        '[[2,"b",null,2.0],[1,"a","aa",1.0],[3,"b",null,null]]}]}]}\r\n'
    )
    assert read_series(answer, "val") == [
        Series({"t1": "a", "t2": "aa"}, [(1, 1.0)]),
        Series({"t1": "b"}, [(2, 2.0)]),
    ]
