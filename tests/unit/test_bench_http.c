/* SPDX-License-Identifier: Apache-2.0 */
/* bench/load/http: heads as servers send them, and as they must not. */
#include "bench/load/http.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define END "\r\n\r\n"

/* In memory of exactly that size, so that a sanitizer detects a read beyond it. */
static uint8_t *copy_of(const char *text, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    return copy;
}

static void a_head_ends_with_its_empty_line(void **state gw_unused)
{
    static const char text[] = OK "Content-Length: 5" END "hello";
    size_t whole = sizeof(text) - 1 - 5;
    for (size_t len = 0; len < sizeof(text); len++) {
        uint8_t *data = copy_of(text, len);
        assert_int_equal(bench_http_head_len(data, len), len < whole ? 0 : whole);
        free(data);
    }
    assert_int_equal(bench_http_head_len((const uint8_t *)"\r\n\r\n", 4), 4);
    assert_int_equal(bench_http_head_len((const uint8_t *)"a\n\nb\n\n", 6), 0);
}

static void the_status(void **state gw_unused)
{
    static const struct {
        const char *head;
        unsigned status;
    } rows[] = {
        {OK END, 200},
        {"HTTP/1.0 404 Not Found" END, 404},
        {"HTTP/1.1 204" END, 204},
        {"HTTP/2.0 200 OK" END, 0},
        {"HTTP/1.1  200 OK" END, 0},
        {"HTTP/1.1 2 0 OK" END, 0},
        {"HTTP/1.1 -20 OK" END, 0},
        {"HTTP/1.1200 OK" END, 0},
        {"http/1.1 200 OK" END, 0},
        {"220 smtp.test ESMTP" END, 0},
        {"HTTP/1.1 20", 0},
        {"", 0},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        size_t len = strlen(rows[i].head);
        uint8_t *head = copy_of(rows[i].head, len);
        if (bench_http_status(head, len) != rows[i].status)
            fail_msg("'%s' gives %u", rows[i].head, bench_http_status(head, len));
        free(head);
    }
}

#define NO_LENGTH UINT64_C(0xfedcba)

static const struct {
    const char *head;
    uint64_t length;
} lengths[] = {
    {OK "Content-Length: 5" END, 5},
    {OK "content-length:5" END, 5},
    {OK "CONTENT-LENGTH: \t 5 \t" END, 5},
    {OK "Server: x\r\nContent-Length: 0\r\nX: y" END, 0},
    {OK "Content-Length: 18446744073709551615" END, UINT64_MAX},
    {OK "Content-Length: 000000000000000000000000000007" END, 7},
    {OK "X-Content-Length: 5" END, NO_LENGTH},
    {OK "Content-Lengths: 5" END, NO_LENGTH},
    {OK "Content-Length : 5" END, NO_LENGTH},
    {OK " Content-Length: 5" END, NO_LENGTH},
    {OK "X: y" END, NO_LENGTH},
    {OK "Content-Length: 5\r\nContent-Length: 5" END, NO_LENGTH},
    {OK "Content-Length: 5\r\nX: y\r\ncontent-length: 6" END, NO_LENGTH},
    {OK "Content-Length: 18446744073709551616" END, NO_LENGTH},
    {OK "Content-Length: 99999999999999999999999999" END, NO_LENGTH},
    {OK "Content-Length: -1" END, NO_LENGTH},
    {OK "Content-Length: +1" END, NO_LENGTH},
    {OK "Content-Length: 0x10" END, NO_LENGTH},
    {OK "Content-Length: 1e3" END, NO_LENGTH},
    {OK "Content-Length: 5 6" END, NO_LENGTH},
    {OK "Content-Length: 5, 5" END, NO_LENGTH},
    {OK "Content-Length: 5;" END, NO_LENGTH},
    {OK "Content-Length: " END, NO_LENGTH},
    {OK "Content-Length:" END, NO_LENGTH},
    {OK "Content-Length: five" END, NO_LENGTH},
    {OK "Content-Length: 5\nX: y" END, NO_LENGTH},
    {OK "Content-Length: 5\r", NO_LENGTH},
    {OK "Content-Length: 5", NO_LENGTH},
    {OK "Content-Length:", NO_LENGTH},
    {OK "Transfer-Encoding: chunked" END, NO_LENGTH},
    {OK "Content-Length: 5\r\nTransfer-Encoding: chunked" END, NO_LENGTH},
    {OK "transfer-encoding:chunked\r\nContent-Length: 5" END, NO_LENGTH},
    {"Content-Length: 5" END, NO_LENGTH}, /* the first line is not a header */
    {"", NO_LENGTH},
};

static void the_length_is_told_once_and_is_a_number(void **state gw_unused)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(lengths); i++) {
        size_t len = strlen(lengths[i].head);
        uint8_t *head = copy_of(lengths[i].head, len);
        uint64_t got = NO_LENGTH;
        bool found = bench_http_content_length(head, len, &got);
        if (found != (lengths[i].length != NO_LENGTH) || (found && got != lengths[i].length))
            fail_msg("'%s' gives %d, %llu", lengths[i].head, found, (unsigned long long)got);
        free(head);
    }
}

static void a_line_is_found_as_a_whole(void **state gw_unused)
{
    static const char head[] = OK "SERVER: ktlsgate-bench\r\nX: y" END;
    const uint8_t *data = (const uint8_t *)head;
    size_t len = sizeof(head) - 1;
    assert_true(bench_http_has_line(data, len, "Server: ktlsgate-bench"));
    assert_true(bench_http_has_line(data, len, "x: y"));
    assert_false(bench_http_has_line(data, len, "Server: ktlsgate"));
    assert_false(bench_http_has_line(data, len, "ktlsgate-bench"));
    assert_false(bench_http_has_line(data, len, "HTTP/1.1 200 OK"));
    assert_false(bench_http_has_line(data, len - 4, "X: y"));
}

/* Anything that a server may send, cut anywhere: nothing is read behind it. */
static void giant_and_random_heads(void **state gw_unused)
{
    static const char letters[] = "\r\n\r\n: \tContent-Length:0179HTTP/1. transfer-encoding:\0";
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        size_t len = round % 100 ? (size_t)round % 97 : 100000;
        uint8_t *data = malloc(len ? len : 1);
        uint64_t length;
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            data[i] = (uint8_t)letters[(random >> 16) % (sizeof(letters) - 1)];
        }
        assert_true(bench_http_head_len(data, len) <= len);
        (void)bench_http_status(data, len);
        (void)bench_http_content_length(data, len, &length);
        (void)bench_http_has_line(data, len, "Server: ktlsgate-bench");
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_with_its_empty_line),
        cmocka_unit_test(the_status),
        cmocka_unit_test(the_length_is_told_once_and_is_a_number),
        cmocka_unit_test(a_line_is_found_as_a_whole),
        cmocka_unit_test(giant_and_random_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
