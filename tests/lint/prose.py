#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prose.py [PROGRAM ...]: the pages, the templates of the manual pages, and the help of ./dev and of each PROGRAM use no
phrase of prose.txt, and no word twice in a row. GNU diction searches, also across line breaks. Code is left out."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tree

LIST = "tests/lint/prose.txt"
FOLDERS = ("docs", "kernel-notes", "bench", "contrib", "tests", "gateway")
BLOCK = re.compile(r"^[ \t]*(?:\||[*-] |\d+\. |\[[ x]\] |#)")  # such a line begins a block of its own
FOUND = re.compile(r"\[([^][]*) -> ([^][]*)\]")
TWICE = re.compile(r"\b([a-z]+)\s+\1\b")


def phrases():
    """Phrase → the better word."""
    rows = [line for line in tree.text(LIST).splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t") for line in rows)


# ---- what is prose: the line and the words of each paragraph, list item and cell ----

def blocks(text):
    first, words = 1, []
    for number, line in enumerate(text.split("\n") + [""], 1):
        if words and (not line.strip() or BLOCK.match(line)):
            yield first, "\n".join(words)
            words = []
        if line.strip():
            first = first if words else number
            words.append(line)


def markdown(text):
    text = re.sub(r"^(```+).*?^\1", lambda code: re.sub(r"[^\n]", "", code.group()), text, flags=re.M | re.S)
    text = re.sub(r"`[^`\n]+`", "Code", text)
    text = re.sub(r"\]\([^)\s]*\)|<https?:[^>]*>|[*\[\]]", "", text)
    for line, words in blocks(text):
        for cell in words.split("|"):
            yield line, cell


def manual(text):
    """Of mdoc: without the macros, and without the lines of those that hold no prose."""
    text = re.sub(r'^\.(?:\\"|Fl|Cm|Ar|Dt|Bd|Bl|It|Nm|Sh|Xr|Os|Op).*', "", text, flags=re.M)
    return blocks(re.sub(r"^\.\w*", "", text, flags=re.M))


def help_text(text):
    """Without the left column; what stands right of it begins a block."""
    for line, words in blocks(re.sub(r"^ {1,4}\S.*?(?:  +|$)", "| ", text, flags=re.M)):
        yield line, words.lstrip("|")


def printed(*command):
    return subprocess.run(command, cwd=tree.ROOT, text=True, capture_output=True, check=True).stdout


def pages():
    tops = [path for path in tree.every_file() if len(path.parts) == 1 and path.suffix == ".md"]
    for path in tops + tree.files(".md", folders=FOLDERS):
        yield path, markdown(tree.text(path))
    for path in tree.files(".in", folders=("docs/man",)):
        if re.search(r"\.\d\.in$", path.name):
            yield path, manual(tree.text(path))


def helps(programs):
    yield "./dev", help_text(printed("./dev", "help"))
    for program in programs:
        name, text = tree.pathlib.Path(program).name, printed(program, "--help")
        yield f"{name} --help", help_text(text)
        for command in re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", text, re.M):
            yield f"{name} {command} --help", help_text(printed(program, *command.split(), "--help"))


# ---- the search ----

def sentences(words):
    """Each with a capital first: diction skips what begins without one."""
    words = re.sub(r"\b(?:e\.g|i\.e|etc|vs)\.", "such as", words)
    return re.sub(r"(^|[.:;!?]\s+)([^A-Za-z]*)([a-z])", lambda first: first[1] + first[2] + first[3].upper(), words)


def diction(listed, texts):
    """Where, phrase and better word of each finding."""
    lines = [f'#line {line} "{where}"\n{sentences(words.strip())}.\n'
             for where, found in texts for line, words in found if re.search("[A-Za-z]", words)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f" {phrase}\t{better}\n" for phrase, better in listed.items()))
        file.flush()
        found = subprocess.run(["diction", "--no-default-file", "--ignore-double-words", "--suggest", "--file", file.name],
                               input="".join(lines), text=True, capture_output=True, check=True).stdout
    for report in found.split("\n\n"):
        where = re.match(r"(.*?:\d+)(?:\.\d+-[\d.]+)?: ", report.strip())  # 1.14 says where it ends, too
        for phrase, better in FOUND.findall(report if where else ""):
            yield where[1], " ".join(phrase.split()), better.rstrip(".")


def check_list(listed):
    """diction finds each phrase of the list in a sentence: none is there in vain, and the tool reads all that it gets."""
    planted = [("planted", [(1, f"it {phrase} it")]) for phrase in listed]
    found = {phrase.lower() for _, phrase, _ in diction(listed, planted)}
    return [f"{LIST}: diction does not find '{phrase}'" for phrase in listed if phrase not in found]


def check(listed, texts):
    texts = [(where, list(found)) for where, found in texts]
    for where, phrase, better in diction(listed, texts):
        yield f"{where}: '{phrase}': {better}"
    for where, found in texts:
        for line, words in found:
            yield from (f"{where}:{line}: '{word} {word}'" for word in TWICE.findall(words))


def main(programs):
    if not shutil.which("diction"):
        print("SKIP: diction is not installed (Debian package diction)")
        sys.exit(77)
    listed = phrases()
    tree.finish(check_list(listed) + list(check(listed, [*pages(), *helps(programs)])))


main([os.path.abspath(program) for program in sys.argv[1:]])
