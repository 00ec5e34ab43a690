# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that works on a stored study."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by the modules that run on the controller."""

    DOCUMENTATION = r"""
options:
  study:
    description: Name of the study. It is also the name of the study's folder.
    type: str
    required: true
  home:
    description:
      - Folder that holds everything a study writes, the store included unless O(store) names another.
      - By default the folder C(evolve) beside the inventory.
    type: path
  store:
    description:
      - Database that holds the studies, as an SQLAlchemy URL.
      - By default an SQLite file under O(home).
    type: str
  store_patience_seconds:
    description:
      - How long M(evolve.vm.ask), M(evolve.vm.tell), M(evolve.vm.baseline) and M(evolve.vm.judge) wait for a store that
        does not answer, because its server is being restarted for example, before they fail.
    type: float
    default: 600
    version_added: 0.2.0
attributes:
  check_mode:
    support: none
    description: Can run in check mode without changing anything.
  diff_mode:
    support: none
    description: Says in detail what would change.
  action:
    support: full
    description: Runs on the controller; the target is never contacted.
"""
