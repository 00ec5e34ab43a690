# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the YAML that stress-ng leaves. Pure; it gives metrics or raises BenchmarkError, never anything else.

Only what stress-ng writes is read: a list of mappings, one level deep. The rate is compared with operations and time.
"""

from __future__ import annotations

import re

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

_ENTRY = re.compile(r" +- stressor: (\S+)")
_VALUE = re.compile(r" +(\S[^:]*): (\S.*)")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?")
_OPERATIONS = "bogo-ops"
_SECONDS = "wall-clock-time"
_RATE = "bogo-ops-per-second-real-time"


def metrics(report: str, stressor: str, name: str) -> dict[str, float]:
    """The one metric, called `name`, of the report on a run of this one stressor."""
    found = _stressors(report)
    if list(found) != [stressor]:
        raise BenchmarkError(
            f"stress-ng reported on {', '.join(found) or 'no stressor'}, expected {stressor}." + last_lines(report)
        )
    values = found[stressor]
    operations = _positive(values, _OPERATIONS)
    seconds = _positive(values, _SECONDS)
    rate = _positive(values, _RATE)
    computed = operations / seconds
    if abs(rate - computed) > 0.01 * computed:
        raise BenchmarkError(
            f"stress-ng's output contradicts itself: it has {rate:g} for {_RATE}, but {operations:g} operations in "
            f"{seconds:g} s are {computed:g} a second"
        )
    return {name: rate}


def _stressors(report: str) -> dict[str, dict[str, str]]:
    """The values of each stressor, as texts."""
    lines = report.splitlines()
    # A report that is torn lacks the mark at its end.
    if lines.count("metrics:") != 1 or lines[-1] != "...":
        raise BenchmarkError("stress-ng left no complete report of metrics." + last_lines(report))
    found: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for line in lines[lines.index("metrics:") + 1 : -1]:
        if line and line[0] != " ":
            # Sections that other options of stress-ng add.
            break
        entry = _ENTRY.fullmatch(line)
        value = _VALUE.fullmatch(line)
        if entry:
            values = found.setdefault(entry.group(1), {})
        elif value and value.group(1) in (_OPERATIONS, _SECONDS, _RATE):
            if value.group(1) in values:
                raise BenchmarkError(f"stress-ng's report has '{value.group(1)}' twice." + last_lines(report))
            values[value.group(1)] = value.group(2)
    return found


def _positive(values: dict[str, str], key: str) -> float:
    text = values.get(key)
    if text is None or not _NUMBER.fullmatch(text) or not text.isascii():
        shown = "nothing" if text is None else repr(text[:40])
        raise BenchmarkError(f"stress-ng's report has {shown} for '{key}', expected a number of at least 0")
    number = float(text)
    if number <= 0:
        raise BenchmarkError(f"stress-ng measured nothing: {key} is {number:g}")
    return number
