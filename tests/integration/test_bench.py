#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ktlsgate-bench against servers that behave: the gateway with `origin` behind it, nginx, OpenSSL's
s_server. What it tells must fit together and to what the servers tell."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import time

import bench_rig as rig
import remains
from bench_rig import Run, gateway, origin
from verdict import check, finish

ALICE = f"--cert {rig.CERTS}/alice/chain.pem --key {rig.CERTS}/alice/key.pem"


def fits(run, what):
    """Whether a good result is consistent in itself."""
    r = run.result
    if not check(run.exit == 0 and r and r["errors"] == 0, f"{what} succeeds", run):
        return False
    off = abs(r["amount"] - r["per_second"] * r["seconds"])
    times = r.get("times_us")
    curve = [us for _, us in times["curve"]] if times else []
    ordered = not times or (times["p50"] <= times["p90"] <= times["p99"] <= times["p99.9"]
                            <= times["max"] and curve == sorted(curve))
    return check(off <= 1e-6 * r["amount"] and r["amount"] > 0 and ordered
                 and 0.15 < r["seconds"] < 5 and 0 <= r["load_busy"] <= 1.05
                 and 0 <= r["load_cores_busy"] <= 1, f"{what}: its figures fit together", run)


def transfers(gate):
    for way in ("down", "up"):
        before = len(gate.lines)
        run = Run(f"bulk --size 1 --direction {way}", gate.port)
        if fits(run, f"bulk {way} --size 1"):
            gate.count(f"bytes_{way}=", before, run.result["connections"])
            ended = re.findall(rf"bytes_{way}=(\d+) ", "\n".join(gate.lines[before:]))
            check(run.result[f"bytes_{way}"] * 50 < sum(map(int, ended)),
                  f"heads are no payload, {way}", run)
    for flags, sides in (("", "down"), ("--direction up --size 300k", "up"),
                         ("--direction both", "both"), ("--size 1", "down"),
                         ("--tls 1.2 --cipher aes-256-gcm --size 70000", "down"),
                         ("--cipher chacha20-poly1305 --direction up --threads 2", "up"),
                         ("--tls 1.2 --cipher chacha20-poly1305 --direction both", "both")):
        run = Run(f"bulk --connections 4 {flags}", gate.port)
        if fits(run, f"bulk {flags}"):
            r = run.result
            of = {"down": r["bytes_down"], "up": r["bytes_up"],
                  "both": r["bytes_down"] + r["bytes_up"]}[sides]
            check(abs(of / 2**30 - r["amount"]) < 1e-6 * r["amount"] and r["unit"] == "GiB",
                  f"bulk {flags}: the amount is that of its bytes", run)
            check(sides == "both" or r[{"down": "bytes_up", "up": "bytes_down"}[sides]] == 0,
                  f"bulk {flags}: nothing goes the other way", run)


def requests(gate):
    for flags in ("", "--rate 400", "--size 1", "--size 300000", "--tls 1.2 --threads 2"):
        run = Run(f"latency --connections 4 {flags}", gate.port)
        if not fits(run, f"latency {flags}"):
            continue
        r = run.result
        size = run.json["settings"]["size"]
        few = 8 + r["amount"] * 0.05 # that are on their way, or done while the others are counted
        check(abs(r["bytes_down"] - r["amount"] * size) <= few * size
              and abs(r["bytes_up"] - r["bytes_down"]) <= few * size
              and abs(r["times_us"]["count"] - r["amount"]) <= few,
              f"latency {flags}: every request has its bytes and its time", run)
        if "--rate" in flags:
            check(200 < r["per_second"] < 500 and "unanswered" in r, "the rate is kept", run)
    run = Run("latency --rate 5000000 --connections 2", gate.port)
    check(run.exit == 0 and run.result["unanswered"] > 100000
          and run.result["times_us"]["max"] > 100000, "a rate out of reach shows", run)


