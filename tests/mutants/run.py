#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the code on purpose, one small change at a time, and sees that a test fails for each.

The changes are in the tables beside this file, one for each folder of gateway/. They are made in a
copy of the tree in a temporary folder: the tree itself stays as it is. Of each change only what its
tests need is built, and only those tests run. Called by ./dev mutants and, as the test `mutants`,
by ./dev test --all.

A change survives when one of its tests passes, is skipped, or fails by running into its time limit,
which says nothing of what is wrong. A row of a table:

    [name]
    file = "gateway/..."
    old = '''exact text, once in the file'''
    new = '''what stands there instead'''
    tests = ["NAME"]  # all must fail; "NAME:CASE": and that case of a cmocka program;
                      # "kernel/NAME": as it runs in this Debian's kernel
"""
import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKIPPED = 77  # exit status
SKIPPED_CASE = re.compile(r"^\[  SKIPPED \] (\w+)$", re.M)
BUSY_FACTOR = 5  # on a machine that does more a test may take so many times as long
VAIN_SECONDS = 90  # more than a test waits for what does not come, before it fails for that
WORDS_MAX = 30  # lines of a failure that are shown


def say(words):
    print(f"[mutants] {words}", flush=True)


@dataclasses.dataclass
class Mutant:
    name: str
    file: str
    old: str
    new: str
    tests: list  # (test, case or None)

    def applied(self, text):
        return text.replace(self.old, self.new)

    def fault(self, root):
        """Why it cannot be made; None: it can."""
        path = root / self.file
        if not path.is_file():
            return f"there is no {self.file}"
        found = path.read_text().count(self.old)
        if found != 1:
            return f"{self.file} holds its old text {found} times instead of once: change the row"
        return "old and new text are the same" if self.old == self.new else None


def read_tables():
    mutants = []
    for table in sorted(HERE.glob("*.toml")):
        for name, row in tomllib.loads(table.read_text()).items():
            tests = [tuple((test + ":").split(":")[:2]) for test in row.pop("tests")]
            mutants.append(Mutant(name=name, tests=tests, **row))
    return mutants


def check_tables(mutants):
    names = [mutant.name for mutant in mutants]
    faults = [f"{name}: more than one row has this name" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"{mutant.name}: names no test" for mutant in mutants if not mutant.tests]
    faults += [f"{mutant.name}: {fault}" for mutant in mutants if (fault := mutant.fault(ROOT))]
    if faults:
        sys.exit("\n".join(faults))


@dataclasses.dataclass
class Outcome:
    status: int
    words: str
    seconds: float
    late: bool = False

    def why_survived(self, case):
        """What kept it from showing the fault; None: it failed as it should."""
        if self.late:
            return "it ran into its time limit"
        if self.status in (0, SKIPPED):
            return "it was skipped" if self.status else "it passed"
        if case and f"[  FAILED  ] {case}\n" not in self.words:
            return f"it failed, but not its case {case}"
        return None


class Tree:
    """The copy, with a build folder of its own."""

    def __init__(self, folder):
        self.root, self.build = folder / "ktlsgate", folder / "ktlsgate/build"
        shutil.copytree(ROOT, self.root, symlinks=True, ignore=self.left_out)
        self.call("meson", "setup", self.build, self.root, "-Dwerror=false")
        introspected, self.seconds = self.build / "meson-info", {}  # that a test took as things are
        self.tests = {self.name_of(test): test
                      for test in json.loads((introspected / "intro-tests.json").read_text())}
        self.files = {target["id"]: target["filename"]
                      for target in json.loads((introspected / "intro-targets.json").read_text())}

    @staticmethod
    def name_of(test):
        """A test that runs natively and in the kernel has one name for both."""
        return "kernel/" * ("ktlsgate:kernel" in test["suite"]) + test["name"]

    @staticmethod
    def left_out(folder, names):
        return [name for name in names if name in (".git", "__pycache__") or
                (folder == str(ROOT) and name.startswith("build"))]

    @staticmethod
    def call(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise RuntimeError("\n".join(done.stdout.splitlines()[-WORDS_MAX:]))

    def compile(self, tests):
        files = {file for test in tests for target in self.tests[test]["depends"] for file in self.files[target]}
        self.call("ninja", "-C", self.build, *sorted(os.path.relpath(file, self.build) for file in files))

    def limit(self, name):
        """Seconds: where a change makes a test hang, that is seen before long."""
        usual = self.seconds.get(name)
        return VAIN_SECONDS + BUSY_FACTOR * (self.tests[name]["timeout"] if usual is None else usual)

    def test(self, name):
        test, begun = self.tests[name], time.monotonic()
        own = {name: value for name, value in os.environ.items() if name != "KTLSGATE_TEST_ALL"}
        process = subprocess.Popen(test["cmd"], env=own | test["env"], cwd=self.build, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   errors="replace", start_new_session=True)
        try:
            words, _ = process.communicate(timeout=self.limit(name))
            return Outcome(process.returncode, words, time.monotonic() - begun)
        except subprocess.TimeoutExpired:
            return Outcome(-1, "", time.monotonic() - begun, late=True)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # whoever is left of it
            except ProcessLookupError:
                pass
            process.wait()

    def try_mutant(self, mutant):
        """Why it survived; None: its tests failed."""
        path = self.root / mutant.file
        whole = path.read_text()
        path.write_text(mutant.applied(whole))
        try:
            self.compile({test for test, _ in mutant.tests})
            for test, case in mutant.tests:
                why = self.test(test).why_survived(case)
                if why:
                    return f"{test}: {why}"
        except RuntimeError as error:
            return f"it does not compile:\n{error}"
        finally:
            path.write_text(whole)
        return None


def try_whole(tree, tests):
    """What cannot judge here, since it is skipped: pairs of a test and a case, or None for the whole test. All
    others must pass as things are."""
    skipped = set()
    say(f"builds what {len(tests)} tests need, and runs them as things are")
    tree.compile(tests)
    for number, test in enumerate(sorted(tests), 1):
        outcome = tree.test(test)
        tree.seconds[test] = outcome.seconds
        skipped |= {(test, case) for case in SKIPPED_CASE.findall(outcome.words)}
        say(f"as things are: {number}/{len(tests)} {test} ({outcome.seconds:.1f} s)")
        if outcome.status == SKIPPED:
            skipped.add((test, None))
        elif outcome.status != 0:
            sys.exit(f"{test} fails without a change:\n" + "\n".join(outcome.words.splitlines()[-WORDS_MAX:]))
    return skipped


def run(tree, mutants):
    """Names of those that survived."""
    unknown = {test for mutant in mutants for test, _ in mutant.tests} - set(tree.tests)
    if unknown:
        sys.exit(f"there is no test {', '.join(sorted(unknown))}")
    skipped = try_whole(tree, {test for mutant in mutants for test, _ in mutant.tests})
    survived, width = [], len(str(len(mutants)))
    for number, mutant in enumerate(mutants, 1):
        begun, place = time.monotonic(), f"{number:{width}}/{len(mutants)} {mutant.name}"
        absent = sorted(f"{test}:{case}" if case else test for test, case in mutant.tests
                        if (test, case) in skipped or (test, None) in skipped)
        if absent:
            say(f"{place}: not tried: {', '.join(absent)} is skipped here")
            continue
        why = tree.try_mutant(mutant)
        say(f"{place}: {'SURVIVED: ' + why if why else 'caught'} ({time.monotonic() - begun:.1f} s)")
        survived += [mutant.name] if why else []
    return survived


def main():
    parser = argparse.ArgumentParser(prog="./dev mutants")
    parser.add_argument("--list", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("--check", action="store_true", help="only see that each change can still be made")
    parser.add_argument("--only", metavar="NAME", action="append", help="this one alone; may come several times")
    arguments = parser.parse_args()
    mutants = read_tables()
    check_tables(mutants)
    unknown = set(arguments.only or ()) - {mutant.name for mutant in mutants}
    if unknown:
        sys.exit(f"there is no {', '.join(sorted(unknown))}; --list says what there is")
    mutants = [mutant for mutant in mutants if not arguments.only or mutant.name in arguments.only]
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name}: {mutant.file}: " + " ".join(f"{test}:{case}".rstrip(":") for test, case in mutant.tests))
    if arguments.list or arguments.check:
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="ktlsgate-mutants-") as folder:
        survived = run(Tree(pathlib.Path(folder)), mutants)
    if survived:
        sys.exit(f"survived: {', '.join(survived)}")
    say(f"{len(mutants)} changes, all caught")


if __name__ == "__main__":
    main()
