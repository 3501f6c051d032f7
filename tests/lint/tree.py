# SPDX-License-Identifier: Apache-2.0
"""What the lint tests share: the files of the tree, and how a finding is told."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("gateway", "include", "bench", "docs", "tests")


def is_built(path):
    return path.parts[0].startswith("build") or path.parts[0] == ".git"


def files(*suffixes, folders=FOLDERS):
    """The files below the folders that end so, sorted, relative to the root."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")
             if path.is_file() and path.suffix in suffixes]
    return sorted(path.relative_to(ROOT) for path in found)


def every_file():
    found = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return sorted(path for path in found if not is_built(path))


def text(path):
    return (ROOT / path).read_text(errors="replace")


def finish(findings):
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
