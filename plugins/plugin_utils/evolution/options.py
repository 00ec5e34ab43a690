# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the options of an algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion


class OptionsError(InputError):
    """The algorithm's options are not usable."""

    subject = "the algorithm's options"


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        fine = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return "" if fine else f"found {value!r}, expected a whole number {self.least} to {self.most}"


@dataclass(frozen=True)
class Share:
    """A number above 0 and at most 1."""

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        fine = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1
        return "" if fine else f"found {value!r}, expected a number above 0 and at most 1"


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: Sequence[str]

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        if value in self.words:
            return ""
        return f"found {value!r}, expected one of {listing(self.words)}.{suggestion(str(value), self.words)}"


Setting = Whole | Share | Choice


def faults_of(options: Mapping[str, Any], known: Mapping[str, Setting]) -> list[Fault]:
    """Everything that is wrong with options as the user wrote them."""
    faults = []
    for name, value in options.items():
        if name not in known:
            faults.append(Fault(name, f"unknown; accepted: {listing(known)}.{suggestion(name, list(known))}"))
        elif problem := known[name].problem(value):
            faults.append(Fault(name, problem))
    return faults
