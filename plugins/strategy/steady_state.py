# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep every slot of a study busy: each does its next trial the moment it is free."""

from __future__ import annotations

DOCUMENTATION = r"""
name: steady_state
short_description: Keeps every slot of a study busy
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - The strategy of the playbook C(evolve.vm.evolve). Hosts do not wait for each other, as with
    P(ansible.builtin.free#strategy).
  - The tasks of the play are one trial. A host that has asked the study what to run (M(evolve.vm.ask)) and comes to
    the end of the play begins it anew, until C(meta=end_host) ends it; in a play without that question the tasks are
    run once. What is repeated was loaded once, so that memory does not grow with the number of trials.
  - Tasks that only think (M(evolve.vm.ask), M(evolve.vm.tell), C(set_fact), C(include_tasks), C(debug), C(fail),
    C(assert)) run in the controller's own process. No worker is forked for them, and the study is read once and then
    only what is new in it.
  - A slot for which there is nothing to do yet waits without holding a worker. No more slots are given a trial than
    there are workers (C(forks)).
  - C(SIGINT) (Ctrl-C) once finishes what runs and then goes on with the next plays, in which the study hands out
    nothing more; the second time what runs is cut short and done again when the study is continued. C(SIGTERM) is
    like the second time.
  - The lease on the slots and their trials is renewed while the play lasts.
notes:
  - C(run_once), C(any_errors_fatal), C(max_fail_percentage) and C(throttle) are not heeded, and a role is run as often
    as it stands in the play, whatever its C(allow_duplicates) says.
  - The playbook also runs under P(ansible.builtin.free#strategy), with the same results, only slower.
"""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.executor.play_iterator import IteratingStates
from ansible.playbook.handler import Handler
from ansible.playbook.included_file import IncludedFile
from ansible.plugins.loader import action_loader
from ansible.plugins.strategy import StrategyBase
from ansible.utils.display import Display

from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.forking import light_forks
from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.in_process import only_thinks, run_task, send_result
from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.stopping import StopRequest, Urgency, cut_short
from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.waiting import WaitingRoom
from ansible_collections.evolve.vm.plugins.plugin_utils.study.session import open_sessions

_ASK = "evolve.vm.ask"
_TELL = "evolve.vm.tell"
_WORKERS = "every worker is busy"
# Hosts served between two looks at what the workers have sent.
_AT_ONCE = 8
_LOOK_AROUND_SECONDS = 0.25
_LAST_WORDS_SECONDS = 1.0
_SAID = {
    Urgency.GRACEFUL: "Stopping once what runs is finished, which Ctrl-C cuts short. Then the slots are put back.",
    Urgency.PROMPT: "Stopping now. What ran is done again when the study is continued. The slots are put back.",
}

display = Display()


@dataclass
class _Course:
    """Where a host is in the play: its state at the beginning, and whether it has asked in this round, or is over."""

    beginning: Any
    asked: bool = False
    holds_run: bool = False
    over: bool = False


@dataclass
class _AtWork:
    """A worker, and the task it was forked for."""

    host: Any
    task: Any
    worker: Any
    dead_since: float = 0.0


