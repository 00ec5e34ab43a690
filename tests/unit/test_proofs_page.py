# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on how parameters were proven is what the tests on real machines do."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import NAMES
from ansible_collections.evolve.vm.tests.lab.proofs import GROUPS
from ansible_collections.evolve.vm.tests.tools.proofs_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/tools/proofs_page.py write"


def test_every_parameter_of_the_machine_is_proven() -> None:
    proven = {proof.parameter for proofs in GROUPS.values() for proof in proofs}
    assert set(NAMES) <= proven
