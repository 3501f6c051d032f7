#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS client on Python's ssl module: its standard input goes to the server and what the server
sends to its standard output, until the server has ended its stream. README.md beside it says what
its words mean and what it says.

TLS runs over memory, so that close_notify can be said and reading goes on: SSLSocket.unwrap() does
both ends at once."""
import re
import selectors
import socket
import ssl
import sys

CHUNK = 16384
STUCK_S = 60
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(words):
    ctx = ssl.create_default_context(cafile=words["ca"])
    ctx.minimum_version = ctx.maximum_version = VERSIONS[words["version"]]
    if "suite" in words:
        ctx.set_ciphers(words["suite"])
    if "cert" in words:
        ctx.load_cert_chain(words["cert"], words["key"])
    return ctx


class Stream:
    def __init__(self, words, ctx, session, replay):
        self.half_close = "half-close" in words
        self.sock = socket.create_connection(("127.0.0.1", int(words["port"])))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost",
                                session=session)
        self.replay = replay
        self.pending = b""
        self.up_ended = False
        self.over = False
        self.alert = 0

    def flush(self):
        self.sock.sendall(self.outgoing.read())

    def more(self):
        data = self.sock.recv(CHUNK * 4)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                return self.flush()
            except ssl.SSLWantReadError:
                self.flush()
                self.more()

    def take(self):
        """All that can be read now."""
        try:
            while not self.over:
                data = self.tls.read(CHUNK)
                self.over = not data
                sys.stdout.buffer.write(data)
        except ssl.SSLZeroReturnError:  # the end, where ours has been said before
            self.over = True
        except ssl.SSLWantReadError:
            pass

    def give(self):
        data = sys.stdin.buffer.raw.read(CHUNK)
        if data:
            self.tls.write(data)
            self.pending += self.outgoing.read()
            return
        self.up_ended = True
        if self.half_close:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            self.pending += self.outgoing.read()

    def watch(self, selector, watched):
        """Asks for what can be done; whether that is standard input as well."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.pending else 0)
        selector.modify(self.sock, events)
        wanted = not (self.up_ended or self.pending)
        if wanted and not watched:
            selector.register(sys.stdin, selectors.EVENT_READ)
        if watched and not wanted:
            selector.unregister(sys.stdin)
        return wanted

    def run(self):
        self.sock.setblocking(False)
        if self.replay is not None:
            self.up_ended = True
            self.tls.write(self.replay)
            self.pending += self.outgoing.read()
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            watched = False
            self.take()
            while not self.over:
                watched = self.watch(selector, watched)
                ready = selector.select(STUCK_S)
                if not ready:
                    raise OSError("nothing moves")
                for key, events in ready:
                    self.turn(key.fileobj is self.sock, events)

    def turn(self, is_sock, events):
        if is_sock and events & selectors.EVENT_WRITE:
            sent = self.sock.send(self.pending)
            self.pending = self.pending[sent:]
        if is_sock and events & selectors.EVENT_READ:
            self.more()
            self.take()
            self.pending += self.outgoing.read()
        if not is_sock:
            self.give()

    def visit(self):
        """The session to resume; None when the connection failed."""
        try:
            self.handshake()
            self.run()
        except ssl.SSLError as error:
            match = re.search(r"alert number (\d+)", str(error))
            self.report(f"failure ({error.reason})" + (f" alert {match[1]}" if match else ""))
            return None
        self.report("close_notify")
        session = self.tls.session
        if not self.half_close:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass
            self.sock.setblocking(True)
            self.flush()
        self.sock.close()
        return session

    def report(self, end):
        print(f"peer: version={self.tls.version()} resumed={int(self.tls.session_reused or 0)} "
              f"end={end}", file=sys.stderr)


def main():
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    ctx = context(words)
    session = None
    connections = int(words.get("connections", 1))
    replay = sys.stdin.buffer.read() if connections > 1 else None  # what each of several sends
    for _ in range(connections):
        session = Stream(words, ctx, session, replay).visit()
        if not session:
            return 1
    sys.stdout.flush()
    return 0


sys.exit(main())
