/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers refer to HAProxy's doc/proxy-protocol.txt. */
#include "gateway/wire/proxy_in.h"

#include "gateway/base/attr.h"
#include "gateway/base/bytes.h"
#include "gateway/wire/crc32c.h"
#include "gateway/wire/proxy.h"

#include <arpa/inet.h>
#include <string.h>

static enum gw_proxy_verdict bad(struct gw_proxy_in *ret, const char *why)
{
    *ret = (struct gw_proxy_in){.why = why};
    return GW_PROXY_BAD;
}

/* ---- version 1: 2.1 ---- */

static const char word_v1[6] = "PROXY ";

/* The next word of the line. NULL when it is empty or missing. Words are separated by one blank. */
static char *next_word(char **at)
{
    char *word = *at;
    if (!word || *word == ' ' || *word == '\0')
        return NULL;
    char *blank = strchr(word, ' ');
    *at = blank ? blank + 1 : NULL;
    if (blank)
        *blank = '\0';
    return word;
}

/* Decimal without leading zeros; the result is in network order. */
static bool read_port(const char *word, in_port_t *ret)
{
    unsigned port = 0;
    size_t len = word ? strlen(word) : 0;
    if (len == 0 || len > 5 || (len > 1 && *word == '0'))
        return false;
    for (; *word; word++) {
        if (*word < '0' || *word > '9')
            return false;
        port = port * 10 + (unsigned)(*word - '0');
    }
    *ret = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

static bool read_host(int family, const char *word, union gw_proxy_end *ret)
{
    ret->sa.sa_family = (sa_family_t)family;
    return word && inet_pton(family, word,
                             family == AF_INET ? (void *)&ret->v4.sin_addr
                                               : (void *)&ret->v6.sin6_addr) == 1;
}

/* The port has the same offset in both. */
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "of Linux");

/* Parses the text after "PROXY ", without the end of the line. */
static bool read_line(char *at, struct gw_proxy_in *ret)
{
    const char *family = next_word(&at);
    if (!family)
        return false;
    if (strcmp(family, "UNKNOWN") == 0)
        return true; /* the rest of the line is ignored */
    int af = strcmp(family, "TCP4") == 0 ? AF_INET : AF_INET6;
    if (af == AF_INET6 && strcmp(family, "TCP6") != 0)
        return false;
    return read_host(af, next_word(&at), &ret->client) &&
           read_host(af, next_word(&at), &ret->local) &&
           read_port(next_word(&at), &ret->client.v4.sin_port) &&
           read_port(next_word(&at), &ret->local.v4.sin_port) && !at;
}

static enum gw_proxy_verdict parse_v1(const char *data, size_t len, struct gw_proxy_in *ret)
{
    char line[GW_PROXY_V1_MAX];
    size_t most = GW_MIN(len, (size_t)GW_PROXY_V1_MAX);
    const char *end = memchr(data, '\n', most);
    if (!end)
        return len < GW_PROXY_V1_MAX ? GW_PROXY_PARTIAL : bad(ret, "its line does not end");
    size_t text = (size_t)(end - data) - sizeof(word_v1); /* includes the CR */
    if (end < data + sizeof(word_v1) + 1 || end[-1] != '\r')
        return bad(ret, "its line does not end in CR LF");
    memcpy(line, data + sizeof(word_v1), text - 1);
    line[text - 1] = '\0';
    if (strlen(line) != text - 1 || !read_line(line, ret))
        return bad(ret, "its line is malformed");
    ret->len = (size_t)(end - data) + 1;
    return GW_PROXY_WHOLE;
}

/* ---- version 2: 2.2 ---- */

enum {
    COMMAND_LOCAL = 0,
    COMMAND_PROXY = 1,
    STREAM = 1, /* transport protocol */
    TYPE_CRC32C = 3,
    CRC_BYTES = 4,
};

static const uint8_t signature_v2[12] = "\r\n\r\n\0\r\nQUIT\n";

/* Indexed by the number of the address family. */
static const struct {
    size_t bytes; /* both addresses with their ports */
    int family;   /* AF_UNSPEC: not used */
} families[] = {
    {0, AF_UNSPEC}, {12, AF_INET}, {36, AF_INET6}, {216, AF_UNSPEC}, /* unix sockets */
};

