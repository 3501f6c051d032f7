# SPDX-License-Identifier: Apache-2.0
"""Reads packets of floods back, and tells what is wrong with each: a reader of its own, by the RFCs,
that shares nothing with what makes them. A good packet has no defects."""
import ipaddress
import struct

TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION = 0, 43, 44, 59, 60
RANGES = [ipaddress.ip_network(net) for net in ("198.18.0.0/15", "2001:2::/48")]


def read_pcap(path):
    """(seconds, frame) of each packet."""
    with open(path, "rb") as file:
        data = file.read()
    magic, major, minor, _, _, snap, link = struct.unpack(">IHHIIII", data[:24])
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 1), "no pcap of Ethernet"
    at, packets = 24, []
    while at < len(data):
        seconds, micros, kept, length = struct.unpack(">IIII", data[at:at + 16])
        assert kept == length <= snap and at + 16 + kept <= len(data), "a packet is cut"
        packets.append((seconds + micros / 1e6, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return packets


def checksum(data):
    """Of what has its checksum in it, right is 0 (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Packet:
    """What a frame holds; `defects` is a set of words."""

    def __init__(self, frame):
        self.frame, self.ip, self.defects = frame, frame[14:], set()
        self.protocol = self.source_port = self.port = self.flags = None
        self.seq = self.ack = 0
        self.payload, self.fragment = b"", False
        self.v6 = struct.unpack(">H", frame[12:14])[0] == 0x86DD
        addresses, size = (8, 16) if self.v6 else (12, 4)
        self.source = ipaddress.ip_address(self.ip[addresses:addresses + size])
        self.target = ipaddress.ip_address(self.ip[addresses + size:addresses + 2 * size])
        if self.ip[0] >> 4 != (6 if self.v6 else 4):
            self.defects.add("version")
            return
        rest = self.read_v6() if self.v6 else self.read_v4()
        if rest is not None and not self.fragment:
            self.read_transport(rest)
        if self.source == self.target:
            self.defects.add("to itself")

    def inside(self):
        return all(any(a in net for net in RANGES) for a in (self.source, self.target))

    # ---- IPv4 (RFC 791) ----

    def read_v4(self):
        ip, header = self.ip, (self.ip[0] & 15) * 4
        length, flags = struct.unpack(">H", ip[2:4])[0], struct.unpack(">H", ip[6:8])[0]
        if not 20 <= header <= len(ip):
            self.defects.add("header length")
            return None
        if length != len(ip):
            self.defects.add("length")
        if ip[8] == 0:
            self.defects.add("ttl")
        if checksum(ip[:header]):
            self.defects.add("ip checksum")
        self.read_v4_options(ip[20:header])
        self.protocol = ip[9]
        self.note_fragment(bool(flags & 0x2000), flags & 0x1FFF, len(ip) - header, header)
        if flags & 0x8000:
            self.defects.add("reserved")
        if flags & 0x4000 and self.fragment:
            self.defects.add("fragment of a whole")
        return ip[header:]

    def read_v4_options(self, options):
        for kind, value in self.options(options, "ip option"):
            if kind in (131, 137):
                self.defects.add("source route")
            elif kind in (7, 68) and value and value[0] > len(value) + 3:
                self.defects.add("ip option pointer")
            elif kind == 68 and value[0] == len(value) + 3 and value[1] >> 4 == 15:
                self.defects.add("ip option overflow") # no room, and 15 that found none before

    def options(self, data, what):
        """(kind, value) of each, as IPv4 and TCP have them."""
        at = 0
        while at < len(data) and data[at] != 0:
            if data[at] == 1:
                at += 1
                continue
            size = data[at + 1] if at + 1 < len(data) else 0
            if size < 2 or at + size > len(data):
                self.defects.add(what)
                return
            yield data[at], data[at + 2:at + size]
            at += size

    # ---- IPv6 (RFC 8200) ----

    def read_v6(self):
        ip = self.ip
        length, following, hops = struct.unpack(">HBB", ip[4:8])
        if length != len(ip) - 40:
            self.defects.add("length")
        if hops == 0:
            self.defects.add("ttl")
        rest, first = ip[40:], True
        while following in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION) and not self.fragment:
            if following == HOP_BY_HOP and not first:
                self.defects.add("late options")
            size = 8 if following == FRAGMENT or len(rest) < 2 else 8 * (rest[1] + 1)
            if len(rest) < size:
                self.defects.add("extension")
                return None
            self.read_extension(following, rest[:size], len(rest) - size)
            following, rest, first = rest[0], rest[size:], False
        self.protocol = following
        return rest

    def read_extension(self, kind, header, behind):
        if kind == FRAGMENT:
            where = struct.unpack(">H", header[2:4])[0]
            self.note_fragment(bool(where & 1), where >> 3, behind, 48)
        elif kind == ROUTING:
            if header[2] == 0 and header[3]:
                self.defects.add("source route")
            if header[3] > header[1] // 2:
                self.defects.add("route length")
        else:
            self.read_v6_options(header[2:])

    def read_v6_options(self, data):
        at = 0
        while at < len(data):
            if data[at] == 0:
                at += 1
                continue
            size = 2 + data[at + 1] if at + 1 < len(data) else len(data) + 1
            if at + size > len(data):
                self.defects.add("ip option")
                return
            if data[at] == 0xC2 and struct.unpack(">I", data[at + 2:at + 6])[0] < 65536:
                self.defects.add("jumbo")
            elif data[at] not in (1, 0xC2):
                self.defects.add("unknown option")
            at += size

    def note_fragment(self, more, offset, behind, headers):
        self.fragment = more or offset > 0
        if self.fragment:
            self.defects.add("first fragment" if offset == 0 else
                             "middle fragment" if more else "last fragment")
        if more and behind % 8:
            self.defects.add("odd")
        if self.fragment and behind == 0:
            self.defects.add("empty")
        if offset * 8 + behind + headers > 65535:
            self.defects.add("beyond 64k")
        if self.fragment and 0 < offset * 8 < 20:
            self.defects.add("overlapping")
        if offset == 0 and more and behind < 20:
            self.defects.add("tiny")

    # ---- TCP and UDP ----

    def pseudo(self, length):
        return (self.source.packed + self.target.packed +
                struct.pack(">IHH", length, 0, self.protocol))

    def read_transport(self, data):
        if self.protocol not in (TCP, UDP):
            self.defects.add("protocol")
        elif len(data) < (20 if self.protocol == TCP else 8):
            self.defects.add("cut")
        else:
            self.source_port, self.port = struct.unpack(">HH", data[:4])
            if 0 in (self.source_port, self.port):
                self.defects.add("port")
            (self.read_tcp if self.protocol == TCP else self.read_udp)(data)

    def read_udp(self, data):
        length, sent = struct.unpack(">HH", data[4:8])
        if length != len(data):
            self.defects.add("udp length")
        if sent == 0:
            self.defects.add("no checksum")
        elif checksum(self.pseudo(len(data)) + data):
            self.defects.add("checksum")
        self.payload = data[8:]

    def read_tcp(self, data):
        self.seq, self.ack, offset, self.flags, _, _, urgent = struct.unpack(">IIBBHHH", data[4:20])
        header = (offset >> 4) * 4
        if checksum(self.pseudo(len(data)) + data):
            self.defects.add("checksum")
        if not 20 <= header <= len(data):
            self.defects.add("data offset")
            return
        self.payload = data[header:]
        held = self.flags & (SYN | RST | FIN)
        if held & (held - 1) or not self.flags & (SYN | RST | FIN | ACK):
            self.defects.add("flags")
        if self.flags & URG and urgent > len(self.payload):
            self.defects.add("urgent")
        for kind, value in self.options(data[20:header], "tcp option"):
            self.read_tcp_option(kind, value)

    def read_tcp_option(self, kind, value):
        lengths = {2: (2,), 3: (1,), 4: (0,), 8: (8,), 34: (0, 4, 6, 8, 10, 12, 14, 16)}
        if kind in lengths and len(value) not in lengths[kind]:
            self.defects.add("tcp option length")
        elif kind == 5 and (not value or len(value) % 8):
            self.defects.add("tcp option length")
        elif kind == 19:
            self.defects.add("md5")
        elif kind == 2 and value == b"\0\0":
            self.defects.add("mss")
        elif kind == 3 and value[0] > 14:
            self.defects.add("scale")
