# SPDX-License-Identifier: Apache-2.0
"""What a test in Python says as it goes, and how it ends."""
import sys

SKIPPED = 77

failures = []


def check(ok, what, more=""):
    print(("ok   " if ok else "FAIL ") + what + (f"\n     {more}" if not ok and more else ""),
          flush=True)
    if not ok:
        failures.append(what)
    return bool(ok)


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(SKIPPED)


def finish():
    sys.exit(1 if failures else 0)
