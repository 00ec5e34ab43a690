# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why two measurements of one configuration differ. Pure: the same seed, machine and number give the same noise."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import NamedTuple


class NoiseSettings(NamedTuple):
    """Sizes in log units (0.03 is about 3 %): run-to-run standard deviation, and the most a machine differs by."""

    seed: int = 0
    noise: float = 0.03
    slot_effect: float = 0.02
    outlier_share: float = 0.03


def disturbed(
    metrics: Mapping[str, float], machine: str, measurement: int, repeats: int, settings: NoiseSettings
) -> list[dict[str, float]]:
    """`repeats` noisy runs of noise-free `metrics`, as measurement number `measurement` of `machine`.

    The metrics of one test go up and down together, a latency against its throughput, as they do in reality; half of
    the variance is common to the repeats of a measurement. An outlier disturbs all of a measurement for the worse.
    """
    source = random.Random(f"{settings.seed}/{machine}/{measurement}")
    machine_gain = slot_gain(machine, settings)
    tests = sorted({_test(name) for name in metrics})
    half = settings.noise / math.sqrt(2)
    common = {test: source.gauss(0, half) for test in tests}
    is_outlier, tail = source.random() < settings.outlier_share, min(0.6, 0.1 + source.expovariate(1 / 0.15))
    setback = tail if is_outlier else 0.0
    runs = []
    for _repeat in range(repeats):
        own = {test: source.gauss(0, half) for test in tests}
        jitter = {test: source.gauss(0, half) for test in tests}
        run = {}
        for name, value in metrics.items():
            test = _test(name)
            gain = machine_gain + common[test] + own[test] - setback
            run[name] = value * math.exp(jitter[test] - gain if _is_latency(name) else gain)
        runs.append(run)
    return runs


def slot_gain(machine: str, settings: NoiseSettings) -> float:
    """How much faster this machine is than the average one, in log units; fixed by its name and the seed."""
    return random.Random(f"{settings.seed}/{machine}").uniform(-settings.slot_effect, settings.slot_effect)


def run_seconds(machine: str, measurement: int, seed: int, shortest: float, spread: float) -> float:
    """How long each run of measurement number `measurement` takes: `shortest` to `shortest + spread`, uniformly."""
    # A source of its own, so that the metrics stay the same whatever time they take.
    return shortest + spread * random.Random(f"{seed}/{machine}/{measurement}/seconds").random()


def _test(metric: str) -> str:
    label, dummy, name = metric.rpartition(".")
    return label or name.partition("_")[0]


def _is_latency(metric: str) -> bool:
    return metric.endswith("_ms")
