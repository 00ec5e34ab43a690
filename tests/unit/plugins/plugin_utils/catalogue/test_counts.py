# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many parameters of each application are known."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue


@pytest.mark.parametrize(
    ("prefix", "least"),
    [
        ("kernel.", 60),
        ("app.postgresql.", 40),
        ("app.mysql.", 40),
        ("app.redis.", 15),
        ("app.nginx.", 15),
        ("app.jvm.", 15),
    ],
)
def test_enough_parameters_are_known(prefix: str, least: int) -> None:
    assert len(catalogue().names(prefix)) >= least


def test_there_is_a_profile_for_transactions_on_postgresql() -> None:
    assert "postgresql-oltp" in catalogue().profiles
