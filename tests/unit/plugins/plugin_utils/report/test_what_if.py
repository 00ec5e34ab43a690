# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other weights would make of a study, as the terminal shows it."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.report.what_if import render_what_if


def found(**changes: Any) -> dict[str, Any]:
    def entry(trial: int, fitness: float, before: float, violation: float = 0.0) -> dict[str, Any]:
        metrics = {"operations_per_second": 1000.0 + trial, "latency_p95_ms": 8.5}
        return {"trial": trial, "fitness": fitness, "before": before, "violation": violation, "metrics": metrics}

    return {
        "study": "web",
        "simulated": False,
        "weights": {
            "operations_per_second": {"before": 3.0, "after": 3.0},
            "latency_p95_ms": {"before": 2.0, "after": 5.0},
        },
        "present": 7,
        "winner": 12,
        "ranking": [entry(12, 0.2, 0.1), entry(7, 0.1, 0.3, violation=0.5), entry(0, 0.0, 0.0)],
        "measured": 41,
        **changes,
    }


_WHAT_IF = """\
WHAT IF study web had other weights? Nothing was measured, and nothing was
changed.

Weights                  now  what if
  operations_per_second    3        3
  latency_p95_ms           2        5

The best would be trial 12 instead of trial 7, as measured in the search. To
make it so, change the weights in evolve_goals and run evolve.vm.evolve again,
which verifies it.

Ranking by what was read (38 more not shown)
                fitness      now  operations_per_second  latency_p95_ms
  trial 12      +22.1 %  +10.5 %                1012 /s        8.500 ms
  trial 7       +10.5 %  +35.0 %                1007 /s        8.500 ms  breaks a limit
  the baseline   +0.0 %   +0.0 %                1000 /s        8.500 ms"""


def test_it_shows_the_weights_the_winner_and_the_ranking() -> None:
    assert render_what_if(found()) == _WHAT_IF


def test_the_baseline_may_win_and_the_winner_may_stay() -> None:
    stays, baseline = (" ".join(render_what_if(found(winner=number)).split()) for number in (7, 0))
    allowed = "(Noise is allowed for: it need not have the highest reading.)"
    assert f"The best would still be trial 7. {allowed} Ranking" in stays
    assert (
        f"The best would be the baseline instead of trial 7, as measured in the search. {allowed} Ranking" in baseline
    )


def test_a_study_without_measurements_has_no_winner() -> None:
    text = render_what_if(found(winner=None, present=None, ranking=[], measured=0))
    assert text.endswith("Nothing was measured yet that could win.")


def test_a_simulation_is_labelled() -> None:
    assert render_what_if(found(simulated=True)).startswith("SIMULATED, WHAT IF")


def test_hostile_names_cannot_drive_the_terminal() -> None:
    assert render_what_if(found(study="\x1b[2Jevil")).replace("\n", "").isprintable()
