# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen output of real playbook runs, line by line."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from ansible_collections.evolve.vm.plugins.callback import progress

# Not resolved: a checkout stands in its collections folder as a symbolic link.
_COLLECTIONS = Path(progress.__file__).parents[5]
_PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"
_ACTION = '''
import time
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    """Returns its arguments as its result, after a while."""

    def run(self, tmp=None, task_vars=None):
        result = dict(self._task.args)
        time.sleep(float(result.pop("seconds", 0)))
        return result
'''


class _Run:
    """Runs playbooks in a folder of their own, with an action `speak` whose arguments are its result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "action_plugins").mkdir()
        (folder / "action_plugins" / "speak.py").write_text(_ACTION)
        (folder / "ansible.cfg").write_text(
            f"[defaults]\ncollections_path = {_COLLECTIONS}\nstdout_callback = evolve.vm.progress\n"
            "retry_files_enabled = false\nlocalhost_warning = false\n"
        )

    def __call__(
        self, playbook: str, *arguments: str, status: int = 0, hosts: str = "web1,", **environment: str
    ) -> list[str]:
        """Standard output's lines without those at the edges that are empty; fails on any other exit status."""
        done = subprocess.run(
            self.command(playbook, *arguments, hosts=hosts),
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        self.errors = done.stderr
        return done.stdout.strip("\n").split("\n")

    def command(self, playbook: str, *arguments: str, hosts: str = "web1,") -> list[str]:
        (self.folder / "play.yml").write_text(dedent(playbook))
        return [str(_PLAYBOOK_COMMAND), "-i", hosts, "-c", "local", "play.yml", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "EVOLVE_", "PYTHON"))
        }
        return kept | {"ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"), "LC_ALL": "C.UTF-8"} | more


@pytest.fixture
def run(tmp_path: Path) -> _Run:
    return _Run(tmp_path)


def test_only_what_tasks_have_to_say_is_shown(run: _Run) -> None:
    (run.folder / "more.yml").write_text("- speak: {progress: included}\n")
    lines = run(
        """
        - name: Measure the baseline
          hosts: all
          gather_facts: false
          tasks:
            - name: Silent, and ok
              speak: {changed: false}
            - name: Silent, and changed
              speak: {changed: true}
            - name: Skipped
              speak: {progress: never said}
              when: false
            - name: Speaks
              speak: {progress: "trial 1: +3.2 %", changed: true}
            - name: Speaks for each item
              speak: {progress: "repeat {{ item }}"}
              loop: [1, 2]
            - name: A result that is no text is not a line
              speak: {progress: 5}
            - name: Includes
              ansible.builtin.include_tasks: more.yml
        - name: Second play
          hosts: all
          gather_facts: false
          tasks: []
        """
    )
    assert lines == [
        "Measure the baseline",
        "  trial 1: +3.2 %",
        "  repeat 1",
        "  repeat 2",
        "  included",
        "",
        "Second play",
        "",
        "Done: 1 host, nothing failed.",
    ]


def test_debug_is_plain_text(run: _Run) -> None:
    lines = run(
        """
        - hosts: all
          gather_facts: false
          vars: {size: 3}
          tasks:
            - ansible.builtin.debug:
                msg: |-
                  Better by +12.3 %.

                    vm.vcpus  2 -> 4
            - ansible.builtin.debug: {msg: [first, second]}
            - ansible.builtin.debug: {msg: "item {{ item }}"}
              loop: [x, y]
            - ansible.builtin.debug: {var: size}
            - ansible.builtin.debug: {msg: too quiet to show, verbosity: 1}
        """
    )
    assert lines[0] == "all"
    assert lines[1:4] == ["Better by +12.3 %.", "", "  vm.vcpus  2 -> 4"]
    assert lines[4:8] == ["first", "second", "item x", "item y"]
    assert [line.strip() for line in lines[8:9]] == ["size: 3"]
    assert lines[9:] == ["", "Done: 1 host, nothing failed."]


