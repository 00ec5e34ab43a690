# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the lookups that read from a database of metrics."""

from __future__ import annotations


class ModuleDocFragment:
    """How the database is reached, and (QUESTION) what is asked of it.

    A lookup lists the options of the first again with the variables, ini keys and environment that give them.
    """

    DOCUMENTATION = r"""
options:
  url:
    description: Address of the database, such as V(https://metrics.example.org:8086), without a user name in it.
    type: str
  authentication:
    description:
      - How the database is told who asks.
      - By default it follows from what is given, O(token), or O(username) and O(password), or neither.
    type: str
    choices:
      none: Nobody in particular.
      basic: User name and password.
      token: A token, as InfluxDB 2 and 3 want it.
      bearer: A token as OAuth has it (a JWT, for example).
  username:
    description: Name of the user who may read.
    type: str
  password:
    description: The user's password. It is shown in no message.
    type: str
  token:
    description: The token, in place of O(username) and O(password). It is shown in no message.
    type: str
  ca_path:
    description: File with the certificate of the authority that signed that of the database (PEM).
    type: path
  client_cert:
    description: File with the certificate by which the controller says who it is (PEM).
    type: path
  client_key:
    description: File with the key of O(client_cert), where that does not hold it too.
    type: path
  validate_certs:
    description: Whether the certificate of the database must be valid. Only switch this off to try something.
    type: bool
    default: true
  timeout_seconds:
    description: How long a request may take.
    type: float
    default: 10
  retries:
    description: How often a request is made again that failed because the database did not answer or was overloaded.
    type: int
    default: 2
"""

    QUESTION = r"""
options:
  tags:
    description:
      - Only series whose tags (labels) have these values are read, whatever other tags they have.
      - The points that C(evolve.vm) writes have the tags C(host) (its name in the inventory) and C(study), while a
        trial runs also C(trial) and C(slot), else C(version), and with a named probe C(probe).
    type: dict
  window:
    description:
      - How far back from O(end) points are read, such as V(90s), V(10min) or V(1h); a number is one of seconds.
      - By default V(5min), unless O(begin) is given.
    type: raw
  begin:
    description:
      - Points later than this are read, in place of O(window).
      - A time with its zone, such as V(2026-11-23T04:00:00Z), or seconds since 1970.
    type: raw
  end:
    description: Points up to this time are read; by default up to the present.
    type: raw
  aggregation:
    description:
      - What is computed from the points of each series, by the collection itself and so alike for every database.
      - V(p50) to V(p99) are percentiles (nearest rank).
      - V(difference) and V(rate_per_second) are of counters, which may begin anew at 0.
      - V(none) returns the points themselves.
    type: str
    choices:
      [mean, minimum, maximum, median, p50, p90, p95, p99, sum, count, first, last, difference, rate_per_second, none]
    default: mean
  fresh_seconds:
    description:
      - Fail where the newest point of a series is older than this at the end of the window, or there is none at all.
      - A duration as in O(window). By default points of any age will do.
    type: raw
  must_exist:
    description: Fail where a term has no points in the window, instead of returning nothing for it.
    type: bool
    default: false
"""
