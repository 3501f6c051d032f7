# SPDX-License-Identifier: Apache-2.0
"""Hears what the interfaces of a network namespace carry, as far as it may be of a flood."""
import contextlib
import ctypes
import socket
import struct

import flood_packets
import spaces

VOICE = "127.18.0.1" # a part of the loopback's own addresses, which is let through, too
PACKETS_ALL = 3 # ETH_P_ALL, <linux/if_ether.h>
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33 # <asm-generic/socket.h>
SOL_PACKET, PACKET_STATISTICS = 263, 6 # <linux/socket.h>, <linux/if_packet.h>
BUFFER = 8 << 20

# The kernel leaves out what is IPv4 or IPv6 of other addresses, of which there may be more than can be
# read. Code, how many to jump over if so and if not, operand (<linux/bpf_common.h>).
WORD, HALF, MASK, EQUAL, RETURN = 0x20, 0x28, 0x54, 0x15, 0x06
FILTER = [
    (HALF, 0, 0, 12), (EQUAL, 2, 0, 0x0800), (EQUAL, 8, 0, 0x86DD), (RETURN, 0, 0, 0xFFFF),
    (WORD, 0, 0, 26), (MASK, 0, 0, 0xFFFE0000), (EQUAL, 8, 0, 0xC6120000), # 198.18.0.0/15
    (WORD, 0, 0, 30), (MASK, 0, 0, 0xFFFE0000), (EQUAL, 5, 0, 0xC6120000),
    (EQUAL, 4, 5, 0x7F120000), # 127.18.0.0/15
    (WORD, 0, 0, 22), (EQUAL, 2, 0, 0x20010002), # 2001:2::/32
    (WORD, 0, 0, 38), (EQUAL, 0, 1, 0x20010002),
    (RETURN, 0, 0, 0xFFFF), (RETURN, 0, 0, 0),
]


def is_of_flood(frame):
    kind = frame[12:14]
    if kind not in (b"\x08\x00", b"\x86\xdd") or len(frame) < (34 if kind == b"\x08\x00" else 54):
        return frame[6:12].startswith(b"\x02\0\0\0\0")
    packet = flood_packets.Packet(frame)
    return any(a in net for net in flood_packets.RANGES for a in (packet.source, packet.target))


class Ear:
    """`heard`: all frames, `arrived`: those that came from elsewhere. It is to be read in time."""

    def __init__(self, namespace="/proc/self/ns/net"):
        self.heard, self.arrived = [], []
        with spaces.inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                        socket.htons(PACKETS_ALL))
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *x) for x in FILTER))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HP", len(FILTER), ctypes.addressof(program)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, (_, _, way, *_) = self.socket.recvfrom(2048)
                self.heard.append(frame)
                if way != socket.PACKET_OUTGOING:
                    self.arrived.append(frame)

    def missed(self):
        """How many frames found no room."""
        return struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
