# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See module_utils/durations.py."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.durations import seconds_in

__all__ = ["seconds_in"]
