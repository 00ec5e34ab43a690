# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, open and close a study."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.configuration_file import read_configuration
from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    folder_of,
    opened_store,
    store_url,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import PHASES
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition, read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.early_aborting import early_abort_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.plugins.plugin_utils.study.facts import facts_from
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.learning import learning_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.monitoring import database_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import (
    Opened,
    close_study,
    open_study,
    seconds_to_wait,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.prices import METRIC, SIZING_PARAMETERS
from ansible_collections.evolve.vm.plugins.plugin_utils.study.session import session
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.written import (
    WRITTEN,
    facts_to_find,
    searched_names,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.version import collection_version

# Raw, so that a value of the wrong type is reported with all other faults and not on its own.
_DEFINITION = (
    *WRITTEN,
    "goals",
    "benchmark",
    "budget",
    "prices",
    "seed",
    "algorithm",
    "algorithm_options",
    "baseline_repeats",
    "verification",
    "scheduling",
    "overcommit",
    "runs_per_hypervisor",
    "learn_from",
    "founders",
    "monitoring",
)
# ansible-core before 2.19 makes a text of a number that a template gives, as does -e name=number everywhere.
_NUMBERS = ("seed", "baseline_repeats", "runs_per_hypervisor")
# A slot may run this many times its fair share of the trials before its loop ends.
_SHARES = 3
_SPARE_ROUNDS = 6
_LEASES_TO_WAIT = 1.25
_POLL_SECONDS = 1.0
_DAY_MS = 86_400_000


class ActionModule(ControllerAction):
    """Checks the user's variables as a whole, then creates or continues the study they describe."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "state": {"type": "str", "choices": ["surveyed", "checked", "opened", "closed"], "default": "opened"},
        "readings": {"type": "dict", "default": {}},
        "apps": {"type": "dict", "default": {}},
        "slots": {"type": "list", "elements": "str", "default": []},
        "fork": {"type": "str"},
        "simulated": {"type": "bool", "default": False},
        "early_abort": {"type": "raw"},
        "database": {"type": "raw", "no_log": True},
        "lease_seconds": {"type": "float", "default": 120.0},
        **{name: {"type": "raw"} for name in _DEFINITION},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["state"] == "closed":
            with stored_study(options) as study:
                close_study(study, Controller.present())
            return {}
        options["founders"] = _founders(options["founders"])
        given = {key: _number_of(options[key]) if key in _NUMBERS else options[key] for key in _DEFINITION}
        variables = {"name": options["study"], "simulated": options["simulated"], **given}
        stored = _stored_definition(options)
        if options["state"] == "surveyed":
            return {"facts_needed": facts_to_find(variables, stored), "parameters": searched_names(variables)}
        facts, silent = facts_from(plain(options["readings"]))
        also = self._learning_faults(options, set(searched_names(variables)))
        also += early_abort_faults(plain(options["early_abort"]))
        also += database_faults(plain(options["database"]), plain(options["monitoring"]))
        if not set(facts_to_find(variables, stored)) <= set(facts):
            also += [Fault("the facts of the machines", problem) for problem in silent]
        definition = read_definition(variables, also, facts=facts, stored=stored, own_apps=list(plain(options["apps"])))
        told = self._told(definition)
        if options["state"] == "checked" or self._task.check_mode:
            size = definition.space.size
            count = f"{size:.3g}" if math.isfinite(size) else "uncountably many"
            space = f"{len(definition.parameters)} parameters, {count} configurations"
            nothing = {"rounds": dict.fromkeys(PHASES, 0), "slots": options["slots"]}
            lines = [f"Study {definition.name}: {space}. All is in order.", *_derived_lines(definition)]
            return {**told, **nothing, "progress": "\n".join(lines)}
        self._await_lost(options)
        with session(store_url(options), definition.name).records(create=True) as records:
            opened = open_study(
                records,
                definition,
                options["slots"],
                Controller.present(),
                version=collection_version(),
                lease_seconds=options["lease_seconds"],
                fork_of=options["fork"],
            )
            result = {
                **told,
                "changed": True,
                "created": opened.created,
                "begun_at": opened.study.row["created_at"],
                "harvest": opened.study.row["harvest"],
                "rounds": _rounds(definition, len(options["slots"])),
                "home": options["home"],
                "store": Store.shown(store_url(options)),
                "folder": str(folder_of(options).path),
                "slots": [host for host in options["slots"] if opened.study.is_held(host, Controller.present().id)],
                "progress": _opening_line(opened),
            }
        _forget_samples(options, definition)
        return {**result, **(_write_population(options) if opened.rescored else {})}

    @staticmethod
    def _await_lost(options: dict[str, Any]) -> None:
        """Wait for the leases of controllers on other machines that hold slots of ours: they renew them or are lost."""
        if not Store.exists(store_url(options)):
            return
        patience = time.monotonic() + options["lease_seconds"] * _LEASES_TO_WAIT
        while time.monotonic() < patience:
            try:
                with stored_study(options) as study:
                    seconds = seconds_to_wait(study, options["slots"], Controller.present())
            except StudyError:
                return  # there is none yet
            if seconds <= 0:
                return
            time.sleep(min(seconds, _POLL_SECONDS))

    @staticmethod
    def _learning_faults(options: dict[str, Any], searched: set[str]) -> list[Fault]:
        """What is wrong with the studies to learn from, found before anything is written."""
        names = plain(options["learn_from"])
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            return []
        about = (options["study"], names, searched)
        if not Store.exists(store_url(options)):
            return learning_faults(None, *about, options["simulated"])
        with opened_store(options) as store, store.transaction() as records:
            return learning_faults(records, *about, options["simulated"])

    @staticmethod
    def _told(definition: Definition) -> dict[str, Any]:
        """What the playbook must know: which parameters to read from the machines, and what to watch."""
        sizes = SIZING_PARAMETERS if METRIC in definition.scoring.metrics else ()
        names = [*definition.parameters, *(name for name in sizes if name not in definition.parameters)]
        watched = {"monitoring": definition.monitoring, "metrics": definition.scoring.metrics}
        return {"study": definition.name, "read": names, **watched}


def _founders(given: Any) -> Any:
    """Founders with the configurations in place of the files that hold them."""
    founders = plain(given)
    if not isinstance(founders, list):
        return given
    return [read_configuration(Path(entry).expanduser()) if isinstance(entry, str) else entry for entry in founders]


def _stored_definition(options: dict[str, Any]) -> Definition | None:
    """That of the study as it is in the store, if it is there."""
    if not Store.exists(store_url(options)):
        return None
    try:
        with stored_study(options, look=True) as study:
            return study.definition
    except StudyError:
        return None


def _number_of(given: Any) -> Any:
    """The whole number that a text holds, else what is given."""
    try:
        return int(given) if isinstance(given, str) else given
    except ValueError:
        return given


def _forget_samples(options: dict[str, Any], definition: Definition) -> None:
    """Remove the study's points that are older than it wants to keep them."""
    days = (definition.monitoring or {}).get("keep_days")
    if days is not None:
        Embedded(store_url(options)).forget(definition.name, time.time_ns() // 1_000_000 - round(days * _DAY_MS))


def _write_population(options: dict[str, Any]) -> dict[str, Any]:
    """Write the file of every trial, once the change is committed: a file that fails must not undo that."""
    try:
        with stored_study(options, look=True) as study:
            for trial in study.trials:
                write_individual(folder_of(options), study, trial["number"])
    except FileError as error:
        return {"warnings": [str(error)]}
    return {}


def _rounds(definition: Definition, slots: int) -> dict[str, int]:
    """How often a slot may ask in each phase before its loop ends."""
    share = math.ceil(definition.trials / max(1, slots))
    blocks = int(definition.verification["blocks"])
    return {
        "baseline": definition.baseline_repeats + _SPARE_ROUNDS,
        "search": min(definition.trials, share * _SHARES) + _SPARE_ROUNDS,
        "verification": 4 * min(blocks, math.ceil(blocks / max(1, slots)) * _SHARES) + _SPARE_ROUNDS,
    }


def _opening_line(opened: Opened) -> str:
    study = opened.study
    title = f"Study {study.name}{' (SIMULATED)' if study.definition.simulated else ''}"
    plan = f"{study.definition.limits} on {len(study.ready_slots)} slots"
    if opened.created:
        forked = (
            f", forked from {study.row['forked_from']} with {opened.forked_trials} trials"
            if study.row["forked_from"]
            else ""
        )
        lines = [f"{title}: new, {plan}{forked}", *_derived_lines(study.definition)]
        return "\n".join([*lines, *_learned_lines(study.row["learned"])])
    done = sum(trial["status"] in ("measured", "failed") for trial in study.trials if trial["number"])
    again = f"; {opened.interrupted} interrupted runs are done again" if opened.interrupted else ""
    lines = [f"{title}: continued, {done} of {plan} done{again}"]
    if opened.company:
        lines.append(f"{opened.company} other controller{'s' if opened.company > 1 else ''} at work on it")
    if opened.taken:
        lines.append(f"Left to others: {', '.join(opened.taken)}")
    if opened.rescored:
        lines.append(f"Scored anew with other weights ({', '.join(opened.rescored)}); the winner is chosen again")
    return "\n".join(lines)


def _derived_lines(definition: Definition) -> list[str]:
    """What followed from the catalogue and from the facts of the machines, a line each."""
    return [f"Searched: {line}" for line in definition.derived]


def _learned_lines(learned: Mapping[str, Any] | None) -> list[str]:
    """What the study takes over from earlier ones, a line each."""
    lines = []
    for study in (learned or {}).get("studies", ()):
        taken = f"{study['taken']} trials" if study["taken"] else "nothing"
        note = f" ({study['note']})" if study["note"] else ""
        lines.append(f"Learns from {study['study']}: {taken}{note}")
    return lines
