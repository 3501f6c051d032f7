#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shell scripts are clean by shellcheck."""
import shutil
import subprocess
import sys

import tree


def is_shell(path):
    with open(tree.ROOT / path, "rb") as file:
        line = file.readline(80)
    return line.startswith(b"#!") and line.split()[-1].split(b"/")[-1] in (b"sh", b"bash")


if not shutil.which("shellcheck"):
    print("SKIP: shellcheck is not installed (Debian package shellcheck)")
    sys.exit(77)
scripts = [str(path) for path in tree.every_file() if is_shell(path)]
sys.exit(subprocess.run(["shellcheck", *scripts], cwd=tree.ROOT, check=False).returncode)
