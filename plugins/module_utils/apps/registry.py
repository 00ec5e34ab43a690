# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which applications can be configured. One line each, and nothing else to touch for a new one."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.apps import service
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm import Jvm
from ansible_collections.evolve.vm.plugins.module_utils.apps.mysql import MySQL
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx import Nginx
from ansible_collections.evolve.vm.plugins.module_utils.apps.postgresql import PostgreSQL
from ansible_collections.evolve.vm.plugins.module_utils.apps.redis import Redis
from ansible_collections.evolve.vm.plugins.module_utils.apps.template import Custom
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

DRIVERS: Mapping[str, type[App]] = {
    "postgresql": PostgreSQL,
    "mysql": MySQL,
    "redis": Redis,
    "nginx": Nginx,
    "jvm": Jvm,
    "custom": Custom,
}
"""Driver -> its class. `custom` stands for what users describe themselves."""

_BETTER_KNOWN_AS: Mapping[str, str] = {"mariadb": "mysql", "percona": "mysql", "postgres": "postgresql", "java": "jvm"}

_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "text"),
    "path": ((str,), "an absolute path"),
    "list": ((list, tuple), "a list"),
    "dict": ((dict,), "a mapping"),
    "command": ((str, list, tuple), "a command: a list of words, or text for the shell"),
}


def faults(name: str, options: Any) -> list[str]:
    """Why there can be no application of this name and these options, as sentences; all of them."""
    if not isinstance(options, Mapping):
        return [f"apps.{name}: found {options!r}, expected a mapping of options."]
    driver = _driver(name, options)
    if driver not in DRIVERS:
        where = f"apps.{name}.driver" if "driver" in options else f"app.{name}"
        meant = f" Did you mean {_BETTER_KNOWN_AS[driver]}?" if driver in _BETTER_KNOWN_AS else ""
        return [
            f"{where}: no application {driver} is known.{meant or did_you_mean(driver, DRIVERS)} "
            f"Known: {', '.join(DRIVERS)}; any other is described under `apps`."
        ]
    known = {**service.OPTIONS, **DRIVERS[driver].OPTIONS}
    return [
        fault
        for option, value in options.items()
        for fault in _option_fault(f"apps.{name}.{option}", option, value, known)
    ]


def make(name: str, options: Mapping[str, Any]) -> App:
    """The application. `faults` has found none. Raises AppError where it is not installed."""
    return DRIVERS[_driver(name, options)](name, options)


def _driver(name: str, options: Mapping[str, Any]) -> str:
    # What has a description and no driver of its own name is one of the user's own.
    own = "custom" if options and name not in DRIVERS and "custom" in DRIVERS else name
    return str(options.get("driver", own))


def _option_fault(where: str, option: str, value: Any, known: Mapping[str, str]) -> list[str]:
    if option not in known:
        return [
            f"{where}: there is no such option.{did_you_mean(option, known)} There are: {', '.join(sorted(known))}."
        ]
    types, words = _TYPES[known[option]]
    wrong = not isinstance(value, types) or (isinstance(value, bool) and known[option] != "bool")
    if not wrong and known[option] == "path":
        wrong = not value.startswith("/")
    if not wrong and known[option] == "int":
        wrong = value < 0
    return [f"{where}: found {value!r}, expected {words}."] if wrong else []
