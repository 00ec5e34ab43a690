# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The searches that are compared, and how much of the comparison each of them can afford."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PEERS = "ansible_collections.evolve.vm.tests.benchmark.search.peers"


@dataclass(frozen=True)
class Search:
    """`where` is module:class under peers; `seeds` and `readings` are the budget a search gets unless told otherwise.

    `note` tells the reader of the report how it is used; `environment` is the directory under .cache whose Python runs
    it; none is the checkout's own.
    """

    label: str
    where: str
    package: str
    note: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 5
    readings: int = 200
    environment: str = "peers"

    def load(self) -> Any:
        module, dummy, name = self.where.partition(":")
        return getattr(importlib.import_module(f"{_PEERS}.{module}"), name)


SEARCHES = {
    "guided": Search("evolve.vm guided", "evolve:Evolve", "", "the default", {"algorithm": "guided"}, environment=""),
    "textbook": Search(
        "evolve.vm textbook",
        "evolve:Evolve",
        "",
        "the plain genetic algorithm, population 10",
        {"algorithm": "textbook"},
        environment="",
    ),
    "random": Search("random", "random:Random", "", "uniform draws of every active parameter"),
    "deap": Search(
        "DEAP GA",
        "deap:Deap",
        "deap",
        "`eaSimple`, population 20, uniform crossover (.5), mutation (.2, one gene on average), tournament of 3",
        {"population": 20},
    ),
    "pymoo": Search(
        "pymoo MixedVariableGA",
        "pymoo:Pymoo",
        "pymoo",
        "population 20 (its default of 50 leaves four generations); typed variables, duplicates eliminated",
        {"population": 20},
    ),
    "nevergrad": Search(
        "Nevergrad NGOpt",
        "nevergrad:Nevergrad",
        "nevergrad",
        "`TransitionChoice` for choices, groups for conditions; its own recommendation",
    ),
    "optuna-tpe": Search(
        "Optuna TPE",
        "optuna:Optuna",
        "optuna",
        "`multivariate=False`, constant liar; conditions by define-by-run",
        {"multivariate": False},
    ),
    "optuna-tpe-multivariate": Search(
        "Optuna TPE multivariate",
        "optuna:Optuna",
        "optuna",
        "`multivariate=True, group=True`, constant liar; conditions by define-by-run",
        {"multivariate": True, "group": True},
    ),
    "optuna-gp": Search(
        "Optuna GP",
        "optuna:OptunaGP",
        "optuna",
        "all parameters always, since it does not model conditional ones",
        seeds=2,
    ),
    "smac": Search(
        "SMAC3 HPO",
        "smac:Smac",
        "smac",
        "ordinals, conditions; `deterministic=True`; model trained every 8 suggestions (default); its own incumbent",
        {"deterministic": True},
        seeds=2,
        readings=100,
    ),
    "mlos": Search(
        "mlos-core (FLAML)",
        "mlos:Mlos",
        "mlos-core",
        "its default optimiser; all parameters always; gives one suggestion several times when asked for several",
        seeds=2,
        readings=100,
        environment="peers-mlos",
    ),
}
