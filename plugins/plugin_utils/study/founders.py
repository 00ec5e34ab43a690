# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Founders: configurations that enter the initial population, from the user, from other machines, from earlier studies.

They are settled together with the baseline, and do not change any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import settle
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study


def settle_founders(
    study: Study, machines: Mapping[str, Mapping[str, Any]] | None = None, silent: Mapping[str, str] | None = None
) -> list[str]:
    """Fix the founders of a study whose baseline is known; returns a line on each, for people.

    `machines` holds what was read from other machines ({host: {parameter: value}}), `silent` why others could not be
    read. Parameters that a founder does not speak of are as in the baseline; what lies outside the space becomes the
    nearest in it.
    """
    learned = dict(study.row["learned"] or {})
    candidates: list[tuple[str, Mapping[str, Any]]] = [
        (f"evolve_founders[{n}]", values) for n, values in enumerate(study.definition.founders, start=1)
    ]
    candidates += [(f"host {host}", values) for host, values in (machines or {}).items()]
    candidates += [(candidate["source"], candidate["values"]) for candidate in learned.pop("candidates", [])]
    space, harvest = study.definition.space, study.row["harvest"]
    rng = np.random.default_rng([study.definition.seed, len(candidates)])
    present = space.complete(harvest, rng)
    anchor = present if space.violation(present) == 0.0 else space.sample(rng)
    taken = {space.key(space.activate(harvest)): "the baseline"}
    founders = []
    left_out = [f"host {host}: could not be read ({why or 'no reason given'})" for host, why in (silent or {}).items()]
    for source, given in candidates:
        known = {name: given[name] for name in space.parameters if name in given}
        if not known:
            left_out.append(f"{source}: has no parameter of this study")
            continue
        values = settle(space, {**harvest, **known}, anchor, rng)
        same = taken.setdefault(space.key(values), source)
        if same != source:
            left_out.append(f"{source}: the same as {same}")
            continue
        moved = [n for n in known if n in values and values[n] != known[n]]
        changes = [f"{name}: {known[name]} -> {values[name]}" for name in moved]
        founders.append({"source": source, "values": values, "changes": changes})
    if founders or left_out or learned:
        learned.update(founders=founders, left_out=left_out)
        study.records.update(schema.studies, {"learned": learned}, name=study.name)
    return [founder_line(founder) for founder in founders] + left_out


def founder_line(founder: Mapping[str, Any]) -> str:
    """One founder in words, with what was moved into the search space."""
    moved = f" (moved into the search space: {', '.join(founder['changes'])})" if founder["changes"] else ""
    return f"{founder['source']}{moved}"
