#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: study
short_description: Check, open and close a study
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Checks the variables that describe a study as a whole, and reports every fault at once before anything is touched.
  - Creates the study in the store, or continues the one of that name. A study whose space, goals or benchmark changed
    is refused, with what changed.
  - The weights of the goals and the budget may change. With other weights everything measured is scored anew, and the
    winner is chosen again.
  - Runs that an earlier controller left unfinished are taken back.
extends_documentation_fragment:
  - evolve.vm.study
attributes:
  check_mode:
    support: full
options:
  state:
    description:
      - V(surveyed) only says which facts of the machines the search space depends on.
      - V(checked) only checks the variables.
      - V(opened) creates or continues the study.
      - V(closed) says that this controller no longer works on it.
      - Several controllers can work on one study, each with slots of its own. Slots that another one works on are left
        to it.
    type: str
    choices: [surveyed, checked, opened, closed]
    default: opened
  slots:
    description: Names of the hosts on which trials run.
    type: list
    elements: str
    default: []
  fork:
    description: Name of a study whose trials a new study takes over, as far as they are valid in its space.
    type: str
  early_abort:
    description: When a run of the search is hopeless, as M(evolve.vm.ask) has it. It is only checked here.
    type: raw
    version_added: 0.2.0
  monitoring:
    description:
      - What is watched of the slots while they run, a dictionary with C(interval), C(probes), C(source) and
        C(keep_days), or V(false) for nothing. See the collection's C(docs/guide/13-monitoring.md).
    type: raw
    version_added: 0.2.0
  database:
    description: Database of metrics, as C(evolve_monitoring_database) names it. It is only checked here.
    type: raw
    version_added: 0.2.0
  simulated:
    description: Whether the slots are simulated machines. Everything the study writes says so.
    type: bool
    default: false
  parameters:
    description:
      - The search space, a mapping of parameter name to specification. A name alone takes its entry in the catalogue.
    type: raw
  constraints:
    description: Expressions over the parameters that every configuration must satisfy.
    type: raw
  goals:
    description: The metrics to improve, each with direction and weight.
    type: raw
  benchmark:
    description: What is measured, as for M(evolve.vm.benchmark).
    type: raw
  budget:
    description:
      - "How much to search, such as C({trials: 60, hours: 4, threshold_percent: 1}); what is met first ends it."
      - C(trials) is required. C(hours) are hours of searching. With C(threshold_percent) the search ends when the
        next trial is expected to gain less.
      - The baseline and the verification are not counted.
    type: raw
  prices:
    description: Price of a V(vcpu) and of a V(memory_gib), from which the metric C(vm_cost) is computed.
    type: raw
  seed:
    description: Seed of everything random. The default is 1.
    type: raw
  algorithm:
    description:
      - The search algorithm. V(guided), the default, breeds many children for each trial and lets a surrogate pick;
        V(textbook) is the generational genetic algorithm.
    type: raw
  algorithm_options:
    description: Options of the algorithm, such as C(population) and C(surrogate).
    type: raw
  baseline_repeats:
    description: How often the baseline is measured before the search, over all slots. The default is 3.
    type: raw
  verification:
    description: Number of ABBA C(blocks), C(confidence) of the interval, and the C(equivalence) margin.
    type: raw
  profile:
    description: Name of a ready set of parameters in the catalogue, or a list of names.
    type: raw
    version_added: 0.2.0
  allow_risk:
    description:
      - Which of V(durability), V(security) and V(availability) a configuration may give up for speed. Parameters and
        values that do are left out of the search otherwise.
    type: raw
    version_added: 0.2.0
  apps:
    description: Applications that the user has described, by name, so that C(app.<name>.*) are known.
    type: dict
    default: {}
    version_added: 0.2.0
  readings:
    description:
      - What was read from the machines, by host, with the keys C(guest) (M(evolve.vm.guest_facts)), C(hypervisor)
        (M(evolve.vm.vm_config) with state V(read)) and C(message). Ranges that depend on facts are derived from it.
      - A study that exists keeps what was derived when it was created.
    type: dict
    default: {}
    version_added: 0.2.0
  scheduling:
    description:
      - When a new candidate is bred. With V(steady_state), the default, as soon as a slot is free; with V(generational)
        once all of the generation before are measured, as textbooks have it.
    type: raw
  overcommit:
    description:
      - How often the C(vcpus) and the C(memory) of a hypervisor may be given away. Candidates keep within it, unless
        the machines were beyond it already. The default is 4 for C(vcpus) and 1 for C(memory).
    type: raw
  runs_per_hypervisor:
    description: How many slots of one hypervisor run at once, for benchmarks disturb each other. No limit as a rule.
    type: raw
  lease_seconds:
    description:
      - How long after its last sign of life a controller on another machine is taken for dead, so that others do what
        it had begun. Of one on the same machine that is known at once.
      - The strategy P(evolve.vm.steady_state#strategy) renews the lease. Under any other it must be longer than a trial
        can take.
    type: float
    default: 120
  learn_from:
    description:
      - Names of studies in the same store from which a new study learns. What they know is copied when it is created.
    type: raw
  founders:
    description:
      - A list of configurations that enter the initial population of a new study. A text is the path of a file that
        holds one, such as the playbook C(harvest) writes.
    type: raw
"""

EXAMPLES = r"""
- name: Open the study
  evolve.vm.study:
    study: web-tier
    home: /srv/evolve
    slots: [clone-1, clone-2]
    parameters:
      vm.vcpus: {type: int, range: [1, 8]}
      kernel.sysctl.vm.swappiness: {type: int, range: [0, 100]}
    goals:
      - {metric: cpu_events_per_second, direction: maximize, weight: 3}
      - {metric: vm_cost, direction: minimize}
    benchmark: {name: sysbench, tests: [cpu]}
    budget: {trials: 40}
"""

RETURN = r"""
facts_needed:
  description: Facts of the machines that the search space depends on.
  type: list
  elements: str
  returned: with O(state=surveyed)
  sample: [guest.memory_mib, hypervisor.vcpus]
parameters:
  description: The parameters that are searched.
  type: list
  elements: str
  returned: with O(state=surveyed)
begun_at:
  description: When the study was begun, which tells it from another of the same name.
  type: str
  returned: with O(state=opened)
  sample: "2026-11-22T14:47:24.765+00:00"
created:
  description: Whether the study is new.
  returned: when opened
  type: bool
harvest:
  description: The configuration of the machines when the study began, null while it is not known.
  returned: when opened
  type: dict
metrics:
  description: The metrics that the goals need.
  type: list
  elements: str
  returned: always
monitoring:
  description: What is watched, complete; null where nothing is.
  type: dict
  returned: always
read:
  description: Parameters to read back from the machines in each trial.
  returned: always
  type: list
  elements: str
slots:
  description: Those of the slots that this controller works on; another one works on the others.
  returned: always
  type: list
  elements: str
rounds:
  description: How often a slot may ask in each phase, under a strategy that needs to be told.
  returned: when opened
  type: dict
home:
  description: Folder that holds everything a study writes.
  returned: when opened
  type: str
store:
  description: URL of the store.
  returned: when opened
  type: str
folder:
  description: Folder of the study.
  returned: when opened
  type: str
"""
