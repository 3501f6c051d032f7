#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No wipe of a secret disappears unnoticed: wipes.txt has a row for each call that wipes.

Tests search memory where they can (tests/unit/test_remains.c), but not on every path, nor for code that this processor
or kernel does not run. A row: file, function, call. wipes.py --list prints the rows of the code as it is."""
import collections
import re
import sys

import tree

TABLE = "tests/lint/wipes.txt"
WIPES = ("gw_wipe", "gw_wipe_object", "gw_wipe_pages_new", "gw_wipe_shared_new", "gw_wipe_pages_free",
         "gw_wipe_forbid_dumps", "ktls_wipe", "explicit_bzero", "OPENSSL_cleanse", "OPENSSL_clear_free",
         "BN_clear_free", "fe_wipe_traces")
CALL = re.compile(r"\b(?:%s)\(" % "|".join(WIPES))
DEFINITION = re.compile(r"^(?!return\b)[A-Za-z_].*?\b(?!__)(\w+)\(")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def whole_call(text, start):
    """From the name to the parenthesis that closes."""
    depth = 0
    for at in range(text.index("(", start), len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return " ".join(text[start:at + 1].split())
    return text[start:]


def function_at(text, at):
    """The name of the function that the place is in: of the last line before it that begins in column 1."""
    for line in reversed(text[:at].split("\n")):
        found = DEFINITION.match(line)
        if found:
            return found.group(1)
    return "-"


def rows_of(path):
    text = COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), tree.text(path))
    for found in CALL.finditer(text):
        line = text[text.rfind("\n", 0, found.start()) + 1:found.start()]
        if line[:1].isspace():  # a use, not the definition
            yield f"{path} {function_at(text, found.start())} {whole_call(text, found.start())}"


def rows_of_code():
    return [row for path in tree.files(".c", ".h", folders=("gateway",)) for row in rows_of(path)]


def main():
    code = collections.Counter(rows_of_code())
    table = collections.Counter(line for line in tree.text(TABLE).splitlines() if line and line[0] != "#")
    for row in sorted((table - code).elements()):
        yield f"{row}: this wipe is gone. If nothing secret is left there, remove its row from {TABLE}"
    for row in sorted((code - table).elements()):
        yield f"{row}: this wipe has no row in {TABLE}"


if sys.argv[1:] == ["--list"]:
    print("\n".join(rows_of_code()))
else:
    tree.finish(list(main()))
