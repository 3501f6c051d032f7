/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libktlsinstall against a real kernel. On a machine without the tls upper layer only the errors
 * are tested and the rest is skipped by name; inside the test kernel (KTLS_EXPECTED is set) nothing
 * may be skipped.
 */
#include "gateway/ktls/pair.h"

#include "gateway/base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/skip.h"

enum {
    ALERT = 21,
    HANDSHAKE = 22,
    DATA = 23
};

static struct ktls_pair pair;
static bool have_tls;

static void close_pair(struct ktls_pair **p)
{
    ktls_pair_close(*p);
}

/* A fresh connection that is closed at the end of the test. */
#define CONNECTED()                                                                                \
    assert_int_equal(ktls_pair_connect(&pair), 0);                                                 \
    gw_cleanup(close_pair) gw_unused struct ktls_pair *to_close = &pair

#define NEEDS_TLS()                                                                                \
    do {                                                                                           \
        if (!have_tls)                                                                             \
            skip_with("this kernel has no tls");                                                   \
    } while (0)

/* Does the kernel list the upper layer? Read after an attach, which may load the module. */
static bool tls_listed(void)
{
    char line[256] = "";
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
    if (!file)
        return false;
    char *got = fgets(line, sizeof(line), file);
    (void)fclose(file);
    for (char *word = got ? strtok(line, " \n") : NULL; word; word = strtok(NULL, " \n"))
        if (!strcmp(word, "tls"))
            return true;
    return false;
}

static int find_out(void **state)
{
    (void)state;
    int r = ktls_pair_connect(&pair);
    if (!r)
        (void)ktls_attach(pair.far);
    ktls_pair_close(&pair);
    have_tls = tls_listed();
    if (!have_tls && getenv("KTLS_EXPECTED")) {
        (void)fprintf(stderr, "this kernel should have the tls upper layer and has not\n");
        return -1;
    }
    return r;
}

static const struct ktls_suite *suite_13(void)
{
    return ktls_suite_find(0x1301);
}

/* --- errors that every kernel can give --- */

static void attach_says_whether_tls_is_there(void **state)
{
    (void)state;
    CONNECTED();
    assert_int_equal(ktls_attach(pair.far), have_tls ? 0 : -ENOENT);
}

static void attach_bad_descriptor(void **state)
{
    (void)state;
    assert_int_equal(ktls_attach(-1), -EBADF);
}

static void install_without_attach(void **state)
{
    (void)state;
    uint8_t secret[32] = {1};
    struct ktls_keys keys;
    CONNECTED();
    assert_int_equal(ktls_derive_tls13(suite_13(), secret, sizeof(secret), &keys), 0);
    assert_int_equal(ktls_install(pair.far, KTLS_TX, &keys), -ENOPROTOOPT);
    assert_int_equal(ktls_install(pair.far, KTLS_RX, &keys), -ENOPROTOOPT);
}

static void wrong_arguments(void **state)
{
    (void)state;
    static const uint8_t big[16385];
    struct ktls_keys keys = {.suite = NULL};
    CONNECTED();
    assert_int_equal(ktls_install(pair.far, KTLS_TX, &keys), -EINVAL);
    keys.suite = suite_13();
    assert_int_equal(ktls_install(pair.far, (enum ktls_direction)4, &keys), -EINVAL);
    assert_int_equal(ktls_send_control(pair.far, ALERT, "", 0), -EINVAL);
    assert_int_equal(ktls_send_control(pair.far, ALERT, big, sizeof(big)), -EMSGSIZE);
    assert_int_equal(ktls_send_control(-1, ALERT, big, 2), -EBADF);
}

/* --- attaching --- */

static void attach_twice(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(ktls_attach(pair.far), 0);
    assert_int_equal(ktls_attach(pair.far), 0);
}

static void attach_unconnected(void **state)
{
    (void)state;
    NEEDS_TLS();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ktls_attach(fd), -ENOTCONN);
    close(fd);
}

