#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source says its licence on its first line (its second one after #!)."""
import tree

LINE = "SPDX-License-Identifier: Apache-2.0"
SUFFIXES = {".c", ".h", ".py", ".sh", ".build"}
NAMES = {"meson_options.txt", "Dockerfile", "Makefile"}


def finding(path):
    with open(tree.ROOT / path, "rb") as file:
        lines = [file.readline(400).decode(errors="replace") for _ in range(2)]
    script = lines[0].startswith("#!")
    if not script and path.suffix not in SUFFIXES and path.name not in NAMES:
        return []
    return [] if LINE in lines[script] else [f"{path}: no '{LINE}' at the top"]


tree.finish(sum(map(finding, tree.every_file()), []))
