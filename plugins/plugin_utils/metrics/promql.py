# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL, the language of Prometheus and VictoriaMetrics: what is asked in it, and what their answers mean. Pure.

Names are checked and values are quoted, so that nothing in a tag can change the question.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
# What Prometheus and VictoriaMetrics say where a question reads more than they are set to read.
_TOO_MANY = re.compile(r"too many samples|maxSamplesPer(?:Query|Series)")
_SHOWN_CHARACTERS = 300
# What comes of reading something else as an answer.
_UNLIKE_ANSWERS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


class TooManyPointsError(BackendError):
    """A question reads more points than the server gives at once."""


class Value(NamedTuple):
    """One number of an answer. tags: without the metric's name."""

    tags: dict[str, str]
    at_ms: int
    value: float


class Values(NamedTuple):
    """The numbers that an expression has at a moment, and what the server warns of."""

    values: list[Value]
    warnings: list[str]


@lru_cache(maxsize=4096)
def metric_name(measurement: str, field: str) -> str:
    """The metric of a field: `evolve_vm_cpu_steal_percent`, or the measurement alone where the field is `value`.

    Raises BackendError for what is no name of a metric.
    """
    name = measurement if field == "value" else f"{measurement}_{field}"
    if not _METRIC.fullmatch(name):
        raise BackendError(
            f"{name!r} is no name of a metric: it must be made of letters, digits, _ and :, and begin with no digit"
        )
    return name


@lru_cache(maxsize=65536)
def checked_labels(tags: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The tags, where each can be a label. Raises BackendError."""
    for name, value in tags:
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise BackendError(
                f"{name!r} is no name of a label: it must be made of letters, digits and _, and begin neither with a "
                "digit nor with __"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BackendError(f"the label {name} has a value that is no text: {value!r}") from None
    return tags


def selector_text(selector: Selector) -> str:
    """The series of a selector, in PromQL. Raises BackendError for names that there cannot be."""
    name = metric_name(selector.measurement, selector.field)
    tags = ",".join(f"{name}={_quoted(value)}" for name, value in checked_labels(selector.tags))
    return f"{name}{{{tags}}}"


def range_text(series: str, window: Window) -> str:
    """The raw points of a window, for a question at its end. Prometheus 2 adds one at its beginning."""
    return f"{series}[{window.end_ms - window.begin_ms}ms]"


def count_text(series: str, window: Window) -> str:
    """How many these are."""
    return f"sum(count_over_time({range_text(series, window)}))"


def seconds_text(at_ms: int) -> str:
    """A moment as the API takes it."""
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"


def read_series(body: bytes, shown: str) -> list[Series]:
    """The answer to `range_text`: each series with the points it has, whatever their order.

    What is no number (a series that ended, 0/0) is left out. A warning says that points may be missing, and is an
    error.
    """
    data, warnings = _data(body, shown)
    if warnings:
        raise BackendError(f"{shown} warns that its answer may not be whole: {'; '.join(warnings)}")
    with _Understood(shown, body):
        if data["resultType"] != "matrix":
            raise ValueError
        return [Series(_tags(each), list(_numbers(_only_floats(each, "values", shown)))) for each in data["result"]]


def read_values(body: bytes, shown: str) -> Values:
    """The answer to an expression that gives a number, or one for each of several series; NaN is a number here."""
    data, warnings = _data(body, shown)
    with _Understood(shown, body):
        kind, result = data["resultType"], data["result"]
        if kind == "scalar":
            return Values([_value({}, result)], warnings)
        if kind == "vector":
            return Values([_value(_tags(each), _only_floats(each, "value", shown)) for each in result], warnings)
    raise BackendError(
        f"{shown}: the expression gives a {kind}; expected one that gives numbers for one moment, without a range "
        "such as [5m] at its end"
    )


class _Understood:
    """Turns what goes wrong in reading an answer into a BackendError."""

    def __init__(self, shown: str, body: bytes) -> None:
        self._shown = shown
        self._body = body

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _UNLIKE_ANSWERS):
            raise _not_understood(self._shown, self._body) from None


def _not_understood(shown: str, body: bytes) -> BackendError:
    said = " ".join(body[: _SHOWN_CHARACTERS + 1].decode("utf-8", "replace").split())
    return BackendError(
        f"{shown} answers with what is not understood, or was cut off: {said[:_SHOWN_CHARACTERS]!r}. "
        "Is its URL that of Prometheus or VictoriaMetrics?"
    )


def _data(body: bytes, shown: str) -> tuple[Any, list[str]]:
    with _Understood(shown, body):
        answer = json.loads(body)
        if answer["status"] == "success":
            partial = ["isPartial: some servers of the cluster did not answer"] if answer.get("isPartial") else []
            return answer["data"], [*map(str, answer.get("warnings") or []), *partial]
        said = " ".join(str(answer["error"]).split())[: 2 * _SHOWN_CHARACTERS]
        kind = TooManyPointsError if _TOO_MANY.search(said) else BackendError
    raise kind(f"{shown} answers with an error: {said}")


def _tags(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in sorted(entry["metric"].items()) if name != "__name__"}


def _only_floats(entry: Mapping[str, Any], key: str, shown: str) -> Any:
    if key not in entry and {"histogram", "histograms"} & set(entry):
        raise BackendError(
            f"{shown}: {entry['metric'].get('__name__', 'the result')} is a native histogram; expected numbers, "
            "such as histogram_quantile() gives"
        )
    return entry[key]


def _numbers(pairs: Iterable[tuple[float, str]]) -> Iterable[tuple[int, float]]:
    for seconds, text in pairs:
        value = float(text)
        if not math.isnan(value):
            yield round(seconds * 1000), value


def _value(tags: dict[str, str], pair: tuple[float, str]) -> Value:
    seconds, text = pair
    return Value(tags, round(seconds * 1000), float(text))


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