static void attach_after_fin(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(shutdown(pair.near, SHUT_WR), 0);
    assert_int_equal(ktls_pair_wait(&pair, pair.far, POLLRDHUP), 0);
    assert_int_equal(ktls_attach(pair.far), -ENOTCONN);
}

/* --- records --- */

static void fill_pattern(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i ^ i >> 7 ^ i >> 15);
}

/* The kernel seals, libcrypto opens; the other way round; control records among them. */
static void every_suite_against_libcrypto(void **state)
{
    (void)state;
    NEEDS_TLS();
    static uint8_t full[KTLS_SOFT_PLAIN_MAX];
    const struct ktls_suite *suite;
    fill_pattern(full, sizeof(full));
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        CONNECTED();
        assert_int_equal(ktls_pair_start(&pair, suite, KTLS_TX | KTLS_RX), 0);
        assert_int_equal(ktls_pair_far_send(&pair, full, sizeof(full)), 0);
        assert_int_equal(ktls_pair_expect(&pair, DATA, full, sizeof(full)), 0);
        assert_int_equal(ktls_send_control(pair.far, HANDSHAKE, "\x04\0\0\x01x", 5), 0);
        assert_int_equal(ktls_pair_expect(&pair, HANDSHAKE, "\x04\0\0\x01x", 5), 0);
        assert_int_equal(ktls_pair_far_send(&pair, "x", 1), 0);
        assert_int_equal(ktls_pair_expect(&pair, DATA, "x", 1), 0);

        assert_int_equal(ktls_pair_seal(&pair, DATA, full, sizeof(full), 0), 0);
        assert_int_equal(ktls_pair_seal(&pair, ALERT, "\1\0", 2, 0), 0);
        assert_int_equal(ktls_pair_seal(&pair, DATA, "y", 1, 0), 0);
        assert_int_equal(ktls_pair_flush(&pair), 0);
        assert_int_equal(ktls_pair_far_expect(&pair, DATA, full, sizeof(full)), 0);
        assert_int_equal(ktls_pair_far_expect(&pair, ALERT, "\1\0", 2), 0);
        assert_int_equal(ktls_pair_far_expect(&pair, DATA, "y", 1), 0);
    }
}

static void move(int from, int to, const uint8_t *data, size_t len)
{
    static uint8_t got[20000];
    for (size_t sent = 0, received = 0; received < len;) {
        size_t chunk = GW_MIN(len - sent, (size_t)15000);
        if (chunk) {
            ssize_t n = send(from, data + sent, chunk, MSG_DONTWAIT | MSG_NOSIGNAL);
            assert_true(n > 0);
            sent += (size_t)n;
        }
        assert_int_equal(ktls_pair_wait(&pair, to, POLLIN), 0);
        ssize_t n = recv(to, got, sizeof(got), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        assert_true(n > 0 && (size_t)n <= sent - received);
        assert_memory_equal(got, data + received, (size_t)n);
        received += (size_t)n;
    }
}

static void every_suite_kernel_to_kernel(void **state)
{
    (void)state;
    NEEDS_TLS();
    static uint8_t data[100000];
    const struct ktls_suite *suite;
    fill_pattern(data, sizeof(data));
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        CONNECTED();
        assert_int_equal(ktls_pair_start(&pair, suite, KTLS_TX | KTLS_RX), 0);
        assert_int_equal(ktls_attach(pair.near), 0);
        assert_int_equal(ktls_install(pair.near, KTLS_RX, &pair.from_far), 0);
        assert_int_equal(ktls_install(pair.near, KTLS_TX, &pair.to_far), 0);
        move(pair.near, pair.far, data, sizeof(data));
        move(pair.far, pair.near, data, sizeof(data));
    }
}

/* Records that arrived before the keys did are opened all the same. */
static void install_with_bytes_waiting(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), 0), 0);
    assert_int_equal(ktls_pair_seal(&pair, DATA, "early", 5, 0), 0);
    assert_int_equal(ktls_pair_flush(&pair), 0);
    assert_int_equal(ktls_pair_settle(&pair), 0);
    struct ktls_keys keys = pair.to_far;
    keys.seq--;
    assert_int_equal(ktls_install(pair.far, KTLS_RX, &keys), 0);
    assert_int_equal(ktls_pair_far_expect(&pair, DATA, "early", 5), 0);
}

