#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up what `meson test` wrote into the given build folders.

A cmocka program counts as its cases, any other test as one. Names every failure and every skipped
test with its reason, ends with the line "N passed, N failed, N skipped", and exits with 1 if
anything failed, did not run to its end, or was not run at all.
"""
import json
import pathlib
import re
import sys

# What meson says of a test; anything else (FAIL, TIMEOUT, ERROR, INTERRUPT, ...) is a failure.
GOOD = {"OK", "EXPECTEDFAIL"}
CASE = re.compile(r"^\[ +(RUN|OK|FAILED|SKIPPED) +\] (\w+)$")


def cmocka_cases(output):
    """(name, verdict, what it printed) of each case in the output of a cmocka program."""
    name, printed = None, []
    for line in output.splitlines():
        match = CASE.match(line)
        if not match:
            printed.append(line)
        elif match[1] == "RUN":
            name, printed = match[2], []
        elif match[2] == name:
            yield name, match[1], printed
            name = None
    if name:
        yield name, "FAILED", ["did not come to its end"]


def reason(lines):
    said = [line for line in lines if line.strip() and not line.startswith("[")]
    return said[-1].removeprefix("SKIP:").strip() if said else "no reason given"


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, folder, test):
        name = f"{folder}: {test['name'].removeprefix('ktlsgate:')}"
        output = test.get("stdout", "")
        if test["result"] == "SKIP":
            self.skipped.append(f"{name}: {reason(output.splitlines())}")
            return
        cases = list(cmocka_cases(output))
        self.passed += sum(verdict == "OK" for _, verdict, _ in cases)
        self.skipped += [f"{name}: {case}: {reason(printed)}"
                         for case, verdict, printed in cases if verdict == "SKIPPED"]
        bad = [f"{name}: {case}" for case, verdict, _ in cases if verdict == "FAILED"]
        if not bad and test["result"] not in GOOD:
            bad = [f"{name}: {test['result']}, exit status {test['returncode']}"]
        if not cases and not bad:
            self.passed += 1
        self.failed += bad

    def add_folder(self, folder):
        log = pathlib.Path(folder, "meson-logs", "testlog.json")
        lines = log.read_text().splitlines() if log.exists() else []
        if not lines:
            self.failed.append(f"{folder}: no test was run")
        for line in lines:
            self.add(folder, json.loads(line))


def main(folders):
    tally = Tally()
    for folder in folders:
        tally.add_folder(folder)
    for word, rows in (("skipped", tally.skipped), ("failed", tally.failed)):
        for row in rows:
            print(f"{word}: {row}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
