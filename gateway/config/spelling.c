/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/spelling.h"

#include "gateway/base/attr.h"

/* Rows of the table of distances between prefixes: the last but one, the last, the current one. */
struct rows {
    int of[3][GW_SPELLING_MAX + 1];
};

static int cell(const struct rows *r, size_t i, size_t j, const char *a, const char *b)
{
    const int *before = r->of[(i + 1) % 3];
    const int *last = r->of[(i + 2) % 3];
    const int *now = r->of[i % 3];
    bool same = a[i - 1] == b[j - 1];
    int d = GW_MIN(last[j - 1] + !same, GW_MIN(last[j], now[j - 1]) + 1);
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d = GW_MIN(d, before[j - 2] + 1);
    return d;
}

int gw_spelling_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct rows r;
    if (a_len > GW_SPELLING_MAX || b_len > GW_SPELLING_MAX)
        return -1;
    for (size_t j = 0; j <= b_len; j++)
        r.of[0][j] = (int)j;
    for (size_t i = 1; i <= a_len; i++) {
        r.of[i % 3][0] = (int)i;
        for (size_t j = 1; j <= b_len; j++)
            r.of[i % 3][j] = cell(&r, i, j, a, b);
    }
    return r.of[a_len % 3][b_len];
}

bool gw_spelling_near(int distance, size_t len)
{
    return distance >= 0 && distance <= (len < 6 ? 1 : len < 10 ? 2 : 3);
}
