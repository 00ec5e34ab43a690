# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that says how each parameter was proven, made from what the tests in tests/lab look at.

Usage: proofs_page.py write|check
Exit status 1 if the page is not what the tests do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "proven.md"
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / ".collections"))

from ansible_collections.evolve.vm.tests.lab.proofs import DIRECT, GROUPS, Proof  # noqa: E402

_HEAD = """\
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by tests/tools/proofs_page.py from tests/lab/proofs.py: change that, not this. -->

# How each parameter was proven

What our own modules read back is one thing; that it is true is another. `make test` sets each of these on a real
virtual machine (QEMU, booted by GRUB, with PostgreSQL, MariaDB, Redis, nginx and a Java service), looks at it from
outside of the collection, gives back what was there before, and looks again: values, files byte for byte, and what two
databases hold.

| column | meaning |
|---|---|
| tier | what the change cost there |
| seen from | `guest`: a command inside; `hypervisor`: `virsh`; `process`: what the machine's process was started with |
"""
_TITLES = {
    "live": "The machine, while it runs",
    "live, totals": "Limits that exclude those",
    "one restart": "What shares one restart of the machine",
    "other devices": "Other devices, and another storage pool",
    "kernel": "The running kernel",
    "applications": "Applications",
}
_TAIL = """\
## What is proven in other ways, and what is not

* **Every entry of the catalogue** for PostgreSQL, MariaDB, Redis, nginx and Java is held against the application itself
  (PostgreSQL 15, MariaDB 10.11, Redis 7.0, nginx 1.22, OpenJDK 17): its name, default, tier, and that both ends of its
  range, all its choices and its special values are accepted and read back unchanged
  (`tests/unit/plugins/plugin_utils/catalogue`). What only MySQL has was taken from its manual: Debian has no MySQL
  server.
* **The definition of a machine** keeps everything that is not ours: shown on a set of varied definitions, canonicalised
  (`tests/unit/plugins/module_utils/hypervisor`).
* **`vm.cpu.pinning: numa_node`** needs more than one NUMA node, which the machine of the tests lacks: it is shown on
  definitions only.
* **`vm.network.*_mbit_per_second` by the hypervisor** needs `sch_htb` and `sch_sfq` in its kernel, which the machine of
  the tests lacks: the message that says so is tested, and the limits are proven in the guest, as above.
* **CPU governors** and other files of real hardware are not there in a virtual machine: `kernel.sysfs.*` is proven with
  files that are.
* **GRUB as Fedora and RHEL have it** (`grubby`) was tested against a stand-in only.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD]
    for group, proofs in GROUPS.items():
        parts += _table(_TITLES[group], proofs)
    parts += _table("A kernel that the hypervisor starts", DIRECT)
    return "\n".join([*parts, _TAIL])


def _table(title: str, proofs: tuple[Proof, ...]) -> Iterator[str]:
    yield f"## {title}\n\n| parameter | set to | tier | seen from | by | which then says |\n|---|---|---|---|---|---|"
    for proof in proofs:
        cells = [f"`{proof.parameter}`", f"`{proof.value}`", proof.tier, proof.place]
        yield (
            "| "
            + " | ".join(cell.replace("|", "\\|") for cell in [*cells, _code(proof.look), _code(proof.expected)])
            + " |"
        )
    yield ""


def _code(text: str) -> str:
    return f"`` {text} ``"


def main() -> int:
    wanted = page()
    if sys.argv[1:] == ["write"]:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if sys.argv[1:] == ["check"]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
