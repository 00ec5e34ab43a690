# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a task in the controller's own process.

Ansible forks a worker for each task and host. For a task that only thinks (a condition, an include, a question to the
study) the fork is most of the cost, and what the task has read is lost with the worker. Nothing here blocks for long:
meanwhile no other host is served. ansible-core 2.17 to 2.19 differ in two signatures, which this file knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ansible.executor import task_result
from ansible.executor.task_executor import TaskExecutor
from ansible.plugins import loader as plugin_loader
from ansible.utils.fqcn import add_internal_fqcns

try:  # ansible-core 2.19
    from ansible._internal._task import TaskContext
except ImportError:
    TaskContext = None

# What is quick and never leaves the controller, unless it is delegated.
_THINKING = frozenset(
    (
        *add_internal_fqcns(("assert", "debug", "fail", "include_role", "include_tasks", "set_fact")),
        "evolve.vm.ask",
        "evolve.vm.samples",
        "evolve.vm.tell",
    )
)
_TAKES_STDIN = "new_stdin" in inspect.signature(TaskExecutor.__init__).parameters


def only_thinks(task: Any) -> bool:
    """Whether a task can be run in this process."""
    return task.action in _THINKING and not task.delegate_to and not task.async_val


def run_task(
    strategy: Any, host: Any, task: Any, variables: dict[str, Any], context: Any
) -> tuple[dict[str, Any], Any]:
    """Run it; returns its result and its fields, as a worker would send them."""
    # Running a task finalises its attributes, and this one will be run again, and for other hosts.
    copy = task.copy(exclude_parent=True, exclude_tasks=True)
    copy._parent = task._parent
    stdin = (None,) if _TAKES_STDIN else ()
    with _within(copy):
        executor = TaskExecutor(
            host,
            copy,
            variables,
            context,
            *stdin,
            strategy._loader,
            plugin_loader,
            strategy._final_q,
            strategy._variable_manager,
        )
        return executor.run(), copy.dump_attrs()


def send_result(strategy: Any, host: Any, task: Any, data: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Put a result where those of workers arrive."""
    if hasattr(task_result, "_RawTaskResult"):
        result = task_result._RawTaskResult(host=host, task=task, return_data=data, task_fields=fields)
        strategy._final_q.send_task_result(result)
    else:
        strategy._final_q.send_task_result(host.name, task._uuid, data, task_fields=fields)


def _within(task: Any) -> AbstractContextManager[Any]:
    return TaskContext(task) if TaskContext is not None else nullcontext()