class StrategyModule(StrategyBase):  # type: ignore[misc]
    """One loop: serve the hosts that are ready, take in what the workers send."""

    ALLOW_BASE_THROTTLING = False

    def __init__(self, tqm: Any) -> None:
        super().__init__(tqm)
        self._stop = StopRequest(lambda urgency: display.display(_SAID[urgency], color=C.COLOR_WARN))
        self._stop_passed_on = Urgency.NONE
        self._courses: dict[str, _Course] = {}
        self._ready: deque[Any] = deque()  # hosts whose next task can start
        self._queue: deque[tuple[Any, Any]] = deque()  # (host, task) for which no worker is free
        self._waiting = WaitingRoom()  # (host, task) whose question the study cannot answer yet
        self._untold = WaitingRoom()  # (host, task) whose result the study cannot take yet
        self._at_work: dict[str, _AtWork] = {}  # by host
        self._looked_around = 0.0

    def run(self, iterator: Any, play_context: Any) -> Any:
        """Run the play; returns what StrategyBase.run makes of it."""
        self._iterator, self._play_context = iterator, play_context
        self._set_hosts_cache(iterator._play)
        hosts = self.get_hosts_left(iterator)
        if not hosts:
            self._tqm.send_callback("v2_playbook_on_no_hosts_remaining")
            return super().run(iterator, play_context, False)
        self._courses = {host.name: _Course(iterator.get_state_for_host(host.name).copy()) for host in hosts}
        self._ready.extend(hosts)
        with self._stop.heeded(), light_forks():
            while self._goes_on():
                self._look_around()
                for dummy in range(min(_AT_ONCE, len(self._ready))):
                    self._advance(self._ready.popleft())
                results = self._process_pending_results(iterator)
                self._take_in(results)
                if not (results or self._ready):
                    time.sleep(C.DEFAULT_INTERNAL_POLL_INTERVAL)
        return super().run(iterator, play_context, self._tqm.RUN_OK)

    def _goes_on(self) -> bool:
        if self._tqm._terminated or self._stop_passed_on is Urgency.PROMPT:
            return False
        return bool(self._ready or self._queue or self._waiting or self._untold or self._pending_results)

    # One host

    def _advance(self, host: Any) -> None:
        """Start the host's next task, if there is one."""
        course, iterator = self._courses[host.name], self._iterator
        if host.name in self._tqm._unreachable_hosts:
            self._leave(course)
            return
        state, task = iterator.get_next_task_for_host(host, peek=True)
        if task is None:
            if course.asked and not course.over and not iterator.is_failed(host):
                self._begin_anew(host, course)
            else:
                self._leave(course)
            return
        iterator.set_state_for_host(host.name, state)
        if isinstance(task, Handler):
            task.remove_host(host)
        if task.action in C._ACTION_META:
            self._execute_meta(task, self._play_context, iterator, target_host=host)
            # Only the end of a host completes it from within a task.
            course.over = iterator.get_state_for_host(host.name).run_state == IteratingStates.COMPLETE
            self._ready.append(host)
        elif task.action == _ASK and (self._waiting.holds(_WORKERS) or self._runs_held() >= len(self._workers)):
            self._waiting.enter((host, task), _WORKERS)
        else:
            self._start(host, task)

    def _begin_anew(self, host: Any, course: _Course) -> None:
        self._waiting.stir()
        course.asked = course.holds_run = False
        self._iterator.set_state_for_host(host.name, course.beginning.copy())
        self._ready.append(host)

    def _leave(self, course: _Course) -> None:
        self._waiting.stir()
        course.over, course.holds_run = True, False

    def _runs_held(self) -> int:
        return sum(course.holds_run for course in self._courses.values())

    def _start(self, host: Any, task: Any) -> None:
        """Run a task here where it only thinks, else in a worker, else once one is free."""
        here = only_thinks(task)
        if not here and not self._has_free_worker():
            self._queue.append((host, task))
            return
        variables = self._variable_manager.get_vars(
            play=self._iterator._play,
            host=host,
            task=task,
            _hosts=self._hosts_cache,
            _hosts_all=self._hosts_cache_all,
        )
        self.add_tqm_variables(variables, play=self._iterator._play)
        event = "handler_task" if isinstance(task, Handler) else "task"
        self._tqm.send_callback(f"v2_playbook_on_{event}_start", task, *([] if event == "handler_task" else [False]))
        if here:
            self._run_here(host, task, variables)
        else:
            # Imported here, it is there in every worker.
            action_loader.get(task.action, class_only=True, collection_list=task.collections)
            self._queue_task(host, task, variables, self._play_context)
            # The last one that was started.
            self._at_work[host.name] = _AtWork(host, task, self._workers[self._cur_worker - 1])

    def _has_free_worker(self) -> bool:
        return any(worker is None or not worker.is_alive() for worker in self._workers)

    def _run_here(self, host: Any, task: Any, variables: dict[str, Any]) -> None:
        # What results are matched with when they come back; those of a loop's items come while it runs.
        self._queued_task_cache[host.name, task._uuid] = {
            "host": host,
            "task": task,
            "task_vars": variables,
            "play_context": self._play_context,
        }
        data, fields = run_task(self, host, task, variables, self._play_context)
        if isinstance(wait := data.get("wait"), dict):
            del self._queued_task_cache[host.name, task._uuid]
            room = self._waiting if task.action == _ASK else self._untold
            room.enter((host, task), str(wait["reason"]), wait.get("seconds"))
            return
        course = self._courses[host.name]
        if task.action == _ASK:
            # Only who was given something to do comes again: not who could not ask, nor who was not to (check mode).
            course.asked, course.holds_run = data.get("done") is False, bool(data.get("run"))
        elif task.action == _TELL:
            self._waiting.stir()
        self._pending_results += 1
        send_result(self, host, task, data, fields)

    # All hosts

    def _take_in(self, results: Iterable[Any]) -> None:
        """Go on with the hosts whose results have come, behind what they include."""
        results = list(results)
        for result in results:
            self._at_work.pop(_host_of(result).name, None)
        for included in IncludedFile.process_include_results(
            results, iterator=self._iterator, loader=self._loader, variable_manager=self._variable_manager
        ):
            self._include(included)
        self._ready.extend(_host_of(result) for result in results)

    def _include(self, included: Any) -> None:
        iterator, play = self._iterator, self._iterator._play
        is_handler = isinstance(included._task, Handler)
        try:
            if included._is_role:
                role = self._copy_included_file(included)
                blocks, dummy = role.get_block_list(
                    play=play, variable_manager=self._variable_manager, loader=self._loader
                )
            else:
                blocks = self._load_included_file(
                    included, iterator=iterator, is_handler=is_handler, handle_stats_and_callbacks=False
                )
            iterator.handlers = [handler for block in play.handlers for handler in block.block]
        except AnsibleParserError:
            raise
        except AnsibleError as error:
            for result in included._results:
                data = result._return_data if hasattr(result, "_return_data") else result._result
                data.update(failed=True, msg=str(error))
                self._tqm._stats.increment("failures", _host_of(result).name)
                self._tqm.send_callback("v2_runner_on_failed", result)
                iterator.mark_host_failed(_host_of(result))
            return
        for host in included._hosts:
            self._tqm._stats.increment("ok", host.name)
        self._tqm.send_callback("v2_playbook_on_include", included)
        final = []
        for block in blocks:
            if is_handler:
                for task in block.block:
                    task.notified_hosts = included._hosts[:]
                final.append(block)
                continue
            variables = self._variable_manager.get_vars(
                play=play,
                task=block.get_first_parent_include(),
                _hosts=self._hosts_cache,
                _hosts_all=self._hosts_cache_all,
            )
            final.append(block.filter_tagged_tasks(variables))
        for host in included._hosts:
            iterator.add_tasks(host, final)

    def _look_around(self) -> None:
        """What needs an eye now and then: free workers, questions that may have an answer, leases, requests to stop."""
        while self._queue and self._has_free_worker():
            self._start(*self._queue.popleft())
        present = time.monotonic()
        if present - self._looked_around < _LOOK_AROUND_SECONDS:
            return
        self._looked_around = present
        self._pass_on_stop()
        if self._stop_passed_on is Urgency.PROMPT:
            return
        for session in open_sessions():
            session.renew_lease()
            if self._waiting and session.has_news():
                self._waiting.stir()
        room = len(self._workers) - self._runs_held()
        for waiting, most in ((self._untold, len(self._courses)), (self._waiting, room)):
            for host, task in waiting.leave(most):
                self._start(host, task)
        self._bury_workers(present)

    def _pass_on_stop(self) -> None:
        """Tell the study that this controller stops, once for each urgency."""
        if self._stop.urgency == self._stop_passed_on:
            return
        prompt = self._stop.urgency is Urgency.PROMPT
        if prompt:
            cut_short(self._workers)
        told = [session.stop(give_back=prompt) for session in open_sessions()]
        # Where the store does not answer, a graceful stop is told again; after a prompt one the lease ends by itself.
        if prompt or all(told):
            self._stop_passed_on = self._stop.urgency
        self._waiting.stir()

    def _bury_workers(self, present: float) -> None:
        """A worker that was killed sends nothing: its task failed, and its host goes on from there."""
        for name, at_work in list(self._at_work.items()):
            if _is_alive(at_work.worker):
                continue
            # What one sent before it ended may still be on its way.
            at_work.dead_since = at_work.dead_since or present
            if present - at_work.dead_since > _LAST_WORDS_SECONDS:
                del self._at_work[name]
                message = "the worker of this task died; is the controller short of memory?"
                data = {"failed": True, "changed": False, "msg": message, "failure_class": "infrastructure"}
                send_result(self, at_work.host, at_work.task, data, {})


def _is_alive(worker: Any) -> bool:
    try:
        return bool(worker.is_alive())
    except ValueError:  # another has taken its place already
        return False


def _host_of(result: Any) -> Any:
    """ansible-core 2.19 gave results public names."""
    return result.host if hasattr(result, "host") else result._host
