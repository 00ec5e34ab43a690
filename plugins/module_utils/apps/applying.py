# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of app_config: put back what was cut short, check, plan, apply, verify; or put back."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Callable, ContextManager, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import registry
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import Asked, parse, same
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError
from ansible_collections.evolve.vm.plugins.module_utils.apps.managed_file import Journal, interrupted, read
from ansible_collections.evolve.vm.plugins.module_utils.apps.taking_over import (
    Health,
    Plan,
    put_back,
    take_over,
    wait_until_healthy,
)
from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, change_results
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

NOTHING = "Nothing was changed."


class ConfiguringFailed(Exception):
    """What was asked for is not in force. The text says why, and what was put back.

    failure_class: as in DESIGN.md 5; empty where only a probe with the baseline can tell.
    """

    def __init__(self, message: str, failure_class: str = "") -> None:
        self.failure_class = failure_class
        super().__init__(message)


def configure_apps(
    options: Mapping[str, Any], check_mode: bool, lock: Callable[[], ContextManager[Any]] = nullcontext
) -> dict[str, Any]:
    """The module result, and `notes` for people besides.

    options: those of the module. lock: what is held while something is changed. Raises ConfiguringFailed, with every
    fault of the input in one message.
    """
    asked = parse(options, registry.faults)
    if asked.faults:
        raise ConfiguringFailed("\n".join([NOTHING, *asked.faults]))
    applying, state_directory = options["state"] == "applied", options["state_directory"]
    cut_short = not check_mode and any(True for dummy in interrupted(state_directory))
    with lock() if not check_mode and (applying or cut_short) else nullcontext():
        notes = [] if check_mode else _take_up(asked.options, state_directory, applying)
        apps = _made(asked)
        try:
            _check(asked, apps)
            plans = [_plan(name, app, asked) for name, app in apps.items()]
        except AppError as error:
            raise ConfiguringFailed(f"{NOTHING} {error}", "infrastructure") from error
        try:
            if not check_mode:
                _apply([plan for plan in plans if plan.does_something], asked.options, state_directory)
            return {**_result(asked, plans, check_mode), "notes": notes}
        except AppError as error:
            raise ConfiguringFailed(str(error), "infrastructure") from error


def _take_up(options: Mapping[str, Any], state_directory: str, applying: bool) -> list[str]:
    """Put back what earlier calls that were cut short have left behind, and have it in force."""
    notes = []
    for journal in interrupted(state_directory):
        failed = f"{journal.app}: an earlier call was cut short, and PUTTING BACK FAILED"
        try:
            said = options.get(journal.app) or (journal.found() or {}).get("options", {})
            problems = journal.put_back()
        except AppError as error:
            raise ConfiguringFailed(f"{failed}: {error}", "infrastructure") from error
        if problems:
            raise ConfiguringFailed(f"{failed}: {' '.join(problems)}", "infrastructure")
        try:
            app = registry.make(journal.app, said)
            app.restart()
            wait_until_healthy(app, Health.of(said))
        except AppError as error:
            if not applying or journal.app not in options:
                raise ConfiguringFailed(f"{failed}: {error}", "infrastructure") from error
            # Its files are what they were. What is about to be applied may be what it needs to come up.
            notes.append(f"{journal.app}: the files of a call that was cut short were put back, but: {error}")
        else:
            notes.append(f"{journal.app}: an earlier call was cut short; the files before it are back, and in force.")
        journal.end()
    return notes


def _made(asked: Asked) -> dict[str, App]:
    apps, problems = {}, []
    for name in asked.settings:
        try:
            apps[name] = registry.make(name, asked.options[name])
        except AppError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise ConfiguringFailed("\n".join([NOTHING, *problems]), "infrastructure")
    return apps


