# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are on the disk, and whole, when a call returns, whatever happens to the machine then."""

from __future__ import annotations

import os
import tempfile


def replace_text(path: str, text: str, mode: int) -> None:
    """Have the file hold `text`, byte for byte as it is, with this mode; at no moment half of it. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".evolve-")
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync(os.path.dirname(path))


def sync(path: str) -> None:
    """Have what was done to a file, or to the names in a folder, on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
