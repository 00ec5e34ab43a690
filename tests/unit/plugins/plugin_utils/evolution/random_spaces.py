# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random search spaces with conditions and constraints, for property tests, and what valid means in one."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import InactiveParameterError, parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace


@st.composite
def search_spaces(draw, max_parameters=5, constrained=True):
    """(space, specifications) with at least one valid configuration."""
    names = [f"vm.p{number}" for number in range(draw(st.integers(1, max_parameters)))]
    specifications = {name: draw(_specifications) for name in names}
    for index, name in enumerate(names[1:], start=1):
        if draw(st.integers(0, 2)) == 0:
            specifications[name]["when"] = draw(_conditions(specifications, names[:index]))
    order = draw(st.permutations(names))
    specifications = {name: specifications[name] for name in order}
    constraints = draw(_constraints(specifications)) if constrained else []
    return SearchSpace.from_mapping(specifications, constraints), specifications


def assert_valid(space, specifications, values):
    """By the engine's own word, and by plain arithmetic on what the user wrote."""
    assert space.faults(values) == []
    assert values
    for name, value in values.items():
        specification = specifications[name]
        kind = specification["type"]
        assert type(value) in {"int": (int,), "bool": (bool,), "float": (int, float)}.get(kind, (int, float, str, bool))
        if kind == "choice":
            assert any(value == v and type(value) is type(v) for v in specification["values"])
        elif kind in ("int", "float") and value not in specification.get("special", []):
            low, high = specification["range"]
            assert low <= value <= high
            steps = (value - low) / specification.get("step", 1 if kind == "int" else 1e-9)
            assert (kind == "float" and "step" not in specification) or math.isclose(steps, round(steps), abs_tol=1e-6)
    assert any("when" not in specifications[name] for name in values)


_TEXTS = st.sampled_from([["none", "writeback"], ["a", "b", "off"], [1, 2, 4, "auto"], [True, "x"], [1, True]])


@st.composite
def _numeric(draw):
    kind = draw(st.sampled_from(["int", "float"]))
    log = draw(st.booleans())
    low = draw(st.sampled_from([1, 2, 32, 512] if log else [-10, 0, 1, 32, 512]))
    width = draw(st.sampled_from([1, 2, 3, 7, 100, 4_096]))
    shift = draw(st.sampled_from([0.0, 0.1, 1 / 3])) if kind == "float" else 0
    result = {"type": kind, "range": [low + shift, low + width + shift], "scale": "log" if log else "linear"}
    if draw(st.booleans()):
        parts = draw(st.sampled_from([1, 2, 3, 7]))
        result["step"] = max(1, width // parts) if kind == "int" else width / parts
    if draw(st.integers(0, 3)) == 0:
        result["special"] = draw(st.sampled_from([[-99], [-99, -100]]))
    if draw(st.booleans()):
        result["default"] = result["range"][0]
    return result


_specifications = st.one_of(
    _numeric(),
    st.builds(lambda values, ordered: {"type": "choice", "values": values, "ordered": ordered}, _TEXTS, st.booleans()),
    st.sampled_from([{"type": "bool"}, {"type": "bool", "default": False}]).map(dict),
)


def _comparison(draw, name, specification):
    """A condition on one parameter that is neither always nor never true."""
    if specification["type"] == "bool":
        return draw(st.sampled_from([name, f"not {name}"]))
    if specification["type"] == "choice":
        return f"{name} {draw(st.sampled_from(['==', '!=']))} {specification['values'][0]!r}"
    low, high = specification["range"]
    return f"{name} {draw(st.sampled_from(['<', '>=', '>']))} {(low + high) / 2}"


@st.composite
def _conditions(draw, specifications, earlier):
    first, second = (draw(st.sampled_from(earlier)) for dummy in range(2))
    text = _comparison(draw, first, specifications[first])
    if draw(st.booleans()):
        text += draw(st.sampled_from([" and ", " or "])) + _comparison(draw, second, specifications[second])
    return text


@st.composite
def _constraints(draw, specifications):
    """Constraints that a random configuration satisfies, so that the space is not empty."""
    free = SearchSpace.from_mapping(specifications)
    witness = free.complete({}, np.random.default_rng(draw(st.integers(0, 2**32))))
    numeric = [name for name, s in specifications.items() if s["type"] in ("int", "float")]
    texts = []
    for dummy in range(draw(st.integers(0, 3))):
        pairs = list(itertools.permutations(numeric, 2))
        if pairs and draw(st.booleans()):
            one, other = draw(st.sampled_from(pairs))
            text = draw(st.sampled_from(["{} <= {}", "{} + {} < 100", "2 * {} >= {}", "{} / 7 > {}"]))
            texts.append(text.format(one, other))
        else:
            name = draw(st.sampled_from(list(specifications)))
            texts.append(_comparison(draw, name, specifications[name]))
    return [text if _holds(text, witness) else f"not ({text})" for text in texts]


def _holds(text, values):
    try:
        return parse(text).holds(values)
    except InactiveParameterError:
        return True
