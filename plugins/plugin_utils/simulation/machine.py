# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated machine: what it has in force and what it has been through, kept in one JSON file."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import SYSCTL
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import MACHINE, SYSCTLS, USUAL_START


class SimulationError(Exception):
    """The simulation itself cannot work: its folder or a file in it is not usable."""


class MachineLostError(Exception):
    """The simulated machine does not answer any more."""


def machines_in(directory: str | os.PathLike[str]) -> list[SimulatedMachine]:
    """Every machine that has a file in this folder, which need not exist."""
    files = sorted(Path(directory).glob("*.json"))
    return [SimulatedMachine(directory, urllib.parse.unquote(file.stem)) for file in files]


class SimulatedMachine:
    """One machine. A machine without a file is in its baseline; `save` writes the file.

    values: the vm.* values in force. sysctls: the kernel parameters in force, by key. tunables: those that are no
    sysctl, by their whole names. next_boot: what only the next start is given. hypervisor: the host it stands
    on, None as long as nobody has said. measurements: how many there were. lost: it stopped answering, for good.
    """

    def __init__(self, directory: str | os.PathLike[str], name: str) -> None:
        self.name = name
        self.path = Path(directory) / f"{urllib.parse.quote(name, safe='')}.json"
        self.values: dict[str, Value] = dict(MACHINE)
        self.sysctls: dict[str, Value] = {}
        self.tunables: dict[str, Value] = {}
        self.next_boot: dict[str, Value] = {}
        self.reset_sysctls()
        self.hypervisor: str | None = None
        self.measurements = 0
        self.lost = False
        content = self._read()
        if content is not None:
            self._load(content)

    @property
    def configuration(self) -> dict[str, Value]:
        """Everything in force, under the names of a configuration."""
        return {**self.values, **{SYSCTL + key: value for key, value in self.sysctls.items()}, **self.tunables}

    def require_answer(self) -> None:
        """Raise MachineLostError if the machine was lost."""
        if self.lost:
            raise MachineLostError(
                f"The simulated machine {self.name} does not answer: it was lost after {self.measurements} "
                f"measurements (lost_after). Remove {self.path} to have it back as new."
            )

    def reset_sysctls(self) -> None:
        """What a start does: kernel parameters that were set while it ran are gone, and those prepared are there."""
        self.sysctls = {key: sysctl.default for key, sysctl in SYSCTLS.items()}
        self.tunables = {**USUAL_START, **self.next_boot}
        self.next_boot = {}

    def save(self) -> None:
        """Write the file, all or nothing."""
        content = {
            "name": self.name,
            "values": self.values,
            "sysctls": self.sysctls,
            "tunables": self.tunables,
            "next_boot": self.next_boot,
            "hypervisor": self.hypervisor,
            "measurements": self.measurements,
            "lost": self.lost,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".machine-")
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    json.dump(content, file, indent=1)
                os.replace(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise SimulationError(
                f"The simulated machine cannot be written to {self.path}: {error.strerror}. "
                "Set simulation_directory (evolve_home) to a folder that can be written."
            ) from error

    def _read(self) -> Any:
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SimulationError(f"The simulated machine {self.path} cannot be read: {error.strerror}.") from error
        except ValueError:
            return ()

    def _load(self, content: Any) -> None:
        expected: dict[str, type | tuple[type, ...]] = {
            "values": dict,
            "sysctls": dict,
            # Not in the files of earlier versions.
            "tunables": (dict, NoneType),
            "next_boot": (dict, NoneType),
            "hypervisor": (str, NoneType),
            "measurements": int,
            "lost": bool,
        }
        if not isinstance(content, Mapping) or any(
            not isinstance(content.get(key), kind) for key, kind in expected.items()
        ):
            raise SimulationError(f"{self.path} does not describe a simulated machine. Remove it to have it as new.")
        self.values.update(content["values"])
        self.sysctls.update(content["sysctls"])
        self.tunables.update(content.get("tunables") or {})
        self.next_boot = dict(content.get("next_boot") or {})
        self.hypervisor = content.get("hypervisor")
        self.measurements = content["measurements"]
        self.lost = content["lost"]
