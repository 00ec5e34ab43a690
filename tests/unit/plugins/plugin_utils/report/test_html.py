# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML page: complete, self-contained, safe against what stands in the data."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report import render_html
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.report import summaries
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.report.test_text import CASES

_VOID = {"meta", "link", "wbr", "br", "img"}
_HOSTILE = (
    "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover='x' {{ 7*7 }} \x1b[2J\udcff"
)


class _Page(HTMLParser):
    """Elements, attributes and text of a page; fails where tags do not nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self.text += " " * (tag in ("p", "td", "th", "dt", "dd", "small", "code", "span"))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style", "title"):
            self.text += data

    @property
    def said(self) -> str:
        """The text with every run of spaces as one plain space."""
        return " ".join(self.text.split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _attributes in self.elements)


def _rows(source: str) -> list[str]:
    """The rows of the trial table."""
    table = source[source.index('<table class="trials') :]
    return re.findall(r"<tr.*?</tr>", table[table.index("<tbody>") : table.index("</tbody>")], re.DOTALL)


@pytest.mark.parametrize("case", CASES)
def test_page_is_well_formed(case: str) -> None:
    page = _Page(render_html(CASES[case]))
    ids = [have["id"] for _tag, have in page.elements if "id" in have]
    assert len(ids) == len(set(ids))
    for _tag, have in page.elements:
        for name in ("href", "aria-labelledby"):
            value = have.get(name)
            if value and not value.startswith("data:"):
                assert value.lstrip("#") in ids
    assert page.count("h1") == 1
    assert all(have.get("scope") in ("col", "row") for tag, have in page.elements if tag == "th")


@pytest.mark.parametrize("case", CASES)
def test_page_asks_for_nothing_from_elsewhere(case: str) -> None:
    source = render_html(CASES[case])
    assert not re.search(r"https?:|//[a-z]|@import|\burl\(|\bsrc=", source)


def test_page_is_the_same_each_time() -> None:
    assert render_html(summaries.study()) == render_html(summaries.study())


@pytest.mark.parametrize(
    ("case", "headline"),
    [
        ("better", "Better than the baseline"),
        ("worse", "Worse than the baseline"),
        ("equivalent", "Equivalent to the baseline"),
        ("inconclusive", "Inconclusive"),
        ("no_improvement", "No improvement found"),
        ("unverified", "Not verified"),
        ("running", "Not finished"),
        ("all_failed", "Every trial failed"),
        ("baseline_failed", "No baseline"),
        ("no_trials", "No trials yet"),
    ],
)
def test_headline(case: str, headline: str) -> None:
    source = render_html(CASES[case])
    assert f"<h2>{headline}</h2>" in source
    assert f"<title>{headline}: lab-fileio</title>" in source


def test_verdict_shows_its_interval_and_what_changes() -> None:
    said = _Page(render_html(CASES["better"])).said
    assert "+28.3 % +26.0 % to +30.6 % 95 % interval" in said
    assert "vm.memory_mib 1024 MiB → 3328 MiB" in said
    assert "vm_cost lower is better, weight 1 14.50 18.32 +26.3 % worse" in said
    assert "-e @inventories/lab/evolve/lab-fileio/best.yml --check --diff" in said


@pytest.mark.parametrize("trials", [2, 40, 2000])
def test_every_trial_has_a_row_and_a_mark(trials: int) -> None:
    summary = summaries.study(trials)
    source = render_html(summary)
    assert len(_rows(source)) == trials + 1
    # Once in the wide figure, once in the narrow one.
    drawn = source[source.index(">The search</h2>") :]
    measured = sum(trial["status"] == "measured" for trial in summary["trials"])
    assert len(re.findall(r'<use href="#s-(?!failed)[a-z]+" class="[^"]+" x=', drawn)) == 2 * measured
    failed = sum(trial["status"] == "failed" for trial in summary["trials"])
    assert len(re.findall(r'<use href="#s-failed" class="o-failed" x=', source)) == 2 * failed


def test_legend_names_the_origins_that_occur_and_no_others() -> None:
    summary = summaries.study()
    legend = re.findall(r'class="o-(\w+)"/></svg>(\w+)</li>', render_html(summary))
    drawn = {trial["origin"] for trial in summary["trials"] if trial["fitness"] is not None}
    assert dict(legend) == dict(zip(drawn, drawn, strict=True)) | {"failed": "failed"}


@pytest.mark.parametrize(
    ("verdict", "low", "word"),
    [
        ("better", 0.05, "better"),
        ("equivalent", 0.001, "equivalent"),
        ("inconclusive", -0.1, "no clear change"),
        ("worse", 0.05, "better"),  # worse for a broken limit: the fitness itself did rise
        ("worse", -0.2, "worse"),
    ],
)
def test_fitness_row_speaks_of_the_fitness(verdict: str, low: float, word: str) -> None:
    summary = summaries.study()
    summary["verdict"] |= {"verdict": verdict, "fitness": {"estimate": low + 0.01, "low": low, "high": low + 0.02}}
    row = render_html(summary).split('<tr class="overall">')[1].split("</tr>")[0]
    assert row.endswith(f">{word}</td>")


def test_a_row_tells_a_trials_story() -> None:
    summary = summaries.study()
    rows = _rows(render_html(summary))
    failed = next(trial for trial in summary["trials"] if trial["status"] == "failed")
    row = rows[failed["number"]]
    assert f"failed: {failed['failure_class']}" in row
    assert failed["message"] in row
    limit = next(trial for trial in summary["trials"] if trial["violation"] > 0)
    assert "breaks a limit" in rows[limit["number"]]
    child = next(trial for trial in summary["trials"] if len(trial["parents"]) == 2)
    assert f'<td class="parents">{child["parents"][0]}, {child["parents"][1]}</td>' in rows[child["number"]]
    shown = re.findall(r'<span title="([^"]+)"><i>[^<]+</i> ([^<]+)</span>', rows[child["number"]])
    assert {name for name, _value in shown} == {
        name for name, value in child["configuration"].items() if value != summaries.BASELINE[name]
    }


@pytest.mark.parametrize("case", ["better", "simulated"])
def test_simulated_cannot_be_missed(case: str) -> None:
    source = render_html(CASES[case])
    signs = (
        "<title>SIMULATED: ",
        'class="simulated"',
        '<span class="tag">simulated</span>',
        ">SIMULATED</text>",
        "No virtual machine was measured",
    )
    assert {sign in source for sign in signs} == {case == "simulated"}


def test_hostile_strings_stay_text() -> None:
    page = _Page(render_html(summaries.hostile(_HOSTILE)))
    assert page.count("script") == 1
    assert page.count("style") == 1
    assert page.count("img") == 0
    assert not [name for _tag, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count("alert(1)") >= 30
    assert "{{ 7*7 }}" in page.text
    assert "\x1b" not in page.text
    render_html(summaries.hostile(_HOSTILE)).encode()


def test_space_shows_what_may_vary() -> None:
    said = _Page(render_html(CASES["better"])).said
    assert "vm.memory_mib int 512 to 4096 1024 MiB 3328 MiB step 256, scale log" in said
    assert "vm.disk.iothread bool false true when vm.disk.io != 'threads'" in said
    assert "vm.disk.cache choice none, writeback, writethrough, directsync none" in said
    assert "vm.memory_mib >= 512 * vm.vcpus" in said


def test_slots_count_their_trials() -> None:
    summary = summaries.study()
    there = [trial for trial in summary["trials"] if trial["slot"] == "slot-3"]
    measured = sum(trial["status"] == "measured" for trial in there)
    said = _Page(render_html(summary)).said
    assert f"slot-3 quarantined {measured} {len(there) - measured} 3 trials in a row" in said


def test_a_summary_with_nothing_optional_renders() -> None:
    summary: dict[str, Any] = summaries.no_trials() | {
        "slots": [],
        "files": {},
        "benchmark": {},
        "constraints": [],
        "parameters": {},
        "goals": [],
        "baseline": None,
    }
    assert "No trials yet" in _Page(render_html(summary)).text


def test_the_end_of_the_search_and_what_was_learnt_are_told() -> None:
    summary = summaries.study()
    summary["stopped"] = {"by": "hours", "sentence": "stopped after 41 of 60 trials: the 4 h of the budget are spent"}
    summary["learned"] = {
        "studies": [{"study": "web", "taken": 17, "note": ""}],
        "founders": [{"source": "host db-1", "values": {}, "changes": ["vm.vcpus: 16 -> 8"]}],
        "left_out": ["host db-2: could not be read (no route)"],
    }
    said = _Page(render_html(summary)).said
    assert "Stopped after 41 of 60 trials: the 4 h of the budget are spent." in said
    assert "17 trials of study web" in said
    assert "founder: host db-1 (moved into the search space: vm.vcpus: 16 -> 8)" in said
    assert "not taken: host db-2: could not be read (no route)" in said
    assert "Budget {trials: 40}" in said


def test_a_trial_that_measures_another_again_says_so() -> None:
    summary = summaries.study(failing=0.0)
    summary["trials"][20] |= {"origin": "repeat", "repeat_of": 3}
    source = render_html(summary)
    assert "<td>trial 3 again</td>" in _rows(source)[20]
    assert "measures trial 3\N{NO-BREAK SPACE}again, generation" in source
    assert 'class="o-repeat"/></svg>repeat</li>' in source


def test_what_the_best_configuration_gives_up_stands_above_the_page() -> None:
    summary = summaries.study()
    assert 'class="risk"' not in render_html(summary)
    summary["risks"] = [{"parameter": "vm.disk.cache", "value": "unsafe", "risk": "durability", "today": False}]
    source = render_html(summary)
    note = "The best configuration gives up durability (vm.disk.cache: unsafe)."
    assert note in source
    assert source.index(note) < source.index("<h1>")
