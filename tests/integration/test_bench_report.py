#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_bench_report.py [seen]: `ktlsgate-bench report` makes one page of saved results that needs no
other file, whatever stands in them; `seen`: a browser shows its plots.

The program is the one in $KTLSGATE_BENCH.
"""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

from verdict import check, finish, skip

DEADLINE_S = 120
SAMPLES = pathlib.Path(__file__).resolve().parent / "report"
VOID = {"meta", "br", "hr", "link", "img", "input"}
HOSTILE = ("`touch hit`", "<script>touch('x')</script>", "$(touch hit)", "'; system('touch hit') #",
           "\"\n!touch hit\nEND\n", "&lt;b&gt;", "</figure></svg><iframe src=//example.com>",
           "\" onload=\"x", "\u202e\ufeff\u0001 @x", "%s%n{/Bold x}")


class Page(html.parser.HTMLParser):
    """The page as elements: what is open at its end, ids, references, its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.references, self.text = [], [], [], [], []
        self.odd, self.attributes = [], set()
        self.feed(text)
        self.close()

    def note(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "xlink:href", "data", "action", "srcset"):
                self.references.append(value or "")

    def handle_starttag(self, tag, attrs):
        self.note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, attrs)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.odd.append(tag)

    def handle_data(self, data):
        self.text.append(data)

    def words(self):
        return "".join(self.text)


