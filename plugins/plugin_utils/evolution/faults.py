# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of an input, collected so that a user sees all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `where` is the user's key, `problem` says what was found and what is accepted."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class InputError(ValueError):
    """An input is not usable; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        title = "1 fault" if count == 1 else f"{count} faults"
        super().__init__("\n".join([f"{title} in {self.subject}:", *(f"  - {fault}" for fault in self.faults)]))

    subject = "the input"


def suggestion(word: str, known: Sequence[str]) -> str:
    """' Did you mean X?' for the nearest known word, or nothing."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


def listing(words: Iterable[object]) -> str:
    """Words as a readable list: a, b, c."""
    return ", ".join(str(word) for word in words)
