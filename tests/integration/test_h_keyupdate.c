/* SPDX-License-Identifier: Apache-2.0 */
/* KeyUpdate (RFC 8446 4.6.3): the user engine and kernels that can change keys follow and answer; a
 * kernel that cannot ends the connection properly, with a reason of its own. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"

#include "ktlsinstall.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>

enum {
    SHORT_LIFE = 32, /* --rekey-after, where it is given; twice this is the end from 32 on */
    RECORD = 16384,
    SMALLEST_RECORD = 5 + 1 + 1 + 16, /* on the wire, with data in it */
    ALERT_UNEXPECTED_MESSAGE = 10,
    KEY_UPDATE = 24, /* a handshake message: its type, a length of three bytes, then this one: */
    KEY_UPDATE_ASKS = 4,
    SWARM = 6000, /* three times what one second allows; what is left of it fits into a linger */
};

static bool rekeys; /* the engine can change keys */

static int start_with(const char *rekey_after)
{
    struct ktls_probe probe;
    rekeys = !engine_is_kernel() || (ktls_probe(&probe) == 0 && probe.rekey.works);
    (void)stage_start(NULL);
    stage_serve(&(struct gateway_options){
        .flags = {"--rekey-after", rekey_after},
    });
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_with("8388608");
}

static int start_short(void **state)
{
    (void)state;
    return start_with("32");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)
#define TEST_SHORT(name) cmocka_unit_test_setup_teardown(name, start_short, stage_stop)

static void join(struct client *c, bool hold)
{
    stage_join(c, &(struct client_options){.version = TLS1_3_VERSION, .hold = hold});
}

static void leave(struct client *c)
{
    stage_leave(c);
    gateway_expect(gateway, "finished", NULL);
}

static void keys_change_under_load(void **state)
{
    struct client c;
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    join(&c, false);
    stage_echo(&c, 1000);
    for (int i = 0; i < 100; i++) {
        client_update_keys(&c, i % 2);
        stage_echo(&c, 1 + (uint64_t)i * 700);
    }
    leave(&c);
    gateway_stop(gateway);
}

/* It comes along with the Finished, before any engine but ours runs. */
static void update_glued_to_the_finished(void **state)
{
    struct client c;
    (void)state;
    join(&c, true);
    client_send(&c, 1000);
    client_update_keys(&c, false);
    client_send(&c, 40000);
    client_release(&c);
    client_receive(&c, 41000);
    stage_echo(&c, 300000);
    leave(&c);
    gateway_stop(gateway);
}

/* KeyUpdates as the client's library got them. */
struct heard {
    unsigned updates;
    unsigned that_ask;
};

static void hear(int write, int version, int type, const void *data, size_t len, SSL *ssl,
                 void *arg)
{
    struct heard *heard = arg;
    const uint8_t *message = data;
    (void)version;
    (void)ssl;
    if (write || type != SSL3_RT_HANDSHAKE || len <= KEY_UPDATE_ASKS || message[0] != KEY_UPDATE)
        return;
    heard->updates++;
    heard->that_ask += message[KEY_UPDATE_ASKS] != 0;
}

/* What was asked for goes ahead of the data that comes back; nothing goes unasked. */
static void each_that_asks_is_answered(void **state)
{
    enum {
        ROUNDS = 20
    };
    struct client c;
    struct conn_line line;
    struct heard heard = {0};
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    join(&c, false);
    SSL_set_msg_callback(c.ssl, hear);
    SSL_set_msg_callback_arg(c.ssl, &heard);
    for (unsigned i = 0; i < ROUNDS; i++) {
        client_update_keys(&c, true);
        stage_echo(&c, 1 + i * 1000);
        assert_int_equal(heard.updates, i + 1);
        client_update_keys(&c, false);
        stage_echo(&c, 1 + i * 1000);
        assert_int_equal(heard.updates, i + 1);
    }
    assert_int_equal(heard.that_ask, 0);
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "finished", &line);
    assert_int_equal(line.key_updates_in, 2 * ROUNDS);
    assert_int_equal(line.key_updates_out, ROUNDS);
    gateway_stop(gateway);
}

/* With data between them, so that it is their rate alone. All arrive together: the gateway would
 * have to take seconds over what takes it a fraction of one. That the limit is exact, in both
 * engines, is key_update_rate's. */
static void updates_between_data_are_a_flood(void **state)
{
    struct client c;
    struct conn_line line;
    (void)state;
    if (engine_is_kernel())
        skip_because("a slow kernel may change so many keys no faster than is allowed");
    join(&c, false);
    stage_echo(&c, 1000);
    c.wire.hold = true;
    for (int i = 0; i < SWARM; i++) {
        client_update_keys(&c, false);
        client_send(&c, 1);
    }
    client_close_notify(&c); /* where nobody minds that is how it ends */
    client_release(&c);
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_int_equal(c.alert, ALERT_UNEXPECTED_MESSAGE);
    client_close(&c);
    gateway_expect(gateway, "record-flood", &line);
    assert_in_range(line.key_updates_in, SWARM / 3 + 1, SWARM - 1);
    gateway_stop(gateway);
}

