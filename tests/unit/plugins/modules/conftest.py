# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls modules with arguments as Ansible calls them."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.warnings import _global_warnings

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core before 2.19

    @contextmanager
    def patch_module_args(arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
            yield


@pytest.fixture
def run_module(capsys):
    """Call a module's main: `run_module(vm_config, check_mode=True, name="x")`; returns its result."""

    def run(module, check_mode=False, **options):
        with pytest.MonkeyPatch.context() as patch:
            # Where a test has loaded the controller's side, ansible-core 2.19 would show a module's warnings itself.
            patch.setattr("ansible.module_utils._internal.is_controller", False, raising=False)
            # Those of modules that ran in this process before.
            patch.setattr("ansible.module_utils.common.warnings._global_warnings", type(_global_warnings)())
            with patch_module_args({"_ansible_check_mode": check_mode, **options}), pytest.raises(SystemExit) as ended:
                module.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) == result.get("failed", False)
        return result

    return run
