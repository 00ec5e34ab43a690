#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the app.* values of a configuration into force, or reads those in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: app_config
short_description: Configure applications from a configuration
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Brings the C(app.*) values of a configuration into force, of all applications in one call, and reads back what each
    application has made of them.
  - Runs on the machine that runs the applications, as root.
  - Writes a file of its own beside those of the application, which holds only what deviates from them. Giving back all
    values that were in force before removes that file again.
  - Everything is checked before anything is written, by what the application itself says of its settings. Then files
    are written, the application checks them, and it is reloaded, or restarted once where any of the changes demands
    that. The call ends when it answers and has in force what was asked for.
  - When anything of that fails, what was changed in all applications of the call is put back, they are reloaded or
    restarted again, and the task fails with the words of the application. The message says whether it runs again; where
    it does not, it says C(PUTTING BACK FAILED).
  - What files held is kept under O(state_directory) until the change has proven good. When a call was cut short, the
    next call that is not in check mode first puts back what that one had changed.
  - An application that does not run is started by a configuration for it, which may be what it needs to come up. Where
    systemd says that nobody wants it to run, the task fails instead.
  - One task at a time changes or measures a machine. Another waits up to ten minutes, also for one that a controller
    which was killed has left behind, and then fails with C(failure_class=infrastructure).
notes:
  - The tests run real PostgreSQL and MariaDB servers. MySQL differs from MariaDB in how its variables are listed and
    its files are checked; that part has not been run against a real MySQL, for Debian has no package of it.
