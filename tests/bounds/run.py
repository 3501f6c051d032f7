#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The limbs of X25519 stay within their bounds, whatever the keys: interval arithmetic over the
sources themselves. They are compiled as C++ in which a number is the range of all that it can be
(numbers.hh), so that each operation is the one that stands there; only types and instructions are
others. Then some of them are changed, one at a time, and that must be found. Skipped without g++."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "gateway/crypto"
SKIPPED = 77

# A row: file, its text, what stands for it.
TYPES = (
    ("x25519_field.h", "typedef uint64_t fe_lanes __attribute__((vector_size(8 * GW_FE_LANES)));",
     "typedef lanes fe_lanes;"),
    ("x25519_field.h", '#define FE_TARGET __attribute__((target("avx512f,avx512vl,avx512ifma")))', "#define FE_TARGET"),
    ("x25519_field.h", "#define FE_INLINE FE_TARGET static inline __attribute__((always_inline))",
     "#define FE_INLINE static"),
    ("x25519_limbs.c", "typedef unsigned __int128 column;", "typedef num<128> column;"),
)
TRACES = "/* ---- traces ---- */"  # assembly, and no arithmetic, from here on

# A row: file, how many lanes it has, whether it is right, and a computation with any keys.
PROGRAMS = (
    ("x25519_ladder.c", 4, """
static bool is_right(void)
{
    static const uint8_t nine[32] = {9}, want[32] = { /* RFC 7748 5.2, after one iteration */
        0x42, 0x2c, 0x8e, 0x7a, 0x62, 0x27, 0xd7, 0xbc, 0xa1, 0x35, 0x0b, 0x3e, 0x2b, 0xb7, 0x27, 0x9f,
        0x78, 0x97, 0xb8, 0x7b, 0xb6, 0x85, 0x4b, 0x78, 0x3c, 0x60, 0xe8, 0x03, 0x11, 0xae, 0x30, 0x79};
    uint8_t secret[32];
    return gw_x25519_lanes_secret(secret, nine, nine) && !memcmp(secret, want, 32);
}

static void compute_any(void)
{
    uint8_t any[32] = {0}, secret[32];
    (void)gw_x25519_lanes_secret(secret, any, any);
}
"""),
    ("x25519_lanes.c", 8, """
static bool is_right(void)
{
    static const uint8_t want[32] = { /* RFC 7748 6.1, Alice's */
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
        0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a};
    static const uint8_t alice[32] = {
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
        0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a};
    uint8_t keys[8][32], out[8][32];
    bool right = gw_x25519_lanes_begin();
    for (int lane = 0; lane < 8; lane++)
        copy_of(keys[lane], alice, 32);
    gw_x25519_lanes_keys(out, keys);
    for (int lane = 0; lane < 8; lane++)
        right = right && !memcmp(out[lane], want, 32);
    return right;
}

static void compute_any(void)
{
    uint8_t any[8][32] = {{0}}, out[8][32];
    gw_x25519_lanes_keys(out, any);
}
"""),
)

# A row: program, file, text, change.
CHANGES = (
    (0, "x25519_field.h", "(FE_LIMB_MASK - (i == 0 ? 18 : 0)) << 8", "(FE_LIMB_MASK - (i == 0 ? 18 : 0)) << 7"),
    (0, "x25519_field.h", "(wide.l[i - 1] >> FE_LIMB_BITS)", "(wide.l[i - 1] >> (FE_LIMB_BITS - 1))"),
    (0, "x25519_ladder.c", "fe_product(fe_carry(second), right)", "fe_product(second, right)"),
    (0, "x25519_limbs.c", "ret[i] = (l[i] & FE_LIMB_MASK) + (l[i - 1] >> FE_LIMB_BITS);", "ret[i] = l[i];"),
    (0, "x25519_limbs.h", "FE_LIMB_BITS = 51", "FE_LIMB_BITS = 52"),
    (1, "x25519_lanes.c", "return fe_carry(fe_sum(a, b));", "return fe_sum(a, b);"),
)


def replaced(text, old, new, file):
    if text.count(old) != 1:
        sys.exit(f"{file} holds '{old}' {text.count(old)} times instead of once: change its row")
    return text.replace(old, new)


def source(file, change):
    text = (FOLDER / file).read_text()
    if change and change[0] == file:
        text = replaced(text, change[1], change[2], file)
    for name, old, new in TYPES:
        text = replaced(text, old, new, file) if name == file else text
    if file == "x25519_field.h":
        text = text[:text.index(TRACES)] + "static void fe_wipe_traces(void)\n{\n}\n"
    return re.sub(r"^#(include|pragma) .*$", "", text, flags=re.MULTILINE)


def written(program, change):
    file, lanes, more = PROGRAMS[program]
    limbs = [source(name, change) for name in ("x25519_lanes.h", "x25519_limbs.h", "x25519_limbs.c")]
    # Both have functions of these names.
    limbs[2] += "#define square square_in_lanes\n#define inversion inversion_of_lanes\n"
    own = source(file, change)
    own = re.sub(r"^#define GW_FE_LANES.*$", "", own, flags=re.MULTILINE)
    return "\n".join([f"#define GW_FE_LANES {lanes}", f'#include "{HERE / "numbers.hh"}"', *limbs,
                      source("x25519_field.h", change), own, "#undef square", "#undef inversion", more,
                      f'#include "{HERE / "claims.hh"}"', ""])


def result(compiler, folder, program, change=None):
    """Of running it: exit status and words."""
    path, made = folder / "bounds.cc", folder / "bounds"
    path.write_text(written(program, change))
    subprocess.run([compiler, "-std=gnu++20", "-O1", "-w", "-fpermissive", path, "-o", made, "-lpthread"], check=True)
    run = subprocess.run([made], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr.strip()


def main():
    compiler = shutil.which("g++")
    if not compiler:
        print("skipped: there is no g++")
        sys.exit(SKIPPED)
    findings = []
    with tempfile.TemporaryDirectory(prefix="ktlsgate-bounds-") as name:
        folder = pathlib.Path(name)
        for program, (file, _, _) in enumerate(PROGRAMS):
            status, words = result(compiler, folder, program)
            print(f"{file}: {words or 'all limbs are within their bounds'}")
            findings += [f"{file}: {words or status}"] if status else []
        changes = CHANGES if not findings else ()
        for program, *change in changes:
            status, words = result(compiler, folder, program, change)
            print(f"changed, {change[2]}: {words}")
            findings += [f"{change[0]}: not found: {change[2]}"] if status == 0 else []
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


os.environ.pop("CXXFLAGS", None)
main()
