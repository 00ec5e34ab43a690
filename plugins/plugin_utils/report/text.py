# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal summary of a study."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _verdict, _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import SIMULATED_NOTE, Interval, Trial, View, read

_STYLES = {"good": "1;32", "bad": "1;31", "warn": "1;33", "neutral": "1", "heading": "1", "dim": "2"}
_EFFECT_STYLES = {"better": "32", "worse": "31"}
_EFFECTS = {"unclear": "no clear change"}
_BASELINE_ITSELF = "the baseline itself"
_LABEL_WIDTH = 11
_MESSAGES_SHOWN = 3
_FRONT_SHOWN = 4
_LEARNED_SHOWN = 6


def render_text(summary: Mapping[str, Any], colour: bool = False, width: int = 78) -> str:
    """The summary of a study as plain sentences and aligned columns, without a trailing newline.

    summary: what the study found, a JSON-able dict:
        study, simulated, state ("finished", "running", "no_trials"), created_at (ISO 8601), seed, algorithm,
        collection_version, seconds, benchmark, goals, budget, stopped, parameters, constraints, learned, baseline,
        watched, trials, pareto, applying, risks, best, verdict, slots, files. Fitness and intervals are log-ratios to
        the baseline.
    colour: with ANSI colours; without, the text holds no control characters but newlines.
    width: sentences are wrapped to so many columns; a name or path longer than that is never cut.
    """
    view = read(summary)
    pen = _Pen(colour, width)
    blocks = [
        _opening(view, pen),
        _facts(view, pen),
        _changes(view, pen),
        _goals(view, pen),
        _trade_offs(view, pen),
        _seen(view, pen),
        _failures(view, pen),
        _quarantine(view, pen),
        _files(view, pen),
        _next(view, pen),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


class _Pen:
    """Colours and wraps."""

    def __init__(self, colour: bool, width: int) -> None:
        self._colour = colour
        self.width = max(40, width)

    def paint(self, text: str, style: str | None) -> str:
        return f"\033[{style}m{text}\033[0m" if self._colour and style and text else text

    def heading(self, text: str) -> str:
        return self.paint(text, _STYLES["heading"])

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Lines of the text; `first` stands before the first, `rest` (or `first` again) before the others."""
        lines = textwrap.wrap(
            # A number is not parted from its per cent sign.
            text.replace(" %", "\N{NO-BREAK SPACE}%"),
            self.width,
            initial_indent=first,
            subsequent_indent=first if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [line.replace("\N{NO-BREAK SPACE}%", " %") for line in lines] or [first.rstrip()]

    def entry(self, label: str, text: str) -> list[str]:
        """ "Label      text", the text wrapped under itself."""
        return self.wrap(text, f"{label:<{_LABEL_WIDTH}}", " " * _LABEL_WIDTH)


def _opening(view: View, pen: _Pen) -> list[str]:
    style = _STYLES[_verdict.tone(view)]
    label = "SIMULATED: " if view.simulated else ""
    lines = [pen.paint(line, style) for line in pen.wrap(label + _verdict.sentence(view))]
    if view.simulated:
        lines += [pen.paint(line, _STYLES["warn"]) for line in pen.wrap(SIMULATED_NOTE)]
    if view.risks:
        risk = f"RISK: the best configuration gives up {_words.listed(view.risks)}."
        lines = [pen.paint(line, _STYLES["bad"]) for line in pen.wrap(risk)] + lines
    return lines


def _facts(view: View, pen: _Pen) -> list[str]:
    seconds = view.summary.get("seconds")
    took = f", {_words.duration(seconds)}" if seconds else ""
    lines = pen.entry("Study", f"{view.summary.get('study', '')}{took}")
    if view.trials:
        lines += pen.entry("Baseline", _baseline_text(view))
    if view.best is not None:
        lines += pen.entry("Best", _best_text(view.best, view.verified))
    elif view.verdict == "no_improvement":
        lines += pen.entry("Best", _BASELINE_ITSELF)
    if view.gain is not None:
        lines += pen.entry("Gain", _gain_text(view.gain, view.summary["verdict"]))
    if view.searched:
        lines += pen.entry("Trials", _verdict.tally(view))
    if view.stopped:
        lines += pen.entry("Search", view.stopped)
    if view.applying:
        lines += pen.entry("Applying", view.applying)
    for number, line in enumerate(view.learned[:_LEARNED_SHOWN]):
        lines += pen.entry("" if number else "Learnt", line)
    if len(view.learned) > _LEARNED_SHOWN:
        lines += pen.entry("", f"and {len(view.learned) - _LEARNED_SHOWN} more, in the report")
    slots = view.summary.get("slots") or []
    if slots:
        quarantined = sum(slot["status"] == "quarantined" for slot in slots)
        lines += pen.entry(
            "Slots", f"{len(slots) - quarantined} ready" + (f", {quarantined} quarantined" if quarantined else "")
        )
    return lines


def _baseline_text(view: View) -> str:
    baseline = view.summary.get("baseline") or {}
    times = baseline.get("measurements") or 0
    if not times:
        return "not measured"
    text = f"measured {_words.count(times, 'time')}"
    if view.spread:
        text += f"; one reading varies by about {_words.percent(view.spread).lstrip('+')}"
    return text


def _best_text(best: Trial, verified: bool) -> str:
    if best.is_baseline:
        return _BASELINE_ITSELF
    text = f"trial {best.number}, {best.source}, generation {best.generation}"
    return text if verified else f"{text}, fitness {_words.percent(best.fitness)} when searching (not verified)"


def _gain_text(gain: Interval, verdict: Mapping[str, Any]) -> str:
    return (
        f"fitness {_words.percent(gain.estimate)} ({_words.confidence(verdict)} interval "
        f"{_words.interval(gain.low, gain.high)}), measured side by side in {_words.pairs(verdict)}"
    )


def _changes(view: View, pen: _Pen) -> list[str]:
    if view.best is None or not view.changes:
        return []
    rows = [(change.parameter, change.before, "->", change.after) for change in view.changes]
    return [pen.heading(_verdict.changes_heading(view)), *aligned(rows, "<><<")]


def _goals(view: View, pen: _Pen) -> list[str]:
    if not any(goal.baseline is not None for goal in view.goals):
        return []
    rows = [("Goals", "baseline", "best", "change")]
    rows += [
        (
            f"  {goal.metric}",
            _words.quantity(goal.metric, goal.baseline) if goal.baseline is not None else "",
            _words.quantity(goal.metric, goal.best) if goal.best is not None else "",
            goal.change_text,
        )
        for goal in view.goals
    ]
    if not view.compared:
        rows = [(name, before, "", "") for name, before, _best, _change in rows]
    head, *lines = aligned(rows, "<>>>", indent="")
    room = max(len(line) for line in lines)
    table = [pen.heading(head)]
    for line, goal in zip(lines, view.goals, strict=True):
        note = _EFFECTS.get(goal.effect, goal.effect) if rows[0][2] else goal.wish
        table.append(f"{line:<{room}}  {pen.paint(note, _EFFECT_STYLES.get(goal.effect))}")
        if goal.limit_broken:
            table.append(f"    {pen.paint('breaks its limit', _EFFECT_STYLES['worse'])}: {goal.limit_text}")
    return table


def _trade_offs(view: View, pen: _Pen) -> list[str]:
    """The configurations between which only the user's weights decide."""
    if not view.front:
        return []
    are = "configuration is" if len(view.front) == 1 else "configurations are"
    heading = f"{len(view.front)} {are} not beaten on every goal by any other"
    shown = view.front[:_FRONT_SHOWN]
    if len(shown) < len(view.front):
        heading += f"; by fitness, the first {len(shown)}:"
    rows = [["", *(trial.name for trial in shown)]]
    rows.append(["fitness", *(_words.percent(trial.fitness) for trial in shown)])
    for goal in view.goals:
        if goal.weight:
            rows.append([goal.metric, *(_words.quantity(goal.metric, t.metrics.get(goal.metric)) for t in shown)])
    return [*(pen.heading(line) for line in pen.wrap(heading)), *aligned(rows, "<" + ">" * len(shown))]


def _seen(view: View, pen: _Pen) -> list[str]:
    """What changed much of what was watched meanwhile, for those who look for a cause; the page has all of it."""
    rows = [("Seen meanwhile", "baseline", "best", "change")]
    rows += [
        (
            f"  {seen.metric}",
            _words.quantity(seen.metric, seen.baseline),
            _words.quantity(seen.metric, seen.best),
            seen.change_text,
        )
        for seen in view.seen
        if seen.is_notable and "_p95_" not in seen.metric
    ]
    if len(rows) == 1:
        return []
    head, *lines = aligned(rows, "<>>>", indent="")
    return [pen.heading(head), *lines]


def _failures(view: View, pen: _Pen) -> list[str]:
    shown = view.messages[:_MESSAGES_SHOWN]
    if not shown:
        return []
    lines = [pen.heading("Why trials failed")]
    room = len(str(shown[0][1]))
    for message, amount in shown:
        lines += pen.wrap(" ".join(message.split()), f"  {amount:>{room}} x ", " " * (room + 5))
    more = len(view.messages) - len(shown)
    return lines + ([f"  and {_words.count(more, 'other message')}, in the report"] if more else [])


def _quarantine(view: View, pen: _Pen) -> list[str]:
    slots = [slot for slot in view.summary.get("slots") or [] if slot["status"] == "quarantined"]
    lines = [pen.heading("Quarantined slots")] if slots else []
    for slot in slots:
        lines += pen.wrap(f"{slot['host']}: {slot.get('message') or 'no reason recorded'}", "  ", "    ")
    return lines


def _files(view: View, pen: _Pen) -> list[str]:
    files = view.summary.get("files") or {}
    labels = {"best": "Best configuration", "report": "Report", "population": "Population", "store": "Store"}
    rows = [(label, files[key]) for key, label in labels.items() if files.get(key) and (key != "best" or view.best)]
    return [pen.heading("Files"), *aligned(rows, "<<")] if rows else []


def _next(view: View, pen: _Pen) -> list[str]:
    command = _verdict.apply_command(view)
    lines = pen.wrap(_verdict.advice(view))
    return [*lines, f"  {command}"] if command else lines


def aligned(rows: Sequence[Sequence[str]], align: str, indent: str = "  ") -> list[str]:
    """Rows as aligned lines, two spaces between columns, no trailing spaces; an empty column takes no room."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(align))]
    return [
        indent
        + "  ".join(
            f"{text:{side}{size}}" for text, side, size in zip(row, align, widths, strict=True) if size
        ).rstrip()
        for row in rows
    ]
