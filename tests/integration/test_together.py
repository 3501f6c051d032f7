#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/together.py: loads two at once, adds to what it has saved, leaves nobody, says what is wrong."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import verdict

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "bench/together.py"
TOOL, KTLSGATE = os.environ["KTLSGATE_BENCH"], os.environ["KTLSGATE"]
LAST = max(os.sched_getaffinity(0))  # a machine may have one processor


def command(*words):
    return [sys.executable, SCRIPT, "--tool", TOOL, "--server-cpu", str(min(os.sched_getaffinity(0))),
            "--load-cpu", str(LAST), *map(str, words)]


def run(*words):
    return subprocess.run(command(*words), check=False, capture_output=True, text=True)


def served_by(program):
    """Processes that run it, and are more than a name in the table."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += [pid] if os.readlink(f"/proc/{pid}/exe") == program else []
        except OSError:
            pass
    return found


def gone(program):
    until = time.monotonic() + 5
    while served_by(program) and time.monotonic() < until:
        time.sleep(0.05)
    return not served_by(program)


with tempfile.TemporaryDirectory(prefix="ktlsgate-together-") as folder:
    ours = f"{folder}/ktlsgate-of-this-test"
    pathlib.Path(ours).write_bytes(pathlib.Path(KTLSGATE).read_bytes())
    os.chmod(ours, 0o700)
    saved = pathlib.Path(folder, "saved.json")
    for work in (("handshake", "--time", "300ms"), ("bulk", "--time", "300ms", "--size", "1m")):
        said = run("--rounds", 2, "--save", saved, KTLSGATE, ours, *work)
        verdict.check(said.returncode == 0 and "of ktlsgate" in said.stdout, f"{work[0]} is measured", said.stderr)
    runs = json.loads(saved.read_text(encoding="utf-8"))
    verdict.check([(x["unit"], len(x["rounds"])) for x in runs] == [("cpu_us_per_unit", 2), ("cpu_s_per_gib", 2)],
                  "both are saved", saved.read_text(encoding="utf-8"))
    verdict.check(all(0.1 < new / old < 10 for x in runs for old, new in x["rounds"]), "both builds are measured",
                  str(runs))
    verdict.check(gone(ours), "nobody is left")

    process = subprocess.Popen(command(ours, ours, "handshake", "--time", "30s"), stdout=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while len(served_by(ours)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    verdict.check(len(served_by(ours)) >= 4, "both serve")
    process.send_signal(signal.SIGKILL)
    process.wait()
    verdict.check(gone(ours), "nobody is left of one that was killed")

    few = ("--connections", "4", "--time", "300ms")
    for words, says in (((folder, ours, "handshake"), "there is no"), ((ours, ours), "say what to load"),
                        (("/bin/false", ours, "handshake"), "does not serve"),
                        ((ours, ours, "handshake", "--wrong"), "--wrong"),
                        ((ours, ours, "idle", *few), "no CPU time")):
        said = run("--rounds", 1, *words)
        verdict.check(said.returncode != 0 and says in said.stderr, f"it says: {says}", said.stderr)
verdict.finish()
