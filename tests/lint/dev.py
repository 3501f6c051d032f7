#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What ./dev says and does where packages are missing: on Debian, Fedora, Arch, Alpine and elsewhere, as root and
as an ordinary user. Package managers and build tools are doubles that note how they were called; everything else
in the PATH is this machine's own."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import tempfile

import tree

OWN = "awk bash cat dirname env grep head mkdir printf sed sh sort tr uname".split()
BUILD_TOOLS = ["cc", "meson", "ninja"]
RELEASES = {
    "debian": "ID=debian\n",
    "fedora": 'NAME="Fedora Linux"\nID=fedora\n',
    "rocky": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    "arch": "ID=arch\n",
    "alpine": "ID=alpine\n",
    "other": "ID=nixos\n",
}
MANAGERS = {"debian": ["apt-get", "dpkg-query"], "fedora": ["rpm"], "rocky": ["rpm"], "arch": ["pacman"],
            "alpine": ["apk"], "other": []}
# Called as installed_of in ./dev calls them, with packages that are all installed, or none.
INSTALLED = {"dpkg-query": 'shift 2; for name; do echo "$name ii "; done', "rpm": "true", "pacman": "true",
             "apk": 'shift 2; for name; do echo "$name"; done'}
MISSING = {"dpkg-query": "exit 1", "rpm": "exit 1", "apk": "exit 1",
           "pacman": 'shift; for name; do echo "$name"; done; exit 127'}
WORDS = {
    "fedora": ("dnf install", "openssl-devel", "glibc-devel", "ninja-build"),
    "rocky": ("dnf install", "liburing-devel", "intel-ipsec-mb-devel"),
    "arch": ("pacman -S --needed", "liburing", "confuse", "cmocka"),
    "alpine": ("apk add", "musl-dev linux-headers", "samurai", "confuse-dev"),
    "other": ("Debian packages hold", "libssl-dev", "liburing-dev"),
}