_RESCUES = """
- name: Breed
  hosts: all
  gather_facts: false
  strategy: {strategy}
  tasks:
    - block:
        - name: Direct
          ansible.builtin.fail:
            msg: |
              The guest did not answer.
              More that only the log needs.
      rescue:
        - speak: {{progress: rescued}}
    - block:
        - ansible.builtin.include_tasks: failing.yml
      rescue:
        - speak: {{progress: rescued the included}}
    - block:
        - ansible.builtin.include_role: {{name: failing}}
      rescue:
        - speak: {{progress: rescued the role}}
    - block:
        - block:
            - speak: {{failed: true, msg: first}}
          rescue:
            - speak: {{failed: true, msg: second}}
      rescue:
        - speak: {{progress: rescued both}}
    - block:
        - speak: {{failed: true, msg: "bad {{{{ item }}}}"}}
          loop: [x]
      rescue:
        - speak: {{progress: rescued the loop}}
    - speak: {{failed: true, msg: wanted}}
      ignore_errors: true
"""


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_handled_failures_are_a_line(run: _Run, strategy: str) -> None:
    (run.folder / "failing.yml").write_text("- block:\n    - speak: {failed: true, msg: deep}\n")
    (run.folder / "roles" / "failing" / "tasks").mkdir(parents=True)
    (run.folder / "roles" / "failing" / "tasks" / "main.yml").write_text("- speak: {failed: true, msg: in a role}\n")
    lines = run(_RESCUES.format(strategy=strategy))
    assert lines == [
        "Breed",
        "  web1: The guest did not answer. (handled)",
        "  rescued",
        "  web1: deep (handled)",
        "  rescued the included",
        "  web1: in a role (handled)",
        "  rescued the role",
        "  web1: first (handled)",
        "  web1: second (handled)",
        "  rescued both",
        "  web1: bad x (handled)",
        "  rescued the loop",
        "  web1: wanted (ignored)",
        "",
        "Done: 1 host, nothing failed.",
    ]
    assert run.errors == ""


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_failures_nobody_handles_are_shown_in_full(run: _Run, strategy: str) -> None:
    lines = run(
        f"""
        - name: Breed
          hosts: all
          gather_facts: false
          strategy: {strategy}
          tasks:
            - block:
                - speak: {{failed: true, msg: handled first}}
              rescue:
                - name: Give up
                  ansible.builtin.fail:
                    msg: |
                      Two faults:
                        vm.vcpus: 99 is above 8
                        vm.memory: no such parameter
              always:
                - speak: {{progress: cleaned up}}
        """,
        status=2,
    )
    text = "\n".join(lines)
    assert "TASK [Give up]" in text
    assert "fatal: [web1]: FAILED!" in text
    # Readable as it was written, not as one line full of \\n.
    assert re.search(r"^ +Two faults:\n +vm.vcpus: 99 is above 8\n +vm.memory: no such parameter$", text, re.MULTILINE)
    assert lines[-4:] == ["  cleaned up", "", "Done, with trouble on 1 of 1 host:", "  web1: 1 failed"]


def test_failure_in_always_is_not_called_handled(run: _Run) -> None:
    lines = run(
        """
        - name: Breed
          hosts: all
          gather_facts: false
          tasks:
            - block:
                - speak: {}
              rescue:
                - speak: {}
              always:
                - speak: {failed: true, msg: in always}
        """,
        status=2,
    )
    assert "(handled)" not in "\n".join(lines)
    assert any(line.startswith("fatal: [web1]: FAILED!") for line in lines)


def test_unreachable_hosts(run: _Run) -> None:
    playbook = """
        - name: Reach
          hosts: all
          gather_facts: false
          tasks:
            - speak: {{unreachable: true, msg: no route}}
              ignore_unreachable: {ignored}
        """
    assert run(playbook.format(ignored="true")) == [
        "Reach",
        "  web1: unreachable: no route (ignored)",
        "",
        "Done: 1 host, nothing failed.",
    ]
    lines = run(playbook.format(ignored="false"), hosts="web1,web2,", status=4)
    assert any(line.startswith("fatal: [web1]: UNREACHABLE!") for line in lines)
    assert lines[-3:] == ["Done, with trouble on 2 of 2 hosts:", "  web1: 1 unreachable", "  web2: 1 unreachable"]


def test_slow_silent_task_is_named_once(run: _Run) -> None:
    playbook = """
        - name: Prepare
          hosts: all
          gather_facts: false
          strategy: {strategy}
          tasks:
            - name: Quick
              speak: {{}}
            - name: Build the guest image for {{{{ inventory_hostname }}}}
              speak: {{seconds: 1.5}}
            - name: Quick again
              speak: {{}}
            - name: Speaks at once
              speak: {{progress: said}}
        """
    lines = run(playbook.format(strategy="linear"), EVOLVE_ANNOUNCE_AFTER_SECONDS="0.6")
    assert lines[:3] == ["Prepare", "  ... Build the guest image for web1", "  said"]
    assert len(lines) == 5
    lines = run(playbook.format(strategy="free"), EVOLVE_ANNOUNCE_AFTER_SECONDS="0.6")
    assert lines == ["Prepare", "  said", "", "Done: 1 host, nothing failed."]


