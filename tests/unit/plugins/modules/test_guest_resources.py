# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module guest_resources on this machine, as far as that can be done without plugging CPUs."""

from __future__ import annotations

import os

from ansible_collections.evolve.vm.plugins.modules import guest_resources

ONLINE = os.cpu_count()


def test_reports(run_module):
    result = run_module(guest_resources)
    assert result["vcpus"] == ONLINE
    assert 0 < result["memory_mib"] <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2
    assert (result["changed"], result["brought_online"]) == (False, [])


def test_nothing_to_do(run_module):
    assert run_module(guest_resources, vcpus=ONLINE)["changed"] is False


def test_fewer_than_asked_is_a_failure(run_module):
    result = run_module(guest_resources, vcpus=ONLINE + 1000, timeout_seconds=0)
    assert f"{ONLINE + 1000} CPUs should be online in the guest; after 0 s it has {ONLINE}" in result["msg"]


def test_check_mode_does_not_wait(run_module):
    assert run_module(guest_resources, check_mode=True, vcpus=ONLINE + 1000)["vcpus"] == ONLINE
