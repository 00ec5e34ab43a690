# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of this collection, as its metadata says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@cache
def collection_version() -> str:
    """From MANIFEST.json of an installed collection, or galaxy.yml of a checkout."""
    manifest = _ROOT / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    # No library for YAML: with it come all that the engine needs, and they take a second.
    said = re.search(r"^version: *(\S+)$", (_ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return said.group(1) if said else "unknown"
