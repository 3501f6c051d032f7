#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_completion.py bash|fish|zsh: the shell takes the completions, and they offer what the programs
take: commands, all flags of each, words, files and folders. The words before the cursor are typed as
the shell would split them; the last one is being typed."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from programs import FOLDER, PROGRAMS, commands, flags

# What is typed, what is offered.
ROWS = (
    ("ktlsgate se", ["server"]),
    ("ktlsgate p", ["probe", "pki"]),
    ("ktlsgate help ch", ["check"]),
    ("ktlsgate pki re", ["renew", "revoke"]),
    ("ktlsgate help pki re", ["renew", "revoke"]),
    ("ktlsgate check cl", ["client"]),
    ("ktlsgate server --rec", ["--records", "--recheck-on-reload"]),
    ("ktlsgate server --records ", ["auto", "kernel", "user", "measured"]),
    ("ktlsgate server --listen :1 --records me", ["measured"]),
    ("ktlsgate server --records=me", ["measured"]),
    ("ktlsgate server --strict-sni u", ["unknown"]),
    ("ktlsgate server --crl-soft --crl-", ["--crl-soft"]),
    ("ktlsgate server --cert a-", ["a-file", "a-folder"]),
    ("ktlsgate server --cert-dir a-", ["a-folder"]),
    ("ktlsgate server --user roo", ["root"]),
    ("ktlsgate server --group roo", ["root"]),
    ("ktlsgate check client --target-", ["--target-name"]),
    ("ktlsgate check --target-", []),
    ("ktlsgate pki revoke alice --reason key", ["keyCompromise"]),
    ("ktlsgate pki list --al", ["--all"]),
    ("ktlsgate nonsense --re", []),
    ("ktlsgate-bench com", ["compare"]),
    ("ktlsgate-bench compare --out a-", ["a-folder"]),
    ("ktlsgate-bench report --out a-", ["a-file", "a-folder"]),
    ("ktlsgate-bench report a-", ["a-file", "a-folder"]),
    ("ktlsgate-bench crypto --ciphers aes-128-gcm,ch", ["aes-128-gcm,chacha20-poly1305"]),
    ("ktlsgate-bench compare --smo", []),
)
BASH = """
source "$1"; shift
name=_${1//-/_}
complete -p "$1" | grep -q -e "-F $name " || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"$name"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What _describe and _arguments would offer, without a terminal.
ZSH = """
source_file=$1; shift
_describe() { print -rl -- ${next%%:*} }
_arguments() { print -rl -- "$@" }
words=("$@"); CURRENT=$#
source $source_file
"""


def run(shell, script, *args, folder=None):
    done = subprocess.run([*shell, script, *args], capture_output=True, text=True, check=False,
                          cwd=folder, timeout=60)
    if done.returncode or done.stderr:
        sys.exit(f"{shell[0]} {args}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if line]


def split(line):
    """As bash splits it: at blanks, and around '='."""
    return re.findall(r"=|[^ =]+|(?<= )$", line)


def bash(line, folder):
    words = split(line)
    shell = ["bash", "--norc", "--noprofile", "-c"]
    return run(shell, BASH, "bash", FOLDER / words[0], *words, folder=folder)


def fish(line, folder):
    program = line.split()[0]
    script = "source $argv[1]; complete -C $argv[2]"
    offered = run(["fish", "--no-config", "-c"], script, FOLDER / f"{program}.fish", line,
                  folder=folder)
    return [re.sub(r"^(--[a-z-]+=)", "", word.split("\t")[0]).rstrip("/") for word in offered]


def zsh(line):
    words = line.split(" ")
    return run(["zsh", "-f", "-c"], ZSH, "zsh", FOLDER / f"_{words[0]}", *words)


def check(shell, line, offered, expected):
    if sorted(offered) == sorted(expected):
        return []
    return [f"{shell}: '{line}' lacks {sorted(set(expected) - set(offered))}, and offers "
            f"{sorted(set(offered) - set(expected))} too many"]


def words_behind(program):
    """What was typed, with a blank behind it → which words of commands may follow."""
    behind = {"": {"help"}}
    for command in commands(program):
        first, *second = command.split()
        behind[""].add(first)
        if second:
            behind.setdefault(f"{first} ", set()).update(second)
    return behind


def in_shell(shell, complete):
    """Both the rows and, of each program, all commands and all their flags."""
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "a-folder").mkdir()
        (pathlib.Path(folder) / "a-file").touch()
        for line, expected in ROWS:
            findings += check(shell, line, complete(line, folder), expected)
        for program in PROGRAMS:
            for before, expected in words_behind(program).items():
                line = f"{program} {before}"
                offered = [word for word in complete(line, folder) if word[0] != "-"]
                findings += check(shell, line, offered, expected)
            for command in commands(program):
                expected = [f"--{name}" for name in flags(program, command)]
                line = f"{program} {command} --"
                findings += check(shell, line, complete(line, folder), expected)
    return findings


def in_zsh():
    """Without a terminal: the commands, and what _arguments is given for each."""
    findings = []
    for program in PROGRAMS:
        for before, expected in words_behind(program).items():
            line = f"{program} {before}"
            findings += check("zsh", line, zsh(line), expected)
        for command in commands(program):
            specs = zsh(f"{program} {command} --")
            names = {match[1] for match in map(re.compile(r"\*?--([a-z-]+)").match, specs) if match}
            findings += check("zsh", f"{program} {command}", names, flags(program, command))
    specs = zsh("ktlsgate server --")
    for start, end in (("--records=", ":(auto kernel user measured)"), ("*--cert=", ":FILE:_files"),
                       ("*--cert-dir=", ":FOLDER:_files -/"), ("*--listen=", ":HOST\\:PORT: ")):
        if not [spec for spec in specs if spec.startswith(start) and spec.endswith(end)]:
            findings.append(f"zsh: {start} does not end in {end}")
    return findings


def main():
    shell = sys.argv[1]
    if not shutil.which(shell):
        print(f"SKIP: {shell} is not installed")
        return 77
    form = {"bash": "{}", "fish": "{}.fish", "zsh": "_{}"}[shell]
    for program in PROGRAMS:
        run([shell], "-n", FOLDER / form.format(program))
        if shell == "bash" and shutil.which("shellcheck"):
            run(["shellcheck"], FOLDER / program)
    findings = in_zsh() if shell == "zsh" else in_shell(shell, {"bash": bash, "fish": fish}[shell])
    print("\n".join(findings) or f"{shell} offers what the programs take")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
