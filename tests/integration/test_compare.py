#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `ktlsgate-bench compare` with every system that is installed, for moments: it must work, what it
measures is no matter here. Then ends it half-way: nothing may stay behind.

The programs are those in $KTLSGATE and $KTLSGATE_BENCH.
"""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from verdict import check, finish

DEADLINE_S = 200
SYSTEMS = ("ktlsgate", "nginx", "haproxy", "hitch", "stunnel", "nginx-plain")
CASES = ("bulk-down", "bulk-up", "handshake-full", "handshake-resumed", "echo-128", "idle", "churn")
PLAIN_CASES = ("bulk-down", "bulk-up", "echo-128")


def command(*flags):
    return [os.environ["KTLSGATE_BENCH"], "compare", "--ktlsgate", os.environ["KTLSGATE"], *flags]


def run(*flags):
    return subprocess.run(command(*flags), text=True, capture_output=True, timeout=DEADLINE_S,
                          check=False)


def left_behind(folder):
    """Processes that were started below us: all have the folder's name in their environment or, where
    that was overwritten, in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
            name = (path / "comm").read_text().strip()
        except OSError:
            continue
        if os.fsencode(folder) in words and int(path.name) != os.getpid():
            found.append(f"{path.name} {name}")
    return found


def check_nothing_is_left(folder, after):
    end = time.monotonic() + 10
    while time.monotonic() < end and (left_behind(folder) or os.listdir(folder)):
        time.sleep(0.05)
    check(not left_behind(folder), f"no process is left {after}: {left_behind(folder)}")
    check(not os.listdir(folder), f"no folder is left {after}: {os.listdir(folder)}")


def try_bad_usage(folder):
    for flags, words in ((("--cases", "bulk-down,nosuch"), "there is no such case; choose from bulk-down"),
                         (("--fixed", "--cases", "idle"), "no such case with --fixed"),
                         (("--systems", "nosuch"), "there is no such system; choose from ktlsgate"),
                         (("--workers", "1,none"), "--workers 'none'"),
                         (("--workers", "500"), "--workers")):
        result = run(*flags)
        check(result.returncode == 2 and words in result.stderr,
              f"{' '.join(flags)} is refused: {result.stderr.strip()}")
    result = run("--baseline", "/nonexistent", "--smoke")
    check(result.returncode == 3 and result.stderr.endswith("/nonexistent: No such file or directory\n"),
          "a baseline must be there", result.stderr)
    check_nothing_is_left(folder, "after bad usage")


def check_row(case, row):
    what = f"{case['name']} of {row['system']}"
    cpu, runs = row["server_cpu"], row["runs"]
    check(len(runs) == 1 and runs[0]["errors"] == 0, f"{what}: one run without errors")
    check(cpu["min"] <= cpu["median"] <= cpu["max"] and cpu["unit"] == case["unit"],
          f"{what}: CPU time in {cpu['unit']}")
    if case["name"] == "idle":
        check(row["memory_bytes_per_connection"] > 0, f"{what}: memory")
    else:
        check(cpu["median"] > 0 and row["per_second"]["median"] > 0, f"{what}: a rate")
    if "handshake" in case["name"]:
        check(row["times_us"]["p99"] >= row["times_us"]["p50"] > 0, f"{what}: times")


def check_result(result, present):
    check([x["name"] for x in result["systems"]] == present, f"it knows {', '.join(present)}")
    check(all(x["version"][:1].isdigit() and x["config"] for x in result["systems"]),
          "it tells their versions and configurations")
    check(tuple(x["name"] for x in result["cases"]) == CASES, "it has all cases")
    for case in result["cases"]:
        expected = [x for x in present if x != "nginx-plain" or case["name"] in PLAIN_CASES]
        check([x["system"] for x in case["rows"]] == expected and not case["failed"],
              f"{case['name']}: all systems take part: {case['failed']}")
        for row in case["rows"]:
            check_row(case, row)


def try_all(folder, out):
    result = run("--smoke", "--json", "--out", out)
    check(result.returncode == 0, f"it runs: {result.stderr.strip()}")
    absent = [x for x in SYSTEMS if f" {x}" in result.stderr.replace(",", "")]
    for name in absent:
        print(f"left out, as it is not installed: {name}")
    present = [x for x in SYSTEMS if x not in absent]
    check_result(json.loads(result.stdout), present)
    check(json.loads(pathlib.Path(out, "compare.json").read_text()) == json.loads(result.stdout),
          "the file holds the same")
    check(all(pathlib.Path(out, f"{x}.conf").stat().st_size for x in present),
          "and the configurations lie beside it")
    check_nothing_is_left(folder, "after it ran")


def try_baseline(out):
    flags = ("--smoke", "--cases", "echo-128", "--systems", "ktlsgate,nginx,haproxy,hitch,stunnel")
    for ratio, code, words in ((1000, 0, "ok (the baseline is"), (0.001, 1, "worse than the baseline")):
        path = pathlib.Path(out, "baseline.json")
        path.write_text(json.dumps({"cases": {"echo-128": {"ratio": ratio, "tolerance": 0.1}}}))
        result = run(*flags, "--baseline", str(path))
        if "of best peer" in result.stdout and "nginx" not in result.stdout:
            print("left out, as no peer is installed: the baseline")
            return
        check(result.returncode == code and words in result.stdout,
              f"beside a baseline of {ratio} it says: {words}", f"{result.returncode}\n{result.stdout}{result.stderr}")


def try_workers():
    result = run("--smoke", "--cases", "echo-128", "--workers", "1", "--json")
    systems = json.loads(result.stdout)["systems"]
    check([(x["name"], x["workers"]) for x in systems] == [("ktlsgate-1w", 1)],
          "--workers measures ktlsgate alone")


def try_end(folder, how, code):
    """Ends it while a system is under load."""
    with subprocess.Popen(command("--time", "60s", "--cases", "bulk-down"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 30
        seen = left_behind(folder)
        while time.monotonic() < end and len(seen) < 6: # some live for a moment only
            time.sleep(0.05)
            seen = left_behind(folder)
        check(len(seen) >= 6, f"it runs: {seen}")
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
        check(process.returncode == code, f"{how.name} ends it: {process.returncode} {said.strip()}")
    check_nothing_is_left(folder, f"after {how.name}")


def main():
    with tempfile.TemporaryDirectory(prefix="cmp") as folder, \
            tempfile.TemporaryDirectory(prefix="out") as out:
        os.chmod(folder, 0o755)  # else it is not taken: some systems give up root's rights
        os.environ["TMPDIR"] = folder
        try_bad_usage(folder)
        try_all(folder, out)
        try_baseline(out)
        try_workers()
        try_end(folder, signal.SIGTERM, 1)
        try_end(folder, signal.SIGINT, 1)
        try_end(folder, signal.SIGKILL, -signal.SIGKILL)
    finish()


if __name__ == "__main__":
    main()
