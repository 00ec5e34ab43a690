# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints for misspelt names."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("vm.disk.caches", ["vm.disk.cache", "vm.disk.io", "vm.disk.iothread"], " Did you mean vm.disk.cache?"),
        ("vdc", ["vda", "sdb"], " Did you mean vda?"),
        ("web3", ["web1", "web2", "mail"], " Did you mean web2 or web1?"),
        ("slot-2", ["evolve-lab-slot-1", "evolve-lab-slot-2"], " Did you mean evolve-lab-slot-2?"),
        ("database", ["web1", "mail"], ""),
        ("web1", [], ""),
    ],
)
def test_names_nearly_as_close_as_the_closest(word, known, hint):
    assert did_you_mean(word, known) == hint