static void expect_bad_record(const struct ktls_suite *suite, int64_t seq_change, bool change_key)
{
    uint8_t byte, type;
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite, KTLS_RX), 0);
    pair.to_far.seq += (uint64_t)seq_change;
    pair.to_far.key[suite->key_len - 1] ^= change_key;
    assert_int_equal(ktls_pair_seal(&pair, DATA, "no", 2, 0), 0);
    assert_int_equal(ktls_pair_flush(&pair), 0);
    assert_int_equal(ktls_pair_far_recv(&pair, &byte, 1, &type), -EBADMSG);
}

static void wrong_seq_or_key(void **state)
{
    (void)state;
    NEEDS_TLS();
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        expect_bad_record(suite, 1, false);
        expect_bad_record(suite, -1, false);
        expect_bad_record(suite, 0, true);
    }
}

/* kernel-notes/tls12-gcm-explicit-nonce.md */
static void tls12_gcm_nonce_counts_up(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, ktls_suite_find(0xc02f), KTLS_TX), 0);
    static const uint8_t nonces[2][8] = {{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0xff},
                                         {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18, 0x00}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ktls_pair_far_send(&pair, "abc", 3), 0);
        assert_int_equal(ktls_pair_expect(&pair, DATA, "abc", 3), 0);
        assert_memory_equal(pair.in + KTLS_SOFT_HEADER_LEN, nonces[i], 8);
    }
}

/* kernel-notes/control-record-eio.md */
static void control_record_needs_room_for_its_type(void **state)
{
    (void)state;
    NEEDS_TLS();
    uint8_t buf[16];
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), KTLS_RX), 0);
    assert_int_equal(ktls_pair_seal(&pair, DATA, "abc", 3, 0), 0);
    assert_int_equal(ktls_pair_seal(&pair, ALERT, "\1\0", 2, 0), 0);
    assert_int_equal(ktls_pair_flush(&pair), 0);
    assert_int_equal(ktls_pair_settle(&pair), 0);
    assert_int_equal(recv(pair.far, buf, sizeof(buf), MSG_DONTWAIT), 3);
    assert_int_equal(recv(pair.far, buf, sizeof(buf), MSG_DONTWAIT), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(ktls_pair_far_expect(&pair, ALERT, "\1\0", 2), 0);
}

static void send_control_does_not_block(void **state)
{
    (void)state;
    NEEDS_TLS();
    static const uint8_t data[16384];
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), KTLS_TX), 0);
    assert_int_equal(fcntl(pair.far, F_SETFL, 0), 0); /* a blocking socket */
    (void)alarm(20);
    int r = 0;
    for (int i = 0; i < 10000 && !r; i++)
        r = ktls_send_control(pair.far, HANDSHAKE, data, sizeof(data));
    assert_int_equal(r, -EAGAIN);
    (void)alarm(0);
}

/* --- what a direction accepts after its first keys --- */

static void directions_must_agree(void **state)
{
    (void)state;
    NEEDS_TLS();
    uint8_t secret[48] = {1};
    struct ktls_keys other;
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), KTLS_RX), 0);
    assert_int_equal(ktls_derive_tls13(ktls_suite_find(0x1302), secret, 48, &other), 0);
    assert_int_equal(ktls_install(pair.far, KTLS_TX, &other), -EINVAL);
}

static void tls12_has_no_rekey(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, ktls_suite_find(0xc02f), KTLS_TX | KTLS_RX), 0);
    assert_int_equal(ktls_install(pair.far, KTLS_TX, &pair.from_far), -EBUSY);
    assert_int_equal(ktls_install(pair.far, KTLS_RX, &pair.to_far), -EBUSY);
}

