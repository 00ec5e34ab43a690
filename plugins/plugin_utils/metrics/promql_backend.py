# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus and VictoriaMetrics have in common: points are sent by remote write, and read in PromQL.

Raw points are read: the range of a series at one moment, which no server rounds, fills or aggregates.
"""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics import promql
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.http import Answer, HttpClient
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.remote_write import HEADERS
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.samples import (
    Labels,
    Sample,
    batches,
    body_of,
    samples_of,
)

_WRITE = "/api/v1/write"
_BUILD = "/api/v1/status/buildinfo"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# At least this much is read at once, however many points it is; what is longer is counted first.
_SHORT_MS = 6 * 3600 * 1000
# And about this many points, at 30 bytes each.
_POINTS_AT_ONCE = 200_000
# VictoriaMetrics finds nothing in a window that reaches back to 1970.
_EARLIEST_MS = 24 * 3600 * 1000
_Result = TypeVar("_Result")


class PromqlBackend(Backend):
    """What both can do."""

    product: ClassVar[str]
    # What to do where points are refused.
    _advice: ClassVar[str]
    # Beside the question and its moment.
    _query_options: ClassVar[dict[str, str]] = {}

    def __init__(self, connection: Connection, clock_ms: Callable[[], int] | None = None) -> None:
        self.shown = f"{self.product} at {connection.url}"
        self._http = HttpClient(connection, self.shown)
        self._now_ms = clock_ms or _now_ms

    def write(self, points: Sequence[Point]) -> None:
        refused: Counter[str] = Counter()
        for batch in batches(samples_of(points, self._now_ms(), refused)):
            refused += self._written(batch)
        if refused:
            reasons = "; ".join(f"{count}: {reason}" for reason, count in refused.most_common())
            raise RejectedError(
                f"{self.shown} does not take {refused.total()} of {len(points)} points. {reasons}. {self._advice}",
                refused.total(),
            )

    def read(self, selector: Selector, window: Window) -> list[Series]:
        text = promql.selector_text(selector)
        found: dict[Labels, dict[int, float]] = {}
        for part in self._parts(text, window):
            for tags, points in self._raw(text, part):
                series = found.setdefault(tuple(sorted(tags.items())), {})
                for at_ms, value in points:
                    # VictoriaMetrics keeps both where two values of a moment were written; it too prefers the larger.
                    if part.holds(at_ms) and value >= series.get(at_ms, value):
                        series[at_ms] = value
        return [Series(dict(labels), sorted(found[labels].items())) for labels in sorted(found) if found[labels]]

    def values(self, expression: str, at_ms: int) -> promql.Values:
        """What an expression in PromQL gives for a moment, computed by the server."""
        return self._query(expression, at_ms, promql.read_values)

    @abstractmethod
    def _written(self, batch: Sequence[Sample]) -> Counter[str]:
        """Send a batch; gives how many points the server does not take, by the reason."""

    def _post(self, samples: Sequence[Sample]) -> Answer:
        return self._http.request("POST", _WRITE, body=body_of(samples), headers=HEADERS)

    def _not_written(self, answer: Answer) -> BackendError:
        if answer.status == 413:
            return BackendError(f"{self.shown}: a proxy on the way takes no request as large as ours (HTTP 413)")
        return BackendError(
            f"{self.shown} does not take points (HTTP {answer.status}: {self._http.shortened(answer)}). Is `url` its "
            "address, with the path where it has one?"
        )

    def _build(self) -> dict[str, Any]:
        """What the server says about itself."""
        answer = self._http.request("GET", _BUILD)
        try:
            return dict(json.loads(answer.body)["data"])
        except (ValueError, KeyError, TypeError):
            raise BackendError(
                f"{self.shown} does not answer as {self.product} does (HTTP {answer.status} for {_BUILD}: "
                f"{self._http.shortened(answer)}). Is `url` its address, with the path where it has one?"
            ) from None

    def _parts(self, text: str, window: Window) -> Iterator[Window]:
        """The window in parts that hold about as many points as may be read at once."""
        window = Window(max(window.begin_ms, _EARLIEST_MS), window.end_ms)
        length = window.end_ms - window.begin_ms
        if length <= 0:
            return
        if length <= _SHORT_MS:
            yield window
            return
        try:
            total = self._query(promql.count_text(text, window), window.end_ms, promql.read_values).values
        except promql.TooManyPointsError:
            for half in _halves(window):
                yield from self._parts(text, half)
            return
        if total:
            count = min(-(-int(total[0].value) // _POINTS_AT_ONCE), length)
            edges = [window.begin_ms + length * number // count for number in range(count + 1)]
            yield from (Window(*pair) for pair in pairwise(edges))

    def _raw(self, text: str, window: Window) -> list[Series]:
        """The points of a window, maybe with some beside it, a series maybe in several parts."""
        try:
            return self._query(promql.range_text(text, window), window.end_ms, promql.read_series)
        except promql.TooManyPointsError:
            if window.end_ms - window.begin_ms == 1:
                raise
        return [series for half in _halves(window) for series in self._raw(text, half)]

    def _query(self, expression: str, at_ms: int, read: Callable[[bytes, str], _Result]) -> _Result:
        options = {"query": expression, "time": promql.seconds_text(at_ms), **self._query_options}
        answer = self._http.request("POST", "/api/v1/query", body=urlencode(options).encode(), headers=_FORM)
        try:
            return read(answer.body, self.shown)
        except BackendError as error:
            raise type(error)(self._http.scrubbed(str(error)), passing=error.passing) from None


def _halves(window: Window) -> tuple[Window, Window]:
    middle = (window.begin_ms + window.end_ms) // 2
    return Window(window.begin_ms, middle), Window(middle, window.end_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
