#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""headers.py COMPILER...: each header compiles alone, included twice, as C11; the public ones also
as C++, where a C++ compiler is there."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

import tree

WARNINGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I.", "-Iinclude"]


def compile_alone(compiler, path):
    source = f'#include "{path}"\n#include "{path}"\n'
    done = subprocess.run([*compiler, *WARNINGS, "-"], input=source, cwd=tree.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return [f"{path} does not compile alone:\n{done.stdout}"] if done.returncode else []


def main():
    c = [*sys.argv[1:], "-x", "c", "-std=gnu11", "-D_GNU_SOURCE"]
    cxx = shutil.which("g++") or shutil.which("clang++")
    public = tree.files(".h", folders=("include",))
    jobs = [(c, path) for path in tree.files(".h")]
    if cxx:
        jobs += [([cxx, "-x", "c++", "-std=c++17"], path) for path in public]
    else:
        print("no C++ compiler: the public header was tried as C only")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tree.finish(sum(pool.map(lambda job: compile_alone(*job), jobs), []))


main()
