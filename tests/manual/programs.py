# SPDX-License-Identifier: Apache-2.0
"""The two programs as they describe themselves: their commands, and what --help lists for each."""
import os
import pathlib
import re
import subprocess

PROGRAMS = {"ktlsgate": os.environ["KTLSGATE"], "ktlsgate-bench": os.environ["KTLSGATE_BENCH"]}
FOLDER = pathlib.Path(os.environ["KTLSGATE_MANUALS"])
FLAG = re.compile(r"^ {2,6}(?:-\?, )?--([a-z0-9-]+)", re.MULTILINE)


def output(program, *words):
    done = subprocess.run([PROGRAMS[program], *words], capture_output=True, text=True, check=True)
    return done.stdout


def commands(program):
    """Each command that the overview lists, of one word or two."""
    listed = re.search(r"^Commands\n(.*?)\n\n", output(program, "--help"), re.MULTILINE | re.DOTALL)
    return [re.match(r"  (\w+(?: \w+)?) *", line)[1].strip() for line in listed[1].splitlines()
            if re.match(r"  \w", line)]


def flags(program, command):
    """The names that `PROGRAM COMMAND --help` lists, without dashes."""
    return set(FLAG.findall(output(program, *command.split(), "--help")))
