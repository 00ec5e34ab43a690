# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _figures, _trade_offs, _verdict, _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import SIMULATED_NOTE, View, read

_TEMPLATES = Path(__file__).parent / "templates"
_SPEC_COLUMNS = ("type", "range", "values", "step", "scale", "default", "when")


def render_html(summary: Mapping[str, Any]) -> str:
    """The page: no request leaves it, it reads without JavaScript, in light and dark, on paper and on a phone.

    summary: as for `render_text`. Strings in it are escaped, whatever they hold.
    """
    view = read(summary)
    page = _environment().get_template("page.html.j2")
    return page.render(
        view=view,
        summary=view.summary,
        simulated_note=SIMULATED_NOTE,
        headline=_verdict.headline(view),
        tone=_verdict.tone(view),
        sentence=_verdict.sentence(view),
        advice=_verdict.advice(view),
        tally=_verdict.tally(view),
        changes_heading=_verdict.changes_heading(view),
        apply_command=_verdict.apply_command(view),
        # Drawn twice, for wide and for narrow screens: scaling one down would make its letters too small to read.
        figures={
            "wide": _figures.fitness_figure(view, 1000, 400),
            "narrow": _figures.fitness_figure(view, 400, 340),
        },
        symbols=[symbol for symbol in (*_figures.ORIGINS, "other") if symbol in _drawn_symbols(view)],
        point=_point_size(len(view.trials)),
        gain=_figures.forest([view.gain]),
        forest=_figures.forest([view.gain, *(goal.change for goal in view.goals)]) if view.verified else None,
        trade_offs=_trade_offs.trade_offs(view),
        space=_space(view),
        short=_words.short_names(_parameter_names(view)),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "typographic": _typographic,
        "percent": lambda value: _typographic(_words.percent(value)),
        "quantity": lambda value, name: _typographic(_words.quantity(name, value)),
        "value": lambda value: _typographic(_words.value(value)),
        "plain": _words.plain,
        "listed": _words.listed,
        "duration": _words.duration,
        "moment": _words.moment,
        "origin": _words.origin,
        "confidence": _words.confidence,
        "breakable": _breakable,
    }
    return environment


def _typographic(text: str) -> str:
    """True minus signs, and no line break between a number and its unit."""
    text = re.sub(r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}", text)
    return re.sub(r"(?<=\d) (?=[%/A-Za-zµ])", "\N{NO-BREAK SPACE}", text)


def _breakable(name: str) -> Markup:
    """A long dotted name that may break after a dot or an underscore; escaped."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", name))


def _drawn_symbols(view: View) -> set[str]:
    drawn = {trial.origin for trial in view.trials if trial.fitness is not None}
    return {origin if origin in _figures.ORIGINS else "other" for origin in drawn}


def _point_size(trials: int) -> float:
    """The radius of a point: thousands must not cover each other."""
    return 5.0 if trials <= 120 else 4.0 if trials <= 500 else 2.8


def _parameter_names(view: View) -> list[str]:
    """Every parameter that the page names, in the order of the search space."""
    names = dict.fromkeys(view.summary.get("parameters") or {})
    return list(names | dict.fromkeys(name for trial in view.trials for name, _value in trial.differences))


def _space(view: View) -> list[dict[str, Any]]:
    """A row for each parameter: what may vary, what the baseline has and what the best configuration has."""
    baseline = (view.summary.get("baseline") or {}).get("configuration") or {}
    best = (view.summary.get("best") or {}).get("configuration") or {}
    rows = []
    for name, given in (view.summary.get("parameters") or {}).items():
        spec = given or {}
        rows.append(
            {
                "name": name,
                "type": spec.get("type", ""),
                "allowed": _allowed(spec),
                "notes": ", ".join(
                    [f"{key} {_words.plain(spec[key])}" for key in ("step", "scale", "when") if spec.get(key)]
                    + [f"{key}: {_words.plain(value)}" for key, value in spec.items() if key not in _SPEC_COLUMNS]
                ),
                "baseline": _words.quantity(name, baseline.get(name)),
                "best": _words.quantity(name, best.get(name)) if best else "",
                "changed": bool(best) and best.get(name) != baseline.get(name),
            }
        )
    return rows


def _allowed(spec: Mapping[str, Any]) -> str:
    """The range or the values in words."""
    if spec.get("range"):
        return " to ".join(_words.plain(edge) for edge in spec["range"])
    return ", ".join(_words.plain(value) for value in spec.get("values") or [])
