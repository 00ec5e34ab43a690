# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search space: parameters, their conditions, and the constraints between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import (
    Expression,
    ExpressionError,
    InactiveParameterError,
    parse,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import Parameter, read, read_when
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, qmc

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Configuration = dict[str, Any]

# Spaces up to this size are searched completely before "no configuration satisfies the constraints" is said.
_ENUMERABLE = 20_000
# In larger ones that many searches, each of so many random draws and steps towards the constraints from the nearest.
_SEARCHES = 10
_DRAWS = 128
_STEPS = 2_000
# Steps towards the constraints from a child that a repair left outside them.
_REPAIR_STEPS = 200


class SearchSpaceError(InputError):
    """The search space is not usable; `faults` lists everything that is wrong."""

    subject = "the search space"


class SearchSpace:
    """Parameters in the order the user wrote them, and constraints over them.

    A configuration holds a value for every active parameter and for no other.
    """

    def __init__(self, parameters: Mapping[str, Parameter], constraints: Sequence[Expression] = ()) -> None:
        self.parameters = dict(parameters)
        self.constraints = tuple(constraints)
        self._order = _activation_order(self.parameters)
        self._witness: Configuration | None = None

    @classmethod
    def from_mapping(cls, parameters: Any, constraints: Any = ()) -> SearchSpace:
        """The space described by `evolve_parameters` and `evolve_constraints`.

        SearchSpaceError lists every fault of both at once.
        """
        faults: list[Fault] = []
        conditions = _read_conditions(parameters, faults)
        read_parameters = _read_parameters(parameters, conditions, faults)
        read_constraints = _read_constraints(constraints, faults)
        known = [str(name) for name in parameters] if isinstance(parameters, Mapping) else []
        expressions = {**{f"{name}.when": when for name, when in conditions.items()}, **read_constraints}
        for where, expression in expressions.items():
            _check_names(where, expression, known, faults)
        _check_cycles(conditions, faults)
        _check_types(expressions, read_parameters, faults)
        if faults:
            raise SearchSpaceError(faults)
        space = cls(read_parameters, list(read_constraints.values()))
        space._find_witness()
        return space

    # -- what is valid ---------------------------------------------------------------------------------------------

    def activate(self, values: Mapping[str, Any]) -> Configuration:
        """The values of active parameters only, in the space's order. Parameters that `values` lacks stay out."""
        active: Configuration = {}
        for name in self._order:
            when = self.parameters[name].when
            if name in values and (when is None or _holds(when, active)):
                active[name] = values[name]
        return {name: active[name] for name in self.parameters if name in active}

    def active_names(self, values: Mapping[str, Any]) -> set[str]:
        """Names that must have a value, given the others' values."""
        active: Configuration = {}
        names = set()
        for name in self._order:
            when = self.parameters[name].when
            if when is None or _holds(when, active):
                names.add(name)
                if name in values:
                    active[name] = values[name]
        return names

    def violation(self, values: Mapping[str, Any]) -> float:
        """Sum of the constraints' distances; 0.0 where all hold.

        A constraint on an inactive parameter holds; one that is undefined (a division by zero) does not.
        """
        return sum(_distance(constraint, values) for constraint in self.constraints)

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """Everything that is wrong with a configuration, such as one written by hand."""
        found = []
        active = self.active_names(values)
        for name, value in values.items():
            if name not in self.parameters:
                found.append(Fault(name, f"not a parameter of this study.{suggestion(name, list(self.parameters))}"))
            elif name not in active:
                when = self.parameters[name].when
                found.append(Fault(name, f"has a value but is active only when {when.text if when else ''}"))
            elif problem := self.parameters[name].problem(value):
                found.append(Fault(name, problem))
        found += [Fault(name, "has no value") for name in self.parameters if name in active and name not in values]
        if not found:
            found = [
                Fault("constraint", f"not satisfied: {c.text}") for c in self.constraints if _distance(c, values) > 0
            ]
        return found

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Equal for equal configurations, whatever their order; hashable."""
        return tuple((name, isinstance(values[name], bool), values[name]) for name in self.parameters if name in values)

    @property
    def size(self) -> float:
        """Number of configurations if no condition or constraint applied; infinity where a parameter is continuous."""
        return math.prod(parameter.size for parameter in self.parameters.values())

    # -- drawing ---------------------------------------------------------------------------------------------------

    def at(self, position: Sequence[float] | NDArray[np.float64]) -> Configuration:
        """The configuration at a point of the unit cube (one coordinate a parameter); constraints may not hold."""
        return self.activate(
            {name: p.from_unit(float(u)) for (name, p), u in zip(self.parameters.items(), position, strict=True)}
        )

    def sample(self, rng: Generator) -> Configuration:
        """A random configuration that satisfies the constraints; SearchSpaceError where none is found."""
        nearest: Configuration = {}
        distance = math.inf
        for dummy in range(_DRAWS):
            values = self.at(rng.random(len(self.parameters)))
            found = self.violation(values)
            if found == 0.0:
                return values
            if found < distance:
                nearest, distance = values, found
        walked = self._descend(nearest, rng, _STEPS) or self._witness
        if walked is None:
            raise SearchSpaceError([Fault("evolve_constraints", "no configuration found that satisfies them")])
        return dict(walked)

    def unused(self, taken: Collection[tuple[Any, ...]], rng: Generator) -> Configuration | None:
        """A random valid configuration whose key is not in `taken`; None where there is none, or none is found."""
        if self.size <= _ENUMERABLE:
            free = [values for key, values in self._enumerated.items() if key not in taken]
            return dict(free[int(rng.integers(len(free)))]) if free else None
        drawn = (self.sample(rng) for dummy in range(_SEARCHES))
        return next((values for values in drawn if self.key(values) not in taken), None)

    def design(self, count: int, seed: int) -> list[Configuration]:
        """`count` distinct, well-spread configurations that satisfy the constraints (scrambled Sobol' points).

        Fewer where the space holds fewer. Source: Sobol' 1967, scrambling by Owen, as in scipy.stats.qmc.
        """
        sampler = qmc.Sobol(len(self.parameters), scramble=True, rng=np.random.default_rng([seed, 0]))
        chosen: dict[tuple[Any, ...], Configuration] = {}
        for exponent in itertools.chain([max(3, math.ceil(math.log2(count + 1)))], range(6, 10)):
            for position in sampler.random(2**exponent):
                values = self.at(position)
                if self.violation(values) == 0.0:
                    chosen.setdefault(self.key(values), values)
                if len(chosen) == count:
                    return list(chosen.values())
        rng = np.random.default_rng([seed, 1])
        while len(chosen) < count and (other := self.unused(chosen, rng)) is not None:
            chosen[self.key(other)] = other
        return list(chosen.values())

    def complete(self, values: Mapping[str, Any], rng: Generator) -> Configuration:
        """`values` with every active parameter that lacks one given its default or a random value.

        Values that their parameter does not accept (a machine's present ones may be such) become the nearest it does.
        """
        full = dict(values)
        for name in self._order:
            parameter = self.parameters[name]
            if name in full:
                full[name] = parameter.nearest(full[name], rng)
            else:
                full[name] = parameter.default if parameter.default is not None else parameter.from_unit(rng.random())
        return self.activate(full)

    def repair(self, values: Mapping[str, Any], anchor: Mapping[str, Any], rng: Generator) -> Configuration:
        """A configuration near `values` that satisfies the constraints.

        Genes are taken over one by one, in random order, from `anchor` (which must satisfy them), keeping each only
        where it helps. Where that does not suffice, or only leads back to the anchor, by a short search nearby; failing
        that, it is the anchor itself.
        """
        best = start = self.complete(values, rng)
        distance = self.violation(best)
        names = list(self.parameters)
        for index in rng.permutation(len(names)):
            if distance == 0.0:
                break
            name = names[int(index)]
            if name in anchor and best.get(name) != anchor[name]:
                moved = self.complete({**best, name: anchor[name]}, rng)
                if (found := self.violation(moved)) < distance:
                    best, distance = moved, found
        if distance == 0.0 and best != anchor:
            return best
        return self._descend(start if distance == 0.0 else best, rng, _REPAIR_STEPS) or dict(anchor)

    # -- internals -------------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Configuration]:
        names = list(self.parameters)
        for values in itertools.product(*(self.parameters[name].values() for name in names)):
            yield self.activate(dict(zip(names, values, strict=True)))

    @cached_property
    def _enumerated(self) -> dict[tuple[Any, ...], Configuration]:
        """All configurations that satisfy the constraints, by key. Only for spaces of at most _ENUMERABLE."""
        return {self.key(values): values for values in self._all() if self.violation(values) == 0.0}

    def _descend(self, start: Configuration, rng: Generator, steps: int) -> Configuration | None:
        """Random moves of one or two genes that never increase the violation; None where they do not reach zero."""
        values, distance = start, self.violation(start)
        names = list(self.parameters)
        for dummy in range(steps):
            if distance == 0.0:
                return values
            changed = dict(values)
            for dummy in range(1 + (rng.random() < 0.3)):
                name = names[int(rng.integers(len(names)))]
                changed[name] = self._moved(name, values, distance, rng)
            moved = self.complete(changed, rng)
            found = self.violation(moved)
            if found <= distance:
                values, distance = moved, found
        return values if distance == 0.0 else None

    def _moved(self, name: str, values: Configuration, distance: float, rng: Generator) -> Any:
        """Another value for one gene: anywhere, or at about the distance that is left, give or take two decades."""
        parameter = self.parameters[name]
        if name not in values or rng.random() < 0.3:
            return parameter.from_unit(rng.random())
        return parameter.mutate(values[name], rng, min(distance * 10.0 ** rng.uniform(-2.0, 2.0), 1.0))

    def _find_witness(self) -> None:
        """Keep one valid configuration; SearchSpaceError where there is none."""
        rng = np.random.default_rng(0)
        preset = self.complete({}, rng)
        if self.violation(preset) == 0.0:
            self._witness = preset
            return
        if self.size <= _ENUMERABLE:
            self._witness = next((values for values in self._all() if self.violation(values) == 0.0), None)
            outcome = f"no configuration satisfies them (all {int(self.size)} tried)"
        else:
            for dummy in range(_SEARCHES):
                try:
                    self._witness = self.sample(rng)
                    break
                except SearchSpaceError:
                    continue
            drawn = f"{_SEARCHES * _DRAWS} random ones and {_SEARCHES} searches from the nearest of them tried"
            outcome = f"no configuration was found that satisfies them ({drawn})"
        if self._witness is None:
            raise SearchSpaceError([Fault("evolve_constraints", f"{outcome}.{self._blame()}")])

    def _blame(self) -> str:
        """How often each constraint holds on its own, to show which one to look at."""
        rng = np.random.default_rng(0)
        drawn = [self.at(rng.random(len(self.parameters))) for dummy in range(500)]
        shares = [
            f"'{c.text}' holds in {sum(_distance(c, values) == 0.0 for values in drawn) / len(drawn):.0%}"
            for c in self.constraints
        ]
        return f" Of 500 random configurations, {listing(shares)}"


def _holds(expression: Expression, values: Mapping[str, Any]) -> bool:
    """Truth of a `when`: false where that depends on an inactive parameter, or is undefined."""
    try:
        return expression.holds(values)
    except (InactiveParameterError, ExpressionError):
        return False


def _distance(constraint: Expression, values: Mapping[str, Any]) -> float:
    try:
        return constraint.violation(values)
    except InactiveParameterError:
        return 0.0
    except ExpressionError:
        return 1.0


def _activation_order(parameters: Mapping[str, Parameter]) -> list[str]:
    """Names so that each comes after those its `when` mentions. Assumes there is no cycle."""
    order: list[str] = []
    left = dict(parameters)
    while left:
        ready = [n for n, p in left.items() if p.when is None or not any(m in left for m in p.when.names if m != n)]
        for name in ready or list(left):
            order.append(name)
            del left[name]
    return order


def _read_conditions(parameters: Any, faults: list[Fault]) -> dict[str, Expression]:
    """The `when` of each parameter that has a readable one."""
    if not isinstance(parameters, Mapping):
        return {}
    found = {str(name): read_when(str(name), specification, faults) for name, specification in parameters.items()}
    return {name: when for name, when in found.items() if when is not None}


def _read_parameters(
    parameters: Any, conditions: Mapping[str, Expression], faults: list[Fault]
) -> dict[str, Parameter]:
    if not isinstance(parameters, Mapping) or not parameters:
        faults.append(Fault("evolve_parameters", f"found {parameters!r}, expected a mapping of at least one parameter"))
        return {}
    found = {
        str(name): read(str(name), specification, faults, conditions.get(str(name)))
        for name, specification in parameters.items()
    }
    return {name: parameter for name, parameter in found.items() if parameter is not None}


def _read_constraints(constraints: Any, faults: list[Fault]) -> dict[str, Expression]:
    """The readable constraints, by the key that faults name."""
    if not isinstance(constraints, (list, tuple)):
        faults.append(Fault("evolve_constraints", f"found {constraints!r}, expected a list of expressions"))
        return {}
    expressions = {}
    for number, text in enumerate(constraints, start=1):
        where = f"evolve_constraints[{number}]"
        try:
            expressions[where] = parse(text)
        except ExpressionError as error:
            faults.append(Fault(where, str(error)))
    return expressions


def _check_names(where: str, expression: Expression, known: Sequence[str], faults: list[Fault]) -> None:
    for name in sorted(expression.names):
        if name not in known:
            hint = suggestion(name, known) or f" A text value needs quotes: '{name}'."
            faults.append(Fault(where, f"speaks of {name!r}, which is no parameter of this space.{hint}"))


def _check_cycles(conditions: Mapping[str, Expression], faults: list[Fault]) -> None:
    for name in conditions:
        if _reaches(name, conditions):
            faults.append(Fault(f"{name}.when", "depends on itself, directly or through other conditions"))


def _reaches(start: str, conditions: Mapping[str, Expression]) -> bool:
    """Whether following conditions from `start` leads back to it."""
    seen: set[str] = set()
    stack = [start]
    while stack:
        current = stack.pop()
        for name in conditions[current].names if current in conditions else ():
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                stack.append(name)
    return False


def _check_types(
    expressions: Mapping[str, Expression], parameters: Mapping[str, Parameter], faults: list[Fault]
) -> None:
    """Find expressions that compare texts with numbers, or are no conditions, by trying them on random values."""
    rng = np.random.default_rng(0)
    left = {where: expression for where, expression in expressions.items() if expression.names <= parameters.keys()}
    for dummy in range(_DRAWS):
        values = {name: parameter.from_unit(rng.random()) for name, parameter in parameters.items()}
        for where, expression in list(left.items()):
            if problem := expression.problem(values):
                faults.append(Fault(where, f"{expression.text}: {problem}"))
                del left[where]
