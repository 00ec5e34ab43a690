# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a user wrote to the plain search space: every rule, and every fault at once."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import Catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.deriving import Derived, derive, needs_facts
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace, SearchSpaceError

Facts = dict[str, float]


def faults(derived: Derived) -> list[str]:
    return [str(fault) for fault in derived.faults]


# -- what may be written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [{"vm.vcpus": None}, {"vm.vcpus": ""}, {"vm.vcpus": {}}, ["vm.vcpus"]])
def test_a_name_alone_takes_its_entry(written: object, known: Catalogue, facts: Facts) -> None:
    derived = derive(written, None, facts, known=known)
    assert derived == Derived(
        parameters={"vm.vcpus": {"type": "int", "range": [1, 8]}}, lines=["vm.vcpus: 1 to 8 (hypervisor.vcpus = 8)"]
    )


def test_keys_that_are_written_replace_those_of_the_entry(known: Catalogue, facts: Facts) -> None:
    written = {"vm.memory_mib": {"range": [1024, 2048], "step": 512}}
    derived = derive(written, None, facts, known=known)
    assert derived.parameters["vm.memory_mib"] == {
        "type": "int",
        "range": [1024, 2048],
        "step": 512,
        "scale": "log",
        "unit": "MiB",
    }
    assert derived.faults == []


def test_a_whole_specification_stays_as_it_was_written(known: Catalogue, facts: Facts) -> None:
    written = {
        "vm.vcpus": {"type": "int", "range": [1, 64], "default": 3, "when": "custom.switch"},
        "custom.switch": {"type": "bool"},
        "custom.text": {"type": "choice", "values": ["a", "b"], "ordered": True},
    }
    derived = derive(written, None, facts, known=known)
    assert derived == Derived(parameters=written)


def test_a_whole_specification_may_have_expressions_too(known: Catalogue, facts: Facts) -> None:
    written = {"custom.size": {"type": "int", "range": [64, "0.5 * guest.memory_mib"], "unit": "MiB"}}
    derived = derive(written, None, facts, known=known)
    assert derived.parameters["custom.size"]["range"] == [64, 1024]
    assert derived.lines == ["custom.size: 64 to 1024 MiB (0.5 * guest.memory_mib = 1024, as guest.memory_mib = 2048)"]


def test_nothing_of_what_the_caller_has_is_changed(known: Catalogue, facts: Facts) -> None:
    written = {"vm.disk.cache": {"values": ["none", "unsafe", "writeback"]}}
    derive(written, "db-oltp", facts, known=known)
    assert written == {"vm.disk.cache": {"values": ["none", "unsafe", "writeback"]}}
    assert known.entries["vm.disk.cache"].space["values"] == ["none", "writeback", "unsafe"]


def test_unknown_names_are_told_with_the_one_that_was_meant(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.vcpu": None, "vm.memory": {"minimum": 3}}, ["db-oltpp"], facts, known=known)
    assert faults(derived) == [
        "evolve_profile: there is no profile 'db-oltpp'. Did you mean db-oltp?",
        "vm.vcpu: is not in the catalogue, so its type and range must be said, as in {type: int, range: [1, 8]}. "
        "Did you mean vm.vcpus?",
        "vm.memory: is not in the catalogue, so its type and range must be said, as in {type: int, range: [1, 8]}. "
        "Did you mean vm.memory_mib?",
    ]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (7, "evolve_parameters: found 7, expected a mapping of names, or a list of names"),
        (["vm.vcpus", {"a": 1}], "evolve_parameters: found ['vm.vcpus', {'a': 1}], expected a mapping"),
        (["vm.vcpus", "vm.vcpus"], "evolve_parameters: names more than once: vm.vcpus"),
        ({"vm.vcpus": True}, "vm.vcpus: found True, expected nothing (its entry in the catalogue)"),
        ({"vm.vcpus": [1, 8]}, "vm.vcpus: found [1, 8], expected nothing"),
        ({"vm.vcpus": False}, "vm.vcpus: is left out with false, but no profile brings it in."),
        ({"vm.disk.class": None}, "vm.disk.class.values: is missing; only you can know them"),
        ({"vm.disk.cache": {"minimum": 1}}, "vm.disk.cache.minimum: is for numbers"),
        ({"vm.vcpus": {"minimum": "many"}}, "vm.vcpus.range: many: a range may speak of facts only"),
        ({"vm.vcpus": {"minimum": []}}, "vm.vcpus.range: found [] as minimum, expected a number"),
    ],
)
def test_what_cannot_be_read_is_a_fault(written: object, fault: str, known: Catalogue, facts: Facts) -> None:
    found = faults(derive(written, None, facts, known=known))
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize("key", ["range", "step", "scale", "special", "values", "when", "default", "type", "unit"])
@pytest.mark.parametrize("value", [None, 5, "text", [], [None, {}], {"a": 1}, True, -1.5, "1 +"])
@pytest.mark.parametrize("name", ["vm.disk.cache", "app.db.delay_ms", "app.db.buffers_mib", "vm.memory_mib", "custom"])
def test_nonsense_is_left_for_the_engine_to_refuse(
    name: str, key: str, value: object, known: Catalogue, facts: Facts
) -> None:
    written = {name: {key: value}, "app.db.share": None}
    needs_facts(written, None, known)
    derived = derive(written, None, facts, known=known)
    if not derived.faults:
        with contextlib.suppress(SearchSpaceError):
            SearchSpace.from_mapping(derived.parameters, derived.constraints)


