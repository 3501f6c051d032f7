#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_manual.py lint: mandoc finds nothing wrong with the manual pages.
test_manual.py flags: each page has an entry for each flag of each command, and for no other.
test_manual.py keys: the keys in ktlsgate.conf(5) are those that a configuration file takes, where
it takes them.
test_manual.py fields: ktlsgate(1) has the fields of docs/operations.md, without its links."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from programs import FOLDER, commands, flags, PROGRAMS

PAGES = ("ktlsgate.1", "ktlsgate.conf.5", "ktlsgate-bench.1")
NO_KEYS = {"config", "help", "version"}
# A section of ktlsgate.conf(5), and the file in which its keys must be good.
PLACES = {
    "KEYS BEFORE THE SECTIONS": ("server", "{} = {}\n"),
    "KEYS OF EITHER PLACE": ("server", "{} = {}\nservice x {{ }}\n"),
    "KEYS OF A SERVICE SECTION": ("server", "service x {{\n{} = {}\n}}\n"),
    "KEYS OF A CLIENT SECTION": ("client", "client x {{\n{} = {}\n}}\n"),
}
MISPLACED = re.compile(r"unknown key|describes a service|is a key of a|applies to the whole gateway")


def page(name):
    return (FOLDER / name).read_text()


def lint():
    if not shutil.which("mandoc"):
        print("SKIP: mandoc is not installed (Debian package mandoc)")
        return 77
    found = ""
    for name in PAGES:
        done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", name], cwd=FOLDER,
                              capture_output=True, text=True, check=False)
        found += done.stdout + done.stderr
    print(found)
    return 1 if found else 0


def parts(text, macro):
    """Title of each section → its lines."""
    cut = re.split(rf"^\.{macro} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(cut[1::2], cut[2::2]))


def entries(section, macro):
    """(name, commands that it is for; None: all of the section) of each item of the lists."""
    for item in re.split(r"^\.It ", section, flags=re.MULTILINE)[1:]:
        name = re.match(rf"(?:Oo )?{macro} -?([a-z0-9-]+)", item)
        if not name:
            continue
        some = re.search(r"^Commands: (.+)\.$", item, re.MULTILINE)
        yield name[1], set(re.findall(r"\\fB(.+?)\\fP", some[1])) if some else None


def documented(section, command):
    return {name for name, some in entries(section, "Fl") if some is None or command in some}


def section_of(program, command):
    if program == "ktlsgate-bench":
        subsections = parts(parts(page("ktlsgate-bench.1"), "Sh")["OPTIONS"], "Ss")
        return next(text for title, text in subsections.items() if command in title.split(", "))
    first = command.split()[0]
    return parts(page("ktlsgate.1"), "Sh")[
        f"{first.upper()} OPTIONS" if first in ("demo", "probe", "pki") else "OPTIONS"]


def check_flags():
    findings, count = [], 0
    for program in PROGRAMS:
        for command in commands(program):
            listed, there = flags(program, command), documented(section_of(program, command), command)
            count += len(listed)
            findings += [f"{program} {command}: --{name} is in --help alone"
                         for name in sorted(listed - there)]
            findings += [f"{program} {command}: --{name} is in the manual page alone"
                         for name in sorted(there - listed)]
            if f".It Cm {command}\n" not in page(f"{program}.1"):
                findings.append(f"{program}.1 does not list the command {command}")
    print("\n".join(findings) or f"{count} flags are documented")
    return 1 if findings or count < 100 else 0


def refusal(folder, key, template):
    """What `check` says against a file with this key, if it is that the key does not belong there."""
    path = pathlib.Path(folder) / "gate.conf"
    path.write_text(template.format(key, "x"))
    done = subprocess.run([PROGRAMS["ktlsgate"], "check", "--config", path], capture_output=True,
                          text=True, check=False)
    return done.stderr if MISPLACED.search(done.stderr) else None


def check_keys():
    sections, findings = parts(page("ktlsgate.conf.5"), "Sh"), []
    seen, either = {"server": set(), "client": set()}, set()
    with tempfile.TemporaryDirectory() as folder:
        for title, (role, template) in PLACES.items():
            keys = {name for name, _ in entries(sections[title], "Cm")}
            seen[role] |= keys
            if title == "KEYS OF EITHER PLACE":
                seen["client"] |= keys
                either = keys
            if not keys:
                findings.append(f"{title}: there is none")
            refused = [(key, refusal(folder, key, template)) for key in sorted(keys)]
            findings += [f"{title}: {key}: {why}" for key, why in refused if why]
        for title in ("KEYS OF A SERVICE SECTION", "KEYS OF A CLIENT SECTION"):
            refused = [(key, refusal(folder, key, PLACES[title][1])) for key in sorted(either)]
            findings += [f"{title}: {key}: {why}" for key, why in refused if why]
    seen["client"] |= seen["server"]
    missing = {name for role in seen for name in flags("ktlsgate", role) - NO_KEYS - seen[role]}
    findings += [f"{name} is not among the keys" for name in sorted(missing)]
    print("\n".join(findings) or f"{len(seen['server'] | seen['client'])} keys are where they say")
    return 1 if findings else 0


def check_fields():
    """tests/lint/docs.py compares that table with the code."""
    text = (pathlib.Path(__file__).parents[2] / "docs/operations.md").read_text()
    table = text[text.index("### Fields of a connection's line"):]
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (\w+) \|", table, re.MULTILINE)
    said = parts(parts(page("ktlsgate.1"), "Sh")["LOG"], "Ss")["Fields"]
    findings = []
    for names, kind in rows:
        tag = ".It Cm " + " , ".join(re.findall(r"`(\w+)`", names)) + "\n"
        item = said[said.index(tag) + len(tag):].split("\n.")[0] if tag in said else None
        if not item:
            findings.append(f"{names} has no entry")
        elif ("In JSON: " in item) != (kind != "string"):
            findings.append(f"{names} has another type in JSON")
    if re.search(r"\]\(|\.md", said):
        findings.append("there is a link")
    print("\n".join(findings) or f"{len(rows)} rows are there")
    return 1 if findings or len(rows) < 20 else 0


if __name__ == "__main__":
    sys.exit({"lint": lint, "flags": check_flags, "keys": check_keys, "fields": check_fields}[sys.argv[1]]())