def connections(gate, plain):
    before = len(gate.lines)
    for flags in ("", "--tls 1.2 --threads 2", "--size 100000"):
        run = Run(f"churn --connections 4 {flags}", gate.port)
        fits(run, f"churn {flags}")
        if not flags:
            ended = gate.count("bytes_up=128 bytes_down=128 ", before, run.result["amount"])
            check(run.result["amount"] <= ended <= 3 * run.result["amount"],
                  f"the gateway saw as many connections: {ended}", run)
    fits(Run("churn --plain --connections 4", plain.port), "churn --plain")
    fits(Run("latency --plain", plain.port), "latency --plain")
    fits(Run("bulk --plain --connections 2 --size 1m", plain.port), "bulk --plain")
    fits(Run("bulk --plain --direction up --size 1m", plain.port), "bulk --plain up")
    run = Run(f"idle --connections 100 --threads 2 --pid {gate.pid}", gate.port)
    if fits(run, "idle"):
        server = run.result["server"]
        check(run.result["connections"] == 100 and server["processes"] >= 2
              and 1000 < server["pss_bytes_per_connection"] < 2000000, "idle tells memory", run)


def handshakes(gate):
    for flags in ("", "--tls 1.2", "--groups P-384", "--threads 2 --connections 8"):
        run = Run(f"handshake {flags} --pid {gate.pid}", gate.port)
        if not fits(run, f"handshake {flags}"):
            continue
        server, r = run.result["server"], run.result
        check(0 < server["cpu_seconds"] < r["seconds"] * 1.1
              and abs(server["cpu_us_per_unit"] - server["cpu_seconds"] * 1e6 / r["amount"]) < 1
              and (r["group"] == "secp384r1") == ("P-384" in flags),
              f"handshake {flags}: the server's CPU time is told", run)
    for flags in ("", "--tls 1.2", "--connections 64", "--threads 2 --groups P-384:X25519"):
        before = len(gate.lines)
        run = Run(f"handshake --resume resumed {flags}", gate.port)
        if fits(run, f"handshake --resume resumed {flags}"):
            resumed = gate.count(" resumed=1 ", before, run.result["amount"])
            check(resumed >= run.result["amount"] and run.result["resumed"] >= run.result["amount"],
                  f"the gateway resumed them: {resumed}", run)
    off = gateway(gate.port, "--session-tickets", "off", "--verify", "none")
    run = Run("handshake --resume resumed", off.port)
    check(run.exit == 1 and "no session to resume" in run.said, "no tickets: reported", run)
    off.stop()


def amounts(gate):
    """So much is done as --units asks for, no more and no less, and measured where it is done."""
    for work, units, each in (("bulk --size 70000", 24, 70000),
                              ("bulk --size 70000 --direction up", 24, 70000),
                              ("latency --size 300", 40, 300), ("churn", 20, 128),
                              ("handshake", 20, None), ("handshake --resume resumed", 20, None)):
        what = f"{work} --units {units}"
        run = Run(f"{what} --connections 4 --threads 2 --pid {gate.pid}", gate.port)
        r = run.result
        if not check(run.exit == 0 and r and r["errors"] == 0, f"{what} succeeds", run):
            continue
        done = r["bytes_up"] if "up" in work else r["bytes_down"]
        check(done == units * each if each else r["amount"] == units, f"{what}: so many", run)
    for flags in ("latency --units 5 --rate 10", "bulk --units 5 --direction both"):
        run = Run(flags, gate.port)
        check(run.exit == 2 and "--units" in run.said, f"{flags} is refused", run)


