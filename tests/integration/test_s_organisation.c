/* SPDX-License-Identifier: Apache-2.0 */
/* A year of an organisation that lives with its own CA: `ktlsgate pki` makes, renews and revokes
 * certificates, and a gateway that was started once follows by HUP. */
#include "tests/integration/check.h"
#include "tests/integration/net.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_LEN = 512,
    PKI_LIMIT_MS = 30000,
    ALERT_CERTIFICATE_REVOKED = 44,
};

#define IN_FORCE "reload: new files are in force"

static char home[PATH_LEN]; /* of the CA, new for each test */
static size_t log_cursor;

/* ---- the CA ---- */

#define pki(...) run_pki((const char *const[]){__VA_ARGS__, NULL})

static void run_pki(const char *const *more)
{
    const char *words[24] = {getenv("KTLSGATE"), "pki"};
    static struct tool_result r;
    unsigned count = 2;
    while (*more)
        words[count++] = *more++;
    words[count++] = "--dir";
    words[count++] = home;
    words[count] = NULL;
    tool_run(&(struct tool_work){.words = words}, PKI_LIMIT_MS, &r);
    if (r.exit != 0)
        fail_msg("pki %s: exit %d: %s", words[2], r.exit, r.said);
}

/* The path of a file of the CA, kept until the test ends. */
static const char *file_of(const char *name)
{
    static char paths[8][PATH_LEN + 64];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", home, name);
    return path;
}

/* A list that `pki crl` would not make: good for so few seconds. */
static void write_short_crl(long seconds)
{
    FILE *f = fopen(file_of("ca/root.pem"), "r");
    X509 *ca = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    FILE *k = fopen(file_of("ca/root.key"), "r");
    EVP_PKEY *key = k ? PEM_read_PrivateKey(k, NULL, NULL, NULL) : NULL;
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *end = X509_gmtime_adj(NULL, seconds);
    assert_non_null(ca);
    assert_non_null(key);
    assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) &&
                X509_CRL_set1_lastUpdate(crl, now) && X509_CRL_set1_nextUpdate(crl, end) &&
                X509_CRL_sign(crl, key, EVP_sha256()));
    FILE *out = fopen(file_of("crl.pem"), "w");
    assert_non_null(out);
    assert_true(PEM_write_X509_CRL(out, crl));
    (void)fclose(out);
    (void)fclose(k);
    (void)fclose(f);
    ASN1_TIME_free(now);
    ASN1_TIME_free(end);
    X509_CRL_free(crl);
    EVP_PKEY_free(key);
    X509_free(ca);
}

