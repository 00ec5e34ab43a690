# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module sampler returns for simulated machines: no process runs, the points of a window are computed.

The same machine, configuration, seed and moment give the same point, whoever asks and how often.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_QUOTA_PERCENT,
    MEMORY_MIB,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.sampling.collecting import MOST_POINTS
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import ProbeDefinition
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import (
    Machine,
    Settings,
    SettingsError,
    read_settings,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine, SimulationError
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.noise import NoiseSettings, slot_gain

#: What the users of a simulated machine want of it, in CPUs, MiB of memory, and of what its disk can do.
_DEMAND_CPUS = 1.2
_DEMAND_MIB = 640.0
_DEMAND_OF_DISK = 0.2
_NOISE = 0.03
# Without since_ms so many intervals are given.
_USUAL_INTERVALS = 60
_ADDRESS = "192.0.2.1"


def sample_machines(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The result of `sampler` with these options, for its machines or the one called `name`. Raises SimulationError."""
    given = [{**machine, "address": machine["address"] or _ADDRESS} for machine in options["machines"]]
    machines = given or [{"name": name, "host": name, "address": _ADDRESS}]
    try:
        settings = read_settings({**options, "machines": machines})
    except SettingsError as error:
        raise SimulationError(str(error)) from error
    now_ms = int(time.time() * 1000)
    since_ms = options["since_ms"]
    result: dict[str, Any] = {
        "changed": False,
        "running": options["state"] != "stopped",
        "series": [],
        "newest_ms": since_ms or 0,
        "more": False,
        "gaps": [],
        "failures": [],
        "clock_ms": now_ms,
        "boot_id": "simulated",
    }
    if options["state"] == "started" or (options["state"] == "stopped" and since_ms is None):
        return result
    step_ms = round(settings.interval_seconds * 1000)
    begin_ms = now_ms - _USUAL_INTERVALS * step_ms if since_ms is None else since_ms
    watched = [machine for machine in settings.machines if not options["hosts"] or machine.host in options["hosts"]]
    # As many moments as an answer may hold.
    fields = len(watched) * (len(_counters({}, 1.0)) + 2 * len(settings.probes))
    moments = MOST_POINTS // max(1, fields)
    end_ms = min(now_ms, begin_ms + moments * step_ms)
    for machine in watched:
        series, lost = _machine_series(machine, settings, options, begin_ms, end_ms)
        result["series"] += series
        if lost:
            result["gaps"].append(
                {"host": machine.host, "begin_ms": begin_ms, "end_ms": None, "reason": "the machine was lost"}
            )
    return {**result, "newest_ms": end_ms, "more": end_ms < now_ms}


def collect_simulated(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same from the arguments of a task, for the machine called `name`. Raises SimulationError."""
    checked = ArgumentSpecValidator(deepcopy(ARGUMENT_SPEC)).validate(dict(arguments))
    if checked.error_messages:
        raise SimulationError("; ".join(checked.error_messages))
    return sample_machines(checked.validated_parameters, name)


def points(
    configuration: Mapping[str, Value], machine: str, seed: int, step_ms: int, begin_ms: int, end_ms: int
) -> Iterator[tuple[int, dict[str, float]]]:
    """Moments later than `begin_ms` and up to `end_ms`, with the counters' metrics and those of a probe. Pure."""
    gain = slot_gain(machine, NoiseSettings(seed=seed))
    for at_ms in range((begin_ms // step_ms + 1) * step_ms, end_ms + 1, step_ms):
        source = random.Random(f"{seed}/{machine}/{at_ms}")
        load = max(0.2, source.gauss(1.0, _NOISE))
        counters = _counters(configuration, load)
        metrics = surface.metrics(configuration)
        # The busier its CPUs, the longer a question waits for one.
        busy = min(0.95, counters["cpu_utilisation_percent"] / 100.0)
        answer = metrics["cpu_latency_mean_ms"] + metrics["fileio_latency_mean_ms"]
        response = answer * (1.0 - gain) / (1.0 - busy) * max(0.2, source.gauss(1.0, _NOISE))
        yield (
            at_ms,
            {
                **counters,
                "response_time_ms": response,
                "availability_percent": 100.0,
                "network_latency_ms": 0.3 * max(0.2, source.gauss(1.0, _NOISE)),
                "network_lost_percent": 0.0,
            },
        )


def _counters(configuration: Mapping[str, Value], load: float) -> dict[str, float]:
    """What the hypervisor would count. load: of the users, 1 usually."""
    metrics = surface.metrics(configuration)
    vcpus = int(configuration.get(VCPUS, 2))
    memory_mib = float(configuration.get(MEMORY_MIB, 1024))
    cpus = vcpus * (int(configuration.get(CPU_QUOTA_PERCENT, 0)) or 100) / 100.0
    used_mib = min(_DEMAND_MIB * load, 0.95 * memory_mib)
    over = max(0, vcpus - surface.UNDISTURBED_VCPUS)
    share = _DEMAND_OF_DISK * load
    operations, fraction = metrics["fileio_operations_per_second"] * share, 0.6
    return {
        "cpu_utilisation_percent": min(100.0, 100.0 * _DEMAND_CPUS * load / cpus) * cpus / vcpus,
        "cpu_steal_percent": min(50.0, 4.0 * over * load),
        "memory_used_mib": used_mib,
        "memory_used_percent": 100.0 * used_mib / memory_mib,
        "disk_read_operations_per_second": operations * fraction,
        "disk_write_operations_per_second": operations * (1.0 - fraction),
        "disk_read_mib_per_second": metrics["fileio_read_mib_per_second"] * share,
        "disk_write_mib_per_second": metrics["fileio_written_mib_per_second"] * share,
        "disk_read_latency_ms": metrics["fileio_latency_mean_ms"],
        "disk_write_latency_ms": metrics["fileio_latency_mean_ms"] * 1.5,
        "network_received_mbit_per_second": 8.0 * load,
        "network_sent_mbit_per_second": 40.0 * load,
    }


def _machine_series(
    machine: Machine, settings: Settings, options: Mapping[str, Any], begin_ms: int, end_ms: int
) -> tuple[list[dict[str, Any]], bool]:
    simulated = SimulatedMachine(options["simulation_directory"], machine.name)
    step_ms = round(settings.interval_seconds * 1000)
    seed = options["simulation"]["seed"]
    found: dict[tuple[str, str], list[list[float]]] = {}
    for at_ms, values in points(simulated.configuration, machine.name, seed, step_ms, begin_ms, end_ms):
        for probe, field, value in _seen(values, settings.probes, simulated.lost):
            found.setdefault((probe, field), []).append([at_ms, float(f"{value:.7g}")])
    return [
        {"host": machine.host, "probe": probe, "field": field, "points": series}
        for (probe, field), series in sorted(found.items())
    ], simulated.lost


def _seen(
    values: Mapping[str, float], probes: Sequence[ProbeDefinition], lost: bool
) -> Iterator[tuple[str, str, float]]:
    """Probe, field and value: the counters, and what each probe tells."""
    told = ("network_latency_ms", "network_lost_percent", "response_time_ms", "availability_percent")
    if not lost:
        yield from (("", field, value) for field, value in values.items() if field not in told)
    for probe in probes:
        time_field, share_field = told[:2] if probe.is_network else told[2:]
        if not lost:
            yield probe.tag, time_field, values[time_field]
        yield probe.tag, share_field, 100.0 - values[share_field] if lost else values[share_field]
