# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_cost: what a configuration costs to run, by the user's price list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion

METRIC = "vm_cost"

# What one unit of a sized resource costs. The defaults follow the usual ratio between list prices of clouds: a vCPU
# costs about as much as 4 to 8 GiB of memory. Only ratios matter to fitness; the currency is the user's.
DEFAULT_PRICES = {"vcpu": 20.0, "memory_gib": 4.0}

_SIZES = {"vcpu": ("vm.vcpus", 1.0), "memory_gib": ("vm.memory_mib", 1.0 / 1024.0)}
SIZING_PARAMETERS = tuple(parameter for parameter, dummy in _SIZES.values())


def read_prices(prices: Any, faults: list[Fault]) -> dict[str, float]:
    """The price list of `evolve_prices`, defaults filled in; what is wrong is added to `faults`."""
    if not isinstance(prices, Mapping):
        faults.append(Fault("evolve_prices", f"found {prices!r}, expected a mapping such as {DEFAULT_PRICES}"))
        return dict(DEFAULT_PRICES)
    result = dict(DEFAULT_PRICES)
    for name, price in prices.items():
        where = f"evolve_prices.{name}"
        if name not in _SIZES:
            faults.append(Fault(where, f"unknown; accepted: {listing(_SIZES)}.{suggestion(str(name), list(_SIZES))}"))
        elif not isinstance(price, (int, float)) or isinstance(price, bool) or not math.isfinite(price) or price < 0:
            faults.append(Fault(where, f"found {price!r}, expected a price of 0 or more"))
        else:
            result[str(name)] = float(price)
    if not faults and not any(result.values()):
        faults.append(Fault("evolve_prices", "all prices are 0, so no configuration could be cheaper than another"))
    return result


def vm_cost(values: Mapping[str, Any], prices: Mapping[str, float]) -> float | None:
    """Price of the sizes in `values`, in the unit of the price list; None where a size with a price is not known."""
    cost = 0.0
    for name, price in prices.items():
        parameter, scale = _SIZES[name]
        if not price:
            continue
        if parameter not in values:
            return None
        cost += price * scale * float(values[parameter])
    return cost
