# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a study: configurations as YAML files that `apply` accepts, and where its other files are.

<home>/studies/<study>/best.yml
<home>/studies/<study>/report.html
<home>/studies/<study>/population/generation-000/individual-0000.yml
"""

from __future__ import annotations

from pathlib import Path


class StudyFolder:
    """Where the files of one study are. Each file is replaced whole or not at all."""

    def __init__(self, home: str, study: str) -> None:
        self.path = Path(home).expanduser().absolute() / "studies" / study

    @property
    def best(self) -> Path:
        return self.path / "best.yml"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def population(self) -> Path:
        return self.path / "population"

    def individual(self, generation: int, number: int) -> Path:
        """The file of one individual."""
        return self.population / f"generation-{generation:03d}" / f"individual-{number:04d}.yml"
