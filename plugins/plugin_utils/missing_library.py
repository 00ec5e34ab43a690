# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error for a library that is not installed, for those who must not wait until those that are have been loaded."""

from __future__ import annotations


class MissingLibraryError(RuntimeError):
    """A Python library that the controller needs is not installed."""
