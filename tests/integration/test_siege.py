#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_siege.py [long | killed]: `ktlsgate-bench siege` for some seconds. Clients fail where nothing
stands before the gateway, so the flood bites; behind the rules that are shipped they get through.
`long`: all defences, all sources, higher rates. `killed`: nothing stays behind a siege that is
ended by TERM or KILL, half-way.

The programs are those in $KTLSGATE and $KTLSGATE_BENCH.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import remains
import spaces
from spaces import lacks, wait_until
from verdict import check, finish, skip

DEADLINE_S = 500
RULES = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "nftables"


def command(*flags):
    return [os.environ["KTLSGATE_BENCH"], "siege", "--ktlsgate", os.environ["KTLSGATE"],
            "--nftables", str(RULES), *map(str, flags)]


def siege(*flags):
    return subprocess.run(command(*flags), text=True, capture_output=True, timeout=DEADLINE_S,
                          check=False)


def rows(*flags):
    """(defence, sources, rate) → row of the result."""
    done = siege("--json", *flags)
    if not check(done.returncode == 0, f"siege {' '.join(map(str, flags))}", done.stderr):
        return {}
    return {(r["defence"], r["sources"], r["rate"]): r
            for r in json.loads(done.stdout)["result"]["rows"]}


def reason_to_skip():
    """What this machine lacks; anything else that is wrong fails the tests."""
    return lacks(siege("--rates", 1000, "--defences", "limit", "--sources", 256, "--time", "500ms",
                       "--handshakes", 5))


# ---- what is refused ----

def try_bad_usage():
    for flags, code, words in (
            (("--rates", "5,x"), 2, "--rates '5,x'"), (("--rates", "3000k"), 2, "--rates"),
            (("--rates", ","), 2, "--rates"), (("--rates", ",".join("1" * 17)), 2, "at most 16"),
            (("--defences", "walls"), 2, "--defences"), (("--sources", "257"), 2, "--sources"),
            (("--nftables", "/nonexistent"), 3, "contrib/nftables"),
            (("--nftables", "/"), 3, "syn-limit.nft"),
            (("--ktlsgate", "/nonexistent"), 3, "--ktlsgate")):
        done = siege(*flags)
        check(done.returncode == code and words in done.stderr, f"{' '.join(flags)} is refused",
              f"exit {done.returncode}: {done.stderr}")


# ---- what is told ----

def check_row(key, row):
    what, h = f"{key[0]}, {key[1]} sources, {key[2]} SYNs/s", row["handshakes"]
    check(h["due"] > 0 and h["succeeded"] + h["failed"] + h["late"] == h["due"],
          f"{what}: each handshake has an end", h)
    check(abs(h["success"] - h["succeeded"] / h["due"]) < 1e-6, f"{what}: share of success", h)
    check(row["sent_per_second"] <= 1.1 * key[2] and
          (row["sent_per_second"] > 0.3 * key[2] or key[2] == 0), f"{what}: SYNs are sent", row)
    check(row["arrived_per_second"] <= 1.1 * key[2] + 1000, f"{what}: none but SYNs arrive", row)
    check(("loss" in row["transfer"]) == (key[2] > 0), f"{what}: loss by the transfer without", row)
    check(not row["transfer"]["ended"], f"{what}: the transfer goes on", row)


def try_short():
    """Only what is decided by whether packets come through: no time is asserted."""
    rate = 30000
    found = rows("--rates", f"0,{rate}", "--defences", "none,limit", "--sources", 256, "--time",
                 "2s", "--handshakes", 30, "--transfer", 10)
    check(len(found) == 4, "there are four rows", found.keys())
    for key, row in found.items():
        check_row(key, row)
        bare = key[0] == "none" and key[2] > 0
        success = row["handshakes"]["success"]
        check(success < 0.5 if bare else success > 0.95,
              f"{key[0]} at {key[2]}: {success * 100:.0f} % of the handshakes succeed", row)


def try_long():
    found = rows("--rates", "0,30k,100k", "--defences", "none,cookies,always,limit,synproxy,both",
                 "--time", "3s", "--handshakes", 50, "--transfer", 20)
    check(len(found) == 36, "there are 36 rows", found.keys())
    for key, row in found.items():
        check_row(key, row)
        bare = key[0] == "none" and key[2] > 0
        success = row["handshakes"]["success"]
        check(success < 0.5 if bare else success > 0.9,
              f"{' '.join(map(str, key))}: {success * 100:.0f} % of the handshakes succeed", row)


# ---- what is left ----

def ours(folder):
    """Processes below us that had the folder's name in their environment."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def spaces_of(pids):
    return {spaces.namespace_of(pid) for pid in pids} - {spaces.namespace_of(), None}


def try_end(number):
    """Ends it while all who take part are there: the gateway, clients, transfer, flood, backend."""
    name = signal.Signals(number).name
    folder = remains.make_folder("ktlsgate-siege-")
    os.chmod(folder, 0o755)
    before = spaces.interfaces()
    child = remains.start(command("--rates", "20k", "--defences", "limit", "--sources", 256,
                                  "--time", "20s", "--handshakes", 10),
                          env={**os.environ, "TMPDIR": folder}, stdout=subprocess.DEVNULL)
    if check(wait_until(lambda: len(spaces_of(ours(folder))) == 3), f"{name}: three namespaces"):
        time.sleep(1)
    there = spaces_of(ours(folder))
    check(len(ours(folder)) >= 7, f"{name}: all who take part are there", ours(folder))
    child.send_signal(number)
    check(child.wait(30) != 0, f"{name}: it ends")
    check(wait_until(lambda: not ours(folder)), f"{name}: no process is left", ours(folder))
    check(wait_until(lambda: not os.listdir(folder)), f"{name}: no file is left",
          os.listdir(folder))
    check(wait_until(lambda: not spaces.holders(there)), f"{name}: nobody holds its namespaces")
    check(spaces.interfaces() == before, f"{name}: no interface is left")


def try_ends():
    for number in (signal.SIGTERM, signal.SIGKILL):
        try_end(number)


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    why = reason_to_skip()
    if why:
        skip(why)
    if what == "long":
        try_long()
    elif what == "killed":
        try_ends()
    else:
        try_bad_usage()
        try_short()
    finish()


main()
