#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: population
short_description: Generate a population of configurations, or breed the next one
version_added: 0.2.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Without O(population) and O(src) it generates the first population of a search space, which are the baseline, the
    founders, and for the rest a design that fills the space evenly.
  - With one of them it breeds the next population from an evaluated one. The O(elites) stay as they are; all others are
    replaced by children of parents chosen by O(tournament), by O(crossover) and mutation.
  - It evaluates nothing. To measure the individuals and to note their fitness is up to the playbook around it.
  - Whatever it generates or breeds is valid. Values keep to their ranges and steps, only active parameters are there,
    and all constraints hold; what would break one is repaired. The baseline alone stays as it is given, because it is
    what a machine has today.
  - No two individuals have the same configuration. Where the space holds no more, the population is smaller.
  - The same options and the same population always give the same result.
attributes:
  check_mode:
    support: full
    description: Can run in check mode without changing anything.
  diff_mode:
    support: full
    description: Says in detail what would change.
  action:
    support: full
    description: Runs on the controller; the target is never contacted.
options:
  parameters:
    description: The search space, as the variable C(evolve_parameters) has it.
    type: raw
    required: true
  constraints:
    description: Expressions that every configuration must satisfy, as the variable C(evolve_constraints) has them.
    type: raw
    default: []
  baseline:
    description:
      - The configuration that the machines have today. It becomes the first individual of the first population.
      - Its values may lie outside the ranges of the search space.
    type: raw
  founders:
    description:
      - Configurations for the first population, such as those of other machines. Each becomes the nearest one that is
        valid.
    type: raw
    default: []
  population:
    description:
      - The evaluated population to breed from, as a list of individuals with the keys that RV(population) has.
      - An individual needs no more than C(configuration), and C(fitness) if it was evaluated. A C(number) that is not
        stated is its place in the list. A C(violation) above 0 says that a limit was broken, and by how much; a text
        under C(failure) says that the individual could not be evaluated. Other keys are kept with the individual.
      - Parents are individuals with a fitness that broke no limit. Only where there are none, those that broke a limit
        are parents, the smallest C(violation) first. Individuals that failed or have no fitness are never parents and
        never stay; where all failed, the next population is drawn at random.
      - All configurations must be valid in the search space. Only one with the origin V(baseline) may lie outside its
        ranges.
    type: raw
  src:
    description:
      - A file with the evaluated population to breed from, as O(dest) has it. Instead of O(population).
    type: path
  dest:
    description:
      - The file to write the result to, YAML or JSON by the end of its name (V(.yml), V(.yaml) or V(.json)). It is a
        vars file with the single variable C(evolve_population), the list that RV(population) has.
      - It is replaced as a whole or not at all, and only if something differs.
      - Individuals that the file holds already keep the fitness, the failure and whatever else it says of them, so a
        playbook that is run again loses nothing that was evaluated.
      - A file that holds something else than a population is not overwritten, and neither is O(src).
      - Relative paths count from the folder in which Ansible was called.
    type: path
  size:
    description: Number of individuals, from 2 to 1000.
    type: int
    default: 10
  elites:
    description: How many of the best stay in the next population. Fewer than O(size).
    type: int
    default: 2
  tournament:
    description: How many individuals are drawn at random for each parent; the best of them becomes it.
    type: int
    default: 3
  crossover:
    description:
      - How a child gets its genes. With V(uniform) each comes from either parent. With V(one_point) those up to a
        random parameter come from one parent and the rest from the other. V(blend) is V(uniform), but numbers fall
        anywhere between those of the parents.
    type: str
    choices: [uniform, one_point, blend]
    default: uniform
  crossover_rate:
    description: Share of children that have two parents; the others are mutations of a single one.
    type: float
    default: 0.9
  mutation_rate:
    description: Probability of each gene to change when a child is mutated.
    type: float
    default: 0.2
  mutation_sigma:
    description: How far numbers move by mutation, as a share of their range (a standard deviation).
    type: float
    default: 0.2
  seed:
    description: Seed of everything random. Each generation draws other numbers from it.
    type: int
    default: 1
seealso:
  - plugin: evolve.vm.tournament
    plugin_type: filter
  - plugin: evolve.vm.crossover
    plugin_type: filter
  - plugin: evolve.vm.mutate
    plugin_type: filter
  - plugin: evolve.vm.fitness
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Generate the first population
  evolve.vm.population:
    parameters: "{{ evolve_parameters }}"
    constraints: "{{ evolve_constraints | default([]) }}"
    baseline: {vm.vcpus: 2, vm.memory_mib: 1024}
    size: 8
    dest: population/generation-000.yml
  register: first

- name: Breed the next one, once each individual of the file has its fitness
  evolve.vm.population:
    parameters: "{{ evolve_parameters }}"
    constraints: "{{ evolve_constraints | default([]) }}"
    src: population/generation-000.yml
    dest: population/generation-001.yml
    size: 8
    elites: 1
    crossover: blend
  register: second

- name: Breed from what is in a variable
  evolve.vm.population:
    parameters: "{{ evolve_parameters }}"
    population:
      - configuration: {vm.vcpus: 2, vm.memory_mib: 1024}
        fitness: 0.0
      - configuration: {vm.vcpus: 4, vm.memory_mib: 2048}
        fitness: 0.21
      - configuration: {vm.vcpus: 8, vm.memory_mib: 512}
        failure: the guest did not answer
    size: 4
"""

RETURN = r"""
population:
  description: The individuals; the baseline or the elites first, best first.
  returned: success
  type: list
  elements: dict
  contains:
    number:
      description: Number of the individual, counted from 0 over all generations.
      type: int
    generation:
      description: The generation it was born in; 0 is the first.
      type: int
    origin:
      description: One of V(baseline), V(founder), V(initial), V(crossover), V(mutation).
      type: str
    parents:
      description: Numbers of the individuals it was bred from.
      type: list
      elements: int
    configuration:
      description: A value for each active parameter.
      type: dict
    fitness:
      description: Log units over the baseline, higher is better; null where it is not evaluated.
      type: float
  sample:
    - number: 3
      generation: 0
      origin: initial
      parents: []
      configuration: {vm.vcpus: 6, vm.memory_mib: 2048}
      fitness: 0.21
    - number: 8
      generation: 1
      origin: crossover
      parents: [3, 5]
      configuration: {vm.vcpus: 6, vm.memory_mib: 1024}
      fitness: null
generation:
  description: The highest generation in RV(population).
  returned: success
  type: int
best:
  description: The best individual of the population that was bred from; null where there is none.
  returned: success
  type: dict
dest:
  description: The file with the population.
  returned: when O(dest) is set
  type: str
"""
