#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of the docs as a reader would: each block that begins with ```sh run, those of
one reader in one shell, with free ports in place of the written ones. A comment `# exit code N`
says that a command fails on purpose. Each configuration file in the docs is one that `check` finds good.

The program is the one in $KTLSGATE.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import textwrap

from verdict import check, finish, skip

DEADLINE_S = 120
ROOT = pathlib.Path(__file__).resolve().parents[2]
# The pages that a reader goes through in one shell, and what its standard output then holds.
READERS = (
    (("README.md", "docs/client-role.md"), {"Directory listing": 2}),
    (("docs/pki.md",), {"www.example.com": 1, "revoked": 1, "it passes as": 3}),
)

# What a reader waits for by looking at the log.
PREAMBLE = r"""
set -euo pipefail
trap 'jobs -p | xargs -r kill; wait || true' EXIT
await() {
    local port i
    for port; do
        for i in $(seq 600); do
            (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && continue 2
            sleep 0.1
        done
        echo "nothing listens on $port" >&2
        return 1
    done
}
"""


def blocks(page):
    """A block within a list is indented."""
    found = re.findall(r"^( *)```sh run\n(.*?)^\1```$", (ROOT / page).read_text(), re.M | re.S)
    check(found, f"{page} has commands to run")
    return [textwrap.dedent(block) for _, block in found]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def with_free_ports(text):
    written = sorted(set(re.findall(r"(?<![\d.])80\d\d\b|(?<![\d.])84\d\d\b", text)))
    free = {port: str(free_port()) for port in written}
    return re.sub(r"(?<![\d.])8[04]\d\d\b", lambda m: free[m.group()], text)


def served_ports(text):
    """Of the commands that run in the background."""
    lines = [line for line in text.split("\n") if line.endswith(" &")]
    return re.findall(r"--listen \S*:(\d+)|http\.server (\d+)", "\n".join(lines))


def script(pages):
    text = with_free_ports("".join(block for page in pages for block in blocks(page)))
    text = text.replace("\\\n", " ")
    lines, before = [], ""
    for line in text.split("\n"):
        fails = re.search(r"# exit code (\d+)", line)
        if line.startswith("sleep "):
            line = "await " + " ".join(a or b for a, b in served_ports(before))
        elif fails:
            line = f"code=0\n{line[:fails.start()]} || code=$?\n[ $code = {fails.group(1)} ]"
        lines.append(line)
        before += line + "\n"
    return PREAMBLE + "\n".join(lines)


def read_along(pages, expected):
    text = script(pages)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/bin")
        os.symlink(os.environ["KTLSGATE"], f"{folder}/bin/ktlsgate")
        os.mkdir(f"{folder}/here")
        result = subprocess.run(
            ["bash", "-c", text], cwd=f"{folder}/here", text=True, capture_output=True,
            timeout=DEADLINE_S, check=False,
            env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
    whole = f"{text}\n--- standard output\n{result.stdout}\n--- standard error\n{result.stderr}"
    check(result.returncode == 0, f"the commands of {' and '.join(pages)} work", whole)
    for words, times in expected.items():
        check(result.stdout.count(words) >= times, f"they print {words!r}", whole)


# ---- configuration files ----

def configurations():
    """(page, text) of each block that is a configuration file."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        for kind, block in re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(), re.M | re.S):
            if not kind and re.search(r"^(service|client) \S+ \{", block, re.M):
                yield page.name, block


def with_own_files(text):
    """Certificates that exist, a target that can be resolved, no more connections than fit."""
    files = {"cert": "certs/localhost/chain.pem", "key": "certs/localhost/key.pem",
             "cacert": "ca.pem", "crl": "crl.pem"}
    text = re.sub(r"^( *)(cert|key|cacert|crl) = \S+", lambda m: f"{m[1]}{m[2]} = pki/{files[m[2]]}",
                  text, flags=re.M)
    text = re.sub(r"target = [a-z][a-z.]*:", "target = localhost:", text)
    return re.sub(r"max-conns = \d+", "max-conns = 100", text)


def check_configurations():
    found = list(configurations())
    check(len(found) >= 3, "the docs have configuration files")
    program = os.environ["KTLSGATE"]
    with tempfile.TemporaryDirectory() as folder:
        for words in ("init", "issue --server localhost"):
            subprocess.run([program, "pki", *words.split()], cwd=folder, check=True,
                           capture_output=True, timeout=DEADLINE_S)
        for page, text in found:
            text = with_own_files(text)
            pathlib.Path(folder, "gateway.conf").write_text(text)
            result = subprocess.run([program, "check", "--config", "gateway.conf"], cwd=folder,
                                    text=True, capture_output=True, timeout=DEADLINE_S, check=False)
            check(result.returncode == 0, f"a configuration of {page} is good",
                  text + result.stdout + result.stderr)


def main():
    for tool in ("bash", "curl", "python3"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    for pages, expected in READERS:
        read_along(pages, expected)
    check_configurations()
    finish()


if __name__ == "__main__":
    main()
