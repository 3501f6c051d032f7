#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/icount boots, the kernel runs the records there, and two runs agree within a percent."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "bench/icount/icount.py"
BUILD = pathlib.Path(os.environ["KTLSGATE_BENCH"]).parent.parent.parent
AGREE = 0.01


def figures(folder, run):
    """Million instructions by case."""
    path = f"{folder}/{run}.json"
    result = subprocess.run([sys.executable, SCRIPT, "--build", BUILD, "--systems", "ktlsgate-splice",
                             "--cases", "bulk-down,echo-128", "--tls", "1.3", "--limit", "250", "--save", path],
                            check=False, capture_output=True, text=True)
    print(result.stdout, result.stderr)
    if result.returncode:
        sys.exit(result.returncode)
    result = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))[0]
    return {x["name"]: x["rows"][0]["server_cpu"]["median"] for x in result["cases"]}


with tempfile.TemporaryDirectory() as work:
    first, second = (figures(work, run) for run in ("first", "second"))
for name, value in first.items():
    print(f"{name}: {value} and {second[name]}")
good = len(first) == 2 and all(abs(second[x] / y - 1) < AGREE for x, y in first.items())
sys.exit(0 if good else 1)
