# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edited definitions given to libvirt's real QEMU driver, which checks them against the QEMU that is installed.

The driver is embedded in a process of its own (qemu:///embed), without a daemon and with a folder of the test. Nothing
is started.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[5]
MACHINES = ("direct_kernel", "q35_server", "q35_uefi_tpm", "i440fx_old", "i440fx_scsi", "tuned", "plain")
TRIAL = r"""
import json, re, sys
import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    edit_definition, impossible, read_definition)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.table import TABLE
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    PARAMETERS, parse_vm_configuration)

HOST = About(nodes=((0, 1, 2, 3), (4, 5, 6, 7)))
FLAGS = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
NUMBERS = {"vm.memory.maximum_mib": 16384, "vm.disk.queues": 3, "vm.network.queues": 4}
folder, files = sys.argv[1], sys.argv[2:]
libvirt.virEventRegisterDefaultImpl()
libvirt.registerErrorHandler(lambda context, error: None, None)
connection = libvirt.open("qemu:///embed?root=" + folder)


def define(xml):
    return connection.defineXML(xml).XMLDesc(FLAGS)


def values(xml):
    return read_definition(xml, HOST).values()


def candidates(name):
    accepted = PARAMETERS[name]
    return accepted.choices or ((True, False) if accepted.kind == "switch" else (NUMBERS.get(name, 7),))


faults, tried, back = [], 0, 0
for file in files:
    xml = open(file, encoding="utf-8").read()
    # The machines are as other hosts have them: those have KVM, a TPM and a cache that can be shared out.
    xml = re.sub(r"(?s)<(cachetune|tpm)\b.*?</\1>", "", re.sub(r"type='(kvm|test)'", "type='qemu'", xml))
    first = define(define(xml))
    if define(first) != first:
        faults.append([file, "libvirt itself does not keep it"])
    before = values(first)
    for name in TABLE:
        for value in candidates(name) if name in before else ():
            if value == before[name] or impossible(first, {name: value}, HOST):
                continue
            tried += 1
            try:
                edited = define(edit_definition(first, {name: value}, HOST))
                if values(edited)[name] != value:
                    faults.append([file, name, value, "libvirt made it", values(edited)[name]])
                own = not parse_vm_configuration({name: before[name]})[1]
                if own and not impossible(edited, {name: before[name]}, HOST):
                    returned = values(define(edit_definition(edited, {name: before[name]}, HOST)))
                    back += 1
                    raised = {"vm.vcpus": {"vm.disk.queues"}, "vm.memory_mib": {"vm.memory.maximum_mib"}}
                    changed = {key for key in before if returned.get(key) != before[key]} - raised.get(name, set())
                    if changed:
                        faults.append([file, name, value, "did not come back:", sorted(changed)])
            except libvirt.libvirtError as error:
                faults.append([file, name, value, error.get_error_message()])
            if define(first) != first:
                faults.append([file, name, value, "the former definition does not come back"])
print(json.dumps({"faults": faults, "tried": tried, "back": back}))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = Path(__file__).parent / "domains"
    files = [str(next(folder.glob(f"**/{machine}.xml"))) for machine in MACHINES]
    root, modules = str(tmp_path_factory.mktemp("qemu")), str(REPOSITORY / ".collections")
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, root, *files],
        env={"PYTHONPATH": modules, "PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "HOME": root},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_libvirt_accepts_every_edit_and_gives_the_former_values_back(outcome):
    assert outcome["faults"] == []


def test_that_was_tried_on_enough_of_them(outcome):
    assert outcome["tried"] > 150
    assert outcome["back"] > 140
