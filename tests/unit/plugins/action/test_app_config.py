# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of one's own of docs/guide/11-families.md, configured by the role as a user's playbook does it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[4]
GUIDE = ROOT / "docs" / "guide" / "11-families.md"
PLAYBOOK = [
    {
        "hosts": "shop",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Configure the shop",
                "evolve.vm.app_config": {
                    "configuration": "{{ evolve_configuration }}",
                    "apps": "{{ evolve_apps }}",
                    "state_directory": "{{ playbook_dir }}/state",
                },
                "register": "done",
            },
            {"name": "Say what it has", "ansible.builtin.debug": {"msg": "readback={{ done.readback | to_json }}"}},
        ],
    }
]
ORIGINAL = "# by hand\nworkers = 4"


@pytest.fixture
def shop(tmp_path):
    """The guide's example in a folder: its paths and commands are made those of a machine that has no such service."""
    (block,) = re.findall(r"```yaml\n(evolve_apps:\n  shop:.*?)```", GUIDE.read_text(), re.DOTALL)
    variables = yaml.safe_load(block)
    app = variables["evolve_apps"]["shop"]
    assert {"service", "path", "check_command", "health_command"} <= set(app), "else this test changes nothing"
    del app["service"]
    app |= {
        "path": str(tmp_path / "shop.conf"),
        "check_command": "grep -q '^workers = [0-9]*$' {file}",
        "health_command": f"test -e {tmp_path}/restarted",
        "restart_command": f"cp {tmp_path}/shop.conf {tmp_path}/restarted",
        "record_file": str(tmp_path / "record.json"),
    }
    for file in ("shop.conf", "restarted"):
        (tmp_path / file).write_text(ORIGINAL)
    (tmp_path / app["template"]).write_text("# for {{ inventory_hostname }}\nworkers = {{ app.workers }}\n")
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAYBOOK, sort_keys=False))
    (tmp_path / "variables.yml").write_text(yaml.safe_dump(variables))
    return tmp_path


def configure(folder, configuration, *arguments):
    """Run the playbook; returns what was printed, with white space folded."""
    values = folder / "values.yml"
    values.write_text(yaml.safe_dump({"evolve_configuration": configuration}))
    command = [
        *(Path(sys.executable).with_name("ansible-playbook"), "-i", "shop,", "-c", "local", folder / "play.yml"),
        *("-e", f"ansible_python_interpreter={sys.executable}"),
        *("-e", f"@{folder}/variables.yml", "-e", f"@{values}", *arguments),
    ]
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    return " ".join((done.stdout + done.stderr).split()).replace('\\"', '"')


def test_it_is_shown_configured_and_given_back(shop):
    shown = configure(shop, {"app.shop.workers": 8}, "--check", "--diff")
    assert "app.shop.workers: 4 -> 8 (restart)" in shown, shown
    assert (shop / "shop.conf").read_text() == ORIGINAL
    assert (shop / "restarted").read_text() == ORIGINAL

    told = configure(shop, {"app.shop.workers": 8})
    assert 'readback={"app.shop.workers": 8}' in told, told
    assert (shop / "restarted").read_text() == "# for shop\nworkers = 8\n"

    told = configure(shop, {"app.shop.workers": 4})
    assert 'readback={"app.shop.workers": 4}' in told, told
    assert (shop / "restarted").read_text() == ORIGINAL


def test_a_setting_that_it_has_not_changes_nothing(shop):
    assert "shop has no setting wokers. Did you mean workers?" in configure(shop, {"app.shop.wokers": 8})
    assert (shop / "shop.conf").read_text() == ORIGINAL
