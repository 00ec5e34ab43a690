# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study found, for people: a terminal summary and one self-contained HTML page. Pure: a dict in, a str out."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.report.html import render_html
from ansible_collections.evolve.vm.plugins.plugin_utils.report.text import render_text

__all__ = ["render_html", "render_text"]
