# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One boot with another command line through GRUB: an entry of our own, started once.

The entry stands in custom.cfg, which the grub.cfg of distributions reads, and the variable `next_entry` of GRUB's
environment names it: GRUB clears that before it starts anything. So a machine that does not come up with the entry is
back on its usual one after being switched off and on. Documented in the GRUB manual (grub-reboot, custom.cfg).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.synced_files import replace_text, sync
from ansible_collections.evolve.vm.plugins.module_utils.tunables import grub_script
from ansible_collections.evolve.vm.plugins.module_utils.tunables.boot import BootParameters
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import LONGEST, value_of
from ansible_collections.evolve.vm.plugins.module_utils.tunables.disks import Disks
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.grubby import default_entry
from ansible_collections.evolve.vm.plugins.module_utils.tunables.loaders import Loader, Word

FOLDERS = ("boot/grub", "boot/grub2")
ENTRY = "evolve-vm-one-boot"
"""The id of our entry."""

_BEGIN = "# BEGIN evolve.vm - one boot with other parameters. The module tunables takes this out when it is done.\n"
_END = "# END evolve.vm\n"
_SECTION = re.compile(re.escape(_BEGIN) + r"# state: (?P<state>[^\n]*)\n(?P<entry>.*?)" + re.escape(_END), re.DOTALL)
# GRUB reads these, but cannot write its environment on them: the entry would be started for ever.
_NOT_WRITTEN_BY_GRUB = (
    "btrfs",
    "zfs",
    "squashfs",
    "overlay",
    "f2fs",
    "cramfs",
    "erofs",
    "iso9660",
    "tmpfs",
    "nfs",
    "nfs4",
)


class _Section(NamedTuple):
    """Our part of custom.cfg.

    entry: the text of the entry. usual: module parameters as they are with the usual entry, by their words. waiting:
    the boot during which the entry was prepared, empty once it has been in force.
    """

    entry: str
    usual: dict[str, str]
    waiting: str

    def text(self) -> str:
        state = json.dumps({"usual": self.usual, "waiting": self.waiting}, sort_keys=True)
        return f"{_BEGIN}# state: {state}\n{self.entry}{_END}"