static void read_ends(struct gw_reader *r, int family, struct gw_proxy_in *ret)
{
    size_t size = family == AF_INET ? 4 : 16;
    union gw_proxy_end *ends[] = {&ret->client, &ret->local};
    for (size_t i = 0; i < GW_ARRAY_SIZE(ends); i++) {
        const uint8_t *address = gw_read_span(r, size);
        ends[i]->sa.sa_family = (sa_family_t)family;
        if (address)
            memcpy(family == AF_INET ? (void *)&ends[i]->v4.sin_addr
                                     : (void *)&ends[i]->v6.sin6_addr,
                   address, size);
    }
    for (size_t i = 0; i < GW_ARRAY_SIZE(ends); i++)
        ends[i]->v4.sin_port = htons(gw_read_u16(r));
}

/* The checksum covers the header with zeroes in its own place (2.2.3). */
static bool crc_right(const uint8_t *header, size_t len, const uint8_t *crc)
{
    static const uint8_t zeroes[CRC_BYTES];
    struct gw_reader r = gw_reader_of(crc, CRC_BYTES);
    uint32_t sum = gw_crc32c(0, header, (size_t)(crc - header));
    sum = gw_crc32c(sum, zeroes, sizeof(zeroes));
    sum = gw_crc32c(sum, crc + CRC_BYTES, (size_t)(header + len - crc) - CRC_BYTES);
    return sum == gw_read_u32(&r);
}

/* NULL: the TLVs are well formed, and the checksum, if present, is correct. */
static const char *check_tlvs(struct gw_reader *r, const uint8_t *header, size_t len)
{
    const uint8_t *crc = NULL;
    while (gw_reader_left(r) > 0) {
        uint8_t type = gw_read_u8(r);
        size_t size = gw_read_u16(r);
        const uint8_t *value = gw_read_span(r, size);
        if (!value)
            return "its values are cut off";
        if (type != TYPE_CRC32C)
            continue;
        if (crc || size != CRC_BYTES)
            return "its checksum is malformed";
        crc = value;
    }
    return crc && !crc_right(header, len, crc) ? "its checksum is wrong" : NULL;
}

/* Requires a complete header. */
static enum gw_proxy_verdict read_v2(const uint8_t *data, size_t len, uint8_t command, uint8_t kind,
                                     struct gw_proxy_in *ret)
{
    struct gw_reader r = gw_reader_of(data, len);
    size_t addresses = families[kind >> 4].bytes;
    (void)gw_read_span(&r, GW_PROXY_V2_HEADER);
    if (command == COMMAND_LOCAL && gw_reader_left(&r) < addresses)
        addresses = gw_reader_left(&r); /* their values would be ignored anyway */
    struct gw_reader ends = gw_read_sub(&r, addresses);
    if (ends.failed)
        return bad(ret, "its addresses are cut off");
    if (command == COMMAND_PROXY && (kind & 15) == STREAM && families[kind >> 4].family)
        read_ends(&ends, families[kind >> 4].family, ret);
    const char *why = check_tlvs(&r, data, len);
    if (why)
        return bad(ret, why);
    ret->len = len;
    return GW_PROXY_WHOLE;
}

static enum gw_proxy_verdict parse_v2(const uint8_t *data, size_t len, struct gw_proxy_in *ret)
{
    struct gw_reader r = gw_reader_of(data, len);
    (void)gw_read_span(&r, sizeof(signature_v2));
    uint8_t command = gw_read_u8(&r);
    uint8_t kind = gw_read_u8(&r);
    size_t body = gw_read_u16(&r);
    if (r.failed)
        return GW_PROXY_PARTIAL;
    if (command >> 4 != 2 || (command & 15) > COMMAND_PROXY)
        return bad(ret, "its version or command is unknown");
    if (kind >> 4 >= (int)GW_ARRAY_SIZE(families) || (kind & 15) > 2)
        return bad(ret, "its address family or protocol is unknown");
    if (body > GW_PROXY_IN_MAX - GW_PROXY_V2_HEADER)
        return bad(ret, "it is longer than 4096 bytes");
    if (len < GW_PROXY_V2_HEADER + body)
        return GW_PROXY_PARTIAL;
    return read_v2(data, GW_PROXY_V2_HEADER + body, command & 15, kind, ret);
}

enum gw_proxy_verdict gw_proxy_parse(const void *data, size_t len, struct gw_proxy_in *ret)
{
    *ret = (struct gw_proxy_in){.len = 0};
    if (len == 0)
        return GW_PROXY_PARTIAL;
    if (memcmp(data, word_v1, GW_MIN(len, sizeof(word_v1))) == 0)
        return parse_v1(data, len, ret);
    if (memcmp(data, signature_v2, GW_MIN(len, sizeof(signature_v2))) == 0)
        return parse_v2(data, len, ret);
    return bad(ret, "the first bytes are not a PROXY header");
}
