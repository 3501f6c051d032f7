#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All C files are as clang-format leaves them; --fix makes them so. One major version decides, since
they differ: Debian 12's."""
import re
import shutil
import subprocess
import sys

import tree

MAJOR = 14


def find_clang_format():
    seen = []
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        program = shutil.which(name)
        if not program:
            continue
        words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        version = re.search(r"version (\d+)", words.stdout)
        if version and int(version[1]) == MAJOR:
            return program
        seen.append(version[1] if version else "?")
    print(f"SKIP: the style is what clang-format {MAJOR} writes, and here is "
          f"{'version ' + ' and '.join(seen) if seen else 'none'}")
    sys.exit(77)


sources = [str(path) for path in tree.files(".c", ".h")]
mode = ["-i"] if sys.argv[1:] == ["--fix"] else ["--dry-run", "--Werror"]
done = subprocess.run([find_clang_format(), *mode, *sources], cwd=tree.ROOT, check=False)
if done.returncode:
    print("run ./dev format")
sys.exit(1 if done.returncode else 0)
