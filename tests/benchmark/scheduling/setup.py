# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run: a study and the slots it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Setup:
    """A study to run. A trial of its search takes `seconds` to `seconds + spread`, and its other runs take no time.

    forks: how many trials run at once; as many as there are slots unless given. strategy: steady_state or free.
    controllers: how many share the slots. store: URL of the store that they share; else a file.
    """

    slots: int
    trials: int
    seconds: float = 0.0
    spread: float = 0.0
    algorithm: str = "guided"
    seed: int = 1
    forks: int | None = None
    strategy: str = "steady_state"
    scheduling: str = "steady_state"
    controllers: int = 1
    store: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def forks_each(self) -> int:
        """Forks of each controller."""
        return self.forks or -(-self.slots // self.controllers)
