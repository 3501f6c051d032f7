#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""commits.py [--since REVISION]: the commits that main (or REVISION) does not have keep the rules of CONTRIBUTING.md
for subjects and bodies. Called by ./dev check; without git it has nothing to look at."""
import argparse
import sys

import near

SUBJECT_MAX = 72
MARK = "\x1e"


def faults(subject, body):
    if len(subject) > SUBJECT_MAX:
        yield f"the subject has {len(subject)} characters, more than {SUBJECT_MAX}"
    if subject.endswith("."):
        yield "the subject ends with a full stop"
    if not body.strip():
        yield "there is no body that says why"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--since", metavar="REVISION")
    base = near.base_of(parser.parse_args().since)
    lines = near.git("log", "--no-merges", f"--format={MARK}%h%n%s%n%b", f"{base}..HEAD") if base else None
    failed = False
    for entry in "\n".join(lines or []).split(MARK)[1:]:
        commit, subject, *body = entry.split("\n")
        for fault in faults(subject, "\n".join(body)):
            print(f"{commit} {subject}: {fault}")
            failed = True
    sys.exit(1 if failed else 0)


main()
