#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ktlsgate-bench against servers that do what they must not, and its origin against such clients.
Each run ends within its time, with a sentence and exit code 1: it neither hangs, crashes nor tells
of a success."""
import concurrent.futures
import contextlib
import functools
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import bench_rig as rig
from bench_rig import Run, gateway, origin
from verdict import check, finish

# A busy machine takes half of that for a handshake with a server in Python.
TIMEOUT = "--timeout 1s"
HEAD = b"HTTP/1.1 200 OK\r\nServer: ktlsgate-bench\r\nContent-Length: %d\r\n\r\n"
OTHER = HEAD.replace(b"ktlsgate-bench", b"another")
BODY = 100000


class Server:
    """Does `act` to each connection, in a thread of its own."""

    def __init__(self, act, tls=True, backlog=64, tickets=2, fresh=False):
        self.act, self.tls, self.tickets, self.fresh = act, tls, tickets, fresh
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.context = self.make_context()
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def make_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{rig.SERVER}/chain.pem", f"{rig.SERVER}/key.pem")
        context.num_tickets = self.tickets
        return context

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, raw):
        conn = raw
        self.open.add(raw)
        try:
            raw.settimeout(20)
            if self.tls:
                context = self.make_context() if self.fresh else self.context
                conn = context.wrap_socket(raw, server_side=True)
            self.open.add(conn)
            self.act(conn)
        except OSError: # ssl.SSLError is one: the client leaves as it likes
            pass
        finally:
            self.open.discard(raw)
            self.open.discard(conn)
            conn.close()

    def die(self):
        self.listener.close()
        for conn in list(self.open):
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.die()


@functools.cache
def stream(size):
    """So many of the bytes that all transfers have."""
    plain = origin()
    with socket.create_connection(("127.0.0.1", plain.port)) as s:
        s.sendall(b"GET /bytes/%d HTTP/1.1\r\n\r\n" % size)
        head = len(HEAD % size)
        return s.makefile("rb").read(head + size)[head:]


# ---- what servers do to a connection ----

def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_):
    pass


def wait(conn):
    while conn.recv(65536):
        pass
    time.sleep(2)


def sit(_):
    time.sleep(5)


def say(*pieces, pause=0.0, then=wait):
    """Says something after the first bytes of the client have come."""
    def act(conn):
        conn.recv(65536)
        for piece in pieces:
            conn.sendall(piece)
            time.sleep(pause)
        then(conn)
    return act


def first(*pieces):
    """Says something without being asked."""
    def act(conn):
        for piece in pieces:
            conn.sendall(piece)
        wait(conn)
    return act


def echo(conn, change=lambda data: data):
    while data := conn.recv(65536):
        conn.sendall(change(data))


def echo_wrong(conn):
    echo(conn, lambda data: data[:-1] + bytes([data[-1] ^ 1]))


def echo_more(conn):
    echo(conn, lambda data: data + b"x")


def echo_then_more(conn):
    conn.sendall(conn.recv(65536))
    conn.sendall(b"x")
    wait(conn)


def echo_until(seconds, then):
    def act(conn):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            conn.sendall(conn.recv(65536))
        then(conn)
    return act


def reset_when_closed(conn):
    """As one that refused a certificate, whose alert got lost."""
    raw = conn.fileno()
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.05)
    os.fstat(raw)


def reset_at_once(conn):
    """… before it can have heard that the client ends."""
    reset(conn)


def raw_bytes(data):
    """Past TLS, on the socket itself."""
    def act(conn):
        conn.recv(65536)
        os.write(conn.fileno(), data)
        time.sleep(2)
    return act


def drip(conn):
    """A ServerHello that never comes to its end."""
    conn.recv(65536)
    for byte in b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb" + bytes(60):
        conn.sendall(bytes([byte]))
        time.sleep(0.05)


def half_a_body(conn):
    say(OTHER % BODY, b"x" * (BODY // 2), then=close)(conn)


def wrong_body(conn):
    say(HEAD % BODY, b"x" * BODY)(conn)


def echo_of_all(conn):
    """The whole echo of a request that has only begun."""
    conn.recv(1)
    conn.sendall(stream(16 << 20))


def early_answer(conn):
    say(HEAD % 0)(conn)


TLS, PLAIN = True, False

# Name, what the server does, whether after a handshake, what is run, what is said of it.
ROWS = (
    ("closes at once", close, PLAIN, "handshake", "the server ended a handshake"),
    ("resets at once", reset, PLAIN, "churn", "the server ended a"),
    ("never answers the handshake", wait, PLAIN, "latency", "did not finish a handshake"),
    ("never answers the handshake", wait, PLAIN, "idle", "did not finish a handshake"),
    ("never answers the first handshake", wait, PLAIN, "handshake --resume resumed", "in time"),
    ("drips a handshake", drip, PLAIN, "bulk", "did not finish a handshake"),
    ("drips the first handshake", drip, PLAIN, "handshake --resume resumed", "in time"),
    ("sends an alert", say(b"\x15\x03\x03\x00\x02\x02\x28"), PLAIN, "handshake", "handshake failure"),
    ("sends an alert at first", say(b"\x15\x03\x03\x00\x02\x02\x28"), PLAIN,
     "handshake --resume resumed", "handshake failure"),
    ("is no TLS", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), PLAIN, "bulk", "a handshake failed"),
    ("greets like SMTP", first(b"220 smtp.test ESMTP\r\n"), PLAIN, "idle", "a handshake failed"),
    ("sends noise", first(bytes(range(256)) * 400), PLAIN, "handshake", "a handshake failed"),
    ("never answers", wait, TLS, "latency", "did not answer"),
    ("never answers", wait, TLS, "churn", "did not answer"),
    ("never answers", wait, TLS, "bulk", "did not answer"),
    ("never answers", wait, TLS, "latency --rate 100", "did not answer"),
    ("never reads", sit, TLS, "bulk --direction both", "did not answer"),
    ("never closes", sit, TLS, "handshake", "did not close a connection"),
    ("closes", close, TLS, "latency", "the server ended a connection"),
    ("closes", close, TLS, "idle", "the server ended a connection"),
    ("closes before each is open", close, TLS, "latency --rate 1000 --connections 40",
     "the server ended a connection"),
    ("resets instead of closing", reset_when_closed, TLS, "handshake", "the server ended"),
    ("resets instead of closing", reset_when_closed, TLS, "churn", "the server ended"),
    ("resets before we close", reset_at_once, TLS, "handshake --tls 1.2 --connections 8", "the server"),
    ("has noise for a record", raw_bytes(b"\x17\x03\x03\x00\x20" + bytes(32)), TLS, "latency",
     "could not be opened"),
    ("has a giant record", raw_bytes(b"\x17\x03\x03\xff\xff" + bytes(70000)), TLS, "latency",
     "could not be opened"),
    ("has no record", raw_bytes(b"GET / HTTP/1.1\r\n\r\n"), TLS, "latency", "could not be opened"),
    ("echoes a wrong byte", echo_wrong, TLS, "latency", "wrong bytes"),
    ("echoes a wrong byte", echo_wrong, TLS, "churn", "wrong bytes"),
    ("echoes a wrong byte", echo_wrong, TLS, "bulk --direction both", "wrong bytes"),
    ("echoes a wrong byte", echo_wrong, PLAIN, "latency --plain", "wrong bytes"),
    ("echoes too much", echo_more, TLS, "latency --connections 1", "more than"),
    ("echoes too much", echo_then_more, TLS, "latency --rate 1", "more than"),
    ("echoes too much", echo_then_more, TLS, "churn", "more than"),
    ("echoes what is not sent yet", echo_of_all, TLS, "latency --size 16m", "more than"),
    ("echoes what is not sent yet", echo_of_all, TLS, "bulk --direction both", "more than"),
    ("speaks first", first(b"hello"), TLS, "latency --rate 1", "more than|wrong bytes"),
    ("speaks before it has all", say(b"x" * 70000), TLS, "bulk --direction both", "wrong bytes"),
    ("sends wrong bytes", wrong_body, TLS, "bulk --size 100000", "wrong bytes"),
    ("cuts a body", half_a_body, TLS, "bulk --size 100000 --path /", "the server ended"),
    ("cuts a body", half_a_body, PLAIN, "bulk --plain --size 100000 --path /", "the server ended"),
    ("sends another length", wrong_body, TLS, "bulk --size 5", "100000 bytes instead of 5"),
    ("is not HTTP", say(b"220 smtp.test\r\n"), TLS, "bulk", "is not HTTP"),
    ("is not HTTP", say(b"220 smtp.test\r\n"), PLAIN, "bulk --plain", "is not HTTP"),
    ("tells no length", say(b"HTTP/1.1 200 OK\r\n\r\nabc"), TLS, "bulk", "no readable Content-Length"),
    ("tells two lengths", say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
     TLS, "bulk", "no readable Content-Length"),
    ("sends chunks", say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), TLS,
     "bulk", "no readable Content-Length"),
    ("has a giant head", say(b"HTTP/1.1 200 OK\r\n", *[b"X: %s\r\n" % (b"y" * 990)] * 20), TLS,
     "bulk", "too long"),
    ("has half a head", say(b"HTTP/1.1 200 OK\r\nContent"), TLS, "bulk", "did not answer"),
    ("says no", say(b"HTTP/1.1 500 \x1b[31m\xff\r\nContent-Length: 0\r\n\r\n"), TLS, "bulk",
     "HTTP/1.1 500 ?[31m?"),
    ("answers nothing, often", say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 3), TLS,
     "bulk --path /", "before it had been asked"),
    ("takes an upload too early", early_answer, TLS, "bulk --direction up", "before it had all"),
    ("refuses an upload", say(b"HTTP/1.1 422 Wrong\r\nContent-Length: 0\r\n\r\n"), TLS,
     "bulk --direction up --size 100", "HTTP/1.1 422"),
)


def run_row(row):
    name, act, tls, line, words = row
    server = Server(act, tls)
    more = "" if "--connections" in line else "--connections 4"
    waits = "did not" in words or "in time" in words
    run = Run(f"{line} {more} {TIMEOUT if waits else '--timeout 5s'}", server.port, time_s="8s")
    check(run.exit == 1 and any(x in run.said for x in words.split("|")) and run.seconds < 7
          and run.said.startswith("ktlsgate-bench: ") and all(x.isprintable() or x == "\n" for x in run.said),
          f"a server that {name}: {line} says '{words}'", run)
    server.stop()


def rows():
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(run_row, ROWS))


def resumed_in_part():
    server = Server(echo, fresh=True)
    run = Run("handshake --resume resumed --connections 2", server.port)
    check(run.exit == 1 and "instead of resuming" in run.said, "a full handshake is told", run)
    server.stop()


def head_in_pieces():
    def act(conn):
        while conn.recv(65536):
            for byte in HEAD % 5:
                conn.sendall(bytes([byte]))
            conn.sendall(body)
    body = stream(5)
    for tls, flag in ((True, ""), (False, "--plain")):
        server = Server(act, tls)
        run = Run(f"bulk --size 5 --connections 2 {flag}", server.port)
        check(run.exit == 0 and run.result["bytes_down"] > 10, f"a head in pieces {flag}", run)
        server.stop()


def in_the_middle(line, kill):
    """A server that ends, or stands still, while it is measured."""
    server = Server(echo)
    timer = threading.Timer(0.5, kill, [server])
    timer.start()
    run = Run(f"{line} --connections 4 {TIMEOUT}", server.port, time_s="1500ms")
    check(run.exit == 1 and run.said and run.seconds < 5, f"a server that ends amid {line}", run)
    server.stop()


def coordinated_omission():
    """A server that stands still at the end is slow, though it has answered nothing late."""
    for flags in ("--rate 200", ""):
        server = Server(echo_until(0.5, sit))
        run = Run(f"latency {flags} --connections 1 --timeout 5s", server.port, time_s="1200ms")
        check(run.exit == 0 and run.result["times_us"]["max"] > 400000,
              f"waiting at the end is in the times {flags}", run)
        if flags:
            check(run.result["unanswered"] > 80 and run.result["times_us"]["p90"] > 100000,
                  "and so are the requests that were due", run)
        server.stop()


def nothing_measured():
    server = Server(lambda conn: (time.sleep(0.3), echo(conn)))
    run = Run("churn --connections 1", server.port, time_s="100ms", again=False)
    check(run.exit == 1 and "nothing in the measured time" in run.said, "nothing is no result", run)
    server.stop()


def refused():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        for line in ("bulk", "handshake --resume resumed", "idle", "latency --rate 5", "churn"):
            run = Run(line, s.getsockname()[1])
            check(run.exit == 1 and "Connection refused" in run.said, f"{line}: refused", run)


def kill_workers(pid, over):
    """Again and again: a machine may be too busy for the load to have begun, or to be caught at it."""
    while not over.wait(0.3):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            for child in f.read().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)


def killed_workers():
    plain = origin()
    for line in ("bulk", "latency", "churn", "idle", "handshake"):
        gate = gateway(plain.port)
        over = threading.Event()
        killer = threading.Thread(target=kill_workers, args=(gate.pid, over))
        killer.start()
        run = Run(f"{line} --connections 8 {TIMEOUT}", gate.port, time_s="1s")
        over.set()
        killer.join()
        check(run.exit == 1 and run.said and run.seconds < 4, f"killed workers amid {line}", run)
        gate.stop()


# ---- the origin ----

def talk(port, *pieces):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(rig.DEADLINE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            s.sendall(piece)
            time.sleep(0.002)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while data := s.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
        return answer


def origin_answers(port):
    body = stream(5)
    good = HEAD % 5 + body
    bad = b"HTTP/1.1 400 Bad Request\r\n"
    get, end = b"GET /bytes/%b HTTP/1.1\r\n", b"\r\n"
    rows = (
        ((get % b"5" + end,), good),
        ([bytes([x]) for x in get % b"5" + b"Host: x\r\n" + end], good),
        (((get % b"5" + end) * 20,), good * 20),
        ((get % b"0" + end,), HEAD % 0),
        ((get % b"-1" + end,), bad),
        ((get % b"5x" + end,), bad),
        ((get % b"99999999999999999999999" + end,), bad),
        ((b"GET / HTTP/1.1\r\n" + end,), bad),
        ((b"PUT / HTTP/1.1\r\nContent-Length: 0\r\n" + end,), HEAD % 0),
        ((b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n" + end, body[:2], body[2:]), HEAD % 0),
        ((b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n" + end + b"wrong",), b"HTTP/1.1 422 Wrong"),
        ((b"PUT / HTTP/1.1\r\n" + end,), bad),
        ((b"PUT / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n" + end,), bad),
        ((b"PUT / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n" + end, b"x"), None),
        ((b"GET /" + b"x" * 600,), None),
        ((b"G", b"E", b"TTING"), b"GETTING"),
        ((b"PUT x",), b"PUT x"),
        ((b"",), None),
    )
    for pieces, answer in rows:
        got = talk(port, *pieces)
        check(got == answer if answer is None and got else got.startswith(answer or b"")
              and (answer == bad or len(got) >= len(answer or b"")),
              f"the origin answers {pieces[0][:40]}", got)


def origin_survives():
    plain = origin()
    origin_answers(plain.port)
    rng, held = random.Random(5), []
    for i in range(600):
        s = socket.create_connection(("127.0.0.1", plain.port))
        start = rng.choice((b"", b"GET /", b"PUT /", b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"))
        s.sendall(start + rng.randbytes(rng.randrange(900)))
        if i % 3 == 0:
            reset(s)
        if i % 3 == 2:
            held.append(s)
        else:
            s.close()
    slow = socket.create_connection(("127.0.0.1", plain.port))
    slow.sendall(b"GET /bytes/9999999999999 HTTP/1.1\r\n\r\n")
    check(talk(plain.port, b"GET /bytes/5 HTTP/1.1\r\n\r\n").startswith(HEAD % 5),
          "amid all this the origin answers")
    second = subprocess.run([rig.BENCH, "origin", "--listen", f"127.0.0.1:{plain.port}"],
                            text=True, capture_output=True, timeout=rig.DEADLINE_S, check=False)
    check(second.returncode == 3 and "Address already in use" in second.stderr,
          "a port has one origin", second)
    check(plain.process.poll() is None and plain.stop() == 0, "and ends well")


def origin_without_descriptors():
    """It waits until some are free, and does not spin."""
    plain = rig.Child(
        ["sh", "-c", f"ulimit -n 40; exec {rig.BENCH} origin --listen 127.0.0.1:0"], r"port (\d+)$")
    held = [socket.create_connection(("127.0.0.1", plain.port)) for _ in range(60)]
    time.sleep(0.1)
    before = cpu_seconds(plain.pid)
    time.sleep(0.3)
    check(cpu_seconds(plain.pid) - before < 0.1, "without descriptors the origin rests")
    for s in held:
        s.close()
    check(talk(plain.port, b"GET /bytes/5 HTTP/1.1\r\n\r\n").startswith(HEAD % 5),
          "and goes on when there are some")
    plain.stop()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def origin_on_a_path():
    path = f"{rig.FOLDER}/socket"
    unix = rig.Child([rig.BENCH, "origin", "--listen", f"unix:{path}"], "origin: unix:")
    check(os.path.exists(path), "the origin listens on a path")
    check(unix.stop() == 0 and not os.path.exists(path), "and removes it")


def main():
    rig.make_certificates()
    stream(16 << 20)
    rows()
    resumed_in_part()
    head_in_pieces()
    in_the_middle("latency", Server.die)
    in_the_middle("churn", Server.die)
    in_the_middle("bulk --direction both", Server.die)
    coordinated_omission()
    nothing_measured()
    refused()
    killed_workers()
    origin_survives()
    origin_without_descriptors()
    origin_on_a_path()
    finish()


if __name__ == "__main__":
    main()
