#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages on how it is built name what there is: every `path` of the tree, every `gw_…`, `GW_…` and `ktls_…`, and
every function of a page's tables exists in the code, and every link to a file leads to one. A map that is wrong is
worse than none."""
import re

import tree

FOLDERS = ("docs/architecture", "kernel-notes", "gateway", "tests", "bench", "contrib")
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md")
TOPS = "gateway|include|bench|tests|contrib|kernel-notes|docs"
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PATH = re.compile(rf"^(?:{TOPS})/(?!.*(?:NAME|FOLDER))[\w./-]*$")  # those stand for any
NAME = re.compile(r"^(?:gw|GW|ktls)_\w+$")
WORD = re.compile(r"\b[A-Za-z_]\w+")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
BY_FUNCTION = "docs/architecture/how-a-byte-travels.md"
FUNCTION = re.compile(r"^[a-z]\w*_\w+$|^(?:finish|turn|resume)$")


def pages():
    found = [path for path in tree.files(".md", folders=FOLDERS) if "results" not in path.parts]
    return found + [path for path in map(tree.pathlib.Path, PAGES) if (tree.ROOT / path).exists()]


def names_of_code():
    return {word for path in tree.files(".c", ".h") for word in WORD.findall(tree.text(path))}


def is_there(path, name):
    return any((base / name).exists() for base in (tree.ROOT, tree.ROOT / path.parent))


def findings(path, known):
    words = FENCE.sub("", tree.text(path))
    for code in CODE.findall(words):
        wanted = NAME.match(code) or (str(path) == BY_FUNCTION and FUNCTION.match(code))
        if wanted and code not in known and not any(name.startswith(code) for name in known if code.endswith("_")):
            yield f"{path}: the code has no {code}"
        if PATH.match(code) and not is_there(path, code):
            yield f"{path}: there is no {code}"
    for link in LINK.findall(words):
        if "://" not in link and not (tree.ROOT / path.parent / link).exists():
            yield f"{path}: the link {link} leads nowhere"


def main():
    known = names_of_code()
    tree.finish([one for path in pages() for one in findings(path, known)])


main()
