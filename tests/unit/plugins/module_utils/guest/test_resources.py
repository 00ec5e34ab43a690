# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs and memory seen from inside, on a stand-in for sysfs; a real hot-plug is in tests/lab/test_applying.py."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.guest.resources import GuestError, GuestResources


class Kernel:
    """Plays the kernel's part: a CPU whose `online` is written joins the list, if it is present."""

    def __init__(self, root, online, present):
        self.cpus = root / "sys/devices/system/cpu"
        self.cpus.mkdir(parents=True)
        (root / "proc").mkdir()
        (root / "proc/meminfo").write_text("MemFree: 12 kB\nMemTotal:        994864 kB\n")
        (self.cpus / "possible").write_text("0-7\n")
        self.online = set(online)
        self.list("online", online)
        self.plug(present)

    def list(self, name, numbers):
        # As one step, or a reader would find the list half-written.
        (self.cpus / f"{name}.new").write_text(",".join(map(str, sorted(numbers))) + "\n")
        (self.cpus / f"{name}.new").rename(self.cpus / name)

    def plug(self, present):
        for number in present:
            if not (self.cpus / f"cpu{number}").exists():
                (self.cpus / "folder.new").mkdir()
                (self.cpus / "folder.new/online").write_text("1" if number in self.online else "0")
                (self.cpus / "folder.new").rename(self.cpus / f"cpu{number}")
        self.list("present", present)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for folder in self.cpus.glob("cpu*"):
                if (folder / "online").read_text().strip() == "1":
                    self.online.add(int(folder.name[3:]))
            self.list("online", self.online)
            time.sleep(0.01)


def test_reads_lists_and_memory(tmp_path):
    Kernel(tmp_path, online=[0], present=[0])
    (tmp_path / "sys/devices/system/cpu/online").write_text("0-2,5\n")
    (tmp_path / "sys/devices/system/cpu/present").write_text("0-7\n")
    guest = GuestResources(str(tmp_path))
    assert guest.online() == [0, 1, 2, 5]
    assert guest.offline() == [3, 4, 6, 7]
    assert guest.memory_mib() == 971


def test_brings_as_many_online_as_asked_and_not_more(tmp_path):
    kernel = Kernel(tmp_path, online=[0], present=[0, 1, 2, 3])
    thread = threading.Thread(target=kernel.run, args=[1.0])
    thread.start()
    assert GuestResources(str(tmp_path)).bring_online(3, seconds=5) == [1, 2]
    thread.join()
    assert kernel.online == {0, 1, 2}


def test_waits_for_a_cpu_that_appears_late(tmp_path):
    kernel = Kernel(tmp_path, online=[0], present=[0])
    thread = threading.Thread(target=kernel.run, args=[2.0])
    late = threading.Timer(0.4, kernel.plug, [[0, 1]])
    thread.start()
    late.start()
    assert GuestResources(str(tmp_path)).bring_online(2, seconds=5) == [1]
    thread.join()


def test_nothing_to_do(tmp_path):
    Kernel(tmp_path, online=[0, 1], present=[0, 1])
    assert GuestResources(str(tmp_path)).bring_online(2, seconds=0) == []


@pytest.mark.parametrize(("vcpus", "has"), [(4, 2), (1, 2)])
def test_fails_when_it_does_not_come_to_exactly_that_many(tmp_path, vcpus, has):
    Kernel(tmp_path, online=[0, 1], present=[0, 1])
    with pytest.raises(GuestError, match=rf"{vcpus} CPUs should be online in the guest; after 0.2 s it has {has} "):
        GuestResources(str(tmp_path)).bring_online(vcpus, seconds=0.2)


def test_says_why_a_cpu_does_not_come_online(tmp_path):
    kernel = Kernel(tmp_path, online=[0], present=[0, 1])
    (kernel.cpus / "cpu1/online").unlink()
    (kernel.cpus / "cpu1/online").mkdir()
    with pytest.raises(GuestError, match=r"CPU 1 does not come online: Is a directory \(errno 21\)"):
        GuestResources(str(tmp_path)).bring_online(2, seconds=0.2)
