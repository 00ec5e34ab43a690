# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference page of all known parameters, made from the catalogue's data.

Usage: catalogue_page.py write|check
Exit status 1 if the page is not what the data gives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "parameters.md"
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / ".collections"))

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import Catalogue, catalogue  # noqa: E402
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.checking import UNITS  # noqa: E402
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import Entry, Profile  # noqa: E402
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import FACTS  # noqa: E402
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.risks import RISKS  # noqa: E402

_HEAD = """\
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by tests/tools/catalogue_page.py from plugins/plugin_utils/catalogue/data: change that, not this. -->

# Parameters

The catalogue: {count} parameters whose type, sensible range, cost and source are known. One of them can be searched by
its name alone; any other is described in full, as [the search space](../guide/02-search-space.md) says.

```yaml
evolve_parameters:
  vm.vcpus:                                         # its entry here
  vm.memory_mib: {{minimum: 1024}}                    # its entry, and what the application needs at least
  kernel.sysctl.vm.swappiness: {{range: [0, 100]}}    # its entry with another range
evolve_profile: {profile}
```

| column | meaning |
|---|---|
| range | both ends included, values with a meaning of their own in brackets; `log`: searched on a logarithmic scale |
| default | what is in force where nobody has said anything; empty where that depends on the machine or the version |
| tier | what a change costs, cheapest first: `live`, `reload`, `restart` (the application), `reboot`, `recreate` |
| risk | what it can cost beyond speed; left out of every search unless `evolve_allow_risk` names that risk |

Names with other characters than letters, digits, `_` and `.` stand in backquotes in conditions and constraints.
"""


def page(known: Catalogue) -> str:
    """The whole page, as Markdown."""
    parts = [
        _HEAD.format(count=len(known.entries), profile=next(iter(known.profiles), "[]")),
        *_table("Risks", ("risk", "meaning"), RISKS.items()),
        *_table("Facts", ("in ranges", "meaning"), ((f"`{fact}`", meaning) for fact, meaning in FACTS.items())),
        "`guest.memory_mib` and `guest.vcpus` mean `vm.memory_mib` and `vm.vcpus` where these are searched: in ranges",
        "the most that they can be, in constraints whatever they are.\n",
        *_table("Units", ("unit", "meaning"), UNITS.items()),
    ]
    if known.profiles:
        parts.append("## Profiles\n")
        for profile in known.profiles.values():
            parts += _profile(profile)
    for family in known.families.values():
        entries = [entry for entry in known.entries.values() if entry.family == family.name]
        parts.append(f"## {family.prefix}*\n\n{family.about}\n")
        parts.append(
            "| parameter | what it is | type and range | unit | default | tier | risk |\n|---|---|---|---|---|---|---|"
        )
        parts += [_row(family.prefix, entry) for entry in entries]
        constraints = dict.fromkeys(text for entry in entries for text in entry.constraints)
        if constraints:
            parts.append("\nWhere all parameters of such a condition are searched, it holds in every configuration:\n")
            parts += [f"* `` {text} ``" if "`" in text else f"* `{text}`" for text in constraints]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _table(title: str, columns: tuple[str, str], rows: Any) -> Iterator[str]:
    yield f"## {title}\n\n| {columns[0]} | {columns[1]} |\n|---|---|"
    yield from (f"| {first} | {second} |" for first, second in rows)
    yield ""


def _profile(profile: Profile) -> Iterator[str]:
    yield f"### {profile.name}\n\n{profile.about}\n"
    for name, keys in profile.overrides.items():
        changed = ", ".join(f"{key}: {value}" for key, value in keys.items())
        yield f"* `{name}`" + (f" ({changed})" if changed else "")
    if profile.constraints:
        yield "\nwith\n"
        yield from (f"* `{text}`" for text in profile.constraints)
    yield ""


def _row(prefix: str, entry: Entry) -> str:
    name = entry.name.removeprefix(prefix)
    versions = [f"from {entry.since}"] * bool(entry.since) + [f"to {entry.until}"] * bool(entry.until)
    summary = entry.summary + (f" ({' '.join(versions)})" if versions else "")
    cells = [
        f"[`{name}`]({entry.source})",
        summary,
        _values(entry),
        entry.unit,
        _shown(entry.default),
        entry.tier,
        _risk(entry),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(entry: Entry) -> str:
    space = entry.space
    kind = space["type"]
    if kind == "bool":
        what = "bool"
    elif kind == "choice":
        what = (
            ", ".join(map(_code, space.get("values") or ())) or f"yours, such as {', '.join(map(_code, entry.example))}"
        )
    else:
        low, high = (f"`{end}`" if isinstance(end, str) else str(end) for end in space["range"])
        extra = [f"step {space['step']}"] if "step" in space else []
        extra += [space["scale"]] if "scale" in space else []
        what = f"{kind} {low} to {high}" + (f", {', '.join(extra)}" if extra else "")
        if special := space.get("special"):
            what += f" [{', '.join(map(str, special))}]"
    return what + (f", when `{space['when']}`" if "when" in space else "")


def _risk(entry: Entry) -> str:
    return entry.risk or ", ".join(f"{_code(value)}: {risk}" for value, risk in entry.risks)


def _shown(value: Any) -> str:
    return "" if value is None else _code(value)


def _code(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main(arguments: list[str]) -> int:
    if arguments not in (["write"], ["check"]):
        print(__doc__)
        return 2
    text = page(catalogue())
    if arguments == ["write"]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(
            f"{PAGE.relative_to(REPOSITORY)} is not what the catalogue gives. Run: tests/tools/catalogue_page.py write"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
