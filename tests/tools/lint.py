# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of `make lint`: runs every step, two at a time, and says how long each took.

Usage: lint.py [step ...]
A step prints nothing unless it fails. Exit status 1 if any step failed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = "tests/tools"
NAMESPACE = "ansible_collections.evolve.vm.plugins"

# Longest first, so that the two lanes end together.
STEPS = {
    "ansible-test-sanity": f"python {TOOLS}/sanity.py",
    "ansible-lint": "ansible-lint -q",
    "antsibull-docs": "antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .",
    "mypy": f"mypy -p {NAMESPACE}.plugin_utils -p {NAMESPACE}.module_utils",
    "python-3.8": "vermin --target=3.8- --no-tips --violations plugins/modules plugins/module_utils",
    "ruff-check": "ruff check",
    "ruff-format": "ruff format --diff",
    "antsibull-changelog": "antsibull-changelog lint",
    "spdx": f"python {TOOLS}/spdx.py",
    "role-arguments": f"python {TOOLS}/role_arguments.py",
}


def run_step(name: str) -> tuple[str, bool, float, str]:
    """Runs one step; returns its name, whether it passed, its seconds and what it printed."""
    started = time.monotonic()
    command, *arguments = shlex.split(STEPS[name])
    # The tools stand beside the interpreter that runs this file, whether or not its environment is activated.
    tools = Path(sys.executable).parent
    completed = subprocess.run(
        [str(tools / command), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "NO_COLOR": "1", "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return name, completed.returncode == 0, time.monotonic() - started, completed.stdout


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"No such step: {', '.join(unknown)}. There are: {', '.join(STEPS)}")
        return 2
    failed = []
    with ThreadPoolExecutor(max_workers=2) as lanes:
        for future in as_completed([lanes.submit(run_step, name) for name in names or STEPS]):
            name, passed, seconds, output = future.result()
            print(f"  {'ok    ' if passed else 'FAILED'}  {name:<22} {seconds:6.1f} s", flush=True)
            if not passed:
                failed.append(name)
                print(output.rstrip(), flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}. One step alone: make lint STEPS={failed[0]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
