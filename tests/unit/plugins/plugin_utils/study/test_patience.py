# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of a store pass by themselves, with a real server."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from ansible_collections.evolve.vm.plugins.plugin_utils.study import database
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError


def refused(url: str, statement: str = "SELECT 1") -> StoreError:
    with pytest.raises(StoreError) as error, closing(Store(url)) as store, store.transaction() as records:
        records._connection.exec_driver_sql(statement)
    return error.value


@pytest.mark.parametrize(
    ("sqlstate", "passing"), [("57P01", True), ("53300", True), ("25006", True), ("42501", False), ("42P01", False)]
)
def test_a_server_says_by_its_code_whether_it_passes(postgresql_database: str, sqlstate: str, passing: bool) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{sqlstate}'; END $$"
    assert refused(postgresql_database, raising).passing is passing


def test_a_server_that_is_not_there_may_come_and_one_that_refuses_the_password_not(postgresql_database: str) -> None:
    url = sa.make_url(postgresql_database)
    # Nobody listens on port 1.
    assert refused(url.set(port=1).render_as_string(hide_password=False)).passing
    assert not refused(url.set(password="wrong").render_as_string(hide_password=False)).passing
    assert not refused(url.set(database="missing").render_as_string(hide_password=False)).passing


def test_a_session_that_is_ended_by_the_server_passes(postgresql_database: str) -> None:
    assert refused(postgresql_database, "SELECT pg_terminate_backend(pg_backend_pid())").passing


def test_a_file_that_is_no_store_does_not_pass_and_one_that_is_locked_does(tmp_path, monkeypatch) -> None:
    path = tmp_path / "other.sqlite"
    path.write_text("this is no database, whatever its name says" * 100)
    assert not refused(f"sqlite:///{path}").passing
    good = tmp_path / "good.sqlite"
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.1)
    url = f"sqlite:///{good}"
    Store(url).close()
    with closing(sqlite3.connect(good, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert refused(url).passing
