# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of host CPUs as libvirt writes them: 0-3,^2,8."""

from __future__ import annotations

from typing import Iterable


def parse_cpus(written: str) -> frozenset[int]:
    """The CPUs of a set such as 0-3,^2."""
    chosen: set[int] = set()
    left_out: set[int] = set()
    for part in filter(None, (each.strip() for each in written.split(","))):
        first, dummy, last = part.lstrip("^").partition("-")
        (left_out if part.startswith("^") else chosen).update(range(int(first), int(last or first) + 1))
    return frozenset(chosen - left_out)


def write_cpus(cpus: Iterable[int]) -> str:
    """The shortest way to write these CPUs."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][1] == cpu - 1:
            parts[-1][1] = cpu
        else:
            parts.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
