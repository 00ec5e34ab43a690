# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that every file that can hold a comment names its licence in its first lines (SPDX)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

IDENTIFIER = "SPDX-License-Identifier: GPL-3.0-or-later"
FIRST_LINES = 12
NO_COMMENTS = {".gz", ".json", ".npz", ".png", ".svg"}
WRITTEN_BY_TOOLS = {"LICENSE", "CHANGELOG.md", "changelogs/changelog.yaml"}
# Output of other programs as it was captured, byte for byte; only below tests/.
CAPTURED = {".csv", ".out", ".txt", ".xml"}


def is_exempt(name: str) -> bool:
    path = PurePosixPath(name)
    is_data = path.parts[0] == "tests" and len(path.parts) > 2 and path.suffix in CAPTURED
    return path.suffix in NO_COMMENTS or name in WRITTEN_BY_TOOLS or is_data


def names_its_licence(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return not text or any(IDENTIFIER in line for line in text.splitlines()[:FIRST_LINES])


def main() -> int:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    files = {name for name in listing.stdout.split("\0") if name and Path(name).is_file()}
    missing = sorted(name for name in files if not is_exempt(name) and not names_its_licence(Path(name)))
    for name in missing:
        print(f'{name}: no "{IDENTIFIER}" in the first {FIRST_LINES} lines')
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