class Grub(Loader):
    """The GRUB that starts this machine. root: where / is."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._folder = next((path for path in map(self._in_root, FOLDERS) if _is_file(path, "grub.cfg")), "")
        self._disks = Disks(self._in_root("proc"), self._in_root("sys"))
        self._running = BootParameters(self._in_root("proc/cmdline"))

    def starts_this_machine(self) -> bool:
        """Whether there is a GRUB, and the kernel that runs was started by it."""
        return bool(self._folder) and value_of(self._running.line(), "BOOT_IMAGE") is not False

    def faults(self, words: Sequence[Word], in_force: bool) -> list[str]:
        if not self._folder:
            places = " or ".join(f"/{folder}/grub.cfg" for folder in FOLDERS)
            return [f"boot_loader: GRUB is not to be found: there is no {places}."]
        try:
            usual = self._usual()
        except TunablesError as error:
            return [] if in_force else [str(error)]
        wanted = self._wanted(usual, words)
        if wanted.body == usual.body:
            return []
        lines = grub_script.kernels(wanted.body)
        faults = [
            f"The kernel command line would have {end - start} characters; only {LONGEST} are sure to be read."
            for start, end in lines[:1]
            if end - start > LONGEST
        ]
        return faults + self._obstacles()

    def prepare(self, words: Sequence[Word], in_force: bool) -> None:
        try:
            usual = self._usual()
        except TunablesError:
            if in_force:
                # Nobody knows what the next start will bring, but nothing of it is ours.
                return
            raise
        wanted = self._wanted(usual, words)
        if wanted.body == usual.body:
            self.withdraw()
            return
        before = self._read_custom()
        try:
            entry = _text(wanted)
            self._write_section(_Section(entry, self._usual_values(usual, words), self._boot_id()))
            self._check(self._custom)
            self._set_next_entry(ENTRY)
        except (TunablesError, OSError) as error:
            self._write_custom(before)
            raise TunablesError(f"{error} {self._custom} is as it was before.") from error

    def was_tried(self, words: Sequence[Word]) -> bool:
        section = self._section()
        if section is None or section.waiting in ("", self._boot_id()):
            return False
        return section.entry == _text(self._wanted(self._usual(), words))

    def settle(self, words: Sequence[Word]) -> None:
        section = self._section()
        if section is None:
            return
        usual = self._usual()
        if self._wanted(usual, words).body == usual.body:
            self.withdraw()
            return
        self._disarm()
        if section.waiting:
            self._write_section(section._replace(waiting=""))

    def withdraw(self) -> None:
        if self._folder:
            self._disarm()
            self._write_custom(_SECTION.sub("", self._read_custom()))

    # What is started, usually and with these words.

    def _usual(self) -> grub_script.Entry:
        text = self._configuration()
        if grub_script.has_command(text, "blscfg"):
            entry = default_entry(self._root, self._disks)
        else:
            menu = grub_script.entries(text)
            wanted = [value for value in grub_script.settings(text, "default") if value != "${next_entry}"]
            environment = self._environment()
            named = (wanted or ["0"])[-1]
            if "saved_entry" in named:
                named = environment.get("prev_saved_entry") or environment.get("saved_entry") or "0"
            # As GRUB does where the default names nothing.
            found = grub_script.find(menu, named) or grub_script.find(menu, "0")
            if found is None:
                raise TunablesError(f"{self._folder}/grub.cfg has no menu entry that could be copied.")
            entry = found
        if not grub_script.kernels(entry.body):
            raise TunablesError(
                f"{self._folder}/grub.cfg: the entry that GRUB usually starts ({entry.title}) has no line `linux`, "
                "so its command line is not known."
            )
        # With it our entry would become the one that is usually started.
        return entry._replace(body=grub_script.without_command(entry.body, "savedefault"))

    def _wanted(self, usual: grub_script.Entry, words: Sequence[Word]) -> grub_script.Entry:
        known = self._usual_values(usual, words)
        target: dict[str, Value] = {
            word.word: word.value for word in words if word.present is None or known.get(word.word) != word.value
        }
        return usual._replace(body=grub_script.with_command_lines(usual.body, target))

    def _usual_values(self, usual: grub_script.Entry, words: Sequence[Word]) -> dict[str, str]:
        """What modules have with the usual entry: known of earlier, or because the running kernel was told the same."""
        section = self._section()
        known = dict(section.usual) if section else {}
        line = self._running.line()
        for word in words:
            said = grub_script.command_line_value(usual.body, word.word)
            if word.present is not None and word.word not in known and value_of(line, word.word) == said:
                known[word.word] = word.present
        return known

    # What GRUB needs for it.

    def _obstacles(self) -> list[str]:
        faults = []
        text, where = self._configuration(), os.path.join(self._folder, "grub.cfg")
        sourced = [
            words[1].text for words in grub_script.commands(text) if words[0].text in ("source", ".") and words[1:]
        ]
        if not any(path.endswith("/custom.cfg") for path in sourced):
            faults.append(
                f"{where} does not read custom.cfg. Have grub-mkconfig use /etc/grub.d/41_custom as it comes."
            )
        if "${next_entry}" not in grub_script.settings(text, "default"):
            faults.append(f"{where} does not heed next_entry. Make it with grub-mkconfig (update-grub).")
        if not _is_file(self._folder, "grubenv"):
            faults.append(f"{self._folder}/grubenv is missing. Make it with `grub-editenv create`.")
        elif self._environment().get("next_entry", "") not in ("", ENTRY):
            named = self._environment()["next_entry"]
            faults.append(
                f"{self._folder}/grubenv already has an entry for the next boot ({named}). Restart the machine, or run "
                "`grub-editenv - unset next_entry`."
            )
        if not _program("editenv"):
            faults.append("grub-editenv is not installed (packages grub2-common, grub-common or grub2-tools-minimal).")
        return faults + self._storage_faults()

    def _storage_faults(self) -> list[str]:
        environment = os.path.realpath(os.path.join(self._folder, "grubenv"))
        path = "/" + os.path.relpath(environment, os.path.realpath(self._root))
        once = f"GRUB cannot write {path}, so the entry would be started at every boot and not once"
        try:
            mount = self._disks.mount_of(path)
            if mount.kind in _NOT_WRITTEN_BY_GRUB:
                return [f"{once}: it is on {mount.kind}. Put /boot on a file system such as ext4."]
            device = self._disks.device_of(mount)
        except TunablesError as error:
            return [f"{once}, as far as can be told: {error}"]
        for folder, what in (("dm", "LVM or another mapped device"), ("md", "a software RAID"), ("bcache", "bcache")):
            if os.path.isdir(os.path.join(device, folder)):
                return [f"{once}: it is on {what} ({os.path.basename(device)}). Put /boot on a partition of its own."]
        return []

    def _check(self, path: str) -> None:
        program = _program("script-check")
        if program:
            done = _run([program, path])
            if done.returncode:
                raise TunablesError(f"GRUB would not understand {path}: {(done.stdout + done.stderr).strip()}.")

    def _environment(self) -> dict[str, str]:
        try:
            with open(os.path.join(self._folder, "grubenv"), encoding="utf-8", errors="replace") as file:
                lines = [line.rstrip("\n").partition("=") for line in file if not line.startswith("#")]
        except OSError:
            return {}
        return {name: re.sub(r"\\(.)", r"\1", value) for name, equals, value in lines if equals}

    def _set_next_entry(self, value: str) -> None:
        path = os.path.join(self._folder, "grubenv")
        done = _run(
            [_program("editenv"), path, *(["set", f"next_entry={value}"] if value else ["unset", "next_entry"])]
        )
        if done.returncode:
            raise TunablesError(f"{path} could not be changed: {(done.stdout + done.stderr).strip()}.")

    def _disarm(self) -> None:
        if self._environment().get("next_entry") == ENTRY:
            self._set_next_entry("")

    # custom.cfg

    @property
    def _custom(self) -> str:
        return os.path.join(self._folder, "custom.cfg")

    def _section(self) -> _Section | None:
        match = _SECTION.search(self._read_custom()) if self._folder else None
        if match is None:
            return None
        try:
            state = json.loads(match["state"])
            return _Section(match["entry"], dict(state["usual"]), str(state["waiting"]))
        except (ValueError, KeyError, TypeError):
            # Somebody edited it: nothing is known, and the next call writes it anew.
            return _Section("", {}, "")

    def _write_section(self, section: _Section) -> None:
        # First in the file, so that taking it out leaves every byte of the rest.
        self._write_custom(section.text() + _SECTION.sub("", self._read_custom()))

    def _read_custom(self) -> str:
        try:
            with open(self._custom, encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _write_custom(self, text: str) -> None:
        if text == self._read_custom():
            return
        if not text:
            os.unlink(self._custom)
            sync(self._folder)
        else:
            like = self._custom if os.path.exists(self._custom) else os.path.join(self._folder, "grub.cfg")
            replace_text(self._custom, text, os.stat(like).st_mode & 0o777 | 0o200)

    def _configuration(self) -> str:
        path = os.path.join(self._folder, "grub.cfg")
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError as error:
            raise TunablesError(f"{path} cannot be read: {error.strerror}. Run the task with become.") from error

    def _boot_id(self) -> str:
        with open(self._in_root("proc/sys/kernel/random/boot_id"), encoding="ascii") as file:
            return file.read().strip()

    def _in_root(self, path: str) -> str:
        return os.path.join(self._root, path)


def _text(entry: grub_script.Entry) -> str:
    arguments = f" {entry.arguments}" if entry.arguments else ""
    return f"menuentry 'evolve.vm: one boot with other parameters' --id {ENTRY}{arguments} {{{entry.body}}}\n"


def _is_file(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))


def _program(what: str) -> str:
    """The path of one of GRUB's programs; empty where it is not installed."""
    where = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin"])
    return next(
        (path for path in (shutil.which(f"{name}-{what}", path=where) for name in ("grub", "grub2")) if path), ""
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
