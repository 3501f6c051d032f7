#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts `ktlsgate demo`, runs the commands it prints as they stand, and stops it.

The program is the one in $KTLSGATE.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

from verdict import check, failures, finish, skip

DEADLINE_S = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Demo:
    """The demo as a child process, its two streams collected line by line."""

    def __init__(self, program, port):
        self.lines = []
        self.arrived = threading.Condition()
        self.process = subprocess.Popen(
            [program, "demo", "--listen", f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append("(end of output)")
            self.arrived.notify_all()

    def wait_for(self, pattern):
        def found():
            return next((x for x in self.lines if re.search(pattern, x)), None)
        with self.arrived:
            ok = self.arrived.wait_for(
                lambda: found() or "(end of output)" in self.lines, DEADLINE_S)
        line = found() if ok else None
        check(line is not None, f"the demo prints a line like {pattern!r}")
        return line

    def commands(self):
        """The printed commands, in order, with continued lines joined."""
        text = "\n".join(self.lines).replace("\\\n", " ")
        return [x.strip() for x in text.split("\n") if re.match(r"\s+(curl|openssl) ", x)]


def run(command, stdin=""):
    return subprocess.run(command, shell=True, input=stdin, text=True, capture_output=True,
                          timeout=DEADLINE_S, check=False)


def try_commands(demo):
    commands = demo.commands()
    check(len(commands) == 4, "it prints four commands")
    if len(commands) != 4:
        return
    allowed, stranger, nobody, openssl = commands
    result = run(allowed)
    check(result.returncode == 0 and "Hello from behind ktlsgate" in result.stdout,
          "the allowed client is let in")
    for command, reason, who in ((stranger, "not-allowed", "a name no rule allows"),
                                 (nobody, "cert-missing", "a client without certificate")):
        result = run(command)
        check(result.returncode != 0 and not result.stdout, f"{who} is refused")
        demo.wait_for(f"reason={reason} ")
    result = run(openssl, "GET / HTTP/1.0\n\n")
    check("Hello from behind ktlsgate" in result.stdout, "openssl by hand is let in")
    result = run(allowed.replace("curl ", "curl -s -T - ", 1), "x" * 100000)
    check(result.stdout.startswith("100000 "), "an upload arrives whole")


def main():
    for tool in ("curl", "openssl"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    demo = Demo(os.environ["KTLSGATE"], free_port())
    try:
        folder = re.search(r"are in (\S+)", demo.wait_for("are in ")).group(1)
        demo.wait_for(r" ready$")
        check(os.stat(folder).st_mode & 0o777 == 0o700, "its folder is private")
        check(any("records run by" in x for x in demo.lines), "it says who runs the records")
        try_commands(demo)
        demo.process.send_signal(signal.SIGINT)
        check(demo.process.wait(DEADLINE_S) == 0, "Ctrl-C ends it with exit code 0")
        check(not os.path.exists(folder), "its folder is gone")
    finally:
        demo.process.kill()
    if failures:
        print("\n".join(demo.lines))
    finish()


if __name__ == "__main__":
    main()
