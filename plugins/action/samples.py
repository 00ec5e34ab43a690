# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take up what was watched of a machine during a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    store_url,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.reading import points_of
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watched import metrics_of
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watching import Place, Watched, send_rest
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.monitoring import SAMPLER, fields_of

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LAST_SECONDS = 60.0


class ActionModule(ControllerAction):
    """Asks the sampler for its points, keeps them, and says what the metrics of the run are."""

    _requires_connection = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "state": {"type": "str", "choices": ["collected", "sent"], "default": "collected"},
        "monitoring": {"type": "dict"},
        "database": {"type": "dict", "no_log": True},
        "slot": {"type": "str"},
        "run": {"type": "dict"},
        "began_ms": {"type": "int"},
        "ended_ms": {"type": "int"},
        "wanted": {"type": "list", "elements": "str", "default": []},
        "sampler": {"type": "dict", "default": {}},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        given = plain(options["database"])
        connection = read_connection(given, "evolve_monitoring_database") if given else None
        place = Place(store_url(options), options["home"], connection)
        if options["state"] == "sent":
            return _sent(place)
        return self._collected(options, place)

    def _collected(self, options: dict[str, Any], place: Place) -> dict[str, Any]:
        began = time.monotonic()
        setting, run = plain(options["monitoring"]), plain(options["run"])
        window = Window(options["began_ms"], options["ended_ms"])
        tags = {"study": options["study"], "host": options["slot"], "slot": options["slot"], "trial": str(run["trial"])}
        watched = Watched(tags, window, fields_of(setting))
        answer = self._ask_sampler(options, window)
        points = points_of(answer.get("series", ()), tags, _shift_ms(answer))
        found = watched.take_up(points, place)
        if setting["source"] != SAMPLER:
            found |= watched.of_agent(setting["source"], place, setting["interval"])
        problems = [*answer["problems"], *watched.problems]
        return {
            "changed": bool(points),
            "metrics": metrics_of(found, options["wanted"]),
            "points": len(points),
            "seconds": round(time.monotonic() - began, 3),
            "source": watched.source,
            "problems": problems,
            **({"warnings": [f"{options['slot']}: {problem}" for problem in problems]} if problems else {}),
        }

    def _ask_sampler(self, options: dict[str, Any], window: Window) -> dict[str, Any]:
        """What the module sampler answers; what is wrong with it is under `problems`."""
        arguments = {
            "state": "collected",
            "name": options["study"],
            "host": options["slot"],
            "since_ms": window.begin_ms,
            **plain(options["sampler"]),
        }
        answer: dict[str, Any] = self._execute_module(
            module_name="evolve.vm.sampler", module_args=arguments, task_vars=self._variables
        )
        # Its temporary folder is removed by the module's own run.
        if answer.get("failed") or answer.get("unreachable"):
            return {"problems": [f"what was watched is not known: {answer.get('msg', 'no reason given')}"]}
        return {**answer, "problems": [*answer.get("gaps", ()), *answer.pop("warnings", ())]}


def _sent(place: Place) -> dict[str, Any]:
    waiting, reason = send_rest(place, _LAST_SECONDS)
    if not reason:
        return {"waiting": waiting}
    said = f"{waiting} points for the database still wait, and are sent by the next run: {reason}"
    return {"waiting": waiting, "warnings": [said if waiting > 0 else reason]}


def _shift_ms(answer: Mapping[str, Any]) -> int:
    """How far the sampler's clock is behind this one; 0 on the same machine."""
    if "clock_ms" not in answer or answer.get("boot_id") == _boot_id():
        return 0
    return time.time_ns() // 1_000_000 - int(answer["clock_ms"])


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
