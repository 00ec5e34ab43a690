# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the store. Times are ISO 8601 in UTC; JSON columns hold plain values."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

# Each format has a file in migrations/versions; the last is the one that is written here.
FORMATS = ("0001", "0002", "0003", "0004", "0005")
FORMAT = FORMATS[-1]

metadata = sa.MetaData()

# Alembic's own table, which says the format of a store. It is none of the format's tables.
alembic_version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


def _number(name: str) -> sa.Column[int]:
    """A number that is 0 unless told."""
    return sa.Column(name, sa.Integer, nullable=False, default=0, server_default="0")


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
    sa.Column("forked_from", sa.String(100)),
    sa.Column("collection_version", sa.String(40), nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
    _number("revision"),  # counts the transactions on the study
)

controllers = sa.Table(
    "controllers",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.name"), primary_key=True),
    sa.Column("id", sa.String(300), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),  # the node's name
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.String(40)),  # when the process began, in the kernel's ticks
    sa.Column("begun_at", sa.String(40), nullable=False),
    sa.Column("seen_at", sa.String(40), nullable=False),
    sa.Column("lease_seconds", sa.Float, nullable=False),
    sa.Column("lease_until", sa.String(40), nullable=False),
    sa.Column("stopping", sa.Boolean, nullable=False, default=False),  # on request: it is handed out nothing more
    sa.Column("ended_at", sa.String(40)),
)

hypervisors = sa.Table(
    "hypervisors",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.name"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("vcpus", sa.Integer),
    sa.Column("memory_mib", sa.Integer),
    _number("other_vcpus"),  # of machines there that are no slots
    _number("other_memory_mib"),
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
    sa.Column("controller", sa.String(300)),  # who works on it
    sa.Column("hypervisor", sa.String(255)),
    sa.Column("applied", sa.JSON),  # the configuration last handed out to it
    sa.Column("probe_at", sa.String(40)),  # when it may be tried again after quarantine
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
    _number("revision"),  # the study's when the row was last written
    sa.Index("trials_by_revision", "study", "revision"),
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
    sa.Column("apply_seconds", sa.Float),  # from being handed out to the start of the benchmark
    sa.Column("failure_class", sa.String(20)),
    sa.Column("message", sa.Text),
    sa.Column("started_at", sa.String(40), nullable=False),
    sa.Column("finished_at", sa.String(40)),
    sa.Column("controller", sa.String(300)),
    _number("revision"),
    sa.ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
    sa.Index("measurements_of_trial", "study", "trial"),
    sa.Index("measurements_by_revision", "study", "revision"),
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

# Points of metrics over time (plugin_utils/metrics/embedded.py): some of one series in a row.
samples = sa.Table(
    "samples",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("measurement", sa.String(100), nullable=False),
    sa.Column("field", sa.String(100), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),  # the tag of this name; empty where there is none
    sa.Column("study", sa.String(100), nullable=False),  # the same
    sa.Column("tags", sa.JSON, nullable=False),  # all of them
    sa.Column("begin_ms", sa.BigInteger, nullable=False),  # of the first point
    sa.Column("end_ms", sa.BigInteger, nullable=False),  # of the last
    sa.Column("points", sa.JSON, nullable=False),  # [[at_ms, value], ...] in the order of time
    sa.Index("samples_of_field", "measurement", "field", "host", "end_ms"),
    sa.Index("samples_of_study", "study", "end_ms"),
)

# The tables whose rows carry a revision.
STAMPED = (trials, measurements)
