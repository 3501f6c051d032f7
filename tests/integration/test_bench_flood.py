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

import ears
import flood_packets
import remains
import spaces
from ears import Ear, is_of_flood
from flood_packets import ACK, FIN, PSH, RST, SYN, UDP, Packet
from spaces import held_by, wait_until
from verdict import check, finish, skip

DEADLINE_S = 60
BENCH = os.environ["KTLSGATE_BENCH"]
GOLDEN = pathlib.Path(__file__).resolve().parent / "flood"
FOLDER = pathlib.Path(remains.make_folder("ktlsgate-flood-"))
SOURCES = {4: "198.19.0.0/16", 6: "2001:2:0:ff00::/56"}
TARGETS = {4: "198.18.0.1", 6: "2001:2::1"}
SIZE = 24

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
    answering = kind.startswith("handshake")
    floods = packets[::2] if answering else packets
    wanted = expected(kind, family)
    check(len(floods) == len(wanted), f"{kind} v{family}: there are {len(wanted)} packets")
    wrong = [f"{i}: {sorted(p.defects)}, not {sorted(w)}"
             for i, (p, w) in enumerate(zip(floods, wanted)) if p.defects != w]
    check(not wrong, f"{kind} v{family}: each is good, or wrong as it is meant to be", wrong)
    check(all(p.inside() for p in packets), f"{kind} v{family}: all are of the benchmarks' ranges")
    check(all(str(p.target) == TARGETS[family] for p in packets),
          f"{kind} v{family}: all go to the target")
    check_kind(kind, floods, f"{kind} v{family}")
    if answering:
        check_answers(kind, floods, packets[1::2], f"{kind} v{family}")


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
    check(len(answers) == len(syns), f"{name}: each SYN has its answer", len(answers))
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
    return spaces.lacks(flood("--secs", 1, "--count", 1))


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


def listen_to(process, ears, act=lambda: None):
    """Until it ends."""
    while process.poll() is None:
        act()
        for ear in ears:
            ear.read()
        time.sleep(0.01)


def arriving(*flags):
    """The frames of a flood as its target meets them. Ears are open before there is a link."""
    home = {spaces.namespace_of()}
    process = remains.start([BENCH, "flood", *map(str, flags)], stdout=subprocess.DEVNULL)
    wait_until(lambda: len(held_by(process.pid).keys() - home) == 2 or process.poll() is not None)
    with contextlib.ExitStack() as stack:
        ears = [stack.enter_context(Ear(path)) for name, path in held_by(process.pid).items()
                if name not in home]
        listen_to(process, ears)
        for ear in ears:
            ear.read()
        missed = [ear.missed() for ear in ears]
        check(process.returncode == 0 and missed == [0, 0], f"flood {' '.join(map(str, flags))}: "
              "it is heard", f"exit {process.returncode}, missed {missed}")
        return [frame for ear in ears for frame in ear.arrived]


def test_frames_on_the_link():
    """What arrives is what a file of the same flood holds. Answers depend on the target: none here."""
    path = FOLDER / "link"
    for kind, family in every_kind():
        if kind.startswith("handshake"):
            continue
        name, heard = f"{kind} v{family}", []
        for seed in (5, 6):
            flags = ("--kind", kind, "--sources", SOURCES[family], "--count", 300, "--seed", seed)
            check(flood(*flags, "--pcap", path).returncode == 0, f"{name}: a file of seed {seed}")
            made = [frame for _, frame in flood_packets.read_pcap(path)]
            heard.append(arriving(*flags, "--rate", 2000))
            other = [i for i, pair in enumerate(zip(heard[-1], made)) if pair[0] != pair[1]]
            check(len(made) == 300 and heard[-1] == made, f"{name}: as in the file of seed {seed}",
                  f"{len(heard[-1])} arrive, not as in the file: {other[:9]}")
            check(all(map(is_of_flood, heard[-1])), f"{name}: each is known for one of a flood")
        check(heard[0] != heard[1], f"{name}: of another seed others arrive")


def test_nothing_gets_out():
    before, others = spaces.interfaces(), set()
    with Ear() as ear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
        voice.sendto(b"first voice", (ears.VOICE, 9))
        process = remains.start([BENCH, "flood", "--rate", "20000", "--secs", "2"])
        listen_to(process, [ear], lambda: others.update(set(spaces.interfaces()) - set(before)))
        voice.sendto(b"last voice", (ears.VOICE, 9))
        ear.read()
        missed = ear.missed()
    check(process.returncode == 0, "a flood runs meanwhile")
    check(not others, "it has no interface here", others)
    for words in (b"first voice", b"last voice"):
        check(any(words in frame for frame in ear.heard), f"here the {words.decode()} is heard")
    check(not missed, "nothing is missed", missed)
    check(not any(map(is_of_flood, ear.heard)), "nothing of the flood is heard here")


# ---- what stays behind ----

def children_of(pid):
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]
    return []


def sent_from(pid):
    """Packets that have left by the link, where the process is."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines():
            name, _, figures = line.partition(":")
            if name.strip() == "flood":
                return int(figures.split()[8])
    return 0


def names_of_namespaces():
    with contextlib.suppress(OSError):
        return sorted(os.listdir("/run/netns"))
    return []


def test_end(number):
    """However it is ended, no process, namespace or interface is left."""
    name = signal.Signals(number).name
    before = spaces.interfaces(), names_of_namespaces()
    process = remains.start([BENCH, "flood", "--kind", "handshake-garbage", "--secs", "30"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check(wait_until(lambda: any(sent_from(child) > 100 for child in children_of(process.pid))),
          f"{name}: the flood has begun")
    family = children_of(process.pid)
    held = held_by(process.pid).keys() - {spaces.namespace_of()}
    check(len(held) == 2 and spaces.holders(held), f"{name}: there are two namespaces")
    process.send_signal(number)
    check(process.wait(timeout=DEADLINE_S) != 0, f"{name}: it ends, and tells of no success")
    check(wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in family)),
          f"{name}: no process is left")
    check(wait_until(lambda: not spaces.holders(held)), f"{name}: nobody holds its namespaces")
    check((spaces.interfaces(), names_of_namespaces()) == before, f"{name}: neither interface nor name")


def test_rights():
    """Without them it says so."""
    with tempfile.TemporaryDirectory() as folder:  # the program may lie where nobody else may look
        os.chmod(folder, 0o755)
        program = shutil.copy(BENCH, folder)
        done = subprocess.run([program, "flood", "--count", "1"], capture_output=True, text=True,
                              timeout=DEADLINE_S, cwd="/", user=65534, group=65534, extra_groups=[])
    check(done.returncode == 3 and "root" in done.stderr, "who is not root is told", done.stderr)


def run_live():
    why = reason_to_skip()
    if why:
        skip(why)
    test_arrival()
    test_rate()
    test_frames_on_the_link()
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
    {"live": run_live, "golden": write_golden, "packets": run_packets}[
        sys.argv[1] if len(sys.argv) > 1 else "packets"]()
    finish()


main()
