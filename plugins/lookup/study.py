# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a study for its trials, its best, its Pareto set, or how good a configuration is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: study
short_description: Asks a study for its trials, its best, or how good a configuration is
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Gives what a study has found, for selecting configurations or machines in any playbook.
  - Reads the store and changes nothing; the study may be running meanwhile.
options:
  _terms:
    description: Names of studies. The answers of several follow one another.
    type: list
    elements: str
    required: true
  what:
    description:
      - V(best) is the winner, or while there is none what the search would recommend by now; an empty list where that
        is the baseline.
      - V(trials) is every trial, the best first, those without a fitness last.
      - V(pareto) is what no other configuration beats on every goal, the best fitness first.
      - V(baseline) is the configuration that the machines had, and V(verdict) what the verification came to.
      - V(fitness) is the trials that measured O(configuration), or what O(host) was last told to be.
    type: str
    choices: [best, trials, pareto, baseline, verdict, fitness]
    default: best
  configuration:
    description: Of which configuration the fitness is wanted, a value for each parameter of the study.
    type: dict
  host:
    description: Of which slot's present configuration the fitness is wanted.
    type: str
  limit:
    description: How many are returned of each study at most.
    type: int
  home:
    description:
      - Folder that holds everything the study writes.
      - By default the folder C(evolve) beside the inventory.
    type: path
    vars:
      - name: evolve_home
    env:
      - name: EVOLVE_HOME
    ini:
      - section: evolve
        key: home
  store:
    description:
      - Database that holds the study, as an SQLAlchemy URL.
      - By default an SQLite file under O(home).
    type: str
    vars:
      - name: evolve_store
    env:
      - name: EVOLVE_STORE
    ini:
      - section: evolve
        key: store
seealso:
  - module: evolve.vm.report
  - plugin: evolve.vm.fitness
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the best configuration that study web-tier has found
  ansible.builtin.debug:
    msg: "{{ (query('evolve.vm.study', 'web-tier') | first).configuration }}"

- name: Take the three best trials as parents of a population of your own
  ansible.builtin.set_fact:
    parents: "{{ query('evolve.vm.study', 'web-tier', what='trials', limit=3) | map(attribute='configuration') }}"

- name: Go on only where the study was conclusive
  ansible.builtin.assert:
    that: lookup('evolve.vm.study', 'web-tier', what='verdict').verdict == 'better'

- name: Say how good the configuration of this slot is
  ansible.builtin.debug:
    msg: "{{ (query('evolve.vm.study', 'web-tier', what='fitness', host=inventory_hostname) | first).fitness_percent }}"
"""

RETURN = r"""
_raw:
  description:
    - A dictionary for each trial, or for the verdict.
    - A trial has C(number), C(origin), C(generation), C(parents), C(repeat_of), C(slot), C(status), C(configuration),
      C(metrics), C(fitness_percent) (over the baseline, none where it was not measured), C(violation) (0 where every
      limit holds), C(measurements), C(seconds), C(failure_class) and C(message). The best has C(verdict) too, none
      before it was verified.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import default_home, store_url
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import MissingLibraryError, require
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.answers import ANSWERS, configuration_on, fitness_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.session import session
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError


class LookupModule(LookupBase):  # type: ignore[misc]
    """Reads the store; see DOCUMENTATION."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        known = {name: variables[name] for name in ("evolve_home", "evolve_store") if name in (variables or {})}
        self.set_options(var_options=plain(self._templar.template(known)), direct=plain(kwargs))
        options = plain(self.get_options())
        options["home"] = options["home"] or default_home(variables or {})
        _check(options)
        try:
            require()
            return [each for term in terms for each in _answer(str(term), options)]
        except (StoreError, StudyError, MissingLibraryError) as error:
            raise AnsibleLookupError(f"evolve.vm.study: {error}") from None


def _check(options: Mapping[str, Any]) -> None:
    given = [name for name in ("configuration", "host") if options[name] is not None]
    if options["what"] == "fitness" and len(given) != 1:
        raise AnsibleError("evolve.vm.study: what=fitness needs either configuration or host")
    if options["what"] != "fitness" and given:
        raise AnsibleError(
            f"evolve.vm.study: {', '.join(given)} is for what=fitness only, found what={options['what']}"
        )


def _answer(name: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    with session(store_url(options), name).transaction(look=True) as study:
        found = _fitness(study, options) if options["what"] == "fitness" else ANSWERS[options["what"]](study)
    answer: list[dict[str, Any]] = plain(found[: options["limit"]])
    return answer


def _fitness(study: Study, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    configuration = options["configuration"]
    return fitness_of(study, configuration if configuration is not None else configuration_on(study, options["host"]))
