# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tuning tasks: measured tables, read through the loader that comes with them."""

from __future__ import annotations

import importlib.util
import math
import os
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[3]
VARIABLE = "EVOLVE_TUNING_TASKS"
# Standard deviation of one reading, in log units.
NOISE = 0.05
# A configuration whose true cost is within this factor of the best one counts as found.
FOUND = 1.05


def directory() -> Path:
    return Path(os.environ.get(VARIABLE) or REPOSITORY.parent / "shared" / "tuning_tasks")


@cache
def _loader() -> ModuleType:
    path = directory() / "tuning_tasks.py"
    if not path.is_file():
        raise SystemExit(
            f"There are no tuning tasks in {directory()}. Set {VARIABLE} to the directory that holds them."
        )
    spec = importlib.util.spec_from_file_location("tuning_tasks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names() -> list[str]:
    return list(_loader().names())


@cache
def load(name: str) -> Any:
    return _loader().load(name)


def objective(cost: float) -> float:
    """What every search minimises: the logarithm of a cost, or of 1 / throughput where the table holds -throughput."""
    return math.log(cost) if cost > 0 else -math.log(-cost)


def noise(task: str, seed: int, number: int) -> float:
    """Error of reading `number` in log units: the same for every search."""
    rng = np.random.default_rng([seed, zlib.crc32(task.encode()), number])
    return NOISE * float(rng.normal())


def found(task: Any, cost: float | None) -> bool:
    """Whether a true cost is as good as the table's best."""
    return cost is not None and objective(cost) <= objective(task.best) + math.log(FOUND)


def regret(task: Any, values: Mapping[str, Any] | None) -> float:
    """0 = best, 1 = the median random configuration; nothing to recommend counts as the worst cost."""
    if values is None:
        return float((task.worst - task.best) / (task.median - task.best))
    return float(task.regret(values))
