# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of an application, in a form that tests can hold against the application itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import NumericParameter, Parameter, read

_DATA = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "catalogue" / "data"
_SPACE_KEYS = ("type", "range", "step", "scale", "special", "values", "ordered", "default")
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}

# Of a range: its ends, and values between that are as crooked as its step lets them be.
POSITIONS = (0.0, 0.37, 0.71, 1.0)
SMALL: Mapping[str, float] = {"guest.memory_mib": 1024, "guest.vcpus": 2, "guest.disk_mib": 4096}
LARGE: Mapping[str, float] = {"guest.memory_mib": 2**20, "guest.vcpus": 256, "guest.disk_mib": 2**23}


@dataclass(frozen=True, eq=False)
class Told:
    """An entry: `name` in a configuration, `setting` in the application, `raw` as the file has it."""

    name: str
    setting: str
    raw: Mapping[str, Any]

    @property
    def default(self) -> Any:
        return self.raw.get("default")

    @property
    def unit(self) -> str:
        return str(self.raw.get("unit", ""))

    def parameter(self, facts: Mapping[str, float]) -> Parameter:
        """What is searched on a machine with these facts; an AssertionError where the entry makes no parameter."""
        specification = {key: self.raw[key] for key in _SPACE_KEYS if key in self.raw}
        if "range" in specification:
            low, high = (parse(end).root.value(facts) if isinstance(end, str) else end for end in self.raw["range"])
            specification["range"] = [low, math.floor(high)] if self.raw["type"] == "int" else [low, high]
        found: list[Any] = []
        parameter = read(self.name, specification, found)
        assert parameter is not None, found
        return parameter

    def samples(self, facts: Mapping[str, float]) -> list[Any]:
        """Its special values, then values from one end of its range to the other, its default; or all of a choice."""
        parameter = self.parameter(facts)
        if not isinstance(parameter, NumericParameter):
            return parameter.values()
        values = [*parameter.special, *(parameter.at(position) for position in POSITIONS)]
        return list(dict.fromkeys([*values, self.default] if self.default is not None else values))

    def is_in(self, version: str, flavor: str = "") -> bool:
        """Whether this version of the application has it, by what the entry says."""
        if self.raw.get("flavor", flavor) != flavor:
            return False
        own, since, until = (_parts(text) for text in (version, self.raw.get("since", "0"), self.raw.get("until", "")))
        return since <= own and (not until or own[: len(until)] <= until)

    def in_bytes(self, value: float) -> int:
        """A size, which is a whole number of bytes."""
        return value * _BYTES[self.unit] if value > 0 else value

    def in_seconds(self, value: float) -> float:
        """A time."""
        return value * _SECONDS[self.unit] if value > 0 else value

    @property
    def is_size(self) -> bool:
        return self.unit in _BYTES

    @property
    def is_time(self) -> bool:
        return self.unit in _SECONDS


def told(family: str) -> list[Told]:
    """Everything a file of the catalogue says."""
    content = yaml.safe_load((_DATA / f"{family}.yml").read_text(encoding="utf-8"))
    return [Told(content["prefix"] + key, raw.get("setting", key), raw) for key, raw in content["entries"].items()]


def active(entries: list[Told], values: Mapping[str, Any]) -> list[Told]:
    """Those whose condition and constraints hold for these values, facts among them."""
    return [entry for entry in entries if all(parse(text).holds(values) for text in _conditions(entry))]


def _conditions(entry: Told) -> list[str]:
    return [*([entry.raw["when"]] if "when" in entry.raw else []), *entry.raw.get("constraints", [])]


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
