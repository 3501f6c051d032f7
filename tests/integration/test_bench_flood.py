#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_bench_flood.py [live | golden]: the packets of `ktlsgate-bench flood` are what their kinds
say, the same for the same seed, and of no other addresses than those for benchmarks; `live`: they
arrive as they were sent, at their rate, nothing of them is seen outside, and nothing stays behind;
`golden`: writes the files that the packets are held against.

The program is the one in $KTLSGATE_BENCH.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import flood_packets
from flood_packets import ACK, FIN, PSH, RST, SYN, UDP, Packet

DEADLINE_S = 60
BENCH = os.environ["KTLSGATE_BENCH"]
GOLDEN = pathlib.Path(__file__).resolve().parent / "flood"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="ktlsgate-flood-"))
SOURCES = {4: "198.19.0.0/16", 6: "2001:2:0:ff00::/56"}
TARGETS = {4: "198.18.0.1", 6: "2001:2::1"}
SIZE = 24
SKIPPED = 77

# What is wrong with the packets of a kind, in the order in which they come: of both families, …
BOTH = {
    "syn": [""],
    "syn-data": [""],
    "ack": ["", "", "", "", ""],
    "rst": ["", ""],
    "udp": ["", "", "", "no checksum"],
    "malformed": [
        "flags", "flags", "flags", "flags", "data offset", "data offset", "data offset", "checksum",
        "port", "port", "urgent", "to itself", "cut", "tcp option", "tcp option", "tcp option",
        "tcp option", "mss", "scale", "tcp option length", "tcp option length", "md5",
        "tcp option length", "", "udp length", "udp length"],
    "fragment": [
        "first fragment", "middle fragment", "last fragment", "first fragment, tiny",
        "middle fragment, overlapping", "last fragment, beyond 64k", "first fragment, odd",
        "middle fragment, empty"],
    "handshake-garbage": [""],
    "handshake-half-hello": [""],
}
# … and after these.
MORE = {
    ("malformed", 4): [
        "version", "version", "header length", "header length", "header length", "length", "length",
        "length", "ttl", "ip checksum", "fragment of a whole, first fragment, odd", "reserved",
        "protocol", "ip option", "ip option", "source route", "ip option pointer",
        "ip option overflow"],
    ("malformed", 6): [
        "version", "version", "length", "length", "length", "ttl", "protocol", "protocol",
        "extension", "ip option", "unknown option", "jumbo", "late options", "", "source route",
        "source route, route length", "extension"],
    ("fragment", 6): [""],
}
FLAGS = {"syn": {SYN}, "syn-data": {SYN}, "ack": {ACK, ACK | PSH, ACK | FIN, ACK | SYN},
         "rst": {RST, RST | ACK}}

failures = []


def check(ok, what, more=""):
    print(("ok   " if ok else "FAIL ") + what + (f"\n     {more}" if not ok and more else ""),
          flush=True)
    if not ok:
        failures.append(what)
    return ok


def expected(kind, family):
    return [set(filter(None, row.split(", "))) for row in BOTH[kind] + MORE.get((kind, family), [])]


def flood(*flags, **more):
    return subprocess.run([BENCH, "flood", *map(str, flags)], capture_output=True, text=True,
                          timeout=DEADLINE_S, **more)


def write(path, kind, family, *flags):
    count = len(expected(kind, family))
    done = flood("--kind", kind, "--sources", SOURCES[family], "--size", SIZE, "--count", count,
                 "--pcap", path, *flags)
    check(done.returncode == 0, f"{kind} of IPv{family} is written", done.stderr)
    return path.read_bytes()


def every_kind():
    return [(kind, family) for kind in BOTH for family in SOURCES]


def golden_path(kind, family):
    return GOLDEN / f"{kind}-v{family}.pcap"


# ---- packets ----

def check_packets(kind, family, path):
    """Each as its shape is meant to be, by a reader of our own."""
    packets = [Packet(frame) for _, frame in flood_packets.read_pcap(path)]
    answers = packets[1::2] if kind.startswith("handshake") else []
    floods = packets[::2] if answers else packets
    wanted = expected(kind, family)
    check(len(floods) == len(wanted), f"{kind} v{family}: there are {len(wanted)} packets")
    wrong = [f"{i}: {sorted(p.defects)}, not {sorted(w)}"
             for i, (p, w) in enumerate(zip(floods, wanted)) if p.defects != w]
    check(not wrong, f"{kind} v{family}: each is good, or wrong as it is meant to be", wrong)
    check(all(p.inside() for p in packets), f"{kind} v{family}: all are of the benchmarks' ranges")
    check(all(str(p.target) == TARGETS[family] for p in packets),
          f"{kind} v{family}: all go to the target")
    check_kind(kind, floods, f"{kind} v{family}")
    check_answers(kind, floods, answers, f"{kind} v{family}")


def check_kind(kind, packets, name):
    if kind in FLAGS:
        check({p.flags for p in packets} == FLAGS[kind], f"{name}: flags are those of the kind")
    if kind == "syn":
        check(all(not p.payload for p in packets), f"{name}: no payload")
    if kind == "syn-data":
        check(all(len(p.payload) == SIZE for p in packets), f"{name}: {SIZE} bytes of payload")
    if kind == "udp":
        check(all(p.protocol == UDP for p in packets), f"{name}: all are UDP")
        check({len(p.payload) for p in packets} == {0, SIZE}, f"{name}: with payload and without")


