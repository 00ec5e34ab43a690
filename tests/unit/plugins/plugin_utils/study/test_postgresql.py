# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a server is told in plain words, with advice and without the password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils import libraries
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa
from ansible_collections.evolve.vm.plugins.plugin_utils.study import database, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.database import database_at
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError
from ansible_collections.evolve.vm.tests.postgresql import PASSWORD, connected


@contextmanager
def refused(told: str) -> Iterator[None]:
    with pytest.raises(StoreError, match=told) as caught:
        yield
    error: Any = caught.value
    while error is not None:  # what Ansible may print under -vvv
        for secret in (PASSWORD, "p%40ss", "s3cret"):
            assert secret not in str(error)
        error = error.__cause__ if error.__suppress_context__ else error.__context__


def changed(url: str, **parts: Any) -> str:
    return sa.make_url(url)._replace(**parts).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"password": "s3cret"}, "password authentication failed .*check user and password in evolve_store"),
        ({"password": None}, "no password supplied; name the password in evolve_store, in PGPASSWORD"),
        ({"username": "stranger"}, "check user and password"),
        ({"database": "nothing"}, 'database "nothing" does not exist; check the database .* createdb'),
        ({"port": 1}, "refused.*; check host and port in evolve_store"),
        ({"host": "nowhere.invalid"}, "check the host in evolve_store"),
        ({"port": 1, "password": None, "query": {"password": "s3cret"}}, "refused"),
        ({"query": {"options": "-c no_such_setting=s3cret", "password": "s3cret"}}, "the store"),
    ],
)
def test_a_server_that_cannot_be_used_is_explained(postgresql_database: str, parts: dict[str, Any], told: str) -> None:
    with refused(told):
        Store(changed(postgresql_database, **parts))


def test_a_user_who_may_not_create_tables_is_told_how(postgresql_database: str) -> None:
    with connected(postgresql_database) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 's3cret'")
    with refused("permission denied for schema public.* needs the right to create .* GRANT USAGE, CREATE"):
        Store(changed(postgresql_database, username="guest", password="s3cret"))


def test_what_people_see_of_an_address_holds_no_password(postgresql_database: str) -> None:
    url = sa.make_url(changed(postgresql_database, query={"password": "s3cret"}))
    shown = f"postgresql+psycopg://{url.username}:***@{url.host}:{url.port}/{url.database}"
    assert Store.shown(url.render_as_string(hide_password=False)) == shown
    assert Store.shown("sqlite:////var/lib/evolve.sqlite") == "sqlite:////var/lib/evolve.sqlite"


def test_the_driver_need_not_be_named(postgresql_database: str) -> None:
    store = Store(postgresql_database.replace("+psycopg", ""))
    with store.transaction() as records:
        assert records.count(schema.studies) == 0


def test_a_driver_that_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = libraries.importlib.util.find_spec
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None if name == "psycopg" else found(name))
    with refused(r"evolve_store: a store in PostgreSQL needs .* -m pip install 'psycopg\[binary\]'"):
        Store("postgresql://user:s3cret@host.invalid/unheard-of")


def test_one_who_waits_too_long_is_told_so(postgresql_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(postgresql_database)
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 1)
    with store.transaction("one"), refused("lock timeout; another controller has held it"), store.transaction("one"):
        pass
    with store.transaction("one") as records:
        assert records.revision == 1


def test_a_controller_that_stands_still_does_not_hold_a_study_up(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(postgresql_database)
    monkeypatch.setattr(database, "IDLE_SECONDS", 1)
    with refused("stood still for|the server went away"), store.transaction("one"):
        with store.transaction("one") as records:
            assert records.count(schema.studies) == 0
        with store.transaction() as records:
            assert records.count(schema.studies) == 0


def test_nothing_stays_open_between_transactions(postgresql_database: str) -> None:
    store = Store(postgresql_database)
    with store.transaction("one"):
        pass
    with connected(postgresql_database) as connection:
        sessions = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert sessions == (0,)


def test_one_who_looks_sees_a_single_moment(postgresql_database: str) -> None:
    store = Store(postgresql_database)
    row: dict[str, Any] = {"definition": {}, "collection_version": "0", "created_at": "now"}
    with store.transaction() as looking:
        assert looking.count(schema.studies) == 0
        with store.transaction("one") as records:
            records.insert(schema.studies, name="one", **row)
        assert looking.count(schema.studies) == 0


def test_a_database_that_was_made_anew_is_noticed(postgresql_database: str) -> None:
    store = Store(postgresql_database)
    with connected(postgresql_database) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with refused("does not exist"), store.transaction() as records:
        records.count(schema.studies)
    with Store(postgresql_database).transaction() as records:
        assert records.count(schema.studies) == 0


def test_another_applications_database_is_left_alone(postgresql_database: str) -> None:
    with connected(postgresql_database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('1975ea83b712')")
    with refused("has format 1975ea83b712; .* where another application did, .* name another evolve_store"):
        Store(postgresql_database)
    assert sa.inspect(database_at(postgresql_database).engine).get_table_names() == ["alembic_version"]