def identities(plain):
    mutual = gateway(plain.port, "--cacert", rig.CACERT, "--allow-cn", "alice")
    for tls in ("1.2", "1.3"):
        for command in ("handshake", "latency", "handshake --resume resumed", "bulk", "churn"):
            line = f"{command} --tls {tls} --connections 2"
            fits(Run(f"{line} {ALICE}", mutual.port), f"{line} with a certificate")
            run = Run(line, mutual.port)
            check(run.exit == 1 and not run.result and run.said, f"{line} without one fails", run)
    run = Run(f"handshake --cert {rig.SERVER}/chain.pem --key {rig.SERVER}/key.pem", mutual.port)
    check(run.exit == 1 and not run.result, "a certificate that may not pass is refused", run)
    run = Run("handshake --cert /nowhere", mutual.port)
    check(run.exit == 2 and "--cert '/nowhere': No such file" in run.said, "a file that is not there is named", run)
    run = Run("handshake --cacert /nowhere", mutual.port)
    check(run.exit == 2 and "--cacert '/nowhere': No such file" in run.said, "… of authorities, too", run)
    for flags, good in ((f"--cacert {rig.CACERT}", True),
                        (f"--cacert {rig.CACERT} --server-name localhost", True),
                        (f"--cacert {rig.CACERT} --server-name elsewhere", False),
                        (f"--cacert {rig.FOLDER}/other/ca.pem", False),
                        ("--server-name elsewhere", True)):
        for command in ("handshake", "handshake --resume resumed"):
            run = Run(f"{command} {flags} {ALICE}", mutual.port)
            if good:
                fits(run, f"{command} {flags}")
            else:
                check(run.exit == 1 and "certificate verify failed (" in run.said,
                      f"{command} {flags} is refused", run)
    mutual.stop()


def key_updates(plain):
    gate = gateway(plain.port, "--rekey-after", "32", "--verify", "none")
    for flags in ("", "--direction up", "--direction both"):
        run = Run(f"bulk --connections 2 {flags}", gate.port)
        if fits(run, f"bulk {flags} amid KeyUpdates"):
            check(run.result["amount"] * 2**30 > 100 * 16384 * 2, "there were some", run)
    check(gate.count(r"key_updates_in=[1-9]\d* ", 0, 1), "those asked of the client came")
    gate.stop()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port):
    for _ in range(rig.DEADLINE_S * 50):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)


NGINX = """
daemon off; pid nginx.pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .;
    uwsgi_temp_path .; scgi_temp_path .;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {server}/chain.pem; ssl_certificate_key {server}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3; keepalive_requests 100000;
        location /once {{ keepalive_requests 1; alias {folder}/file; }}
        root {folder};
    }}
}}
"""


def nginx():
    port = free_port()
    pathlib.Path(f"{rig.FOLDER}/file").write_bytes(os.urandom(1 << 20))
    pathlib.Path(f"{rig.FOLDER}/nginx.conf").write_text(
        NGINX.format(port=port, server=rig.SERVER, folder=rig.FOLDER), encoding="ascii")
    process = remains.start(["nginx", "-p", rig.FOLDER, "-c", "nginx.conf", "-e", "stderr"],
                            stderr=subprocess.DEVNULL)
    await_port(port)
    for line in ("bulk --path /file --connections 4", "bulk --path /file --tls 1.2",
                 "handshake", "handshake --tls 1.2", "handshake --resume resumed",
                 "handshake --resume resumed --tls 1.2", "idle --connections 50"):
        fits(Run(f"{line} --pid {process.pid}", port), f"nginx: {line}")
    for line, words in (("bulk", "the server answered HTTP/1.1 404"),
                        ("bulk --path /none", "the server answered HTTP/1.1 404"),
                        ("bulk --path /once", "keepalive_requests"),
                        ("latency", "")):
        run = Run(line, port)
        check(run.exit == 1 and words in run.said, f"nginx: {line} fails", run)
    process.terminate()
    process.wait(rig.DEADLINE_S)


def s_server(*flags):
    port = free_port()
    return port, rig.Child(["openssl", "s_server", "-accept", str(port), "-cert",
                            f"{rig.SERVER}/chain.pem", "-key", f"{rig.SERVER}/key.pem", "-www",
                            *flags], "ACCEPT")


def openssl():
    port, server = s_server()
    for tls in ("1.2", "1.3"):
        for resume in ("full", "resumed"):
            line = f"handshake --connections 1 --tls {tls} --resume {resume}"
            fits(Run(line, port), f"s_server: {line}")
    server.stop()
    port, server = s_server("-num_tickets", "0", "-no_cache", "-no_ticket")
    for tls in ("1.2", "1.3"):
        run = Run(f"handshake --connections 1 --tls {tls} --resume resumed", port)
        check(run.exit == 1 and "no session" in run.said, f"s_server has no tickets, {tls}", run)
    server.stop()


