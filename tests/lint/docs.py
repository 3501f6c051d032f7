#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The docs fit the program and each other: links lead somewhere, each log reason has a row in
docs/troubleshooting.md, each flag is in docs/flags.md, each field of a connection's log line is in
docs/operations.md with its JSON type, and no page names a flag or a reason that does not exist."""
import functools
import posixpath
import re

import tree

FLAGS = "docs/flags.md"
REASONS = "docs/troubleshooting.md"
FIELDS = "docs/operations.md"
FOLDERS = ("docs", "bench", "contrib", "kernel-notes", "tests", "gateway")
OPTION_TABLES = ("gateway/config/options.c", "gateway/config/options_trust.c",
                 "gateway/config/options_pki.c")
SIDE_ROWS = "gateway/config/options_side.h"
# A flag of another program may stand in the left column of these pages' tables, and in a command
# or a code span that begins with that program's name.
OF_PEERS = ("docs/migrating.md",)
# A flag of container engines, which operators have to give.
OTHER_FLAGS = {"--cap-add"}
# Scripts whose flags are not in a table.
SCRIPTS = ("dev", "bench/icount/icount.py", "bench/aesni/aesni.py", "bench/together.py",
           "tests/mutants/run.py", "tests/fuzz/run.py")
OWN_PROGRAMS = ("ktlsgate", "ktlsgate-bench", "./dev")

FENCE = re.compile(r"^(```+)[^\n]*\n(.*?)^\1 *$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*(?<!-)(?![\w-])")  # not the --allow- of --allow-…


def pages():
    top = [path for path in tree.every_file() if len(path.parts) == 1 and path.suffix == ".md"]
    return [str(path) for path in top + tree.files(".md", folders=FOLDERS)]


# ---- links ----

def anchor(heading):
    """As GitHub makes it of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@functools.lru_cache(maxsize=None)
def anchors(page):
    """Of all headings, a repeated one with -1, -2 … behind it."""
    found = set()
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", FENCE.sub("", tree.text(page)), re.M):
        name, count = anchor(heading), 0
        while (name if not count else f"{name}-{count}") in found:
            count += 1
        found.add(name if not count else f"{name}-{count}")
    return found


def check_links(page):
    prose = SPAN.sub("", FENCE.sub("", tree.text(page)))
    for target in LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, part = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
        if not (tree.ROOT / path).exists():
            yield f"{page}: the link {target} leads to no file"
        elif part and part not in anchors(path):
            yield f"{page}: the link {target} leads to no heading"


# ---- reasons ----

def reasons():
    return set(re.findall(r'^ +X\([A-Z_]+, +"([a-z-]+)"', tree.text("gateway/base/reason.h"), re.M))


def strangers():
    """The words of GW_REASONS_OF_STRANGERS."""
    text = tree.text("gateway/base/reason.h")
    words = dict(re.findall(r'^ +X\(([A-Z_]+), +"([a-z-]+)"', text, re.M))
    part = text[text.index("define GW_REASONS_OF_STRANGERS"):]
    return {words[name] for name in re.findall(r"^ +X\(([A-Z_]+)\) *\\?$", part, re.M)}


def section(text, heading):
    """From a heading to the next one of its level or above."""
    level = heading.index(" ")
    start = text.index(f"\n{heading}\n") + 1
    end = re.search(rf"^#{{1,{level}}} ", text[start + len(heading):], re.M)
    return text[start:start + len(heading) + end.start()] if end else text[start:]


def check_reasons():
    text = tree.text(REASONS)
    rows = re.findall(r"^\| `([a-z-]+)` \|", section(text, "## Reasons"), re.M)
    for word in sorted(reasons() - set(rows)):
        yield f"{REASONS}: no row for the reason {word}"
    for word in sorted(set(rows) - reasons()):
        yield f"{REASONS}: a row for {word}, which is no reason"
    for word in sorted(set(rows)):
        if rows.count(word) > 1:
            yield f"{REASONS}: {rows.count(word)} rows for the reason {word}"
    told = set(re.findall(r"`([a-z-]+)`", section(text, "### Reasons that anybody can cause")))
    for word in sorted((told - {"--log-rate"}) ^ strangers()):
        yield f"{REASONS}: {word} is wrong or missing among the reasons that anybody can cause"


# ---- fields of a connection's line ----

def fields():
    """{name: JSON type} of what gateway/base/log.c, gateway/conn/report.c and note.c write."""
    log, report = tree.text("gateway/base/log.c"), tree.text("gateway/conn/report.c")
    begin = log[log.index("static void begin_json"):log.index("void gw_line_end")]
    keys = tree.text("gateway/conn/note.c")
    keys = keys[keys.index("const keys["):]
    found = dict.fromkeys(re.findall(r'\\"(\w+)\\":', begin), "string")
    found |= dict.fromkeys(re.findall(r'ROW\("(\w+)"', report), "string")
    found |= dict.fromkeys(re.findall(r'\] = "(\w+)"', keys[:keys.index("};")]), "string")
    for kind, name in re.findall(r'gw_line_(str|u64|milli)\(line, "(\w+)"', begin + report):
        found[name] = "string" if kind == "str" else "number"
    return found | dict.fromkeys(re.findall(r'\\"(\w+)\\":true', log), "true")


def check_fields():
    part = section(tree.text(FIELDS), "### Fields of a connection's line")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (\w+) \|", part, re.M)
    said = [(name, kind) for names, kind in rows for name in re.findall(r"`(\w+)`", names)]
    for name, kind in sorted(fields().items()):
        if (name, kind) not in said:
            yield f"{FIELDS}: no row for the field {name}, a {kind}"
    for name, kind in said:
        if fields().get(name) != kind or said.count((name, kind)) > 1:
            yield f"{FIELDS}: the row for {name}, a {kind}, fits no field or is there twice"


