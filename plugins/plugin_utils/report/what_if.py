# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other weights would make of a study, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report.text import aligned


def render_what_if(found: Mapping[str, Any], width: int = 78) -> str:
    """The re-scored ranking of a study and what would win, without a trailing newline.

    found: study, simulated, weights ({metric: {before, after}}), present and winner (numbers of trials, 0 the baseline,
    None where nothing was measured), ranking ([{trial, fitness, before, violation, metrics}], fitness as log-ratios),
    measured (how many configurations are ranked).
    """
    data: dict[str, Any] = _words.clean(found)
    label = "SIMULATED, " if data["simulated"] else ""
    opening = f"{label}WHAT IF study {data['study']} had other weights? Nothing was measured, and nothing was changed."
    blocks = [textwrap.wrap(opening, width), _weights(data), textwrap.wrap(_outcome(data), width), _ranking(data)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _weights(data: Mapping[str, Any]) -> list[str]:
    rows = [("Weights", "now", "what if")]
    rows += [
        (f"  {metric}", f"{weight['before']:g}", f"{weight['after']:g}") for metric, weight in data["weights"].items()
    ]
    return aligned(rows, "<>>", indent="")


def _outcome(data: Mapping[str, Any]) -> str:
    present, winner = data["present"], data["winner"]
    if winner is None:
        return "Nothing was measured yet that could win."
    if winner == present:
        return f"The best would still be {_name(winner)}.{_noise(data)}"
    then = f"The best would be {_name(winner)} instead of {_name(present)}, as measured in the search.{_noise(data)}"
    if winner == 0:
        return then
    return (
        f"{then} To make it so, change the weights in evolve_goals and run evolve.vm.evolve again, which verifies it."
    )


def _noise(data: Mapping[str, Any]) -> str:
    """Why the best is not the first of the ranking, where it is not."""
    first = next((entry["trial"] for entry in data["ranking"]), data["winner"])
    return "" if first == data["winner"] else " (Noise is allowed for: it need not have the highest reading.)"


def _ranking(data: Mapping[str, Any]) -> list[str]:
    entries = data["ranking"]
    if not entries:
        return []
    metrics = list(entries[0]["metrics"])
    rows = [("", "fitness", "now", *metrics, "")]
    rows += [
        (
            _name(entry["trial"]),
            _words.percent(entry["fitness"]),
            _words.percent(entry["before"]),
            *(_words.quantity(metric, entry["metrics"][metric]) for metric in metrics),
            "breaks a limit" if entry["violation"] else "",
        )
        for entry in entries
    ]
    more = data["measured"] - len(entries)
    title = "Ranking by what was read" + (f" ({more} more not shown)" if more > 0 else "")
    return [title, *aligned(rows, "<" + ">" * (2 + len(metrics)) + "<")]


def _name(trial: int | None) -> str:
    return "the baseline" if not trial else f"trial {trial}"
