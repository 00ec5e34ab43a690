# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a guest that has been restarted answers.

ansible.builtin.wait_for_connection runs a whole module in the guest to find out, which costs an emulated guest several
seconds, and first tries a connection that ssh keeps open to the guest as it was before.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Only connects: what is run in the guest is `true`."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"timeout_seconds", "connect_timeout_seconds", "pause_seconds"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            argument_spec={
                "timeout_seconds": {"type": "int", "default": 300},
                "connect_timeout_seconds": {"type": "int", "default": 5},
                "pause_seconds": {"type": "float", "default": 0.5},
            }
        )
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True}
        # Not every connection plugin has this option.
        with suppress(AnsibleError, KeyError):
            self._connection.set_option("timeout", options["connect_timeout_seconds"])
        begun = time.monotonic()
        while True:
            reason = self._try()
            seconds = time.monotonic() - begun
            result.update(changed=False, answered=not reason, seconds=round(seconds, 1))
            if not reason:
                return result
            if seconds > options["timeout_seconds"]:
                result.update(failed=True, msg=f"The guest does not answer after {seconds:.0f} s: {reason}")
                return result
            time.sleep(options["pause_seconds"])

    def _try(self) -> str:
        """Connect afresh; returns why that failed, or nothing."""
        try:
            self._connection.reset()
            done = self._low_level_execute_command("true", sudoable=False)
        except AnsibleConnectionFailure as error:
            return str(error)
        return "" if done["rc"] == 0 else (done["stderr"] or done["stdout"] or "the command true failed")
