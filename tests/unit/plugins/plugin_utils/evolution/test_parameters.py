# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters: what is read, and how values are checked, drawn, moved and rounded."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import read

thorough = settings(max_examples=400, deadline=None, derandomize=True, database=None)


def parameter(name="p", **specification):
    faults = []
    found = read(name, specification, faults)
    assert not faults, [str(fault) for fault in faults]
    return found


def faults_of(specification, name="p"):
    faults = []
    assert read(name, specification, faults) is None
    return [str(fault) for fault in faults]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        (None, "p: found None, expected a mapping such as {type: int, range: [1, 8]}"),
        ([1, 8], "p: found [1, 8], expected a mapping"),
        ({}, "p.type: found None, expected one of int, float, choice, bool."),
        ({"type": "integer"}, "p.type: found 'integer', expected one of int, float, choice, bool. Did you mean int?"),
        ({"type": ["int"]}, "p.type: found ['int'], expected one of"),
        ({"type": "int"}, "p.range: found None, expected two numbers [low, high]"),
        ({"type": "int", "range": 8}, "p.range: found 8, expected two numbers"),
        ({"type": "int", "range": [1]}, "p.range: found [1], expected two numbers"),
        ({"type": "int", "range": [1, "8"]}, "p.range: found [1, '8'], expected two numbers"),
        ({"type": "int", "range": [True, 8]}, "p.range: found [True, 8], expected two numbers"),
        ({"type": "float", "range": [0, math.inf]}, "p.range: found [0, inf], expected two numbers"),
        ({"type": "float", "range": [math.nan, 1]}, "p.range: found [nan, 1], expected two numbers"),
        ({"type": "int", "range": [0, 10**400]}, "of at most 9007199254740992"),
        ({"type": "int", "range": [0, 2**64]}, "of at most 9007199254740992"),
        ({"type": "int", "range": [0.5, 8]}, "p.range: found [0.5, 8], expected whole numbers for type int"),
        ({"type": "int", "range": [8, 1]}, "p.range: found [8, 1]: the low end is above the high end; write [1, 8]?"),
        ({"type": "int", "range": [3, 3]}, "p.range: found [3, 3]: nothing can vary"),
        ({"type": "int", "range": [0, 8], "scale": "log"}, "p.scale: log needs a range above 0, found a low end of 0"),
        ({"type": "int", "range": [1, 8], "scale": "Log"}, "p.scale: found 'Log', expected linear or log"),
        ({"type": "int", "range": [1, 8], "step": 0}, "p.step: found 0, expected a number above 0"),
        ({"type": "int", "range": [1, 8], "step": -1}, "p.step: found -1, expected a number above 0"),
        ({"type": "int", "range": [1, 8], "step": "1"}, "p.step: found '1', expected a number above 0"),
        ({"type": "int", "range": [1, 8], "step": 0.5}, "p.step: found 0.5, expected a whole number for type int"),
        ({"type": "int", "range": [1, 8], "step": 8}, "p.step: found 8, expected at most 7, the width of the range"),
        ({"type": "float", "range": [0, 1], "special": -1}, "p.special: found -1, expected a list of numbers"),
        ({"type": "float", "range": [0, 1], "special": ["auto"]}, "p.special: found ['auto'], expected a list of"),
        ({"type": "int", "range": [0, 9], "special": [-1, 5]}, "p.special: 5 lie within the range already"),
        ({"type": "int", "range": [0, 9], "special": [-0.5]}, "p.special: found [-0.5], expected whole numbers"),
        ({"type": "int", "range": [0, 9], "special": [-1, -1]}, "p.special: stated more than once: -1"),
        ({"type": "int", "range": [1, 8], "default": 9}, "p.default: found 9, expected 1 to 8"),
        ({"type": "int", "range": [1, 8], "default": "4"}, "p.default: found '4', expected a whole number"),
        ({"type": "int", "range": [1, 8], "default": 2.5}, "p.default: found 2.5, expected a whole number"),
        ({"type": "int", "range": [1, 8], "default": True}, "p.default: found True, expected a whole number"),
        ({"type": "int", "range": [1, 8], "default": None}, "p.default: found None, expected a whole number"),
        (
            {"type": "int", "range": [0, 8], "step": 4, "default": 5},
            "p.default: found 5, expected steps of 4 from 0; nearest 4",
        ),
        (
            {"type": "int", "range": [1, 8], "special": [-1], "default": 0},
            "p.default: found 0, expected 1 to 8, or one of -1",
        ),
        ({"type": "float", "range": [0, 1], "default": math.nan}, "p.default: found nan, expected 0.0 to 1.0"),
        ({"type": "choice"}, "p.values: found None, expected a list of at least two values"),
        ({"type": "choice", "values": ["a"]}, "p.values: found ['a'], expected a list of at least two values"),
        ({"type": "choice", "values": "ab"}, "p.values: found 'ab', expected a list of at least two values"),
        ({"type": "choice", "values": ["a", "b", "a"]}, "p.values: stated more than once: a"),
        ({"type": "choice", "values": [1, 1.0]}, "p.values: stated more than once: 1.0"),
        ({"type": "choice", "values": ["a", None, ["b"]]}, "p.values: found None, ['b'], expected texts, numbers and"),
        ({"type": "choice", "values": ["a", math.nan]}, "p.values: found nan, expected texts"),
        ({"type": "choice", "values": ["a", "b"], "ordered": "yes"}, "p.ordered: found 'yes', expected true or false"),
        ({"type": "choice", "values": ["a", "b"], "default": "c"}, "p.default: found 'c', expected one of 'a', 'b'"),
        ({"type": "choice", "values": ["on", "off"], "default": False}, "(YAML reads unquoted on/off/yes/no as"),
        ({"type": "choice", "values": [0, 1], "default": True}, "p.default: found True, expected one of 0, 1"),
        ({"type": "bool", "default": 1}, "p.default: found 1, expected true or false"),
        ({"type": "bool", "default": "yes"}, "p.default: found 'yes', expected true or false"),
        ({"type": "bool", "range": [0, 1]}, "p.range: unknown key for type bool; accepted: default, description,"),
        ({"type": "int", "range": [1, 8], "values": [1]}, "p.values: unknown key for type int"),
        ({"type": "int", "range": [1, 8], "defualt": 1}, "Did you mean default?"),
        ({"type": "int", "range": [1, 8], 5: 1}, "p.5: unknown key for type int"),
    ],
)
def test_one_fault_is_told_with_its_key_what_was_found_and_what_is_accepted(specification, message):
    found = faults_of(specification)
    assert len(found) == 1, found
    assert message in found[0]


