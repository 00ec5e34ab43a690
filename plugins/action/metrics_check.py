# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See whether the points of a machine's agent arrive in the database, and how far its clock is off."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import MissingLibraryError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.arrival import (
    ARRIVES,
    Arrival,
    Expected,
    arrival,
    expected_of,
    told,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import (
    AGENTS,
    HOST_TAG,
    UnknownSeriesError,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Window
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain

# Points of a clock that is ahead are seen too.
_FUTURE_MS = 86_400_000
_EXPECTED = (InputError, BackendError, UnknownSeriesError, MissingLibraryError)


class ActionModule(ActionBase):  # type: ignore[misc]
    """The database is asked from the controller; on the machine only its clock is read."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(
            argument_spec={
                "connection": {"type": "dict", "required": True, "no_log": True},
                "agent": {"type": "str", "choices": list(AGENTS), "required": True},
                "machine": {"type": "str"},
                "host_tag": {"type": "str", "default": HOST_TAG},
                "interval_seconds": {"type": "float", "default": 10.0},
                "probes": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {
                        "name": {"type": "str", "required": True},
                        "kind": {"type": "str", "choices": ["http", "tcp", "icmp"], "required": True},
                        "target": {"type": "str", "required": True},
                        "send": {"type": "str"},
                        "expect": {"type": "str"},
                    },
                },
                "timeout_seconds": {"type": "float"},
            }
        )
        machine = options["machine"] or str((task_vars or {}).get("inventory_hostname", ""))
        try:
            connection = read_connection(plain(options["connection"]), "connection")
            expected = expected_of(options["agent"], connection.kind, machine, options["probes"], options["host_tag"])
            backend = backend_for(connection)
            backend.read(expected[0].selectors[0], Window(0, 1))
            skew = self._skew_seconds()
            arrivals = _awaited(backend, expected, options["interval_seconds"], options["timeout_seconds"])
        except _EXPECTED as error:
            result.update(failed=True, msg=f"{machine}: {error}")
            return result
        good = all(each.status == ARRIVES for each in arrivals)
        result.update(
            changed=False,
            failed=not good,
            msg=told(arrivals, options["agent"], connection.kind, machine, backend.shown, skew or 0.0),
            metrics=[
                {
                    "name": each.expected.metric,
                    "probe": each.expected.probe,
                    "status": each.status,
                    "age_seconds": each.age_seconds,
                }
                for each in arrivals
            ],
            clock_skew_seconds=skew,
        )
        return result

    def _skew_seconds(self) -> float | None:
        """The machine's clock less the controller's; None where it cannot be read. The way there and back is halved."""
        best = None
        for dummy in range(2):  # The first time may have to connect.
            before = time.time()
            try:
                done = self._low_level_execute_command("date +%s.%N", sudoable=False)
                told_seconds = float(str(done["stdout"]).strip())
            except (AnsibleConnectionFailure, ValueError):
                return None
            after = time.time()
            if best is None or after - before < best[0]:
                best = (after - before, told_seconds - (before + after) / 2)
        # Less than the way there cannot be told from none.
        return None if best is None else round(best[1], 3) if abs(best[1]) > best[0] / 2 else 0.0


def _awaited(
    backend: Backend, expected: list[Expected], interval_seconds: float, timeout_seconds: float | None
) -> list[Arrival]:
    """How it is with each metric as soon as all is well, or at the end of the time limit."""
    fresh_seconds = 2 * interval_seconds + 15
    end = time.monotonic() + (3 * interval_seconds + 60 if timeout_seconds is None else timeout_seconds)
    while True:
        now_ms = time.time_ns() // 1_000_000
        # Far enough back that what is stale is told from what never was.
        window = Window(now_ms - int(max(3600.0, 10 * interval_seconds) * 1000), now_ms + _FUTURE_MS)
        wanted = dict.fromkeys(selector for each in expected for selector in each.selectors)
        series = {selector: backend.read(selector, window) for selector in wanted}
        # Reading takes time, in which points go on arriving.
        now_ms = time.time_ns() // 1_000_000
        arrivals = [arrival(each, series, now_ms, fresh_seconds) for each in expected]
        if all(each.status == ARRIVES for each in arrivals) or time.monotonic() >= end:
            return arrivals
        time.sleep(min(5.0, max(0.5, interval_seconds / 2)))
