# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal summary: what it says of each way a study can end."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report import render_html, render_text
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.report import summaries

_BETTER = """\
The best configuration is better than the baseline by +28.3 % (95 % interval
+26.0 % to +30.6 %).

Study      lab-fileio, 10 min 29 s
Baseline   measured 4 times; one reading varies by about 3.0 %
Best       trial 31, by crossover, generation 3
Gain       fitness +28.3 % (95 % interval +26.0 % to +30.6 %), measured side
           by side in 6 pairs in 3 blocks
Trials     36 measured (3 broke a limit), 4 failed (2 infrastructure, 2
           measurement)
Slots      2 ready, 1 quarantined

What changes
  vm.vcpus                             2  ->  3
  vm.memory_mib                 1024 MiB  ->  3328 MiB
  vm.disk.cache                     none  ->  writethrough
  vm.disk.io                     threads  ->  io_uring
  vm.disk.iothread                 false  ->  true
  kernel.sysctl.vm.swappiness         60  ->  9
  kernel.sysctl.vm.dirty_ratio        20  ->  30

Goals                           baseline      best   change
  fileio_operations_per_second   3121 /s   4266 /s  +36.7 %  better
  fileio_latency_p95_ms         8.413 ms  5.660 ms  -32.7 %  better
  vm_cost                          14.50     18.32  +26.3 %  worse

7 configurations are not beaten on every goal by any other; by fitness, the
first 4:
                                trial 31  trial 24  trial 36  trial 40
  fitness                        +31.9 %   +24.0 %   +18.2 %   +17.7 %
  fileio_operations_per_second   4417 /s   4091 /s   3795 /s   3824 /s
  fileio_latency_p95_ms         5.417 ms  5.866 ms  6.459 ms  6.657 ms
  vm_cost                          18.80     18.49     16.18     16.04

Why trials failed
  2 x Host slot-3 is unreachable: Connection timed out during banner exchange.
  2 x sysbench fileio ended with 0 but printed no numbers.

Quarantined slots
  slot-3: 3 trials in a row ended with: unreachable.

Files
  Best configuration  inventories/lab/evolve/lab-fileio/best.yml
  Report              inventories/lab/evolve/lab-fileio/report.html
  Population          inventories/lab/evolve/lab-fileio/population
  Store               inventories/lab/evolve/evolve.sqlite

See what it would change, without changing anything:
  ansible-playbook evolve.vm.apply -i INVENTORY -e @inventories/lab/evolve/lab-fileio/best.yml --check --diff"""

CASES = {
    "better": summaries.study(),
    "simulated": summaries.study(simulated=True),
    "worse": summaries.study(verdict="worse"),
    "equivalent": summaries.study(verdict="equivalent"),
    "inconclusive": summaries.study(verdict="inconclusive"),
    "no_improvement": summaries.study(verdict="no_improvement"),
    "unverified": summaries.study(verdict=None),
    "running": summaries.study(17, state="running"),
    "all_failed": summaries.all_failed(),
    "baseline_failed": summaries.baseline_failed(),
    "no_trials": summaries.no_trials(),
    "baseline_only": summaries.study(0, verdict=None, state="no_trials") | {"best": None},
    "large": summaries.study(2000),
}


def test_a_study_that_found_something() -> None:
    assert render_text(CASES["better"]) == _BETTER


@pytest.mark.parametrize(
    ("case", "opening", "closing"),
    [
        ("simulated", "SIMULATED: The best configuration is better", "--check --diff"),
        ("worse", "The best configuration is worse than the baseline by -6.2 %", "the machines have today."),
        ("equivalent", "The best configuration and the baseline differ by less", "the machines have today."),
        ("inconclusive", "It cannot be told whether", "it continues the study."),
        ("no_improvement", "No improvement found:", "the machines have today."),
        ("unverified", "No verdict: the best configuration has not been measured", "it continues the study."),
        ("running", "The study has not ended yet: 13 trials measured so far.", "has not been verified yet."),
        ("all_failed", "Every trial failed, all 12 of them", "these machines cannot do."),
        ("baseline_failed", "The baseline could not be measured", "it continues the study."),
        ("no_trials", "No trials yet: nothing has been measured.", "evolve.vm.evolve to begin."),
        ("baseline_only", "No trials yet: only the baseline has been measured.", "evolve.vm.evolve to begin."),
    ],
)
def test_opening_and_advice(case: str, opening: str, closing: str) -> None:
    lines = " ".join(render_text(CASES[case]).split())
    assert lines.startswith(opening)
    assert lines.endswith(closing)