options:
  configuration:
    description:
      - A configuration, as a flat dictionary of parameter names and values. Names of other families are ignored.
      - C(app.<application>.<name>) - what O(settings) says of it. A name that is not described there is the name of a
        setting of the application, and has no unit.
    type: dict
    default: {}
  parameters:
    description:
      - Names of the values to read back. Names of other families are ignored.
      - By default those in O(configuration).
    type: list
    elements: str
  state:
    description:
      - V(applied) brings the configuration into force.
      - V(read) only reports.
    type: str
    choices: [applied, read]
    default: applied
  settings:
    description: What parameters are called by their applications.
    type: list
    elements: dict
    default: []
    suboptions:
      parameter:
        description: Name of the parameter, such as C(app.postgresql.shared_buffers_mib).
        type: str
        required: true
      name:
        description: Name that the application has for it, such as C(shared_buffers).
        type: str
        required: true
      unit:
        description:
          - Unit of the parameter's values.
          - One of V(B), V(KiB), V(MiB), V(GiB), V(TiB), V(us), V(ms), V(s), V(min), V(h), V(d), V(%), or empty for a
            value as the application has it.
        type: str
        default: ''
  apps:
    description:
      - What has to be known of the applications, as a dictionary of application and options. Everything has a default
        where the application is installed from packages of the distribution.
      - Options of all applications are V(driver) (the kind of application, by default its name), V(service) (its
        systemd unit), V(restart_command) and V(reload_command) (a list of words, or text for the shell),
        V(restart_timeout_seconds) (120), V(health_command) (has to end with 0 before the application counts as up),
        V(health_timeout_seconds) (60).
      - Options of C(postgresql) are V(cluster) (such as V(15/main), where Debian's C(pg_lsclusters) knows several),
        V(data_directory), V(config_file), V(include_dir), V(bin_directory), V(log_file), V(socket_directory), V(port),
        V(become_user) (the operating system's user, by default the owner of the data directory), V(database_user),
        V(database).
      - Options of C(mysql), which is MySQL and MariaDB, are V(program) (the server's), V(client), V(defaults_file) (the
        server's, where it is not the usual one), V(option_file) (the file of our own), V(socket), V(user),
        V(client_defaults_file) (holds the password, where one is needed), V(log_file).
      - Options of C(redis) are V(config_file), V(program) (the server's), V(client) (the command redis-cli, with its
        arguments such as C(--tls)), V(socket) or V(host) and V(port), V(user) and V(password). What is not said is
        taken from the configuration file.
      - Options of C(nginx) are V(config_file), V(program), V(reload_timeout_seconds) (30), V(drain_timeout_seconds)
        (how long old workers may take to end what they have begun, 10). Settings are directives with or without their
        context, such as C(events.worker_connections), C(http.gzip) and C(worker_processes).
      - Options of C(jvm) are V(service), or V(pid_file) or V(process) (words of its command line), to find the process;
        V(options_file), with V(variable) where it is a file of shell variables, and without a file V(variable), a
        variable of the environment of the service (C(JDK_JAVA_OPTIONS)); V(java); V(up_seconds) (how long it has to run
        to count as up, 2). Settings are names of C(-XX) flags, and C(heap) (both C(-Xms) and C(-Xmx)), C(gc), C(Xmx),
        C(Xms) and C(Xss).
      - Options of any other application are V(template) (which the controller renders), V(path), V(tier) (V(restart) or
        V(reload)), V(check_command) and V(read_command) (prints a JSON object, or lines of name=value), in which the
        word file in braces stands for the path, and V(present) (the values before the first configuration).
    type: dict
    default: {}
  state_directory:
    description: Where what files held is kept until a change has proven good.
    type: path
    default: /var/lib/evolve.vm/apps
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
    description: Reports what would change and writes nothing.
  diff_mode:
    support: full
    description: One line for each parameter, old value, new value and tier.
  platform:
    support: full
    description: Where the module runs.
    platforms: Linux
seealso:
  - module: evolve.vm.tunables
  - module: evolve.vm.vm_config
"""

EXAMPLES = r"""
- name: Give PostgreSQL more memory
  evolve.vm.app_config:
    configuration:
      app.postgresql.shared_buffers_mib: 512
      app.postgresql.work_mem_mib: 16
    settings:
      - {parameter: app.postgresql.shared_buffers_mib, name: shared_buffers, unit: MiB}
      - {parameter: app.postgresql.work_mem_mib, name: work_mem, unit: MiB}
  become: true

- name: Try another setting of the second cluster on this machine, by the name that PostgreSQL has for it
  evolve.vm.app_config:
    configuration:
      app.postgresql.random_page_cost: 1.1
    apps:
      postgresql:
        cluster: 15/reports
        health_command: psql -d shop -c 'SELECT 1 FROM orders LIMIT 1'
  become: true

- name: Read a variable of MariaDB
  evolve.vm.app_config:
    state: read
    parameters:
      - app.mysql.innodb_flush_method
  become: true
  register: present
"""

RETURN = r"""
tier:
  description: The costliest tier among the changes, or V(none).
  type: str
  returned: success
  sample: restart
changes:
  description: What was changed, or would be in check mode.
  type: list
  elements: dict
  returned: success
  contains:
    parameter:
      description: Name of the parameter.
      type: str
    before:
      description: Value that was in force; null where the application did not run.
      type: raw
    after:
      description: Value asked for.
      type: raw
    tier:
      description: What the change cost, V(live), V(reload) or V(restart).
      type: str
  sample: [{parameter: app.postgresql.work_mem_mib, before: 4, after: 16, tier: reload}]
readback:
  description:
    - The values really in force, in the units of the parameters, and written as in O(configuration) where both mean the
      same, such as V(true) and V(on).
    - In check mode without those of applications that do not run.
  type: dict
  returned: success
  sample: {app.postgresql.work_mem_mib: 16}
apps:
  description: What was done to each application, or would be in check mode.
  type: dict
  returned: success
  sample: {postgresql: {restarted: false, reloaded: true}}
failure_class:
  description:
    - On failure. V(configuration) where an application has refused values, or did not run with them, and runs again as
      before. V(infrastructure) where it could not be put back, or could not be spoken with at all.
    - Left out where names or options are wrong, and where the application had not run before either.
  type: str
  returned: failure
  sample: configuration
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.apps.applying import ConfiguringFailed, configure_apps
from ansible_collections.evolve.vm.plugins.module_utils.apps.managed_file import STATE_DIRECTORY
from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated


def main() -> None:
    module = AnsibleModule(
        argument_spec={
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
            "state_directory": {"type": "path", "default": STATE_DIRECTORY},
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "simulation_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    refuse_simulated(module, "app_config")
    try:
        result = configure_apps(module.params, module.check_mode, lambda: machine_lock(GUEST))
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except ConfiguringFailed as error:
        known = {"failure_class": error.failure_class} if error.failure_class else {}
        module.fail_json(msg=str(error), **known)
    for note in result.pop("notes"):
        module.warn(note)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
