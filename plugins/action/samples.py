# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take up what was watched of a machine during a run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulationError
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.sampling import collect_simulated
from ansible_collections.evolve.vm.plugins.plugin_utils.study.monitoring import SAMPLER, fields_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.watching import Place, Watched, send_rest

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LAST_SECONDS = 60.0
# The clocks of two machines should differ by less.
_SLACK_MS = 120_000
# A simulated run takes no time; it is watched as if it had taken so many intervals.
_SIMULATED_INTERVALS = 30
# A reading that is left out now and then on a busy host changes no mean.
_TOLERATED_SHARE = 0.25


class ActionModule(ControllerAction):
    """Asks the sampler for its points, keeps them, and says what the metrics of the run are."""

    PATIENT = True
    _requires_connection = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "state": {"type": "str", "choices": ["collected", "sent"], "default": "collected"},
        "monitoring": {"type": "dict"},
        "database": {"type": "dict", "no_log": True},
        "slot": {"type": "str"},
        "trial": {"type": "int"},
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
        lacking = [name for name in ("monitoring", "slot", "trial", "began_ms", "ended_ms") if options[name] is None]
        if lacking:
            return {"failed": True, "msg": f"state=collected needs {', '.join(lacking)}"}
        return self._collected(options, place)

    def _collected(self, options: dict[str, Any], place: Place) -> dict[str, Any]:
        began = time.monotonic()
        setting, slot = plain(options["monitoring"]), str(options["slot"])
        answer, window = self._answer(options, Window(options["began_ms"], options["ended_ms"]))
        tags = {"study": options["study"], "host": slot, "slot": slot, "trial": str(options["trial"])}
        watched = Watched(tags, window, fields_of(setting), problems=list(answer["problems"]))
        points = points_of(answer.get("series", ()), tags, _shift_ms(answer))
        found = watched.take_up(points, place)
        if setting["source"] != SAMPLER:
            found |= watched.of_agent(setting["source"], place, setting["interval"])
        problems = [f"{slot}: {problem}" for problem in watched.problems]
        return {
            "changed": bool(points),
            "metrics": metrics_of(found, options["wanted"]),
            "points": len(points),
            "source": watched.source,
            "problems": problems,
            "seconds": round(time.monotonic() - began, 3),
            **({"warnings": problems} if problems else {}),
        }

    def _answer(self, options: dict[str, Any], window: Window) -> tuple[dict[str, Any], Window]:
        """What the sampler has seen since the window began, with its `problems`; and the window it is about."""
        sampler, slot, setting = plain(options["sampler"]), str(options["slot"]), plain(options["monitoring"])
        arguments = {
            **sampler,
            "state": "collected",
            "name": options["study"],
            "interval": setting["interval"],
            "probes": setting["probes"],
            "hosts": [slot],
            "since_ms": window.begin_ms - _SLACK_MS,
        }
        if sampler.get("hypervisor") == "simulated":
            seconds = _SIMULATED_INTERVALS * setting["interval"]
            window = Window(min(window.begin_ms, window.end_ms - round(1000 * seconds)), window.end_ms)
            try:
                answer = collect_simulated({**arguments, "since_ms": window.begin_ms}, slot)
            except SimulationError as error:
                return {"problems": [str(error)]}, window
        else:
            answer = self._execute_module("evolve.vm.sampler", arguments, task_vars=self._variables)
            shift = _shift_ms(answer)
            if abs(shift) > _SLACK_MS:
                arguments["since_ms"] = window.begin_ms - shift
                answer = self._execute_module("evolve.vm.sampler", arguments, task_vars=self._variables)
        return {**answer, "problems": list(_problems(answer, window))}, window


def _problems(answer: Mapping[str, Any], window: Window) -> Iterator[str]:
    """Why the points may not tell everything of the window."""
    if answer.get("failed") or answer.get("unreachable"):
        yield f"the sampler cannot be asked: {answer.get('msg') or 'no reason given'}"
        return
    shift = _shift_ms(answer)
    missed: dict[str, int] = {}
    for gap in answer.get("gaps", ()):
        begin_ms = max(window.begin_ms, gap["begin_ms"] + shift)
        end_ms = window.end_ms if gap["end_ms"] is None else min(window.end_ms, gap["end_ms"] + shift)
        missed[gap["reason"]] = missed.get(gap["reason"], 0) + max(0, end_ms - begin_ms)
    if sum(missed.values()) > _TOLERATED_SHARE * (window.end_ms - window.begin_ms):
        seconds = sum(missed.values()) / 1000
        yield f"not watched for {seconds:.0f} s of the run's time: {max(missed, key=lambda reason: missed[reason])}"
    if not answer.get("running", True):
        yield "the sampler has ended; it is started again by the next session of the study"


def _sent(place: Place) -> dict[str, Any]:
    waiting, reason = send_rest(place, _LAST_SECONDS)
    if not reason:
        return {"waiting": waiting}
    said = f"{waiting} points for the database still wait, and are sent by the next run: {reason}"
    return {"waiting": waiting, "warnings": [said if waiting > 0 else reason]}


def _shift_ms(answer: Mapping[str, Any]) -> int:
    """How far the sampler's clock is behind this one; 0 on the same machine."""
    if "clock_ms" not in answer or answer.get("boot_id") in ("simulated", _boot_id()):
        return 0
    return time.time_ns() // 1_000_000 - int(answer["clock_ms"])


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
