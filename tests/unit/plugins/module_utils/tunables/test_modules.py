# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of kernel modules: true and false, those that can be written, and those that only a start gives."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.modules import ModuleParameters

MODULE = "kernel.module."
ZSWAP = f"{MODULE}zswap.enabled"
POLICY = f"{MODULE}pcie_aspm.policy"


@pytest.mark.parametrize("value", [True, "true", "Y", "on", 1])
def test_yes_is_true(machine, value):
    assert machine.tune({ZSWAP: value})["readback"] == {ZSWAP: True}
    assert machine.read("sys/module/zswap/parameters/enabled") == "Y"
    assert machine.tune({ZSWAP: value})["changed"] is False


def test_text_and_numbers_are_written_without_a_line_end(machine):
    machine.tune({f"{MODULE}zswap.compressor": "zstd"})
    assert machine.read("sys/module/zswap/parameters/compressor") == "zstd"


def test_a_parameter_can_be_a_choice(machine):
    assert machine.kernel.read(POLICY) == "default"
    (fault,) = machine.kernel.faults({POLICY: "performence"}, [])
    assert fault == (
        f"{POLICY}: found 'performence', expected one of default, performance, powersave. Did you mean performance?"
    )


def test_every_fault_is_found_before_anything_is_written(machine):
    with pytest.raises(TunablesError) as failed:
        machine.tune(
            {
                f"{MODULE}zswap.compressor": "lz4",
                ZSWAP: "perhaps",
                f"{MODULE}zswp.enabled": True,
                f"{MODULE}zswap.enable": True,
                f"{MODULE}bare.x": 1,
                f"{MODULE}..x": 1,
                f"{MODULE}zswap.../x": 1,
                f"{MODULE}virtio_blk.queue_depth": True,
                f"{MODULE}workqueue.power_efficient": 7,
            }
        )
    assert [line.removeprefix(MODULE) for line in str(failed.value).splitlines()] == [
        "Nothing was changed.",
        f"{MODULE}..x: no such parameter. Expected {MODULE}<module>.<parameter>.".removeprefix(MODULE),
        "zswap.enabled: found 'perhaps', expected true or false.",
        "zswp.enabled: no module zswp is loaded. Did you mean zswap?",
        "zswap.enable: the module zswap has no such parameter. Did you mean enabled?",
        "bare.x: the module bare has no parameters that could be read.",
        "zswap.../x: not a name: expected <module>.<parameter>.",
        "virtio_blk.queue_depth: found true, expected a whole number or text, as the value in force is 64.",
        "workqueue.power_efficient: found 7, expected true or false.",
    ]
    assert machine.read("sys/module/zswap/parameters/compressor") == "lzo\n"


def test_what_cannot_be_written_takes_a_restart(machine):
    assert machine.kernel.is_live(ZSWAP)
    assert not machine.kernel.is_live(f"{MODULE}virtio_blk.queue_depth")
    result = machine.tune({f"{MODULE}virtio_blk.queue_depth": 128}, check_mode=True)
    assert result["changes"] == [
        {"parameter": f"{MODULE}virtio_blk.queue_depth", "before": 64, "after": 128, "tier": "reboot"}
    ]
    assert result["restart_required"]


def test_the_kernel_of_this_machine():
    modules = ModuleParameters()
    assert isinstance(modules.read(f"{MODULE}printk.time"), bool)
