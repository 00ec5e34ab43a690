# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libvirt's Python library where it is installed, else None: the one place that imports it."""

from __future__ import annotations

try:
    import libvirt
except ImportError:
    libvirt = None

__all__ = ["libvirt"]
