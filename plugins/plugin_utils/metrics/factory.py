# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database that a connection is of."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection


def backend_for(connection: Connection) -> Backend:
    """The client of its kind. Nothing is asked of the database yet."""
    if connection.kind == "influxdb":
        from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxdb import InfluxDb

        return InfluxDb(connection)
    from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.prometheus import Prometheus, VictoriaMetrics

    return {"prometheus": Prometheus, "victoriametrics": VictoriaMetrics}[connection.kind](connection)
