# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine belongs to one study at a time."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.machine_claim import Claim, ClaimError, Owner, settle

WEB, DATABASE = Owner("web", "2026-11-22T14:00:00.000+00:00"), Owner("db", "2026-11-22T15:00:00.000+00:00")


@pytest.fixture
def claim(tmp_path):
    return Claim("slot-1", str(tmp_path / "evolve.vm" / "claim.json"))


def options(state="taken", study=WEB, take_over=False):
    return {"state": state, "study": study.study, "begun_at": study.begun_at, "take_over": take_over}


def test_a_study_takes_a_free_machine_and_takes_it_up_again(claim):
    assert claim.owner() is None
    assert claim.take(WEB) is True
    assert claim.owner() == WEB
    assert claim.take(WEB) is False


def test_another_study_is_told_who_has_it_and_what_to_do(claim):
    claim.take(WEB)
    with pytest.raises(ClaimError, match=r"slot-1 belongs to study web, begun 2026-.*evolve_take_over=true"):
        claim.take(DATABASE)
    assert claim.owner() == WEB


def test_a_study_begun_anew_under_the_same_name_is_another(claim):
    claim.take(WEB)
    with pytest.raises(ClaimError):
        claim.take(WEB._replace(begun_at="2026-11-23T00:00:00.000+00:00"))


def test_it_can_be_taken_over_when_that_is_said(claim):
    claim.take(WEB)
    assert settle(claim, options(study=DATABASE, take_over=True), check_mode=False) is True
    assert claim.owner() == DATABASE


def test_only_its_owner_releases_it(claim):
    claim.take(WEB)
    assert claim.release(DATABASE) is False
    assert claim.owner() == WEB
    assert claim.release(WEB) is True
    assert claim.owner() is None
    assert claim.release(WEB) is False


def test_in_check_mode_it_says_what_it_would_and_keeps_nothing(claim, tmp_path):
    assert settle(claim, options(), check_mode=True) is True
    assert list(tmp_path.iterdir()) == []
    claim.take(WEB)
    assert settle(claim, options(), check_mode=True) is False
    assert settle(claim, options("released"), check_mode=True) is True
    assert claim.owner() == WEB
    with pytest.raises(ClaimError):
        settle(claim, options(study=DATABASE), check_mode=True)


def test_a_machine_that_any_study_has_is_not_free(claim):
    assert settle(claim, {"state": "free"}, check_mode=False) is False
    claim.take(WEB)
    with pytest.raises(ClaimError, match="belongs to study web"):
        settle(claim, {"state": "free"}, check_mode=False)


@pytest.mark.parametrize("content", ["", "[]", '{"study": "web"}'])
def test_what_cannot_be_read_is_not_taken_for_free(claim, tmp_path, content):
    path = tmp_path / "evolve.vm" / "claim.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ClaimError, match="does not say which study has this machine"):
        claim.take(WEB)
    assert path.read_text() == content
