# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of grub.cfg: menus of real files, and kernels' command lines in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.tunables import grub_script

FIXTURES = Path(__file__).parent / "fixtures"


def text(name):
    return (FIXTURES / f"{name}.out").read_text()


def menu(name):
    return grub_script.entries(text(name))


def test_the_menu_of_debian():
    simple, advanced = menu("debian")
    assert (simple.title, simple.id) == ("Debian GNU/Linux", "gnulinux-simple-/dev/vda")
    assert simple.arguments == "--class debian --class gnu-linux --class gnu --class os"
    assert advanced.title == "Advanced options for Debian GNU/Linux"
    assert [entry.title.removeprefix("Debian GNU/Linux, with Linux ") for entry in advanced.entries] == [
        "6.1.0-44-cloud-amd64",
        "6.1.0-44-cloud-amd64 (recovery mode)",
        "6.1.0-37-cloud-amd64",
        "6.1.0-37-cloud-amd64 (recovery mode)",
    ]
    assert "initrd\t/boot/initrd.img-6.1.0-44-cloud-amd64" in simple.body
    assert simple.body.count("linux\t") == 1
    assert "${boot_once}" not in simple.body


@pytest.mark.parametrize(
    ("wanted", "version", "recovery"),
    [
        ("0", "-44-", False),
        ("Debian GNU/Linux", "-44-", False),
        ("1>2", "-37-", False),
        ("1", "-44-", False),
        ("gnulinux-advanced-/dev/vda>gnulinux-6.1.0-37-cloud-amd64-recovery-/dev/vda", "-37-", True),
        ("Advanced options for Debian GNU/Linux>1", "-44-", True),
    ],
)
def test_entries_are_found_as_grub_finds_them(wanted, version, recovery):
    found = grub_script.find(menu("debian"), wanted)
    assert version in found.body
    assert ("recovery" in found.title) == recovery


@pytest.mark.parametrize("wanted", ["2", "1>9", "0>1", "nothing", ""])
def test_what_the_menu_does_not_have(wanted):
    assert grub_script.find(menu("debian"), wanted) is None


def test_values_of_variables():
    assert grub_script.settings(text("debian"), "default") == ["${next_entry}", "0"]
    assert grub_script.settings(text("debian_saved"), "default") == ["${next_entry}", "${saved_entry}"]
    assert "5" in grub_script.settings(text("debian"), "timeout")


def test_commands_are_found_behind_keywords():
    assert grub_script.has_command("if x; then blscfg; fi", "blscfg")
    assert grub_script.has_command("insmod blscfg\n blscfg", "blscfg")
    assert not grub_script.has_command("# blscfg\ninsmod blscfg\necho 'a\nblscfg'", "blscfg")


def test_only_the_command_line_changes():
    body = menu("debian")[0].body
    changed = grub_script.with_command_lines(body, {"mitigations": "off", "quiet": False, "console": "ttyS1"})
    old = "root=/dev/vda ro console=tty0 console=ttyS0,115200 quiet"
    assert old in body
    assert changed == body.replace(old, "root=/dev/vda ro console=tty0 console=ttyS1 mitigations=off")
    assert grub_script.command_line_value(changed, "mitigations") == "off"


def test_quoting_and_init_arguments_are_kept():
    body = menu("debian_saved")[0].body
    changed = grub_script.with_command_lines(body, {"x": "it's $HOME; y"})
    old = 'ro  quiet dyndbg="file drivers/usb/* +p" -- single'
    assert changed == body.replace(old, old.replace(" --", r""" 'x=it'\''s $HOME; y' --"""))
    assert grub_script.command_line_value(changed, "x") == "it's $HOME; y"
    assert grub_script.command_line_value(changed, "dyndbg") == "file drivers/usb/* +p"


def test_every_kernel_of_an_entry_changes():
    """Images of Ubuntu for clouds try without an initrd first."""
    body = menu("ubuntu")[0].body
    assert len(grub_script.kernels(body)) == 2
    changed = grub_script.with_command_lines(body, {"mitigations": "off"})
    assert changed.count("$vt_handoff mitigations=off\n") == 2
    assert changed.replace(" mitigations=off", "") == body


def test_a_kernel_without_arguments():
    assert grub_script.with_command_lines("\n linux /vmlinuz\n", {"a": True}) == "\n linux /vmlinuz a\n"
    assert grub_script.with_command_lines("\n linux /vmlinuz a\n", {"a": False}) == "\n linux /vmlinuz\n"
    assert grub_script.with_command_lines("if x; then linux16 /k b; fi", {"a": 1}) == "if x; then linux16 /k b a=1; fi"
    assert grub_script.with_command_lines("linux /k \\\n b\ninitrd /i", {"a": 1}) == "linux /k \\\n b a=1\ninitrd /i"


def test_a_command_alone_can_be_taken_out():
    body = menu("debian_saved")[0].body
    assert grub_script.without_command(body, "savedefault") == body.replace("savedefault", "")


@given(st.text(alphabet="ab '\"\\$;{}#&|=\té", min_size=1, max_size=20))
def test_quoted_words_are_read_back(word):
    (words,) = grub_script.commands(f"linux /k {grub_script.quoted(word)}")
    assert [each.text for each in words] == ["linux", "/k", word]


@given(st.text(alphabet="ab '\"\\$;{}#&|=\n", max_size=40))
def test_any_text_can_be_read(text):
    grub_script.entries(text)
    grub_script.entries("menuentry x {" + text)