static void updates_without_end_are_a_flood(void **state)
{
    struct client c;
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    join(&c, false);
    stage_echo(&c, 1000);
    for (int i = 0; i < 100; i++) {
        client_update_keys(&c, false);
        if (SSL_do_handshake(c.ssl) != 1) /* sends it */
            break;
    }
    assert_int_equal(client_read_end(&c), CLIENT_ALERTED);
    assert_int_equal(c.alert, ALERT_UNEXPECTED_MESSAGE);
    client_close(&c);
    gateway_expect(gateway, "record-flood", NULL);
    gateway_stop(gateway);
}

static void await_unread(const struct client *c, int want)
{
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    int bytes = 0;
    while (ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes < want && net_now_ms() < deadline)
        (void)poll(NULL, 0, 1);
    assert_int_equal(bytes, want);
}

/* As Java does with each record that it reads once our key is too old for it: what was on its way
 * by then is many records, and our answer comes behind them. */
static void each_record_may_be_asked_about(void **state)
{
    enum {
        RECORDS = 200
    };
    struct client c;
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    join(&c, false);
    stage_echo(&c, 1000);
    for (int i = 1; i <= RECORDS; i++) {
        client_send(&c, 1);
        await_unread(&c, i * SMALLEST_RECORD);
    }
    for (int i = 0; i < RECORDS; i++) {
        client_update_keys(&c, true);
        assert_int_equal(SSL_do_handshake(c.ssl), 1); /* sends it */
    }
    client_receive(&c, RECORDS);
    stage_echo(&c, 1000);
    leave(&c);
    gateway_stop(gateway);
}

static void kernel_without_rekey_ends_properly(void **state)
{
    (void)state;
    if (rekeys)
        skip_because("keys can be changed here");
    gateway->bad_records = true; /* those under the next key, that it was not given */
    for (int request = 0; request < 2; request++) {
        struct client c;
        join(&c, false);
        stage_echo(&c, 1000);
        client_update_keys(&c, request);
        client_send(&c, 1000);
        assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
        assert_int_equal(c.received, 1000);
        client_close(&c);
        gateway_expect(gateway, "rekey-unsupported", NULL);
    }
    gateway_stop(gateway);
}

/* Many times the records that a key may seal, both ways; the client changes its key as well. */
static void no_key_grows_old(void **state)
{
    struct client c;
    struct conn_line line;
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    join(&c, false);
    for (int i = 0; i < 100; i++) {
        if (i % 25 == 24)
            client_update_keys(&c, i % 50 == 24);
        stage_echo(&c, 2 * RECORD + 1);
    }
    client_close_notify(&c);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    client_close(&c);
    gateway_expect(gateway, "finished", &line);
    assert_true(line.key_updates_out >= line.bytes_down / RECORD / (SHORT_LIFE + 32));
    assert_true(line.key_updates_in > 4 + 1); /* its own, and those it was asked for: some */
    gateway_stop(gateway);
}

/* A client that only reads, and asks for nothing. */
static void download_changes_keys(void **state)
{
    const uint64_t bytes = 4 << 20;
    struct client c;
    struct conn_line line;
    (void)state;
    if (!rekeys)
        skip_because("this kernel cannot change keys");
    backend_set_plan(backend, &BACKEND_PLAN(.down_seed = STAGE_SEED, .down_bytes = bytes));
    join(&c, false);
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    assert_false(c.wrong);
    assert_int_equal(c.received, bytes);
    client_close(&c);
    gateway_expect(gateway, "finished", &line);
    assert_true(line.key_updates_out >= bytes / RECORD / (SHORT_LIFE + 32));
    gateway_stop(gateway);
}

/* Where the key cannot be changed the stream is cut, properly, before it has run twice as long. */
static void key_limit_ends_properly(void **state)
{
    struct client c;
    (void)state;
    backend_set_plan(backend,
                     &BACKEND_PLAN(.down_seed = STAGE_SEED, .down_bytes = 4 << 20, .no_fin = true));
    client_connect(&c, &(struct client_options){
                           .port = gateway->port,
                           .version = rekeys ? TLS1_2_VERSION : TLS1_3_VERSION,
                           .suite = rekeys ? "ECDHE-ECDSA-AES128-GCM-SHA256" : NULL,
                       });
    c.work.down_seed = STAGE_SEED;
    assert_int_equal(client_read_end(&c), CLIENT_CLOSE_NOTIFY);
    assert_false(c.wrong);
    assert_in_range(c.received, 1, 2 * SHORT_LIFE * RECORD);
    client_close(&c);
    gateway_expect(gateway, "key-limit", NULL);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_change_under_load),
        TEST(update_glued_to_the_finished),
        TEST(each_that_asks_is_answered),
        TEST(updates_between_data_are_a_flood),
        TEST(updates_without_end_are_a_flood),
        TEST(each_record_may_be_asked_about),
        TEST(kernel_without_rekey_ends_properly),
        TEST_SHORT(no_key_grows_old),
        TEST_SHORT(download_changes_keys),
        TEST_SHORT(key_limit_ends_properly),
    };
    return run_world("h_keyupdate", tests);
}
