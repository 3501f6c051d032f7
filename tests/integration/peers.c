/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/peers.h"

#include "tests/integration/check.h"
#include "tests/integration/tool.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static void add(struct peer_words *w, const char *word)
{
    assert_true(w->count < PEER_WORDS_MAX);
    w->word[w->count++] = word;
    w->word[w->count] = NULL;
}

__attribute__((format(printf, 2, 3))) static void compose(struct peer_words *w, const char *format,
                                                          ...)
{
    va_list args;
    char *at = w->text + w->text_len;
    size_t room = sizeof(w->text) - w->text_len;
    va_start(args, format);
    int n = vsnprintf(at, room, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < room);
    w->text_len += (size_t)n + 1;
    add(w, at);
}

static void add_all(struct peer_words *w, const char *const *words)
{
    while (*words)
        add(w, *words++);
}

#define ADD(w, ...) add_all(w, (const char *const[]){__VA_ARGS__, NULL})

static bool is_12(const struct peer_task *task)
{
    return task->version == TLS1_2_VERSION;
}

const char *peer_suite_name(int version, enum peer_suite suite)
{
    static const char *const names[SUITE_COUNT][2] = {
        [SUITE_AES_128] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"},
        [SUITE_AES_256] = {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"},
        [SUITE_CHACHA] = {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256"},
    };
    return names[suite][version == TLS1_3_VERSION];
}

static const char *suite_of(const struct peer_task *task)
{
    return peer_suite_name(task->version, task->suite);
}

/* ---- openssl s_client: ends both directions when its input ends, so no half-close ---- */

static void openssl_words(const struct peer_task *task, struct peer_words *w)
{
    bool sends = task->up > 0;
    ADD(w, "openssl", "s_client", "-connect");
    compose(w, "127.0.0.1:%u", task->port);
    ADD(w, "-CAfile", world_cert(ID_CA), "-servername", "localhost", "-verify_return_error");
    add(w, is_12(task) ? "-tls1_2" : "-tls1_3");
    if (!task->resume && !task->talk) /* -quiet would suppress the line that reports it */
        ADD(w, "-quiet", sends ? "-no_ign_eof" : "-ign_eof");
    if (!task->talk)
        add(w, "-nocommands");
    if (task->suite)
        ADD(w, is_12(task) ? "-cipher" : "-ciphersuites", suite_of(task));
    if (task->with_cert)
        ADD(w, "-cert", world_cert(task->identity), "-key", world_key(task->identity));
    if (task->resume) {
        add(w, task->step ? "-sess_in" : "-sess_out");
        compose(w, "%s/session", world_folder());
    }
}

/* ---- curl: has tickets of TLS 1.2 turned off; HTTP has no half-close and no key update ---- */

static void curl_words(const struct peer_task *task, struct peer_words *w)
{
    ADD(w, "curl", "-sS", "--fail", "--http1.1", "--ipv4", "--noproxy", "*");
    ADD(w, "--cacert", world_cert(ID_CA));
    ADD(w, is_12(task) ? "--tlsv1.2" : "--tlsv1.3", "--tls-max", is_12(task) ? "1.2" : "1.3");
    if (task->suite)
        ADD(w, is_12(task) ? "--ciphers" : "--tls13-ciphers", suite_of(task));
    if (task->with_cert)
        ADD(w, "--cert", world_cert(task->identity), "--key", world_key(task->identity));
    if (task->resume) {
        ADD(w, "--verbose", "-H", "Connection: close");
        compose(w, "https://localhost:%u/0", task->port);
    }
    if (task->up) {
        ADD(w, "-T", "-", "-H", "Transfer-Encoding:", "-H", "Expect:", "-H");
        compose(w, "Content-Length: %" PRIu64, task->up);
    }
    compose(w, "https://localhost:%u/%" PRIu64, task->port, task->down);
}

/* ---- clients of tests/peers, which share their words ---- */

static void add_common(const struct peer_task *task, struct peer_words *w)
{
    compose(w, "port=%u", task->port);
    compose(w, "ca=%s", world_cert(ID_CA));
    compose(w, "version=%s", is_12(task) ? "1.2" : "1.3");
    if (task->with_cert) {
        compose(w, "cert=%s", world_cert(task->identity));
        compose(w, "key=%s", world_key(task->identity));
    }
    if (task->resume)
        add(w, "connections=2");
    if (task->half_close)
        add(w, "half-close=1");
}

static void add_peer_file(struct peer_words *w, const char *name)
{
    const char *folder = getenv("KTLSGATE_PEERS");
    assert_non_null(folder);
    compose(w, "%s/%s", folder, name);
}

/* curl on GnuTLS: libcurl gives it no choice of suites, turns tickets off and has no key update. */
static void curl_gnutls_words(const struct peer_task *task, struct peer_words *w)
{
    add(w, "/usr/bin/python3");
    add_peer_file(w, "peer_curl_gnutls.py");
    add_common(task, w);
    if (task->up)
        compose(w, "put=%" PRIu64, task->up);
    else
        compose(w, "get=%" PRIu64, task->down);
}

/* Python: no choice of suites in TLS 1.3, and no call for a key update. */
static void python_words(const struct peer_task *task, struct peer_words *w)
{
    add(w, "/usr/bin/python3");
    add_peer_file(w, "peer_python.py");
    add_common(task, w);
    if (task->suite)
        compose(w, "suite=%s", suite_of(task));
}

static void wolfssl_words(const struct peer_task *task, struct peer_words *w)
{
    static const char *const names13[SUITE_COUNT] = {
        [SUITE_AES_128] = "TLS13-AES128-GCM-SHA256",
        [SUITE_AES_256] = "TLS13-AES256-GCM-SHA384",
        [SUITE_CHACHA] = "TLS13-CHACHA20-POLY1305-SHA256",
    };
    const char *program = getenv("KTLSGATE_PEER_WOLFSSL");
    add(w, program ? program : "");
    add_common(task, w);
    if (task->suite)
        compose(w, "suite=%s", is_12(task) ? suite_of(task) : names13[task->suite]);
    if (task->update)
        add(w, "update=1000000");
}

static void add_java(const struct peer_task *task, struct peer_words *w)
{
    static const char *const names12[SUITE_COUNT] = {
        [SUITE_AES_128] = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        [SUITE_AES_256] = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        [SUITE_CHACHA] = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    };
    ADD(w, "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");
    add_peer_file(w, "PeerJava.java");
    add_common(task, w);
    if (task->suite)
        compose(w, "suite=%s", is_12(task) ? names12[task->suite] : suite_of(task));
    if (task->update)
        add(w, "update=2^20");
}

static void java_socket_words(const struct peer_task *task, struct peer_words *w)
{
    add_java(task, w);
}

/* HttpsURLConnection does not say whether it resumed; its sessions are those of SSLSocket. */
static void java_url_words(const struct peer_task *task, struct peer_words *w)
{
    add_java(task, w);
    compose(w, "url=/%" PRIu64, task->down);
    if (task->up)
        compose(w, "put=%" PRIu64, task->up);
}

/* ---- gnutls-cli ---- */

static void gnutls_words(const struct peer_task *task, struct peer_words *w)
{
    static const char *const ciphers[SUITE_COUNT] = {
        [SUITE_ANY] = "",
        [SUITE_AES_128] = ":-CIPHER-ALL:+AES-128-GCM",
        [SUITE_AES_256] = ":-CIPHER-ALL:+AES-256-GCM",
        [SUITE_CHACHA] = ":-CIPHER-ALL:+CHACHA20-POLY1305",
    };
    ADD(w, "gnutls-cli", "--x509cafile", world_cert(ID_CA));
    if (!task->talk) /* to a file it would write when its buffer is full */
        add(w, "--logfile=/proc/self/fd/2");
    add(w, "--priority");
    compose(w, "NORMAL:-VERS-ALL:+VERS-TLS%s%s", is_12(task) ? "1.2" : "1.3", ciphers[task->suite]);
    if (task->with_cert)
        ADD(w, "--x509certfile", world_cert(task->identity), "--x509keyfile",
            world_key(task->identity));
    if (task->resume)
        add(w, "--resume");
    if (task->resume && !is_12(task))
        add(w, "--waitresumption");
    if (task->talk)
        add(w, "--inline-commands");
    add(w, "-p");
    compose(w, "%u", task->port);
    add(w, "localhost");
}

/* ---- NSS: tstclnt never ends its stream before the server's, and has no key update ---- */

static void nss_words(const struct peer_task *task, struct peer_words *w)
{
    static const char *const codes[SUITE_COUNT][2] = {
        [SUITE_AES_128] = {":C02B", ":1301"},
        [SUITE_AES_256] = {":C02C", ":1302"},
        [SUITE_CHACHA] = {":CCA9", ":1303"},
    };
    const char *version = is_12(task) ? "tls1.2:tls1.2" : "tls1.3:tls1.3";
    ADD(w, "tstclnt", "-h", "localhost", "-4", "-d");
    compose(w, "sql:%s", world_folder());
    add(w, "-p");
    compose(w, "%u", task->port);
    ADD(w, "-V", version, "-A", peer_input_file());
    if (task->suite)
        ADD(w, "-c", codes[task->suite][!is_12(task)]);
    if (task->with_cert)
        ADD(w, "-n", task->identity == ID_ALICE ? "alice" : "mallory");
    if (task->resume)
        ADD(w, "-u", "-L", "2");
}

static void must_run(const char *const *words)
{
    struct tool_result result;
    tool_run(&(struct tool_work){.words = words}, 60000, &result);
    if (result.exit != 0)
        fail_msg("%s: exit %d: %s", words[0], result.exit, result.said);
}

#define RUN(...) must_run((const char *const[]){__VA_ARGS__, NULL})

static void import_identity(const char *db, enum identity id, const char *name)
{
    char file[256];
    (void)snprintf(file, sizeof(file), "%s/%s.p12", world_folder(), name);
    RUN("openssl", "pkcs12", "-export", "-in", world_cert(id), "-inkey", world_key(id), "-name",
        name, "-passout", "pass:", "-out", file);
    RUN("pk12util", "-i", file, "-d", db, "-W", "");
}

/* Its certificates live in a database. */
static void nss_prepare(void)
{
    char db[300];
    (void)snprintf(db, sizeof(db), "sql:%s", world_folder());
    RUN("certutil", "-N", "-d", db, "--empty-password");
    RUN("certutil", "-A", "-d", db, "-n", "ca", "-t", "C,,", "-i", world_cert(ID_CA));
    import_identity(db, ID_ALICE, "alice");
    import_identity(db, ID_MALLORY, "mallory");
}

const char *peer_input_file(void)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/peer-input", world_folder());
    return path;
}

/* ---- the table ---- */

enum {
    CAN_CHOOSE = CAN_CHOOSE_12 | CAN_CHOOSE_13,
    CAN_RESUME = CAN_RESUME_12 | CAN_RESUME_13,
};

const struct peer peers[] = {
    {
        .name = "openssl",
        .needs = {"openssl"},
        .can = CAN_CHOOSE | CAN_RESUME | CAN_TALK,
        .resume_runs = 2,
        .resumed = "Reused, TLSv1.",
        .refused = "SSL alert number 49",
        .words = openssl_words,
        .ready = "Verify return code: 0 (ok)",
        .command = "K\n",
        .commanded = "KEYUPDATE",
    },
    {
        .name = "curl",
        .needs = {"curl"},
        .can = CAN_CHOOSE | CAN_RESUME_13,
        .http = true,
        .resumed = "using session", /* newer ones: "reusing session" */
        .refused = "alert access denied",
        .words = curl_words,
    },
    {
        .name = "curl_gnutls",
        .needs = {"/usr/bin/python3", "/usr/lib/python3/dist-packages/curl/__init__.py"},
        .http = true,
        .refused = "A TLS fatal alert has been received",
        .words = curl_gnutls_words,
    },
    {
        .name = "gnutls",
        .needs = {"gnutls-cli"},
        .can = CAN_CHOOSE | CAN_RESUME | CAN_HALF_CLOSE | CAN_TALK,
        .resumed = "This is a resumed session",
        .refused = "Received alert [49]",
        .words = gnutls_words,
        .ready = "Simple Client Mode",
        .command = "^rekey^\n",
        .commanded = "Rekey was completed",
    },
    {
        .name = "python",
        .needs = {"/usr/bin/python3"},
        .can = CAN_CHOOSE_12 | CAN_RESUME | CAN_HALF_CLOSE,
        .resumed = "resumed=1",
        .refused = "TLSV1_ALERT_ACCESS_DENIED",
        .words = python_words,
    },
    {
        .name = "nss",
        .needs = {"tstclnt", "certutil", "pk12util"},
        .can = CAN_CHOOSE | CAN_RESUME,
        .input_is_file = true,
        .resumed = "1 stateless resumes",
        .refused = "SSL_ERROR_ACCESS_DENIED_ALERT",
        .words = nss_words,
        .prepare = nss_prepare,
    },
    {
        .name = "wolfssl",
        .needs = {"$KTLSGATE_PEER_WOLFSSL"},
        .can = CAN_CHOOSE | CAN_RESUME | CAN_HALF_CLOSE | CAN_UPDATE,
        .resumed = "resumed=1",
        .refused = "alert=49",
        .words = wolfssl_words,
    },
    {
        .name = "java_socket",
        .needs = {"java"},
        .can = CAN_CHOOSE | CAN_RESUME | CAN_HALF_CLOSE | CAN_UPDATE,
        .heavy = true,
        .resumed = "resumed=1",
        .refused = "Received fatal alert: access_denied",
        .words = java_socket_words,
    },
    {
        .name = "java_url",
        .needs = {"java"},
        .can = CAN_CHOOSE,
        .http = true,
        .heavy = true,
        .refused = "Received fatal alert: access_denied",
        .words = java_url_words,
    },
};

const size_t peer_count = sizeof(peers) / sizeof(peers[0]);
