/* SPDX-License-Identifier: Apache-2.0 */
/* How long a connection may last: for --max-conn-age, and with --recheck-on-reload as long as what
 * let it in is good, though no file changes. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"
#include "tests/unit/certs.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ALERT_BAD_CERTIFICATE = 42,
    ALERT_CERTIFICATE_REVOKED = 44,
    ALERT_CERTIFICATE_EXPIRED = 45,
    VERSIONS = 2,
};

/* Seconds in which this machine begins a connection for sure. */
static int soon(void)
{
    return world_is_small() ? 15 : 3;
}

/* --max-conn-age. */
static const char *age(void)
{
    return world_is_small() ? "15s" : "1s";
}

/* Exchanges bytes until that fails. Returns how it ended. */
static enum client_end echo_to_the_end(struct client *c)
{
    char data[64];
    int64_t deadline = net_now_ms() + DEADLINE_MS;
    for (;;) {
        int n = SSL_write(c->ssl, "x", 1);
        n = n > 0 ? SSL_read(c->ssl, data, sizeof(data)) : n;
        int why = SSL_get_error(c->ssl, n);
        if (n <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            break;
        if (net_now_ms() > deadline)
            fail_msg("it never ends");
        (void)poll(NULL, 0, 20);
    }
    return client_read_end(c);
}

static void a_busy_connection_ends_with_its_age(void **state)
{
    struct client clients[VERSIONS];
    int64_t began = net_now_ms();
    (void)state;
    stage_serve(&(struct gateway_options){.flags = {"--max-conn-age", age()}});
    for (int i = 0; i < VERSIONS; i++) {
        struct client_options o = {.version = TLS1_2_VERSION + i};
        began = net_now_ms();
        stage_join(&clients[i], &o);
        stage_echo(&clients[i], 1000);
    }
    for (int i = 0; i < VERSIONS; i++) {
        struct conn_line line;
        assert_int_equal(echo_to_the_end(&clients[i]), CLIENT_CLOSE_NOTIFY);
        client_close(&clients[i]);
        gateway_expect(gateway, "max-conn-age", &line);
        assert_true(line.bytes_up >= 1000);
    }
    assert_true(net_now_ms() - began >= 1000);
    gateway_stop(gateway);
}

/* As a client the gateway says close_notify, too: the other gateway finishes. */
static void the_client_role_ends_it_as_properly(void **state)
{
    (void)state;
    stage_serve(&(struct gateway_options){.workers = 1});
    struct gateway *client = gateway_start(&(struct gateway_options){
        .client = true, .target = gateway->port, .flags = {"--max-conn-age", age()}});
    int fd = net_connect(client->port);
    gateway_expect(client, "max-conn-age", NULL);
    gateway_expect(gateway, "finished", NULL);
    (void)close(fd);
    gateway_stop(client);
    gateway_stop(gateway);
}

/* ---- what let it in ends ---- */

static struct test_dir *folder;
static struct test_cert *ca, *leaf;

static int start(void **state)
{
    folder = test_dir_new();
    ca = test_cert_new(&(struct test_cert_spec){.cn = "Brief CA", .ca = true});
    return stage_start(state);
}

static int stop(void **state)
{
    int result = stage_stop(state);
    test_cert_free(leaf);
    test_cert_free(ca);
    leaf = NULL;
    test_dir_free(folder);
    return result;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* A list of `revoked`, of nobody without, that ends so many seconds from now; its path. */
static const char *issue_list_of(const struct test_cert *revoked, int ends)
{
    const struct test_cert *const all[] = {revoked, NULL};
    X509_CRL *crl = test_crl_new(
        &(struct test_crl_spec){.ca = ca, .revoked = all, .begins = -60, .ends = ends});
    const char *path = test_dir_crl(folder, "ca.crl", crl, NULL);
    X509_CRL_free(crl);
    return path;
}

static const char *issue_list(int ends)
{
    return issue_list_of(NULL, ends);
}

/* A client whose certificate ends so many seconds from now. */
static void show(struct client *c, int ends)
{
    struct client_options o = {.port = gateway_port_of(gateway, "brief"),
                               .version = TLS1_3_VERSION};
    test_cert_free(leaf);
    leaf = test_cert_new(
        &(struct test_cert_spec){.cn = "brief", .begins = -60, .ends = ends, .issuer = ca});
    client_open(c, &o);
    assert_true(SSL_use_certificate(c->ssl, leaf->x509) == 1 &&
                SSL_use_PrivateKey(c->ssl, leaf->key) == 1);
    assert_int_equal(client_handshake(c), CLIENT_OPEN);
}

/* It is let in. */
static void join(struct client *c, int ends)
{
    show(c, ends);
    c->work.up_seed = c->work.down_seed = STAGE_SEED;
    stage_echo(c, 100);
}

static void is_ended(struct client *c, int alert, const char *reason)
{
    assert_int_equal(client_read_end(c), CLIENT_ALERTED);
    assert_int_equal(c->alert, alert);
    client_close(c);
    gateway_expect(gateway, reason, NULL);
}

/* The list is of the second service, and the first has none. */
static const char *write_config(const char *more)
{
    static char text[4096];
    int len = snprintf(text, sizeof(text),
                       "recheck-on-reload = on %s\n"
                       "service open { listen = 127.0.0.1:0 target = 127.0.0.1:%u\n"
                       "cert = '%s' key = '%s' }\n"
                       "service brief { listen = 127.0.0.1:0 target = 127.0.0.1:%u\n"
                       "cert = '%s' key = '%s' cacert = '%s' allow-all = on crl = '%s' }\n",
                       more, backend_port(backend), world_cert(ID_SERVER), world_key(ID_SERVER),
                       backend_port(backend), world_cert(ID_SERVER), world_key(ID_SERVER),
                       test_dir_cert(folder, "ca.pem", ca, NULL), issue_list(3600));
    assert_in_range(len, 1, sizeof(text) - 1);
    return test_dir_file(folder, "two.conf", text, (size_t)len);
}

#define TOO_OLD "ca.crl: the CRL of CN=Brief CA expired on "

/* First the certificate of one, then the list that both need, which nobody renews in time. Not
 * even a look at the files falls into that time. */
static void a_connection_ends_with_what_let_it_in(void **state)
{
    struct client brief, lasting;
    (void)state;
    stage_serve(&(struct gateway_options){.config = write_config("")});
    join(&lasting, 3600);
    join(&brief, soon());
    is_ended(&brief, ALERT_CERTIFICATE_EXPIRED, "cert-expired");
    stage_echo(&lasting, 100);
    (void)issue_list(soon());
    assert_return_code(kill(gateway->pid, SIGHUP), 0);
    gateway_expect_words(gateway, "reload: new files are in force");
    is_ended(&lasting, ALERT_CERTIFICATE_EXPIRED, "cert-no-crl");
    gateway_expect_words(gateway, "detail=\"CRL has expired\"");
    gateway_expect_words(gateway, TOO_OLD);
    gateway_expect_words(gateway, "recheck: ended 1 connection that may no longer pass");
    gateway_stop(gateway);
}

/* No HUP comes, and nothing of it ends. */
static void the_interval_ends_whom_a_new_list_revokes(void **state)
{
    struct client c;
    (void)state;
    stage_serve(&(struct gateway_options){.config = write_config("reload-interval = 1s")});
    join(&c, 3600);
    (void)issue_list_of(leaf, 3600);
    is_ended(&c, ALERT_CERTIFICATE_REVOKED, "cert-revoked");
    gateway_stop(gateway);
}

/* Logged when it first refuses a client. */
static void a_list_that_is_too_old_is_told_once(void **state)
{
    struct client c;
    struct conn_line line;
    (void)state;
    const char *config = write_config("");
    (void)issue_list(soon());
    stage_serve(&(struct gateway_options){.config = config});
    join(&c, 3600);
    client_close(&c);
    gateway_conn(gateway, &line);
    assert_int_equal(logbook_count(&gateway->log, TOO_OLD), 0);
    for (unsigned refused = 0; refused < 2; refused += strcmp(line.reason, "cert-no-crl") == 0) {
        (void)poll(NULL, 0, 100);
        show(&c, 3600);
        client_close(&c);
        gateway_conn(gateway, &line);
    }
    gateway_expect_words(gateway, TOO_OLD);
    assert_int_equal(logbook_count(&gateway->log, TOO_OLD), 1);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_busy_connection_ends_with_its_age),
        STAGED(the_client_role_ends_it_as_properly),
        TEST(a_connection_ends_with_what_let_it_in),
        TEST(the_interval_ends_whom_a_new_list_revokes),
        TEST(a_list_that_is_too_old_is_told_once),
    };
    return run_world("t_tenure", tests);
}
