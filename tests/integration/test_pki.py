#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An own CA with the real program: the files it makes serve a gateway, openssl and curl; what is
revoked is refused; timers, several commands at once, and mistakes.

The program is the one in $KTLSGATE. With the argument `kill`: commands that are killed anywhere.
"""
import http.server
import os
import re
import shutil
import signal
import ssl
import socket
import subprocess
import sys
import tempfile
import threading

from verdict import check, finish, skip

DEADLINE_S = 60
KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-3072", "ed25519")
PROGRAM = os.environ["KTLSGATE"]

outputs = []


def run(*words, program=None, **more):
    result = subprocess.run([program or PROGRAM, *words], text=True, capture_output=True,
                            timeout=DEADLINE_S, check=False, **more)
    if not program:
        outputs.append(result.stdout + result.stderr)
    return result


def pki(line, exit_code=0, say=""):
    """Runs `ktlsgate pki` with these words; its exit code and a part of what it says must fit."""
    result = run("pki", *line.split())
    said = result.stdout + result.stderr
    check(result.returncode == exit_code and say in said, f"pki {line} → {exit_code} {say}", said)
    return result


def openssl(line):
    return run(*line.split(), program="openssl")


# ---- a gateway with the CA's files, a backend behind it ----

class Backend(http.server.BaseHTTPRequestHandler):
    """Says hello."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *args):
        pass


class Gateway:
    """`ktlsgate server` as a child, its log read line by line."""

    def __init__(self, folder, name, backend, *flags):
        self.lines, self.arrived, self.seen = [], threading.Condition(), 0
        certs = f"{folder}/certs/{name}"
        self.process = subprocess.Popen(
            [PROGRAM, "server", "--listen", "127.0.0.1:0", "--target", f"127.0.0.1:{backend}",
             "--cert", f"{certs}/chain.pem", "--key", f"{certs}/key.pem",
             "--cacert", f"{folder}/ca.pem", "--allow-all", "--workers", "1", *flags],
            stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.collect, daemon=True).start()
        self.port = int(re.search(r":(\d+)$", self.wait_for("listening on ")).group(1))
        self.wait_for(" ready$")

    def collect(self):
        for line in self.process.stderr:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()

    def wait_for(self, pattern):
        """The next line, after those that were waited for before."""
        def find():
            for at in range(self.seen, len(self.lines)):
                if re.search(pattern, self.lines[at]):
                    return at
            return None
        with self.arrived:
            self.arrived.wait_for(lambda: find() is not None, DEADLINE_S)
            at = find()
        check(at is not None, f"the gateway logs {pattern!r}", "\n     ".join(self.lines))
        if at is None:
            sys.exit(1)
        self.seen = at + 1
        return self.lines[at]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)
        self.wait_for("reload: ")

    def stop(self):
        self.process.terminate()
        check(self.process.wait(DEADLINE_S) == 0, "the gateway ends well")


def curl(folder, gateway, name=None, host="localhost"):
    identity = []
    if name:
        certs = f"{folder}/certs/{name}"
        identity = ["--cert", f"{certs}/chain.pem", "--key", f"{certs}/key.pem"]
    return run("-sS", "--max-time", str(DEADLINE_S), "--cacert", f"{folder}/ca.pem", *identity,
               "--resolve", f"{host}:{gateway.port}:127.0.0.1",
               f"https://{host}:{gateway.port}/", program="curl")


def served_serial(folder, gateway, name):
    """The serial number of the certificate that the gateway shows."""
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    context.load_cert_chain(f"{folder}/certs/{name}/chain.pem", f"{folder}/certs/{name}/key.pem")
    with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"].lower()


def row_of(folder, name, *flags):
    """What `list` says of a name: its columns, those of the newest."""
    table = run("pki", "list", "--dir", folder, *flags).stdout.splitlines()
    return next((line.split() for line in table if line.startswith(name + " ")), None)


# ---- the tests ----

