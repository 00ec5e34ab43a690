# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of all kinds share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.evolve.vm.tests.postgresql import new_database, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server that lasts as long as the tests."""
    with postgresql_server() as url:
        yield url


@pytest.fixture
def postgresql_database(postgresql: str) -> Iterator[str]:
    """The URL of an empty database of its own."""
    with new_database(postgresql) as url:
        yield url
