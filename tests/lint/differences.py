#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What compilers, libraries, headers and processors differ in is asked for in one file: elsewhere an
#if may only look at the names (GW_...) which that file gives them, and nothing looks at versions."""
import re

import tree

PLACE = "gateway/base/compat.h"
CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b(.*)", re.MULTILINE)
VERSION = re.compile(r"\b(?:OPENSSL_VERSION_NUMBER|OPENSSL_VERSION_(?:MAJOR|MINOR)|LINUX_VERSION_CODE|"
                     r"IO_URING_VERSION_\w+|IO_URING_CHECK_VERSION|__GLIBC__|__GNUC__|__clang__|"
                     r"__clang_major__)\b")
NAME = re.compile(r"\b[A-Za-z_]\w*")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
PUBLIC_HEADER = {"__cplusplus"}  # who includes it is not built here


def blank(match):
    """A comment's line ends, so that the lines keep their numbers."""
    return "\n" * match[0].count("\n")


def findings(path):
    words = COMMENT.sub(blank, tree.text(path))
    allowed = {"defined"} | (PUBLIC_HEADER if path.parts[0] == "include" else set())
    asked = [(match.start(), f"#if asks for {name}") for match in CONDITION.finditer(words)
             for name in NAME.findall(match[1]) if not name.startswith("GW_") and name not in allowed]
    asked += [(match.start(), f"looks at {match[0]}") for match in VERSION.finditer(words)]
    for at, what in asked:
        yield f"{path}:{words.count(chr(10), 0, at) + 1}: {what}; only {PLACE} does"


def main():
    found = []
    for path in tree.files(".c", ".h"):
        if str(path) != PLACE:
            found += findings(path)
    tree.finish(found)


main()
