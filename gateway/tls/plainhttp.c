/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/plainhttp.h"

#include "gateway/base/attr.h"

#include <string.h>

/* The first bytes, as many as needed, of each method of RFC 9110 9 and RFC 5789 with the blank
 * after it, and of the preface of HTTP/2 (RFC 9113 3.4). */
static const char *const beginnings[] = {
    "GET ",     "HEAD ",    "POST ",  "PUT ",   "DELETE ",
    "CONNECT ", "OPTIONS ", "TRACE ", "PATCH ", "PRI * HT",
};

enum gw_plainhttp gw_plainhttp_look(const uint8_t *data, size_t len)
{
    enum gw_plainhttp found = GW_PLAINHTTP_NO;
    for (size_t i = 0; i < GW_ARRAY_SIZE(beginnings); i++) {
        size_t whole = strlen(beginnings[i]);
        if (memcmp(data, beginnings[i], GW_MIN(len, whole)) != 0)
            continue;
        if (len >= whole)
            return GW_PLAINHTTP_YES;
        found = GW_PLAINHTTP_PERHAPS;
    }
    return found;
}

#define SENTENCE "This port speaks TLS: use https:// instead of http://.\n"
#define LENGTH "55"

_Static_assert(sizeof(SENTENCE) - 1 == 55, "Content-Length");

static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: " LENGTH "\r\n"
                             "Connection: close\r\n"
                             "\r\n" SENTENCE;

const char *gw_plainhttp_answer(size_t *ret_len)
{
    *ret_len = sizeof(answer) - 1;
    return answer;
}
