# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading metrics out of what any command prints, by a regular expression or a JMESPath expression for each. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    InfrastructureError,
    last_lines,
)

try:
    import jmespath
except ImportError:
    HAS_JMESPATH = False
else:
    HAS_JMESPATH = True

_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


class Mapping(NamedTuple):
    """Where a metric is found: the one group of `regex`, or the value of `path`; it is multiplied by `factor`."""

    metric: str
    regex: str
    path: str
    factor: float
    may_be_zero: bool


def fault_of(regex: str, path: str) -> str | None:
    """What is wrong with an expression, as half a sentence; a path is only looked at where JMESPath is installed."""
    if regex:
        try:
            groups = re.compile(regex, re.MULTILINE).groups
        except (re.error, RecursionError, OverflowError) as error:
            return f"found {regex!r}, which is no regular expression: {error}"
        return None if groups == 1 else f"found {regex!r}, expected exactly one group, which is the number"
    if HAS_JMESPATH:
        try:
            jmespath.compile(path)
        except jmespath.exceptions.JMESPathError as error:
            return f"found {path!r}, which is no JMESPath expression: {' '.join(str(error).split())}"
    return None


def metrics(output: str, mappings: Sequence[Mapping]) -> dict[str, float]:
    """Metrics of one output. Raises BenchmarkError where any is missing, no number, negative, or 0 and may not be."""
    content = _json(output) if any(mapping.path for mapping in mappings) else None
    found = {}
    for mapping in mappings:
        value = _searched(mapping, content, output) if mapping.path else _matched(mapping, output)
        value *= mapping.factor
        if not math.isfinite(value) or value < 0 or (value == 0 and not mapping.may_be_zero):
            hint = "" if value else " If 0 is a good result, say may_be_zero: true"
            raise BenchmarkError(f"{mapping.metric} is {value:g}, expected a number above 0.{hint}{last_lines(output)}")
        found[mapping.metric] = value
    return found


def _matched(mapping: Mapping, output: str) -> float:
    texts = re.findall(mapping.regex, output, re.MULTILINE)
    if len(texts) != 1:
        times = "nothing" if not texts else f"{len(texts)} places"
        raise BenchmarkError(
            f"{mapping.metric}: {mapping.regex!r} matches {times} in the output, expected one.{last_lines(output)}"
        )
    text = texts[0].strip()
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise BenchmarkError(f"{mapping.metric}: the output has {text[:40]!r} there, expected a number of at least 0")
    return float(text)


def _searched(mapping: Mapping, content: Any, output: str) -> float:
    if not HAS_JMESPATH:
        raise InfrastructureError(
            "the Python library jmespath is not on this machine. Install the package python3-jmespath, or run the role "
            "evolve.vm.benchmark with tasks_from: install, or use regex in place of jmespath"
        )
    try:
        value = jmespath.search(mapping.path, content)
    except jmespath.exceptions.JMESPathError as error:
        reason = " ".join(str(error).split())
        raise BenchmarkError(f"{mapping.metric}: {mapping.path} fails: {reason}.{last_lines(output)}") from error
    if isinstance(value, str) and value.isascii() and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BenchmarkError(
            f"{mapping.metric}: {mapping.path} gives {str(value)[:40]!r}, expected a number.{last_lines(output)}"
        )
    try:
        return float(value)
    except OverflowError as error:
        raise BenchmarkError(f"{mapping.metric}: {mapping.path} gives a number that is too large") from error


def _json(output: str) -> Any:
    try:
        return json.loads(output)
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"the output is no JSON: {str(error)[:100]}.{last_lines(output)}") from error
