/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs made by `openssl ca`: a listed client is refused in full handshakes and with tickets, from a
 * reload on; an unusable list changes nothing. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"
#include "tests/unit/certs.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FORCE "reload: new files are in force"

enum {
    ALERT_CERTIFICATE_REVOKED = 44,
    ALERT_CERTIFICATE_EXPIRED = 45,
    TOOL_MS = 30000,
    WORDS = 16,
};

/* The folder of an `openssl ca` whose key is that of `ca`. */
static struct test_dir *folder;
static char crl[128];

static int start(void **state)
{
    char text[1024];
    folder = test_dir_new();
    const char *at = test_dir_path(folder);
    int len = snprintf(text, sizeof(text),
                       "[ca]\ndefault_ca = d\n[d]\ndatabase = %s/index.txt\n"
                       "crlnumber = %s/crlnumber\ncertificate = %s\nprivate_key = %s\n"
                       "default_md = sha256\nunique_subject = no\n",
                       at, at, world_cert(ID_CA), world_key(ID_CA));
    (void)test_dir_file(folder, "ca.cnf", text, (size_t)len);
    (void)test_dir_file(folder, "index.txt", "", 0);
    (void)test_dir_file(folder, "crlnumber", "01\n", 3);
    (void)snprintf(crl, sizeof(crl), "%s/ca.crl", at);
    return stage_start(state);
}

static int stop(void **state)
{
    int result = stage_stop(state);
    test_dir_free(folder);
    return result;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* `openssl ca` with four more words, up to a NULL. */
static void openssl_ca(const char *a, const char *b, const char *c, const char *d)
{
    char config[128];
    static struct tool_result result;
    (void)snprintf(config, sizeof(config), "%s/ca.cnf", test_dir_path(folder));
    const char *words[WORDS] = {"openssl", "ca", "-config", config, a, b, c, d};
    tool_run(&(struct tool_work){.words = words}, TOOL_MS, &result);
    if (result.exit != 0)
        fail_msg("openssl ca %s: %s", a, result.said);
}

static void put_on_list(enum identity id)
{
    openssl_ca("-revoke", world_cert(id), NULL, NULL);
}

/* Writes a list in the place of the old one, for an hour. */
static void issue(void)
{
    openssl_ca("-gencrl", "-crlhours=1", "-out", crl);
}

static void serve(const char *flag)
{
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", world_cert(ID_CA), "--allow-all", "--crl", crl, flag},
    });
}

/* Waits for the words in what comes from now on; tests say how much of the log they have seen. */
static void reload_until(size_t *cursor, const char *words)
{
    char line[LOG_LINE_MAX];
    assert_return_code(kill(gateway->pid, SIGHUP), errno);
    if (!logbook_await(&gateway->log, cursor, words, line))
        fail_msg("the log does not say '%s'", words);
}

/* A whole connection, which is resumed where `ticket` is given; its own ticket. */
static SSL_SESSION *passes(enum identity id, int version, SSL_SESSION *ticket)
{
    struct client_options o = stage_client(id, version);
    struct client c;
    o.session = ticket;
    stage_join(&c, &o);
    assert_int_equal(client_resumed(&c), ticket != NULL);
    stage_echo(&c, 3000);
    SSL_SESSION *next = client_take_session(&c);
    stage_leave(&c);
    gateway_expect(gateway, "finished", NULL);
    return next;
}

static void passes_once(enum identity id, int version)
{
    SSL_SESSION_free(passes(id, version, NULL));
}

static void is_refused(enum identity id, int version, SSL_SESSION *ticket, int alert,
                       const char *reason)
{
    struct client_options o = stage_client(id, version);
    struct client c;
    o.session = ticket;
    client_open(&c, &o);
    enum client_end end = client_handshake(&c);
    if (end == CLIENT_OPEN)
        end = client_read_end(&c);
    assert_int_equal(end, CLIENT_ALERTED);
    assert_int_equal(c.alert, alert);
    assert_int_equal(c.received, 0);
    assert_int_equal(c.tickets, 0);
    assert_false(client_resumed(&c));
    client_close(&c);
    gateway_expect(gateway, reason, NULL);
}

static void the_revoked_are_refused(void **state)
{
    char address[32];
    static struct tool_result result;
    (void)state;
    put_on_list(ID_ALICE);
    issue();
    serve(NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        is_refused(ID_ALICE, version, NULL, ALERT_CERTIFICATE_REVOKED, "cert-revoked");
        passes_once(ID_MALLORY, version);
    }
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", gateway->port);
    const char *words[] = {"openssl", "s_client",           "-connect", address,
                           "-cert",   world_cert(ID_ALICE), "-key",     world_key(ID_ALICE),
                           "-CAfile", world_cert(ID_CA),    "-ign_eof", "-nocommands",
                           NULL};
    tool_run(&(struct tool_work){.words = words, .input_stays_open = true}, TOOL_MS, &result);
    if (!strstr(result.said, "certificate revoked"))
        fail_msg("openssl s_client says: %s", result.said);
    gateway_expect(gateway, "cert-revoked", NULL);
    gateway_stop(gateway);
}

