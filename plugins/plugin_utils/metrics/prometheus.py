# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and VictoriaMetrics: how they are told apart, and what each does with points it will not keep."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics import promql
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.http import Answer
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.promql_backend import PromqlBackend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.refusals import Bounds, meaning, write_what_it_takes
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.samples import Labels, Sample

# VictoriaMetrics shows points some seconds after it took them.
_SHOWN_AFTER_MS = 10_000
_DAY_MS = 86400 * 1000
_HOUR_MS = 3600 * 1000
_OUT_OF_ORDER_WINDOW = re.compile(r"^\s*out_of_order_time_window: *(\S+)", re.MULTILINE)
_GO_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": _HOUR_MS,
    "d": _DAY_MS,
    "w": 7 * _DAY_MS,
    "y": 365 * _DAY_MS,
}


class Prometheus(PromqlBackend):
    """Prometheus 2 and 3. It takes points where it was started with --web.enable-remote-write-receiver."""

    product = "Prometheus"
    _advice = (
        "Prometheus keeps a series in the order of time, and nothing much older than its newest point: send points "
        "soon after they were measured, compare the clocks, or set storage.tsdb.out_of_order_time_window (such as 2h) "
        "in its prometheus.yml, which takes late points"
    )

    def check(self) -> str:
        build = self._build()
        if "revision" not in build:
            raise BackendError(
                f"{self.shown} does not say what Prometheus says about itself. "
                "Give `kind: victoriametrics` where it is VictoriaMetrics"
            )
        # A request without points leaves none behind.
        answer = self._post([])
        if answer.status >= 300:
            raise self._not_written(answer)
        return f"Prometheus {build.get('version') or 'of an unknown version'}, takes points by remote write"

    def refusal(self, samples: Sequence[Sample]) -> str:
        try:
            answer = self._post(samples)
        except BackendError as error:
            # Prometheus 2 calls this an error of its own (HTTP 500).
            if "too old sample" in str(error):
                return meaning("too old sample")
            raise
        reason = meaning(answer.text) if answer.status == 400 else ""
        if answer.status >= 300 and not reason:
            raise self._not_written(answer)
        return reason

    def bounds(self) -> Bounds:
        try:
            flags, config, head = (self._status(name) for name in ("flags", "config", "tsdb"))
            newest_ms = int(head["headStats"]["maxTime"])
            in_order_ms = _milliseconds(flags["storage.tsdb.min-block-duration"]) // 2
            said = _OUT_OF_ORDER_WINDOW.search(config["yaml"])
            late_ms = _milliseconds(said.group(1)) if said else 0
        except (BackendError, ValueError, KeyError, TypeError):
            # Not everybody may ask this, and those that merely speak like Prometheus do not know it.
            return Bounds(None, in_order=False)
        return Bounds(newest_ms - max(in_order_ms, late_ms), in_order=late_ms == 0)

    def is_present(self, selector: Selector, window: Window) -> list[Labels]:
        text = f"count_over_time({promql.range_text(promql.selector_text(selector), window)})"
        found = self._query(text, window.end_ms, promql.read_values)
        return [tuple(sorted(each.tags.items())) for each in found.values]

    def _written(self, batch: Sequence[Sample]) -> Counter[str]:
        return write_what_it_takes(self, batch) if self.refusal(batch) else Counter()

    def _not_written(self, answer: Answer) -> BackendError:
        if answer.status == 404 and "remote-write-receiver" in answer.text:
            return BackendError(
                f"{self.shown} takes no points: its remote write receiver is off. Start it with "
                "--web.enable-remote-write-receiver, or let it scrape the points from a .prom file"
            )
        return super()._not_written(answer)

    def _status(self, name: str) -> Any:
        return json.loads(self._http.request("GET", f"/api/v1/status/{name}").body)["data"]


class VictoriaMetrics(PromqlBackend):
    """VictoriaMetrics (single node). It takes points in any order, and keeps about 11 digits of each value."""

    product = "VictoriaMetrics"
    # Otherwise it hides the newest 30 s from expressions.
    _query_options: ClassVar[dict[str, str]] = {"latency_offset": "1ms", "nocache": "1"}
    _advice = "VictoriaMetrics keeps points for its -retentionPeriod; start it with a longer one to keep older points"
    _retention_ms: int | None = None

    def check(self) -> str:
        build = self._build()
        if "revision" in build:
            raise BackendError(f"{self.shown} is Prometheus {build.get('version')}; give `kind: prometheus`")
        answer = self._post([])
        if answer.status >= 300:
            raise self._not_written(answer)
        return f"VictoriaMetrics {self._said('short_version') or 'of an unknown version'}, takes points by remote write"

    def read(self, selector: Selector, window: Window) -> list[Series]:
        self._show_newest(window.end_ms)
        return super().read(selector, window)

    def values(self, expression: str, at_ms: int) -> promql.Values:
        self._show_newest(at_ms)
        return super().values(expression, at_ms)

    def _written(self, batch: Sequence[Sample]) -> Counter[str]:
        oldest_ms = self._oldest_ms(batch[0].at_ms)
        kept = [sample for sample in batch if sample.at_ms >= oldest_ms]
        answer = self._post(kept)
        if answer.status >= 300:
            raise self._not_written(answer)
        # It would drop them without a word.
        return +Counter({"they are older than it keeps any (-retentionPeriod)": len(batch) - len(kept)})

    def _oldest_ms(self, first_ms: int) -> int:
        """The earliest moment of which it keeps points, where `first_ms` may lie before it, and 0 where not."""
        if first_ms > self._now_ms() - _DAY_MS:
            # No retention is shorter.
            return 0
        if self._retention_ms is None:
            said = re.fullmatch(r"([0-9.]+)([hdwy]?)", self._said("retentionPeriod"))
            # A number alone is one of months.
            unit = (_MILLISECONDS[said.group(2)] if said.group(2) else 31 * _DAY_MS) if said else 0
            self._retention_ms = round(float(said.group(1)) * unit) if said else 0
        return self._now_ms() - self._retention_ms if self._retention_ms else 0

    def _said(self, name: str) -> str:
        """What it says of its version or a flag in its own metrics; nothing where it says nothing."""
        try:
            text = self._http.request("GET", "/metrics").text
        except BackendError as error:
            if error.passing:
                raise
            return ""
        found = re.search(
            rf'^vm_app_version{{.*\b{name}="([^"]*)"|^flag{{name="{name}", value="([^"]*)"', text, re.MULTILINE
        )
        return (found.group(1) or found.group(2) or "") if found else ""

    def _show_newest(self, end_ms: int) -> None:
        """Make it show what it was sent in the last seconds; it shows it soon anyway where it does not let us."""
        if end_ms > self._now_ms() - _SHOWN_AFTER_MS:
            try:
                self._http.request("GET", "/internal/force_flush")
            except BackendError as error:
                if error.passing:
                    raise


def _milliseconds(duration: str) -> int:
    """Of a duration as Prometheus writes it: 1h30m."""
    if not re.fullmatch(rf"0|({_GO_DURATION.pattern})+", duration):
        raise ValueError(duration)
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _GO_DURATION.findall(duration))
