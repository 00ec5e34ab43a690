# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict says what was shown, and best.yml is safe to apply whatever it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.configuration_file import write_configuration
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_best, write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import judge
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise

from .conftest import BASELINE, Player, speed


def judged(player: Player, folder: StudyFolder | None = None) -> dict[str, Any]:
    with player.store.transaction(player.definition.name) as records:
        verdict = judge(Study(records, "small"))
        if folder is not None:
            write_best(folder, Study(records, "small"))
    return verdict


def play(player: Player) -> None:
    player.open()
    for phase in ("baseline", "search", "verification"):
        player.play(phase)


def best(folder: StudyFolder) -> tuple[dict[str, Any], str]:
    text = folder.best.read_text()
    content = yaml.safe_load(text)
    assert list(content) == ["evolve_configuration"]
    return content["evolve_configuration"], text


def test_a_better_winner_is_shown_with_its_interval_and_written(player: Player, tmp_path: Path) -> None:
    play(player)
    folder = StudyFolder(str(tmp_path), "small")
    verdict = judged(player, folder)
    winner = next(t for t in player.study().trials if t["number"] == verdict["trial"])["configuration"]
    assert verdict["verdict"] == "better"
    assert verdict["pairs"] == 4
    assert verdict["blocks"] == 2
    assert verdict["fitness"]["low"] > 0
    metric = verdict["metrics"]["cpu_events_per_second"]
    assert metric["winner"] == pytest.approx(speed(winner))
    assert metric["baseline"] == pytest.approx(speed(BASELINE))
    configuration, text = best(folder)
    assert configuration == winner
    assert verdict["sentence"] in text


def test_a_winner_that_fails_verification_is_not_written(player: Player, tmp_path: Path) -> None:
    player.open()
    player.play("baseline")
    player.play("search")
    while hasattr(run := player.ask("s1", "verification"), "id"):
        player.measure(run, 1.0 if run.trial == 0 else 0.4)
    folder = StudyFolder(str(tmp_path), "small")
    verdict = judged(player, folder)
    assert verdict["verdict"] == "worse"
    assert best(folder)[0] == BASELINE
    assert "Keep the baseline" in best(folder)[1]


def test_a_winner_that_breaks_the_machine_when_verified_is_worse(player: Player) -> None:
    player.open()
    player.play("baseline")
    player.play("search")
    while hasattr(run := player.ask("s1", "verification"), "id"):
        if run.trial == 0:
            player.measure(run)
        else:
            player.fail(run)
    verdict = judged(player)
    assert verdict["verdict"] == "worse"
    assert "broke the machine in 2 verification runs" in verdict["sentence"]


def test_no_improvement_is_an_honest_end(player: Player, tmp_path: Path) -> None:
    player.open()
    player.play("baseline")
    player.play("search", factor=0.3)
    assert player.play("verification") == []
    folder = StudyFolder(str(tmp_path), "small")
    assert judged(player, folder)["verdict"] == "no_improvement"
    assert best(folder)[0] == BASELINE


def test_a_limit_that_no_longer_holds_is_worse(player: Player, variables: dict[str, Any]) -> None:
    player.definition.goals[0]["limit"] = 500.0
    player.open()
    player.play("baseline")
    player.play("search")
    while hasattr(run := player.ask("s1", "verification"), "id"):
        player.measure(run, metrics={"cpu_events_per_second": 100.0 if run.trial == 0 else 490.0})
    verdict = judged(player)
    assert verdict["verdict"] == "worse"
    assert "breaks the limit on cpu_events_per_second" in verdict["sentence"]


def test_without_a_baseline_there_is_no_verdict_but_a_reason(player: Player) -> None:
    player.open()
    player.fail(player.ask("s1", "baseline"), restored=False)
    with pytest.raises(StudyError, match="s1: it broke"):
        judged(player)


def test_every_individual_is_a_file_that_can_be_applied(player: Player, tmp_path: Path) -> None:
    play(player)
    folder = StudyFolder(str(tmp_path), "small")
    with player.store.transaction(player.definition.name) as records:
        study = Study(records, "small")
        for trial in study.trials:
            write_individual(folder, study, trial["number"])
    files = sorted(folder.population.glob("generation-*/individual-*.yml"))
    assert len(files) == 13
    for file, trial in zip(files, player.study().trials, strict=True):
        assert yaml.safe_load(file.read_text())["evolve_configuration"] == trial["configuration"]
    assert {file.parent.name for file in files} == {"generation-000", "generation-001", "generation-002"}


def test_a_file_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "studies").write_text("in the way")
    folder = StudyFolder(str(tmp_path), "small")
    with pytest.raises(FileError, match="cannot write"):
        write_configuration(folder.best, {}, [])


def test_the_summary_is_plain_and_complete_at_every_stage(player: Player, tmp_path: Path) -> None:
    import json

    def summary() -> dict[str, Any]:
        with player.store.transaction(player.definition.name) as records:
            return summarise(Study(records, "small"), StudyFolder(str(tmp_path), "small"), "sqlite://")

    player.open()
    assert summary()["state"] == "no_trials"
    player.play("baseline")
    player.fail(player.ask())
    player.play("search")
    running = summary()
    assert running["state"] == "running"
    assert running["trials"][1]["message"] == "it broke"
    player.play("verification")
    judged(player)
    finished = summary()
    assert finished["state"] == "finished"
    assert finished["best"]["trial"] == finished["verdict"]["trial"]
    assert json.loads(json.dumps(finished)) == finished
