# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module benchmark returns for a simulated machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import (
    BenchmarkDefinition,
    metric_names,
    parse_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.early_abort import EarlyAbort
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import Outcome, planned_result, result
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK, PlannedShell
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import VCPUS
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.log import add_entry
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.noise import NoiseSettings, disturbed, run_seconds

VERSION = "simulated"
_NONSENSE = "simulated nonsense: 42 parrots per second\n"


def measure_machine(options: Mapping[str, Any], name: str, check_mode: bool) -> dict[str, Any]:
    """The result of `benchmark` with these options. Raises MachineLostError, SimulationError."""
    started = time.monotonic()
    machine = SimulatedMachine(options["simulation_directory"], name)
    machine.require_answer()
    try:
        definition = parse_definition(options["definition"], where="definition")
        planned = planned_result(definition, int(machine.values[VCPUS]))
        if check_mode or options["state"] != "measured":
            return {"changed": False, "missing": [], **planned}
        began = time.monotonic()
        runs = _runs(machine, definition, options["simulation"])
    except BenchmarkError as error:
        return {"failed": True, "changed": False, "msg": str(error), "failure_class": error.failure_class}
    runs, cut_short = _made(runs, EarlyAbort.from_options(options["early_abort"]))
    measured = Outcome(runs, VERSION, began, time.monotonic(), cut_short)
    outcome = result([measured], planned["commands"], started)
    outcome.pop("warnings")
    return {"changed": False, **outcome}


def _runs(
    machine: SimulatedMachine, definition: BenchmarkDefinition, behaviour: Mapping[str, Any]
) -> list[dict[str, float]]:
    done = machine.measurements
    if _reached(behaviour["lost_after"], done):
        machine.lost = True
        machine.save()
        machine.require_answer()
    # Counted before it is made: a measurement that fails is one, too.
    machine.measurements += 1
    machine.save()
    repeats = max(benchmark.repeats for benchmark in definition.benchmarks)
    _take_time(machine.name, done, repeats, behaviour)
    fault = surface.benchmark_fault(machine.configuration)
    if fault is not None:
        raise BenchmarkError(fault)
    if _reached(behaviour["junk_after"], done):
        first = definition.benchmarks[0]
        first.jobs[0].metrics(_NONSENSE, PlannedShell(LOOPBACK, first.seed, 1))
    wanted = surface.metrics_named(metric_names(definition), machine.configuration)
    settings = NoiseSettings(**{key: behaviour[key] for key in NoiseSettings._fields})
    return disturbed(wanted, machine.name, done, repeats, settings)


def _made(runs: list[dict[str, float]], early_abort: EarlyAbort | None) -> tuple[list[dict[str, float]], str]:
    """The runs that are made before they are hopeless, and why there are no more. The warm-up is not simulated."""
    for number, run in enumerate(runs, start=1):
        if early_abort and (cut := early_abort.after_run(number, len(runs), run)):
            return runs[:number], cut
    return runs, ""


def _take_time(machine: str, measurement: int, repeats: int, behaviour: Mapping[str, Any]) -> None:
    began, started = time.time(), time.monotonic()
    shortest, spread = behaviour["seconds_per_run"], behaviour["seconds_spread"]
    time.sleep(repeats * run_seconds(machine, measurement, behaviour["seed"], shortest, spread))
    if behaviour["log"]:
        seconds = round(time.monotonic() - started, 3)
        entry = {"machine": machine, "measurement": measurement, "began": round(began, 3), "seconds": seconds}
        add_entry(behaviour["log"], entry)


def _reached(limit: int | None, measurements: int) -> bool:
    return limit is not None and measurements >= limit
