# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study comes to, in words: headline, one sentence, and what to do next."""

from __future__ import annotations

import shlex

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import View

_HEADLINES = {
    "better": "Better than the baseline",
    "worse": "Worse than the baseline",
    "equivalent": "Equivalent to the baseline",
    "inconclusive": "Inconclusive",
    "no_improvement": "No improvement found",
}
_TONES = {"better": "good", "worse": "bad", "inconclusive": "warn"}
_KEEP = "Nothing needs to change: keep the configuration the machines have today."
_MORE = "Run the same playbook again: it continues the study."


def _situation(view: View) -> str:
    """The verdict's word, or what stands in its place: no_baseline, no_trials, running, all_failed, unverified."""
    if any(trial.is_baseline and trial.kind == "failed" for trial in view.trials):
        return "no_baseline"
    if view.state == "no_trials" or not view.trials:
        return "no_trials"
    if view.state == "running":
        return "running"
    if view.searched and view.kinds["failed"] == len(view.searched):
        return "all_failed"
    return view.verdict or "unverified"


def headline(view: View) -> str:
    """Two to five words."""
    situation = _situation(view)
    return {
        **_HEADLINES,
        "no_trials": "No trials yet",
        "running": "Not finished",
        "no_baseline": "No baseline",
        "all_failed": "Every trial failed",
    }.get(situation, "Not verified")


def tone(view: View) -> str:
    """good, bad, warn or neutral: how the headline is coloured."""
    situation = _situation(view)
    return "bad" if situation in ("no_baseline", "all_failed") else _TONES.get(situation, "neutral")


def sentence(view: View) -> str:
    """What a reader should take away: the judge's own sentence, or what stands in the way of one."""
    situation = _situation(view)
    if situation == "no_trials":
        known = "only the baseline" if any(trial.fitness is not None for trial in view.trials) else "nothing"
        return f"No trials yet: {known} has been measured."
    if situation == "running":
        measured = view.kinds["measured"] + view.kinds["limit"]
        so_far = f"The study has not ended yet: {_words.count(measured, 'trial')} measured so far."
        return f"{so_far} The verdict before that: {view.judgement}" if view.judgement else so_far
    if situation == "no_baseline":
        return "The baseline could not be measured, so there is nothing to compare with."
    if situation == "all_failed":
        return f"Every trial failed, all {len(view.searched)} of them: there is no configuration to compare."
    if view.judgement:
        return view.judgement
    if situation == "unverified":
        return "No verdict: the best configuration has not been measured side by side with the baseline."
    return f"{headline(view)}."


def advice(view: View) -> str:
    """What to do next, in a sentence."""
    return {
        "better": "See what it would change, without changing anything:",
        "worse": "Keep the configuration the machines have today.",
        "equivalent": _KEEP,
        "no_improvement": _KEEP,
        "inconclusive": f"The measurements differ too much to tell. Keep the baseline, or measure more. {_MORE}",
        "no_trials": "Run the playbook evolve.vm.evolve to begin.",
        "running": "The numbers may still change, and the best trial has not been verified yet.",
        "no_baseline": f"Mend what the messages name. {_MORE}",
        "all_failed": "Look at the failure messages: the search space may allow what these machines cannot do.",
    }.get(_situation(view), _MORE)


def tally(view: View) -> str:
    """What became of the trials: "36 measured (3 broke a limit), 4 failed (2 infrastructure, 2 measurement)"."""
    kinds = view.kinds
    parts = [f"{kinds['measured'] + kinds['limit']} measured"]
    repeats = sum(trial.repeat_of is not None and trial.fitness is not None for trial in view.searched)
    notes = [f"{kinds['limit']} broke a limit"] if kinds["limit"] else []
    notes += [f"{repeats} of them measured another again"] if repeats else []
    parts[0] += f" ({', '.join(notes)})" if notes else ""
    if kinds["failed"]:
        classes = ", ".join(f"{amount} {name}" for name, amount in view.failures.most_common())
        parts.append(f"{kinds['failed']} failed ({classes})")
    parts += [f"{kinds[kind]} {kind}" for kind in ("running", "pending") if kinds[kind]]
    return ", ".join(parts)


def changes_heading(view: View) -> str:
    """What the list of changed parameters is called: only a proven winner is something to change to."""
    return "What the best trial changed" if view.compared and _situation(view) != "better" else "What changes"


def apply_command(view: View) -> str:
    """The command that shows what the best configuration would change; "" when there is none worth applying."""
    path = (view.summary.get("files") or {}).get("best")
    if not path or view.best is None or _situation(view) != "better":
        return ""
    return f"ansible-playbook evolve.vm.apply -i INVENTORY -e {shlex.quote('@' + path)} --check --diff"
