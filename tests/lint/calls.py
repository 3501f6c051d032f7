#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of one folder call each other in one direction: verdicts go up, calls go down.

A folder's files form a graph. File A points to file B if A names a function that B defines and
that is not static. A circle in it means that neither file can be understood without the other.
KNOWN holds the circles that still stand. The list shrinks: a circle that lost a file must lose it
here too. `calls.py FOLDER` prints the arrows of one folder."""
import re
import sys

import tree

FOLDERS = ("gateway", "bench")
KNOWN = {
    # The option table holds its setters, whose refusals look up names in the table.
    "gateway/config": [("draft", "lookup", "options", "place", "set")],
}
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DEFINITION = re.compile(r"^(?!static\b)[A-Za-z_][\w \t\*]*?\b(\w+)\([^;{}]*?\)\s*\n\{", re.MULTILINE)
NAME = re.compile(r"\b[a-z_]\w*\b")


def read_folder(paths):
    """The names that each file defines for others, and all names in each file."""
    defined, named = {}, {}
    for path in paths:
        text = COMMENT_OR_STRING.sub(" ", tree.text(path))
        names = set(NAME.findall(text))
        named[path.stem] = names
        for name in DEFINITION.findall(text):
            defined[name] = path.stem
    return defined, named


def arrows(paths):
    """{file: {file: [names]}}: who calls whom."""
    defined, named = read_folder(paths)
    graph = {stem: {} for stem in named}
    for stem, names in named.items():
        for name in sorted(names & defined.keys()):
            if defined[name] != stem:
                graph[stem].setdefault(defined[name], []).append(name)
    return graph


def reachable(graph, start):
    found, left = set(), list(graph[start])
    while left:
        stem = left.pop()
        if stem not in found:
            found.add(stem)
            left += graph[stem]
    return found


def circles(graph):
    """The strongly connected sets of more than one file, each sorted."""
    reach = {stem: reachable(graph, stem) for stem in graph}
    found = {tuple(sorted(other for other in reach[stem] if stem in reach[other]))
             for stem in graph if stem in reach[stem]}
    return sorted(found)


def folders():
    """The .c files of each folder that holds some."""
    result = {}
    for path in tree.files(".c", folders=FOLDERS):
        result.setdefault(str(path.parent), []).append(path)
    return result


def arrows_in(graph, circle):
    for stem in circle:
        for other, names in sorted(graph[stem].items()):
            if other in circle:
                yield f"    {stem} → {other}: {', '.join(names)}"


def check():
    for folder, paths in sorted(folders().items()):
        graph = arrows(paths)
        found, known = circles(graph), KNOWN.get(folder, [])
        for circle in found:
            if circle not in known:
                yield f"{folder}: {', '.join(circle)} call each other in a circle:"
                yield from arrows_in(graph, circle)
        for circle in known:
            if circle not in found:
                yield f"{folder}: the circle of {', '.join(circle)} is gone: take it out of tests/lint/calls.py"


def main():
    if len(sys.argv) > 1:
        graph = arrows(folders()[sys.argv[1].rstrip("/")])
        for stem in sorted(graph):
            print(f"{stem}: {', '.join(sorted(graph[stem])) or '-'}")
        return
    tree.finish(list(check()))


main()