@pytest.mark.parametrize("case", CASES)
def test_only_a_better_configuration_is_offered_for_applying(case: str) -> None:
    offered = "evolve.vm.apply" in render_text(CASES[case])
    assert offered == (case in ("better", "simulated", "large"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [60, 78, 120])
def test_sentences_keep_to_the_width(case: str, width: int) -> None:
    # The goals, the trade-offs and the command are tables and code: they are never broken.
    prose = re.sub(r"\nGoals.*?\n\n", "\n", render_text(CASES[case], width=width) + "\n\n", flags=re.DOTALL)
    prose = re.sub(r"\n {20,}trial.*?\n\n", "\n", prose, flags=re.DOTALL)
    long = [line for line in prose.split("\n") if len(line) > width and "ansible-playbook" not in line]
    assert not [line for line in long if not re.match(r"  \w[\w ]+?  ", line)]


@pytest.mark.parametrize("case", CASES)
def test_without_colour_there_are_no_control_characters(case: str) -> None:
    assert render_text(CASES[case]).replace("\n", "").isprintable()


@pytest.mark.parametrize("case", CASES)
def test_colour_changes_nothing_but_colours(case: str) -> None:
    coloured = render_text(CASES[case], colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_text(CASES[case])


def test_simulated_is_said_only_of_a_simulation() -> None:
    note = "No virtual machine was measured"
    assert note in " ".join(render_text(CASES["simulated"]).split())
    assert note not in " ".join(render_text(CASES["better"]).split())


def test_guest_output_cannot_drive_the_terminal() -> None:
    text = render_text(summaries.hostile("\x1b]0;title\x07\x1b[2Jevil\r\u202e\udcff"))
    assert "]0;title[2Jevil" in text
    assert text.replace("\n", "").isprintable()
    text.encode()


def test_a_broken_limit_is_named() -> None:
    summary = summaries.study()
    summary["goals"] = [goal | {"limit": 5.0} if goal["limit"] else goal for goal in summary["goals"]]
    assert "    breaks its limit: at most 5 ms" in render_text(summary).split("\n")
    assert "breaks its limit" not in render_text(summaries.study())


def test_a_metric_that_was_zero_is_compared_by_difference() -> None:
    summary = summaries.study()
    summary["goals"] = [{"metric": "errors", "direction": "minimize", "weight": 1, "limit": None, "span": 10}]
    change: dict[str, Any] = {"estimate": None, "low": None, "high": None}
    summary["verdict"]["metrics"] = {"errors": {"baseline": 0.0, "winner": 2.0, **change}}
    assert re.search(r"^  errors +0 +2 +\+2  looks worse$", render_text(summary), re.MULTILINE)


def test_a_change_whose_interval_holds_zero_is_no_change() -> None:
    assert re.findall(r" %  ([a-z].+)$", render_text(CASES["inconclusive"]), re.MULTILINE) == [
        "no clear change",
        "no clear change",
        "worse",
    ]


def test_effects_of_an_unverified_trial_are_provisional() -> None:
    text = render_text(CASES["unverified"])
    assert re.findall(r" %  ([a-z].+)$", text, re.MULTILINE) == ["looks better", "looks better", "looks worse"]
    assert "not verified" in text


def test_an_earlier_verdict_of_a_continued_study_is_not_shown_as_todays() -> None:
    summary = summaries.study(20, state="running") | {"verdict": summaries.study(20)["verdict"]}
    text = render_text(summary)
    assert " ".join(text.split()).startswith(
        "The study has not ended yet: 16 trials measured so far. The verdict before that: The best configuration is"
    )
    assert "Gain" not in text
    assert "evolve.vm.apply" not in text


def test_no_improvement_over_nothing_but_failures_is_not_called_one() -> None:
    summary = summaries.all_failed() | {"verdict": summaries.study(verdict="no_improvement")["verdict"]}
    assert render_text(summary).startswith("Every trial failed")


def test_a_winner_that_could_not_be_measured_again_is_compared_by_the_search() -> None:
    summary = summaries.study()
    summary["verdict"] |= {"verdict": "worse", "fitness": None, "pairs": 0, "blocks": 0, "confidence": None}
    for metric in summary["verdict"]["metrics"].values():
        metric.update(dict.fromkeys(metric))
    text = render_text(summary)
    assert re.search(r"fileio_latency_p95_ms +8\.413 ms +[\d.]+ ms +-[\d.]+ %  looks better", text)
    assert "Gain" not in text


def test_a_path_with_spaces_is_quoted_for_the_shell() -> None:
    summary = summaries.study()
    summary["files"]["best"] = "my studies/best.yml"
    assert "-e '@my studies/best.yml' --check" in render_text(summary)


def test_the_reason_for_the_end_of_the_search_is_said() -> None:
    summary = summaries.study()
    summary["stopped"] = {"by": "hours", "sentence": "stopped after 41 of 60 trials: the 4 h of the budget are spent"}
    assert "\nSearch     stopped after 41 of 60 trials: the 4 h of the budget are spent\n" in render_text(summary)
    assert "\nSearch " not in render_text(summaries.study())


def test_what_was_learnt_is_said_in_a_few_lines() -> None:
    summary = summaries.study()
    founders = [{"source": f"host db-{number}", "values": {}, "changes": []} for number in range(8)]
    summary["learned"] = {
        "studies": [
            {"study": "web", "taken": 1, "note": "3 outside this search space"},
            {"study": "db", "taken": 0, "note": "it did not measure vm_cost"},
        ],
        "founders": [{"source": "host db-9", "values": {}, "changes": ["vm.vcpus: 16 -> 8"]}, *founders],
        "left_out": [],
    }
    text = render_text(summary)
    assert "\nLearnt     1 trial of study web (3 outside this search space)\n" in text
    assert "\n           nothing of study db (it did not measure vm_cost)\n" in text
    assert "\n           founder: host db-9 (moved into the search space: vm.vcpus: 16 -> 8)\n" in text
    assert "\n           and 5 more, in the report\n" in text


def test_trials_that_measured_another_again_are_told_apart() -> None:
    summary = summaries.study(failing=0.0)
    summary["trials"][20] |= {"origin": "repeat", "repeat_of": 3}
    assert "1 of them measured another again" in " ".join(render_text(summary).split())


def test_what_the_best_configuration_gives_up_is_said_before_all_else() -> None:
    summary = summaries.study()
    summary["risks"] = [
        {"parameter": "vm.disk.cache", "value": "unsafe", "risk": "durability", "today": True},
        {"parameter": "kernel.boot.mitigations", "value": "off", "risk": "security", "today": False},
    ]
    told = "RISK: the best configuration gives up durability (vm.disk.cache: unsafe, as today) and security"
    assert " ".join(render_text(summary).split()).startswith(told)


def test_what_applying_took_is_said() -> None:
    summary = summaries.study()
    summary["applying"] = [
        {"tier": "live", "runs": 4, "seconds": 12.0},
        {"tier": "reboot", "runs": 1, "seconds": 50.0},
    ]
    text = " ".join(render_text(summary).split())
    assert "Applying 1 min 2 s in all: 4 runs changed live, 12 s; 1 run with a restart of the machine, 50 s" in text


def test_what_changed_much_of_what_was_watched_is_shown() -> None:
    summary = deepcopy(summaries.study())
    seen = {
        "cpu_utilisation_percent": (61.0, 48.5),
        "cpu_steal_percent": (0.4, 1.0),
        "network_sent_mbit_per_second": (40, 30),
    }
    summary["watched"] = [*seen, "fileio_latency_p95_ms"]
    best = next(trial for trial in summary["trials"] if trial["number"] == summary["best"]["trial"])
    for metric, (before, after) in seen.items():
        summary["baseline"]["metrics"][metric] = before
        best["metrics"][metric] = after
    text = render_text(summary)
    shown = text[text.index("Seen meanwhile") :].split("\n\n", maxsplit=1)[0].splitlines()
    assert [line.split() for line in shown] == [
        ["Seen", "meanwhile", "baseline", "best", "change"],
        ["cpu_utilisation_percent", "61", "%", "48.50", "%", "-12.5", "points"],
        ["network_sent_mbit_per_second", "40", "Mbit/s", "30", "Mbit/s", "-25.0", "%"],
    ]
    # The page has all of it.
    assert "cpu_steal_percent" in render_html(summary).replace("<wbr>", "")


def test_nothing_is_said_of_what_was_not_watched() -> None:
    assert "Seen meanwhile" not in render_text(summaries.study())
    assert "Seen meanwhile" not in render_html(summaries.study())
