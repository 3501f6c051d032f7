#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures gateways in guest instructions, kernel and all: `./dev icount` (bench/README.md).

QEMU interprets a PC with one processor whose clock moves by a nanosecond with each instruction, so
that CPU time there is instructions, and a run repeats on any machine. The PC boots Debian's kernel
for clouds, which has kTLS and AES-NI, from memory alone: this build's programs, the peers that are
installed here, and their libraries. In it `ktlsgate-bench compare --fixed` does what it always does.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
QEMU = "qemu-system-x86_64"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
MODULES = ("tls", "aesni-intel", "ghash-clmulni-intel", "gcm", "chacha20poly1305", "chacha-x86_64",
           "poly1305-x86_64")
# Those that are not here are left out.
PROGRAMS = ("/bin/cat", "/bin/mount", "/bin/sh", "/bin/sleep", "/sbin/insmod", "/sbin/ip",
            "/usr/sbin/haproxy", "/usr/sbin/nginx", "/usr/lib/nginx/modules/ngx_stream_module.so")
OURS = ("gateway/main/ktlsgate", "bench/tool/ktlsgate-bench")
FOLDERS = ("dev", "proc", "root", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin",
           "var/lib/nginx", "var/log/nginx")
# No address is random, none of the processor's bugs is worked around, and no clock is doubted.
BOOT = ("console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr norandmaps tsc=reliable "
        "no_timer_check rcupdate.rcu_expedited=1 random.trust_cpu=on")
# Without ERMS, with which a copy would count byte by byte; SHA-NI comes with newer QEMUs alone.
PROCESSOR = "EPYC,sha-ni=off"
SYSTEMS = "ktlsgate,ktlsgate-copy,ktlsgate-splice,nginx,nginx-ktls,haproxy,nginx-plain"
CASES = "bulk-down,bulk-up,handshake-full,handshake-resumed,echo-128"
MIB_PER_GIB = 1024
# Of a unit of ktlsgate-bench: what it is called here, and how many million instructions it stands for.
UNITS = {"s/GiB": ("M/MiB", 1e3 / MIB_PER_GIB), "us/handshake": ("M/handshake", 1e-3),
         "us/request": ("M/request", 1e-3)}

guests = [] # processes of QEMU


def fail(words, code=1):
    print(f"icount: {words}", file=sys.stderr)
    sys.exit(code)


def skip(words):
    print(f"SKIP: icount: {words}")
    sys.exit(77)


def output_of(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


# ---- the kernel ----

def kernels():
    return pathlib.Path(output_of(ROOT / "tests/support/cache-folder").strip()) / "kernels/cloud"


def fetch():
    """Unpacks the kernel that Debian's package for clouds stands for; nothing is installed."""
    folder = kernels()
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        package = re.search(r"Depends: (linux-image-\S+)", output_of("apt-cache", "depends", KERNEL_PACKAGE))
        if not package:
            fail(f"apt knows no {KERNEL_PACKAGE}: run apt-get update")
        subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package[1]],
                       cwd=work, check=True)
        tree = f"{work}/tree"
        for archive in pathlib.Path(work).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, tree], check=True)
        subprocess.run(["/sbin/depmod", "-b", tree, os.listdir(f"{tree}/lib/modules")[0]], check=True)
        os.rename(tree, folder)


def module_files(kernel, release):
    """In the order in which they are to be loaded."""
    files = []
    for name in MODULES:
        said = output_of("/sbin/modprobe", "-d", kernel, "-S", release, "--show-depends", name)
        files += [x for x in re.findall(r"insmod (\S+)", said) if x not in files]
    return files


# ---- the guest's memory ----

def libraries(program):
    said = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    return re.findall(r"(?:^|\s)(/\S+)", said)


