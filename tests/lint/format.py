#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All C files are as clang-format leaves them. One major version decides, since they differ."""
import re
import shutil
import subprocess
import sys

import tree

MAJOR = 14


def find_clang_format():
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        program = shutil.which(name)
        if not program:
            continue
        words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        version = re.search(r"version (\d+)", words.stdout)
        if version and int(version[1]) == MAJOR:
            return program
    print(f"SKIP: there is no clang-format {MAJOR}, which the style is defined by")
    sys.exit(77)


sources = [str(path) for path in tree.files(".c", ".h")]
done = subprocess.run([find_clang_format(), "--dry-run", "--Werror", *sources], cwd=tree.ROOT,
                      check=False)
if done.returncode:
    print("run ./dev format")
sys.exit(1 if done.returncode else 0)
