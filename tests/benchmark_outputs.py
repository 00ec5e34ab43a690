# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark outputs for tests: reading recorded ones, and damaging them by the hundred thousand (`make fuzz`)."""

from __future__ import annotations

import math
import os
import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import PlannedShell
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job

#: Damaged outputs a parser is given in a test; `make fuzz` asks for 100,000.
ROUNDS = int(os.environ.get("EVOLVE_FUZZ_ROUNDS", "1000"))
_WORDS = (
    *("", "0", "-1", "nan", "inf", "-inf", "1e999", "0.00", "1,5", "1.234,5", "null", "true", "{}", "[]", '""', "-"),
    *("99999999999999999999", "0x10", "1_000", "٣", "½", "\x00", "\u2028", "NaN", "%", "us", "ms", "s", "k", "M"),
)
_TOKEN = re.compile(r"[\w.+%-]+")
_LETTERS = "".join(map(chr, range(32, 127))) + "\n\r\t\0\x1b\x85é٣½\u2028\ufffd😀"


class RecordedShell(PlannedShell):
    """Holds the files that a run has left."""

    def __init__(
        self, files: Mapping[str, str] | None = None, target: str = "127.0.0.1", cpus: int = 2, seed: int = 1
    ) -> None:
        super().__init__(target, seed, cpus)
        self.files = dict(files or {})

    def read(self, name: str) -> str:
        if name not in self.files:
            raise BenchmarkError(f"the benchmark left no file {name}")
        return self.files[name]

    def write(self, name: str, text: str) -> None:
        self.files[name] = text

    def names(self) -> list[str]:
        return sorted(self.files)


def job_of(definition: Mapping[str, Any]) -> Job:
    """The one job of a definition."""
    (benchmark,) = parse_definition(definition).benchmarks
    (job,) = benchmark.jobs
    return job


def read(job: Job, output: str, files: Mapping[str, str] | None = None) -> dict[str, float]:
    """What a job makes of an output and of the files beside it."""
    return job.metrics(output, RecordedShell(files))


def survive_damage(
    reader: Callable[[str], dict[str, float]], outputs: Sequence[str], names: Sequence[str], zeros: Collection[str] = ()
) -> int:
    """Give a reader damaged outputs: each must end in complete metrics or in a BenchmarkError, never in another error.

    names: the metrics that it promises. zeros: those of them that may be 0 in a valid run; any other 0 is a number that
    was made up. Returns how many of the damaged outputs were read: none would mean that the test tests little.
    """
    draw = random.Random(20261123)
    good = 0
    for dummy in range(ROUNDS):
        damaged = _damaged(draw.choice(outputs), draw)
        try:
            metrics = reader(damaged)
        except BenchmarkError:
            continue
        assert list(metrics) == list(names), f"{metrics} of:\n{damaged}"
        for name, value in metrics.items():
            assert isinstance(value, float), f"{name} is {value!r} of:\n{damaged}"
            assert math.isfinite(value), f"{name} is {value!r} of:\n{damaged}"
            assert value >= 0 if name in zeros else value > 0, f"{name} is {value!r} of:\n{damaged}"
        good += 1
    return good


def _damaged(text: str, draw: random.Random) -> str:
    """The text with one to three things done to it that happen to outputs, or could."""
    for dummy in range(draw.choice((1, 1, 2, 3))):
        text = draw.choice(_DAMAGES)(text, draw)
    return text


def _cut_off(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def _without_a_line(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[draw.randrange(len(lines))]
    return "".join(lines)


def _with_a_line_twice(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return "".join(lines)


def _with_another_word(text: str, draw: random.Random) -> str:
    """A word, or a value between punctuation, is another."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    if not spans:
        return text
    start, end = draw.choice(spans)
    return text[:start] + draw.choice(_WORDS) + text[end:]


def _with_another_letter(text: str, draw: random.Random) -> str:
    if not text:
        return text
    place = draw.randrange(len(text))
    return text[:place] + draw.choice(_LETTERS) + text[place + 1 :]


def _with_a_piece_gone(text: str, draw: random.Random) -> str:
    start = draw.randrange(len(text) + 1)
    return text[:start] + text[start + draw.randrange(1, 200) :]


_DAMAGES = (
    _cut_off,
    _without_a_line,
    _with_a_line_twice,
    _with_another_word,
    _with_another_word,
    _with_another_letter,
    _with_a_piece_gone,
)
