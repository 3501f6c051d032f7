#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No branch and no address depends on a secret: builds secrets.c and what it computes with under
clang's MemorySanitizer, and runs each part of it. Then the same with a planted dependence, one
after the other, which the sanitizer must report. Skipped where clang or its sanitizer is not there."""
import concurrent.futures
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED, REPORTED = 77, 86
PROGRAM = "tests/secrets/secrets.c"
SOURCES = [PROGRAM, "gateway/base/attr.c", "gateway/tls/tickets.c", "gateway/record/aead_evp.c",
           *(f"gateway/crypto/{name}.c" for name in
             ("hmac", "kdf", "mac", "schedule", "x25519_limbs", "x25519_stock", "x25519_tried"))]
LANES = ["gateway/crypto/x25519_lanes.c", "gateway/crypto/x25519_ladder.c"]
NO_LANES = ["gateway/crypto/x25519_lanes_absent.c", "gateway/crypto/x25519_ladder_absent.c"]
IPSEC_MB = ["gateway/record/aead_ipsec_mb.c", "gateway/record/aead_ipsec_mb_chacha.c"]
NO_IPSEC_MB = ["gateway/record/aead_ipsec_mb_absent.c"]
WRAPS = [f"{name}_{verb}" for name in ("SHA256", "SHA384") for verb in ("Init", "Update", "Final")]
WRAPS += ["CRYPTO_memcmp", "RAND_priv_bytes"]
FLAGS = ["-std=gnu11", "-O2", "-g1", "-fsanitize=memory", "-fno-omit-frame-pointer", "-fno-strict-aliasing",
         "-D_GNU_SOURCE", f"-I{ROOT}", f"-I{ROOT / 'include'}"]
AWAKE = ("extern const char *secrets_part;\n#define PLANTED(part) (__builtin_strcmp(secrets_part, part) == 0)\n"
         "#line 1\n")
BY_POINTER_ALONE = "-fno-sanitize-memory-param-retval"  # else a secret that is handed on counts as used

# A row: part that must report it, function, file, text that stands there once, what is planted instead. One build has
# them all, each awake in its own part alone.
PLANTS = (
    ("limbs", "fe_multiply", "gateway/crypto/x25519_limbs.c",
     "    column t[FE_LIMBS] = {0};\n",
     "    column t[FE_LIMBS] = {0};\n"
     "    if (PLANTED(\"limbs\") && a[0] == 7)\n        return;\n"),
    ("secret", "climb", "gateway/crypto/x25519_ladder.c",
     "        points = step(points, (bit ^ was) << 1, factor);\n",
     "        if (PLANTED(\"secret\") && (bit ^ was))\n            points = step(points, 2, factor);\n"
     "        else\n            points = step(points, (bit ^ was) << 1, factor);\n"),
    ("keys", "add_up", "gateway/crypto/x25519_lanes.c",
     "            add_digit(own, &tables[k], own->digits[k * PLACES + place]);\n",
     "            add_digit(own, &tables[k], own->digits[k * PLACES + place]);\n"
     "        if (PLANTED(\"keys\"))\n"
     "            (void)*(volatile const uint64_t *)&tables[own->digits[place][0] & 1];\n"),
    ("hmac", "begin_padded", "gateway/crypto/hmac.c",
     "        padded[i] = block[i] ^ pad;\n",
     "        padded[i] = (PLANTED(\"hmac\") ? block[block[i] & 3] : block[i]) ^ pad;\n"),
    ("kdf", "give_block", "gateway/crypto/kdf.c",
     "    memcpy(*out, block, n);\n",
     "    if (!PLANTED(\"kdf\") || block[0] != 7)\n        memcpy(*out, block, n);\n"),
    ("mac", "end", "gateway/crypto/mac.c",
     "    memcpy(out, whole, len);\n",
     "    if (PLANTED(\"mac\") && whole[0] == 7)\n        return 0;\n    memcpy(out, whole, len);\n"),
    ("tickets", "look", "gateway/tls/tickets.c",
     "        *ret = keys->keys[*ret_index];\n",
     "        *ret = keys->keys[*ret_index];\n    if (PLANTED(\"tickets\") && ret->hmac_key[0] == 7)\n        return false;\n"),
    ("tag", "gw_aead_ipsec_mb_admit", "gateway/record/aead_ipsec_mb.c",
     "    int differs = CRYPTO_memcmp(tag, data + len, KTLS_TAG_LEN);\n",
     "    int differs = (PLANTED(\"tag\") ? memcmp : CRYPTO_memcmp)(tag, data + len, KTLS_TAG_LEN);\n"),
)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def find_compiler(folder):
    clang = shutil.which("clang")
    if not clang:
        skip("there is no clang")
    source = folder / "probe.c"
    source.write_text("int main(void) { return 0; }\n")
    for flags in ([BY_POINTER_ALONE], []):
        made = subprocess.run([clang, "-Werror", "-fsanitize=memory", *flags, source, "-o", folder / "probe"],
                              capture_output=True, check=False)
        if made.returncode == 0:
            return [clang, *FLAGS, *flags]
    skip("this clang has no MemorySanitizer")


class Build:
    def __init__(self, folder, ipsec_mb):
        self.folder = folder
        self.compiler = find_compiler(folder)
        self.libraries = ["-lcrypto", "-lpthread", *(["-lIPSec_MB"] if ipsec_mb else [])]
        lanes = LANES if platform.machine() == "x86_64" else NO_LANES
        self.sources = SOURCES + lanes + (IPSEC_MB if ipsec_mb else NO_IPSEC_MB)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.objects = dict(zip(self.sources, pool.map(self.compile, self.sources)))

    def compile(self, file, text=None):
        """The object of a file, or of what stands in its place."""
        name = file.replace("/", "-")
        source = ROOT / file
        if text is not None:
            name = f"planted-{name}"
            source = self.folder / name
            source.write_text(text)
        made = self.folder / f"{name}.o"
        subprocess.run([*self.compiler, "-c", source, "-o", made], check=True)
        return made

    def link(self, objects, name):
        program = self.folder / name
        subprocess.run([*self.compiler, *objects.values(), "-o", program,
                        *(f"-Wl,--wrap={wrap}" for wrap in WRAPS), *self.libraries], check=True)
        return program


def run(program, *part):
    options = f"exitcode={REPORTED}:poison_in_malloc=0"  # libcrypto reads what it has not written
    return subprocess.run([program, *part], env={**os.environ, "MSAN_OPTIONS": options}, text=True,
                          capture_output=True, check=False)


def check_parts(program):
    """Runs each as it is. Returns those that ran, and findings."""
    ran, findings = [], []
    for part in run(program).stdout.split():
        result = run(program, part)
        if result.returncode == 0:
            ran.append(part)
        elif result.returncode == SKIPPED:
            print(f"{part}: skipped: {result.stderr.strip()}")
        else:
            findings.append(f"{part}: {result.stderr}")
    return ran, findings


def plant(text, old, new, file):
    if text.count(old) != 1:
        sys.exit(f"{file} holds the place of a plant {text.count(old)} times instead of once: change its row\n{old}")
    return AWAKE + text.replace(old, new)


def check_plants(build, ran):
    """Returns how many were planted, and findings."""
    rows = [row for row in PLANTS if row[0] in ran]
    planted = {file: build.compile(file, plant((ROOT / file).read_text(), old, new, file))
               for _, _, file, old, new in rows}
    program = build.link({**build.objects, **planted}, "planted")
    findings = []
    for part, function, file, _, new in rows:
        result = run(program, part)
        seen = any(f" in {function} " in line and pathlib.Path(file).name in line
                   for line in result.stderr.splitlines())
        if result.returncode != REPORTED or not seen:
            findings.append(f"{part}: not reported: in {function} of {file}\n{new}{result.stderr}")
    return len(rows), findings


def main():
    with tempfile.TemporaryDirectory(prefix="ktlsgate-secrets-") as name:
        build = Build(pathlib.Path(name), "--ipsec-mb" in sys.argv[1:])
        ran, findings = check_parts(build.link(build.objects, "secrets"))
        print(f"watched: {', '.join(ran)}")
        if not findings:
            planted, findings = check_plants(build, ran)
            print(f"{planted} dependences were planted; {planted - len(findings)} are reported")
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


main()
