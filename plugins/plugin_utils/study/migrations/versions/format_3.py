# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format 3: several controllers on one study, the hypervisors under its slots, and the revision of what changes.

What `store_info` said is in `alembic_version` from here on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """From format 2. Who worked on a study is forgotten: it was a process of an earlier version."""
    with op.batch_alter_table("studies") as studies:
        studies.drop_column("controller")
        studies.add_column(_number("revision"))
    for name in ("trials", "measurements"):
        op.add_column(name, _number("revision"))
        op.create_index(f"{name}_by_revision", name, ["study", "revision"])
    op.add_column("measurements", sa.Column("controller", sa.String(300)))
    op.add_column("slots", sa.Column("controller", sa.String(300)))
    op.add_column("slots", sa.Column("hypervisor", sa.String(255)))
    op.add_column("slots", sa.Column("applied", sa.JSON))
    op.add_column("slots", sa.Column("probe_at", sa.String(40)))
    op.create_table(
        "hypervisors",
        sa.Column("study", sa.String(100), sa.ForeignKey("studies.name"), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("vcpus", sa.Integer),
        sa.Column("memory_mib", sa.Integer),
        _number("other_vcpus"),
        _number("other_memory_mib"),
    )
    op.create_table(
        "controllers",
        sa.Column("study", sa.String(100), sa.ForeignKey("studies.name"), primary_key=True),
        sa.Column("id", sa.String(300), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.String(40)),
        sa.Column("begun_at", sa.String(40), nullable=False),
        sa.Column("seen_at", sa.String(40), nullable=False),
        sa.Column("lease_seconds", sa.Float, nullable=False),
        sa.Column("lease_until", sa.String(40), nullable=False),
        sa.Column("stopping", sa.Boolean, nullable=False),
        sa.Column("ended_at", sa.String(40)),
    )
    op.drop_table("store_info")


def _number(name: str) -> sa.Column[int]:
    """A number that rows of earlier formats have as 0."""
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")
