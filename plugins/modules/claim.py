#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a machine for a study, gives it back, or checks that nobody has it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: claim
short_description: Have a machine for one study at a time
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Keeps on a machine which study it belongs to, so that no two studies change it at once, whatever stores and
    controllers they use, and so that a configuration is not applied to a machine which is being measured.
  - The claim of a study that was killed stays, because the machine may be in the configuration of a trial. The same
    study takes the machine up again without further ado; another one has to be told to take it over.
  - Runs on the machine, as root.
options:
  state:
    description:
      - V(taken) has the machine for the study, V(released) gives it back if it is that study's.
      - V(free) only fails if some study has it.
    type: str
    choices: [taken, released, free]
    default: taken
  study:
    description: The study's name. Required unless O(state=free).
    type: str
  begun_at:
    description: When the study was begun, which tells it from another of the same name. Required with O(study).
    type: str
  take_over:
    description: Take the machine even from another study.
    type: bool
    default: false
  hypervisor:
    description:
      - The platform the machine runs on, as for M(evolve.vm.vm_config).
      - It makes no difference to this module, except that V(simulated) is answered on the controller by the action
        plugin of the same name, never by this module.
    type: str
    choices: [libvirt, simulated]
    default: libvirt
  simulation_directory:
    description: Where simulated machines are kept, for O(hypervisor=simulated) only.
    type: path
attributes:
  check_mode:
    support: full
    description: Fails as it would, and changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show.
  platform:
    support: full
    description: Where the module runs.
    platforms: posix
seealso:
  - module: evolve.vm.study
"""

EXAMPLES = r"""
- name: Make sure that no study is at work on the machine
  evolve.vm.claim:
    state: free
  become: true
"""

RETURN = r"""
msg:
  description: Which study has the machine, and what to do.
  type: str
  returned: failure
"""

import socket

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.machine_claim import Claim, ClaimError, settle
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated

_REQUIRED = [("state", "taken", ("study", "begun_at")), ("state", "released", ("study", "begun_at"))]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "released", "free"], "default": "taken"},
            "study": {"type": "str"},
            "begun_at": {"type": "str"},
            "take_over": {"type": "bool", "default": False},
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "simulation_directory": {"type": "path"},
        },
        required_if=_REQUIRED,
        supports_check_mode=True,
    )
    options = module.params
    refuse_simulated(module, "claim")
    try:
        changed = settle(Claim(socket.gethostname()), options, module.check_mode)
    except ClaimError as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except OSError as error:
        module.fail_json(
            msg=f"The claim cannot be kept on this machine: {error}. Run the task with become.",
            failure_class="infrastructure",
        )
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