def a_deployment(backend):
    """The way of docs/pki.md, to the end of a client."""
    pki("init Example --intermediate --permit-dns localhost --permit-dns example.com "
        "--permit-ip 127.0.0.0/8", 0, "created a CA in pki")
    pki("list", 0, "intermediate")
    pki("issue --server localhost --ip 127.0.0.1", 0, "issued server localhost")
    pki("issue --client billing --ou ops", 0, "issued client billing")
    pki("issue --client mallory", 0)
    pki("issue --server gate.example.org", 1, "this CA is not permitted to issue for")
    gateway = Gateway("pki", "localhost", backend, "--crl", "pki/crl.pem")
    check(curl("pki", gateway, "billing").stdout == "hello\n", "a client gets in")
    check(curl("pki", gateway, "mallory").stdout == "hello\n", "and another")
    check(curl("pki", gateway).returncode != 0, "without a certificate nobody does")

    pki("revoke mallory --reason keyCompromise", 0, "revoked client mallory")
    pki("revoke mallory", 0, "wrote pki/crl.pem; gateways with --crl of that file refuse what is on it "
        "once HUP or --reload-interval loads it")
    verify = "verify -CAfile pki/ca.pem -crl_check_all -CRLfile pki/crl.pem -untrusted "
    result = openssl(verify + "pki/certs/mallory/chain.pem pki/certs/mallory/cert.pem")
    check(result.returncode != 0 and "revoked" in result.stderr, "openssl finds it on the list",
          result.stderr)
    result = openssl(verify + "pki/certs/billing/chain.pem pki/certs/billing/cert.pem")
    check(result.returncode == 0, "and not the other", result.stderr)
    gateway.reload()
    check(curl("pki", gateway, "mallory").returncode != 0, "the gateway refuses it")
    gateway.wait_for("reason=cert-revoked ")
    check(curl("pki", gateway, "billing").stdout == "hello\n", "and lets the other in")

    before = served_serial("pki", gateway, "billing")
    pki("renew localhost", 0, "renewed server localhost")
    gateway.reload()
    after = served_serial("pki", gateway, "billing")
    check(before != after and row_of("pki", "localhost")[2] == after,
          "after a renewal the gateway shows the new certificate")
    gateway.stop()


def timers():
    """What cron sees: nothing when there is nothing to do, one line for each that is renewed."""
    result = pki("renew --within 10d")
    check(not result.stdout and not result.stderr, "a renewal too early says nothing")
    result = pki("renew --within 31d")
    check(len(result.stdout.splitlines()) == 1 and "renewed client billing" in result.stdout
          and not result.stderr, "one that is due says what it renewed", result.stdout)
    check(row_of("pki", "billing", "--all")[4] == "active", "the newest comes first")
    check("replaced" in run("pki", "list", "--all").stdout, "the one before stays on record")
    pki("renew mallory", 2, "was revoked")
    pki("crl --next-update 2d", 0, "wrote pki/crl.pem, valid until ")
    check("ends on" not in pki("list").stderr, "a fresh list needs no note")
    pki("crl --next-update 10h")
    check("pki/crl.pem expires on" in pki("list").stderr, "one that ends within a day is told of")
    pki("crl --next-update 7d")
    pki("renew intermediate", 0, "renewed the intermediate, valid until ")
    pki("renew intermediate --dir nowhere", 3)
    pki("renew intermediate --days 5", 2, "keeps its key and its lifetime")


def keys_of_all_kinds(backend):
    """Each kind of key serves a gateway and a client of it."""
    for kind in KEY_TYPES:
        pki(f"init --dir {kind} --key-type {kind}")
        pki(f"issue --dir {kind} --server localhost --key-type {kind}")
        pki(f"issue --dir {kind} --client alice --key-type {kind}")
        gateway = Gateway(kind, "localhost", backend, "--crl", f"{kind}/crl.pem")
        check(curl(kind, gateway, "alice").stdout == "hello\n", f"{kind} works")
        gateway.stop()