def test_all_faults_come_at_once(known: Catalogue, facts: Facts) -> None:
    written = {
        "no.such": None,
        "vm.vcpus": {"type": "int", "range": [8, 1]},
        "app.db.trust": None,
        "x": {"type": "imt"},
    }
    derived = derive(written, "nobody", facts, ["speed"], known=known)
    assert [fault.where for fault in derived.faults] == [
        "evolve_allow_risk",
        "evolve_profile",
        "no.such",
        "app.db.trust",
        "vm.vcpus.range",
        "x.type",
    ]


def test_values_only_the_user_knows_are_taken_from_him(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.disk.class": {"values": ["fast", "slow"]}}, None, facts, known=known)
    assert derived.parameters == {"vm.disk.class": {"type": "choice", "values": ["fast", "slow"]}}


# -- profiles ----------------------------------------------------------------------------------------------------------


def test_a_profile_brings_its_parameters_before_those_that_are_written(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.memory_mib": None, "vm.vcpus": {"range": [2, 4]}}, "db-oltp", facts, known=known)
    assert list(derived.parameters) == ["vm.vcpus", "app.db.buffers_mib", "vm.memory_mib"]
    assert derived.parameters["vm.vcpus"]["range"] == [2, 4]


def test_false_leaves_a_parameter_out_of_a_profile(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.vcpus": False}, "db-oltp", facts, known=known)
    assert list(derived.parameters) == ["app.db.buffers_mib"]
    assert derived.faults == []


def test_profiles_add_up_and_the_later_one_prevails(known: Catalogue, facts: Facts) -> None:
    derived = derive(None, ["db-oltp", "db-large"], facts, known=known)
    assert derived.parameters["app.db.buffers_mib"]["range"] == [512, 1228]
    assert "app.db.buffers_mib >= 64 * vm.vcpus" in derived.constraints


def test_what_nothing_can_vary_of_is_left_out_of_a_profile_and_is_a_fault_of_who_named_it(
    known: Catalogue, facts: Facts
) -> None:
    single = {**facts, "hypervisor.vcpus": 1}
    derived = derive(None, "db-oltp", single, known=known)
    assert list(derived.parameters) == ["app.db.buffers_mib"]
    assert "vm.vcpus: left out: nothing can vary on this machine, only 1 is left: hypervisor.vcpus = 1" in derived.lines
    assert faults(derive(["vm.vcpus"], "db-oltp", single, known=known)) == [
        "vm.vcpus.range: nothing can vary on this machine, only 1 is left: hypervisor.vcpus = 1"
    ]


# -- ranges ------------------------------------------------------------------------------------------------------------


def test_ends_are_rounded_into_the_range(known: Catalogue, facts: Facts) -> None:
    derived = derive(
        ["app.db.buffers_mib", "vm.memory_mib"], None, {**facts, "hypervisor.free_memory_mib": 3001}, known=known
    )
    # 0.8 * 3001 = 2400.8: the steps of 256 from 512 end at 2304; 0.05 and 0.6 of that are 115.2 and 1382.4.
    assert derived.parameters["vm.memory_mib"]["range"] == [512, 2304]
    assert derived.parameters["app.db.buffers_mib"]["range"] == [116, 1382]


def test_the_machine_as_it_is_counts_where_its_size_is_not_searched(known: Catalogue, facts: Facts) -> None:
    derived = derive(["app.db.buffers_mib", "app.db.share"], None, facts, known=known)
    assert derived.parameters["app.db.buffers_mib"]["range"] == [103, 1228]
    assert derived.parameters["app.db.share"]["range"] == [0.1, 0.5]
    assert derived.lines[0] == (
        "app.db.buffers_mib: 103 to 1228 MiB (0.05 * guest.memory_mib = 102.4, as guest.memory_mib = 2048; "
        "0.6 * guest.memory_mib = 1228.8, as guest.memory_mib = 2048)"
    )


def test_the_most_it_can_be_counts_where_the_size_is_searched_in_whatever_order(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.disk.queues": None, "vm.vcpus": {"range": [1, 6]}}, None, facts, known=known)
    assert derived.parameters["vm.disk.queues"]["range"] == [1, 6]
    assert list(derived.parameters) == ["vm.disk.queues", "vm.vcpus"]
    assert "guest.vcpus: taken as 6, the most that vm.vcpus can be" in derived.lines


def test_what_the_application_needs_raises_the_low_end(known: Catalogue, facts: Facts) -> None:
    written = {"vm.memory_mib": {"minimum": 1000}, "custom.size": {"type": "float", "range": [0, 1], "minimum": 0.25}}
    derived = derive(written, None, facts, known=known)
    assert derived.parameters["vm.memory_mib"]["range"] == [1024, 7936]
    assert derived.parameters["custom.size"] == {"type": "float", "range": [0.25, 1]}
    assert derived.lines[0].startswith(
        "vm.memory_mib: 1024 to 7936 MiB (minimum 1000; 0.8 * hypervisor.free_memory_mib"
    )


def test_a_need_below_the_range_changes_nothing(known: Catalogue, facts: Facts) -> None:
    derived = derive({"vm.memory_mib": {"minimum": 100, "range": [512, 1024]}}, None, facts, known=known)
    assert derived.parameters["vm.memory_mib"]["range"] == [512, 1024]


def test_an_empty_range_says_which_facts_left_nothing(known: Catalogue, facts: Facts) -> None:
    written = {"app.db.buffers_mib": {"minimum": 4096}, "vm.memory_mib": None}
    derived = derive(written, None, {**facts, "hypervisor.free_memory_mib": 600}, known=known)
    assert faults(derived) == [
        "vm.memory_mib.range: nothing is left from 512 to 480 on this machine: "
        "0.8 * hypervisor.free_memory_mib = 480, as hypervisor.free_memory_mib = 600",
        "app.db.buffers_mib.range: nothing is left from 4096 to 1228.8 on this machine: minimum 4096; "
        "0.6 * guest.memory_mib = 1228.8, as guest.memory_mib = 2048",
    ]


def test_what_the_hypervisor_has_ends_derived_ranges_and_not_written_ones(known: Catalogue, facts: Facts) -> None:
    assert derive(None, "db-large", facts, known=known).parameters["vm.vcpus"]["range"] == [2, 8]
    assert derive({"vm.vcpus": {"range": [2, 64]}}, None, facts, known=known).parameters["vm.vcpus"]["range"] == [2, 64]
    greedy = {**facts, "hypervisor.free_memory_mib": 50000}
    derived = derive(["vm.memory_mib"], None, greedy, known=known)
    assert derived.parameters["vm.memory_mib"]["range"] == [512, 16384]
    assert derived.lines == ["vm.memory_mib: 512 to 16384 MiB (hypervisor.memory_mib = 16384)"]


def test_a_fact_that_could_not_be_read_is_asked_for_as_a_number(known: Catalogue) -> None:
    assert faults(derive(["app.db.share"], None, {}, known=known)) == [
        "app.db.share.range: 0.25 * guest.vcpus: guest.vcpus could not be found out on this machine; "
        "state an end of a range as a number"
    ]


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        ("0.5 * guest.memory", "a range may speak of facts only"),
        ("0.5 * vm.memory_mib", "How parameters depend on each other is said by a constraint"),
        ("0.5 *", "expected a parameter, a number or a text at the end"),
        ("guest.vcpus > 1", "gives True, expected a number"),
        ("guest.vcpus / 0", "division by zero"),
        ("10000000 * 10000000 * 10000000 * guest.vcpus", "is too large a number"),
    ],
)
def test_an_end_that_gives_no_number_is_a_fault(end: str, problem: str, known: Catalogue, facts: Facts) -> None:
    found = faults(derive({"x": {"type": "int", "range": [1, end]}}, None, facts, known=known))
    assert len(found) == 1
    assert found[0].startswith(f"x.range: {end}")
    assert problem in found[0]


def test_the_default_of_an_entry_stays_only_where_the_range_holds_it(known: Catalogue, facts: Facts) -> None:
    assert derive(["app.db.buffers_mib"], None, facts, known=known).parameters["app.db.buffers_mib"]["default"] == 128
    large = {**facts, "guest.memory_mib": 65536}
    assert "default" not in derive(["app.db.buffers_mib"], None, large, known=known).parameters["app.db.buffers_mib"]


def test_a_default_that_was_written_stays_to_be_checked(known: Catalogue, facts: Facts) -> None:
    written = {"vm.vcpus": {"default": 99}, "no.such": None}
    assert "vm.vcpus.default: found 99, expected 1 to 8" in faults(derive(written, None, facts, known=known))


# -- conditions and constraints ----------------------------------------------------------------------------------------


def test_a_condition_stays_where_what_it_speaks_of_is_searched(known: Catalogue, facts: Facts) -> None:
    both = derive(["app.db.level", "app.db.compress"], None, facts, known=known)
    assert both.parameters["app.db.level"]["when"] == "app.db.compress"
    alone = derive(["app.db.level"], None, facts, known=known)
    assert "when" not in alone.parameters["app.db.level"]
    SearchSpace.from_mapping(alone.parameters)


def test_constraints_come_with_their_parameters_and_facts_as_they_are_searched(known: Catalogue, facts: Facts) -> None:
    assert derive(["app.db.buffers_mib"], None, facts, known=known).constraints == ["app.db.buffers_mib <= 0.75 * 2048"]
    both = derive(["app.db.buffers_mib", "vm.memory_mib"], None, facts, known=known)
    assert both.constraints == ["app.db.buffers_mib <= 0.75 * vm.memory_mib"]
    assert "constraint: app.db.buffers_mib <= 0.75 * vm.memory_mib" in both.lines
    assert derive(["vm.memory_mib"], "db-oltp", facts, known=known).constraints == both.constraints


def test_a_constraint_whose_fact_is_not_known_is_left_out_and_told(known: Catalogue, facts: Facts) -> None:
    del facts["guest.vcpus"]
    derived = derive({"vm.disk.queues": {"range": [1, 4]}}, None, facts, known=known)
    assert derived.constraints == []
    assert derived.lines[-1] == (
        "constraint left out: vm.disk.queues <= guest.vcpus: guest.vcpus could not be found out"
    )


# -- risks -------------------------------------------------------------------------------------------------------------


def test_a_risky_value_is_left_out_and_told(known: Catalogue, facts: Facts) -> None:
    derived = derive(["vm.disk.cache"], None, facts, known=known)
    assert derived.parameters["vm.disk.cache"]["values"] == ["none", "writeback"]
    assert derived.lines == [
        "vm.disk.cache: none, writeback (catalogue)",
        "vm.disk.cache: unsafe left out, as it can cost durability; to allow that: evolve_allow_risk: [durability]",
    ]


@pytest.mark.parametrize("allow", [["durability"], "durability", ["security", "durability"]])
def test_a_risk_that_is_allowed_stays(allow: object, known: Catalogue, facts: Facts) -> None:
    derived = derive(["vm.disk.cache"], None, facts, allow, known=known)
    assert derived.parameters["vm.disk.cache"]["values"] == ["none", "writeback", "unsafe"]
    assert derived.faults == []


def test_a_whole_specification_of_a_known_name_loses_its_risky_values_too(known: Catalogue, facts: Facts) -> None:
    written = {"vm.disk.cache": {"type": "choice", "values": ["none", "unsafe", "directsync"], "default": "unsafe"}}
    derived = derive(written, None, facts, known=known)
    assert derived.parameters["vm.disk.cache"] == {"type": "choice", "values": ["none", "directsync"]}


def test_where_nothing_is_left_to_vary_the_risk_must_be_allowed(known: Catalogue, facts: Facts) -> None:
    written = {"app.db.fsync": None, "vm.disk.cache": {"values": ["none", "unsafe"]}}
    assert faults(derive(written, None, facts, known=known)) == [
        "app.db.fsync: without false, which can cost durability, nothing can vary; "
        "to allow that: evolve_allow_risk: [durability]",
        "vm.disk.cache: without unsafe, which can cost durability, nothing can vary; "
        "to allow that: evolve_allow_risk: [durability]",
    ]
    assert derive(written, None, facts, ["durability"], known=known).faults == []


def test_a_parameter_that_is_risky_itself_is_left_out_of_a_profile_and_is_a_fault_of_who_named_it(
    known: Catalogue, facts: Facts
) -> None:
    derived = derive(None, "db-oltp", facts, known=known)
    assert derived.faults == []
    assert [line for line in derived.lines if "left out" in line] == [
        "app.db.trust: left out: any change of it can cost security (a protection is given up); "
        "to allow that: evolve_allow_risk: [security]",
        "app.db.fsync: left out: without false, which can cost durability, nothing can vary; "
        "to allow that: evolve_allow_risk: [durability]",
    ]
    for written in (["app.db.trust"], {"app.db.trust": {"type": "int", "range": [0, 1]}}):
        assert faults(derive(written, None, facts, known=known)) == [
            "app.db.trust: any change of it can cost security (a protection is given up); "
            "to allow that: evolve_allow_risk: [security]"
        ]
    assert derive(["app.db.trust"], None, facts, ["security"], known=known).faults == []


def test_risky_numbers_are_cut_off_the_range_and_the_special_values(known: Catalogue, facts: Facts) -> None:
    derived = derive(["app.db.delay_ms"], None, facts, known=known)
    assert derived.parameters["app.db.delay_ms"] == {"type": "int", "range": [1, 100], "unit": "ms", "default": 10}
    half = derive(["app.db.delay_ms"], None, facts, ["availability"], known=known)
    assert half.parameters["app.db.delay_ms"]["special"] == [-1]
    inside = derive({"app.db.delay_ms": {"range": [-5, 5], "special": [-9]}}, None, facts, known=known)
    assert "app.db.delay_ms: without 0, which can cost durability, nothing can vary" in faults(inside)[0]


@pytest.mark.parametrize("allow", ["speed", ["speed"], 3, {"durability": True}])
def test_a_risk_that_does_not_exist_is_a_fault(allow: object, known: Catalogue, facts: Facts) -> None:
    found = faults(derive(["vm.vcpus"], None, facts, allow, known=known))
    assert len(found) == 1
    assert "expected a list of risks: durability, security, availability" in found[0]


# -- facts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "profile", "needed"),
    [
        ({"custom": {"type": "bool"}}, None, set()),
        (["vm.vcpus"], None, {"hypervisor.vcpus"}),
        ({"vm.vcpus": {"range": [1, 4]}}, None, set()),
        ({"vm.vcpus": {"type": "int", "range": [1, 4]}}, None, set()),
        (["vm.memory_mib"], None, {"hypervisor.free_memory_mib", "hypervisor.memory_mib"}),
        (["app.db.buffers_mib"], None, {"guest.memory_mib"}),
        ({"app.db.buffers_mib": None, "vm.memory_mib": {"range": [512, 1024]}}, None, set()),
        ({"vm.memory_mib": {"range": ["guest.memory_mib", 4096]}}, None, {"guest.memory_mib"}),
        ({"vm.disk.queues": {"range": [1, 4]}}, None, {"guest.vcpus"}),
        ({"custom": {"type": "int", "range": [1, 9], "minimum": "guest.vcpus"}}, None, {"guest.vcpus"}),
        (None, "db-large", {"guest.memory_mib", "hypervisor.vcpus"}),
        (7, "nobody", set()),
    ],
)
def test_only_the_facts_that_are_needed_are_asked_for(
    written: object, profile: object, needed: set[str], known: Catalogue, facts: Facts
) -> None:
    assert needs_facts(written, profile, known) == needed
    some = {name: value for name, value in facts.items() if name in needed}
    assert derive(written, profile, some, known=known) == derive(written, profile, facts, known=known)


def test_a_switch_is_not_a_number_where_values_are_risky(known: Catalogue) -> None:
    assert known.risk_of("app.db.fsync", False) == "durability"
    assert known.risk_of("app.db.fsync", 0) is None
    assert known.risk_of("app.db.delay_ms", 0) == "durability"
    assert known.risk_of("app.db.delay_ms", False) is None
    assert known.risks_in({"app.db.fsync": False, "vm.vcpus": 1}) == {"app.db.fsync": "durability"}
