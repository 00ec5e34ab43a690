# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A population as one file, YAML or JSON by its name: a vars file that holds `evolve_population`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import Record, read_population
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import yaml

VARIABLE = "evolve_population"
_SUFFIXES = (".yml", ".yaml", ".json")
_COMMENT = "# Fitness is in log units over the baseline, null where an individual is not evaluated.\n---\n"


def check_name(where: str, path: Path, faults: list[Fault]) -> None:
    """Refuse a name that does not say which format the file has."""
    if path.suffix not in _SUFFIXES:
        faults.append(Fault(where, f"found {str(path)!r}, expected a name that ends in {', '.join(_SUFFIXES)}"))


def read_population_file(where: str, path: Path, faults: list[Fault], space: SearchSpace | None) -> list[Record]:
    """The individuals in a file; what is wrong with it is added to `faults`."""
    before = len(faults)
    check_name(where, path, faults)
    content = _content(where, path, faults) if len(faults) == before else None
    if len(faults) > before:
        return []
    if not isinstance(content, Mapping) or VARIABLE not in content:
        faults.append(Fault(where, f"{path} holds no population: expected a mapping with the key {VARIABLE}"))
        return []
    return read_population(f"{path}: {VARIABLE}", content[VARIABLE], faults, space)


def population_text(path: Path, population: Sequence[Record]) -> str:
    """What a file of this name holds; the same text for the same population."""
    content = {VARIABLE: list(population)}
    if path.suffix == ".json":
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # One line for each configuration: only the innermost collections are in flow style.
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000)
    return f"{_COMMENT}{text}"


def _content(where: str, path: Path, faults: list[Fault]) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        faults.append(Fault(where, f"cannot read {path}: {error.strerror}"))
    except (ValueError, yaml.YAMLError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        faults.append(Fault(where, f"{path} is not readable as {kind}: {' '.join(str(error).split())}"))
    return None