def test_slow_task_is_named_while_it_runs(run: _Run) -> None:
    command = run.command(
        """
        - name: Prepare
          hosts: all
          gather_facts: false
          tasks:
            - name: Wait
              speak: {seconds: 5}
        """
    )
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=run.folder,
        env=run.environment(EVOLVE_ANNOUNCE_AFTER_SECONDS="0.2"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _line in range(3)]
        at_announcement = time.monotonic() - began
        process.communicate(timeout=60)
        at_end = time.monotonic() - began
    assert seen == ["\n", "Prepare\n", "  ... Wait\n"]
    assert at_end - at_announcement > 3


def test_retries_are_silent(run: _Run) -> None:
    lines = run(
        """
        - name: Wait
          hosts: all
          gather_facts: false
          tasks:
            - speak: {attempt: 1, progress: answered}
              register: answer
              until: answer.attempts == 2
              retries: 3
              delay: 0
        """
    )
    assert lines == ["Wait", "  answered", "", "Done: 1 host, nothing failed."]


def test_differences_are_shown_with_diff(run: _Run) -> None:
    playbook = """
        - name: Apply
          hosts: all
          gather_facts: false
          tasks:
            - name: Size the virtual machine
              speak:
                changed: true
                diff: {prepared: "vm.vcpus: 2 -> 4 (live)\\nvm.memory_mib: 512 -> 1024 (restart)\\n"}
            - name: Nothing differs
              speak: {changed: false, diff: {prepared: ""}}
        """
    assert run(playbook, "--check", "--diff") == [
        "Apply (check mode: nothing is changed)",
        "  web1: Size the virtual machine",
        "    vm.vcpus: 2 -> 4 (live)",
        "    vm.memory_mib: 512 -> 1024 (restart)",
        "",
        "Done: 1 host, nothing failed.",
    ]
    assert "vcpus" not in "\n".join(run(playbook))


def test_verbose_is_the_default_output(run: _Run) -> None:
    playbook = """
        - name: Breed
          hosts: all
          gather_facts: false
          tasks:
            - name: Speak
              speak: {progress: said}
            - block:
                - speak: {failed: true, msg: no}
              rescue:
                - ansible.builtin.debug: {msg: text}
            - speak: {}
              when: false
        """
    mine = run(playbook, "-v", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    default = run(playbook, "-v", ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_STDOUT_CALLBACK="default")
    assert mine == default
    assert "TASK [Speak]" in "\n".join(mine)


def test_warnings_of_silent_tasks_are_not_lost(run: _Run) -> None:
    run(
        """
        - name: Breed
          hosts: all
          gather_facts: false
          tasks:
            - speak: {warnings: [the clock is wrong]}
        """
    )
    assert "the clock is wrong" in run.errors


_CONTROL = """
    - name: "Play \\e[31m"
      hosts: all
      gather_facts: false
      tasks:
        - speak: {progress: "a\\e[2Jb\\u202ec"}
        - block:
            - speak: {failed: true, msg: "\\e]0;title\\abroken"}
          rescue:
            - ansible.builtin.debug: {msg: "\\e[1;32mBetter\\e[0m than \\e[2Jbefore"}
    """


def test_no_control_characters_outside_a_terminal(run: _Run) -> None:
    text = "\n".join(run(_CONTROL))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "Better than [2Jbefore" in text


def test_terminal_gets_colours_and_nothing_worse(run: _Run) -> None:
    command = run.command(_CONTROL)
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        command, cwd=run.folder, env=run.environment(TERM="xterm-256color"), stdin=terminal, stdout=terminal
    ) as process:
        os.close(terminal)
        read = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not piece:
                break
            read += piece
        process.wait(timeout=60)
    os.close(controller)
    text = read.decode()
    assert "\x1b[1;32mBetter\x1b[0m than [2Jbefore" in text
    assert re.sub(r"\x1b\[[0-9;]*m|\r\n", "", text).isprintable()
