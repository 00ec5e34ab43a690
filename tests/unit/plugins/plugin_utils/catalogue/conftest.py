# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small catalogue to test with: every kind of entry, and two profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import Catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.reading import read_folder

_COMMON = "tier: live, summary: What it is., source: https://example.org/"
MACHINE = f"""
prefix: vm.
about: The machine.
entries:
  vcpus: {{type: int, range: [1, hypervisor.vcpus], {_COMMON}}}
  memory_mib: {{type: int, range: [512, 0.8 * hypervisor.free_memory_mib], step: 256, scale: log, unit: MiB, {_COMMON}}}
  disk.cache:
    {{type: choice, values: [none, writeback, unsafe], default: writeback, risks: {{unsafe: durability}}, {_COMMON}}}
  disk.class: {{type: choice, example: [ssd, hdd], {_COMMON}}}
  disk.queues: {{type: int, range: [1, guest.vcpus], constraints: [vm.disk.queues <= guest.vcpus], {_COMMON}}}
"""
APPLICATION = f"""
prefix: app.db.
about: A database.
entries:
  buffers_mib:
    setting: buffers
    type: int
    range: [0.05 * guest.memory_mib, 0.6 * guest.memory_mib]
    scale: log
    unit: MiB
    default: 128
    tier: restart
    summary: Memory for pages.
    source: https://example.org/
    constraints: [app.db.buffers_mib <= 0.75 * guest.memory_mib]
  fsync: {{type: bool, default: true, risks: {{false: durability}}, {_COMMON}}}
  delay_ms:
    {{type: int, range: [0, 100], special: [-1], unit: ms, default: 10, {_COMMON},
      risks: {{0: durability, -1: availability}}}}
  compress: {{type: bool, default: false, {_COMMON}}}
  level: {{type: int, range: [1, 9], default: 6, when: app.db.compress, {_COMMON}}}
  trust: {{type: int, range: [0, 3], default: 0, risk: security, {_COMMON}}}
  share: {{type: float, range: [0.1, 0.25 * guest.vcpus], default: 0.5, {_COMMON}}}
"""
PROFILES = """
db-oltp:
  about: Many small transactions.
  parameters: [vm.vcpus, app.db.buffers_mib, app.db.fsync, app.db.trust]
db-large:
  about: Few large queries.
  parameters:
    vm.vcpus: {range: [2, 64]}
    app.db.buffers_mib: {minimum: 512}
  constraints: [app.db.buffers_mib >= 64 * guest.vcpus]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vm.yml").write_text(MACHINE)
    (tmp_path / "db.yml").write_text(APPLICATION)
    (tmp_path / "profiles.yml").write_text(PROFILES)
    return tmp_path


@pytest.fixture
def known(folder: Path) -> Catalogue:
    return Catalogue(*read_folder(folder))


@pytest.fixture
def facts() -> dict[str, float]:
    return {
        "guest.memory_mib": 2048,
        "guest.vcpus": 2,
        "hypervisor.vcpus": 8,
        "hypervisor.memory_mib": 16384,
        "hypervisor.free_memory_mib": 10000,
    }