static void a_reload_revokes_tickets_too(void **state)
{
    SSL_SESSION *tickets[2];
    size_t cursor = 0;
    (void)state;
    issue();
    serve(NULL);
    for (int i = 0; i < 2; i++)
        tickets[i] = passes(ID_ALICE, TLS1_2_VERSION + i, NULL);
    put_on_list(ID_MALLORY);
    issue();
    reload_until(&cursor, IN_FORCE);
    for (int i = 0; i < 2; i++) {
        SSL_SESSION *next = passes(ID_ALICE, TLS1_2_VERSION + i, tickets[i]);
        if (next) {
            SSL_SESSION_free(tickets[i]);
            tickets[i] = next;
        }
    }
    put_on_list(ID_ALICE);
    issue();
    reload_until(&cursor, IN_FORCE);
    for (int i = 0; i < 2; i++) {
        is_refused(ID_ALICE, TLS1_2_VERSION + i, tickets[i], ALERT_CERTIFICATE_REVOKED,
                   "cert-revoked");
        SSL_SESSION_free(tickets[i]);
    }
    gateway_stop(gateway);
}

static void a_bad_list_changes_nothing(void **state)
{
    size_t cursor = 0;
    (void)state;
    put_on_list(ID_ALICE);
    issue();
    serve(NULL);
    (void)test_dir_file(folder, "ca.crl", "nothing\n", 8);
    reload_until(&cursor, "ca.crl: no CRL in the file");
    openssl_ca("-gencrl", "-crl_nextupdate=20200102000000Z", "-out", crl);
    reload_until(&cursor, "the CRL of CN=ca expired on 2020-01-02");
    is_refused(ID_ALICE, TLS1_3_VERSION, NULL, ALERT_CERTIFICATE_REVOKED, "cert-revoked");
    passes_once(ID_MALLORY, TLS1_3_VERSION);
    gateway_stop(gateway);
}

/* ---- the own CA ---- */

/* `ktlsgate pki` with three more words, up to a NULL, in the folder's pki. */
static void pki(const char *what, const char *a, const char *b)
{
    char dir[128];
    static struct tool_result result;
    (void)snprintf(dir, sizeof(dir), "--dir=%s/pki", test_dir_path(folder));
    const char *words[WORDS] = {getenv("KTLSGATE"), "pki", what, dir, a, b};
    tool_run(&(struct tool_work){.words = words}, TOOL_MS, &result);
    if (result.exit != 0)
        fail_msg("ktlsgate pki %s: %s", what, result.said);
}

static void pki_client(const char *name, const char *reason)
{
    char address[32], cert[160], key[160], chain[160];
    static struct tool_result result;
    const char *at = test_dir_path(folder);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", gateway->port);
    (void)snprintf(cert, sizeof(cert), "%s/pki/certs/%s/cert.pem", at, name);
    (void)snprintf(chain, sizeof(chain), "%s/pki/certs/%s/chain.pem", at, name);
    (void)snprintf(key, sizeof(key), "%s/pki/certs/%s/key.pem", at, name);
    const char *words[] = {"openssl",     "s_client", "-connect",    address,   "-cert",
                           cert,          "-key",     key,           "-CAfile", world_cert(ID_CA),
                           "-cert_chain", chain,      "-nocommands", NULL};
    tool_run(&(struct tool_work){.words = words}, TOOL_MS, &result);
    gateway_expect(gateway, reason, NULL);
}

/* An intermediate CA signs, and ca.pem holds it and the root: each has its list in crl.pem. */
static void lists_of_the_own_ca(void **state)
{
    char ca[160], list[160];
    (void)state;
    (void)snprintf(ca, sizeof(ca), "%s/pki/ca.pem", test_dir_path(folder));
    (void)snprintf(list, sizeof(list), "%s/pki/crl.pem", test_dir_path(folder));
    pki("init", "--intermediate", NULL);
    pki("issue", "--client=anna", NULL);
    pki("issue", "--client=bert", NULL);
    pki("revoke", "bert", NULL);
    stage_serve(&(struct gateway_options){
        .flags = {"--cacert", ca, "--allow-all", "--crl", list},
    });
    pki_client("anna", "finished");
    pki_client("bert", "cert-revoked");
    gateway_stop(gateway);
}

/* A client on an expired list is refused nevertheless. */
static void softly(void **state)
{
    (void)state;
    put_on_list(ID_ALICE);
    openssl_ca("-gencrl", "-crl_nextupdate=20200102000000Z", "-out", crl);
    serve("--crl-soft");
    gateway_expect_words(gateway, "expired on 2020-01-02 00:00 UTC; --crl-soft accepts that");
    is_refused(ID_ALICE, TLS1_3_VERSION, NULL, ALERT_CERTIFICATE_REVOKED, "cert-revoked");
    passes_once(ID_MALLORY, TLS1_3_VERSION);
    gateway_term(gateway);
    gateway_expect_words(gateway, "crl-tolerated: 1 handshakes");
    gateway_await_exit(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_revoked_are_refused),    TEST(a_reload_revokes_tickets_too),
        TEST(a_bad_list_changes_nothing), TEST(softly),
        TEST(lists_of_the_own_ca),
    };
    return run_world("c_revoked", tests);
}
