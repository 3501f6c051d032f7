#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions and files stay of a size that one can read. Fails where a function has more than 100
lines or a file more than 900; names the files over 600. The code is in the style that clang-format
keeps, so a function's body is what stands between a "{" and a "}" in the first column."""
import statistics

import tree

FUNCTION_MAX, FILE_WARN, FILE_MAX = 100, 600, 900


def functions(path, lines):
    """(path, line, number of lines) of each function."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield path, start, number - start + 1
            start = None


def main():
    sizes, findings = [], []
    for path in tree.files(".c", ".h", ".py", ".sh"):
        lines = tree.text(path).splitlines()
        sizes += functions(path, lines)
        if len(lines) > FILE_MAX:
            findings.append(f"{path}: {len(lines)} lines, more than {FILE_MAX}")
        elif len(lines) > FILE_WARN:
            print(f"warning: {path}: {len(lines)} lines, more than {FILE_WARN}")
    findings += [f"{path}:{line}: a function of {size} lines, more than {FUNCTION_MAX}"
                 for path, line, size in sizes if size > FUNCTION_MAX]
    numbers = sorted(size for _, _, size in sizes)
    if numbers:
        print(f"{len(numbers)} functions: median {statistics.median(numbers):.0f} lines, "
              f"90 % at most {numbers[len(numbers) * 9 // 10]}, longest {numbers[-1]}")
    tree.finish(findings)


main()
