/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static int refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -EINVAL;
}

/* An IPv4 address in IPv6 form is the same host, so both are equal here. */
static void unmap(struct gw_net *net)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (net->len != 16 || net->bits < 96 || memcmp(net->bytes, mapped, sizeof(mapped)) != 0)
        return;
    memmove(net->bytes, net->bytes + 12, 4);
    net->len = 4;
    net->bits -= 96;
}

static bool read_bits(const char *text, unsigned max, uint8_t *ret)
{
    unsigned n = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 3 || text[len] || (len > 1 && *text == '0'))
        return false;
    for (; *text; text++)
        n = n * 10 + (unsigned)(*text - '0');
    *ret = (uint8_t)n;
    return n <= max;
}

static bool has_more_bits(const struct gw_net *net)
{
    for (unsigned bit = net->bits; bit < 8U * net->len; bit++)
        if (net->bytes[bit / 8] & 0x80 >> bit % 8)
            return true;
    return false;
}

int gw_net_read(const char *text, struct gw_net *ret, const char **ret_why)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    memset(ret, 0, sizeof(*ret));
    if (len >= sizeof(address))
        return refuse(ret_why, "it is not an IP address");
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, ret->bytes) == 1)
        ret->len = 4;
    else if (inet_pton(AF_INET6, address, ret->bytes) == 1)
        ret->len = 16;
    else
        return refuse(ret_why, "it is not an IP address");
    ret->bits = (uint8_t)(8 * ret->len);
    if (text[len] && !read_bits(text + len + 1, ret->bits, &ret->bits))
        return refuse(ret_why, "after the slash comes the number of bits that count");
    if (has_more_bits(ret))
        return refuse(ret_why, "bits after the network's are set");
    unmap(ret);
    return 0;
}

/* An address as a network of all its bits. Length 0: it is neither IPv4 nor IPv6. */
static struct gw_net net_of(const struct sockaddr *addr)
{
    struct gw_net net = {.len = 0};
    if (addr->sa_family == AF_INET)
        net.len = 4;
    else if (addr->sa_family == AF_INET6)
        net.len = 16;
    net.bits = (uint8_t)(8 * net.len);
    memcpy(net.bytes,
           net.len == 4 ? (const void *)&((const struct sockaddr_in *)addr)->sin_addr
                        : (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr,
           net.len);
    unmap(&net);
    return net;
}

bool gw_net_has(const struct gw_net *net, const struct sockaddr *addr)
{
    struct gw_net host = net_of(addr);
    unsigned whole = net->bits / 8;
    unsigned rest = net->bits % 8;
    return host.len && host.len == net->len && !memcmp(host.bytes, net->bytes, whole) &&
           (!rest || !((host.bytes[whole] ^ net->bytes[whole]) >> (8 - rest)));
}
