# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new study learns from earlier ones, and is founded by what they and other machines have, once and for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import StudyInputError, read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.learning import FOUNDERS_PER_STUDY
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import take_baseline
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise

from .conftest import BASELINE, SIZES, Player

SPEED = "cpu_events_per_second"


@pytest.fixture
def earlier(player: Player) -> Player:
    """A study that has searched."""
    player.open()
    player.play("baseline")
    player.play("search")
    return player


def new(earlier: Player, variables: dict[str, Any], **changes: Any) -> Player:
    """A study of another name that learns from the first."""
    return Player(earlier.store, read_definition({**variables, "name": "next", "learn_from": ["small"], **changes}))


def faults(player: Player) -> list[str]:
    with pytest.raises(StudyInputError) as raised:
        player.open()
    return [str(fault) for fault in raised.value.faults]


def given(player: Player, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine is given when it is built."""
    seen: dict[str, Any] = {}
    build = Evolution.__init__

    def spy(self: Evolution, *arguments: Any, **options: Any) -> None:
        seen.update(options)
        build(self, *arguments, **options)

    with monkeypatch.context() as patched, player.store.transaction(player.definition.name) as records:
        patched.setattr(Evolution, "__init__", spy)
        Study(records, player.definition.name).evolution  # noqa: B018
    return seen


def test_it_takes_over_what_was_measured_scored_over_its_own_baseline(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = new(earlier, variables)
    player.open()
    (known,) = given(player, monkeypatch)["earlier"]
    old = earlier.study()
    assert known.study == "small"
    assert [values for values, dummy in known.trials] == [trial["configuration"] for trial in old.trials]
    scores = [old.score(old.measured(trial["number"])[0]["metrics"]).fitness for trial in old.trials]
    assert [fitness for dummy, fitness in known.trials] == pytest.approx(scores)
    assert known.trials[0][1] == 0.0, "the baseline of that study"


def test_its_best_configurations_found_the_population(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = new(earlier, variables)
    player.open()
    old = earlier.study()
    fitness = {t["number"]: old.score(old.measured(t["number"])[0]["metrics"]).fitness for t in old.trials}
    best = sorted(fitness, key=lambda number: -fitness[number])[:FOUNDERS_PER_STUDY]
    assert given(player, monkeypatch)["founders"] == [old.trial(number)["configuration"] for number in best]
    learned = player.study().row["learned"]
    assert learned["founders"][0]["source"] == f"trial {best[0]} of study small"
    assert "candidates" not in learned


def test_what_was_taken_stays_as_it_was(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = new(earlier, variables)
    player.open()
    before = given(player, monkeypatch)
    earlier.definition = read_definition({**variables, "budget": {"trials": 20}})
    earlier.open()
    assert len(earlier.play("search")) == 8
    assert given(player, monkeypatch) == before, "the earlier study went on"
    with player.store._database.engine.begin() as connection:
        for table in ("measurements", "blocks", "trials", "slots", "controllers"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE study = 'small'")
        connection.exec_driver_sql("DELETE FROM studies WHERE name = 'small'")
    player.open()
    assert given(player, monkeypatch) == before, "the earlier study is gone"


def test_another_choice_of_studies_is_refused_later(earlier: Player, variables: dict[str, Any]) -> None:
    new(earlier, variables).open()
    with pytest.raises(StudyError, match=r"evolve_learn_from: \['small'\] -> \[\]"):
        new(earlier, variables, learn_from=[]).open()


def test_studies_that_cannot_teach_are_refused_together(earlier: Player, variables: dict[str, Any]) -> None:
    other = {"kernel.sysctl.vm.dirty_ratio": {"type": "int", "range": [5, 80]}}
    found = faults(
        new(earlier, variables, learn_from=["smal", "small"], parameters=other, constraints=[], simulated=True)
    )
    assert len(found) == 3
    assert found[0] == ("evolve_learn_from: the store holds no study 'smal'; it holds: small. Did you mean small?")
    assert "study 'small' has no parameter in common with this one; it varied: vm.vcpus" in found[1]
    assert "study 'small' is of real machines, and this one is not" in found[2]
    with player_records(earlier) as records:
        assert records.first(schema.studies, name="next") is None


def player_records(player: Player) -> Any:
    return player.store.transaction(player.definition.name)


def test_a_study_cannot_learn_from_itself_or_twice(variables: dict[str, Any]) -> None:
    with pytest.raises(StudyInputError) as raised:
        read_definition({**variables, "learn_from": ["small", "other", "other"]})
    found = [str(fault) for fault in raised.value.faults]
    assert len(found) == 2
    assert "small is this study itself" in found[0]
    assert "other is named more than once" in found[1]


@pytest.mark.parametrize("wrong", ["small", [1], {"small": 1}])
def test_something_else_than_a_list_of_names_is_refused(variables: dict[str, Any], wrong: Any) -> None:
    with pytest.raises(StudyInputError, match=r"expected a list of names of studies"):
        read_definition({**variables, "learn_from": wrong})


def test_only_what_lies_in_the_new_space_is_learnt_and_founders_are_moved_into_it(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {
        "vm.vcpus": {"type": "int", "range": [4, 8]},
        "vm.disk.io": {"type": "choice", "values": ["threads", "native"]},
    }
    player = new(earlier, variables, parameters=parameters, constraints=[])
    with player.store.transaction(player.definition.name) as records:
        player.create(records)
        study = Study(records, "next")
        take_baseline(study, {"s1": {"vm.vcpus": 5, "vm.disk.io": "native", **SIZES}})
    old = earlier.study()
    inside = [t["configuration"] for t in old.trials if t["configuration"]["vm.vcpus"] >= 4]
    assert 0 < len(inside) < len(old.trials)
    made = given(player, monkeypatch)
    assert [values for values, dummy in made["earlier"][0].trials] == [{"vm.vcpus": c["vm.vcpus"]} for c in inside]
    learned = player.study().row["learned"]
    assert learned["studies"][0]["note"] == f"{len(old.trials) - len(inside)} outside this search space"
    moved = [founder for founder in learned["founders"] if founder["changes"]]
    assert moved
    assert moved[0]["changes"][0].endswith("-> 4")
    assert all(founder["values"]["vm.disk.io"] == "native" for founder in learned["founders"]), "as in the baseline"
    assert not any(player.definition.space.faults(founder["values"]) for founder in learned["founders"])


def test_a_study_without_the_metrics_gives_nothing_and_that_is_said(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    latency = {"metric": "cpu_latency_mean_ms", "direction": "minimize"}
    player = new(earlier, variables, goals=[*variables["goals"], latency])
    player.open()
    made = given(player, monkeypatch)
    assert (made["earlier"], made["founders"]) == ((), [])
    assert player.study().row["learned"]["studies"][0]["note"] == "it did not measure cpu_latency_mean_ms"


def test_the_cost_is_that_of_this_studys_prices(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = [{"metric": "vm_cost", "direction": "minimize"}]
    player = new(earlier, variables, goals=cost, prices={"vcpu": 0, "memory_gib": 1})
    player.open()
    (known,) = given(player, monkeypatch)["earlier"]
    assert {fitness for dummy, fitness in known.trials} == {0.0}, "all have the same memory"


def test_other_weights_score_what_was_learnt_anew(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = new(earlier, variables)
    player.open()
    before = given(player, monkeypatch)["earlier"][0].trials
    goals = [{**variables["goals"][0], "weight": 0}, variables["goals"][1]]
    new(earlier, variables, goals=goals).open()
    after = given(player, monkeypatch)["earlier"][0].trials
    assert [values for values, dummy in after] == [values for values, dummy in before]
    assert [fitness for dummy, fitness in after] != [fitness for dummy, fitness in before]


def test_a_study_in_which_nothing_was_measured_gives_nothing(player: Player, variables: dict[str, Any]) -> None:
    player.open()
    follower = new(player, variables)
    follower.open()
    assert follower.study().row["learned"]["studies"][0]["note"] == "its baseline was not measured"


def test_founders_come_from_the_user_from_machines_and_from_studies(
    earlier: Player, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = new(earlier, variables, founders=[{"vm.vcpus": 6}, {"vm.vcpus": 2}])
    with player.store.transaction(player.definition.name) as records:
        player.create(records)
        lines = take_baseline(
            Study(records, "next"),
            {"s1": {**BASELINE, **SIZES}},
            founders={"db-1": {**BASELINE, "vm.vcpus": 16}, "db-2": {**BASELINE, "vm.vcpus": 6}},
            silent_founders={"db-3": "no route"},
        )
    learned = player.study().row["learned"]
    assert [founder["source"] for founder in learned["founders"]][:2] == ["evolve_founders[1]", "host db-1"]
    assert [f["source"] for f in learned["founders"]][2].endswith("of study small")
    assert learned["founders"][0]["values"] == {**BASELINE, "vm.vcpus": 6}
    assert learned["founders"][1]["changes"] == ["vm.vcpus: 16 -> 8"]
    assert learned["left_out"][:3] == [
        "host db-3: could not be read (no route)",
        "evolve_founders[2]: the same as the baseline",
        "host db-2: the same as evolve_founders[1]",
    ]
    assert lines[1] == "host db-1 (moved into the search space: vm.vcpus: 16 -> 8)"
    assert given(player, monkeypatch)["founders"] == [founder["values"] for founder in learned["founders"]]


def test_a_founder_that_breaks_a_constraint_becomes_one_that_does_not(store: Store, variables: dict[str, Any]) -> None:
    wanted = {"vm.vcpus": 1, "vm.disk.cache": "writeback"}
    player = Player(store, read_definition({**variables, "founders": [wanted]}))
    player.open()
    (founder,) = player.study().row["learned"]["founders"]
    assert founder["changes"]
    assert player.definition.space.faults(founder["values"]) == []


def test_all_faults_of_founders_are_named(variables: dict[str, Any]) -> None:
    with pytest.raises(StudyInputError) as raised:
        read_definition({**variables, "founders": [{"vm.vcpu": 3}, {"vm.vcpus": [1]}, 7, {"vm.disk.io": "native"}]})
    found = [str(fault) for fault in raised.value.faults]
    assert len(found) == 4
    assert "Did you mean vm.vcpus?" in found[0]
    assert found[1].startswith("evolve_founders[2].vm.vcpus: found [1]")
    assert found[2].startswith("evolve_founders[3]: found 7")
    assert found[3].startswith("evolve_founders[4]: speaks of no parameter of this study")


def test_a_fork_is_founded_too(earlier: Player, variables: dict[str, Any]) -> None:
    player = new(earlier, variables, name="fork", founders=[{"vm.vcpus": 7}], learn_from=[])
    player.open(fork_of="small")
    assert [f["source"] for f in player.study().row["learned"]["founders"]] == ["evolve_founders[1]"]


def test_a_study_that_learns_from_nothing_keeps_nothing(earlier: Player) -> None:
    assert earlier.study().row["learned"] is None


def test_the_engine_goes_on_the_same_when_it_is_rebuilt(earlier: Player, variables: dict[str, Any]) -> None:
    one, other = (new(earlier, variables, name=name) for name in ("one", "other"))
    for player in (one, other):
        player.open()
        player.play("baseline")
    while hasattr(run := one.ask("s1"), "id"):
        one.measure(run)
    while hasattr(other.ask("s1"), "id"):
        other.open()  # as after a kill: the run is done again
        other.measure(other.ask("s1"))
    assert [t["configuration"] for t in one.study().trials] == [t["configuration"] for t in other.study().trials]


def test_the_summary_says_what_was_learnt(earlier: Player, variables: dict[str, Any], tmp_path: Path) -> None:
    player = new(earlier, variables, founders=[{"vm.vcpus": 2}])
    player.open()
    with player.store.transaction(player.definition.name) as records:
        summary = summarise(Study(records, "next"), StudyFolder(str(tmp_path), "next"), "sqlite://")
    assert summary["learned"]["studies"] == [{"study": "small", "taken": 13, "note": ""}]
    assert len(summary["learned"]["founders"]) == FOUNDERS_PER_STUDY
    assert summary["learned"]["left_out"] == ["evolve_founders[1]: the same as the baseline"]
