/* SPDX-License-Identifier: Apache-2.0 */
/* What every other kernel test stands on: the kernel they run in takes the "tls" ULP on a TCP
 * connection, keys in both directions, and counts that in /proc/net/tls_stat. */
#include <arpa/inet.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A connected pair of TCP sockets on loopback. */
static void open_pair(int pair[2])
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_not_equal(listener, -1);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(pair[0], -1);
    assert_int_equal(connect(pair[0], (struct sockaddr *)&addr, len), 0);
    pair[1] = accept(listener, NULL, NULL);
    assert_int_not_equal(pair[1], -1);
    close(listener);
}

/* The value of one row of /proc/net/tls_stat; -1: no such file or row. */
static long tls_stat(const char *name)
{
    char row[64];
    long value, found = -1;
    FILE *file = fopen("/proc/net/tls_stat", "re");

    if (!file)
        return -1;
    while (fscanf(file, "%63s %ld", row, &value) == 2) {
        if (strcmp(row, name) == 0)
            found = value;
    }
    fclose(file);
    return found;
}

static int attach(int fd)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls"));
}

static void takes_keys_and_counts(void **state)
{
    const struct tls12_crypto_info_aes_gcm_128 keys = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128},
        .key = {1, 2, 3},
    };
    const long sent_by_kernel = tls_stat("TlsTxSw");
    char byte = 0;
    int pair[2];

    (void)state;
    open_pair(pair);
    assert_int_equal(attach(pair[0]), 0);
    assert_int_equal(attach(pair[1]), 0);
    assert_int_not_equal(sent_by_kernel, -1);
    assert_int_equal(setsockopt(pair[0], SOL_TLS, TLS_TX, &keys, sizeof(keys)), 0);
    assert_int_equal(setsockopt(pair[1], SOL_TLS, TLS_RX, &keys, sizeof(keys)), 0);
    assert_int_equal(tls_stat("TlsTxSw"), sent_by_kernel + 1);
    assert_int_equal(send(pair[0], "k", 1, 0), 1);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
    assert_int_equal(byte, 'k');
    assert_int_equal(tls_stat("TlsDecryptError"), 0);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_keys_and_counts),
    };

    return cmocka_run_group_tests_name("kernel_has_ktls", tests, NULL, NULL);
}
