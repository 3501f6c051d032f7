#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""near.py BUILD [--since REVISION]: prints the tests that `./dev check` runs, one a line, and on standard
error why each was chosen.

It runs every unit test but the slow ones, the seeds of every fuzzer, every lint rule that has something to look
at, and the tests that tests/near.toml and the tables in tests/mutants name for the files that differ from main
(or REVISION), those not committed yet included. The table's times keep the choice within its budget; what does
not fit is named.

near.py BUILD --check: whether the tables fit the tests of that build folder (the lint rule near_fit)."""
import argparse
import fnmatch
import json
import pathlib
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
OWN = " is its source"
SOURCES = {"tests/unit", "tests/integration", "tests/model", "tests/fuzz"}
ALWAYS = ("unit", "fuzz", "lint")  # suites
ELSEWHERE = {"kernel", "kernel-newer", "long", "mutants"}  # suites that ./dev check does not run


def say(words):
    print(words, file=sys.stderr)


def git(*words):
    """Its lines; None where it fails, as outside of a repository, or is not installed."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


def tests_of(build):
    """Name → suites, of what ./dev check can run."""
    rows = json.loads((build / "meson-info/intro-tests.json").read_text())
    suites = {row["name"]: {suite.split(":")[-1] for suite in row["suite"]} for row in rows
              if not {suite.split(":")[-1] for suite in row["suite"]} & ELSEWHERE}
    return suites


def base_of(revision):
    """What the tree is compared with; None: there is no git here."""
    names = [revision] if revision else ["main", "origin/main", "master", "origin/master"]
    for name in names:
        found = git("merge-base", "HEAD", name)
        if found:
            return found[0]
    if revision:
        sys.exit(f"near.py: git knows no revision '{revision}'")
    return (git("rev-parse", "--verify", "HEAD~1") or [None])[0]


def changed_files(base):
    tracked = git("diff", "--name-only", base, "--") if base else None
    if tracked is None:
        return []
    return sorted(set(tracked) | set(git("ls-files", "--others", "--exclude-standard") or []))


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def mutants():
    """(file, test) of each row of the mutants' tables."""
    for table in sorted((HERE / "mutants").glob("*.toml")):
        for row in tomllib.loads(table.read_text()).values():
            for test in row["tests"]:
                yield row["file"], test.split(":")[0]


def closeness(path, row):
    """How long the longest pattern is that matches; 0: none does. A page (.md) in a folder of code is no code."""
    patterns = [pattern for pattern in row["files"] if pattern.endswith(".md") or not path.endswith(".md")]
    return max((len(pattern) for pattern in patterns if fnmatch.fnmatchcase(path, pattern)), default=0)


def near(path, table, known):
    """(test, why) of one changed file, the nearest first."""
    place = pathlib.PurePath(path)
    own = place.stem.removeprefix("test_")
    if str(place.parent) in SOURCES and own in known:
        yield own, path + OWN
    rows = [row for row in table["near"] if closeness(path, row)]
    for row in sorted(rows, key=lambda row: -closeness(path, row)):
        for test in row["tests"]:
            yield test, f"{path} changed"
    for file, test in mutants():
        if file == path and test in known:
            yield test, f"it must see faults of {path} (tests/mutants)"


def always(table, known, changed):
    """Unit tests that are fast, fuzzers' seeds, and the lint rules that have something to look at."""
    for test, suites in known.items():
        rule = table["lint"].get(test)
        if "unit" in suites and not matches(test, table["slow"]):
            yield test, "unit"
        elif "fuzz" in suites:
            yield test, "fuzz"
        elif "lint" in suites and (rule is None or any(matches(path, rule) for path in changed)):
            yield test, "lint"


def by_nearness(rows):
    """Tests whose own source changed; then the nearest test of each file, the second nearest, and so on."""
    yield from (one for row in rows for one in row if one[1].endswith(OWN))
    for rank in range(max(map(len, rows), default=0)):
        yield from (row[rank] for row in rows if len(row) > rank)


def choose(table, known, changed):
    """Test → why; and those that the budget leaves out."""
    chosen = dict(always(table, known, changed))
    left, out = table["budget"], {}
    for test, why in by_nearness([list(near(path, table, known)) for path in changed]):
        seconds = table["seconds"].get(test, 5)
        if test in chosen or test in out or test not in known:
            continue
        if seconds > left:
            out[test] = why
            continue
        chosen[test] = why
        left -= seconds
    return chosen, out


def report(chosen, out, known, changed, base):
    say(f"{len(changed)} files differ from {base[:12]}" if base else "there is no git here: no file has changed")
    for suite in ALWAYS:
        count = sum(why == suite for why in chosen.values())
        say(f"  {suite}: {count} of {sum(suite in suites for suites in known.values())}")
    for test, why in chosen.items():
        if why not in ALWAYS:
            say(f"  {test}: {why}")
    if out:
        say(f"  near, but left out for time: {' '.join(out)}")
        say("  (one of them by hand: meson test -C build --no-suite kernel NAME)")


def faults(table, known):
    rows = [row for row in table["near"] if not row.get("optional")]
    named = {test for row in table["near"] for test in row["tests"]}
    perhaps = named - {test for row in rows for test in row["tests"]}
    for test in sorted((named | set(table["seconds"]) | set(table["lint"])) - perhaps):
        if test not in known:
            yield f"tests/near.toml names {test}, which is no test that ./dev check can run"
    for pattern in table["slow"]:
        if not fnmatch.filter(known, pattern):
            yield f"tests/near.toml: no test is called {pattern}"
    files = git("ls-files")
    for pattern in sorted({one for row in rows for one in row["files"]}) if files else []:
        if not fnmatch.filter(files, pattern):
            yield f"tests/near.toml: no file matches {pattern}"
    for test, suites in sorted(known.items()):
        slow = "unit" in suites and matches(test, table["slow"])
        if (slow or "integration" in suites) and test not in named:
            yield f"tests/near.toml: no file is near {test}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--since", metavar="REVISION")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    table = tomllib.loads((HERE / "near.toml").read_text())
    known = tests_of(args.build)
    if args.check:
        found = list(faults(table, known))
        print("\n".join(found))
        sys.exit(1 if found else 0)
    base = base_of(args.since)
    changed = changed_files(base)
    chosen, out = choose(table, known, changed)
    report(chosen, out, known, changed, base)
    print("\n".join(chosen))


if __name__ == "__main__":
    main()
