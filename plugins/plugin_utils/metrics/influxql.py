# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxQL: the query for the raw points of a selector, and what its answer means. Pure.

Every name and value is quoted here. Bind parameters would do for values on InfluxDB 1 and 2, but not on 3, and never
for names; one way that all versions have is one that is tested.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window

# The greatest time that InfluxDB has, its nanoseconds since 1970 being 64 bits.
LATEST_MS = 9_223_372_036_853


class QueryError(ValueError):
    """There can be no such query, or the answer says that it failed; the text is then the database's own."""


class AnswerError(ValueError):
    """The answer is none that InfluxDB gives."""


class IncompleteError(ValueError):
    """The answer does not hold all there is."""


def select(selector: Selector, window: Window) -> str:
    """The query for all points of a selector in a window, with all their tags. Raises QueryError."""
    conditions = [f"{_identifier(name)} = {_text(value)}" for name, value in selector.tags]
    # In whole milliseconds a point is as early as its last one, so that each is in one of two adjoining windows.
    begin_ms, end_ms = (min(max(moment + 1, 0), LATEST_MS) for moment in window)
    conditions += [f"time >= {begin_ms}ms", f"time < {end_ms}ms"]
    return (
        f"SELECT {_identifier(selector.field)} FROM {_identifier(selector.measurement)} "
        f"WHERE {' AND '.join(conditions)} GROUP BY *"
    )


def _identifier(name: str) -> str:
    return '"' + _escaped(name, '"') + '"'


def _text(value: str) -> str:
    return "'" + _escaped(value, "'") + "'"


def _escaped(text: str, quote: str) -> str:
    if "\r" in text or "\0" in text:
        raise QueryError(f"no query can hold {text!r}: InfluxQL has no way to write its control characters")
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, f"\\{quote}")


def read_series(answer: str, field: str) -> list[Series]:
    """The series of a field in an answer with times in milliseconds, whole or in chunks.

    Raises QueryError, AnswerError and IncompleteError.
    """
    found: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
    more = False
    for chunk in _documents(answer):
        if error := chunk.get("error"):
            raise QueryError(str(error))
        for result in chunk.get("results") or ():
            if error := result.get("error"):
                raise QueryError(str(error))
            more = bool(result.get("partial"))
            for series in result.get("series") or ():
                # A series that was cut short is told by this alone where the answer is not in chunks.
                more = more or bool(series.get("partial"))
                for tags, point in _points(series, field):
                    found.setdefault(tags, []).append(point)
    if more:
        raise IncompleteError("it says itself that points are missing at its end")
    return [Series(dict(tags), sorted(found[tags])) for tags in sorted(found)]


def _documents(answer: str) -> Iterator[dict[str, Any]]:
    """The JSON documents of an answer, one after the other."""
    # Every number is a float, the whole ones too: -0 is none of the integers.
    decoder = json.JSONDecoder(parse_int=float)
    rest = answer.strip()
    if not rest:
        raise AnswerError("it is empty")
    at = 0
    while at < len(rest):
        try:
            document, at = decoder.raw_decode(rest, at)
        except ValueError as error:
            raise AnswerError(f"it is not JSON ({error})") from None
        if not isinstance(document, dict):
            raise AnswerError("it is not an object in JSON")
        yield document
        while at < len(rest) and rest[at].isspace():
            at += 1


def _points(series: dict[str, Any], field: str) -> Iterator[tuple[tuple[tuple[str, str], ...], tuple[int, float]]]:
    """Points with their tags. Early versions of InfluxDB 3 give the tags as columns."""
    rows, columns = series.get("values") or (), series.get("columns") or ()
    if not rows:
        return
    if "time" not in columns or field not in columns:
        raise AnswerError(f"it has no columns time and {field}")
    time_at, value_at = columns.index("time"), columns.index(field)
    common = {name: value for name, value in (series.get("tags") or {}).items() if value}
    others = [(at, name) for at, name in enumerate(columns) if at not in (time_at, value_at)]
    tags = tuple(sorted(common.items()))
    for row in rows:
        value = row[value_at]
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, float):
            raise QueryError(f"the field {field} holds {type(value).__name__} values, expected numbers")
        if others:
            own = {name: str(row[at]) for at, name in others if row[at]}
            tags = tuple(sorted({**common, **own}.items()))
        yield tags, (int(row[time_at]), value)
