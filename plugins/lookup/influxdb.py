# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup influxdb: metrics from an InfluxDB, aggregated here."""

from __future__ import annotations

DOCUMENTATION = r"""
name: influxdb
version_added: 0.2.0
short_description: Read metrics from InfluxDB
description:
  - Reads the points of fields from a database of InfluxDB 1, 2 or 3, and returns one number for each series, or the
    points themselves.
  - Raw points are read through InfluxQL and aggregated by the collection, so that the number is the same as that of any
    other database with the same points.
author: evolve.vm contributors (@evolve-vm)
extends_documentation_fragment:
  - evolve.vm.metrics_database
  - evolve.vm.metrics_database.question
options:
  _terms:
    description: Names of the fields to read, such as V(cpu_utilisation_percent) or V(response_time_ms).
    type: list
    elements: str
    required: true
  measurement:
    description:
      - The measurement that the fields are of.
      - Metrics over time are in V(evolve_vm), the results of benchmarks in V(evolve_run).
    type: str
    default: evolve_vm
  url:
    vars: [{name: evolve_influxdb_url}]
    ini: [{section: evolve_influxdb, key: url}]
    env: [{name: EVOLVE_INFLUXDB_URL}]
  database:
    description:
      - The database to read from, as V(name), or V(name/retention policy) where it is not the default one.
      - For InfluxDB 2 the name that its bucket is mapped to (DBRP), which unless it was changed is that of the bucket.
    type: str
    vars: [{name: evolve_influxdb_database}]
    ini: [{section: evolve_influxdb, key: database}]
    env: [{name: EVOLVE_INFLUXDB_DATABASE}]
  organisation:
    description: The organisation of the bucket. Reading does not need it; it is here so that all options can be given.
    type: str
    vars: [{name: evolve_influxdb_organisation}]
    ini: [{section: evolve_influxdb, key: organisation}]
    env: [{name: EVOLVE_INFLUXDB_ORGANISATION}]
  version:
    description: The major version of InfluxDB. A token is sent to version 1 as a JWT.
    type: int
    choices: [1, 2, 3]
    default: 1
    vars: [{name: evolve_influxdb_version}]
    ini: [{section: evolve_influxdb, key: version}]
    env: [{name: EVOLVE_INFLUXDB_VERSION}]
  authentication:
    vars: [{name: evolve_influxdb_authentication}]
    ini: [{section: evolve_influxdb, key: authentication}]
    env: [{name: EVOLVE_INFLUXDB_AUTHENTICATION}]
  username:
    vars: [{name: evolve_influxdb_username}]
    ini: [{section: evolve_influxdb, key: username}]
    env: [{name: EVOLVE_INFLUXDB_USERNAME}]
  password:
    vars: [{name: evolve_influxdb_password}]
    ini: [{section: evolve_influxdb, key: password}]
    env: [{name: EVOLVE_INFLUXDB_PASSWORD}]
  token:
    vars: [{name: evolve_influxdb_token}]
    ini: [{section: evolve_influxdb, key: token}]
    env: [{name: EVOLVE_INFLUXDB_TOKEN}]
  ca_path:
    vars: [{name: evolve_influxdb_ca_path}]
    ini: [{section: evolve_influxdb, key: ca_path}]
    env: [{name: EVOLVE_INFLUXDB_CA_PATH}]
  client_cert:
    vars: [{name: evolve_influxdb_client_cert}]
    ini: [{section: evolve_influxdb, key: client_cert}]
    env: [{name: EVOLVE_INFLUXDB_CLIENT_CERT}]
  client_key:
    vars: [{name: evolve_influxdb_client_key}]
    ini: [{section: evolve_influxdb, key: client_key}]
    env: [{name: EVOLVE_INFLUXDB_CLIENT_KEY}]
  validate_certs:
    vars: [{name: evolve_influxdb_validate_certs}]
    ini: [{section: evolve_influxdb, key: validate_certs}]
    env: [{name: EVOLVE_INFLUXDB_VALIDATE_CERTS}]
  timeout_seconds:
    vars: [{name: evolve_influxdb_timeout_seconds}]
    ini: [{section: evolve_influxdb, key: timeout_seconds}]
    env: [{name: EVOLVE_INFLUXDB_TIMEOUT_SECONDS}]
  retries:
    vars: [{name: evolve_influxdb_retries}]
    ini: [{section: evolve_influxdb, key: retries}]
    env: [{name: EVOLVE_INFLUXDB_RETRIES}]
notes:
  - Tried on a real server, InfluxDB 1.6.7. Versions 2 and 3 are tested with answers that others recorded.
  - Times are those of the database; the window ends at the present of the controller, so their clocks must agree.
"""

EXAMPLES = r"""
- name: Show how busy the machine was in the last ten minutes
  ansible.builtin.debug:
    msg: "{{ item.tags.host }}: {{ item.value | round(1) }} % in {{ item.points }} points"
  loop: >-
    {{ query('evolve.vm.influxdb', 'cpu_utilisation_percent', tags={'host': inventory_hostname}, window='10min',
             url='http://influxdb.example.org:8086', database='evolve') }}

# evolve_influxdb_url, evolve_influxdb_database and evolve_influxdb_password are in group_vars, the last one in a vault.
- name: Go on only where the application answers quickly, by measurements that are at most a minute old
  ansible.builtin.assert:
    that: item.value < 50
    fail_msg: "95 % of the answers take up to {{ item.value }} ms on {{ item.tags.host }}"
  loop: >-
    {{ query('evolve.vm.influxdb', 'response_time_ms', tags={'host': inventory_hostname}, aggregation='p95',
             fresh_seconds=60) }}

- name: Read two metrics of the time since a change, as they were recorded
  ansible.builtin.set_fact:
    since_change: >-
      {{ query('evolve.vm.influxdb', 'response_time_ms', 'availability_percent', begin=changed_at, aggregation='none',
               must_exist=true) }}
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
      sample: cpu_utilisation_percent
    tags:
      description: All tags of the series.
      type: dict
      sample: {host: web1, study: web-tier}
    value:
      description: What O(aggregation) makes of the points; not there with V(none).
      type: float
      sample: 37.25
    values:
      description: With O(aggregation=none), the points in the order of time, each a list of its time and value.
      type: list
      elements: list
      sample: [['2026-11-23T04:00:00.000Z', 37.25]]
    points:
      description: How many points there are.
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

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.looking_up import MetricsLookup
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector


class LookupModule(MetricsLookup):
    """What Ansible finds here."""

    name = "influxdb"
    OWN_CONNECTION_OPTIONS = ("database", "organisation", "version")

    def kind(self) -> str:
        return "influxdb"

    def selector(self, term: str, tags: tuple[tuple[str, str], ...]) -> Selector:
        return Selector(str(self.get_option("measurement")), term, tags)
