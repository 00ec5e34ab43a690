# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiet screen output for evolve.vm's playbooks: what a study says of itself, and whatever goes wrong."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Quiet, human screen output for long-running studies
description:
  - Shows a play by its name, and of its tasks only what they have to say. A task speaks by returning a string under
    the key C(progress), which is printed as a line. A task that has shown nothing for a while is named, so
    that building an image or waiting for a machine does not look like a hang.
  - What C(ansible.builtin.debug) prints is shown as plain text. Differences are shown with C(--diff).
  - A failure is shown in full, as the default callback does it. A failure that the playbook deals with (in a block with
    C(rescue), or with C(ignore_errors)) is a line.
  - With C(-v) or more the output is that of the default callback.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout callback in the configuration
options:
  result_format:
    description:
      - Define the task result format used in the callback output.
      - The default differs from the default callback's. A message of several lines is readable in V(yaml) only.
    type: str
    default: yaml
    env:
      - name: ANSIBLE_CALLBACK_RESULT_FORMAT
    ini:
      - key: callback_result_format
        section: defaults
    choices:
      - json
      - yaml
  announce_after_seconds:
    description:
      - A task that has shown nothing for so many seconds is named. With V(0) every task is named as it starts.
      - Plays whose hosts do not go in step, as with the strategy C(free), name no tasks.
    type: float
    default: 3.0
    env:
      - name: EVOLVE_ANNOUNCE_AFTER_SECONDS
    ini:
      - key: announce_after_seconds
        section: callback_evolve_progress