def report(folder, *inputs, env=None):
    """Exit code, standard error, and the page, or None where there is none."""
    out = pathlib.Path(folder) / "report.html"
    out.unlink(missing_ok=True)
    done = subprocess.run([os.environ["KTLSGATE_BENCH"], "report", *map(str, inputs),
                           "--out", str(out)], cwd=folder, env=env, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    return done.returncode, done.stderr, out.read_text() if out.exists() else None


def check_page(text, what):
    page = Page(text)
    check(not page.open and not page.odd, f"{what}: every element is closed ({page.open}, {page.odd})")
    check(len(page.ids) == len(set(page.ids)), f"{what}: no id stands twice")
    check(all(x.startswith("#") and x[1:] in page.ids for x in page.references),
          f"{what}: it refers to nothing outside")
    check(not re.search(r"url\((?!#)|@import", text), f"{what}: nor does its style")
    forbidden = {"script", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    check(not forbidden, f"{what}: it holds nothing that acts ({forbidden})")
    check(not any(x.startswith("on") for x in page.attributes), f"{what}: and no handlers")
    return page


def try_samples(folder):
    code, said, text = report(folder, SAMPLES)
    check(code == 0 and text, f"the samples become a page ({said.strip()})")
    if not text:
        return
    page = check_page(text, "samples")
    compare = json.loads((SAMPLES / "compare.json").read_text())
    rows = sum(len(case["rows"]) for case in compare["cases"])
    check(page.tags.count("svg") == 25, f"it has all plots ({page.tags.count('svg')})")
    check(page.tags.count("tr") > rows, "and their figures in tables")
    for word in ("Example Processor 3000", compare["command"], "ktlsgate needs 0.567",
                 "AEAD on one processor", "latency-after", "lower is better", "higher is better",
                 "configuration of hitch", "hitch-8w failed: it ended by itself", "In 1 of 6 runs the load was the limit"):
        check(word in page.words(), f"it says '{word}'")


def hostile(sample):
    """A result with every text in it replaced, and numbers by some that are hard to draw."""
    keep = {"work", "cipher", "direction"}
    words, numbers = iter(HOSTILE * 1000), iter([0, -1, 1e308, 1e-308, 5, 7.5, 1e9] * 1000)

    def change(value, key=""):
        if isinstance(value, dict):
            return {k: change(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [change(v, key) for v in value]
        if isinstance(value, str):
            return value if key in keep else next(words)
        return next(numbers) if isinstance(value, float) else value
    return change(sample)


def try_hostile(folder):
    for sample in sorted(SAMPLES.glob("*.json")):
        bad = pathlib.Path(folder) / f"bad {sample.name}"
        bad.write_text(json.dumps(hostile(json.loads(sample.read_text()))))
        code, said, text = report(folder, bad)
        check(code == 0 and text, f"hostile {sample.name} becomes a page ({said.strip()})")
        if not text:
            continue
        page = check_page(text, f"hostile {sample.name}")
        check(HOSTILE[1] in page.words(), "what was script is shown as text")
        bad.unlink()
    check(not any("hit" in name for name in os.listdir(folder)), "and none of it was run")


def try_empty_values(folder):
    """Every part of a result in turn replaced by something of another type."""
    whole = json.loads((SAMPLES / "compare.json").read_text())
    whole["cases"] = whole["cases"][:1]
    for key in ("machine", "settings", "systems", "cases", "command"):
        for value in (None, [], {}, "text", 7, [[]], [7], [{}], [{"rows": [7, {}, {"system": []}]}],
                      [{"rows": [{"workers": 1e300, "per_second": -1}], "failed": 7}]):
            path = pathlib.Path(folder) / "odd.json"
            path.write_text(json.dumps({**whole, key: value}))
            code, said, _ = report(folder, path)
            if code not in (0, 3) or (code and "odd.json" not in said):
                check(False, f"{key}: {value} is taken or told of ({code}, {said.strip()})")
    check(True, "parts of another type harm nothing")


def try_mistakes(folder):
    path = pathlib.Path(folder)
    (path / "broken.json").write_text('{"work": "compare",\n "cases": [}')
    (path / "other.json").write_text('{"name": "x"}')
    (path / "list.json").write_text("[1, 2]")
    (path / "empty").mkdir()
    rows = (("broken.json", "broken.json: line 2"), ("other.json", "other.json: it has no 'work'"),
            ("list.json", "list.json: it has no 'work'"), ("nowhere.json", "nowhere.json"),
            ("empty", "no file *.json"))
    for name, words in rows:
        code, said, text = report(folder, name)
        check(code == 3 and words in said and text is None, f"{name} is told of: {said.strip()}")
    code, said, text = report(folder)
    check(code == 2 and "say which results" in said, "so is a report of nothing")
    code, said, text = report(folder, SAMPLES, env={**os.environ, "PATH": "/nowhere"})
    check(code == 3 and "gnuplot-nox" in said and text is None,
          f"and that gnuplot is missing: {said.strip()}")
    check(not list(path.glob("*.part")), "nothing half is left behind")


# ---- a browser ----

def unfilter(kind, line, above, step):
    """One line of a PNG (PNG specification 9.2), in place."""
    for x in range(len(line) if kind else 0):
        left = line[x - step] if x >= step else 0
        up, corner = above[x], above[x - step] if x >= step else 0
        if kind == 4:
            far = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
            guess = (left, up, corner)[far.index(min(far))]
        else:
            guess = (0, left, up, (left + up) // 2)[kind]
        line[x] = (line[x] + guess) & 255


def pixels(path):
    """Lines of a PNG of 8 bits without interlacing, as bytes, and bytes for each pixel."""
    data, at, packed = pathlib.Path(path).read_bytes(), 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, step = int.from_bytes(body[:4], "big"), {2: 3, 6: 4}[body[9]]
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    raw, lines, above = zlib.decompress(packed), [], bytearray(width * step)
    for start in range(0, len(raw), width * step + 1):
        line = bytearray(raw[start + 1:start + 1 + width * step])
        unfilter(raw[start], line, above, step)
        lines.append(bytes(line))
        above = line
    return lines, step


def count(lines, step, colour):
    """How many pixels of each line have it."""
    wanted = bytes.fromhex(colour)
    return [sum(line[x:x + 3] == wanted for x in range(0, len(line), step)) if wanted in line else 0
            for line in lines]


def bands(counts, least):
    """How many stretches of lines have at least so many of its pixels."""
    return sum(a < least <= b for a, b in zip([0] + counts, counts))


def screenshot(folder, *flags):
    shot = pathlib.Path(folder) / "shot.png"
    shot.unlink(missing_ok=True)
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    "--force-color-profile=srgb", f"--user-data-dir={folder}/browser", *flags,
                    f"--screenshot={shot}", "--window-size=1300,2600",
                    f"file://{folder}/report.html"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=DEADLINE_S, check=False)
    return pixels(shot) if shot.exists() else (None, 0)


def try_seen(folder):
    code, said, _ = report(folder, SAMPLES / "compare.json")
    check(code == 0, f"the sample becomes a page ({said.strip()})")
    for name, paper, flags in (("by day", "ffffff", ()), ("by night", "161b22", ("--force-dark-mode",))):
        lines, step = screenshot(folder, *flags)
        check(lines is not None, f"{name}: the browser takes a picture")
        if lines is None:
            continue
        ours, nginx, plain = (count(lines, step, x) for x in ("0072b2", "e69f00", "949494"))
        check(bands(ours, 60) >= 7, f"{name}: ktlsgate's bars are seen ({bands(ours, 60)})")
        check(bands(nginx, 60) >= 3, f"{name}: so are nginx's ({bands(nginx, 60)})")
        check(bands(plain, 40) >= 3, f"{name}: and those of plain TCP ({bands(plain, 40)})")
        check(sum(count(lines, step, paper)) > 600000, f"{name}: on paper of its colour")


def main():
    needed = ["gnuplot"] + (["chromium"] if sys.argv[1:] == ["seen"] else [])
    for tool in needed:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    with tempfile.TemporaryDirectory(prefix="ktlsgate-report-") as folder:
        if sys.argv[1:] == ["seen"]:
            try_seen(folder)
        else:
            try_samples(folder)
            try_hostile(folder)
            try_empty_values(folder)
            try_mistakes(folder)
    finish()


if __name__ == "__main__":
    main()
