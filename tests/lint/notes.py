#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each kernel note that the code names exists; each note is named by code, and is dated: kernels
move on, and a note that nothing relies on any more only misleads."""
import re

import tree

REFERENCE = re.compile(r"kernel-notes/([\w.-]+\.md)")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
MAP = "README.md"


def references():
    """Name of a note → a file that names it."""
    found = {}
    for path in tree.files(".c", ".h", ".py", ".sh", ".build"):
        for name in REFERENCE.findall(tree.text(path)):
            found.setdefault(name, path)
    return found


def main():
    named = references()
    notes = {path.name: tree.text(path) for path in tree.files(".md", folders=("kernel-notes",))
             if path.name != MAP}
    findings = [f"{path}: names kernel-notes/{name}, which does not exist"
                for name, path in sorted(named.items()) if name not in notes]
    for name, words in sorted(notes.items()):
        if name not in named:
            findings.append(f"kernel-notes/{name}: no code names it")
        if not DATE.search(words):
            findings.append(f"kernel-notes/{name}: no date (YYYY-MM-DD)")
    tree.finish(findings)


main()
