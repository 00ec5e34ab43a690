# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How numbers, units, times and strings from elsewhere are put into words. Pure; every function returns a plain str."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# Longest first: a name ends in the first of these that fits. Names carry their unit (DESIGN.md 10).
_UNITS = (
    ("_mbit_per_second", "Mbit/s"),
    ("_mib_per_second", "MiB/s"),
    ("_per_second", "/s"),
    ("_seconds", "s"),
    ("_percent", "%"),
    ("_bytes", "B"),
    ("_iops", "IOPS"),
    ("_kib", "KiB"),
    ("_mib", "MiB"),
    ("_gib", "GiB"),
    ("_mhz", "MHz"),
    ("_ms", "ms"),
    ("_us", "µs"),
)


def unit_of(name: str) -> str:
    """The unit that a metric's or parameter's name ends in, "" when it names none."""
    return next((unit for suffix, unit in _UNITS if name.endswith(suffix)), "")


def per_cent(log_ratio: float) -> float:
    """A log-ratio as per cent of change: 0.1 -> 10.517. Capped far beyond any honest reading instead of overflowing."""
    return 100.0 * math.expm1(min(log_ratio, 50.0))


def percent(log_ratio: float | None) -> str:
    """A log-ratio as people read it, always signed: 0.1 -> "+10.5 %"; None or not finite -> "n/a"."""
    if log_ratio is None or not math.isfinite(log_ratio):
        return "n/a"
    change = per_cent(log_ratio)
    digits = 0 if abs(change) >= 1000 else 1
    # Rounding first, then + 0.0: no "-0.0 %".
    return f"{round(change, digits) + 0.0:+,.{digits}f} %"


def number(given: float | None, signed: bool = False) -> str:
    """About four digits that matter: 3121.44 -> "3121", 12.345 -> "12.35", 0.01234 -> "0.01234"; missing -> "n/a"."""
    if given is None or not math.isfinite(given):
        return "n/a"
    sign = "+" if signed else ""
    size = abs(given)
    if given == int(given) and size < 1e15:
        return f"{int(given):{sign},d}" if size >= 10_000 else f"{int(given):{sign}d}"
    if size >= 10_000:
        return f"{given:{sign},.0f}"
    if size >= 1:
        return f"{given:{sign}.{3 - int(math.log10(size))}f}"
    return f"{given:{sign}.4g}"


def value(given: Any, signed: bool = False) -> str:
    """A parameter's or metric's value without unit; what a configuration does not have is "unset"."""
    if given is None:
        return "unset"
    if isinstance(given, float):
        return number(given, signed)
    # An integer is a setting: people compare and copy it, so no digit is dropped and none is grouped.
    return f"{given:+d}" if signed and isinstance(given, int) else plain(given)


def quantity(name: str, given: Any, signed: bool = False) -> str:
    """The same with the unit of its name: ("vm.memory_mib", 2048) -> "2048 MiB"."""
    unit = unit_of(name) if isinstance(given, (int, float)) and not isinstance(given, bool) else ""
    return f"{value(given, signed)} {unit}".rstrip()


def plain(given: Any) -> str:
    """Any JSON-able value on one line, as YAML's flow style would show it."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float):
        return f"{given:.6g}"
    if isinstance(given, Mapping):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in given.items()) + "}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "[" + ", ".join(plain(item) for item in given) + "]"
    return str(given)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 48 -> "48 s", 552 -> "9 min 12 s", 7380 -> "2 h 3 min"."""
    if seconds is None or not math.isfinite(seconds):
        return "n/a"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(iso: str | None) -> str:
    """An ISO 8601 time as "2026-11-22 11:32 UTC"; what cannot be read is shown as it is."""
    if not iso:
        return "unknown"
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def count(amount: int, noun: str) -> str:
    """(1, "trial") -> "1 trial", (2, "trial") -> "2 trials"."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def listed(phrases: Sequence[str]) -> str:
    """Phrases as one: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def interval(low: float, high: float) -> str:
    """Two log-ratios as people read an interval: "+8.1 % to +16.7 %"."""
    return f"{percent(low)} to {percent(high)}"


def confidence(verdict: Mapping[str, Any]) -> str:
    """How sure a verdict's intervals are: "95 %"."""
    return f"{100 * (verdict.get('confidence') or 0.95):g} %"


def pairs(verdict: Mapping[str, Any]) -> str:
    """How much a verdict rests on: "6 pairs in 3 blocks"."""
    amount, blocks = verdict.get("pairs") or 0, verdict.get("blocks") or 0
    return count(amount, "pair") + (f" in {count(blocks, 'block')}" if blocks else "")


def origin(word: str) -> str:
    """Where a trial came from, as part of a sentence."""
    return {
        "baseline": "the baseline",
        "initial": "from the initial population",
        "crossover": "by crossover",
        "mutation": "by mutation",
        "immigrant": "an immigrant",
        "repeat": "measured again",
    }.get(word, word)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each dotted name's shortest ending that no other name shares: kernel.sysctl.vm.swappiness -> swappiness."""
    endings = {name: [name.split(".", skip)[-1] for skip in range(name.count("."), -1, -1)] for name in names}
    users = Counter(ending for options in endings.values() for ending in options)
    return {name: next((ending for ending in options if users[ending] == 1), name) for name, options in endings.items()}


def printable(text: str) -> str:
    """The text without control characters, direction overrides and lone surrogates.

    Messages come from guests and benchmarks: an escape sequence in one must not drive the reader's terminal, and a byte
    that was no text must not stop the report from being written.
    """
    if text.isprintable():
        return text
    return "".join(
        " " if character == "\t" else character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )


def clean(given: Any) -> Any:
    """The same JSON-able value with every string in it, keys too, made `printable`; containers become dict and list."""
    if isinstance(given, str):
        return printable(given)
    if isinstance(given, Mapping):
        return {clean(key): clean(item) for key, item in given.items()}
    if isinstance(given, Sequence):
        return [clean(item) for item in given]
    return given
