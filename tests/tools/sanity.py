# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` on a copy of the checkout and accepts no ignore file.

ansible-test wants the tree at ansible_collections/evolve/vm, and builds an environment a test under its home folder.
Both are kept in .cache/sanity, so that a second run is quick and nothing is written outside the checkout.

Usage: sanity.py [argument of ansible-test sanity ...]
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "sanity"
HOME = CACHE / "home"
TREE = CACHE / "tree" / "ansible_collections" / "evolve" / "vm"

# The version that ansible-test of ansible-core 2.17 to 2.19 puts into its environments.
PIP_VERSION = "24.2"

# Any other warning means that something was not tested.
HARMLESS_WARNINGS = re.compile(
    r'Reviewing previous|Using locale "|Skipping sanity test ".*" on Python \S+ because it could not be found'
)
NOISE = re.compile(r"Running sanity test|Installing requirements|Using cached pip|WARNING: (Reviewing|Using locale)")


def copy_tree() -> None:
    """Makes TREE hold exactly the files that git knows or would add."""
    listing = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    shutil.rmtree(TREE, ignore_errors=True)
    for name in listing.stdout.split("\0"):
        source, target = REPOSITORY / name, TREE / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    # Its own repository: in the checkout's, ansible-test would find this folder ignored, and everything in it.
    subprocess.run(["git", "-C", str(TREE), "init", "--quiet"], check=True)


def configure_pip() -> None:
    """Carries pip's settings over: ansible-test drops PIP_* variables, and HOME is another one there."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, text=True, check=True
    )
    settings: dict[str, str] = {}
    for line in listing.stdout.splitlines():
        name, value = line.split("=", maxsplit=1)
        scope, option = name.rsplit(".", maxsplit=1)
        # The environment comes first and wins over files, as it does for pip; settings of single commands are left out.
        if scope in (":env:", "global"):
            settings.setdefault(option, ast.literal_eval(value))
    settings["quiet"] = "2"
    parser = ConfigParser(interpolation=None)
    parser["global"] = settings
    file = HOME / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8") as stream:
        parser.write(stream)


def seed_pip() -> None:
    """Puts a stand-in for get-pip.py where ansible-test looks first: then a package index is all it needs."""
    cache = HOME / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{PIP_VERSION.replace('.', '_')}.py"
    if script.is_file():
        return
    cache.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(cache)]
    subprocess.run([*download, f"pip=={PIP_VERSION}"], check=True)
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(cache / f'pip-{PIP_VERSION}-py3-none-any.whl')!r})\n"
        "from pip._internal.cli.main import main\n"
        'options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]\n'
        'sys.argv[0] = "pip"\n'
        'sys.exit(main(["install", *options]))\n',
        encoding="utf-8",
    )


def search_path() -> str:
    """PATH with this environment first, then every Python that pyenv keeps: modules are tested on old ones too."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons = sorted(pyenv.glob("versions/*/bin"))
    return os.pathsep.join([str(Path(sys.executable).parent), *map(str, pythons), os.environ["PATH"]])


def main(arguments: list[str]) -> int:
    ignore_files = sorted(REPOSITORY.glob("tests/sanity/ignore*.txt"))
    for file in ignore_files:
        print(f"{file.relative_to(REPOSITORY)}: faults are mended here, not ignored")
    copy_tree()
    path = search_path()
    HOME.mkdir(parents=True, exist_ok=True)
    configure_pip()
    seed_pip()
    process = subprocess.Popen(
        ["ansible-test", "sanity", "--color", "no", *arguments],
        cwd=TREE,
        env={**os.environ, "HOME": str(HOME), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    not_tested = []
    with process:
        for line in process.stdout:
            if not NOISE.match(line):
                print(line, end="", flush=True)
            if line.startswith("WARNING: ") and not HARMLESS_WARNINGS.match(line.removeprefix("WARNING: ")):
                not_tested.append(line)
    if not_tested:
        print("Taken as failures, since they leave something untested:", *not_tested, sep="\n")
    return 1 if process.returncode or not_tested or ignore_files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
