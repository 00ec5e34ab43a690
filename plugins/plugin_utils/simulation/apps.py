# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The applications of a simulated machine: they have every setting of the catalogue and accept every value for it."""

from __future__ import annotations

import json
import os
import urllib.parse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, change_results
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import TYPICAL
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import read
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError, replace_file
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine, SimulationError

PREFIX = "app."


def configure_apps(options: Mapping[str, Any], name: str, check_mode: bool) -> dict[str, Any]:
    """The result of `app_config` with these options. Raises MachineLostError, SimulationError."""
    SimulatedMachine(options["simulation_directory"], name).require_answer()
    apps = SimulatedApps(options["simulation_directory"], name, options["apps"])
    target = {key: value for key, value in options["configuration"].items() if key.startswith(PREFIX)}
    asked = [key for key in options["parameters"] or target if key.startswith(PREFIX)]
    writing = target if options["state"] == "applied" else {}
    if faults := apps.faults({*writing, *asked}, writing):
        return {"failed": True, "changed": False, "msg": "\n".join(["Nothing was changed.", *faults])}
    changes = [
        Change(key, apps.read(key), value, catalogue().tier(key) or "restart")
        for key, value in writing.items()
        if apps.read(key) != value
    ]
    if changes and not check_mode:
        apps.write(writing)
    return {**change_results(changes), "readback": {key: apps.read(key) for key in asked}}


class SimulatedApps:
    """The settings in force on one machine, kept in a file beside the machine's. `own`: applications users describe."""

    def __init__(self, directory: str | os.PathLike[str], machine: str, own: Mapping[str, Any]) -> None:
        self._path = Path(directory) / f"{urllib.parse.quote(machine, safe='')}.apps"
        self._own = own
        self._values: dict[str, Value] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def faults(self, names: Collection[str], target: Mapping[str, Any]) -> list[str]:
        """A sentence for each setting that there is none of, and for each value of the wrong type."""
        unknown = [name for name in sorted(names) if self._present(name) is None]
        faults = [f"{name}: no such setting.{did_you_mean(name, catalogue().names(PREFIX))}" for name in unknown]
        switches = {name for name in target if (entry := catalogue().entry(name)) and entry.space["type"] == "bool"}
        return faults + [
            f"{name}: found {value!r}, expected true or false."
            for name, value in target.items()
            if name in switches and not isinstance(value, bool)
        ]

    def read(self, name: str) -> Value:
        """The value in force."""
        present = self._present(name)
        return "" if present is None else present

    def write(self, values: Mapping[str, Value]) -> None:
        """Have these values in force."""
        self._values.update(values)
        try:
            replace_file(self._path, json.dumps(self._values, indent=1))
        except FileError as error:
            raise SimulationError(f"The simulated applications {error}.") from error

    def _present(self, name: str) -> Value | None:
        if name in self._values:
            return self._values[name]
        app, dummy, setting = name.removeprefix(PREFIX).partition(".")
        own = (self._own.get(app) or {}).get("present") or {}
        if setting in own:
            value: Value = own[setting]
            return value
        entry = catalogue().entry(name)
        if entry is None:
            return None
        specification = entry.specification(TYPICAL)
        if "default" in specification:
            present: Value = specification["default"]
            return present
        parameter = read(name, specification, [])
        return None if parameter is None else parameter.from_unit(0.5)
