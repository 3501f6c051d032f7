/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/wire/crc32c: the vectors of RFC 3720 B.4, in one piece and in two. */
#include "gateway/wire/crc32c.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    LEN = 32
};

static void fill(uint8_t data[LEN], int first, int step)
{
    for (int i = 0; i < LEN; i++)
        data[i] = (uint8_t)(first + i * step);
}

static void known_vectors(void **state)
{
    static const struct {
        int first, step;
        uint32_t crc;
    } rows[] = {
        {0, 0, 0x8a9136aa},
        {0xff, 0, 0x62a8ab43},
        {0, 1, 0x46dd794e},
        {31, -1, 0x113fdb5c},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        uint8_t data[LEN];
        fill(data, rows[i].first, rows[i].step);
        for (size_t cut = 0; cut <= LEN; cut++)
            assert_int_equal(gw_crc32c(gw_crc32c(0, data, cut), data + cut, LEN - cut),
                             rows[i].crc);
    }
    assert_int_equal(gw_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(gw_crc32c(0, "", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors),
    };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
