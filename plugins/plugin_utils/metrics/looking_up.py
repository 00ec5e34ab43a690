# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lookups of metrics share: their options, and what they return. The options are documented in the fragment
metrics_database.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import (
    Fault,
    InputError,
    listing,
    suggestion,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import aggregate
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.question import (
    RAW,
    Question,
    iso_time,
    read_question,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.missing_library import MissingLibraryError
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain

# Options of every lookup that describe the connection, under the names that `read_connection` knows.
CONNECTION_OPTIONS = (
    "url",
    "authentication",
    "username",
    "password",
    "token",
    "ca_path",
    "client_cert",
    "client_key",
    "validate_certs",
    "timeout_seconds",
    "retries",
)


class LookupInputError(InputError):
    """The terms or options are not usable; `faults` lists everything that is wrong."""

    subject = "the terms and options of the lookup"


class MetricsLookup(LookupBase):  # type: ignore[misc]
    """Base of the lookups. Subclasses give `name`, their own options of the connection, and `kind` and `selector`."""

    name: ClassVar[str]
    OWN_CONNECTION_OPTIONS: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def kind(self) -> str:
        """Of which kind the database is: one of connection.KINDS."""

    @abstractmethod
    def selector(self, term: str, tags: tuple[tuple[str, str], ...]) -> Selector:
        """The series that a term means."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        try:
            self._refuse_unknown(kwargs)
            self.set_options(var_options=self._templated(variables or {}), direct=plain(kwargs))
            options = plain(self.get_options())
            now_ms = time.time_ns() // 1_000_000
            names, question = _read(plain(terms), options, now_ms)
            given = {name: options[name] for name in (*CONNECTION_OPTIONS, *self.OWN_CONNECTION_OPTIONS)}
            backend = backend_for(read_connection({"kind": self.kind(), **given}, self.name))
            found = []
            for name in names:
                found += self.results(backend, name, question)
            return found
        except InputError as error:
            raise AnsibleLookupError(f"evolve.vm.{self.name}: {error}{self._ways(error)}") from None
        except (BackendError, MissingLibraryError, UnusableDataError) as error:
            raise AnsibleLookupError(f"evolve.vm.{self.name}: {error}") from None

    def results(self, backend: Backend, term: str, question: Question) -> list[dict[str, Any]]:
        """What a term gives."""
        series = backend.read(self.selector(term, question.tags), question.window)
        return list(_results(term, series, question))

    def _refuse_unknown(self, given: Mapping[str, Any]) -> None:
        known = [name for name in self.option_definitions if not name.startswith("_")]
        faults = [
            Fault(name, f"unknown; accepted: {listing(known)}.{suggestion(name, known)}")
            for name in given
            if name not in known
        ]
        if faults:
            raise LookupInputError(faults)

    def _templated(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that give options a value; a lookup gets them as they were written."""
        names = [each["name"] for option in self.option_definitions.values() for each in option.get("vars", ())]
        return {name: plain(self._templar.template(variables[name])) for name in names if name in variables}

    def _ways(self, error: InputError) -> str:
        """How options of the connection that are at fault can be given."""
        options = (fault.where.removeprefix(f"{self.name}.") for fault in error.faults)
        lines = []
        for option in options:
            definition = self.option_definitions.get(option, {})
            if definition.get("env"):
                variable, environment = definition["vars"][0]["name"], definition["env"][0]["name"]
                ini = definition["ini"][0]
                lines.append(
                    f"  {option} is an option of the lookup, the variable {variable}, {ini['key']} in section "
                    f"[{ini['section']}] of ansible.cfg, or {environment} in the environment."
                )
        return "".join(f"\n{line}" for line in lines)


class UnusableDataError(RuntimeError):
    """There are no points, or too few, or they are too old."""


def _read(terms: Any, options: Mapping[str, Any], now_ms: int) -> tuple[list[str], Question]:
    faults = [
        Fault(f"term {number}", f"found {term!r}, expected the name of a metric")
        for number, term in enumerate(terms, start=1)
        if not isinstance(term, str) or not term
    ]
    if not terms:
        faults.append(Fault("terms", "there are none; expected the names of metrics"))
    question = read_question(options, now_ms, faults)
    if question is None or faults:
        raise LookupInputError(faults)
    return terms, question


def _results(name: str, found: Sequence[Series], question: Question) -> Iterator[dict[str, Any]]:
    series = [each for each in found if each.points]
    where = f"{name} of {_shown(question.tags)}"
    if not series and (question.must_exist or question.fresh_seconds is not None):
        raise UnusableDataError(f"{where} has no points from {question.shown_window}")
    for tags, points in series:
        newest_ms = points[-1][0]
        age_seconds = (question.window.end_ms - newest_ms) / 1000
        if question.fresh_seconds is not None and age_seconds > question.fresh_seconds:
            raise UnusableDataError(
                f"{name} of {_shown(tagged(**tags))} is stale: its newest point, of {iso_time(newest_ms)}, is "
                f"{age_seconds:.1f} s old; `fresh_seconds` allows {question.fresh_seconds:g}"
            )
        yield {
            "metric": name,
            "tags": dict(tags),
            **_numbers(where, points, question.aggregation),
            "points": len(points),
            "newest": iso_time(newest_ms),
            "age_seconds": age_seconds,
        }


def _numbers(where: str, points: Sequence[tuple[int, float]], aggregation: str) -> dict[str, Any]:
    if aggregation == RAW:
        return {"values": [[iso_time(at_ms), value] for at_ms, value in points]}
    try:
        return {"value": aggregate(points, aggregation)}
    except ValueError as error:
        raise UnusableDataError(f"{where} has no {aggregation}: {error}") from None


def _shown(tags: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in tags) or "any tags"