class System:
    """A machine, an ordinary user of it, and a checkout that holds ./dev alone. Nobody here is ever root."""

    def __init__(self, folder, name, installed=True, lacks=(), sudo=False):
        self.root = pathlib.Path(folder)
        self.bin = self.root / "bin"
        self.notes = self.root / "notes"
        self.bin.mkdir()
        self.notes.touch()
        (self.root / "os-release").write_text(RELEASES[name])
        for program in OWN:
            (self.bin / program).symlink_to(shutil.which(program))
        for program in MANAGERS[name]:
            self.double(program, (INSTALLED if installed else MISSING).get(program, "true"))
        for program in BUILD_TOOLS:
            if program not in lacks:
                self.double(program, "true")
        if "pkg-config" not in lacks:
            lines = "".join(f'case "$2" in {one}*) exit 1 ;; esac\n' for one in lacks)
            self.double("pkg-config", lines + "true")
        if sudo:
            self.double("sudo", "true")  # it runs nothing: this machine is to stay as it is
        self.double("update-rc.d", "true")
        self.double("id", "echo 1000")
        self.checkout = self.root / "checkout"
        self.checkout.mkdir()
        shutil.copy(tree.ROOT / "dev", self.checkout)

    def double(self, program, body):
        path = self.bin / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >>"{self.notes}"\n{body}\n')
        path.chmod(0o755)

    def built(self):
        """As if configure and compile had been run: the demo says that it was reached."""
        program = self.checkout / "build/gateway/main/ktlsgate"
        program.parent.mkdir(parents=True)
        (self.checkout / "build/build.ninja").touch()
        program.write_text("#!/bin/sh\necho reached the $1\n")
        program.chmod(0o755)

    def dev(self, *words):
        environment = {"PATH": str(self.bin), "HOME": str(self.root), "LC_ALL": "C",
                       "KTLSGATE_OS_RELEASE": str(self.root / "os-release")}
        done = subprocess.run([str(self.checkout / "dev"), *words], env=environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def called(self, program):
        return [line for line in self.notes.read_text().splitlines() if line.split()[0] == program]


def wrong(words, *checks):
    """What a reader needs of a case that failed."""
    failed = [what for what, good in checks if not good]
    return [f"{', '.join(failed)}; it said:\n{words}"] if failed else []


def lists_what_is_missing(folder, name):
    """Elsewhere: the packages' own names, the command, and the build goes on."""
    system = System(folder, name, installed=False)
    system.built()
    code, words = system.dev("build")
    return wrong(words, ("exit code 0", code == 0), ("ninja called", system.called("ninja")),
                 *((f"says '{word}'", word in words) for word in WORDS[name]))


def names_what_the_build_needs(folder, name):
    """What the build cannot do without ends it, in one sentence."""
    system = System(folder, name, installed=False, lacks=["liburing", "meson"])
    code, words = system.dev("build")
    last = words.strip().splitlines()[-1]
    return wrong(words, ("exit code 1", code == 1), ("no ninja", not system.called("ninja")),
                 ("names meson", "meson" in last), ("names liburing", "liburing>=2.3" in last),
                 ("not libssl", "libssl" not in last))


def runs_without_root(folder, name):
    """All packages are there: nobody is asked for root, nothing is installed."""
    system = System(folder, name, installed=True, sudo=True)
    system.built()
    code, words = system.dev("run")
    return wrong(words, ("exit code 0", code == 0), ("the demo", "reached the demo" in words),
                 ("no sudo", not system.called("sudo")), ("no apt-get", not system.called("apt-get")))


def installs_on_debian(folder, _name):
    system = System(folder, "debian", installed=False, sudo=True)
    system.built()
    code, words = system.dev("build")
    installed = [line for line in system.called("sudo") if "apt-get install" in line]
    return wrong(words, ("exit code 0", code == 0), ("apt-get installs", len(installed) == 1),
                 ("a build package", any("liburing-dev" in line for line in installed)),
                 ("no test package", not any("haproxy" in line for line in installed)))


def says_what_root_must_type(folder, _name):
    """Neither root nor sudo: the exact command, and the build goes on with what is there."""
    system = System(folder, "debian", installed=False)
    system.built()
    code, words = system.dev("build")
    command = "apt-get install --no-install-recommends gcc libc6-dev meson"
    return wrong(words, ("exit code 0", code == 0), ("the command", command in words),
                 ("no apt-get", not system.called("apt-get")))


def check_installs_nothing(folder, _name):
    """Unless asked."""
    system = System(folder, "debian", installed=False, lacks=["libssl"], sudo=True)
    code, words = system.dev("check")
    silent = not system.called("sudo")
    system.dev("check", "--install")
    return wrong(words, ("exit code 1", code == 1), ("says the need", "libssl>=3.0" in words),
                 ("no sudo without --install", silent), ("sudo with it", system.called("sudo")))


def check_runs_what_is_near(folder, name):
    """Its commands, in order; and it ends where one of them fails."""
    system = System(folder, name, installed=False)
    system.built()
    system.double("python3", 'case $1 in *near.py) printf "one\\ntwo\\n" ;; esac')
    code, words = system.dev("check", "--since", "v1")
    tested = [line for line in system.called("meson") if line.startswith("meson test -C build ")]
    asked = [line.split()[1:] for line in system.called("python3")]
    system.double("python3", 'case $1 in *commits.py) exit 1 ;; esac')
    refused, _ = system.dev("check")
    system.double("python3", "true")
    system.double("meson", "exit 1")
    failed, _ = system.dev("check")
    return wrong(words, ("exit code 0", code == 0), ("one run", len(tested) == 1 and tested[0].endswith(" one two")),
                 ("no kernels", tested and "--no-suite kernel " in tested[0]),
                 ("commits, then near", asked == [["tests/commits.py", "--since", "v1"],
                                                  ["tests/near.py", "build", "--since", "v1"]]),
                 ("a bad commit fails", refused == 1), ("a bad test fails", failed == 1))


def setup_fails_elsewhere(folder, name):
    code, words = System(folder, name, installed=False).dev("setup")
    return wrong(words, ("exit code 1", code == 1), *((f"says '{word}'", word in words) for word in WORDS[name]))


def warnings_are_errors_on_debian_alone(folder, name):
    """Another system's newer compiler may warn of what nobody has seen yet."""
    system = System(folder, name)
    _, words = system.dev("build")
    asked = any("-Dwerror=true" in line for line in system.called("meson"))
    return wrong(words, ("meson called", system.called("meson")), ("-Dwerror=true", asked == (name == "debian")))


def says_that_it_needs_bash(folder, _name):
    """By a shell that is not bash, and without bash: a sentence."""
    dash = shutil.which("dash")
    if not dash:
        return []
    system = System(folder, "alpine")
    (system.bin / "bash").unlink()
    (system.bin / "sh").unlink()
    (system.bin / "sh").symlink_to(dash)
    done = subprocess.run([dash, str(system.checkout / "dev")], env={"PATH": str(system.bin)}, text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return wrong(done.stdout, ("exit code 1", done.returncode == 1), ("says it", "apk add bash" in done.stdout))


CASES = [(lists_what_is_missing, name) for name in WORDS] + [
    (setup_fails_elsewhere, "fedora"), (setup_fails_elsewhere, "alpine"), (setup_fails_elsewhere, "other"),
    (names_what_the_build_needs, "debian"), (names_what_the_build_needs, "arch"),
    (runs_without_root, "debian"), (runs_without_root, "fedora"), (runs_without_root, "arch"),
    (runs_without_root, "alpine"),
    (installs_on_debian, "debian"), (says_what_root_must_type, "debian"), (check_installs_nothing, "debian"),
    (check_runs_what_is_near, "debian"), (check_runs_what_is_near, "arch"),
    (warnings_are_errors_on_debian_alone, "debian"), (warnings_are_errors_on_debian_alone, "fedora"),
    (says_that_it_needs_bash, "alpine"),
]


def run(case_and_name):
    case, name = case_and_name
    with tempfile.TemporaryDirectory() as folder:
        return [f"{case.__name__} ({name}): {what}" for what in case(folder, name)]


def main():
    os.umask(0o022)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tree.finish(sum(pool.map(run, CASES), []))


main()
