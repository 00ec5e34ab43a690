# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every family of parameters on a real machine with real applications: set, proven from outside of us, put back."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .labs import REPOSITORY, Lab
from .proofs import APPLICATIONS, GROUPS, KERNEL, LIVE, REBOOT, SLOT, Proof

VARIABLES = {
    "evolve_apps": {
        "jvm": {"service": "evolve-java", "options_file": "/etc/default/evolve-java", "variable": "JAVA_OPTS"}
    },
    "evolve_network_limits": "guest",
    "vm_sizing_boot_timeout_seconds": 90,
}
# A word that a database holds on to: whatever is done to its machine, it must still be there.
KEPT = "evolve-keeps-this"


class Machine:
    """The slot with the applications."""

    def __init__(self, lab: Lab, results: Path) -> None:
        self.lab = lab
        self._results = results
        self.output = ""

    def shell(self, command: str) -> str:
        return self.lab.shell(SLOT, command)

    def play(self, configuration: Mapping[str, Any], *options: str, **variables: Any) -> dict[str, Any]:
        """Runs the role configuration; returns the results of its parts. `output` keeps what Ansible printed."""
        self._results.unlink(missing_ok=True)
        said = {"configuration": configuration, "results": str(self._results), **VARIABLES, **variables}
        playbook = str(Path(__file__).with_name("applying.yml"))
        run = self.lab.ansible(
            "ansible-playbook", playbook, "--limit", SLOT, "-e", json.dumps(said), *options, timeout=600
        )
        self.output = run.stdout
        assert self._results.exists(), run.stdout
        results: dict[str, Any] = json.loads(self._results.read_text(encoding="utf-8"))
        return results

    def apply(self, configuration: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
        """Apply, which must work; returns what was read back."""
        results = self.play(configuration, **variables)
        failed = {part: found["msg"] for part, found in results.items() if found.get("failed")}
        assert not failed, f"{failed}\n{self.output}"
        return read_back(results)

    def read(self, names: list[str]) -> dict[str, Any]:
        return read_back(self.play(dict.fromkeys(names), reading=True))

    def files(self) -> str:
        """What every file says that an application or the kernel is configured by."""
        return self.shell(
            "cd /; find etc/postgresql etc/mysql etc/redis etc/nginx etc/default etc/sysctl.d etc/systemd/system"
            " boot/grub -type f ! -name grubenv | sort | xargs sha256sum; ls etc/systemd/system"
        )

    def keeps(self) -> bool:
        found = self.shell("su postgres -c \"psql -Atc 'select word from kept'\"; redis-cli get kept")
        return found.split() == [KEPT, KEPT]


def read_back(results: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for result in results.values():
        found |= result.get("readback") or {}
    return found


@pytest.fixture(scope="module")
def machine(applications_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine = Machine(applications_lab, tmp_path_factory.mktemp("families") / "results.json")
    table = f"create table if not exists kept as select '{KEPT}' as word"
    machine.shell(f'echo "{table}" | su postgres -c "psql -q"')
    machine.shell(f"redis-cli set kept {KEPT}; redis-cli save; sync")
    return machine


@pytest.fixture(scope="module")
def baseline(machine: Machine) -> dict[str, Any]:
    """Everything that is varied here, as it was."""
    return machine.read([proof.parameter for proofs in GROUPS.values() for proof in proofs])


def of(baseline: Mapping[str, Any], proofs: tuple[Proof, ...]) -> dict[str, Any]:
    return {proof.parameter: baseline[proof.parameter] for proof in proofs}


@pytest.mark.parametrize("group", GROUPS)
def test_family_takes_effect_and_goes_back(machine: Machine, baseline: dict[str, Any], group: str) -> None:
    proofs = GROUPS[group]
    before, files = {proof.parameter: proof.seen(machine.lab) for proof in proofs}, machine.files()
    boot = machine.lab.boot(SLOT)
    target = {proof.parameter: proof.value for proof in proofs}
    begun = time.monotonic()
    try:
        results = machine.play(target)
        print(f"{group}: {len(target)} parameters applied in {time.monotonic() - begun:.1f} s")
        assert not any(found.get("failed") for found in results.values()), machine.output
        assert read_back(results) == target
        unproven = {proof.parameter: proof.seen(machine.lab) for proof in proofs if not proof.holds(machine.lab)}
        assert not unproven
        assert (machine.lab.boot(SLOT) == boot) == all(proof.tier != "reboot" for proof in proofs)
        assert machine.keeps()
    finally:
        put_back = machine.apply(of(baseline, proofs))
    assert put_back == of(baseline, proofs)
    assert {proof.parameter: proof.seen(machine.lab) for proof in proofs if proof.place == "guest"} == {
        proof.parameter: before[proof.parameter] for proof in proofs if proof.place == "guest"
    }
    assert machine.files() == files
    assert machine.keeps()


def test_check_mode_says_what_it_would_cost_and_touches_nothing(machine: Machine, baseline: dict[str, Any]) -> None:
    boot, files = machine.lab.boot(SLOT), machine.files()
    target = {proof.parameter: proof.value for proof in (*LIVE[:3], *REBOOT, *KERNEL, *APPLICATIONS)}
    results = machine.play(target, "--check", "--diff")
    tiers = {change["parameter"]: change["tier"] for found in results.values() for change in found.get("changes", [])}
    assert tiers["vm.disk.cache"] == "reboot"
    assert tiers["kernel.sysctl.vm.swappiness"] == "live"
    assert tiers["app.postgresql.shared_buffers_mib"] == "restart"
    assert "app.postgresql.shared_buffers_mib: " in machine.output
    assert machine.lab.boot(SLOT) == boot
    assert machine.files() == files


def test_limit_that_the_host_cannot_set_is_told_with_the_way_out(machine: Machine) -> None:
    boot = machine.lab.boot(SLOT)
    results = machine.play({"vm.network.outbound_mbit_per_second": 100}, evolve_network_limits="host")
    if not results["sizing"].get("failed"):
        machine.apply({"vm.network.outbound_mbit_per_second": 0}, evolve_network_limits="host")
    else:
        assert "evolve_network_limits: guest" in results["sizing"]["msg"]
    assert machine.lab.boot(SLOT) == boot


#: What breaks a machine or an application, and a word of what says no. After each of them everything is as before.
POISONS: dict[str, tuple[dict[str, Any], str]] = {
    "more vCPUs than there can be": ({"vm.vcpus": 5000}, "takes at most"),
    "more memory than the host has": ({"vm.memory_mib": 900_000}, "host"),
    "a disk class that does not exist": ({"vm.disk.class": "ssdd"}, "Did you mean ssd?"),
    "native io with a write-back cache": ({"vm.disk.io": "native", "vm.disk.cache": "writeback"}, "native"),
    "a queue for each vCPU of a giant": ({"vm.disk.queues": 5000}, "vm.disk.queues"),
    "too little memory to boot with": ({"vm.memory_mib": 40, "vm.memory.maximum_mib": 40}, ""),
    "a network card without queues": ({"vm.network.model": "e1000e", "vm.network.queues": 4}, "queues"),
    "a kernel that does not find its init": ({"kernel.boot.init": "/nonexistent"}, ""),
    "a root that does not exist": ({"kernel.boot.root": "/dev/nowhere"}, ""),
    "a sysctl that nobody can write": ({"kernel.sysctl.kernel.ostype": "Windows"}, "nobody"),
    "a sysctl that does not exist": ({"kernel.sysctl.vm.swapiness": 1}, "Did you mean vm.swappiness?"),
    "a value that the kernel refuses": ({"kernel.sysctl.vm.dirty_ratio": 101}, "errno 22"),
    "a scheduler that there is not": ({"kernel.sysfs.block.root.queue.scheduler": "fastest"}, "mq-deadline"),
    "PostgreSQL with more memory than there is": ({"app.postgresql.shared_buffers_mib": 60_000}, "postgresql"),
    "PostgreSQL with huge pages that are not there": ({"app.postgresql.huge_pages": "on"}, "postgresql"),
    "a setting that PostgreSQL does not have": ({"app.postgresql.work_memm": 4}, "Did you mean work_mem?"),
    "MariaDB with more memory than there is": ({"app.mysql.innodb_log_buffer_size_mib": 3000}, "mysql"),
    "nginx with more connections than files": ({"app.nginx.worker_connections": 0}, "nginx"),
    "a heap larger than the address space": ({"app.jvm.heap_max_mib": 90_000_000}, "jvm"),
    "one bad among many good": (
        {
            "app.postgresql.work_mem_mib": 8,
            "app.redis.hz": 50,
            "kernel.sysctl.vm.swappiness": 3,
            "app.mysql.table_open_cache": 900,
            "app.jvm.thread_stack_kib": 1,
        },
        "jvm",
    ),
}


@pytest.mark.parametrize("poison", POISONS)
def test_poison_leaves_the_machine_on_its_baseline(machine: Machine, baseline: dict[str, Any], poison: str) -> None:
    """Failing, and then what a study does after it: the baseline is put back, by the same roles and unattended."""
    configuration, reason = POISONS[poison]
    families = {name.partition(".")[0] for name in configuration}
    own = {name: value for name, value in baseline.items() if name.partition(".")[0] in families}
    files = machine.files()
    results = machine.play(configuration, vm_sizing_boot_timeout_seconds=45)
    failures = [found["msg"] for found in results.values() if found.get("failed")]
    assert failures or "FAILED" in machine.output, machine.output
    assert reason in " ".join((*failures, machine.output)), failures
    assert machine.apply(own) == own
    assert machine.files() == files
    assert machine.keeps()


def test_after_all_poisons_everything_is_as_it_was(machine: Machine, baseline: dict[str, Any]) -> None:
    assert machine.read(list(baseline)) == baseline


STUDY: dict[str, Any] = {
    "evolve_study": "families",
    "evolve_parameters": {
        "vm.vcpus": {"range": [1, 3]},
        "vm.memory_mib": {"range": [768, 1024], "step": 64},
        "vm.cpu.quota_percent": {"range": [50, 100]},
        "vm.disk.cache": None,
        "vm.disk.write_iops": {"type": "int", "range": [2000, 9000]},
        "kernel.sysctl.vm.swappiness": None,
        "kernel.sysfs.block.root.queue.read_ahead_kb": {"type": "int", "range": [64, 512], "step": 64},
        "kernel.boot.transparent_hugepage": {"type": "choice", "values": ["default", "never", "madvise"]},
        "app.postgresql.shared_buffers_mib": {"range": [24, 96]},
        "app.postgresql.work_mem_mib": {"range": [1, 8]},
        "app.postgresql.random_page_cost": None,
    },
    "evolve_constraints": [],
    "evolve_goals": [{"metric": "cpu_events_per_second", "direction": "maximize"}],
    "evolve_benchmark": {"name": "sysbench", "tests": ["cpu"], "seconds": 1, "warmup_seconds": 0, "repeats": 1},
    "evolve_budget": {"trials": 4},
    "evolve_algorithm_options": {"population": 4},
    "evolve_baseline_repeats": 2,
    "evolve_verification": {"blocks": 1},
}


def test_study_over_all_families_at_once(machine: Machine, baseline: dict[str, Any], tmp_path: Path) -> None:
    variables = {**STUDY, **VARIABLES, "evolve_home": str(tmp_path)}
    playbook = str(REPOSITORY / "playbooks" / "evolve.yml")
    files = machine.files()
    run = machine.lab.ansible("ansible-playbook", playbook, "-e", json.dumps(variables), timeout=1500)
    assert run.returncode == 0, run.stdout
    with sqlite3.connect(tmp_path / "evolve.sqlite") as store:
        (harvest,) = store.execute("select harvest from studies").fetchone()
        rows = store.execute(
            "select t.configuration, m.readback from measurements m join trials t on t.number = m.trial"
            " where m.status = 'measured' and m.purpose = 'search'"
        ).fetchall()
    assert len(rows) >= 4, run.stdout
    for configuration, readback in rows:
        wanted = {**json.loads(harvest), **json.loads(configuration)}
        found = json.loads(readback)
        assert {name: found[name] for name in wanted} == wanted
    assert "Applying" in run.stdout
    assert "with a restart of the machine" in " ".join(run.stdout.split())
    # Volatile or not, all of it is as it was.
    worded = {name: False if value == "default" else value for name, value in json.loads(harvest).items()}
    assert machine.read(list(worded)) == worded
    assert machine.files() == files
    assert machine.keeps()
