# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that every role describes its variables: meta/argument_specs.yml names each default, with the same value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def faults(role: Path) -> Iterator[str]:
    specs_file = role / "meta" / "argument_specs.yml"
    if not specs_file.is_file():
        yield f"{specs_file}: missing; describe the role's variables there"
        return
    specs = load(specs_file).get("argument_specs", {})
    if "main" not in specs:
        yield f"{specs_file}: no entry point `main`"
        return
    options: dict[str, Any] = {}
    for spec in specs.values():
        options.update(spec.get("options", {}))
    defaults_file = role / "defaults" / "main.yml"
    defaults = load(defaults_file) if defaults_file.is_file() else {}
    for name, value in defaults.items():
        option = options.get(name)
        if option is None:
            yield f"{specs_file}: `{name}` has a default in {defaults_file} and is not described"
        # A templated default is described in words.
        elif "{{" not in str(value) and "default" in option and option["default"] != value:
            yield f"{specs_file}: `{name}` defaults to {option['default']!r} here, to {value!r} in {defaults_file}"
    for name, option in options.items():
        if "default" in option and name not in defaults:
            yield f"{specs_file}: `{name}` has a default here and none in {defaults_file}, so the role never gets it"


def main() -> int:
    found = [fault for role in sorted(Path("roles").glob("*/")) for fault in faults(role)]
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
