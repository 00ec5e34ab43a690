# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format 2: why a search was stopped, and what a study learnt from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """From format 1."""
    op.add_column("studies", sa.Column("stopped", sa.JSON))
    op.add_column("studies", sa.Column("learned", sa.JSON))
