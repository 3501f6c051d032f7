# SPDX-License-Identifier: Apache-2.0
"""What the tests of ktlsgate-bench share: certificates, servers as child processes, and the tool.

The programs are those in $KTLSGATE and $KTLSGATE_BENCH.
"""
import json
import os
import re
import subprocess
import threading
import time

import remains
from verdict import check, finish

DEADLINE_S = 60
GATEWAY = os.environ["KTLSGATE"]
BENCH = os.environ["KTLSGATE_BENCH"]
FOLDER = remains.make_folder("ktlsgate-bench-")
CERTS = f"{FOLDER}/pki/certs"
CACERT = f"{FOLDER}/pki/ca.pem"
SERVER = f"{CERTS}/localhost"


def make_certificates():
    """`localhost`, which is at 127.0.0.1, too, and the client `alice`; an authority that signs none."""
    for line in ("pki init", "pki issue --server localhost --ip 127.0.0.1",
                 "pki issue --client alice", "pki init --dir other"):
        subprocess.run([GATEWAY, *line.split()], cwd=FOLDER, check=True, capture_output=True,
                       timeout=DEADLINE_S)


class Child:
    """A server; `ready` is what it says when it serves, with its port as the first group."""

    def __init__(self, words, ready, **more):
        self.lines, self.arrived = [], threading.Condition()
        self.process = remains.start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     stdin=subprocess.PIPE, text=True, cwd=FOLDER, **more)
        threading.Thread(target=self.collect, daemon=True).start()
        match = self.wait_for(ready)
        self.port = int(match.group(1)) if match.groups() else None
        self.pid = self.process.pid

    def collect(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append("(end of output)")
            self.arrived.notify_all()

    def wait_for(self, pattern):
        def find():
            return next(filter(None, (re.search(pattern, x) for x in self.lines)), None)
        with self.arrived:
            self.arrived.wait_for(lambda: find() or "(end of output)" in self.lines, DEADLINE_S)
            match = find()
        if not check(match, f"a server says {pattern!r}", "\n     ".join(self.lines)):
            finish()
        return match

    def count(self, pattern, from_line, least):
        """Lines that match, from this one on; waits until there are so many."""
        def found():
            return len(re.findall(pattern, "\n".join(self.lines[from_line:])))
        with self.arrived:
            self.arrived.wait_for(lambda: found() >= least, DEADLINE_S)
            return found()

    def stop(self):
        self.process.terminate()
        return self.process.wait(DEADLINE_S)


def origin(*flags):
    return Child([BENCH, "origin", "--listen", "127.0.0.1:0", *flags], r"port (\d+)$")


def gateway(target, *flags):
    g = Child([GATEWAY, "server", "--listen", "127.0.0.1:0", "--target", f"127.0.0.1:{target}",
               "--cert", f"{SERVER}/chain.pem", "--key", f"{SERVER}/key.pem", "--workers", "1",
               *(flags or ("--verify", "none"))], r"listening on .*:(\d+)$")
    g.wait_for(" ready$")
    return g


class Run:
    """One call of the tool: exit code, result (None: it printed none), what it said, seconds."""

    def __init__(self, words, port, time_s="200ms", warmup="0", again=True):
        self.call(words, port, time_s, warmup)
        if again and "nothing in the measured time" in self.said: # on a machine that is busy
            self.call(words, port, "2s", warmup)

    def call(self, words, port, time_s, warmup):
        line = words.split()
        if line[0] != "idle" and "--warmup" not in line:
            line += ["--warmup", warmup]
        if "--time" not in line:
            line += ["--time", time_s]
        begin = time.monotonic()
        done = subprocess.run([BENCH, *line, "--target", f"127.0.0.1:{port}", "--json"], text=True,
                              capture_output=True, timeout=DEADLINE_S, check=False, cwd=FOLDER)
        self.seconds = time.monotonic() - begin
        self.exit, self.said = done.returncode, done.stderr
        self.json = json.loads(done.stdout) if done.stdout else None
        self.result = self.json["result"] if self.json else None
        if "Sanitizer" in self.said or "runtime error" in self.said:
            check(False, f"{words} is clean", self.said)

    def __str__(self):
        return f"exit {self.exit} after {self.seconds:.1f} s: {self.said.strip()} {self.result}"
