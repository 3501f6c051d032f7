#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/aesni boots its kernel, and that kernel's TLS computes AES on the processor's instructions."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from verdict import check, finish

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ["KTLSGATE_BENCH"]).parent.parent.parent
SKIPPED = 77
# CPU seconds for a GiB: in C it takes more than 20, on AES-NI less than 3.
MOST = 8


def run(*command):
    result = subprocess.run([str(x) for x in command], check=False, capture_output=True, text=True)
    if result.returncode == SKIPPED:
        print(result.stdout)
        sys.exit(SKIPPED)
    return result


def guests():
    """Processes of that kernel."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path] if b"kernels/aesni/linux.uml" in path.read_bytes().split(b"\0")[0] else []
        except OSError:
            pass
    return found


def await_guests(some):
    until = time.monotonic() + 15
    while bool(guests()) != some and time.monotonic() < until:
        time.sleep(0.05)
    return bool(guests()) == some


def check_end():
    """Half-way: run-in-kernel takes its guest down once nobody reads from it any more."""
    with subprocess.Popen([sys.executable, ROOT / "bench/aesni/aesni.py", "--build", BUILD, "--tls", "1.3"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        check(await_guests(True), "it runs")
        process.terminate()
        check(process.wait(15) == -signal.SIGTERM, "SIGTERM ends it")
    check(await_guests(False), "no guest is left", str(guests()))


def main():
    drivers = run(ROOT / "tests/kernel/run-in-kernel", "-k", "aesni", "--", "cat", "/proc/crypto")
    check("generic-gcm-aesni" in drivers.stdout, "the kernel's AES-GCM is that of AES-NI", drivers.stdout)
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, "figures.json")
        result = run(sys.executable, ROOT / "bench/aesni/aesni.py", "--build", BUILD, "--systems",
                     "ktlsgate-splice,nginx-plain", "--cases", "bulk-down", "--tls", "1.3", "--rounds", 1, "--time",
                     "500ms", "--save", path)
        check(result.returncode == 0, "it measures", result.stdout + result.stderr)
        rows = json.loads(path.read_text(encoding="utf-8"))[0]["cases"][0]["rows"]
    check([x["system"] for x in rows] == ["ktlsgate-splice", "nginx-plain"], "both take part")
    cost = rows[0]["server_cpu"]["median"]
    check(0 < cost < MOST, f"the kernel engine takes {cost} s/GiB")
    check_end()
    finish()


if __name__ == "__main__":
    main()