/* kernel-notes/rekey-ebusy-before-6.14.md: refused, and then the old keys stay in force. */
static void refused_rekey_keeps_old_keys(void **state)
{
    (void)state;
    NEEDS_TLS();
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), KTLS_TX | KTLS_RX), 0);
    struct ktls_keys next = pair.from_far;
    assert_int_equal(ktls_update(&next), 0);
    int r = ktls_install(pair.far, KTLS_TX, &next);
    if (r == 0)
        pair.from_far = next;
    else
        assert_int_equal(r, -EBUSY);
    assert_int_equal(ktls_pair_far_send(&pair, "abc", 3), 0);
    assert_int_equal(ktls_pair_expect(&pair, DATA, "abc", 3), 0);
}

/* Splices two full records and a short one through a pipe of one page, which is emptied after each
 * call, until the last has come; how many bytes of the full ones did. */
static size_t through_a_small_pipe(void)
{
    static const char marks[] = {'a', 'b', 'z'};
    static uint8_t record[KTLS_SOFT_PLAIN_MAX];
    int ends[2];
    size_t got = 0;
    char last = 0;
    for (size_t i = 0; i < sizeof(marks); i++) {
        memset(record, marks[i], sizeof(record));
        size_t len = marks[i] == 'z' ? 1 : sizeof(record);
        assert_int_equal(ktls_pair_seal(&pair, DATA, record, len, 0), 0);
    }
    assert_int_equal(ktls_pair_flush(&pair), 0);
    assert_return_code(pipe2(ends, O_NONBLOCK | O_CLOEXEC), errno);
    assert_return_code(fcntl(ends[1], F_SETPIPE_SZ, (int)sysconf(_SC_PAGESIZE)), errno);
    while (last != 'z') {
        struct pollfd there = {.fd = pair.far, .events = POLLIN};
        assert_int_equal(poll(&there, 1, KTLS_PAIR_LIMIT_MS), 1);
        ssize_t n = splice(pair.far, NULL, ends[1], NULL, KTLS_SOFT_PLAIN_MAX, SPLICE_F_NONBLOCK);
        for (; n > 0; n--, got++) {
            assert_int_equal(read(ends[0], &last, 1), 1);
            assert_non_null(memchr(marks, last, sizeof(marks)));
        }
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return got - 1;
}

/* What the probe says of it is so, either way: kernels that lose bytes and kernels that do not have
 * the same version number. */
static void the_probe_knows_what_a_small_pipe_loses(void **state)
{
    (void)state;
    struct ktls_probe probe;
    NEEDS_TLS();
    assert_int_equal(ktls_probe(&probe), 0);
    CONNECTED();
    assert_int_equal(ktls_pair_start(&pair, suite_13(), KTLS_RX), 0);
    bool whole = through_a_small_pipe() == 2 * KTLS_SOFT_PLAIN_MAX;
    assert_true(probe.splice.works);
    assert_int_equal(probe.splice_full.works, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attach_says_whether_tls_is_there),
        cmocka_unit_test(attach_bad_descriptor),
        cmocka_unit_test(install_without_attach),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(attach_twice),
        cmocka_unit_test(attach_unconnected),
        cmocka_unit_test(attach_after_fin),
        cmocka_unit_test(every_suite_against_libcrypto),
        cmocka_unit_test(every_suite_kernel_to_kernel),
        cmocka_unit_test(install_with_bytes_waiting),
        cmocka_unit_test(wrong_seq_or_key),
        cmocka_unit_test(tls12_gcm_nonce_counts_up),
        cmocka_unit_test(control_record_needs_room_for_its_type),
        cmocka_unit_test(send_control_does_not_block),
        cmocka_unit_test(directions_must_agree),
        cmocka_unit_test(tls12_has_no_rekey),
        cmocka_unit_test(refused_rekey_keeps_old_keys),
        cmocka_unit_test(the_probe_knows_what_a_small_pipe_loses),
    };
    return cmocka_run_group_tests_name("ktls_kernel", tests, find_out, NULL);
}
