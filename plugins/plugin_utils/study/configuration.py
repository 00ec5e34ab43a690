# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration that somebody wants to apply, checked as far as it can be without a machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import (
    ExpressionError,
    InactiveParameterError,
    parse,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.families import configuration_faults


class ConfigurationError(InputError):
    """The configuration cannot be applied; `faults` lists everything that is wrong."""

    subject = "the configuration (nothing has been touched)"


def check_configuration(
    configuration: Any, constraints: Sequence[str] = (), own_apps: Collection[str] = ()
) -> dict[str, Any]:
    """The configuration in plain types; ConfigurationError lists every fault. Constraints on absent names hold.

    Those of the catalogue count as well. own_apps: applications that the user has described.
    """
    values = plain(configuration)
    faults = configuration_faults(values, own_apps)
    for text in [*constraints, *_known_constraints(values, constraints)] if not faults else ():
        try:
            if not parse(text).holds(values):
                faults.append(Fault("evolve_constraints", f"not satisfied: {text}"))
        except InactiveParameterError:
            continue
        except ExpressionError as error:
            faults.append(Fault("evolve_constraints", str(error)))
    if faults:
        raise ConfigurationError(faults)
    return dict(values)


def _known_constraints(values: Mapping[str, Any], constraints: Sequence[str]) -> list[str]:
    """What the catalogue says of parameters that are all there; what depends on facts of the machine cannot be told."""
    entries = [entry for entry in map(catalogue().entry, values) if entry is not None]
    texts = dict.fromkeys(text for entry in entries for text in entry.constraints if text not in constraints)
    return [text for text in texts if parse(text).names <= values.keys()]
