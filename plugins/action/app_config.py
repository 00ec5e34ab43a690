# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configure applications: of a real machine through the module of the same name, of a simulated one here.

What the module cannot know on the target is found here: what the catalogue says of a parameter's name and unit, and
what a template of the user's gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import lookup_loader

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.apps import PREFIX, configure_apps


class ActionModule(SimulatedAction):
    """The machine is the one the task runs on."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "configuration": {"type": "dict", "default": {}},
        "parameters": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
        "settings": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "parameter": {"type": "str", "required": True},
                "name": {"type": "str", "required": True},
                "unit": {"type": "str", "default": ""},
            },
        },
        "apps": {"type": "dict", "default": {}},
        "state_directory": {"type": "path", "default": "/var/lib/evolve.vm/apps"},
        "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
        "simulation_directory": {"type": "path"},
    }

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        arguments = dict(self._task.args)
        configuration = arguments.get("configuration") or {}
        names = [*configuration, *(arguments.get("parameters") or [])]
        described = {setting.get("parameter") for setting in arguments.get("settings") or []}
        arguments["settings"] = [*(arguments.get("settings") or []), *_settings(set(names) - described)]
        if arguments.get("hypervisor") != "simulated":
            arguments["apps"] = self._rendered(arguments, configuration, task_vars or {})
        self._task.args = arguments
        return super().run(tmp, task_vars)

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        return configure_apps(options, machine, check_mode)

    def _rendered(
        self, arguments: Mapping[str, Any], configuration: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The user's applications with the content of their files in place of templates.

        A template sees the values of the configuration as `app.<name>`, and those that it does not name as `present`
        gives them.
        """
        apps = {}
        for name, options in (arguments.get("apps") or {}).items():
            apps[name] = options
            if not isinstance(options, Mapping) or "template" not in options:
                continue
            start = f"{PREFIX}{name}."
            values = {key.removeprefix(start): value for key, value in configuration.items() if key.startswith(start)}
            apps[name] = {key: value for key, value in options.items() if key != "template"}
            if values and arguments.get("state", "applied") == "applied":
                present = options.get("present") or {}
                apps[name]["content"] = self._render(str(options["template"]), {**present, **values}, variables)
        return apps

    def _render(self, template: str, values: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        rendered = lookup.run([template], dict(variables), template_vars={"app": dict(values)})
        if not rendered:
            raise AnsibleActionFail(f"{template}: this template gives nothing")
        return str(rendered[0])


def _settings(names: set[str]) -> list[dict[str, str]]:
    """What the catalogue says of the application's parameters among these, for the module to speak to applications."""
    known = catalogue()
    found = []
    for parameter in sorted(name for name in names if name.startswith(PREFIX) and known.entry(name) is not None):
        setting, unit = known.setting(parameter)
        found.append({"parameter": parameter, "name": setting, "unit": unit})
    return found
