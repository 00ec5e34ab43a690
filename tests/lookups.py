# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookups in a real playbook, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

COLLECTIONS = Path(__file__).parents[1] / ".collections"


class Answered(NamedTuple):
    """What came of each query, in their order: its result, or the message of its error. printed: with -vvv."""

    results: list[Any]
    printed: str


def queried(
    folder: Path,
    lookup: str,
    *queries: str,
    variables: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    config: str = "",
    environment: Mapping[str, str] | None = None,
    words: tuple[str, ...] = (),
) -> Answered:
    """Queries of a lookup, each given as its arguments in Jinja, in one playbook for localhost.

    files: more of them beside the playbook, by name; config: more lines of ansible.cfg; words: more arguments of
    ansible-playbook.
    """
    tasks: list[dict[str, Any]] = [
        {
            "name": "Ask",
            "ansible.builtin.set_fact": {f"found_{number}": f"{{{{ query('evolve.vm.{lookup}', {query}) }}}}"},
            "register": f"asked_{number}",
            "ignore_errors": True,
        }
        for number, query in enumerate(queries)
    ]
    results = ", ".join(f"found_{number} | default(asked_{number}.msg)" for number in range(len(queries)))
    written = {"content": f"{{{{ [{results}] | to_json }}}}", "dest": str(folder / "found.json")}
    tasks.append({"name": "Write", "ansible.builtin.copy": {**written, "mode": "0600"}})
    given = {"ansible_python_interpreter": sys.executable, **(variables or {})}
    play = [{"name": "Ask", "hosts": "localhost", "gather_facts": False, "vars": given, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(play))
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {COLLECTIONS}\n{config}")
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "EVOLVE_"))}
    own = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", "-vvv", *words),
            "play.yml",
        ],
        cwd=folder,
        env={**inherited, **own, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return Answered(json.loads((folder / "found.json").read_text()), printed)
