# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions vm_config, tunables and benchmark share: answering for simulated machines, and only for them."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.orphans import workers_end_with_controller
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import MachineLostError, SimulationError

workers_end_with_controller()


class SimulatedAction(NormalAction):  # type: ignore[misc]
    """With `hypervisor: simulated` the result is computed on the controller, without a connection, for the machine
    named by inventory_hostname. With anything else this is Ansible's own action: the module runs on the target.

    Subclasses give `OPTIONS` (the module's own) and `simulate`.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {}

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        if self._task.args.get("hypervisor") != "simulated":
            real: dict[str, Any] = super().run(tmp, task_vars)
            return real
        # Nothing is left that Ansible could wait for, so it must not poll.
        self._task.async_val = 0
        # Past the normal action, which would run the module.
        result: dict[str, Any] = super(NormalAction, self).run(tmp, task_vars)
        result.update(simulated=True)
        try:
            result.update(self.simulate(self._options(), str(task_vars["inventory_hostname"]), self._task.check_mode))
        except MachineLostError as error:
            result.update(unreachable=True, changed=False, msg=str(error))
        except SimulationError as error:
            result.update(failed=True, changed=False, msg=str(error), failure_class="infrastructure")
        return result

    @abstractmethod
    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        """The result of the module with these options, all of plain types, for the machine of this name."""

    def _options(self) -> dict[str, Any]:
        """The task's options, checked as the module would check them, in plain types."""
        # Through JSON: on ansible-core 2.19 values are tagged subclasses, which must not reach a result.
        given = json.loads(json.dumps(self._task.args))
        checked = ArgumentSpecValidator(deepcopy(dict(self.OPTIONS))).validate(given)
        messages = [message.rstrip(".") for message in checked.error_messages]
        options: dict[str, Any] = checked.validated_parameters
        if not options.get("simulation_directory"):
            messages.append("hypervisor is simulated but simulation_directory, the folder of its machines, is missing")
        if messages:
            raise AnsibleActionFail(f"{self._task.action}: {'; '.join(messages)}")
        return options
