#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds whose bytes are not text into corpus/: what each target reads is told at its top.
Seeds that fuzzers found lie beside them."""
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent


def u8(*values):
    return bytes(values)


def u16(value):
    return struct.pack(">H", value)


def edit(kind, place, value, more=b""):
    return u8(kind) + u16(place) + u8(value) + more


SET, FLIP, ADD, INSERT, REMOVE, CUT = range(6)


def chain():
    def entry(serial, length=None, flags=0):
        return bytes(32) + u8(flags, len(serial) if length is None else length) + serial

    def whole(*entries, count=None, flags=1, version=1):
        count = len(entries) if count is None else count
        return u8(version, flags, count) + b"a" * 32 + struct.pack(">q", 2**31) + b"".join(entries)
    yield "absent", u8(1, 0)
    yield "anchor-alone", whole()
    yield "leaf", whole(entry(b"\x17"))
    yield "long", whole(*(entry(b"s" * 20, flags=i > 0) for i in range(11)))
    yield "negative", whole(entry(b"\x17", length=0x81))
    yield "hashed", whole(entry(b"s" * 20, length=0x54))
    yield "serial-too-long", whole(entry(b"s" * 21))
    yield "too-many", whole(count=12)
    yield "cut", whole(entry(b"\x17"), count=2)
    yield "more", whole() + u8(0)
    yield "other-version", whole(version=2)
    yield "unknown-flag", whole(flags=2)


def channel():
    def message(from_master, kind, zero=0, value=0, more=b""):
        body = struct.pack("=IIq", kind, zero, value) + more
        return u8(from_master, len(body)) + body
    yield "ready", message(0, 1)
    yield "drain", message(1, 2, value=10**9)
    yield "adopted", message(0, 4, value=7)
    yield "kept", message(0, 5, value=7)
    yield "files-without-descriptor", message(1, 3, value=7)
    yield "wrong-side", message(1, 1) + message(0, 2)
    yield "negative", message(1, 2, value=-1)
    yield "not-zero", message(0, 1, zero=1)
    yield "long", message(0, 1, more=b"x")
    yield "short", u8(0, 15) + bytes(15)
    yield "empty", u8(0, 0)
    yield "unknown", message(0, 3) + message(0, 0)


def conn():
    (data, record, tampered, cut, key_update, raw, close_notify, fin, reset, backend_data, backend_fin,
     backend_reset, time, stop, pause, pause_b) = range(16)
    together, pieces = 0x80, 0x40
    alert, handshake, app = 21, 22, 23

    def setup(suite=0, proxy=0, scarce=0, mixed=0, connect=0, tickets=9, payload_max=0, rekeys=0, splices=0, few=0,
              preface=0):
        engine = 0x80 * mixed + 0x40 * rekeys + 0x20 * splices + 0x10 * few
        more = payload_max + (0x80 + 0x10 * preface if preface else 0)
        return u8(suite, proxy + 3 * scarce + engine, connect, 40, 100, tickets, more, 1)

    def send(size, pad=0, act=data, flags=0, more=b""):
        return u8(act | flags) + more + u16(size) + u8(pad)

    def typed(kind, body, flags=0, pad=0):
        return u8(record | flags, kind, pad, len(body)) + body

    def answer(size):
        return u8(backend_data) + u16(size)
    close = u8(close_notify)
    for suite in range(6):
        yield f"echo-{suite}", setup(suite) + send(100) + answer(100) + close + u8(backend_fin)
    for version, suite in (("tls13", 0), ("tls12", 3)):
        start = setup(suite)
        yield f"{version}-large", start + send(16384, 0, data, together) * 6 + answer(60000) * 2 + u8(backend_fin) + close
        yield f"{version}-pieces", start + send(3000, 3, data, pieces, u8(5)) + send(5, 0, data, pieces, u8(1))
        yield f"{version}-with-hello", setup(suite, proxy=1) + send(10, 0, data, together) * 3 + close
        yield f"{version}-tampered", start + send(50, 0, data, together) + send(50, 0, tampered) + u8(0, 0, 99)
        yield f"{version}-length-bent", start + send(50, 0, tampered) + u8(0, 0, 24)
        yield f"{version}-cut", start + send(500, 0, cut) + u8(0, 0, 60) + u8(fin)
        yield f"{version}-http", start + u8(raw, 18) + b"GET / HTTP/1.0\r\n\r\n"
        yield f"{version}-warning", start + typed(alert, b"\1\x5a") * 4 + send(1)
        yield f"{version}-fatal", start + send(1) + typed(alert, b"\2\x28")
        yield f"{version}-empties", start + typed(app, b"", together) * 40 + send(1)
        yield f"{version}-hello-again", start + typed(handshake, b"\1\0\0\0")
        yield f"{version}-ccs", start + typed(20, b"\1")
        yield f"{version}-fin", start + send(9) + u8(fin) + answer(10)
        yield f"{version}-reset", start + send(9) + u8(reset)
        yield f"{version}-backend-reset", start + send(9) + u8(backend_reset)
        yield f"{version}-half-closed", start + close + answer(5000) + u8(time, 10) + answer(5000) + u8(backend_fin)
        yield f"{version}-backend-first", start + u8(backend_fin) + send(700) + close
        yield f"{version}-idle", start + send(1) + u8(time, 61)
        yield f"{version}-silent-half", start + u8(backend_fin, time, 30)
        yield f"{version}-stop", start + send(1) + answer(1) + u8(stop)
        yield f"{version}-slow-client", start + u8(pause) + answer(60000) * 3 + u8(time, 1, pause) + u8(backend_fin)
        yield f"{version}-slow-backend", start + u8(pause_b) + send(16384) * 12 + u8(pause_b) + close
        yield f"{version}-mixed", setup(suite, 2, 1, 1) + (send(800) + answer(800)) * 4 + close + u8(backend_fin)
        yield f"{version}-small-records", setup(suite, payload_max=1) + answer(5000) + u8(backend_fin) + close
        yield f"{version}-refused", setup(suite, connect=5) + send(1)
        yield f"{version}-unanswered", setup(suite, connect=7) + send(1) + u8(time, 6)
    for kernel, start in ("", setup()), ("rekeys-", setup(rekeys=1)):
        yield f"{kernel}updates", start + (u8(key_update, 0) + send(20) + u8(key_update, 1) + answer(20)) * 3
        yield f"{kernel}updates-together", \
            start + (u8(key_update | together, 1) + send(2, 0, data, together)) * 4 + close
        yield f"{kernel}update-flood", start + u8(key_update | together, 1) * 40
        yield f"{kernel}update-in-parts", start + typed(handshake, b"\x18\0", together) + typed(handshake, b"\0\1\0")
        yield f"{kernel}update-too-long", start + typed(handshake, b"\x18\0\0\1\0\0")
    for kernel, start in ("splice-", setup(rekeys=1, splices=1, few=1)), ("loses-", setup(splices=1)):
        yield f"{kernel}large", start + send(16384, 0, data, together) * 6 + answer(60000) * 12 + u8(backend_fin) + close
        yield f"{kernel}empties", start + typed(app, b"", together) * 9 + send(1) + typed(app, b"") * 9 + send(1)
        yield f"{kernel}updates", start + (u8(key_update, 1) + send(5000) + answer(60000)) * 9 + close
        yield f"{kernel}reset-full", start + u8(pause_b, pause) + send(16384) * 12 + answer(60000) * 4 + u8(reset)
    in_pieces = send(300, 0, data, pieces, u8(1))
    for number, name in enumerate(("v1", "v2", "local", "broken"), 1):
        yield f"preface-{name}", setup(proxy=1, preface=number) + send(300) + close + u8(backend_fin)
        yield f"preface-{name}-pieces", setup(3, 2, scarce=1, preface=number) + in_pieces + close + u8(backend_fin)
        yield f"preface-{name}-cut", setup(preface=number) + u8(fin)
    for name, target in ("tls", 0x80), ("full", 0xc8), ("too-large", 0xf8):
        yield f"announce-{name}", setup(proxy=2, connect=target) + send(300) + close + u8(backend_fin)
    yield "data-amid-message", setup() + typed(handshake, b"\x18\0\0", together) + send(4)


def flight():
    like = {"tls13": 0, "tls12": 1}
    alice, optional, required = 1 << 1, 1 << 3, 2 << 3
    for version, bit in like.items():
        yield f"{version}", u8(bit, 0)
        yield f"{version}-pieces", u8(bit, 7)
        yield f"{version}-mutual", u8(bit | alice | required, 0)
        yield f"{version}-mallory", u8(bit | 2 << 1 | optional, 0)
        yield f"{version}-foreign", u8(bit | 3 << 1 | required, 0)
        yield f"{version}-no-cert", u8(bit | required, 0)
        yield f"{version}-hello-bent", u8(bit, 0, 1) + edit(FLIP, 60, 1)
        yield f"{version}-hello-cut", u8(bit, 0, 1) + edit(CUT, 90, 0)
        yield f"{version}-record-version", u8(bit, 0, 1) + edit(SET, 2, 3)
        yield f"{version}-cert-bent", u8(bit | alice | required, 0, 0, 1) + edit(FLIP, 200, 0x10)
        yield f"{version}-cert-longer", u8(bit | alice | required, 0, 0, 1) + edit(ADD, 8, 1)
        yield f"{version}-more-behind", u8(bit, 0, 0, 1) + edit(INSERT, 65535, 5, b"\x17\x03\x03\0\0")
        yield f"{version}-ccs-first", u8(bit, 0, 1) + edit(INSERT, 0, 6, b"\x14\x03\x03\0\1\1")
        yield f"{version}-missing-part", u8(bit, 0, 0, 1) + edit(REMOVE, 0, 60)


def logring():
    text, report, raw, memory, position, sleep, pop = range(7)

    def said(words):
        return u8(text) + u16(len(words)) + words

    def field(offset, value):
        return u16(offset) + u8(len(value)) + value
    yield "words", said(b"listening on [::]:8443") + u8(pop)
    yield "hostile-words", said(b'a "b\\ \x1b[31m\n\xe2\x80\xae\xff level=x') + u8(pop)
    hidden = "\x7f\x80\x9f\xad\u061c\u200b\u200f\u2028\u202e\u2060\u206f\ufeff\ufff9\ufffb"
    yield "hidden-words", said(hidden.encode()) + u8(pop)
    yield "not-utf8", said(b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80\xf8\xc3") + u8(pop)
    yield "long-words", said(b"\xc3\xa4" * 500)
    yield "report", u8(report, 4) + field(48, u8(2, 0, 0, 0, 1)) + field(53, b"svc\0") + \
        field(85, b"192.0.2.7:5\0") + field(149, b"bad_record_mac\0")
    yield "report-not-ended", u8(report, 3) + field(53, b"x" * 255) + field(308, b'"=\\' * 80) + \
        field(560, b"\xff" * 200)
    yield "report-reason", u8(report, 1) + field(48, b"\xff" * 5)
    yield "report-times", u8(report, 1) + field(0, b"\x80" + b"\xff" * 47)
    yield "raw-kinds", b"".join(u8(raw) + u16(len(e)) + e for e in (b"\0", b"\1", b"\1\3", b"\2", b"\3x"))
    yield "length-too-large", said(b"x") + u8(memory) + b"\0\0\0" + u8(4) + b"\xff\xff\xff\xff" + u8(pop)
    yield "length-zero", said(b"x") + said(b"y") + u8(memory) + b"\0\0\0" + u8(1, 0) + u8(pop, pop)
    yield "head-far", said(b"x") + u8(position, 3) + b"\x80" + bytes(7) + u8(pop)
    yield "tail-ahead", said(b"x") + u8(position, 0) + u16(64) + u8(pop)
    yield "head-odd", said(b"x") + u8(position, 1) + u16(0xffff) + u8(pop)
    near_end = struct.pack(">Q", (1 << 18) - 6)
    yield "wraps", u8(position, 3) + near_end + u8(position, 2) + near_end + said(b"over the end") + u8(pop)
    yield "sleeps", u8(sleep, 0) + said(b"x") + u8(sleep, 1)


def crl():
    def signed(which, *edits, soft=0, pem=0):
        return u8(soft << 7 | pem << 6 | which << 4 | len(edits)) + b"".join(edits)
    for which, name in enumerate(("plain", "users", "delta", "point")):
        for soft in range(2):
            yield f"{name}-{soft}", signed(which, soft=soft, pem=soft)
    yield "issuer-bent", signed(0, edit(FLIP, 30, 1))
    for place in range(60, 260, 20):
        yield f"bent-{place}", signed(0, edit(FLIP, place, 1), pem=1)
        yield f"bent-scope-{place}", signed(1, edit(FLIP, place, 4))
    yield "time-past", signed(0, edit(SET, 58, ord("1")), edit(SET, 59, ord("0")), soft=1)
    yield "cut", signed(0, edit(CUT, 100, 0))


def pem():
    ca, leaf, key, other, other_key = range(5)
    cert, private, ec = 0, 1, 2

    def block(which, label=cert, *edits):
        return u8(which + 5 * 0 + 8 * len(edits) if (which + 8 * len(edits)) % 5 == which
                  else next(c for c in range(128) if c % 5 == which and c // 8 % 8 == len(edits)),
                  label) + b"".join(edits)

    def words(text):
        return u8(0x80) + text + b"\0"
    yield "pair", block(leaf) + block(key, private)
    yield "chain", block(leaf) + block(ca) + block(key, private)
    yield "other-pair", block(other) + block(other_key, private)
    yield "wrong-key", block(leaf) + block(other_key, private)
    yield "ca", block(ca)
    yield "label", block(leaf, ec) + block(key, ec)
    yield "trusted", block(leaf, 3) + block(key, 6)
    yield "words-between", words(b"subject=x\n") + block(leaf) + words(b"\n\nmore\n") + block(key, private)
    yield "no-end", words(b"-----BEGIN CERTIFICATE-----\nMIIB\n")
    yield "bad-base64", words(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")
    yield "headers", words(b"-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                           b"DEK-Info: AES-256-CBC,00\n\nAAAA\n-----END PRIVATE KEY-----\n")
    yield "nothing", b""
    yield "name-bent", block(leaf, cert, edit(FLIP, 240, 0x60)) + block(key, private)
    yield "der-cut", block(leaf, cert, edit(CUT, 300, 0)) + block(key, private)
    yield "key-bent", block(leaf) + block(key, private, edit(FLIP, 60, 1))
    yield "key-longer", block(leaf) + block(key, private, edit(ADD, 1, 1))
    yield "sealed", block(leaf) + u8(0x40, 6)
    yield "sealed-bent", block(leaf) + u8(0x48, 6) + edit(FLIP, 90, 1)
    yield "sealed-wrong-label", block(leaf) + u8(0x40, private)


def ocsp():
    good, delegated, revoked, other = range(4)
    for name, which in ("good", good), ("delegated", delegated), ("revoked", revoked), ("other", other):
        yield name, u8(which)
    yield "cut", u8(good) + edit(CUT, 60, 0)
    yield "bent-serial", u8(good) + edit(FLIP, 120, 1)
    yield "bent-signature", u8(delegated) + edit(FLIP, 260, 1)
    yield "status", u8(good) + edit(SET, 6, 3)
    yield "nothing", b""


def proxy():
    v4, v6, mapped, low, unix = range(5)

    def end(family, port, address):
        return u8(family) + u16(port) + address.ljust(16, b"\0")
    four, six = b"\xc0\0\2\7", bytes.fromhex("20010db8000000000000000000000001")
    for version in (1, 2):
        for name, one, two in (("v4", (v4, four), (v4, b"\xff" * 4)), ("v6", (v6, six), (v6, b"\xff" * 16)),
                               ("mapped", (mapped, six), (v4, four)), ("mixed", (v4, four), (v6, six)),
                               ("low", (low, bytes(12) + four), (v6, six)), ("unix", (unix, b""), (v4, four))):
            yield f"v{version}-{name}", u8(version, 255) + end(one[0], 65535, one[1]) + end(two[0], 443, two[1])
        yield f"v{version}-no-room", u8(version, 20) + end(v6, 1, six) + end(v6, 2, six)
    yield "version", u8(3, 255)
    four = end(v4, 1, b"\x7f\0\0\1") + end(v4, 443, b"\x7f\0\0\2")
    none = end(unix, 1, b"") + end(unix, 443, b"")

    def told(bits, verify, *sizes):
        return u8(bits) + struct.pack(">I", verify) + b"".join(u16(size) for size in sizes)
    names = (2, 9, 20, 7, 5, 22, 17, 5, 6, 22)
    yield "v2-tls", u8(2, 255) + four + told(0x87, 0, *names)
    yield "v2-tls-no-cert", u8(2, 255) + four + told(0x81, 1, 0, 9, 20, 7, 0, 22, 17, 5, 6, 22, 0)
    yield "v2-tls-full-unix", u8(2, 255) + none + told(0x85, 0, *names, 60000)
    yield "v2-tls-too-large", u8(2, 255) + four + told(0x87, 0, *names, 65500)
    yield "v2-tls-no-room", u8(2, 254) + four + told(0x87, 0, *names, 100)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def proxy_in():
    four = bytes.fromhex("c0000207c6336408dc0401bb")

    def value(kind, data):
        return u8(kind) + u16(len(data)) + data

    def v2(body, command=0x21, family=0x11):
        return b"\r\n\r\n\0\r\nQUIT\n" + u8(command, family) + u16(len(body)) + body
    summed = v2(four + value(3, bytes(4)) + value(2, b"gate.test"))
    summed = summed.replace(value(3, bytes(4)), value(3, struct.pack(">I", crc32c(summed))))
    for name, data in {
        "v1-tcp4": b"PROXY TCP4 192.0.2.7 198.51.100.8 56324 443\r\n\x16\3\1",
        "v1-tcp6": b"PROXY TCP6 2001:db8::7 ::1 1 0\r\n",
        "v1-unknown": b"PROXY UNKNOWN x y\r\n",
        "v1-cut": b"PROXY TCP4 192.0.2.7 198.51",
        "v1-long": b"PROXY UNKNOWN " + b"x" * 120,
        "v2-tcp4": v2(four) + b"\x16\3",
        "v2-tcp6": v2(bytes(36), family=0x21),
        "v2-local": v2(b"", 0x20, 0),
        "v2-unix": v2(bytes(216), family=0x31),
        "v2-tlvs": v2(four + value(0xe0, b"xy") + value(4, b"")),
        "v2-crc": summed,
        "v2-crc-wrong": summed[:-1] + b"T",
        "v2-tlv-cut": v2(four + b"\4\0\5abc"),
        "v2-long": v2(four)[:14] + u16(4081),
        "hello": b"\x16\3\1\2\0",
    }.items():
        yield name, u8(0) + data

    def trip(version, family, size, *sizes):
        ends = u16(1) + (b"\xc0\0\2\7" * 4)[:size] + u16(65535) + bytes(range(size))
        return u8(1, version - 1, family) + ends + b"".join(u16(length) for length in sizes)
    yield "trip-v1-four", trip(1, 0, 4)
    yield "trip-v1-six", trip(1, 1, 16)
    yield "trip-v2-four", trip(2, 0, 4)
    yield "trip-v2-six-tls", trip(2, 1, 16, 2, 9, 20, 7, 5, 22, 17, 5, 6, 22, 600)
    yield "trip-v2-none", trip(2, 2, 16)
    yield "trip-v2-too-long", trip(2, 0, 4, *[4000] * 11)


def recordscan():
    def record(kind, length, body=b"\1\2\3\4\5\6\7\x08"):
        return u8(kind) + u16(length) + body
    flow = record(22, 90) + record(22, 600) + record(20, 1) + record(22, 40) + record(23, 100) + record(23, 24)
    yield "whole", u8(255) + flow
    yield "bytes", u8(0) + flow
    yield "fives", u8(2) + flow
    yield "empty-bodies", u8(1) + record(23, 0) + record(21, 2) + record(20, 0) + record(23, 7) + record(23, 8)


def record_open():
    raw = 0
    for name, suite, longest in (("tls13", 0, 16384 + 17), ("aes", 3, 16384 + 24), ("chacha", 5, 16384 + 16)):
        for more in (0, 1):
            header = b"\x17\x03\x03" + u16(longest + more)
            yield f"{name}-longest-{more}", u8(suite, 0, raw, len(header)) + header


def sni():
    def table(name, *entries):
        return b"\n".join([name, *entries])
    yield "exact", table(b"gate.test", b"\x01gate.test", b"\x02*.test")
    yield "wildcard", table(b"A.Gate.Test.", b"\x01gate.test", b"\x02*.gate.test")
    yield "two-labels", table(b"a.b.gate.test", b"\x01*.gate.test")
    yield "more-types", table(b"gate.test", b"\x01gate.test", b"\x0agate.test", b"\x09gate.test")
    yield "star-sent", table(b"*.gate.test", b"\x01*.gate.test")
    yield "dots", table(b"..", b"\x01.", b"\x02*.", b"\x03")
    yield "long", table(b"a" * 253, b"\x01" + b"a" * 253, b"\x02*" + b"a" * 253)
    yield "too-long", table(b"a" * 254, b"\x01" + b"a" * 254)


def ticket():
    everybody = 0xff
    for number in range(6):
        yield f"session-{number}", u8(number, 0, everybody)
    for version, number in (("tls12", 1), ("tls13", 4)):
        yield f"{version}-not-allowed", u8(number, 0, 0x01)
        yield f"{version}-other-service", u8(number, 1, everybody)
        yield f"{version}-other-trust", u8(number, 2, everybody)
        yield f"{version}-rotated", u8(number, 3, everybody)
        yield f"{version}-key-gone", u8(number, 9, everybody)
        yield f"{version}-name-bent", u8(number, 0, everybody) + u16(0) + u8(1)
        yield f"{version}-iv-bent", u8(number, 0, everybody) + u16(20) + u8(1)
        yield f"{version}-body-bent", u8(number, 0, everybody) + u16(60) + u8(0x80)
        yield f"{version}-mac-bent", u8(number, 0, everybody) + u16(65535) + u8(1)


def upstream():
    for version, bit in (("tls13", 0), ("tls12", 1)):
        yield version, u8(bit, 0)
        yield f"{version}-pieces", u8(bit, 9)
        yield f"{version}-other-name", u8(bit | 2, 0)
        yield f"{version}-hello-bent", u8(bit, 0, 1) + edit(FLIP, 12, 1)
        yield f"{version}-later-bent", u8(bit, 0, 1) + edit(FLIP, 300, 1)
        yield f"{version}-ticket-bent", u8(bit, 0, 0, 1) + edit(FLIP, 100, 1)
        yield f"{version}-ticket-cut", u8(bit, 0, 0, 1) + edit(CUT, 100, 0)
        yield f"{version}-alert", u8(bit, 0, 1) + edit(INSERT, 0, 7, b"\x15\3\3\0\2\2\x28")
        yield f"{version}-more-behind", u8(bit, 0, 1) + edit(INSERT, 65535, 6, b"\x17\3\3\0\1\0")


def values():
    count, duration, size, cpus, ids, addresses = range(6)
    rows = {
        count: ["0", "18446744073709551615", "18446744073709551616", "007", "1x", "-1", ""],
        duration: ["0", "500ms", "10s", "5m", "1h", "2562047h", "2562048h", "1", "1d", "1.5s"],
        size: ["4096", "64k", "1m", "2g", "17179869184g", "64K", "k"],
        cpus: ["0-3,8", "5", "3-1", "1,1", "0-256", "8191", "8192", "0-", ",", "1 "],
        ids: ["root", "0", "4294967294", "4294967295", "nobody", "no-such"],
        addresses: ["127.0.0.1:80\0:80", "[::1]:443\0*:443", "unix:/run/x\0unix:/run/x", "localhost:1\0localhost:0",
                    "[fe80::1%lo]:1\0[fe80::1%1]:1", "[::ffff:127.0.0.1]:1\0127.0.0.1:1", "127.1:1\0" "0x7f.1:1",
                    "a..b:1\0.:1", "[::1]443\0[::1", "1.2.3.4:65536\0:", "host:0\0host:-1"],
    }
    for kind, texts in rows.items():
        for number, text in enumerate(texts):
            yield f"{kind}-{number}", u8(kind) + text.encode()


for make in (chain, channel, conn, crl, flight, logring, ocsp, pem, proxy, proxy_in, record_open, recordscan, sni, ticket,
             upstream, values):
    folder = HERE / "corpus" / make.__name__
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in make():
        (folder / name).write_bytes(data)
