# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing values into force in a running kernel: all of them, or what was there before."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import shown
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.interface import Setting


def write_all(settings: Sequence[Setting], touched: Sequence[Setting] = ()) -> list[Setting]:
    """Write and verify `settings`; returns those that put back what was there.

    touched: what the kernel changes by itself meanwhile. Raises TunablesError after putting back what was
    written.
    """
    before = [setting.as_found() for setting in [*settings, *touched]]
    problems = _write(settings)
    if problems:
        raise TunablesError(f"{'; '.join(problems)}. {put_back(before)}")
    return before


def put_back(before: Sequence[Setting]) -> str:
    """Write what was there; returns a sentence that says whether that worked."""
    leftover = _write(before)
    if leftover:
        return f"PUTTING BACK FAILED: {'; '.join(leftover)}."
    return "What had been written before was put back."


def _write(settings: Sequence[Setting]) -> list[str]:
    """Write what differs; returns what did not come into force, and why.

    The kernel checks some values against others (a minimum against its maximum), and gives some another value when
    others are set (another I/O scheduler has another queue). So all is looked at again as long as that changes much.
    """
    refusals: dict[str, str] = {}
    left = _differing(settings)
    seen: list[list[Setting]] = []
    while left and left not in seen and len(seen) <= len(settings):
        seen.append(left)
        answers = {setting.place: setting.write() for setting in left if not setting.holds()}
        refusals = {place: reason for place, reason in answers.items() if reason}
        left = _differing(settings)
    names = [setting.name for setting in settings]
    return [_problem(setting, refusals.get(setting.place, ""), names.count(setting.name) > 1) for setting in left]


def _differing(settings: Sequence[Setting]) -> list[Setting]:
    return [setting for setting in settings if not setting.holds()]


def _problem(setting: Setting, refusal: str, one_of_several: bool) -> str:
    where = f" ({setting.place})" if one_of_several else ""
    if refusal:
        return f"{setting.name}: the kernel refuses {shown(setting.value)}{where}: {refusal}"
    wrote, has = shown(setting.value), shown(setting.found())
    return f"{setting.name}: wrote {wrote}{where}, but the kernel has {has} in force"
