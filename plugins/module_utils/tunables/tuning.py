# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of tunables: check everything, plan, apply, read back."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, change_results, shown
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.interface import Kernel
from ansible_collections.evolve.vm.plugins.module_utils.tunables.loaders import DirectBoot, Loader, Word
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import (
    BOOT,
    MODULE,
    parse_configuration,
    parse_names,
)
from ansible_collections.evolve.vm.plugins.module_utils.tunables.writing import put_back, write_all

STAGES = ("boot", "running", "all")
BOOT_LOADERS = ("auto", "grub", "direct")


class _Plan(NamedTuple):
    """What is to be done. live: what takes no restart. words: what does. pending: those of them not in force yet."""

    target: dict[str, Value]
    asked: list[str]
    live: dict[str, Value]
    words: list[Word]
    pending: dict[str, Value]
    loader: Loader


def tune_kernel(kernel: Kernel, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module result.

    options: configuration, parameters (None for those of the configuration), state, stage and boot_loader as the module
    tunables has them. Raises TunablesError, with every fault of the input in one message.
    """
    stage = options["stage"]
    plan = _checked(kernel, options, check_mode)
    changes = [
        Change(name, kernel.read(name), value, "live")
        for name, value in plan.live.items()
        if not kernel.is_in_force(name, value)
    ]
    if stage != "running":
        changes += [Change(name, kernel.read(name, value), value, "reboot") for name, value in plan.pending.items()]
    if not check_mode and options["state"] == "applied":
        _require_restarted(kernel, plan, stage)
        _apply(kernel, plan, stage, bool(changes))
    direct = isinstance(plan.loader, DirectBoot)
    return {
        **change_results(changes),
        "readback": {name: kernel.read(name, plan.target.get(name, False)) for name in plan.asked},
        "restart_required": bool(plan.pending) and stage != "running",
        "boot_parameters": {word.word: word.value for word in plan.words if direct and _is_wanted(kernel, plan, word)},
    }


def _checked(kernel: Kernel, options: Mapping[str, Any], check_mode: bool) -> _Plan:
    target, faults = parse_configuration(options["configuration"])
    asked, name_faults = parse_names(options["parameters"] or [])
    if options["parameters"] is None:
        asked = list(target)
    faults += name_faults
    applying, stage = options["state"] == "applied", options["stage"]
    if applying and stage == "boot":
        # What else there is may come with the restart, such as the module of another network card.
        target = {name: value for name, value in target.items() if name.startswith((BOOT, MODULE))}
        asked = [name for name in asked if name.startswith((BOOT, MODULE))]
    writing = target if applying else {}
    faults += kernel.faults(writing, [name for name in asked if name not in writing])
    _raise(faults)

    writing = kernel.settled(writing)
    live = {name: value for name, value in writing.items() if kernel.is_live(name)}
    boot = {name: value for name, value in writing.items() if name not in live}
    pending = {name: value for name, value in boot.items() if not kernel.is_in_force(name, value)}
    words = kernel.words(boot)
    loader = kernel.loader(options["boot_loader"]) if boot else DirectBoot()
    if stage != "running" and boot:
        faults += _contradictions(words) + loader.faults(words, in_force=not pending)
    if stage == "all" and pending and isinstance(loader, DirectBoot) and not check_mode:
        faults += [
            f"{name}: takes another kernel command line, and this machine was not started by GRUB: its hypervisor has "
            f"to change it (module vm_config). In force is {shown(kernel.read(name, value))}, not {shown(value)}."
            for name, value in pending.items()
        ]
    _raise(faults)
    if applying and stage == "boot":
        live, asked = {}, [name for name in asked if not kernel.is_live(name)]
    return _Plan({**target, **writing}, asked, live, words, pending, loader)


def _require_restarted(kernel: Kernel, plan: _Plan, stage: str) -> None:
    """Raise TunablesError where a restart did not bring what it was to bring, so that nobody restarts for ever."""
    if not plan.pending or stage == "boot" or not (stage == "running" or plan.loader.was_tried(plan.words)):
        return
    plan.loader.withdraw()
    lines = [
        f"{name}: {shown(value)} is not in force after a restart, but {shown(kernel.read(name, value))}. "
        f"{_reason(kernel, plan, name)}"
        for name, value in plan.pending.items()
    ]
    raise TunablesError("\n".join(["Nothing was changed; the next boot is the usual one.", *lines]))


def _reason(kernel: Kernel, plan: _Plan, name: str) -> str:
    word = next(word for word in plan.words if word.name == name)
    line = (
        "The kernel command line says so" if kernel.is_said(word.word) else "The kernel command line does not name it"
    )
    if name.startswith(BOOT):
        return f"{line} (/proc/cmdline): the machine was not started with what had been prepared."
    return f"{line}, as {word.word} (/proc/cmdline)."


def _apply(kernel: Kernel, plan: _Plan, stage: str, changes: bool) -> None:
    before = write_all(*kernel.live_settings(plan.live)) if changes else []
    if not plan.words:
        return
    try:
        if stage == "boot" or plan.pending:
            plan.loader.prepare(plan.words, in_force=not plan.pending)
        else:
            plan.loader.settle(plan.words)
    except (TunablesError, OSError) as error:
        raise TunablesError(f"{error} {put_back(before)}" if before else str(error)) from error


def _is_wanted(kernel: Kernel, plan: _Plan, word: Word) -> bool:
    """Whether the hypervisor has to say a word: a module may have the value of itself."""
    return word.present is None or word.name in plan.pending or kernel.is_said(word.word)


def _contradictions(words: list[Word]) -> list[str]:
    faults = []
    said: dict[str, Word] = {}
    for word in words:
        other = said.setdefault(word.word.replace("-", "_"), word)
        if str(other.value) != str(word.value):
            faults.append(
                f"{other.name} and {word.name} are the same word on the kernel command line. Give one of them."
            )
    return faults


def _raise(faults: list[str]) -> None:
    if faults:
        # A name in both the configuration and the parameters has its fault twice.
        raise TunablesError("\n".join(["Nothing was changed.", *dict.fromkeys(faults)]))
