# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying a configuration changes: the record of one change, the tiers, and how both are shown to people.

Shared by everything that applies: modules on targets, hypervisor drivers, and the simulated platform.
"""

from __future__ import annotations

from typing import Any, Iterable, NamedTuple, Union

Value = Union[bool, int, float, str]

TIERS = ("none", "live", "reload", "restart", "reboot", "recreate")
"""What applying costs, cheapest first."""


class Change(NamedTuple):
    """One parameter that takes a new value. `note` is for people and appears in the diff only.

    before: None where nobody could say, as of an application that does not run.
    """

    parameter: str
    before: Value | None
    after: Value
    tier: str
    note: str = ""

    def as_result(self) -> dict[str, Any]:
        """The change as a plain dict of a module result: parameter, before, after, tier."""
        return {"parameter": self.parameter, "before": self.before, "after": self.after, "tier": self.tier}


def costliest(tiers: Iterable[str]) -> str:
    """The tier that applying all of them together costs; "none" when there are none."""
    return max(tiers, key=TIERS.index, default="none")


def diff_text(changes: Iterable[Change]) -> str:
    """One line a change, for `--diff`: `vm.vcpus: 2 -> 4 (live)`."""
    lines = []
    for change in changes:
        reason = f"{change.tier}, {change.note}" if change.note else change.tier
        lines.append(f"{change.parameter}: {shown(change.before)} -> {shown(change.after)} ({reason})\n")
    return "".join(lines)


def change_results(changes: list[Change]) -> dict[str, Any]:
    """The part of a module result that describes `changes`: changed, tier, changes, diff."""
    return {
        "changed": bool(changes),
        "tier": costliest(change.tier for change in changes),
        "changes": [change.as_result() for change in changes],
        "diff": {"prepared": diff_text(changes)},
    }


def shown(value: Value | None) -> str:
    """A value as a user would write it in YAML."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