static int start(void **state)
{
    static unsigned number;
    (void)snprintf(home, sizeof(home), "%s/pki-%d-%u", world_folder(), (int)getpid(), number++);
    log_cursor = 0;
    pki("init");
    pki("issue", "--server", "localhost", "--ip", "127.0.0.1");
    pki("issue", "--client", "alice", "--uri", "spiffe://example.org/alice");
    pki("issue", "--client", "bob");
    return stage_start(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

/* ---- the gateway ---- */

static void serve(const char *more)
{
    stage_serve(&(struct gateway_options){
        .cert = file_of("certs/localhost/chain.pem"),
        .key = file_of("certs/localhost/key.pem"),
        .workers = 2,
        .flags = {"--cacert", file_of("ca.pem"), "--crl", file_of("crl.pem"), "--allow-uri",
                  "spiffe://example.org/*", "--allow-cn", "bob", more},
    });
}

static void reload_until(const char *words)
{
    char line[LOG_LINE_MAX];
    assert_return_code(kill(gateway->pid, SIGHUP), errno);
    if (!logbook_await(&gateway->log, &log_cursor, words, line))
        fail_msg("the log does not say '%s'", words);
}

/* ---- people ---- */

static void show_certificate(struct client *c, const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "certs/%s/chain.pem", name);
    assert_int_equal(SSL_use_certificate_chain_file(c->ssl, file_of(file)), 1);
    (void)snprintf(file, sizeof(file), "certs/%s/key.pem", name);
    assert_int_equal(SSL_use_PrivateKey_file(c->ssl, file_of(file), SSL_FILETYPE_PEM), 1);
}

static void open_as(struct client *c, const char *name, int version, SSL_SESSION *ticket)
{
    client_open(c, &(struct client_options){
                       .port = gateway->port,
                       .any_server = true,
                       .version = version,
                       .session = ticket,
                   });
    show_certificate(c, name);
    c->work.up_seed = c->work.down_seed = STAGE_SEED;
}

static void join_as(struct client *c, const char *name)
{
    open_as(c, name, 0, NULL);
    assert_int_equal(client_handshake(c), CLIENT_OPEN);
    stage_echo(c, 1000);
}

/* Comes, echoes, goes. */
static void visit_as(const char *name)
{
    struct client c;
    join_as(&c, name);
    stage_leave(&c);
}

static void is_refused(const char *name, int version, SSL_SESSION *ticket, int alert)
{
    struct client c;
    open_as(&c, name, version, ticket);
    if (client_handshake(&c) == CLIENT_OPEN)
        (void)client_read_end(&c);
    assert_int_equal(c.end, CLIENT_ALERTED);
    assert_int_equal(c.alert, alert);
    assert_false(client_resumed(&c));
    client_close(&c);
}

/* A number made of the serial number of the certificate that the gateway shows. */
static uint32_t serial_shown(void)
{
    struct client c;
    join_as(&c, "bob");
    const ASN1_INTEGER *n = X509_get0_serialNumber(SSL_get0_peer_certificate(c.ssl));
    uint32_t sum = 0;
    for (int i = 0; i < ASN1_STRING_length(n); i++)
        sum = sum * 31 + ASN1_STRING_get0_data(n)[i];
    stage_leave(&c);
    return sum;
}

/* ---- tests ---- */

/* Her open connection ends at once, her ticket is worth nothing, nobody else notices. */
static void who_is_revoked_is_out(void **state)
{
    struct client alice, bob;
    struct conn_line line;
    (void)state;
    serve("--recheck-on-reload");
    join_as(&alice, "alice");
    join_as(&bob, "bob");
    SSL_SESSION *ticket = client_take_session(&alice);
    assert_non_null(ticket);
    pki("revoke", "alice", "--reason", "keyCompromise");
    stage_echo(&alice, 1000);
    reload_until(IN_FORCE);
    assert_int_equal(client_read_end(&alice), CLIENT_ALERTED);
    assert_int_equal(alice.alert, ALERT_CERTIFICATE_REVOKED);
    gateway_expect(gateway, "cert-revoked", &line);
    assert_string_equal(line.cn, "alice");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        is_refused("alice", version, NULL, ALERT_CERTIFICATE_REVOKED);
    is_refused("alice", TLS1_3_VERSION, ticket, ALERT_CERTIFICATE_REVOKED);
    stage_echo(&bob, 1000);
    stage_leave(&bob);
    visit_as("bob");
    pki("issue", "--client", "alice", "--uri", "spiffe://example.org/alice");
    visit_as("alice");
    SSL_SESSION_free(ticket);
    client_close(&alice);
    gateway_stop(gateway);
}

static void the_server_is_renewed_in_one_command(void **state)
{
    struct client bob;
    (void)state;
    serve(NULL);
    join_as(&bob, "bob");
    uint32_t before = serial_shown();
    pki("renew", "localhost");
    assert_int_equal(serial_shown(), before);
    reload_until(IN_FORCE);
    assert_int_not_equal(serial_shown(), before);
    stage_echo(&bob, 1000);
    stage_leave(&bob);
    gateway_stop(gateway);
}

/* Cron is dead and nobody made a new list: nobody is let in until there is one. */
static void a_list_that_runs_out_lets_nobody_in(void **state)
{
    struct client bob;
    (void)state;
    write_short_crl(10);
    serve(NULL);
    join_as(&bob, "bob");
    int64_t until = net_now_ms() + DEADLINE_MS;
    enum client_end end = CLIENT_OPEN;
    while (end == CLIENT_OPEN && net_now_ms() < until) {
        struct client c;
        (void)poll(NULL, 0, 300);
        open_as(&c, "bob", TLS1_2_VERSION, NULL);
        end = client_handshake(&c);
        client_close(&c);
    }
    assert_int_equal(end, CLIENT_ALERTED);
    gateway_expect_words(gateway, "reason=cert-no-crl");
    stage_echo(&bob, 1000);
    reload_until("the previous files stay in force");
    pki("crl", "--next-update", "7d");
    reload_until(IN_FORCE);
    visit_as("bob");
    stage_leave(&bob);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_revoked_is_out),
        TEST(the_server_is_renewed_in_one_command),
        TEST(a_list_that_runs_out_lets_nobody_in),
    };
    return run_world("s_organisation", tests);
}
