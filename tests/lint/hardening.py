#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hardening.py BINARY: what was asked of compiler and linker is in the program that they made."""
import re
import subprocess
import sys

import tree

# What has to be there (or, with False, must not) in what readelf says, and what it means.
CHECKS = (
    ("-h", r"Type:\s+DYN", True, "position independent (PIE)"),
    ("-lW", r"GNU_RELRO", True, "relocations read-only after start (RELRO)"),
    ("-dW", r"\bBIND_NOW\b|Flags:.*\bNOW\b", True, "all symbols bound at start (now)"),
    ("-lW", r"GNU_STACK.*RWE", False, "an executable stack"),
    ("-dW", r"\bTEXTREL\b", False, "relocations in code"),
    ("-dW", r"\b(RPATH|RUNPATH)\b", False, "a library path of its own"),
    ("-sW", r"__stack_chk_fail", True, "stack protector"),
    ("-sW", r"__\w+_chk\b(?<!__stack_chk)", True, "checked libc calls (FORTIFY)"),
)


def readelf(option, binary):
    return subprocess.run(["readelf", option, binary], capture_output=True, text=True,
                          check=True).stdout


def main(binary):
    findings = []
    for option, pattern, wanted, meaning in CHECKS:
        if bool(re.search(pattern, readelf(option, binary))) != wanted:
            findings.append(f"{binary}: {'lacks' if wanted else 'has'} {meaning}")
    tree.finish(findings)


main(sys.argv[1])
