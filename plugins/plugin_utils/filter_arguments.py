# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters share: plain arguments, all faults in one AnsibleFilterError, randomness from a stated seed."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ansible.errors import AnsibleFilterError

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import Choice
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import from_text
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import MissingLibraryError, np, require
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from numpy.random import Generator

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class ArgumentsError(InputError):
    """The filter's input or arguments are not usable; `faults` lists everything that is wrong."""

    subject = "the filter's input and arguments"


def template_filter(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The function as a filter: it gets plain values, and what it raises becomes an AnsibleFilterError."""

    @functools.wraps(function)
    def filtered(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            require()
            return function(*plain(args), **plain(kwargs))
        except (InputError, MissingLibraryError) as error:
            raise AnsibleFilterError(f"evolve.vm.{function.__name__}: {error}") from None

    return filtered


def read_seed(purpose: str, seed: Any, faults: list[Fault]) -> Generator:
    """Random numbers that follow from the seed alone, others for each purpose; faults are added to `faults`.

    A number and the text of it are the same seed: which of them a template gives depends on the version of Ansible.
    """
    parts = seed if isinstance(seed, list) and seed else [seed]
    if not all(isinstance(part, str) or is_number(part) for part in parts):
        found = "it is missing" if seed is None else f"found {seed!r}"
        expected = "a number, a text, or a list of them; the same seed always gives the same result"
        faults.append(Fault("seed", f"{found}, expected {expected}"))
    text = json.dumps([purpose, *map(str, parts)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def read_count(where: str, given: Any, least: int, faults: list[Fault]) -> int:
    """A whole number of at least `least`; what is wrong is added to `faults`."""
    value = from_text(given)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        faults.append(Fault(where, f"found {given!r}, expected a whole number of at least {least}"))
        return least
    return value


def read_share(where: str, given: Any, faults: list[Fault]) -> float:
    """A number above 0 and at most 1; what is wrong is added to `faults`."""
    value = from_text(given)
    if not is_number(value) or not 0 < value <= 1:
        faults.append(Fault(where, f"found {given!r}, expected a number above 0 and at most 1"))
        return 1.0
    return float(value)


def read_choice(where: str, value: Any, choices: Sequence[str], faults: list[Fault]) -> None:
    """A fault unless the value is one of the choices."""
    if problem := Choice(choices).problem(value):
        faults.append(Fault(where, problem))
