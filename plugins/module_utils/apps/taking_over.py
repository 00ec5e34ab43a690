# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having applications take over their new files, proving that they did, and putting everything back where not."""

from __future__ import annotations

import time
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file, service
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.managed_file import Journal
from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, costliest, shown

_POLL_SECONDS = 0.2


class Health(NamedTuple):
    """When an application counts as up again: it answers, and `command`, where there is one, ends with 0."""

    command: service.Command
    seconds: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Health:
        seconds = options.get("health_timeout_seconds", service.HEALTH_TIMEOUT_SECONDS)
        return cls(options.get("health_command") or [], float(seconds))


class Plan(NamedTuple):
    """What applying means for one application.

    before: values in force where they can be known. files: those that will hold something else. changes: what differs
    from `target`.
    """

    name: str
    app: App
    health: Health
    running: bool
    target: dict[Setting, Value]
    before: dict[Setting, Value]
    changes: list[Change]
    files: dict[str, bytes | None]

    @property
    def step(self) -> str:
        """What has to be done to the application: restart (or start), reload (or set live), or none."""
        if not self.running:
            return "restart" if self.target else "none"
        tier = costliest(change.tier for change in self.changes)
        return tier if tier in ("none", "restart") else "reload"

    @property
    def does_something(self) -> bool:
        return self.step != "none" or bool(self.files)


class PutBack(NamedTuple):
    """problems: what could not be put back. again: applications that were restarted or reloaded for it, and are up.

    down: those that are as they were before: not running.
    """

    problems: list[str]
    files_are_back: bool
    again: list[str]
    down: list[str]


def take_over(plans: Sequence[Plan], told: list[Plan]) -> None:
    """Write all files, have each application accept them, and then take them over. Raises AppError.

    told: filled with those that have been told to take over, whether they did or not.
    """
    for plan in plans:
        for path, content in plan.files.items():
            managed_file.write(path, content)
    refusals = [
        f"{plan.name} does not accept its new files: {said}" for plan in plans for said in [plan.app.check()] if said
    ]
    if refusals:
        raise AppError("\n".join(refusals))
    for plan in plans:
        told.append(plan)
        try:
            if plan.step == "restart":
                plan.app.restart()
                wait_until_healthy(plan.app, plan.health)
            elif plan.step == "reload":
                wanted = {change.parameter for change in plan.changes}
                plan.app.reload({each: value for each, value in plan.target.items() if each.parameter in wanted})
                wait_until_healthy(plan.app, plan.health)
        except AppError as error:
            done = "come up with" if plan.step == "restart" else "take over"
            raise AppError(f"{plan.name} does not {done} its new configuration: {error}") from error
        differing = not_in_force(plan.app, plan.target)
        if differing:
            raise AppError("\n".join(differing))


def put_back(begun: Sequence[tuple[Plan, Journal]], told: Sequence[Plan]) -> PutBack:
    """The previous files, and in those told otherwise the previous values."""
    problems: list[str] = []
    for plan, journal in begun:
        problems += [f"{plan.name}: {problem}" for problem in journal.put_back()]
    done = PutBack(problems, not problems, [], [])
    for plan in reversed(told):
        if plan.step == "none":
            continue
        try:
            _return(plan)
        except AppError as error:
            if plan.running:
                done.problems.append(f"{plan.name} does not run as it did before: {error}")
            else:
                done.down.append(plan.name)
        else:
            done.again.append(plan.name)
    return done


def wait_until_healthy(app: App, health: Health) -> None:
    """Raises AppError, with the application's own words, where it is not up in time."""
    patience = time.monotonic() + health.seconds
    reason = "it does not answer"
    while True:
        try:
            if app.is_running():
                if not health.command:
                    return
                done = run(service.words(health.command), max(1.0, patience - time.monotonic()))
                if not done.code:
                    return
                reason = f"health_command ends with exit code {done.code}: {done.said}"
            else:
                reason = "it does not answer"
        except AppError as error:
            reason = str(error)
        if time.monotonic() > patience:
            break
        time.sleep(_POLL_SECONDS)
    said = app.last_words()
    raise AppError(f"{reason} (waited {health.seconds:g} s)" + (f". It has logged:\n{said}" if said else ""))


def not_in_force(app: App, target: Mapping[Setting, Value]) -> list[str]:
    """What is in force otherwise than in `target`, as sentences."""
    found = app.read(list(target)) if target else {}
    sentences = []
    for setting, value in target.items():
        present = found[setting.parameter]
        if not same(present, value):
            unit = f" {setting.unit}" if setting.unit else ""
            origin = app.origin(setting)
            sentences.append(
                f"{setting.parameter}: asked for {shown(value)}{unit}, but {shown(present)}{unit} is in force"
                + (f": {origin}." if origin else ".")
            )
    return sentences


def _return(plan: Plan) -> None:
    """Have the previous values in force. Raises AppError."""
    if plan.step == "reload":
        try:
            plan.app.reload(plan.before)
            wait_until_healthy(plan.app, plan.health)
            if not not_in_force(plan.app, plan.before):
                return
        except AppError:
            pass  # what it does not take back while it runs, it does when it starts
    # What it has in force then is what its files say, though that need not be what it had: it may have been told
    # otherwise while it ran, or work out some values from others when it starts.
    plan.app.restart()
    wait_until_healthy(plan.app, plan.health)
