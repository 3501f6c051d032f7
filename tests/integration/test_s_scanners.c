/* SPDX-License-Identifier: Apache-2.0 */
/* What people scan a TLS server with finds nothing to object to: sslscan, and in the long run
 * testssl.sh, which takes minutes. */
#include "tests/integration/check.h"
#include "tests/integration/stage.h"
#include "tests/integration/tool.h"

#include "gateway/base/attr.h"

#include <stdio.h>
#include <string.h>

enum {
    SSLSCAN_MS = 60000,
    TESTSSL_MS = 900000,
    /* its exit code: the number of inconclusive tests, for instance under load */
    TESTSSL_UNSURE_MAX = 49,
    FINDINGS_MIN = 100 /* of a run that was not cut short */
};

static int start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.http = true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

static void need(const char *program)
{
    char why[128];
    if (tool_exists(program))
        return;
    (void)snprintf(why, sizeof(why), "%s is not installed", program);
    skip_because(why);
}

/* Exit codes up to `good` are those of a whole scan. */
static void scan(const char *const *words, int limit_ms, int good, struct tool_result *ret)
{
    tool_run(&(struct tool_work){.words = words}, limit_ms, ret);
    if (ret->exit < 0 || ret->exit > good)
        fail_msg("%s: exit %d; it said: %s%s", words[0], ret->exit, ret->heard, ret->said);
}

/* ---- sslscan ---- */

/* Words of its XML that must not be there, and that must. */
static const char *const objections[] = {
    "version=\"2\" enabled=\"1\"",
    "version=\"3\" enabled=\"1\"",
    "version=\"1.0\" enabled=\"1\"",
    "version=\"1.1\" enabled=\"1\"",
    "vulnerable=\"1\"",
    "strength=\"weak\"",
    "strength=\"null\"",
    "strength=\"anonymous\"",
    "strength=\"medium\"",
    "renegotiation supported=\"1\"",
    "compression supported=\"1\"",
    "pk error=\"true\"",
    "<expired>true",
    "<self-signed>true",
};
static const char *const praise[] = {
    "version=\"1.2\" enabled=\"1\"",          "version=\"1.3\" enabled=\"1\"",
    "renegotiation supported=\"0\"",          "heartbleed sslversion=\"TLSv1.2\" vulnerable=\"0\"",
    "cipher=\"TLS_AES_128_GCM_SHA256\"",      "cipher=\"ECDHE-ECDSA-AES128-GCM-SHA256\"",
    "cipher=\"ECDHE-RSA-AES128-GCM-SHA256\"", "<expired>false",
};

static void sslscan_objects_to_nothing(void **state)
{
    char address[32];
    struct tool_result result;
    (void)state;
    need("sslscan");
    stage_serve(&(struct gateway_options){
        .flags = {"--cert", world_cert(ID_SERVER_RSA), "--key", world_key(ID_SERVER_RSA)}});
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", gateway->port);
    const char *words[] = {"sslscan", "--no-colour", "--sni-name=localhost",
                           "--xml=-", address,       NULL};
    scan(words, SSLSCAN_MS, 0, &result);
    for (size_t i = 0; i < GW_ARRAY_SIZE(objections); i++)
        if (strstr(result.heard, objections[i]))
            fail_msg("sslscan says '%s':\n%s", objections[i], result.heard);
    for (size_t i = 0; i < GW_ARRAY_SIZE(praise); i++)
        if (!strstr(result.heard, praise[i]))
            fail_msg("sslscan does not say '%s':\n%s", praise[i], result.heard);
    gateway_stop(gateway);
}

/* ---- testssl.sh ---- */

/* Findings above LOW that are not about the gateway. */
static const struct {
    const char *id, *why;
} ignored[] = {
    {"engine_problem", "the openssl that testssl.sh itself runs has no GOST engine"},
    {"cert_revocation", "the CA of the tests names neither CRL nor OCSP responder"},
    {"security_headers", "headers of HTTP are the backend's"},
    {"sessionresumption_ticket", "it asks for a session and leaves, maybe before the ticket comes"},
};

/* "key : "value"," in a line of flat JSON; false when it is another key. */
static bool take_value(const char *line, const char *key, char *ret, size_t size)
{
    char quoted[32];
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", key);
    const char *at = strstr(line, quoted);
    at = at ? strstr(at + strlen(quoted), ": \"") : NULL;
    if (!at)
        return false;
    at += 3;
    (void)snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
    return true;
}

static bool matters(const char *id, const char *severity)
{
    static const char *const harmless[] = {"OK", "INFO", "LOW", "DEBUG"};
    size_t len = strcspn(id, " "); /* behind it may stand which certificate */
    for (size_t i = 0; i < GW_ARRAY_SIZE(harmless); i++)
        if (strcmp(severity, harmless[i]) == 0)
            return false;
    for (size_t i = 0; i < GW_ARRAY_SIZE(ignored); i++)
        if (strlen(ignored[i].id) == len && memcmp(id, ignored[i].id, len) == 0)
            return false;
    return true;
}

/* Reads the findings; returns how many there are. */
static unsigned judge_findings(const char *path, char *bad, size_t size)
{
    char line[4096], id[128] = "", severity[32];
    unsigned count = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (take_value(line, "id", id, sizeof(id)) ||
            !take_value(line, "severity", severity, sizeof(severity)))
            continue;
        count++;
        size_t len = strlen(bad);
        if (matters(id, severity))
            (void)snprintf(bad + len, size - len, "%s %s\n", severity, id);
    }
    (void)fclose(f);
    return count;
}

static void testssl_finds_nothing_above_low(void **state)
{
    char address[32], file[512], bad[4096] = "";
    struct tool_result result;
    (void)state;
    if (!world_wants_all())
        skip_because("testssl.sh takes minutes; ./dev test --all runs it");
    need("testssl");
    stage_serve(&(struct gateway_options){
        .flags = {"--cert", world_cert(ID_SERVER_RSA), "--key", world_key(ID_SERVER_RSA)}});
    (void)snprintf(address, sizeof(address), "localhost:%u", gateway->port);
    (void)snprintf(file, sizeof(file), "%s/findings.json", world_folder());
    const char *words[] = {"testssl",    "--quiet",   "--color",    "0",
                           "--nodns",    "none",      "--warnings", "off",
                           "--ip",       "127.0.0.1", "--add-ca",   world_cert(ID_CA),
                           "--jsonfile", file,        address,      NULL};
    scan(words, TESTSSL_MS, TESTSSL_UNSURE_MAX, &result);
    unsigned count = judge_findings(file, bad, sizeof(bad));
    if (*bad)
        fail_msg("testssl.sh objects:\n%s", bad);
    assert_true(count >= FINDINGS_MIN);
    gateway_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sslscan_objects_to_nothing),
        TEST(testssl_finds_nothing_above_low),
    };
    return run_world("s_scanners", tests);
}
