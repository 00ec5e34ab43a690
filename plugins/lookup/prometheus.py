# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup prometheus: metrics from a Prometheus or VictoriaMetrics, aggregated here."""

from __future__ import annotations

DOCUMENTATION = r"""
name: prometheus
version_added: 0.2.0
short_description: Read metrics from Prometheus or VictoriaMetrics
description:
  - Reads the points of metrics from a Prometheus or a VictoriaMetrics, and returns one number for each series, or the
    points themselves.
  - Raw points are read and aggregated by the collection, so that the number is the same as that of any other database
    with the same points.
  - With O(promql=true) expressions are computed by the server instead.
author: evolve.vm contributors (@evolve-vm)
extends_documentation_fragment:
  - evolve.vm.metrics_database
  - evolve.vm.metrics_database.question
options:
  _terms:
    description:
      - Names of the metrics to read, such as V(evolve_vm_cpu_utilisation_percent) or V(node_load1).
      - What C(evolve.vm) writes is called V(evolve_vm_) with the name of the metric for machines, and V(evolve_run_)
        with that of the metric for results of benchmarks.
      - With O(promql=true), expressions in PromQL.
    type: list
    elements: str
    required: true
  promql:
    description:
      - Whether the terms are expressions, to be computed by the server for the moment O(end).
      - O(tags), O(window), O(begin), O(aggregation) and O(fresh_seconds) have no meaning then; the expression says it.
    type: bool
    default: false
  kind:
    description: Which of the two it is.
    type: str
    choices: [prometheus, victoriametrics]
    default: prometheus
    vars: [{name: evolve_prometheus_kind}]
    ini: [{section: evolve_prometheus, key: kind}]
    env: [{name: EVOLVE_PROMETHEUS_KIND}]
  url:
    vars: [{name: evolve_prometheus_url}]
    ini: [{section: evolve_prometheus, key: url}]
    env: [{name: EVOLVE_PROMETHEUS_URL}]
  authentication:
    vars: [{name: evolve_prometheus_authentication}]
    ini: [{section: evolve_prometheus, key: authentication}]
    env: [{name: EVOLVE_PROMETHEUS_AUTHENTICATION}]
  username:
    vars: [{name: evolve_prometheus_username}]
    ini: [{section: evolve_prometheus, key: username}]
    env: [{name: EVOLVE_PROMETHEUS_USERNAME}]
  password:
    vars: [{name: evolve_prometheus_password}]
    ini: [{section: evolve_prometheus, key: password}]
    env: [{name: EVOLVE_PROMETHEUS_PASSWORD}]
  token:
    vars: [{name: evolve_prometheus_token}]
    ini: [{section: evolve_prometheus, key: token}]
    env: [{name: EVOLVE_PROMETHEUS_TOKEN}]
  ca_path:
    vars: [{name: evolve_prometheus_ca_path}]
    ini: [{section: evolve_prometheus, key: ca_path}]
    env: [{name: EVOLVE_PROMETHEUS_CA_PATH}]
  client_cert:
    vars: [{name: evolve_prometheus_client_cert}]
    ini: [{section: evolve_prometheus, key: client_cert}]
    env: [{name: EVOLVE_PROMETHEUS_CLIENT_CERT}]
  client_key:
    vars: [{name: evolve_prometheus_client_key}]
    ini: [{section: evolve_prometheus, key: client_key}]
    env: [{name: EVOLVE_PROMETHEUS_CLIENT_KEY}]
  validate_certs:
    vars: [{name: evolve_prometheus_validate_certs}]
    ini: [{section: evolve_prometheus, key: validate_certs}]
    env: [{name: EVOLVE_PROMETHEUS_VALIDATE_CERTS}]
  timeout_seconds:
    vars: [{name: evolve_prometheus_timeout_seconds}]
    ini: [{section: evolve_prometheus, key: timeout_seconds}]
    env: [{name: EVOLVE_PROMETHEUS_TIMEOUT_SECONDS}]
  retries:
    vars: [{name: evolve_prometheus_retries}]
    ini: [{section: evolve_prometheus, key: retries}]
    env: [{name: EVOLVE_PROMETHEUS_RETRIES}]
notes:
  - Tried on real servers, Prometheus 2.42 and VictoriaMetrics 1.79.5 (single node).
  - Times are those of the database; the window ends at the present of the controller, so their clocks must agree.
  - VictoriaMetrics keeps about 11 digits of each value.
"""