def many_addresses(plain):
    run = remains.start([rig.BENCH, "idle", "--plain", "--connections", "16500", "--time", "1s",
                         "--target", f"127.0.0.1:{plain.port}"], stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True)
    want, found = f"0200007F:[0-9A-F]{{4}} 0100007F:{plain.port:04X} 01", False
    while not found and run.poll() is None:
        found = bool(re.search(want, pathlib.Path("/proc/net/tcp").read_text(encoding="ascii")))
    out, said = run.communicate(timeout=rig.DEADLINE_S)
    if "files may be open" in said:
        print("skipped: many connections need a higher limit of open files")
        return
    check(run.returncode == 0 and found, "many connections come from several addresses", out + said)


def drain(leader):
    """What a terminal shows until nobody has it open any more."""
    text = b""
    try:
        while data := os.read(leader, 65536):
            text += data
    except OSError:
        pass
    return text.decode()


def on_a_terminal(gate):
    """The progress line shows and goes; the table is there; Ctrl-C ends it soon."""
    for stop in (False, True):
        leader, terminal = pty.openpty()
        run = subprocess.Popen([rig.BENCH, "latency", "--target", f"127.0.0.1:{gate.port}",
                                "--time", "30s" if stop else "500ms", "--warmup", "0"],
                               stdout=subprocess.PIPE, stderr=terminal, text=True)
        os.close(terminal)
        shown = os.read(leader, 4096).decode()
        if stop:
            run.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, _ = run.communicate(timeout=rig.DEADLINE_S)
        if stop:
            check(run.returncode != 0 and time.monotonic() - begin < 2, "Ctrl-C ends it", out)
        else:
            rest = drain(leader)
            check("\r" in shown and rest.endswith("\x1b[K") and " requests/s" in shown + rest,
                  "progress is shown on a terminal", shown + rest)
            check(run.returncode == 0 and "  rate " in out and "p99.9" in out, "a table", out)
        os.close(leader)


def limits(gate):
    """Whoever fills the processor of the load makes it the limit, unless the rate is kept."""
    cpu = min(os.sched_getaffinity(0))
    burner = remains.start(["sh", "-c", "while :; do :; done"])
    os.sched_setaffinity(burner.pid, {cpu})
    run = Run(f"latency --cpus {cpu}", gate.port, "500ms")
    check(run.exit == 0 and run.result["load_was_limit"] and run.result["load_busy"] < 0.9
          and run.result["load_cores_busy"] > 0.9, "a full processor is told", run)
    run = Run(f"latency --rate 50 --cpus {cpu}", gate.port, "500ms")
    check(run.exit == 0 and not run.result["load_was_limit"], "a rate that is kept is none", run)
    burner.kill()


def saved(gate):
    run = Run("latency --save saved.json", gate.port)
    text = pathlib.Path(f"{rig.FOLDER}/saved.json").read_text(encoding="utf-8")
    check(json.loads(text) == run.json, "what is saved is what is printed", run)
    run = Run("latency --save /nowhere/saved.json", gate.port)
    check(run.exit == 1 and "/nowhere/saved.json" in run.said, "what cannot be saved is told", run)
    run = Run("latency --pid 4194305 --time 1h", gate.port)
    check(run.exit == 3 and "no such process" in run.said, "a wrong --pid ends at once", run)


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL) # a shell may have had it ignored
    rig.make_certificates()
    plain = origin()
    gate = gateway(plain.port)
    transfers(gate)
    requests(gate)
    connections(gate, plain)
    handshakes(gate)
    amounts(gate)
    identities(plain)
    key_updates(plain)
    limits(gate)
    saved(gate)
    on_a_terminal(gate)
    many_addresses(plain)
    openssl()
    if shutil.which("nginx"):
        nginx()
    check(plain.process.poll() is None and plain.stop() == 0, "the origin ends well")
    gate.stop()
    finish()


if __name__ == "__main__":
    main()