class Root:
    """What the guest finds at /."""

    def __init__(self, folder):
        self.folder = folder
        for name in FOLDERS:
            os.makedirs(f"{folder}/{name}")
        for name in ("bin", "lib", "lib64", "sbin"):
            os.symlink(f"usr/{name}", f"{folder}/{name}")
        self.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        self.write("/etc/group", "root:x:0:\nnogroup:x:65534:\n")

    def write(self, name, text):
        path = pathlib.Path(self.folder + name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def add(self, source, name):
        path = pathlib.Path(self.folder + name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            shutil.copy(source, path)

    def add_program(self, source, name):
        self.add(source, name)
        for library in libraries(source):
            self.add(library, library)

    def pack(self, archive):
        with open(archive, "wb") as out:
            names = output_of("find", ".", cwd=self.folder)
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=self.folder, check=True,
                           input=names.encode(), stdout=out)


def make_memory(archive, kernel, release, build, command):
    with tempfile.TemporaryDirectory() as folder:
        root = Root(folder)
        for program in PROGRAMS:
            if os.path.exists(program):
                root.add_program(program, program)
        for program in OURS:
            root.add_program(f"{build}/{program}", f"/usr/bin/{os.path.basename(program)}")
        names = []
        for file in module_files(kernel, release):
            names.append(f"/modules.d/{os.path.basename(file)}")
            root.add(file, names[-1])
        root.write("/modules", "\n".join(names) + "\n")
        root.write("/command", command)
        root.add(HERE / "guest-init", "/init")
        root.pack(archive)


# ---- a run ----

def emulate(arguments, limit_s):
    """Until the guest has powered off. QEMU does not outlive us, however we end."""
    guest = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", QEMU, *arguments], text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    guests.append(guest)
    try:
        return guest.communicate(timeout=limit_s)[1]
    except subprocess.TimeoutExpired:
        return f"it was not done after {limit_s} seconds (--limit)"
    finally:
        guest.kill()
        guest.wait()


def end(*_):
    for guest in guests:
        guest.kill()
    sys.exit(1)


def run_guest(build, command, limit_s):
    """What the command prints there; it must succeed."""
    kernel = kernels()
    release = os.listdir(kernel / "lib/modules")[0]
    with tempfile.TemporaryDirectory() as job:
        make_memory(f"{job}/memory", kernel, release, build, command)
        ports = [x for name in ("console", "output", "status") for x in ("-serial", f"file:{job}/{name}")]
        why = emulate(
            ["-M", "q35", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", PROCESSOR,
             "-smp", "1", "-m", "1024M", "-nodefaults", "-no-user-config", "-no-reboot",
             "-display", "none", "-monitor", "none", *ports, "-kernel", f"{kernel}/boot/vmlinuz-{release}",
             "-initrd", f"{job}/memory", "-append", BOOT], limit_s)
        said = {x: pathlib.Path(f"{job}/{x}").read_text(errors="replace").replace("\r", "")
                for x in ("console", "output", "status") if os.path.exists(f"{job}/{x}")}
    if said.get("status", "").strip() != "0":
        fail(f"the guest failed:\n{said.get('console', '')}\n{why}")
    return said["output"], release


def compare(options, version):
    """The JSON of a comparison with this version of TLS."""
    command = (f"ktlsgate-bench compare --fixed --rounds 1 --json --tls {version} "
               f"--cases {options.cases} --systems {options.systems}\n")
    output, release = run_guest(options.build, command, options.limit)
    result = json.loads(output)
    result["guest"] = {"kernel": release, "processor": PROCESSOR,
                       "qemu": output_of(QEMU, "--version").splitlines()[0]}
    return result


def show(results):
    """A table: systems down, cases across, million instructions."""
    for result in results:
        heads = [f"{x['name']} ({UNITS[x['unit']][0]})" for x in result["cases"]]
        print(f"\nTLS {result['settings']['tls']}, Linux {result['guest']['kernel']}")
        print("  " + f"{'million instructions':22}" + "".join(f"{x:32}" for x in heads))
        for system in result["systems"]:
            cells = []
            for case in result["cases"]:
                row = [x for x in case["rows"] if x["system"] == system["name"]]
                cells.append(f"{row[0]['server_cpu']['median'] * UNITS[case['unit']][1]:.4g}" if row else "-")
            print("  " + f"{system['name'] + ' ' + system['version']:22.21}" + "".join(f"{x:32}" for x in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release", help="the folder of the build")
    parser.add_argument("--fetch", action="store_true", help="fetch the kernel first, once")
    parser.add_argument("--systems", default=SYSTEMS)
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--tls", default="1.3,1.2", help="versions, joined by ','")
    parser.add_argument("--save", help="the file for all figures, as JSON")
    parser.add_argument("--limit", type=int, default=1800, help="seconds that a guest may take")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if options.fetch:
        fetch()
    for tool in (QEMU, "cpio"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed (./dev icount brings it)")
    if not kernels().exists():
        skip("the kernel for it is not here (./dev icount fetches it)")
    with concurrent.futures.ThreadPoolExecutor() as pool: # a guest takes one processor
        results = list(pool.map(lambda version: compare(options, version), options.tls.split(",")))
    show(results)
    if options.save:
        path = pathlib.Path(options.save)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