def many_at_once():
    """Commands wait for each other, and none undoes what another did."""
    def start(name):
        return subprocess.Popen([PROGRAM, "pki", "issue", "--client", name],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    different = [start(f"user{i}") for i in range(12)]
    check(all(p.wait(DEADLINE_S) == 0 for p in different), "twelve at once all succeed")
    check(all(row_of("pki", f"user{i}") for i in range(12)), "and all are on record")
    same = [start("single") for _ in range(8)]
    codes = sorted(p.wait(DEADLINE_S) for p in same)
    check(codes == [0] + [2] * 7, "of eight for one name one succeeds", str(codes))


def mistakes():
    """Each has its exit code and a sentence that says what to do."""
    pki("issue --client ../x", 2, "--client '../x': a name has only")
    pki("issue --server *.a.test", 2, "a wildcard is written --server example.com --dns '*.exam")
    pki("issue --client root", 2, "this name is the CA's own")
    pki("issue --client billing", 2, "`ktlsgate pki renew billing`")
    pki("issue --client a --server b", 2, "leave one out")
    pki("issue", 2, "--server or --client is missing: say")
    pki("issue --client a --uri nonsense", 2, "--uri 'nonsense'")
    pki("renew", 2, "the NAME is missing")
    pki("renew nobody", 2, "neither the name nor the serial number")
    pki("revoke ffff", 2, "neither the name nor the serial number")
    pki("show nobody", 2, "neither the name nor the serial number")
    table = run("pki", "list").stdout
    root, intermediate = (re.search(rf" {kind} +([0-9a-f]{{32}})", table)[1]
                          for kind in ("root", "intermediate"))
    for command in "show", "renew", "revoke":
        pki(f"{command} {root}", 2, "is the root of pki; `ktlsgate pki show` describes it")
        pki(f"{command} {intermediate.upper()}", 2, "is the intermediate of pki; ")
    pki("revoke a b", 2, "'b' is one NAME too many")
    pki("list billing", 2, "is not expected here")
    pki("frobnicate", 2, "needs one of these words after it: init, issue")
    pki("list --dir nowhere", 3, "nowhere: the CA's folder cannot be opened")
    pki("list --dir /", 3, "there is no CA in this folder")
    pki("init", 2, "there is a CA in this folder already")
    pki("init --dir /proc/none", 3, "/proc/none: the folder cannot be created")
    pki("issue --client a --key-pass-file nowhere", 3, "--key-pass-file nowhere")
    with open("/dev/full", "w", encoding="ascii") as full:
        code = subprocess.run([PROGRAM, "pki", "list"], stdout=full, stderr=subprocess.DEVNULL,
                              check=False).returncode
    check(code == 1, "output that cannot be written is an error")


def encrypted():
    """A CA whose keys have a pass phrase, which no output repeats."""
    with open("phrase", "w", encoding="ascii") as f:
        f.write("correct horse\n")
    pki("init --dir sealed --key-pass-file phrase")
    pki("issue --dir sealed --client a", 2, "name the file with its pass phrase")
    pki("issue --dir sealed --client a --key-pass-file phrase --bundle-pass-file phrase")
    check(openssl("pkcs12 -in sealed/certs/a/bundle.p12 -passin file:phrase -noenc")
          .returncode == 0, "the bundle opens with its phrase")
    pki("show --dir sealed")


def damage():
    """A record that cannot be read is named; what else there is, is shown."""
    serial = row_of("pki", "user3")[2]
    with open(f"pki/issued/{serial}/record.txt", "a", encoding="ascii") as f:
        f.write("more\n")
    result = pki("list", 3, f"pki/issued/{serial}/record.txt: the record is damaged")
    check("user4" in result.stdout and "user3" not in result.stdout, "the others are listed")
    pki("issue --client late", 3, "restore it from a backup")
    pki("crl", 3, "restore it from a backup")
    pki("show user3", 3, "restore it from a backup")
    pki("show user4", 0, "active")


def killed_anywhere():
    """Commands that are killed after a while that grows: the CA goes on, and knows all it made."""
    pki("init --dir tough")
    pause, done, known = 0.0, 0, 0
    for i in range(400):
        words = [PROGRAM, "pki", "issue", "--dir", "tough", "--client", f"c{i}"]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            done += process.wait(pause) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        pause += 0.001
        listed = run("pki", "list", "--dir", "tough")
        rows = len(listed.stdout.splitlines()) - 2
        links = os.listdir("tough/certs")
        if listed.returncode or rows < known or len(links) > rows:
            check(False, f"after {i} commands, some killed", listed.stderr)
        known = rows
        if done >= 10:
            break
    check(done >= 10 and known >= done, f"{done} done, {known} on record after {i + 1} commands")
    pki("issue --dir tough --client last")
    check(len(os.listdir("tough/certs")) == known + 1, "and each of them is handed out")
    pki("crl --dir tough")


def main():
    for tool in ("curl", "openssl"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.handle_error = lambda *args: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend = server.server_address[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if sys.argv[1:] == ["kill"]:
            killed_anywhere()
        else:
            a_deployment(backend)
            timers()
            keys_of_all_kinds(backend)
            many_at_once()
            mistakes()
            encrypted()
            damage()
        os.chdir("/")
    check(not re.search(r"PRIVATE KEY|correct horse", "".join(outputs)), "no output has a secret")
    finish()


if __name__ == "__main__":
    main()