# ---- flags ----

# Of the masks in gateway/config/options_private.h and options_pki.c, those with a command's bit.
MASKS = {
    "server": {"IN_SERVER", "GATEWAY", "GATEWAY_DEMO", "EVERY", "SERVER", "CHECK"},
    "client": {"IN_CLIENT", "GATEWAY", "GATEWAY_DEMO", "EVERY", "CLIENT", "CHECK_CLIENT"},
    "probe": {"PROBE", "EVERY"},
    "demo": {"GATEWAY_DEMO", "DEMO", "EVERY"},
    **{f"pki {name}": {name.upper(), "WRITING"} for name in ("init", "issue", "renew", "revoke", "crl")},
    **{f"pki {name}": {name.upper()} for name in ("list", "show")},
}
# Said once, above or below the tables.
OF_ALL = {"--help", "--version"}
OF_ALL_PKI = {"--dir", "--key-pass-file"}


@functools.lru_cache(maxsize=None)
def side_rows():
    """The names without prefix that each macro of a side of TLS makes rows of."""
    macros = re.split(r"^#define (?=\w+\()", tree.text(SIDE_ROWS), flags=re.M)[1:]
    return {macro[:macro.index("(")]: re.findall(r'\.name = prefix "([a-z0-9-]+)"', macro)
            for macro in macros}


def rows(text):
    """Name and mask of each row of a table, those that a side's macro makes included."""
    yield from re.findall(r'\.name = "([a-z0-9-]+)".*?\.commands = (.*?),\n', text, re.S)
    for macro, prefix, mask in re.findall(r'\b(TLS_\w+)\(\s*"([a-z-]*)", \w+, (.*?), \w+[,)]', text):
        for name in side_rows()[macro]:
            yield prefix + name, mask


@functools.lru_cache(maxsize=None)
def flags_of(command):
    """A command's flags, by the option tables."""
    found = set()
    for path in OPTION_TABLES:
        is_pki = path.endswith("_pki.c")
        if is_pki == command.startswith("pki "):
            found |= {"--" + name for name, mask in rows(tree.text(path))
                      if MASKS[command] & set(re.findall(r"\w+", mask))}
    rules = re.findall(r'^ +ROW\("([a-z]+)"', tree.text("gateway/config/options_trust.c"), re.M)
    if command in ("server", "client"):
        found |= {f"--{side}-{rule}" for side in ("allow", "deny") for rule in rules}
    return found - OF_ALL


def own_flags():
    return OF_ALL.union(*(flags_of(command) for command in MASKS))


def row_of(text, words):
    """The second cell of the row of a table that begins so; nothing where there is none."""
    found = re.search(rf"^\| {re.escape(words)}.*? \| (.*) \|$", text, re.M)
    return found.group(1) if found else ""


def differ(where, said, want):
    return ([f"{FLAGS}: {flag} is missing {where}" for flag in sorted(want - said)] +
            [f"{FLAGS}: {flag} does not belong {where}" for flag in sorted(said - want)])


def check_list():
    """Each command's part of docs/flags.md."""
    text, server = tree.text(FLAGS), flags_of("server")
    part = {command: section(text, f"## ktlsgate {command}")
            for command in ("server", "client", "probe", "demo", "pki")}
    said = {command: set(FLAG.findall(part[command])) for command in part}
    absent = set(FLAG.findall(row_of(part["client"], "not available")))
    yield from differ("at `server`", said["server"] - OF_ALL, server)
    yield from differ("at `client`", said["client"] & (flags_of("client") - server),
                      flags_of("client") - server)
    yield from differ("among what `client` has not", absent, server - flags_of("client"))
    yield from differ("at `probe`", said["probe"], flags_of("probe"))
    yield from differ("at `demo`", said["demo"], flags_of("demo"))
    for command in (name for name in MASKS if name.startswith("pki ")):
        row = set(FLAG.findall(row_of(part["pki"], f"`{command}")))
        yield from differ(f"at `{command}`", row, flags_of(command) - OF_ALL_PKI)
    yield from differ("at `pki`", said["pki"] & OF_ALL_PKI, OF_ALL_PKI)


def bench_flags():
    names = re.findall(r'\.name = "([a-z0-9-]+)"', tree.text("bench/tool/flags.c"))
    return {"--" + name for name in names}


def script_flags():
    return {flag for path in SCRIPTS for flag in FLAG.findall(tree.text(path))}


def is_ours(command):
    words = command.split()
    program = posixpath.basename(words[0]) if words else ""
    return command.startswith(OWN_PROGRAMS) or program in OWN_PROGRAMS


def without_peers(page, text):
    """Without the first column of tables."""
    if page not in OF_PEERS:
        return text
    return re.sub(r"^\|[^|\n]*(?:\\\|[^|\n]*)*\|", "|", text, flags=re.M)


def flags_in(page):
    """Those that a page names as flags of ours."""
    text = without_peers(page, tree.text(page))
    for _, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").split("\n"):
            parts = re.split(r"&&|\|\||[;|]|\$\(", line.split("#")[0])
            for part in parts:
                if is_ours(part.strip()):
                    yield from FLAG.findall(part)
    for span in SPAN.findall(FENCE.sub("", text)):
        if span.startswith("--") or is_ours(span):
            yield from FLAG.findall(span)


def check_flags():
    known = own_flags() | bench_flags() | script_flags() | OTHER_FLAGS
    for page in pages():
        for flag in sorted(set(flags_in(page)) - known):
            yield f"{page}: there is no flag {flag}"


def main():
    findings = [finding for page in pages() for finding in check_links(page)]
    tree.finish(findings + list(check_reasons()) + list(check_fields()) +
                list(check_list()) + list(check_flags()))


main()
