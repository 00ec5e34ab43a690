# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network limits in a guest: what recorded output of tc means, and the limits of a real kernel, measured between two
network namespaces that nobody else uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_control import INBOUND, OUTBOUND, parse_limits
from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_report import (
    Traffic,
    TrafficError,
    default_interface,
    device_for,
    read_links,
    read_traffic,
)

# Recorded from iproute2 6.1 on Linux 6.18.
NOTHING = '[{"kind":"noqueue","handle":"0:","root":true,"refcnt":2,"options":{}}]'
FROM_KERNEL = (
    '[{"kind":"pfifo_fast","handle":"0:","root":true,"refcnt":2,"options":{"bands":3,'
    '"priomap":[1,2,2,2,1,2,0,0,1,1,1,1,1,1,1,1],"multiqueue":false}}]'
)
BUCKET = (
    '{"kind":"tbf","handle":"e701:","root":true,"refcnt":3,"options":{"rate":3125000000,"burst":31246875,"lat":50001}}'
)
OTHER_BUCKET = (
    '{"kind":"tbf","handle":"10:","root":true,"refcnt":3,"options":{"rate":1250000,"burst":32767,"lat":50000}}'
)
OWN_MQ = (
    '[{"kind":"mq","handle":"8172:","root":true,"options":{}},{"kind":"pfifo_fast","handle":"0:","parent":"8172:1",'
    '"options":{"bands":3,"priomap":[1,2,2,2,1,2,0,0,1,1,1,1,1,1,1,1],"multiqueue":false}}]'
)
INGRESS = '{"kind":"ingress","handle":"ffff:","parent":"ffff:fff1","options":{}}'
CLSACT = '{"kind":"clsact","handle":"ffff:","parent":"ffff:fff1","options":{}}'
FILTER = """filter protocol all pref 59137 u32 chain 0
filter protocol all pref 59137 u32 chain 0 fh 800: ht divisor 1
filter protocol all pref 59137 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 terminal flowid not_in_hw
  match 00000000/00000000 at 0
\taction order 1: mirred (Egress Redirect to device evolve3) stolen
\tindex 1 ref 1 bind 1
"""


def test_an_interface_nobody_has_touched():
    assert read_traffic(NOTHING, "", None, "evolve3") == Traffic(0, 0)
    assert read_traffic(FROM_KERNEL, "", None, "evolve3") == Traffic(0, 0)


def test_our_limits():
    found = read_traffic(f"[{BUCKET},{INGRESS}]", FILTER, f"[{BUCKET.replace('3125000000', '125000')}]", "evolve3")
    assert found == Traffic(25000, 1, has_ingress=True, has_filter=True)


@pytest.mark.parametrize(
    ("qdiscs", "filters", "device", "outbound", "inbound"),
    [
        (f"[{OTHER_BUCKET}]", "", None, "tbf 10:", ""),
        (OWN_MQ, "", None, "mq 8172:", ""),
        (f"[{BUCKET.replace('tbf', 'htb')}]", "", None, "htb e701:", ""),
        (f"[{BUCKET},{INGRESS}]", "", None, "", "ingress ffff:"),
        (f"[{BUCKET},{INGRESS}]", FILTER.replace("59137", "49152"), "[]", "", "ingress ffff:"),
        (f"[{BUCKET},{INGRESS}]", FILTER + "filter protocol ip pref 1 u32 chain 0\n", "[]", "", "ingress ffff:"),
        (f"[{CLSACT}]", FILTER, f"[{BUCKET}]", "", "clsact ffff:"),
    ],
)
def test_what_the_owner_has_set_up(qdiscs, filters, device, outbound, inbound):
    found = read_traffic(qdiscs, filters, device, "evolve3")
    assert (found.owner_outbound, found.owner_inbound, found.inbound) == (outbound, inbound, 0)


@pytest.mark.parametrize(
    ("filters", "device"),
    [
        ("", "[]"),
        ("", f"[{BUCKET}]"),
        (FILTER.replace("evolve3", "*"), None),
    ],
)
def test_a_limit_of_ours_that_was_not_completed(filters, device):
    found = read_traffic(f"[{INGRESS}]", filters, device, "evolve3")
    assert found == Traffic(0, 0, has_ingress=True)


