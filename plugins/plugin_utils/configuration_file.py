# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration as a file: a vars file of Ansible that holds `evolve_configuration`, its provenance as comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError, replace_file
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import yaml

_KEY = "evolve_configuration"


def write_configuration(path: Path, configuration: Mapping[str, Any], comments: Sequence[str]) -> None:
    """Write the file, whole or not at all. Raises FileError."""
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    content = yaml.safe_dump({_KEY: dict(configuration)}, sort_keys=False, allow_unicode=True)
    replace_file(path, "\n".join([*lines, "---", content]))


def read_configuration(path: Path) -> dict[str, Any]:
    """The configuration in a file. Raises FileError where there is none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"cannot read {path}: {error}") from None
    except yaml.YAMLError as error:
        raise FileError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    configuration = content.get(_KEY) if isinstance(content, dict) else None
    if not isinstance(configuration, dict) or not configuration:
        raise FileError(f"{path} holds no configuration: expected a mapping {_KEY}, as in best.yml")
    return configuration
