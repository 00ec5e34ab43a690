# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of app_config asks for: which settings of which applications, and with what values. Pure."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.apps import units
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import Setting
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

PREFIX = "app."
# Numbers with a fraction come back with as many digits as the application prints: PostgreSQL six of them.
_NEAR = 5e-6
_WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class Asked(NamedTuple):
    """settings: those of each application that are set or read. targets: those of them that are set.

    options: what is said of each application, also of those that this call does not ask for.
    """

    settings: dict[str, list[Setting]]
    targets: dict[str, dict[Setting, Value]]
    options: dict[str, Mapping[str, Any]]
    faults: list[str]


def parse(options: Mapping[str, Any], app_faults: Callable[[str, Any], list[str]]) -> Asked:
    """options: configuration, parameters, settings, apps and state as app_config has them.

    app_faults: why there can be no application of this name and these options.
    """
    faults: list[str] = []
    given = options["configuration"] if options["state"] == "applied" else {}
    names = options["configuration"] if options["parameters"] is None else options["parameters"]
    described = _described(options["settings"] or [], faults)
    asked = Asked({}, {}, dict(options["apps"] or {}), faults)
    for parameter in dict.fromkeys([*given, *names]):
        if not parameter.startswith(PREFIX):
            continue
        app, dummy, name = parameter[len(PREFIX) :].partition(".")
        if not app or not name:
            faults.append(f"{parameter}: not a setting of an application: expected app.<application>.<name>.")
            continue
        asked.options.setdefault(app, {})
        setting = described.get(parameter, Setting(parameter, name, ""))
        asked.settings.setdefault(app, []).append(setting)
        if parameter in given:
            faults += _value_faults(parameter, given[parameter])
            asked.targets.setdefault(app, {})[setting] = given[parameter]
    for app, said in asked.options.items():
        faults += app_faults(app, said)
    for settings in asked.settings.values():
        faults += _said_twice(settings)
    return asked


def same(first: Value, second: Value) -> bool:
    """Whether both mean the same to an application: true and on, 4 and "4", and words in whatever case."""
    if isinstance(first, bool) or isinstance(second, bool):
        return _truth(first) is not None and _truth(first) is _truth(second)
    try:
        numbers = units.exact(first), units.exact(second)
    except units.UnitError:
        return str(first).strip().casefold() == str(second).strip().casefold()
    if all(number.denominator == 1 for number in numbers):
        return numbers[0] == numbers[1]
    return math.isclose(*(float(number) for number in numbers), rel_tol=_NEAR)


def _truth(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return value == 1
    return _WORDS.get(str(value).strip().casefold())


def _described(settings: list[Mapping[str, Any]], faults: list[str]) -> dict[str, Setting]:
    described = {}
    for each in settings:
        setting = Setting(each["parameter"], each["name"], each.get("unit") or "")
        try:
            units.kind(setting.unit)
        except units.UnitError as error:
            faults.append(f"{setting.parameter}: {error}.")
        described[setting.parameter] = setting
    return described


def _value_faults(parameter: str, value: Any) -> list[str]:
    expected = "expected a number, text, true or false"
    if not isinstance(value, (bool, int, float, str)):
        return [f"{parameter}: found {value!r}, {expected}."]
    if isinstance(value, float) and not math.isfinite(value):
        return [f"{parameter}: found {value}, {expected}."]
    if isinstance(value, str) and ("\n" in value or "\0" in value):
        return [f"{parameter}: found {value!r}, expected one line."]
    return []


def _said_twice(settings: list[Setting]) -> list[str]:
    first: dict[str, Setting] = {}
    faults = []
    for setting in settings:
        other = first.setdefault(setting.name, setting)
        if other is not setting:
            faults.append(f"{setting.parameter} and {other.parameter} are the same setting, {setting.name}: name one.")
    return faults
