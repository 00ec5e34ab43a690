# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that goes on with what it has read comes to the same as one that reads everything anew."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Nothing, Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.session import Session
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store

from .conftest import Player, on_both


@pytest.fixture
def session(player: Player) -> Session:
    player.open()
    player.play("baseline")
    return Session(player.store.url, "small")


def state(study: Any) -> tuple[Any, ...]:
    told = [(i.candidate, i.readings, i.slots, i.violations, i.failure) for i in study.evolution.individuals]
    runs = [study.runs(trial["number"]) for trial in study.trials]
    return study.trials, study.measurements, runs, told, study.evolution.ask()


@on_both
def test_what_was_read_before_makes_no_difference(player: Player, session: Session) -> None:
    for number in range(12):
        run = player.ask(f"s{1 + number % 2}")
        if number in (3, 7):
            player.fail(run, "configuration")
        elif number == 5:
            player.fail(run, "infrastructure")
        else:
            player.measure(run, 1.0 + 0.01 * number)
        if number % 3 == 0:
            with session.transaction(look=True) as kept:
                mine = state(kept)
            with Session(player.store.url, "small").transaction(look=True) as anew:
                assert state(anew) == mine
            session._ledger.engine = None  # `state` has asked it for more


def test_only_what_is_new_is_read(player: Player, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    changed = Records.changed
    monkeypatch.setattr(
        Records,
        "changed",
        lambda self, table, since, **equal: (found := changed(self, table, since, **equal), read.append(len(found)))[0],
    )
    for slot in ("s1", "s2") * 3:
        player.measure(player.ask(slot))
    read.clear()
    with session.transaction() as study:
        assert len(study.trials) == 7
    assert sum(read) == 17, "7 trials, 4 baseline runs and 6 others"
    player.measure(player.ask("s1"))
    read.clear()
    with session.transaction() as study:
        assert len(study.trials) == 8
    assert sum(read) <= 4


def test_what_was_rolled_back_is_forgotten(player: Player, session: Session) -> None:
    with session.transaction() as study:
        before = [dict(trial) for trial in study.trials]
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(session)
    with session.transaction() as study:
        assert study.trials == before


def _fail_half_way(session: Session) -> None:
    with session.transaction() as study:
        study.records.update(schema.trials, {"status": "failed"}, study="small", number=0)
        assert study.reread().trial(0)["status"] == "failed"
        raise ZeroDivisionError


def test_another_study_of_the_same_name_is_read_anew(player: Player, session: Session, store: Store) -> None:
    with session.transaction() as study:
        assert study.trials
    with store._database.engine.begin() as connection:
        for table in ("measurements", "blocks", "trials", "slots", "controllers"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM studies")
    with store.transaction("small") as records:
        player.create(records)
    with session.transaction() as study:
        assert study.trials == []


def test_generations_wait_for_all_parents(store: Store, variables: dict[str, Any]) -> None:
    options = {
        "scheduling": "generational",
        "algorithm": "textbook",
        "algorithm_options": {"population": 4, "elites": 1},
    }
    player = Player(store, read_definition({**variables, **options}))
    player.open()
    player.play("baseline")
    one, two = player.ask("s1"), player.ask("s2")
    player.measure(one)
    three = player.ask("s1")
    player.measure(three)
    assert player.ask("s1") == Nothing(True, "the generation is not complete")
    player.measure(two)
    four = player.ask("s1")
    assert isinstance(four, Run)
    assert player.study().trial(four.trial)["generation"] == 1