def check_answers(kind, syns, answers, name):
    """A SYN's own source goes on after it, with what the kind says."""
    for syn, answer in zip(syns, answers):
        check(syn.flags == SYN and answer.flags == ACK | PSH and not answer.defects,
              f"{name}: a SYN, then an ACK with data")
        check((answer.source, answer.source_port, answer.seq) ==
              (syn.source, syn.source_port, (syn.seq + 1) % 2**32), f"{name}: of one connection")
        record = int.from_bytes(answer.payload[3:5], "big") + 5
        if kind == "handshake-half-hello":
            check(answer.payload[:3] == b"\x16\x03\x01" and answer.payload[5] == 1 and
                  record // 2 == len(answer.payload), f"{name}: half a ClientHello")


def test_golden():
    for kind, family in every_kind():
        path = FOLDER / f"{kind}-v{family}.pcap"
        made, kept = write(path, kind, family), golden_path(kind, family)
        check(made == kept.read_bytes(), f"{kind} v{family}: byte for byte as before")
        check_packets(kind, family, kept)


def test_seed():
    for kind, family in every_kind():
        one, again, other = (write(FOLDER / f"seed-{i}", kind, family, "--seed", seed)
                             for i, seed in enumerate((7, 7, 8)))
        check(one == again, f"{kind} v{family}: the same seed, the same packets")
        check(one != other and len(one) == len(other), f"{kind} v{family}: another seed, others")


def test_garbage():
    """Each saying in its turn; none passes for a ClientHello that is whole."""
    path = FOLDER / "garbage"
    flood("--kind", "handshake-garbage", "--count", 16, "--pcap", path)
    said = [Packet(frame).payload for _, frame in flood_packets.read_pcap(path)][1::2]
    check(len(set(said)) == 8 and said[:8] == said[8:], "eight things are said, in turn")
    check(all(said), "each says something")


def test_spread():
    """Sources fill what they are given, and times follow from the rate."""
    path = FOLDER / "spread"
    flood("--count", 4000, "--rate", 1000, "--pcap", path, "--sources", "198.19.5.0/28")
    packets = flood_packets.read_pcap(path)
    sources = [Packet(frame).source for _, frame in packets]
    counts = [sources.count(source) for source in set(sources)]
    check(len(counts) == 16 and min(counts) > 150, "all sources of a /28, evenly", counts)
    check(all(str(s).startswith("198.19.5.") for s in sources), "and no others")
    check([round(t * 1000, 3) for t, _ in packets] == list(range(4000)), "each at its time")


def test_size():
    for size in (8, 1400):
        path = FOLDER / "size"
        for kind, family in every_kind():
            done = flood("--kind", kind, "--sources", SOURCES[family], "--size", size, "--count",
                         100, "--pcap", path)
            frames = [frame for _, frame in flood_packets.read_pcap(path)]
            check(done.returncode == 0 and max(map(len, frames)) <= 1514,
                  f"{kind} v{family}: frames with {size} bytes of payload fit Ethernet")


def test_refusals():
    """No other addresses, and no end that is out of sight."""
    for sources in ("10.0.0.0/8", "198.0.0.0/8", "198.16.0.0/14", "198.20.0.0/16", "127.0.0.1",
                    "0.0.0.0/0", "::/0", "2001:2::/47", "2001:2:1::/48", "2001:db8::/48", "::1",
                    "nonsense", ""):
        done = flood("--sources", sources, "--pcap", FOLDER / "refused")
        check(done.returncode == 2 and "--sources" in done.stderr,
              f"--sources '{sources}' is refused", done.stderr)
    for flags in ("--rate 0", "--rate 2000001", "--secs 0", "--secs 61", "--size 7", "--size 1401",
                  "--count 999999999999", "--kind nothing", "--into elsewhere"):
        done = flood(*flags.split(), "--pcap", FOLDER / "refused")
        check(done.returncode == 2 and flags.split()[0] in done.stderr, f"{flags} is refused",
              done.stderr)
    done = flood("--rate", 2000000, "--pcap", FOLDER / "refused")
    check(done.returncode == 2 and "--count" in done.stderr, "a file has an end, too")
    usage = flood("--help").stdout
    check(not re.search(r"--(target|dest|to|interface|dev|iface)\b", usage),
          "there is no flag to point it elsewhere")


# ---- live ----

def reason_to_skip():
    """What this machine lacks; anything else that is wrong fails the tests."""
    done = flood("--secs", 1, "--count", 1)
    lacks = re.search("built without|is not installed|takes root", done.stderr)
    return done.stderr.strip() if done.returncode == 3 and lacks else None


def sent(*flags):
    done = flood("--json", *flags)
    if not check(done.returncode == 0, f"flood {' '.join(map(str, flags))}", done.stderr):
        return None
    return json.loads(done.stdout)["result"]


def test_arrival():
    """Of every kind all that was sent arrives, and handshakes are completed."""
    for kind, family in every_kind():
        result = sent("--kind", kind, "--sources", SOURCES[family], "--rate", 20000, "--count", 2000)
        if not result:
            continue
        own = result["packets"] - result["answers"]
        check(own == 2000 and result["arrived"] == result["packets"],
              f"{kind} v{family}: what was sent has arrived", result)
        if kind.startswith("handshake"):
            check(result["answers"] >= result["accepted"] > 1000 and result["bytes_read"] > 0,
                  f"{kind} v{family}: connections are accepted and read", result)


def test_rate():
    for rate in (50, 2000):
        result = sent("--rate", rate, "--secs", 2)
        check(result and 0.8 * rate < result["per_second"] <= 1.02 * rate and
              result["packets"] <= 2 * rate, f"{rate} packets a second are kept to", result)


def test_seed_on_the_link():
    """What travels is what a file of the same flood holds: as many bytes."""
    path = FOLDER / "link"
    flags = ("--kind", "malformed", "--count", 500, "--seed", 5)
    flood(*flags, "--pcap", path)
    result = sent(*flags)
    check(result and result["bytes"] == sum(len(f) for _, f in flood_packets.read_pcap(path)),
          "the link carries the packets of the file", result)


@contextlib.contextmanager
def ears():
    """All frames that any interface of this namespace carries meanwhile."""
    heard = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        ear.setblocking(False)
        yield heard
        with contextlib.suppress(BlockingIOError):
            while True:
                heard.append(ear.recv(2048))


def is_of_flood(frame):
    kind = frame[12:14]
    if kind not in (b"\x08\x00", b"\x86\xdd") or len(frame) < (34 if kind == b"\x08\x00" else 54):
        return frame[6:12].startswith(b"\x02\0\0\0\0")
    packet = Packet(frame)
    return any(a in net for net in flood_packets.RANGES for a in (packet.source, packet.target))


def interfaces():
    return sorted(os.listdir("/sys/class/net"))


def test_nothing_gets_out():
    before = interfaces()
    process = subprocess.Popen([BENCH, "flood", "--rate", "20000", "--secs", "2"],
                               stdout=subprocess.PIPE, text=True)
    with ears() as heard, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
        while process.poll() is None:
            voice.sendto(b"heard", ("127.0.0.1", 9)) # that the ears are open
            check(interfaces() == before, "the flood has no interface here")
            time.sleep(0.5)
    check(process.returncode == 0, "a flood runs meanwhile")
    check(any(b"heard" in frame for frame in heard), "what is sent here is heard")
    check(not any(map(is_of_flood, heard)), "nothing of the flood is heard here")


# ---- what stays behind ----

def namespace_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def children_of(pid):
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]
    return []


