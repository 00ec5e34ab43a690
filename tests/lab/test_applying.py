# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying to a real virtual machine: the second slot of the lab, which is as it was before when the tests are over."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import libvirt
import pytest

from .conftest import SMALL
from .proofs import DIRECT

ROOT = Path(__file__).parents[2]
INVENTORY = ROOT / "inventories/lab"
SLOT = "slot-2"


def ansible(program, *arguments):
    return subprocess.run(
        [Path(sys.executable).with_name(program), "-i", INVENTORY, *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


class Slot:
    """The slot from three sides: Ansible, libvirt, and its own shell."""

    def __init__(self, results):
        listing = json.loads(ansible("ansible-inventory", "--host", SLOT).stdout)
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        self.connection = libvirt.open(listing["evolve_hypervisor_uri"])
        self.domain = self.connection.lookupByName(listing["evolve_domain"])
        options = shlex.split(listing["ansible_ssh_common_args"])
        address = f"{listing['ansible_user']}@{listing['ansible_host']}"
        self.ssh = [
            "ssh",
            "-n",
            "-o",
            "ConnectTimeout=5",
            *options,
            "-i",
            listing["ansible_ssh_private_key_file"],
            address,
        ]
        self.results = results
        self.output = ""

    def apply(self, configuration, *options, **variables):
        """Run the roles; returns their results. `output` keeps what Ansible printed."""
        self.results.unlink(missing_ok=True)
        variables = {"configuration": configuration, "results": str(self.results), **variables}
        playbook = Path(__file__).with_name("applying.yml")
        done = ansible("ansible-playbook", playbook, "--limit", SLOT, "-e", json.dumps(variables), *options)
        self.output = done.stdout + done.stderr
        assert self.results.exists(), self.output
        return json.loads(self.results.read_text(encoding="utf-8"))

    def shell(self, command):
        """What root sees when the command is run in the guest."""
        done = subprocess.run(
            [*self.ssh, f"sudo sh -c {shlex.quote(command)}"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def memory_kib(self):
        return int(self.shell("awk '/MemTotal/ {print $2}' /proc/meminfo"))

    def answers(self):
        return subprocess.run([*self.ssh, "true"], capture_output=True, check=False).returncode == 0

    def boot(self):
        return self.shell("cat /proc/sys/kernel/random/boot_id")

    def definition(self):
        return self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)

    def process(self):
        """The command line of the process that is the machine."""
        pid = Path(f"/run/libvirt/qemu/{self.domain.name()}.pid").read_text(encoding="utf-8").strip()
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")


@pytest.fixture(scope="module")
def slot(lab, tmp_path_factory):
    """The slot as the lab made it: two vCPUs of four, 1024 MiB, libvirt's defaults for the disk."""
    slot = Slot(tmp_path_factory.mktemp("applying") / "results.json")
    definition = slot.definition()
    yield slot
    slot.connection.defineXML(definition)
    if slot.domain.isActive():
        slot.domain.destroy()
    slot.domain.create()
    deadline = time.monotonic() + 120
    while not slot.answers():
        assert time.monotonic() < deadline, "the slot does not come back"


def test_live_changes_reach_the_guest_without_a_restart(slot):
    boot, memory = slot.boot(), slot.memory_kib()
    begun = time.monotonic()
    target = {"vm.vcpus": 4, "vm.memory_mib": 640}
    sizing = slot.apply(target)["sizing"]
    print(f"live change: {time.monotonic() - begun:.1f} s")
    assert (sizing["tier"], sizing["rebooted"]) == ("live", False), slot.output
    assert sizing["readback"] == target
    assert slot.boot() == boot
    assert slot.shell("nproc") == "4"
    assert slot.memory_kib() == memory - 384 * 1024
    assert "<vcpu placement='static'>4<" in slot.definition()
    assert "<currentMemory unit='KiB'>655360<" in slot.definition()
    again = slot.apply(target)["sizing"]
    assert (again["changed"], again["tier"], again["changes"]) == (False, "none", [])


def test_everything_else_in_one_restart(slot):
    boot = slot.boot()
    target = {
        "vm.vcpus": 1,
        "vm.memory_mib": 1152,
        "vm.disk.cache": "none",
        "vm.disk.io": "native",
        "vm.disk.iothread": True,
    }
    planned = slot.apply(target, "--check", "--diff")["sizing"]
    assert "vm.disk.cache: writeback -> none (reboot)" in slot.output
    # An emulated vCPU cannot be unplugged.
    assert planned["changes"][0] == {"parameter": "vm.vcpus", "before": 4, "after": 1, "tier": "reboot"}
    assert slot.boot() == boot
    begun = time.monotonic()
    sizing = slot.apply(target)["sizing"]
    print(f"reboot change: {time.monotonic() - begun:.1f} s")
    assert (sizing["tier"], sizing["rebooted"], sizing["forced_off"]) == ("reboot", True, False), slot.output
    assert sizing["changes"] == planned["changes"]
    assert sizing["readback"] == target
    assert slot.boot() != boot
    assert slot.shell("nproc") == "1"
    process = slot.process()
    for setting in ('"direct":true', '"aio":"native"', '"iothread":"iothread1"'):
        assert setting in process
    assert slot.apply(target)["sizing"]["changed"] is False


def test_machine_that_does_not_boot_returns_to_what_it_was(slot):
    boot, before = slot.boot(), slot.definition()
    target = {"kernel.boot.root": "/dev/nowhere", "vm.disk.iothread": False}
    slot.apply(target, vm_sizing_boot_timeout_seconds=25)
    assert "does not answer within 25 seconds of a start with the new values" in " ".join(slot.output.split())
    assert "The values it had were put back, and it answers with them." in " ".join(slot.output.split())
    assert slot.definition() == before
    assert '"iothread":"iothread1"' in slot.process()
    assert slot.boot() != boot


def test_impossible_values_touch_nothing(slot):
    boot, before = slot.boot(), slot.definition()
    sizing = slot.apply({"vm.vcpus": 5000, "vm.disk.io": "native", "vm.disk.cache": "unsafe"})["sizing"]
    assert "vm.vcpus: 5000 is not possible: this machine type takes at most" in sizing["msg"]
    assert "vm.disk.io: native needs vm.disk.cache none or directsync" in sizing["msg"]
    assert slot.definition() == before
    assert slot.boot() == boot


def test_guest_that_is_too_slow_is_switched_off_and_comes_back(slot):
    sizing = slot.apply({"vm.disk.cache": "directsync"}, vm_sizing_shutdown_timeout_seconds=0)["sizing"]
    assert sizing["forced_off"] is True
    assert "did not shut down when asked to, and was switched off" in slot.output
    assert slot.answers()


def test_guest_that_hangs_in_one_boot_is_restarted_once_more(slot):
    drop_in = "/etc/systemd/system/ssh.service.d/hang.conf"
    hang = "if [ -e /hang ]; then rm /hang; sync; sleep 1000; fi"
    slot.shell(f"mkdir -p $(dirname {drop_in}); touch /hang")
    slot.shell(f"""printf '[Service]\\nExecStartPre=/bin/sh -c "{hang}"\\n' >{drop_in}; sync""")
    try:
        sizing = slot.apply({"vm.vcpus": 1}, vm_sizing_restart=True, vm_sizing_boot_timeout_seconds=25)["sizing"]
        assert "Switch the guest off and on again" in slot.output
        assert not sizing.get("failed"), slot.output
        assert slot.answers()
    finally:
        slot.shell(f"rm -f {drop_in} /hang; systemctl daemon-reload; sync")


def test_machine_that_was_shut_off_is_started_and_its_balloon_settles(slot):
    slot.domain.destroy()
    sizing = slot.apply({"vm.memory_mib": 768})["sizing"]
    assert (sizing["rebooted"], sizing["readback"]) == (True, {"vm.memory_mib": 768}), slot.output
    assert slot.memory_kib() < 768 * 1024


def test_kernel_parameters_are_set_until_the_next_boot_only(slot):
    before = int(slot.shell("cat /proc/sys/vm/swappiness"))
    slot.shell("touch /run/before")
    target = {"kernel.sysctl.vm.swappiness": 7, "kernel.sysctl.net.ipv4.tcp_rmem": "4096 100000 4000000"}
    result = slot.apply(target)
    assert result["tunables"]["readback"] == target
    assert (result["tunables"]["tier"], result["sizing"]["skipped"]) == ("live", True)
    assert slot.shell("cat /proc/sys/vm/swappiness") == "7"
    assert slot.shell("find /etc -newer /run/before -type f") == ""
    assert slot.apply(target)["tunables"]["changed"] is False
    slot.apply({"vm.vcpus": 2}, vm_sizing_restart=True)
    assert int(slot.shell("cat /proc/sys/vm/swappiness")) == before


def test_value_the_kernel_refuses_puts_the_others_back(slot):
    before = slot.shell("cat /proc/sys/vm/swappiness /proc/sys/vm/dirty_ratio")
    target = {"kernel.sysctl.vm.swappiness": 9, "kernel.sysctl.vm.dirty_ratio": 101}
    tunables = slot.apply(target)["tunables"]
    assert "kernel.sysctl.vm.dirty_ratio: the kernel refuses 101: Invalid argument (errno 22)" in tunables["msg"]
    assert "What had been written before was put back." in tunables["msg"]
    assert slot.shell("cat /proc/sys/vm/swappiness /proc/sys/vm/dirty_ratio") == before


def test_user_without_permission_is_told_so(slot):
    program = (
        "from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.drivers import driver_for\n"
        "driver_for('libvirt', uri='qemu:///system')"
    )
    done = subprocess.run(
        ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "/usr/bin/python3", "-c", program],
        env={"PYTHONPATH": str(ROOT / ".collections"), "HOME": "/nonexistent", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No permission: run the task with become, or add the user to group libvirt." in done.stderr


def test_kernel_command_line_that_the_hypervisor_gives(slot):
    line = slot.shell("cat /proc/cmdline")
    target = {"kernel.boot.mitigations": "default", **{proof.parameter: proof.value for proof in DIRECT}}
    result = slot.apply(target)
    assert not any(found.get("failed") for found in result.values()), slot.output
    assert result["tunables"]["readback"] == {
        name: value for name, value in target.items() if name.startswith("kernel")
    }
    assert {proof.parameter: proof.seen(SMALL, SLOT) for proof in DIRECT if not proof.holds(SMALL, SLOT)} == {}
    words = slot.shell("cat /proc/cmdline").split()
    assert "transparent_hugepage=never" in words
    assert not any(word.startswith("mitigations") for word in words)
    back = {"kernel.boot.transparent_hugepage": "default", "kernel.boot.mitigations": "off", "vm.disk.bus": "virtio"}
    assert not any(found.get("failed") for found in slot.apply(back).values()), slot.output
    # A word that was taken away comes back as the last one.
    assert sorted(slot.shell("cat /proc/cmdline").split()) == sorted(line.split())
    assert slot.shell("findmnt -no SOURCE /") == "/dev/vda"