def test_every_fault_of_a_parameter_is_told_at_once():
    specification = {"type": "int", "range": [8, 1], "step": "x", "scale": "log10", "stepp": 1, "special": [0.5]}
    keys = sorted(fault.split(":")[0] for fault in faults_of(specification))
    assert keys == ["p.range", "p.scale", "p.special", "p.step", "p.stepp"]


def test_a_bad_default_is_told_together_with_an_unknown_key():
    keys = [fault.split(":")[0] for fault in faults_of({"type": "bool", "defualt": True, "default": 3})]
    assert keys == ["p.defualt", "p.default"]


def test_tuples_are_as_good_as_lists():
    assert parameter(type="choice", values=("a", "b")).values() == ["a", "b"]
    assert parameter(type="int", range=(1, 3), special=(-1,)).values() == [-1, 1, 2, 3]


# -- what values there are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specification", "values"),
    [
        ({"type": "int", "range": [1, 4]}, [1, 2, 3, 4]),
        ({"type": "int", "range": [1, 8], "step": 3}, [1, 4, 7]),
        ({"type": "int", "range": [1.0, 4.0], "step": 3.0}, [1, 4]),
        ({"type": "int", "range": [-2, 2], "step": 2, "special": [-9, 9]}, [-9, 9, -2, 0, 2]),
        ({"type": "float", "range": [0, 0.7], "step": 0.1}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ({"type": "float", "range": [0.1, 0.75], "step": 0.3}, [0.1, 0.4, 0.7]),
        ({"type": "choice", "values": ["b", "a", 3, True]}, ["b", "a", 3, True]),
        ({"type": "bool"}, [False, True]),
    ],
)
def test_values_are_the_whole_grid_in_plain_types(specification, values):
    found = parameter(**specification)
    assert found.values() == values
    assert [type(value) for value in found.values()] == [type(value) for value in values]
    assert found.size == len(values)
    assert all(found.problem(value) == "" for value in values)


