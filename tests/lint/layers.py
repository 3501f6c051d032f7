#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file includes only what its own layer or a lower one offers, and folders do not include each
other in a circle. The headers that only one folder may include keep a library's quirks, and the
rules that come with it, in one place. And some folders do not log."""
import re

import tree

LAYERS = (
    ("base",),
    ("config", "wire", "crypto", "ktls"),
    ("ring",),
    ("tls", "route"),
    ("record",),
    ("conn",),
    ("proc", "admin"),
    ("main", "pki", "demo"),
)
LAYER = {folder: number for number, row in enumerate(LAYERS) for folder in row}
RESERVED = {"openssl/ssl.h": "tls"}
SILENT = ("crypto", "tls")  # these return what happened; whoever asked logs it
LOGS = re.compile(r"\bgw_log\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)', re.MULTILINE)


def target_folder(header):
    """The folder of gateway/ that offers a header; the public header is the library's."""
    parts = header.split("/")
    if parts[0] == "gateway" and len(parts) == 3:
        return parts[1]
    return "ktls" if (tree.ROOT / "include" / header).exists() else None


def check_include(path, folder, quote, header, edges):
    if quote == "<":
        if RESERVED.get(header, folder) != folder:
            return f"{path}: only gateway/{RESERVED[header]} includes <{header}>"
        return None
    target = target_folder(header)
    if target not in LAYER or not ((tree.ROOT / header).exists() or target == "ktls"):
        return f'{path}: "{header}" is no path from the root to a header of a known layer'
    edges.setdefault(folder, {}).setdefault(target, path)
    if LAYER[target] > LAYER[folder]:
        return f"{path}: {folder} (layer {LAYER[folder]}) includes {header} of layer {LAYER[target]}"
    return None


def circles(edges):
    for one, targets in sorted(edges.items()):
        for other, path in sorted(targets.items()):
            back = edges.get(other, {}).get(one)
            if one < other and back:
                yield f"{one} and {other} include each other: {path}, {back}"


def check_public_header(path):
    for _, header in INCLUDE.findall(tree.text(path)):
        if header.startswith("gateway/"):
            yield f"{path}: the public header includes {header}, which users do not have"


def main():
    findings, edges = [], {}
    for path in tree.files(".c", ".h", folders=("gateway",)):
        folder = path.parts[1]
        if folder not in LAYER:
            findings.append(f"{path}: folder {folder} is in no layer")
            continue
        for quote, header in INCLUDE.findall(tree.text(path)):
            finding = check_include(path, folder, quote, header, edges)
            findings += [finding] if finding else []
        if folder in SILENT and LOGS.search(tree.text(path)):
            findings.append(f"{path}: gateway/{folder} returns what happened and does not log it")
    for path in tree.files(".h", folders=("include",)):
        findings += check_public_header(path)
    tree.finish(findings + list(circles(edges)))


main()
