# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated slots and a study on them, as inventories for one controller or several."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import REPOSITORY, Setup

_VARIABLES = REPOSITORY / "inventories" / "simulation" / "group_vars" / "evolve_slots.yml"
# Large enough for any number of slots: what is measured here is not how they share a host.
_HOST = {"host_vcpus": 1_000_000, "host_memory_mib": 1_000_000_000}
STUDY = "scheduling"


def definition(setup: Setup) -> dict[str, Any]:
    """The study's variables."""
    return {
        **_base(),
        "evolve_study": STUDY,
        "evolve_benchmark": {"name": "sysbench", "tests": ["fileio"], "repeats": 1},
        "evolve_budget": {"trials": setup.trials},
        "evolve_baseline_repeats": 2,
        "evolve_verification": {"blocks": 1},
        "evolve_seed": setup.seed,
        "evolve_algorithm": setup.algorithm,
        "evolve_algorithm_options": dict(setup.options),
        "evolve_scheduling": setup.scheduling,
    }


def write_inventory(setup: Setup, folder: Path, controller: int) -> list[str]:
    """Write the inventory of one controller (0 is the first); returns its command."""
    home = folder / f"home-{controller}"
    hosts = [f"sim-{number:04}" for number in range(1, setup.slots + 1)][controller :: setup.controllers]
    simulation = {
        **_HOST,
        "seed": setup.seed,
        "seconds_per_run": _in_search(setup.seconds),
        "seconds_spread": _in_search(setup.spread),
        "log": str(folder / "log.jsonl"),
    }
    variables = {
        **definition(setup),
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "evolve_platform": "simulated",
        "evolve_hypervisor": "localhost",
        "evolve_home": str(home),
        "evolve_simulation": simulation,
        **({"evolve_store": setup.store} if setup.store else {}),
    }
    inventory = {"evolve_slots": {"hosts": dict.fromkeys(hosts), "vars": variables}}
    path = folder / f"hosts-{controller}.yml"
    path.write_text(yaml.safe_dump(inventory))
    strategy = ["-e", "evolve_strategy=free"] if setup.strategy == "free" else []
    return [
        str(Path(sys.executable).with_name("ansible-playbook")),
        *(str(REPOSITORY / "playbooks" / "evolve.yml"), "-i", str(path)),
        *("--forks", str(setup.forks_each), *strategy),
    ]


def store_of(setup: Setup, folder: Path) -> str:
    """Where the study is kept, as a URL."""
    return setup.store or f"sqlite:///{folder / 'home-0' / 'evolve.sqlite'}"


@cache
def _base() -> dict[str, Any]:
    """The example's space, without the sizes on which a machine does not start: a trial that fails takes no time."""
    variables: dict[str, Any] = yaml.safe_load(_VARIABLES.read_text())
    variables["evolve_parameters"]["vm.memory_mib"]["range"] = [512, 8192]
    return variables


def _in_search(seconds: float) -> str:
    return f"{{{{ {seconds} if evolve_phase | default('') == 'search' else 0.0 }}}}"
