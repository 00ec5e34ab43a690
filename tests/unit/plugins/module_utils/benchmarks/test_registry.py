# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every benchmark tool."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import GENERAL_OPTIONS, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS

REPOSITORY = Path(__file__).parents[5]
# What a tool cannot do without.
LEAST = {"wrk2": {"rate": 1000}}


@pytest.mark.parametrize("name", sorted(set(TOOLS) - {"command"}))
def test_each_metric_is_documented(name):
    patterns = [re.sub("<[a-z_]+>", "[a-z0-9_-]+", metric) for metric in TOOLS[name].METRICS]
    (benchmark,) = parse_definition({"name": name, **LEAST.get(name, {})}).benchmarks
    for metric in benchmark.metric_names:
        assert any(re.fullmatch(pattern, metric) for pattern in patterns), metric


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_no_option_of_a_tool_has_the_name_of_a_general_one(name):
    assert TOOLS[name].name == name
    assert not set(TOOLS[name].option_names()) & set(GENERAL_OPTIONS)


@pytest.mark.parametrize("name", sorted(set(TOOLS) - {"command"}))
def test_a_program_that_is_something_else_is_not_trusted(name):
    with pytest.raises(InfrastructureError):
        TOOLS[name].version("bash: 42: parrots\n")


def test_the_reference_page_is_what_the_tools_say():
    tool = REPOSITORY / "tests" / "tools" / "metrics_page.py"
    done = subprocess.run([sys.executable, str(tool), "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
