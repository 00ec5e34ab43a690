# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format 5: points of metrics over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """From format 4, which kept none."""
    op.create_table(
        "samples",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("measurement", sa.String(100), nullable=False),
        sa.Column("field", sa.String(100), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("begin_ms", sa.BigInteger, nullable=False),
        sa.Column("end_ms", sa.BigInteger, nullable=False),
        sa.Column("points", sa.JSON, nullable=False),
    )
    op.create_index("samples_of_field", "samples", ["measurement", "field", "host", "end_ms"])
    op.create_index("samples_of_study", "samples", ["study", "end_ms"])
