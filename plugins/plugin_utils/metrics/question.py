# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of metrics: of which tags, in which time, aggregated how, and how old they may be."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.durations import seconds_in
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import AGGREGATIONS
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Window, tagged

# As an aggregation: the points themselves.
RAW = "none"
_DEFAULT_WINDOW = "5min"


@dataclass(frozen=True)
class Question:
    """fresh_seconds: how old the newest point of a series may be at the end of the window; None for any age."""

    window: Window
    aggregation: str
    tags: tuple[tuple[str, str], ...]
    fresh_seconds: float | None
    must_exist: bool

    @property
    def shown_window(self) -> str:
        """The window, for messages."""
        return f"{iso_time(self.window.begin_ms)} to {iso_time(self.window.end_ms)}"


def iso_time(at_ms: int) -> str:
    """A moment as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ms % 1000:03d}Z"


def read_question(options: Mapping[str, Any], now_ms: int, faults: list[Fault]) -> Question | None:
    """The question in the options window, begin, end, aggregation, tags, fresh_seconds and must_exist.

    What is wrong is added to `faults`.
    """
    before = len(faults)
    aggregation = options.get("aggregation") or "mean"
    choices = [*AGGREGATIONS, RAW]
    if aggregation not in choices:
        hint = suggestion(str(aggregation), choices)
        faults.append(Fault("aggregation", f"found {aggregation!r}, expected one of {listing(choices)}.{hint}"))
    fresh = options.get("fresh_seconds")
    if fresh is not None:
        fresh = _seconds("fresh_seconds", fresh, faults)
    tags = _tags(options.get("tags"), faults)
    window = _window(options, now_ms, faults)
    if window is None or len(faults) > before:
        return None
    return Question(window, aggregation, tags, fresh, bool(options.get("must_exist")))


def _window(options: Mapping[str, Any], now_ms: int, faults: list[Fault]) -> Window | None:
    length, begin, end = (options.get(name) for name in ("window", "begin", "end"))
    before = len(faults)
    end_ms = now_ms if end is None else _moment("end", end, faults)
    if begin is None:
        seconds = _seconds("window", _DEFAULT_WINDOW if length is None else length, faults)
        begin_ms = end_ms - round(seconds * 1000)
    else:
        begin_ms = _moment("begin", begin, faults)
        if length is not None:
            faults.append(Fault("window", "is given together with begin; give one of them"))
    if len(faults) > before:
        return None
    if begin_ms >= end_ms:
        faults.append(Fault("begin", f"{iso_time(begin_ms)} is not before the end, {iso_time(end_ms)}"))
        return None
    return Window(begin_ms, end_ms)


def _seconds(where: str, given: Any, faults: list[Fault]) -> float:
    try:
        seconds = seconds_in(given)
    except ValueError as error:
        faults.append(Fault(where, str(error)))
        return 0.0
    if not 0 < seconds <= 100 * 366 * 86400:
        faults.append(Fault(where, f"found {given!r}, expected more than 0, and at most 100 years"))
        return 0.0
    return seconds


def _moment(where: str, given: Any, faults: list[Fault]) -> int:
    """Milliseconds since 1970 of seconds since then, or of a time with its zone."""
    moment = _read_moment(given)
    if is_number(moment) and 0 <= moment < 2**40:
        return round(float(moment) * 1000)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return round(moment.timestamp() * 1000)
    expected = "a time with its zone such as 2026-11-23T04:00:00Z, or seconds since 1970"
    faults.append(Fault(where, f"found {str(given)!r}, expected {expected}"))
    return 0


def _read_moment(given: Any) -> Any:
    if isinstance(given, str):
        for read in (float, datetime.fromisoformat):
            with suppress(ValueError):
                return read(given.strip())
    return given


def _tags(given: Any, faults: list[Fault]) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        faults.append(Fault("tags", f"found {given!r}, expected a mapping of tag to value"))
        return ()
    tags = {}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
            faults.append(Fault(f"tags.{name}", f"found {value!r}, expected a text; leave it out for any value"))
        else:
            tags[str(name)] = str(value)
    return tagged(**tags)