def _check(asked: Asked, apps: Mapping[str, App]) -> None:
    """Raises ConfiguringFailed with all that can be said against the settings before anything is touched."""
    unknown, refused = [], []
    for name, app in apps.items():
        known = app.known([setting.name for setting in asked.settings[name]])
        missing = [setting for setting in asked.settings[name] if setting.name not in known]
        version = f" {app.version()}".rstrip() if missing else ""
        unknown += [
            f"{each.parameter}: {name}{version} has no setting {each.name}.{did_you_mean(each.name, app.names())}"
            for each in missing
        ]
        target = {each: value for each, value in asked.targets.get(name, {}).items() if each.name in known}
        refused += app.faults(target) if target else []
    if unknown or refused:
        raise ConfiguringFailed("\n".join([NOTHING, *unknown, *refused]), "configuration" if refused else "")


def _plan(name: str, app: App, asked: Asked) -> Plan:
    target = asked.targets.get(name, {})
    running = app.is_running()
    if not running and not target:
        raise AppError(f"{name} does not run, so nothing of it can be read. Start it.")
    if not running and app.stopped_on_purpose():
        raise AppError(f"{name} does not run, and is not enabled either. Start it, and enable it.")
    present = app.read(list(target)) if running and target else {}
    before = {setting: present[setting.parameter] for setting in target if setting.parameter in present}
    known = app.known([setting.name for setting in target])
    changes = [
        Change(setting.parameter, before.get(setting), value, known[setting.name].tier if running else "restart")
        for setting, value in target.items()
        if setting not in before or not same(before[setting], value)
    ]
    files = app.files(target) if target else {}
    differing = {path: content for path, content in files.items() if read(path) != content}
    return Plan(name, app, Health.of(asked.options[name]), running, target, before, changes, differing)


def _apply(plans: Sequence[Plan], options: Mapping[str, Mapping[str, Any]], state_directory: str) -> None:
    """Have every plan in force, or none. Raises ConfiguringFailed after putting back."""
    begun: list[tuple[Plan, Journal]] = []
    told: list[Plan] = []
    try:
        for plan in plans:
            journal = Journal(plan.name, state_directory)
            journal.begin(plan.files, {"options": dict(options[plan.name])})
            begun.append((plan, journal))
        take_over(plans, told)
    except Exception as error:
        message, failure_class = _undone(begun, told)
        if not isinstance(error, AppError):
            error.args = (f"{error}\n{message}",)
            raise
        raise ConfiguringFailed(f"{error}\n{message}", failure_class) from error
    for dummy, journal in begun:
        journal.end()


def _undone(begun: Sequence[tuple[Plan, Journal]], told: Sequence[Plan]) -> tuple[str, str]:
    """Put everything back; returns what to say of that, and the failure class."""
    done = put_back(begun, told)
    if done.files_are_back:
        for dummy, journal in begun:
            journal.end()
    if done.problems:
        return f"PUTTING BACK FAILED: {' '.join(done.problems)}", "infrastructure"
    message = "The previous files are back"
    if done.again:
        message += f", and {' and '.join(done.again)} {'run' if len(done.again) > 1 else 'runs'} on them again"
    if done.down:
        message += f"; {' and '.join(done.down)} did not run before, and does not now"
    return f"{message}.", "" if done.down else "configuration"


def _result(asked: Asked, plans: Sequence[Plan], check_mode: bool) -> dict[str, Any]:
    readback: dict[str, Value] = {}
    steps = {}
    for plan in plans:
        if plan.running or not check_mode:
            found = plan.app.read(asked.settings[plan.name])
            said = {setting.parameter: value for setting, value in plan.target.items()}
            for parameter, value in found.items():
                # As the configuration writes it, where both mean the same: true for on.
                means = parameter in said and same(said[parameter], value)
                readback[parameter] = said[parameter] if means else value
        steps[plan.name] = {"restarted": plan.step == "restart", "reloaded": plan.step == "reload"}
    results = change_results([change for plan in plans for change in plan.changes])
    results["changed"] = any(plan.does_something for plan in plans)
    return {**results, "readback": readback, "apps": steps}