def holders(namespaces):
    """Processes that are in one of them or hold a descriptor of one."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        links = [namespace_of(pid)]
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        if namespaces & set(links):
            found.append(int(pid))
    return found


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def names_of_namespaces():
    with contextlib.suppress(OSError):
        return sorted(os.listdir("/run/netns"))
    return []


def test_end(number):
    """However it is ended, no process, namespace or interface is left."""
    name = signal.Signals(number).name
    before = interfaces(), names_of_namespaces()
    process = subprocess.Popen([BENCH, "flood", "--kind", "handshake-garbage", "--secs", "30"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    home = namespace_of(process.pid)
    check(wait_until(lambda: any(namespace_of(c) not in (home, None)
                                 for c in children_of(process.pid))), f"{name}: the flood has begun")
    time.sleep(0.5)
    family = children_of(process.pid)
    held = {os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")}
    spaces = {link for link in held if link.startswith("net:")} - {home}
    check(len(spaces) == 2 and holders(spaces), f"{name}: there are two namespaces")
    process.send_signal(number)
    check(process.wait(timeout=DEADLINE_S) != 0, f"{name}: it ends, and tells of no success")
    check(wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in family)),
          f"{name}: no process is left")
    check(wait_until(lambda: not holders(spaces)), f"{name}: nobody holds its namespaces")
    check((interfaces(), names_of_namespaces()) == before, f"{name}: neither interface nor name")


def test_rights():
    """Without them it says so."""
    done = flood("--count", 1, user=65534, group=65534, extra_groups=[])
    check(done.returncode == 3 and "root" in done.stderr, "who is not root is told", done.stderr)


def run_live():
    why = reason_to_skip()
    if why:
        print(f"SKIP: {why}")
        sys.exit(SKIPPED)
    test_arrival()
    test_rate()
    test_seed_on_the_link()
    test_nothing_gets_out()
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        test_end(number)
    test_rights()


def run_packets():
    test_golden()
    test_seed()
    test_garbage()
    test_spread()
    test_size()
    test_refusals()


def write_golden():
    for kind, family in every_kind():
        write(golden_path(kind, family), kind, family)


def main():
    os.chmod(FOLDER, 0o755)
    try:
        {"live": run_live, "golden": write_golden, "packets": run_packets}[
            sys.argv[1] if len(sys.argv) > 1 else "packets"]()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(1 if failures else 0)


main()
