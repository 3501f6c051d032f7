#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No comment in C begins with "…": it must be understood without the comment before it."""
import re

import tree

BEGINNING = re.compile(r"(?<![/\":])/(?:\*+|/+)[!<]*[ \t]*(?:\n[ \t]*\*[ \t]*)?(?:…|\.\.\.)")


def main():
    for path in tree.files(".c", ".h"):
        text = tree.text(path)
        for found in BEGINNING.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: the comment begins with '…'"


tree.finish(list(main()))