"""

import re
import sys
import threading
import unicodedata
from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible.utils import color as terminal
from ansible.utils.fqcn import add_internal_fqcns

_DIM = "dark gray"
_HEADING = "bright cyan"
_INDENT = "  "
_SHORT = 200
_COLOUR_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
_IN_STEP = frozenset(add_internal_fqcns(("linear", "debug")))


class CallbackModule(DefaultCallback):
    """The default callback with its voice lowered; `-v` gives it back."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "evolve.vm.progress"

    def __init__(self) -> None:
        super().__init__()
        self._announcement: threading.Timer | None = None

    # The course of a playbook

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._end_announcement()
        if self._verbose:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        name = _printable(play.get_name().strip())
        if name:
            self._show(f"\n{name}{' (check mode: nothing is changed)' if play.check_mode else ''}", _HEADING)

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        # Reached by tasks and handlers alike.
        self._end_announcement()
        if self._verbose:
            super()._task_start(task, prefix)
            return
        if prefix is not None:
            self._task_type_cache[task._uuid] = prefix
        # Names are templated only while a task starts; the banner of a failure may need one later.
        in_step = self._play.strategy in _IN_STEP
        self._last_task_name = task.get_name().strip() if in_step else None
        if in_step and task.name:
            self._announce(f"{_INDENT}... {_printable(task.name.strip())}")

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._verbose:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        if self._verbose:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end_announcement()
        if self._verbose or (stats.custom and self.get_option("show_custom_stats")):
            super().v2_playbook_on_stats(stats)
            return
        troubled = {
            host: stats.summarize(host)
            for host in sorted(stats.processed)
            if stats.failures.get(host) or stats.dark.get(host)
        }
        self._show("\n" + _tally(len(stats.processed), troubled), C.COLOR_ERROR if troubled else C.COLOR_OK)

    # What came of a task

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result_ok(result, super().v2_runner_on_ok)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._result_ok(result, super().v2_runner_item_on_ok)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        _host, task, data = _parts(result)
        excuse = "ignored" if ignore_errors else "handled" if _is_rescued(task) else ""
        if self._verbose or not excuse:
            self._end_announcement()
            super().v2_runner_on_failed(result, ignore_errors)
        elif not (task.loop and "results" in data):
            # The items of a loop have each had their line.
            self._excuse(result, excuse)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        _host, task, _data = _parts(result)
        excuse = "ignored" if result._task_fields.get("ignore_errors") else "handled" if _is_rescued(task) else ""
        if self._verbose or not excuse:
            self._end_announcement()
            super().v2_runner_item_on_failed(result)
        else:
            self._excuse(result, excuse)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if self._verbose or not result._task_fields.get("ignore_unreachable"):
            self._end_announcement()
            super().v2_runner_on_unreachable(result)
        else:
            self._excuse(result, "ignored")

    def v2_runner_on_skipped(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_retry(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_retry(result)

    def v2_runner_on_async_poll(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_async_poll(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_async_failed(result)

    def v2_on_file_diff(self, result: Any) -> None:
        if self._verbose:
            super().v2_on_file_diff(result)
            return
        host, task, data = _parts(result)
        for item in data["results"] if task.loop and "results" in data else [data]:
            difference = self._get_diff(item["diff"]) if item.get("diff") and item.get("changed") else ""
            if difference.strip():
                self._end_announcement()
                self._show(f"{_INDENT}{host.get_name()}: {_printable(self._task_label(task))}")
                self._show("\n".join(_INDENT * 2 + line for line in _screen(difference).strip("\n").split("\n")))

    # Helpers

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity > 0)

    def _result_ok(self, result: Any, default: Any) -> None:
        _host, task, data = _parts(result)
        if self._verbose:
            default(result)
            return
        self._handle_warnings(data)
        line = data.get("progress")
        if isinstance(line, str) and line:
            self._end_announcement()
            self._show(_indented(_printable(line)), C.COLOR_CHANGED if data.get("changed") else C.COLOR_OK)
        elif task.action in C._ACTION_DEBUG and not (task.loop and "results" in data):
            self._end_announcement()
            self._show(_screen(self._debug_text(data, task)))

    def _debug_text(self, data: dict[str, Any], task: Any) -> str:
        if "msg" not in data:
            self._clean_results(data, task.action)
            return str(self._dump_results(data)).strip("\n")
        message = data["msg"]
        if isinstance(message, (list, tuple)):
            return "\n".join(map(str, message))
        return str(self._dump_results(message)).strip("\n") if isinstance(message, Mapping) else str(message)

    def _excuse(self, result: Any, excuse: str) -> None:
        host, _task, data = _parts(result)
        message = "hidden by no_log" if "censored" in data else str(data.get("msg") or "failed without a message")
        first = next((line.strip() for line in _printable(message).split("\n") if line.strip()), "")
        if len(first) > _SHORT:
            first = first[: _SHORT - 3].rstrip() + "..."
        if data.get("unreachable"):
            first = f"unreachable: {first}"
        self._end_announcement()
        self._show(f"{_INDENT}{host.get_name()}: {first} ({excuse})", C.COLOR_WARN)

    def _task_label(self, task: Any) -> str:
        return str(task.name or task.action).strip()

    def _show(self, text: str, colour: str | None = None) -> None:
        self._display.display(text, color=colour)
        # Into a pipe, too, a line comes when it is said.
        sys.stdout.flush()

    def _announce(self, line: str) -> None:
        seconds = self.get_option("announce_after_seconds")
        if seconds <= 0:
            self._show(line, _DIM)
            return
        # Ansible holds the display's lock while it forks a worker, so a line from another thread is safe.
        self._announcement = threading.Timer(seconds, self._show, (line, _DIM))
        self._announcement.daemon = True
        self._announcement.start()

    def _end_announcement(self) -> None:
        if self._announcement is not None:
            self._announcement.cancel()
            self._announcement = None


def _parts(result: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Host, task and data of a result: ansible-core 2.19 gave them public names."""
    if hasattr(result, "result"):
        return result.host, result.task, result.result
    return result._host, result._task, result._result


def _is_rescued(task: Any) -> bool:
    """Whether a failure of this task runs a rescue: the task stands in the block part of a block that has one.

    What is imported stands in its importer's block itself, but has the import as its parent.
    """
    inside, parent = {task._uuid}, task._parent
    while parent is not None:
        if getattr(parent, "rescue", None) and any(member._uuid in inside for member in parent.block):
            return True
        inside.add(parent._uuid)
        parent = parent._parent
    return False


def _tally(hosts: int, troubled: dict[str, dict[str, int]]) -> str:
    """The recap: one line, and one for each host in trouble."""
    if not troubled:
        return f"Done: {hosts} host{'s' if hosts != 1 else ''}, nothing failed."
    lines = [f"Done, with trouble on {len(troubled)} of {hosts} host{'s' if hosts != 1 else ''}:"]
    for host, counts in troubled.items():
        words = (("failures", "failed"), ("unreachable", "unreachable"))
        trouble = ", ".join(f"{counts[key]} {word}" for key, word in words if counts[key])
        lines.append(f"{_INDENT}{host}: {trouble}")
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(_INDENT + line for line in text.split("\n"))


def _printable(text: str) -> str:
    """Without control characters: what a guest printed must not drive the reader's terminal."""
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )


def _screen(text: str) -> str:
    """Fit for this screen: colours stay where Ansible itself uses colours, everything else that is not text goes."""
    if not terminal.ANSIBLE_COLOR:
        return _printable(_COLOUR_SEQUENCE.sub("", text))
    colours = _COLOUR_SEQUENCE.findall(text)
    plain = [_printable(part) for part in _COLOUR_SEQUENCE.split(text)]
    return plain[0] + "".join(colour + part for colour, part in zip(colours, plain[1:], strict=True))
