# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a configuration and a kernel. Messages are meant for people, whole sentences."""

from __future__ import annotations


class TunablesError(Exception):
    """Anything that applying or reading reports. The text says why, and what became of changes."""
