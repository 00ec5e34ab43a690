# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam a kind of probe plugs into: one class, which asks one machine once, and one line in `definition`.

All probes of a sampler share one thread (asyncio), so that no answer waits for another; whoever asks measures its own
time. Time limits are the caller's: a question that takes too long is cancelled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section

TARGET = "{target}"
"""Stands in the options of a probe for the address of the machine, as seen from where the sampler runs."""
HOST = r"[^\s-]\S*"
"""What an address looks like: nothing that a program would take for an option."""


class ProbeFailed(Exception):
    """The machine did not give the right answer; the text says what happened instead."""


class ProbeFault(Exception):
    """The probe cannot work where the sampler runs: a program or a permission is missing."""


class Probe(ABC):
    """One question to one machine, asked again and again.

    is_network: it tells of the way to the machine, not of its application.
    """

    OPTIONS: ClassVar[Sequence[str]] = ()
    """Its own, besides those that all probes have. Every value that is a text may hold TARGET."""
    is_network: bool = False

    @abstractmethod
    def __init__(self, section: Section, address: str) -> None:
        """Take the options, TARGET replaced; what is wrong with them is added to the section's faults.

        address: of the machine, for what is not said.
        """

    def check(self) -> None:
        """Raise ProbeFault where it cannot work here."""
        return

    @abstractmethod
    async def ask(self) -> float:
        """Ask once, until the whole answer is there; the time that took in ms. Raises ProbeFailed and OSError."""

    def close(self) -> None:
        """End what was kept open."""
        return
