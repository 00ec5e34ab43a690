# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for node_exporter, shown by the real one, and looked over by promtool."""

from __future__ import annotations

import subprocess
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.exposition import exposition, write_exposition
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, tagged
from ansible_collections.evolve.vm.tests.prometheus_servers import START_SECONDS
from ansible_collections.evolve.vm.tests.servers import free_port, program, wait_until

ODD = 'a "quoted" \\ back\nline ü'
POINTS = [
    Point("evolve_vm", "cpu_steal_percent", tagged(host="vm-2", study="web"), 2000, 0.1 + 0.2),
    Point("evolve_vm", "cpu_steal_percent", tagged(host="vm-1", study="web"), 2000, 5.0),
    Point("evolve_vm", "cpu_steal_percent", tagged(host="vm-1", study="web"), 1000, 4.0),
    Point("evolve_run", "fitness", tagged(study=ODD, trial="7"), 1000, -1.5e-07),
    Point("evolve_trials", "value", (), 1000, 12.0),
]


def test_the_latest_points_are_shown():
    assert exposition(POINTS) == (
        "# HELP evolve_run_fitness fitness of evolve_run\n"
        "# TYPE evolve_run_fitness gauge\n"
        'evolve_run_fitness{study="a \\"quoted\\" \\\\ back\\nline ü",trial="7"} -1.5e-07\n'
        "# HELP evolve_trials value of evolve_trials\n"
        "# TYPE evolve_trials gauge\n"
        "evolve_trials 12.0\n"
        "# HELP evolve_vm_cpu_steal_percent the share in which its vCPUs want to run and the host runs something else\n"
        "# TYPE evolve_vm_cpu_steal_percent gauge\n"
        'evolve_vm_cpu_steal_percent{host="vm-1",study="web"} 5.0\n'
        'evolve_vm_cpu_steal_percent{host="vm-2",study="web"} 0.30000000000000004\n'
    )
    assert exposition([]) == ""


def test_promtool_finds_nothing_wrong():
    command = [program("promtool", "prometheus"), "check", "metrics"]
    done = subprocess.run(command, input=exposition(POINTS), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_node_exporter_shows_them(tmp_path):
    path = tmp_path / "textfiles" / "evolve.prom"
    write_exposition(path, POINTS)
    port = free_port()
    command = [
        program("prometheus-node-exporter", "prometheus-node-exporter"),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={path.parent}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def shown():
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode().splitlines()

    def answers():
        try:
            return bool(shown())
        except (URLError, OSError):
            return False

    with (tmp_path / "log").open("wb") as log:
        exporter = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(answers, START_SECONDS)
        lines = shown()
        assert "node_textfile_scrape_error 0" in lines
        assert 'evolve_vm_cpu_steal_percent{host="vm-1",study="web"} 5' in lines
        assert 'evolve_vm_cpu_steal_percent{host="vm-2",study="web"} 0.30000000000000004' in lines
        assert 'evolve_run_fitness{study="a \\"quoted\\" \\\\ back\\nline ü",trial="7"} -1.5e-07' in lines
        write_exposition(path, [POINTS[-1]._replace(value=13.0)])
        lines = shown()
        assert [line for line in lines if line.startswith("evolve_")] == ["evolve_trials 13"]
    finally:
        exporter.terminate()
        exporter.wait(30)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "evolve.prom"
    write_exposition(path, POINTS)
    before = path.read_text()
    with pytest.raises(BackendError, match="is no name of a label"):
        write_exposition(path, [Point("evolve_vm", "x", (("a-b", "c"),), 1, 1.0)])
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["evolve.prom"]
    with pytest.raises(FileError, match=r"names end with \.prom"):
        write_exposition(tmp_path / "evolve.txt", POINTS)
