/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol header, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt), which names the
 * client to a backend before the first byte of the stream.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    GW_PROXY_V1_MAX = 107,
    GW_PROXY_V2_HEADER = 16,
    GW_PROXY_V2_BODY_MAX = 65535, /* the bytes after the fixed part */
};

// clang-format off
/* The values that version 2 can carry: name, type of the TLV, whether it is inside the SSL TLV
 * (2.2.6). */
#define GW_TLVS(X)                                                                        \
    X(ALPN,        0x01, false)                                                           \
    X(AUTHORITY,   0x02, false) /* SNI */                                                 \
    X(UNIQUE_ID,   0x05, false) /* id of the connection, up to 128 bytes */               \
    X(VERSION,     0x21, true)  /* TLS version: "TLSv1.3" */                              \
    X(CN,          0x22, true)  /* CN of the client's certificate */                      \
    X(CIPHER,      0x23, true)                                                            \
    X(SIG_ALG,     0x24, true)  /* signed our certificate: "ecdsa-with-SHA256" */          \
    X(KEY_ALG,     0x25, true)  /* key of our certificate: "EC256" */                     \
    X(GROUP,       0x26, true)                                                            \
    X(SIG_SCHEME,  0x27, true)  /* scheme of our signature: "ecdsa_secp256r1_sha256" */   \
    X(CLIENT_CERT, 0x28, true)  /* the client's certificate in DER */
// clang-format on

enum gw_tlv {
#define X(id, type, in_tls) GW_TLV_##id,
    GW_TLVS(X)
#undef X
    GW_TLV_COUNT
};

/* Bits of the field `client`. */
enum {
    GW_PROXY_CLIENT_SSL = 1,       /* it speaks TLS */
    GW_PROXY_CLIENT_CERT_CONN = 2, /* it showed a certificate in this connection's handshake */
    /* it showed one in the handshake of the session that it resumes */
    GW_PROXY_CLIENT_CERT_SESS = 4,
};

struct gw_tlv_value {
    const void *data;
    size_t len; /* 0: left out */
};

struct gw_proxy_tls {
    uint8_t client;
    uint32_t verify; /* 0: it showed a certificate, and that was verified */
    struct gw_tlv_value values[GW_TLV_COUNT];
};

struct gw_proxy_info {
    int version;                    /* 1 or 2 */
    const struct sockaddr *client;  /* the client's address */
    const struct sockaddr *local;   /* the address it connected to */
    const struct gw_proxy_tls *tls; /* version 2: also write this and a checksum; NULL: neither */
};

/*
 * Writes the header to out[0…cap). IPv4 addresses mapped into IPv6 count as IPv4 if both are; a
 * mixed pair is written as IPv6. A client that is not TCP (a unix socket) is written as UNKNOWN
 * (v1) or LOCAL (v2), which means: use the connection's own addresses. Returns the length; -ENOSPC;
 * -EINVAL (version); -EMSGSIZE: the values exceed one header.
 */
ssize_t gw_proxy_encode(uint8_t *out, size_t cap, const struct gw_proxy_info *info);
/* A `cap` that suffices, or -EMSGSIZE. */
ssize_t gw_proxy_room(const struct gw_proxy_info *info);
