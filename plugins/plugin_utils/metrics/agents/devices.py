# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks and network interfaces of a guest count, so that no byte counts twice.

What is built upon another device (partitions, LVM, RAID, bridges, tunnels, interfaces of containers) is left out: the
same bytes pass the device below it, which is the one that the hypervisor sees.
"""

DISKS = r"(sd|hd|vd|xvd)[a-z]+|nvme\d+n\d+|mmcblk\d+"
# VLANs have a dot or a colon in their names; `all` is Telegraf's word for the counters of protocols.
INTERFACES = (
    r"(?!(lo|all|veth|docker|br|virbr|lxc|lxd|tap|tun|wg|bond|team|dummy|ifb|cni|flannel|cali|vxlan|vnet)"
    r"(\W|\d|$|[a-f0-9]))[^.:@]+"
)
