# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every database of metrics can do here: say whether it is there, take points, and give them back as they were.

Nothing is aggregated by a database. Each rounds, fills and interpolates in its own way; raw points are read, and what
follows from them is computed here (aggregation.py), so that the same points give the same number everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window


class BackendError(RuntimeError):
    """A database does not do what it is asked for. The text says which one and what to do, and holds no secret.

    passing: whether the same may work later without anyone doing anything (it does not answer, is overloaded).
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class RejectedError(BackendError):
    """Points that the database will never take, such as those too old for it, or of another type.

    count: how many of those written, where the database says so; the others were taken.
    """

    def __init__(self, message: str, count: int | None = None) -> None:
        super().__init__(message)
        self.count = count


class Backend(ABC):
    """One database. Every method may raise BackendError.

    `shown` names it in messages: its kind and URL, without a password.
    """

    shown: str

    @abstractmethod
    def check(self) -> str:
        """What answers, for people (`InfluxDB 1.6.7, database evolve`); an error where points could not be kept."""

    @abstractmethod
    def write(self, points: Sequence[Point]) -> None:
        """Keep points, in any order. Those it has already do no harm; RejectedError where it takes only some."""

    @abstractmethod
    def read(self, selector: Selector, window: Window) -> list[Series]:
        """The raw points of a window, each series in the order of time, the series in that of their tags."""
