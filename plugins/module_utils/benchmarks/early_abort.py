# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a benchmark is not worth finishing: what it has given so far is far beyond what would count. Pure."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

#: How far beyond a limit a first reading must be: warm-ups are up to a quarter slow, and noise comes on top.
BEYOND = 2.0
#: Requests that may fail, in per cent, before it is no longer the same benchmark.
ERRORS_PERCENT = 50.0
_ERRORS = "errors_percent"


class Limit(NamedTuple):
    """What a goal demands of a metric: at least (maximize) or at most (minimize) `limit`."""

    metric: str
    direction: str
    limit: float


class EarlyAbort(NamedTuple):
    """limits: those of the goals. seconds: what a measurement may take; None: only its own timeout bounds it."""

    limits: tuple[Limit, ...] = ()
    seconds: float | None = None
    beyond: float = BEYOND
    errors_percent: float = ERRORS_PERCENT

    @classmethod
    def from_options(cls, options: Mapping[str, Any] | None) -> EarlyAbort | None:
        """As the module's option `early_abort` says it; None without one."""
        if not options:
            return None
        limits = tuple(Limit(limit["metric"], limit["direction"], limit["limit"]) for limit in options["limits"])
        return cls(limits, options["seconds"], options["beyond"], options["errors_percent"])

    @property
    def _beyond(self) -> str:
        return f"{self.beyond:g} times " if self.beyond != 1 else ""

    def after_run(self, number: int, of: int, metrics: Mapping[str, float]) -> str:
        """Why no other run is made after this one; empty where one is to be made, or none is left."""
        hopeless = self.reason(metrics) if number < of else None
        return f"after run {number} of {of}: {hopeless}" if hopeless else ""

    def reason(self, metrics: Mapping[str, float]) -> str | None:
        """Why a benchmark that has given these metrics so far is hopeless, as half a sentence; None where it is not."""
        for name, value in metrics.items():
            if name.rpartition(".")[2].endswith(_ERRORS) and value > self.errors_percent:
                return f"{name} is {value:.4g}, over {self.errors_percent:g}"
        for metric, direction, limit in self.limits:
            found = metrics.get(metric)
            if found is None or limit <= 0:
                continue
            if direction == "minimize" and found > limit * self.beyond:
                return f"{metric} is {found:.4g}, more than {self._beyond}its limit of {limit:g}"
            if direction == "maximize" and found < limit / self.beyond:
                return f"{metric} is {found:.4g}, {self._beyond}less than its limit of {limit:g}"
        return None
