# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the store. Times are ISO 8601 in UTC; JSON columns hold plain values."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

VERSION = 2

# What leads from each earlier format to the next, in SQL that SQLite and PostgreSQL share.
MIGRATIONS = {
    1: ("ALTER TABLE studies ADD COLUMN stopped JSON", "ALTER TABLE studies ADD COLUMN learned JSON"),
}

metadata = sa.MetaData()


store_info = sa.Table("store_info", metadata, sa.Column("schema_version", sa.Integer, nullable=False))

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("harvest", sa.JSON),  # every parameter as the machines had it, conditions aside
    sa.Column("winner", sa.Integer),  # number of the trial under verification
    sa.Column("verdict", sa.JSON),
    sa.Column("stopped", sa.JSON),  # why the search ended before its trials were spent (stopping.py)
    sa.Column("learned", sa.JSON),  # what other studies and machines gave it when it was created (learning.py)
    sa.Column("controller", sa.JSON),  # who works on it, while someone does
    sa.Column("forked_from", sa.String(100)),
    sa.Column("collection_version", sa.String(40), nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
)

slots = sa.Table(
    "slots",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.name"), primary_key=True),
    sa.Column("host", sa.String(255), primary_key=True),
    sa.Column("status", sa.String(20), nullable=False),  # ready, quarantined
    sa.Column("trouble", sa.Integer, nullable=False, default=0),  # infrastructure failures since the last success
    sa.Column("waiting", sa.Boolean, nullable=False, default=False),  # for what others may leave over
    sa.Column("message", sa.Text),
)

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 0 is the baseline
    sa.Column("configuration", sa.JSON, nullable=False),
    sa.Column("origin", sa.String(20), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("parents", sa.JSON, nullable=False),
    sa.Column("repeat_of", sa.Integer),
    sa.Column("status", sa.String(20), nullable=False),  # pending, running, measured, failed
    sa.Column("failure_class", sa.String(20)),
    sa.Column("message", sa.Text),
    sa.Column("created_at", sa.String(40), nullable=False),
)

measurements = sa.Table(
    "measurements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("study", sa.String(100), nullable=False),
    sa.Column("trial", sa.Integer, nullable=False),
    sa.Column("slot", sa.String(255), nullable=False),
    sa.Column("purpose", sa.String(20), nullable=False),  # baseline, search, verification
    sa.Column("block", sa.Integer),  # verification only
    sa.Column("position", sa.Integer),  # verification only: 0 to 3 within the block
    sa.Column("status", sa.String(20), nullable=False),  # running, measured, failed, abandoned
    sa.Column("metrics", sa.JSON),  # name -> value, averaged over the runs
    sa.Column("runs", sa.JSON),  # the raw metrics of each run
    sa.Column("readback", sa.JSON),
    sa.Column("tier", sa.String(20)),
    sa.Column("failure_class", sa.String(20)),
    sa.Column("message", sa.Text),
    sa.Column("started_at", sa.String(40), nullable=False),
    sa.Column("finished_at", sa.String(40)),
    sa.ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
    sa.Index("measurements_of_trial", "study", "trial"),
)

blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("winner", sa.Integer, nullable=False),
    sa.Column("order", sa.String(4), nullable=False),  # ABBA or BAAB
    sa.Column("slot", sa.String(255), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),  # open, complete, abandoned
)
