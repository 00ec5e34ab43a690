# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's parameters as plain data, for the adapters to translate into each peer's own terms."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """`kind` is bool, choice, int or float; a choice may be `ordered`, a number may be on a `log` scale.

    It is active where `parent` has one of the values `allowed` and is active itself; always, where `parent` is None.
    """

    name: str
    kind: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    ordered: bool = False
    log: bool = False
    parent: str | None = None
    allowed: tuple[Any, ...] = ()

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "float")


def read(mapping: Mapping[str, Mapping[str, Any]]) -> list[Parameter]:
    """Parameters in the order of the task; a parent comes before what depends on it."""
    parameters = []
    for name, spec in mapping.items():
        low, high = spec.get("range", (0, 0))
        parent, allowed = _condition(spec["when"]) if "when" in spec else (None, ())
        parameters.append(
            Parameter(
                name,
                spec["type"],
                values=(False, True) if spec["type"] == "bool" else tuple(spec.get("values", ())),
                low=low,
                high=high,
                ordered=bool(spec.get("ordered")),
                log=spec.get("scale") == "log",
                parent=parent,
                allowed=allowed,
            )
        )
    return _parents_first(parameters)


def _condition(text: str) -> tuple[str, tuple[Any, ...]]:
    """The three forms the tasks use: `p`, `not p` and `p in [...]`."""
    match ast.parse(text, mode="eval").body:
        case ast.Name(parent):
            return parent, (True,)
        case ast.UnaryOp(ast.Not(), ast.Name(parent)):
            return parent, (False,)
        case ast.Compare(ast.Name(parent), [ast.In()], [listed]):
            return parent, tuple(ast.literal_eval(listed))
    raise ValueError(f"unknown form of a condition: {text}")


def _parents_first(parameters: list[Parameter]) -> list[Parameter]:
    placed: dict[str, Parameter] = {}
    waiting = list(parameters)
    while waiting:
        ready = [p for p in waiting if p.parent is None or p.parent in placed]
        if not ready:
            raise ValueError(f"conditions go round in a circle: {', '.join(p.name for p in waiting)}")
        placed.update((p.name, p) for p in ready)
        waiting = [p for p in waiting if p.name not in placed]
    return list(placed.values())


def is_active(parameter: Parameter, active: Mapping[str, Any]) -> bool:
    """Whether a parameter counts, given the active ones before it."""
    return parameter.parent is None or active.get(parameter.parent, _ABSENT) in parameter.allowed


_ABSENT = object()


def activate(parameters: list[Parameter], values: Mapping[str, Any]) -> Values:
    """Only what is active: for peers whose spaces have no conditions."""
    active: Values = {}
    for parameter in parameters:
        if is_active(parameter, active):
            active[parameter.name] = values[parameter.name]
    return active
