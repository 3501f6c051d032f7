#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the kernel engine on the processor's own AES instructions: `./dev aesni` (bench/README.md).

Boots the kernel that tests/kernel/build-kernel has built, which is an ordinary process, and has
`ktlsgate-bench compare` there do what it always does: CPU time is real time on the real processor.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SYSTEMS = "ktlsgate,ktlsgate-copy,ktlsgate-splice,nginx,nginx-ktls,haproxy,nginx-plain"
SKIPPED = 77
# A transfer in the guest, whose system calls are slow, is not done in the limits of one outside.
LIMIT_S = 3600


def compare(options, version):
    """The JSON of a comparison with this version of TLS."""
    command = [f"{options.build}/bench/tool/ktlsgate-bench", "compare", "--json", "--tls", version, "--cases",
               options.cases, "--systems", options.systems, "--rounds", str(options.rounds), "--time", options.time]
    run = subprocess.run([ROOT / "tests/kernel/run-in-kernel", "-k", "aesni", "-t", str(LIMIT_S), "--", *command],
                         check=False, text=True, capture_output=True, cwd=ROOT)
    if run.returncode == SKIPPED:
        print(run.stdout.strip())
        sys.exit(SKIPPED)
    begin = run.stdout.find("{")
    if run.returncode or begin < 0:
        print(f"aesni: it failed in the guest:\n{run.stdout}{run.stderr}", file=sys.stderr)
        sys.exit(1)
    return json.loads(run.stdout[begin:])


def show(result):
    """A table: systems down, cases across."""
    print(f"\nTLS {result['settings']['tls']}, Linux {result['machine']['kernel']}, CPU seconds for a GiB "
          "(least-most)")
    print("  " + f"{'':22}" + "".join(f"{x['name']:26}" for x in result["cases"]))
    for system in result["systems"]:
        cells = []
        for case in result["cases"]:
            row = [x["server_cpu"] for x in case["rows"] if x["system"] == system["name"]]
            cells.append(f"{row[0]['median']:.3g} ({row[0]['min']:.3g}-{row[0]['max']:.3g})" if row else "-")
        print("  " + f"{system['name'] + ' ' + system['version']:22.21}" + "".join(f"{x:26}" for x in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build-release", help="the folder of the build")
    parser.add_argument("--systems", default=SYSTEMS)
    parser.add_argument("--cases", default="bulk-down,bulk-up")
    parser.add_argument("--tls", default="1.3,1.2", help="versions, joined by ','")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--time", default="2s", help="how long to measure, each time")
    parser.add_argument("--save", type=pathlib.Path, help="the file for all figures, as JSON")
    options = parser.parse_args()
    results = []
    for version in options.tls.split(","):
        results.append(compare(options, version))
        show(results[-1])
    if options.save:
        options.save.parent.mkdir(parents=True, exist_ok=True)
        options.save.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
