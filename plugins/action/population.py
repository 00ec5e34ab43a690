# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate a population, or breed the next one from an evaluated one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import CROSSOVERS
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import Record
from ansible_collections.evolve.vm.plugins.plugin_utils.files import replace_file
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.population_file import population_text
from ansible_collections.evolve.vm.plugins.plugin_utils.population_task import read_task


class ActionModule(ControllerAction):
    """Reads a population from the task or a file, and gives the next one back, in a file too where one is named."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        # Raw, so that a value of the wrong type is reported with all other faults and not on its own.
        "parameters": {"type": "raw", "required": True},
        "constraints": {"type": "raw", "default": []},
        "baseline": {"type": "raw"},
        "founders": {"type": "raw", "default": []},
        "population": {"type": "raw"},
        "src": {"type": "path"},
        "dest": {"type": "path"},
        "size": {"type": "int", "default": 10},
        "elites": {"type": "int", "default": 2},
        "tournament": {"type": "int", "default": 3},
        "crossover": {"type": "str", "choices": list(CROSSOVERS), "default": "uniform"},
        "crossover_rate": {"type": "float", "default": 0.9},
        "mutation_rate": {"type": "float", "default": 0.2},
        "mutation_sigma": {"type": "float", "default": 0.2},
        "seed": {"type": "int", "default": 1},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        task = read_task(plain(options))
        population = task.population()
        result = {
            "changed": False,
            "population": population,
            "generation": max(one["generation"] for one in population),
            "best": task.best,
        }
        return result if task.dest is None else {**result, **self._written(task.dest, population)}

    def _written(self, path: Path, population: list[Record]) -> dict[str, Any]:
        """Make the file hold the population, unless only checking; returns what that adds to the result."""
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = population_text(path, population)
        if before != after and not self._task.check_mode:
            replace_file(path, after)
        return {
            "changed": before != after,
            "dest": str(path),
            "diff": {"before": before, "after": after, "before_header": str(path), "after_header": str(path)},
        }
