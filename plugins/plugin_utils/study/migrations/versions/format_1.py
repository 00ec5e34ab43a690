# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format 1: studies, their trials on slots, and the blocks that verify a winner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """From an empty database; stores of this format did not use Alembic, so only tests come this way."""
    op.create_table("store_info", sa.Column("schema_version", sa.Integer, nullable=False))
    op.create_table(
        "studies",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("harvest", sa.JSON),
        sa.Column("winner", sa.Integer),
        sa.Column("verdict", sa.JSON),
        sa.Column("controller", sa.JSON),
        sa.Column("forked_from", sa.String(100)),
        sa.Column("collection_version", sa.String(40), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "slots",
        sa.Column("study", sa.String(100), sa.ForeignKey("studies.name"), primary_key=True),
        sa.Column("host", sa.String(255), primary_key=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("trouble", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text),
    )
    op.create_table(
        "trials",
        sa.Column("study", sa.String(100), sa.ForeignKey("studies.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("configuration", sa.JSON, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("repeat_of", sa.Integer),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("failure_class", sa.String(20)),
        sa.Column("message", sa.Text),
        sa.Column("created_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "measurements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("slot", sa.String(255), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("block", sa.Integer),
        sa.Column("position", sa.Integer),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("metrics", sa.JSON),
        sa.Column("runs", sa.JSON),
        sa.Column("readback", sa.JSON),
        sa.Column("tier", sa.String(20)),
        sa.Column("failure_class", sa.String(20)),
        sa.Column("message", sa.Text),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("finished_at", sa.String(40)),
        sa.ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
    )
    op.create_index("measurements_of_trial", "measurements", ["study", "trial"])
    op.create_table(
        "blocks",
        sa.Column("study", sa.String(100), sa.ForeignKey("studies.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("winner", sa.Integer, nullable=False),
        sa.Column("order", sa.String(4), nullable=False),
        sa.Column("slot", sa.String(255), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
    )
