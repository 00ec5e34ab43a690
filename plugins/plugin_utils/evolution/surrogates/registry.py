# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surrogates a user may choose from."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates import (
    blend,
    forest,
    gaussian_process,
    neural,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Surrogate

SURROGATES = {
    "gp": Surrogate(gaussian_process.learn, 400, relearn=gaussian_process.relearn),
    "forest": Surrogate(forest.learn, 2_000, "sklearn"),
    "blend": Surrogate(blend.learn, 400, "sklearn"),
    "torch": Surrogate(neural.learn, 6_000, "torch"),
}
