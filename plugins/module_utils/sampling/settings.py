# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampler is told to do: the options of the module, checked as a whole."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import Fault
from ansible_collections.evolve.vm.plugins.module_utils.sampling.interval import IntervalError, interval_seconds
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import ProbeDefinition, read_probes


class SettingsError(ValueError):
    """The options are wrong; the text names everything that is."""


class Machine(NamedTuple):
    """name: as the hypervisor knows it. host: what its points are tagged with. address: for probes; may be empty."""

    name: str
    host: str
    address: str


class Settings(NamedTuple):
    """content: what they were made of, in plain types."""

    hypervisor: str
    uri: str
    interval_seconds: float
    lease_seconds: float
    machines: tuple[Machine, ...]
    probes: tuple[ProbeDefinition, ...]
    content: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """The same for the same settings."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()[:16]


def read_settings(options: Mapping[str, Any]) -> Settings:
    """The settings out of the module's options. Raises SettingsError."""
    faults: list[Fault] = []
    interval = 1.0
    try:
        interval = interval_seconds(options["interval"])
    except IntervalError as error:
        faults.append(Fault("interval", str(error)))
    if not 10 <= options["lease_seconds"] <= 7 * 86400:
        faults.append(Fault("lease_seconds", f"found {options['lease_seconds']}, expected 10 to 604800 (7 days)"))
    elif options["lease_seconds"] < 2 * interval:
        faults.append(Fault("lease_seconds", f"found {options['lease_seconds']}, expected at least two intervals"))
    machines = tuple(_machine(given) for given in options["machines"])
    if not machines:
        faults.append(Fault("machines", "is empty; expected a list such as [{name: web1, address: 192.0.2.7}]"))
    for key in ("name", "host"):
        values = [getattr(machine, key) for machine in machines]
        faults += [
            Fault(f"machines[{number}].{key}", f"{value} is in the list twice")
            for number, value in enumerate(values)
            if value in values[:number]
        ]
    probes = tuple(read_probes(options["probes"], interval, faults))
    if options["hypervisor"] == "none" and not options["probes"]:
        faults.append(Fault("probes", "is empty; without them and without a hypervisor there is nothing to sample"))
    faults += [
        Fault(f"machines[{number}].address", f"{machine.name} has none, and a probe asks it there")
        for number, machine in enumerate(machines)
        if not machine.address and any(probe.needs_address() for probe in probes)
    ]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SettingsError("\n".join([f"{count} in the options of sampler:", *(f"  - {fault}" for fault in faults)]))
    content = {key: options[key] for key in ("hypervisor", "uri", "interval", "lease_seconds", "machines", "probes")}
    return Settings(
        options["hypervisor"], options["uri"], interval, float(options["lease_seconds"]), machines, probes, content
    )


def _machine(given: Mapping[str, Any]) -> Machine:
    return Machine(given["name"], given.get("host") or given["name"], given.get("address") or "")
