#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of a build folder that was configured with an engine, as many at once as
there are processors. What they learn grows in BUILD/corpus; what breaks them lies in BUILD/crashes,
with the command that repeats it printed here. Called by ./dev fuzz."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

SEEDS = pathlib.Path(__file__).resolve().parent / "corpus"
WORDS = pathlib.Path(__file__).resolve().parent / "dict"
INPUT_MAX = 4096  # bytes; what is longer is slower, and says nothing more
SEED_MAX = 1024
SEEDS_NEW_MAX = 24  # of one target at a time
TELL_EVERY = 30  # seconds
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=10",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
STATUS = re.compile(r"^#(\d+)\t.*?cov: (\d+).*?exec/s: (\d+)", re.MULTILINE)
DONE = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.MULTILINE)
CRASH = re.compile(r"Test unit written to (\S+)")


def say(words):
    sys.stdout.write(f"[fuzz] {words}\n")  # in one piece: several threads speak
    sys.stdout.flush()


class Target:
    def __init__(self, program, minutes):
        build = program.parents[2]
        self.name = program.name.removeprefix("fuzz_")
        self.program, self.minutes = program, minutes
        self.seeds, self.grown = SEEDS / self.name, build / "corpus" / self.name
        self.crashes, self.log = build / "crashes" / self.name, build / "fuzz-logs" / self.name
        for folder in (self.seeds, self.grown, self.crashes, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def call(self, *arguments):
        words = WORDS / self.name
        command = [self.program, *arguments, *([f"-dict={words}"] if words.exists() else [])]
        with open(self.log, "wb") as log:
            return subprocess.run(command, stdout=log, stderr=log, env=ENVIRONMENT | dict(os.environ),
                                  check=False).returncode

    def fuzz(self):
        """True when it ran for all its time, and nothing broke."""
        say(f"{self.name}: begins")
        seconds, begun = round(self.minutes * 60), time.monotonic()
        code = self.call(self.grown, self.seeds, f"-max_total_time={seconds}",
                         f"-max_len={INPUT_MAX}", f"-artifact_prefix={self.crashes}/", "-timeout=60",
                         "-rss_limit_mb=3000", "-print_final_stats=1", "-entropic=0")
        took = time.monotonic() - begun
        words = self.log.read_text(errors="replace")
        runs, status = DONE.search(words), STATUS.findall(words)
        whole = took >= seconds - 1 and runs is not None
        say(f"{self.name}: {runs[1] if runs else '?'} runs, {status[-1][1] if status else '?'} edges, "
            + ("nothing found" if whole and code == 0 else f"BROKEN after {took:.0f} of {seconds} seconds"))
        if code:
            self.tell_crash(words)
        return whole and code == 0

    def tell_crash(self, words):
        lines = [line for line in words.splitlines() if re.search(r"does not hold|ERROR:|runtime error", line)]
        unit = CRASH.search(words)
        for line in lines[:3]:
            print(f"    {line.strip()}")
        print(f"    all its words: {self.log}")
        if unit:
            print(f"    repeat: {os.path.relpath(self.program)} {os.path.relpath(unit[1])}", flush=True)

    def tell(self):
        """One line of how far it is; None before it began."""
        status = STATUS.findall(self.log.read_text(errors="replace")) if self.log.exists() else []
        return f"{self.name} {status[-1][0]} runs ({status[-1][2]}/s), {status[-1][1]} edges" if status else None

    def merge(self):
        """Takes what reaches code that the seeds do not into the seeds: the smallest first, and not
        many, since seeds are for people too."""
        found = self.grown.parent / f"{self.name}.merged"
        found.mkdir(exist_ok=True)
        for old in found.iterdir():
            old.unlink()
        code = self.call("-set_cover_merge=1", "-use_counters=0", f"-max_len={SEED_MAX}", found, self.seeds,
                         self.grown)
        known = {path.read_bytes() for path in self.seeds.iterdir()}
        new = [path for path in sorted(found.iterdir(), key=lambda path: path.stat().st_size)
               if path.read_bytes() not in known][:SEEDS_NEW_MAX]
        for path in new:
            (self.seeds / path.name[:12]).write_bytes(path.read_bytes())
        say(f"{self.name}: {len(new)} new seeds")
        return code == 0


def tell_progress(running, targets):
    begun = time.monotonic()
    while True:
        done, waiting = concurrent.futures.wait(running, timeout=TELL_EVERY)
        if not waiting:
            return
        lines = [target.tell() for job, target in zip(running, targets) if job.running()]
        say(f"{time.monotonic() - begun:.0f} s, {len(done)} of {len(targets)} done; "
            + "; ".join(line for line in lines if line))


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=1, help="for each target (default: 1)")
    parser.add_argument("--merge", action="store_true",
                        help="no fuzzing: what was learnt so far goes into tests/fuzz/corpus, if it is small")
    parser.add_argument("target", nargs="*", help="all, when none is named")
    arguments = parser.parse_intermixed_args()
    programs = sorted(path for path in (arguments.build / "tests/fuzz").resolve().glob("fuzz_*") if path.is_file())
    names = [path.name.removeprefix("fuzz_") for path in programs]
    unknown = set(arguments.target) - set(names)
    if unknown:
        sys.exit(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    targets = [Target(path, arguments.minutes) for path, name in zip(programs, names)
               if not arguments.target or name in arguments.target]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(target.merge if arguments.merge else target.fuzz) for target in targets]
        tell_progress(running, targets)
    broken = [target.name for target, job in zip(targets, running) if not job.result()]
    if broken:
        sys.exit(f"broken: {', '.join(broken)}")
    say(f"{len(targets)} targets, nothing found" if not arguments.merge else "done")


main()
