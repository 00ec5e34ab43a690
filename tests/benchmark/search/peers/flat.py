# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A space without conditions as plain numbers, for peers whose spaces have no more than that.

A bool or choice is the position among its values, an ordered one too; a number on a log scale is its logarithm.
Inactive parameters are carried along and have no effect.
"""

from __future__ import annotations

import math
from typing import Any

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter


def is_integer(parameter: Parameter) -> bool:
    return not (parameter.kind == "float" or (parameter.is_number and parameter.log))


def bounds(parameter: Parameter) -> tuple[float, float]:
    if not parameter.is_number:
        return 0, len(parameter.values) - 1
    if parameter.log:
        return math.log(parameter.low), math.log(parameter.high)
    return parameter.low, parameter.high


def value(parameter: Parameter, number: float) -> Any:
    """The parameter's value at a number within the bounds."""
    if not parameter.is_number:
        return parameter.values[int(number)]
    number = math.exp(number) if parameter.log else float(number)
    number = min(max(number, parameter.low), parameter.high)
    return round(number) if parameter.kind == "int" else number