def test_the_bucket_must_be_that_of_our_device():
    assert read_traffic(f"[{INGRESS}]", FILTER, f"[{BUCKET}]", "evolve33").inbound == 0


def test_tc_that_is_too_old():
    with pytest.raises(TrafficError, match="do not write proper JSON"):
        read_traffic("[{qdisc tbf e701: root refcnt 2 rate 10Mbit}]", "", None, "evolve3")
    with pytest.raises(TrafficError, match="does not say the rate"):
        read_traffic('[{"kind":"tbf","handle":"e701:","root":true,"options":{}}]', "", None, "evolve3")


def test_the_interface_of_the_default_route():
    recorded = '[{"dst":"default","gateway":"10.9.0.2","dev":"v0","flags":[]}]'
    assert default_interface(recorded, "[]") == "v0"
    assert default_interface("[]", recorded) == "v0"
    assert default_interface('[{"dev":"a","metric":200},{"dev":"b","metric":100}]') == "b"
    assert default_interface("", "[]") == ""
    # A name has at most 15 letters.
    assert len(device_for(2**29)) <= 15


def test_links_as_ip_shows_them():
    recorded = (
        '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"],"mtu":65536,"qdisc":"noop","operstate":"DOWN"},'
        '{"ifindex":2,"link":"host0","ifname":"guest0","flags":["UP"],"mtu":1500,"qdisc":"tbf","operstate":"UP"},{}]'
    )
    assert read_links(recorded) == {"lo": (1, 65536), "guest0": (2, 1500)}


def test_configuration_takes_its_own_two_names_and_tells_all_faults():
    values, faults = parse_limits({OUTBOUND: "20", INBOUND: 0, "vm.vcpus": 2, "vm.network.queues": 4})
    assert (values, faults) == ({OUTBOUND: 20, INBOUND: 0}, [])
    for wrong in (-1, 1.5, True, "fast", None, 1_000_001):
        values, faults = parse_limits({OUTBOUND: wrong, INBOUND: wrong})
        assert (values, [fault.split(":")[0] for fault in faults]) == ({}, [INBOUND, OUTBOUND])


# --- a real kernel ----------------------------------------------------------------------------------------------------

BEGINNING = '''
import json, os, re, socket, subprocess, sys, time
from ansible_collections.evolve.vm.plugins.module_utils.guest import traffic_control
from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_control import (
    INBOUND, OUTBOUND, TrafficControl, TrafficError, limit_traffic
)

def run(command):
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout

# The other end of the cable is in a namespace of its own.
other = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1)
other.stdout.readline()
run("ip link add guest0 type veth peer name host0")
run(f"ip link set host0 netns {other.pid}")
there = f"nsenter --net=/proc/{other.pid}/ns/net "
run("ip addr add 10.9.0.1/24 dev guest0")
run("ip link set guest0 up")
run(there + "ip addr add 10.9.0.2/24 dev host0")
run(there + "ip link set host0 up")
run("ip route add default via 10.9.0.2")

PEER = """
import socket, sys
sending = sys.argv[1] == "send"
server = socket.create_server(("10.9.0.2", 0))
print(server.getsockname()[1], flush=True)
connection = server.accept()[0]
data = bytes(65536)
try:
    while connection.send(data) if sending else connection.recv(65536):
        pass
except OSError:
    pass
"""

def mbit(direction, seconds=2.5):
    """What really goes through, in Mbit of payload per second, as the receiving side sees it."""
    peer_does = {"out": "receive", "in": "send"}[direction]
    peer = subprocess.Popen([*there.split(), sys.executable, "-c", PEER, peer_does], stdout=subprocess.PIPE, text=True)
    with socket.create_connection(("10.9.0.2", int(peer.stdout.readline()))) as connection:
        # What is in the buffers of the sender has not gone through.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.settimeout(5)
        step = (lambda: connection.send(bytes(65536))) if direction == "out" else (lambda: len(connection.recv(65536)))
        moved, started = 0, None
        warm = time.monotonic() + 0.5
        while time.monotonic() < warm + seconds:
            size = step()
            if time.monotonic() > warm:
                started = started or time.monotonic()
                moved += size
        rate = moved * 8 / 1e6 / (time.monotonic() - started)
    peer.kill()
    peer.wait()
    return rate

def apply(configuration, **options):
    given = {"configuration": configuration, "parameters": None, "state": "applied", **options}
    return limit_traffic(TrafficControl(), given, options.get("check_mode", False))

def failure(configuration):
    try:
        apply(configuration)
    except TrafficError as error:
        return str(error)

def shown():
    qdiscs = run("tc qdisc show dev guest0")
    return qdiscs + (run("tc filter show dev guest0 parent ffff:") if "ffff:" in qdiscs else "")

def names():
    # Loading its module may have brought the first two.
    found = [link["ifname"] for link in json.loads(run("ip -j link show"))]
    return sorted(name for name in found if not name.startswith("ifb"))
'''


