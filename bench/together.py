#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tells two builds of ktlsgate apart that differ by a few percent (bench/README.md).

Both serve on one processor at the same time, each under the same load, from another processor. What
disturbs the machine meets both, so that the ratio of their CPU time for a unit of work varies by a
percent, where runs one after the other vary by a fifth.
"""
import argparse
import ctypes
import json
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
STARTED_S = 10


def fail(words):
    print(f"together: {words}", file=sys.stderr)
    sys.exit(1)


def end_with_us():
    """In a child: whatever ends this program ends it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command):
    return subprocess.Popen([str(x) for x in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            preexec_fn=end_with_us, text=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(process, port):
    until = time.monotonic() + STARTED_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    process.kill()
    fail(f"{process.args[0]} does not serve:\n{process.communicate()[1]}")


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", f"{folder}/key.pem", "-out",
                    f"{folder}/cert.pem"], check=True, capture_output=True)


class Side:
    """One of the builds."""

    def __init__(self, program, folder, backend, cpu):
        self.program, self.port = program, free_port()
        self.process = start([program, "server", "--listen", f"127.0.0.1:{self.port}", "--target",
                              f"127.0.0.1:{backend}", "--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem",
                              "--workers", "1", "--cpus", cpu, "--log-level", "error"])
        await_port(self.process, self.port)

    def load(self, tool, work, cpu):
        return subprocess.Popen([str(tool), *work, "--target", f"127.0.0.1:{self.port}", "--cpus", str(cpu), "--pid",
                                 str(self.process.pid), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, preexec_fn=end_with_us)


def cost(load):
    """Of a unit of its work, and what it is in."""
    out, err = load.communicate()
    if load.returncode:
        fail(err.strip() or out)
    server = json.loads(out)["result"]["server"]
    for key in ("cpu_us_per_unit", "cpu_s_per_gib"):
        if key in server:
            return server[key], key
    return fail("this work tells no CPU time of the server for a unit")


def measure(options, sides):
    rounds, unit = [], ""
    for turn in range(options.rounds):
        loads = [side.load(options.tool, options.work, options.load_cpu) for side in sides]
        (old, unit), (new, _) = (cost(load) for load in loads)
        rounds.append([old, new])
        print(f"  {turn + 1:3}  {old:9.4g}  {new:9.4g}  {new / old:.3f}", flush=True)
    return rounds, unit


def arguments():
    parser = argparse.ArgumentParser(description="Two builds of ktlsgate at the same time on one processor: "
                                     "by how much their CPU time differs.")
    parser.add_argument("old", type=pathlib.Path, metavar="OLD", help="a ktlsgate")
    parser.add_argument("new", type=pathlib.Path, metavar="NEW", help="another")
    parser.add_argument("--tool", type=pathlib.Path, default=ROOT / "build-release/bench/tool/ktlsgate-bench",
                        help="ktlsgate-bench (default: that of build-release)")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=1)
    parser.add_argument("--save", type=pathlib.Path, metavar="FILE", help="all of it, as JSON; added to what it has")
    parser.add_argument("work", nargs=argparse.REMAINDER, metavar="WORK …",
                        help="a subcommand of ktlsgate-bench and its flags, such as: handshake --time 2s")
    options = parser.parse_args()
    for program in (options.old, options.new, options.tool):
        if not program.is_file():
            parser.error(f"there is no {program}")
    if not options.work or options.rounds < 1:
        parser.error("say what to load them with, such as: handshake --time 2s")
    return options


def save(path, result):
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(json.dumps(runs + [result], indent=1) + "\n", encoding="utf-8")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="ktlsgate-together-") as folder:
        certificate(folder)
        backend = free_port()
        await_port(start([options.tool, "origin", "--listen", f"127.0.0.1:{backend}", "--cpus", options.load_cpu]),
                   backend)
        sides = [Side(x, folder, backend, options.server_cpu) for x in (options.old, options.new)]
        rounds, unit = measure(options, sides)
    ratios = sorted(new / old for old, new in rounds)
    quarter = len(ratios) // 4
    result = {"old": options.old.name, "new": options.new.name, "work": options.work, "unit": unit, "rounds": rounds,
              "ratio": {"median": statistics.median(ratios), "quartiles": [ratios[quarter], ratios[-1 - quarter]]}}
    print(f"{options.new.name} takes {result['ratio']['median']:.3f} of {options.old.name} "
          f"({unit}; half of the rounds between {ratios[quarter]:.3f} and {ratios[-1 - quarter]:.3f})")
    if options.save:
        save(options.save, result)


main()