def test_a_continuous_parameter_has_infinitely_many_values():
    assert parameter(type="float", range=[0, 1]).size == math.inf


@pytest.mark.parametrize(
    "specification",
    [
        {"type": "int", "range": [1, 9]},
        {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"},
        {"type": "float", "range": [-3, 4], "step": 0.5},
        {"type": "float", "range": [0.001, 7.3], "scale": "log"},
        {"type": "choice", "values": ["a", "b", "c"]},
        {"type": "bool"},
    ],
)
def test_unit_positions_are_in_order_and_lead_back_to_the_value(specification):
    found = parameter(**specification)
    values = found.values() if found.size < math.inf else [found.from_unit(u) for u in np.linspace(0, 1, 30)]
    positions = [found.to_unit(value) for value in values]
    assert positions == sorted(set(positions))
    assert 0.0 <= positions[0] < positions[-1] <= 1.0
    for value, position in zip(values, positions, strict=True):
        assert found.from_unit(position) == (pytest.approx(value) if isinstance(value, float) else value)


def test_a_log_scale_gives_each_factor_the_same_share():
    found = parameter(type="float", range=[1, 10_000], scale="log")
    draws = [found.from_unit(u) for u in np.linspace(0, 1, 4_001)]
    for low, high in itertools.pairwise([1, 10, 100, 1_000, 10_000]):
        assert sum(low <= value < high for value in draws) == pytest.approx(1_000, abs=2)
    assert found.to_unit(100) == pytest.approx(0.5)


def test_a_log_scale_on_a_grid_draws_small_values_more_often_but_the_largest_too():
    found = parameter(type="int", range=[1, 8], scale="log")
    draws = [found.from_unit(u) for u in np.linspace(0, 1, 1_000)]
    counts = [draws.count(value) for value in range(1, 9)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 40


@pytest.mark.parametrize(
    "specification",
    [
        {"type": "int", "range": [1, 4]},
        {"type": "int", "range": [1, 8], "step": 3},
        {"type": "float", "range": [0, 1], "step": 0.25},
        {"type": "choice", "values": ["a", "b", "c"]},
        {"type": "bool"},
    ],
)
def test_each_value_of_a_grid_is_drawn_equally_often_the_ends_included(specification):
    found = parameter(**specification)
    draws = [found.from_unit(u) for u in np.linspace(0, 1, 1_200, endpoint=False)]
    for value in found.values():
        assert draws.count(value) == pytest.approx(1_200 / found.size, abs=2)


def test_a_linear_scale_gives_each_value_the_same_share():
    found = parameter(type="float", range=[10, 20])
    assert [found.from_unit(u) for u in (0.0, 0.25, 1.0)] == [10.0, 12.5, 20.0]
    assert found.to_unit(12.5) == 0.25


@pytest.mark.parametrize("position", [-0.5, 0.0, 1e-300, 0.5, 1.0 - 1e-16, 1.0, 1.5])
@pytest.mark.parametrize(
    "specification",
    [
        {"type": "int", "range": [1, 3]},
        {"type": "int", "range": [1, 2**53], "scale": "log"},
        {"type": "float", "range": [1e-300, 1e15], "scale": "log"},
        {"type": "float", "range": [1 / 3, 2 / 3]},
        {"type": "float", "range": [1 / 3, 2 / 3], "step": 1 / 9},
        {"type": "float", "range": [0.1234567890123456, 0.1234567890123457]},
        {"type": "int", "range": [1, 9], "special": [-1, 0]},
        {"type": "choice", "values": ["a", "b"]},
        {"type": "bool"},
    ],
)
def test_every_position_gives_an_acceptable_value(specification, position):
    found = parameter(**specification)
    assert found.problem(found.from_unit(position)) == ""


def test_special_values_get_their_share_and_the_range_the_rest():
    found = parameter(type="int", range=[1, 1_000], special=[-1, 0])
    draws = [found.from_unit(u) for u in np.linspace(0, 1, 2_000, endpoint=False)]
    assert draws.count(-1) == pytest.approx(150, abs=2)
    assert draws.count(0) == pytest.approx(150, abs=2)
    assert {1, 1_000} <= set(draws)
    assert np.mean([value for value in draws if value > 0]) == pytest.approx(500.5, abs=2)


def test_whole_numbers_stay_exact_up_to_the_largest_accepted():
    found = parameter(type="int", range=[2**53 - 5, 2**53])
    assert found.values() == list(range(2**53 - 5, 2**53 + 1))
    assert found.from_unit(1.0) == 2**53


def test_fractions_read_as_people_write_them():
    found = parameter(type="float", range=[0, 1], step=0.1)
    assert repr(found.from_unit(0.3)) == "0.3"


# -- values from elsewhere ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specification", "given_value", "nearest"),
    [
        ({"type": "int", "range": [1, 8]}, 16, 8),
        ({"type": "int", "range": [1, 8]}, -3, 1),
        ({"type": "int", "range": [0, 100], "step": 10}, 57, 60),
        ({"type": "int", "range": [0, 100], "step": 10}, 50, 50),
        ({"type": "float", "range": [1, 4], "step": 0.5, "scale": "log"}, 99.0, 4.0),
        ({"type": "int", "range": [1, 8], "special": [-1]}, -1, -1),
        ({"type": "choice", "values": ["a", "b"]}, "b", "b"),
        ({"type": "bool"}, True, True),
    ],
)
def test_nearest_acceptable_value(specification, given_value, nearest, rng):
    assert parameter(**specification).nearest(given_value, rng) == nearest


@pytest.mark.parametrize(
    "value", ["none", None, True, 1.5, math.nan, math.inf, pytest.param(10**400, id="huge"), [], -7]
)
@pytest.mark.parametrize(
    "specification",
    [
        {"type": "int", "range": [1, 8]},
        {"type": "int", "range": [1, 8], "special": [-1]},
        {"type": "float", "range": [2, 8], "scale": "log"},
        {"type": "choice", "values": ["a", "b", 1]},
        {"type": "choice", "values": ["a", "b", 1], "ordered": True},
        {"type": "bool"},
    ],
)
def test_whatever_a_machine_had_becomes_acceptable(specification, value, rng):
    found = parameter(**specification)
    assert found.problem(found.nearest(value, rng)) == ""
    assert found.problem(found.mutate(value, rng, 0.2)) == ""
    assert 0.0 <= found.to_unit(value) <= 1.0


# -- mutation ----------------------------------------------------------------------------------------------------------


@st.composite
def specifications(draw):
    kind = draw(st.sampled_from(["int", "float", "choice", "bool"]))
    if kind == "bool":
        return {"type": kind}
    if kind == "choice":
        values = draw(st.lists(st.sampled_from(["a", "b", "off", 1, 2, True, False, 0.5]), min_size=2, max_size=6))
        unique = list({(isinstance(v, bool), v): v for v in values}.values())
        return {"type": kind, "values": unique if len(unique) > 1 else ["a", "z"], "ordered": draw(st.booleans())}
    log = draw(st.booleans())
    scale = draw(st.sampled_from([1, 1_000, 1_000_000]))
    low = draw(st.integers(1 if log else -scale, scale))
    width = draw(st.integers(1, 2 * scale))
    result = {"type": kind, "range": [low, low + width], "scale": "log" if log else "linear"}
    if kind == "float":
        shift = draw(st.sampled_from([0.0, 1 / 3, 0.1]))
        result["range"] = [low + shift, low + width + shift]
    if draw(st.booleans()):
        result["step"] = draw(st.integers(1, width)) if kind == "int" else width / draw(st.integers(1, 50))
    if draw(st.booleans()):
        result["special"] = draw(st.lists(st.integers(-10 * scale, -scale - 1), min_size=1, max_size=2, unique=True))
    return result


@thorough
@given(specifications(), st.floats(0, 1), st.floats(1e-9, 1.0), st.integers(0, 2**32))
def test_mutation_gives_another_acceptable_value_in_a_plain_type(specification, position, sigma, seed):
    found = parameter(**specification)
    rng = np.random.default_rng(seed)
    value = found.from_unit(position)
    for dummy in range(5):
        moved = found.mutate(value, rng, sigma)
        assert found.problem(moved) == ""
        assert (type(moved), moved) != (type(value), value)
        assert type(moved) in (int, float, str, bool)
        if specification["type"] == "int":
            assert isinstance(moved, int)
        value = moved


@pytest.mark.parametrize(
    "specification",
    [
        {"type": "int", "range": [1, 12]},
        {"type": "int", "range": [1, 12], "special": [-1, -2]},
        {"type": "int", "range": [16, 256], "step": 16, "scale": "log"},
        {"type": "choice", "values": list("abcdef")},
        {"type": "choice", "values": list("abcdef"), "ordered": True},
        {"type": "choice", "values": [1, True, "x"]},
    ],
)
def test_mutation_can_reach_every_value(specification, rng):
    found = parameter(**specification)
    value, seen = found.values()[0], []
    for dummy in range(1_500):
        value = found.mutate(value, rng, 0.1)
        seen.append(value)
    assert all(any(v == w and type(v) is type(w) for w in seen) for v in found.values())


def test_mutation_is_local_on_its_scale(rng):
    linear = parameter(type="float", range=[0, 1])
    assert max(abs(linear.mutate(0.5, rng, 0.01) - 0.5) for dummy in range(200)) < 0.06
    log = parameter(type="float", range=[1, 1_000_000], scale="log")
    moves = [log.mutate(1_000.0, rng, 0.05) for dummy in range(400)]
    assert 100 < min(moves) < 1_000 < max(moves) < 10_000
    assert np.median(moves) == pytest.approx(1_000, rel=0.2)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_reflection_at_the_ends_favours_neither(sigma, rng):
    found = parameter(type="float", range=[0, 1])
    moves = [found.mutate(0.5, rng, sigma) for dummy in range(4_000)]
    assert np.mean(moves) == pytest.approx(0.5, abs=0.03)
    assert sum(move < 0.01 for move in moves) < 100


def test_small_steps_on_a_coarse_grid_go_to_the_neighbours(rng):
    found = parameter(type="int", range=[0, 1_000], step=100)
    assert {found.mutate(500, rng, 1e-6) for dummy in range(50)} == {400, 600}
    assert {found.mutate(0, rng, 1e-6) for dummy in range(20)} == {100}
    assert {found.mutate(1_000, rng, 1e-6) for dummy in range(20)} == {900}


def test_ordered_choices_move_to_neighbours_and_others_anywhere(rng):
    ordered = parameter(type="choice", values=list("abcdef"), ordered=True)
    assert {ordered.mutate("c", rng, 0.01) for dummy in range(100)} == {"b", "d"}
    free = parameter(type="choice", values=list("abcdef"))
    assert {free.mutate("c", rng, 0.01) for dummy in range(200)} == set("abdef")


def test_special_values_are_entered_and_left(rng):
    found = parameter(type="int", range=[10, 1_000], special=[-1])
    entered = sum(found.mutate(500, rng, 0.1) == -1 for dummy in range(1_000))
    assert 100 < entered < 210
    left = [found.mutate(-1, rng, 0.001) for dummy in range(300)]
    assert min(left) < 100
    assert max(left) > 900