def between_namespaces(code):
    """Run `code` in a network namespace whose guest0 leads to another; returns what it leaves in `result`."""
    program = f"{BEGINNING}\n{textwrap.dedent(code)}\nprint(json.dumps(result))\nother.stdin.close()\nother.wait()\n"
    command = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), sys.executable, "-c"]
    done = subprocess.run(
        [*command, program],
        capture_output=True,
        text=True,
        check=False,
        # tc and ip are where not everyone looks for programs.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_limits_hold_for_what_really_goes_through():
    result = between_namespaces(
        """
        result = {"none": [mbit("out", 0.5), mbit("in", 0.5)]}
        result["applied"] = apply({OUTBOUND: 20, INBOUND: 40})
        result["limited"] = [mbit("out"), mbit("in")]
        result["changed"] = apply({OUTBOUND: 60})
        result["widened"] = [mbit("out"), mbit("in")]
        result["again"] = apply({OUTBOUND: 60, INBOUND: 40})["changed"]
        result["lifted"] = [apply({OUTBOUND: 0, INBOUND: 0})["readback"], mbit("out", 0.5), mbit("in", 0.5)]
        """
    )
    assert min(result["none"]) > 500
    assert result["applied"]["readback"] == {INBOUND: 40, OUTBOUND: 20}
    assert result["applied"]["interface"] == "guest0"
    assert [change["tier"] for change in result["applied"]["changes"]] == ["live", "live"]
    # The limit counts whole frames, of which 4.4 % is no payload.
    outbound, inbound = result["limited"]
    assert 17 < outbound < 21
    assert 34 < inbound < 42
    assert result["changed"]["readback"] == {OUTBOUND: 60}
    outbound, inbound = result["widened"]
    assert 51 < outbound < 63
    assert 34 < inbound < 42
    assert not result["again"]
    assert result["lifted"][0] == {INBOUND: 0, OUTBOUND: 0}
    assert min(result["lifted"][1:]) > 500


def test_all_that_was_set_is_taken_away_and_nothing_else():
    result = between_namespaces(
        """
        before = [shown(), names()]
        apply({OUTBOUND: 20, INBOUND: 40})
        between = names()
        apply({OUTBOUND: 0, INBOUND: 0})
        result = {"before": before, "between": between, "after": [shown(), names()]}
        """
    )
    assert result["before"] == result["after"]
    assert len(result["between"]) == len(result["before"][1]) + 1


def test_check_mode_touches_nothing_and_tells_what_would_be():
    result = between_namespaces(
        """
        before = shown()
        given = {"configuration": {OUTBOUND: 20, INBOUND: 0}, "parameters": [INBOUND, OUTBOUND, "vm.vcpus"]}
        planned = limit_traffic(TrafficControl(), {**given, "state": "applied"}, check_mode=True)
        read = limit_traffic(TrafficControl(), {**given, "state": "read"}, check_mode=False)
        result = {"planned": planned, "read": read, "same": before == shown()}
        """
    )
    assert result["same"]
    assert result["planned"]["changed"]
    assert result["planned"]["diff"] == {"prepared": f"{OUTBOUND}: 0 -> 20 (live)\n"}
    assert result["planned"]["readback"] == {INBOUND: 0, OUTBOUND: 0}
    assert not result["read"]["changed"]


def test_what_the_owner_has_set_up_stays():
    result = between_namespaces(
        """
        run("tc qdisc add dev guest0 root handle 10: tbf rate 100mbit burst 32k latency 50ms")
        run("tc qdisc add dev guest0 clsact")
        before = shown()
        result = {"both": failure({OUTBOUND: 20, INBOUND: 40}), "none": apply({OUTBOUND: 0, INBOUND: 0})["changed"]}
        result["same"] = before == shown()
        run("tc qdisc del dev guest0 clsact")
        result["inbound"] = apply({INBOUND: 40})["readback"]
        apply({INBOUND: 0})
        result["root"] = shown()
        """
    )
    first, *faults = result["both"].split("\n")
    assert first == "Nothing was changed."
    assert [fault.split(":")[0] for fault in faults] == [INBOUND, OUTBOUND]
    assert "(clsact ffff:), which are not overwritten" in faults[0]
    assert "(tbf 10:), which are not overwritten" in faults[1]
    assert "(tc qdisc del dev guest0 root)" in faults[1]
    assert result["same"]
    assert not result["none"]
    assert result["inbound"] == {INBOUND: 40}
    assert result["root"].startswith("qdisc tbf 10: root")


def test_after_a_failure_the_limits_of_before_are_in_force():
    result = between_namespaces(
        """
        apply({OUTBOUND: 20})
        genuine = TrafficControl._run
        def refusing(*command):
            if "mirred" in command:
                return genuine("tc", "filter", "add", "nonsense")
            return genuine(*command)
        TrafficControl._run = staticmethod(refusing)
        message = failure({OUTBOUND: 30, INBOUND: 40})
        result = [message, TrafficControl().values(), names()]
        """
    )
    message, values, names = result
    assert "`tc filter add nonsense` failed: " in message
    assert message.endswith("The limits of before were put back.")
    assert values == {INBOUND: 0, OUTBOUND: 20}
    assert not [name for name in names if name.startswith("evolve")]


def test_whoever_was_killed_at_any_step_is_mended():
    result = between_namespaces(
        """
        genuine = TrafficControl._run
        class Killed(BaseException):
            pass
        def killed_at(last, configuration):
            steps = 0
            def run_some(*command):
                nonlocal steps
                if not {"show"} & set(command):
                    steps += 1
                    if steps == last:
                        raise Killed
                return genuine(*command)
            TrafficControl._run = staticmethod(run_some)
            try:
                apply(configuration)
            except Killed:
                return True
            finally:
                TrafficControl._run = staticmethod(genuine)
            return False

        on, off = {OUTBOUND: 20, INBOUND: 40}, {OUTBOUND: 0, INBOUND: 0}
        result = []
        for wanted, other_way in ((on, off), (off, on)):
            for last in range(1, 20):
                apply(other_way)
                if not killed_at(last, wanted):
                    break
                result.append([apply(wanted)["readback"] == wanted, apply(other_way)["readback"] == other_way])
        """
    )
    assert len(result) > 7
    assert all(both == [True, True] for both in result)


def test_interfaces_that_are_not_there():
    result = between_namespaces(
        """
        result = []
        run("ip route del default")
        for name in ("gest0", None):
            try:
                TrafficControl(name)
            except TrafficError as error:
                result.append(str(error))
        """
    )
    assert "has no network interface gest0. Did you mean guest0? It has: " in result[0]
    assert "has no default route, so say which network interface is meant" in result[1]


def test_the_kernel_s_reason_is_told():
    result = between_namespaces(
        """
        try:
            TrafficControl()._run("tc", "qdisc", "add", "dev", "guest0", "root", "handle", "ffff0000:", "tbf")
        except TrafficError as error:
            result = str(error)
        """
    )
    assert result.startswith("`tc qdisc add dev guest0 root handle ffff0000: tbf` failed: ")
    assert "The kernel needs the modules sch_tbf, " in result
