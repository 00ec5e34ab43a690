# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lookup `study` answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.constants import config
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.evolve.vm.plugins.lookup.study import DOCUMENTATION, LookupModule
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import judge
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

from .conftest import BASELINE, Player

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """The lookup, made as Ansible's loader makes it."""
    name, options = "evolve.vm.study", yaml.safe_load(DOCUMENTATION)["options"]
    config.initialize_plugin_configuration_definitions("lookup", name, options)
    lookup = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables={}))
    lookup._load_name = name

    def run(*terms: str, **options: Any) -> list[dict[str, Any]]:
        return lookup.run(list(terms), {"evolve_store": f"sqlite:///{tmp_path}/evolve.sqlite"}, **options)

    return run


@pytest.fixture
def played(player: Player) -> Player:
    player.open()
    for phase in ("baseline", "search", "verification"):
        player.play(phase)
    with player.store.transaction("small") as records:
        judge(Study(records, "small"))
    return player


def test_the_best_is_the_winner_with_its_verdict(played: Player, ask: Ask) -> None:
    (best,) = ask("small")

    assert best["number"] == played.study().row["winner"]
    assert best["verdict"] == "better"
    assert best["fitness_percent"] > 0
    assert ask("small", what="verdict")[0]["trial"] == best["number"]


def test_while_it_runs_the_best_is_what_the_search_would_recommend(player: Player, ask: Ask) -> None:
    player.open()
    assert ask("small") == []
    player.play("baseline")
    player.play("search")

    (best,) = ask("small")

    assert best["verdict"] is None
    assert ask("small", what="verdict") == []


def test_trials_come_best_first(played: Player, ask: Ask) -> None:
    trials = ask("small", what="trials")

    assert {trial["number"] for trial in trials} == set(range(13))
    fitness = [trial["fitness_percent"] for trial in trials]
    assert fitness == sorted(fitness, reverse=True)
    assert ask("small", what="trials", limit=3) == trials[:3]
    assert ask("small", what="baseline") == [trial for trial in trials if trial["number"] == 0]


def test_of_the_pareto_set_none_beats_another(played: Player, ask: Ask) -> None:
    found = ask("small", what="pareto")
    points = [(trial["metrics"]["cpu_events_per_second"], -trial["metrics"]["vm_cost"]) for trial in found]

    assert len(found) > 1
    assert not any(a != b and all(x >= y for x, y in zip(a, b, strict=True)) for a in points for b in points)


def test_a_configuration_is_as_good_as_the_trials_that_measured_it(played: Player, ask: Ask) -> None:
    (best,) = ask("small")

    found = ask("small", what="fitness", configuration={**best["configuration"], "vm.memory_mib": 4096})
    assert best["number"] in {trial["number"] for trial in found}
    assert len({str(trial["configuration"]) for trial in found}) == 1
    assert ask("small", what="fitness", configuration={**BASELINE, "kernel.sysctl.vm.swappiness": 99}) == []


def test_of_a_slot_it_is_what_the_slot_was_last_told_to_be(played: Player, ask: Ask) -> None:
    applied = played.study().slot("s1")["applied"]

    found = ask("small", what="fitness", host="s1")

    assert {name: found[0]["configuration"][name] for name in found[0]["configuration"]}.items() <= applied.items()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"what": "fitness"}, "needs either configuration or host"),
        ({"what": "fitness", "host": "s9"}, "s9 is not a slot of study 'small'; it has: s1, s2"),
        ({"what": "fitness", "configuration": {"vm.vcpus": 2}}, "lacks vm.disk.cache, kernel.sysctl.vm.swappiness"),
        ({"what": "trials", "host": "s1"}, "host is for what=fitness only"),
        ({"what": "winner"}, "winner"),
    ],
)
def test_what_cannot_be_answered_is_said(played: Player, ask: Ask, options: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleError, match=said):
        ask("small", **options)


def test_an_unknown_study_is_told_with_those_there_are(played: Player, ask: Ask) -> None:
    with pytest.raises(AnsibleLookupError, match="no study 'smal'; it holds: small"):
        ask("smal")


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, ask: Ask) -> None:
    with pytest.raises(AnsibleLookupError, match="there is no store"):
        ask("small")
    assert not (tmp_path / "evolve.sqlite").exists()