EXAMPLES = r"""
- name: Show how busy the machine was in the last ten minutes
  ansible.builtin.debug:
    msg: "{{ item.tags.host }}: {{ item.value | round(1) }} % in {{ item.points }} points"
  loop: >-
    {{ query('evolve.vm.prometheus', 'evolve_vm_cpu_utilisation_percent', tags={'host': inventory_hostname},
             window='10min', url='http://prometheus.example.org:9090') }}

# evolve_prometheus_url, evolve_prometheus_username and evolve_prometheus_password are in group_vars, the last one in a
# vault.
- name: Go on only where the application answers quickly, by measurements that are at most a minute old
  ansible.builtin.assert:
    that: item.value < 50
    fail_msg: "95 % of the answers take up to {{ item.value }} ms on {{ item.tags.host }}"
  loop: >-
    {{ query('evolve.vm.prometheus', 'evolve_vm_response_time_ms', tags={'host': inventory_hostname},
             aggregation='p95', fresh_seconds=60) }}

- name: Let the server compute an expression
  ansible.builtin.debug:
    msg: "{{ item.tags.instance }} sends {{ item.value }} bytes per second"
  loop: >-
    {{ query('evolve.vm.prometheus', 'rate(node_network_transmit_bytes_total{device="eth0"}[5m])', promql=true) }}
"""

RETURN = r"""
_raw:
  description: One entry for each term and series, in the order of the terms, then of the tags.
  type: list
  elements: dict
  contains:
    metric:
      description: The term.
      type: str
      sample: evolve_vm_cpu_utilisation_percent
    tags:
      description: All labels of the series, without the name of the metric.
      type: dict
      sample: {host: web1, study: web-tier}
    value:
      description:
        - What O(aggregation) makes of the points; not there with V(none).
        - With O(promql=true) what the server computed, which may be C(nan).
      type: float
      sample: 37.25
    values:
      description: With O(aggregation=none), the points in the order of time, each a list of its time and value.
      type: list
      elements: list
      sample: [['2026-11-23T04:00:00.000Z', 37.25]]
    points:
      description: How many points there are; not there with O(promql=true), as are the next two.
      type: int
      sample: 600
    newest:
      description: The time of the newest point, in UTC.
      type: str
      sample: '2026-11-23T04:00:00.000Z'
    age_seconds:
      description: From the newest point to the end of the window, which is the present unless O(end) says otherwise.
      type: float
      sample: 0.731
"""

from typing import Any

from ansible.utils.display import Display

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.looking_up import (
    LookupInputError,
    MetricsLookup,
    UnusableDataError,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.promql_backend import PromqlBackend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.question import Question

display = Display()
_OF_RAW_POINTS = ("tags", "window", "begin", "aggregation", "fresh_seconds")


class LookupModule(MetricsLookup):
    """What Ansible finds here."""

    name = "prometheus"

    def kind(self) -> str:
        return str(self.get_option("kind"))

    def selector(self, term: str, tags: tuple[tuple[str, str], ...]) -> Selector:
        return Selector(term, "value", tags)

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self._given = set(kwargs)
        return super().run(terms, variables, **kwargs)

    def results(self, backend: Backend, term: str, question: Question) -> list[dict[str, Any]]:
        if not self.get_option("promql") or not isinstance(backend, PromqlBackend):
            return super().results(backend, term, question)
        faults = [
            Fault(name, "has no meaning with promql=true; let the expression say it")
            for name in _OF_RAW_POINTS
            if name in self._given
        ]
        if faults:
            raise LookupInputError(faults)
        values, warnings = backend.values(term, question.window.end_ms)
        for warning in warnings:
            display.warning(f"evolve.vm.{self.name}: {backend.shown}: {warning}")
        if question.must_exist and not values:
            raise UnusableDataError(f"{term} gives nothing")
        return [{"metric": term, "tags": each.tags, "value": each.value} for each in values]
