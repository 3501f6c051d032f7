/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as people meet it: the real program, its exit codes, and the exact sentence for
 * each mistake. The path of the program is in $KTLSGATE.
 */
#include "gateway/base/error.h"
#include "gateway/base/fd.h"
#include "gateway/proc/tlsmodule.h"
#include "tests/unit/certs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PATIENCE_MS = 30000,
    ARGS_MAX = 32
};

/* What every good command line here has, in the folder that the files below lie in. */
#define GOOD "--listen 127.0.0.1:0 --target 127.0.0.1:9 "
#define PAIR "--cert server.pem --key server.key "

/* Behind "check". */
#define CLIENT "client " GOOD "--cacert ca.pem "

static struct test_dir *dir;

/* ---- running the program ---- */

struct program {
    pid_t pid;
    int out; /* its standard output and error, until they end */
    int err;
    char out_text[16384];
    char err_text[16384];
    int code; /* once it ended */
};

/* io_uring as containers forbid it: the system call answers EPERM. */
static void forbid_io_uring(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = GW_ARRAY_SIZE(rules), .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        _exit(98);
}

static gw_noreturn void become_program(char *line, int out, int err, void (*before)(void))
{
    char *argv[ARGS_MAX] = {getenv("KTLSGATE")};
    unsigned n = 1;
    char *save;
    for (char *w = strtok_r(line, " ", &save); w && n < ARGS_MAX - 1;
         w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    if (chdir(test_dir_path(dir)))
        _exit(97);
    if (before)
        before();
    (void)execv(argv[0], argv);
    _exit(96);
}

/* Starts the program with the words of `line`. */
static struct program *start(const char *line, void (*before)(void))
{
    struct program *p = test_calloc(1, sizeof(*p));
    char words[1024];
    int out[2], err[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    (void)snprintf(words, sizeof(words), "%s", line);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (!p->pid)
        become_program(words, out[1], err[1], before);
    gw_fd_close(&out[1]);
    gw_fd_close(&err[1]);
    p->out = out[0];
    p->err = err[0];
    return p;
}

static void stop_with(struct program *p, const char *why)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s: %.400s", why, p->err_text);
    (void)kill(p->pid, SIGKILL);
    fail_msg("%s", text);
}

static void take(int *fd, short revents, char *text, size_t size)
{
    size_t len = strlen(text);
    if (!revents)
        return;
    ssize_t n = read(*fd, text + len, size - 1 - len);
    if (n <= 0)
        gw_fd_close(fd);
}

/* Reads until `words` are on standard error, or NULL: until the end of both streams. */
static void read_until(struct program *p, const char *words)
{
    while ((p->out >= 0 || p->err >= 0) && !(words && strstr(p->err_text, words))) {
        struct pollfd fds[] = {{.fd = p->out, .events = POLLIN}, {.fd = p->err, .events = POLLIN}};
        if (poll(fds, 2, PATIENCE_MS) < 1)
            stop_with(p, "the program says nothing and does not end");
        take(&p->out, fds[0].revents, p->out_text, sizeof(p->out_text));
        take(&p->err, fds[1].revents, p->err_text, sizeof(p->err_text));
    }
    if (words && !strstr(p->err_text, words))
        stop_with(p, words);
}

static void wait_for_end(struct program *p)
{
    int status = 0;
    read_until(p, NULL);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    assert_true(WIFEXITED(status));
    p->code = WEXITSTATUS(status);
}

static struct program *run(const char *line)
{
    struct program *p = start(line, NULL);
    wait_for_end(p);
    return p;
}

/* The last line of standard error. */
static const char *last_line(struct program *p)
{
    size_t len = strlen(p->err_text);
    if (len && p->err_text[len - 1] == '\n')
        p->err_text[len - 1] = '\0';
    const char *nl = strrchr(p->err_text, '\n');
    return nl ? nl + 1 : p->err_text;
}

/* A running gateway; its real address, such as 127.0.0.1:40123, in `ret_address`. */
static struct program *start_gateway(const char *line, char ret_address[64])
{
    struct program *p = start(line, NULL);
    read_until(p, " ready\n");
    const char *at = strstr(p->err_text, "listening on ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "listening on %63s", ret_address), 1);
    return p;
}

static void end_gateway(struct program *p)
{
    assert_int_equal(kill(p->pid, SIGTERM), 0);
    wait_for_end(p);
    assert_int_equal(p->code, GW_EXIT_OK);
    test_free(p);
}

/* ---- files ---- */

static void make_der(const struct test_cert *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert->x509, &der);
    assert_true(len > 0);
    (void)test_dir_file(dir, "client.der", der, (size_t)len);
    OPENSSL_free(der);
}

/* The clients for --explain. */
static void make_clients(const struct test_cert *ca)
{
    const struct {
        const char *file;
        struct test_cert_spec spec;
    } clients[] = {
        {"client.pem",
         {.cn = "alice",
          .ou = "ops",
          .san = "DNS:A.clients.test,email:alice@clients.test",
          .issuer = ca}},
        {"stranger.pem", {.cn = "alice"}},
        {"gone.pem", {.cn = "bob", .ou = "old", .begins = -7200, .ends = -3600, .issuer = ca}},
        {"server-only.pem", {.cn = "carol", .eku = "serverAuth", .issuer = ca}},
        {"client-only.pem",
         {.cn = "gate", .san = "DNS:gate.test", .eku = "clientAuth", .issuer = ca}},
        {"odd.pem",
         {.cn = "erin",
          .san = "URI:spiffe://example.com/a,URI:https://other/x,DNS:a.example.com.,DNS:b.test",
          .issuer = ca}},
        {"p521.pem", {.cn = "dave", .key = TEST_KEY_P521, .issuer = ca}},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(clients); i++) {
        struct test_cert *cert = test_cert_new(&clients[i].spec);
        (void)test_dir_cert(dir, clients[i].file, cert, NULL);
        if (i == 0)
            make_der(cert);
        test_cert_free(cert);
    }
}

static int make_files(void **state)
{
    (void)state;
    dir = test_dir_new();
    struct test_cert *ca = test_cert_new(&(struct test_cert_spec){.cn = "CA", .ca = true});
    struct test_cert *server = test_cert_new(
        &(struct test_cert_spec){.cn = "server", .san = "DNS:gate.test", .issuer = ca});
    struct test_cert *other = test_cert_new(
        &(struct test_cert_spec){.cn = "other", .san = "DNS:other.test", .issuer = ca});
    struct test_cert *old = test_cert_new(&(struct test_cert_spec){
        .cn = "old", .san = "DNS:old.test", .begins = -7200, .ends = -3600, .issuer = ca});
    (void)test_dir_cert(dir, "ca.pem", ca, NULL);
    make_clients(ca);
    (void)test_dir_cert(dir, "server.pem", server, NULL);
    (void)test_dir_key(dir, "server.key", server);
    (void)test_dir_key(dir, "other.key", other);
    (void)test_dir_cert(dir, "old.pem", old, NULL);
    (void)test_dir_key(dir, "old.key", old);
    (void)chmod(test_dir_key(dir, "open.key", server), 0644);
    (void)test_dir_file(dir, "words.txt", "words\n", 6);
    test_cert_free(old);
    test_cert_free(other);
    test_cert_free(server);
    test_cert_free(ca);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    test_dir_free(dir);
    return 0;
}

/* ---- mistakes and their sentences ---- */

static const struct mistake {
    const char *line; /* after "check " */
    enum gw_exit exit;
    const char *sentence; /* `*` stands for anything */
} mistakes[] = {
    {GOOD PAIR "--listn x", GW_EXIT_USAGE, "unknown flag '--listn'; did you mean --listen?"},
    {GOOD PAIR "--records", GW_EXIT_USAGE, "--records: the value is missing; give a value"},
    {"--listen 127.0.0.1:0 " PAIR, GW_EXIT_USAGE,
     "--target is missing: say where the backend is, such as --target 127.0.0.1:8080"},
    {GOOD "--cert server.pem --key none.key", GW_EXIT_START,
     "--key none.key: the file cannot be read: No such file or directory"},
    {GOOD "--cert none.pem --key server.key", GW_EXIT_START,
     "--cert none.pem: the file cannot be read: No such file or directory"},
    {GOOD "--cert server.pem --key other.key", GW_EXIT_USAGE,
     "--key other.key: this key does not belong to the certificate of --cert server.pem"},
    {GOOD "--cert server.pem", GW_EXIT_USAGE, "--cert server.pem: holds no private key; add --key"},
    {GOOD "--cert server.pem --key words.txt", GW_EXIT_USAGE,
     "--key words.txt: no PEM private key in the file (it must have a line -----BEGIN …-----)"},
    {GOOD "--cert old.pem --key old.key", GW_EXIT_USAGE,
     "--cert old.pem: the certificate expired on 20*-*-* *:* UTC; renew it"},
    {GOOD PAIR "--cacert none.pem --allow-all", GW_EXIT_START,
     "--cacert none.pem: the file cannot be read: No such file or directory"},
    {GOOD PAIR "--cacert ca.pem", GW_EXIT_USAGE,
     "no client could pass: with --cacert add --allow-cn, --allow-dns, --allow-uri or another "
     "--allow flag, or --allow-all for every client with a certificate of these authorities"},
    {GOOD PAIR "--cacert ca.pem --allow-dns w*.example.com", GW_EXIT_USAGE,
     "--allow-dns 'w[*].example.com': it can never match: [*] must be a whole label between two "
     "dots"},
    {GOOD PAIR "--cacert ca.pem --allow-uri spiffe://x/**/y", GW_EXIT_USAGE,
     "--allow-uri 'spiffe://x/[*][*]/y': it can never match: [*][*] must be the last part"},
    {GOOD PAIR "--ciphers NONSENSE", GW_EXIT_USAGE,
     "--ciphers: this OpenSSL library has no cipher 'NONSENSE'"},
    {GOOD PAIR "--ciphers AES128-SHA", GW_EXIT_USAGE,
     "--ciphers: 'AES128-SHA' is not allowed; ciphers must have forward secrecy (ECDHE) and be "
     "AES-GCM or ChaCha20-Poly1305"},
    {GOOD PAIR "--ciphersuites TLS_NONSENSE", GW_EXIT_USAGE,
     "--ciphersuites: this OpenSSL library has no cipher 'TLS_NONSENSE'"},
    {GOOD PAIR "--groups nonsense", GW_EXIT_USAGE,
     "--groups: this OpenSSL library has no group 'nonsense'"},
    {GOOD PAIR "--tls-min 1.1", GW_EXIT_USAGE,
     "--tls-min '1.1': versions below TLS 1.2 are broken and not offered (RFC 8996); give 1.2 or "
     "1.3"},
    {GOOD PAIR "--cpus 8191", GW_EXIT_USAGE,
     "--cpus '8191': this process may not use processor 8191; see `nproc` and `taskset -p $$` for "
     "those it may"},
    {GOOD PAIR "--user nobody-of-that-name", GW_EXIT_USAGE,
     "--user 'nobody-of-that-name': there is no such user; create it or name another"},
};

static void each_mistake_has_its_sentence(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < GW_ARRAY_SIZE(mistakes); i++) {
        const struct mistake *m = &mistakes[i];
        char line[512], want[1024];
        (void)snprintf(line, sizeof(line), "check %s", m->line);
        (void)snprintf(want, sizeof(want), "ktlsgate: %s", m->sentence);
        struct program *p = run(line);
        const char *got = last_line(p);
        if (p->code != (int)m->exit || fnmatch(want, got, 0)) {
            print_error("check %s\n  exit %d, expected %d\n  %s\n  expected:\n  %s\n", m->line,
                        p->code, m->exit, got, want);
            wrong++;
        }
        assert_string_equal(p->out_text, "");
        assert_null(strstr(p->err_text, "skipped: ")); /* the same twice */
        test_free(p);
    }
    assert_int_equal(wrong, 0);
}

#define SAYS_GOOD                                                                                  \
    "service default: listens on 127.0.0.1:0, TLS in, plain to 127.0.0.1:9, 1 certificate, "       \
    "requests no client certificates\nconfiguration is good\n"

static void check_says_good_and_warns(void **state)
{
    (void)state;
    struct program *p = run("check " GOOD PAIR);
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(strstr(p->out_text, "--cert server.pem: "));
    assert_non_null(strstr(p->out_text, "; EC256; "));
    assert_non_null(strstr(p->out_text, " UTC; no OCSP response\n" SAYS_GOOD));
    assert_null(strstr(p->err_text, "server.key"));
    test_free(p);

    p = run("check " GOOD "--cert server.pem --key open.key");
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(strstr(p->out_text, "\n" SAYS_GOOD));
    assert_non_null(strstr(p->err_text, " warning --key open.key: users other than its owner have "
                                        "access to the file (mode 0644); run chmod 600 on it\n"));
    test_free(p);

    p = run("check " GOOD PAIR
            "--cert none.pem --key none.key"); /* only those in use are counted */
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(strstr(p->err_text, " warning skipped: --cert none.pem: "));
    assert_non_null(strstr(p->out_text, ", 1 certificate, "));
    test_free(p);

    p = run("check " GOOD "--cert server.pem"); /* a file without a secret, which all may read */
    assert_int_equal(p->code, GW_EXIT_USAGE);
    assert_null(strstr(p->err_text, "chmod"));
    assert_non_null(strstr(p->err_text, "--cert server.pem: holds no private key; add --key"));
    test_free(p);
}

/* Errors in files that a configuration file names include the line that names them. */
static void each_file_has_its_place(void **state)
{
#define WEB "service web {\n listen = 127.0.0.1:0 target = unix:/b\n "
    static const struct {
        const char *text;
        const char *sentence; /* `*` stands for anything */
    } rows[] = {
        {WEB "cert = none.pem\n key = server.key }",
         "3: service web: cert none.pem: the file cannot be read: No such file or directory"},
        {WEB "cert = server.pem\n key = other.key }",
         "4: service web: key other.key: this key does not belong to the certificate of cert "
         "server.pem"},
        {WEB "\n cert-dir = none.d }", "4: service web: cert-dir none.d: *"},
        {WEB "cert = server.pem key = server.key\n cacert = ca.pem\n cacert = {\n ca.pem,\n "
             "words.txt }\n allow-all = on }",
         "7: service web: cacert words.txt: *"},
        {WEB "cert = server.pem key = server.key }\nclient out {\n listen = 127.0.0.1:0 target = "
             "127.0.0.1:1\n cacert = ca.pem\n cert = server.pem }",
         "7: client out: cert server.pem: holds no private key; add key"},
    };
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        char want[512];
        (void)test_dir_file(dir, "place.conf", rows[i].text, strlen(rows[i].text));
        (void)snprintf(want, sizeof(want), "ktlsgate: place.conf:%s", rows[i].sentence);
        struct program *p = run("check --config place.conf");
        assert_int_not_equal(p->code, GW_EXIT_OK);
        if (fnmatch(want, last_line(p), 0))
            fail_msg("row %zu: %s\nnot: %s", i, last_line(p), want);
        test_free(p);
    }
#undef WEB
}

static const struct {
    const char *file;
    const char *flags;
    int code;
    const char *words[6];
} explained[] = {
    {"client.pem",
     "--config gate.conf",
     0,
     {"client.pem\n  cn           alice\n  ou           ops\n  dns          A.clients.test\n"
      "  email        alice@clients.test\n",
      "\n  fingerprint  ", "\n  spki         ",
      "\nservice web: it passes, by allow-dns '*.clients.test' for A.clients.test\n",
      "\nservice ops: it is refused (not-allowed): no rule matches any of its names\n",
      "\nservice open: every client passes, no certificate is requested\n"}},
    {"client.der",
     GOOD PAIR "--cacert ca.pem --allow-cn alice",
     0,
     {"client.der\n  cn           alice\n", "\nservice default: it passes, by allow-cn 'alice'"}},
    {"stranger.pem",
     GOOD PAIR "--cacert ca.pem --allow-all",
     1,
     {"\nservice default: it is refused (cert-untrusted): its chain is not valid now: ",
      "\n  by its names it would pass, by allow-all\n"}},
    {"gone.pem",
     GOOD PAIR "--cacert ca.pem --allow-all --deny-ou old",
     1,
     {"\nservice default: it is refused (cert-expired): its chain is not valid now: certificate "
      "has expired\n  by its names it would be refused, too, by deny-ou 'old' for old\n"}},
    {"client.pem",
     GOOD PAIR "--cacert ca.pem --allow-all --deny-email *@clients.test",
     1,
     {"\nservice default: it is refused (not-allowed), by deny-email '*@clients.test' for "
      "alice@clients.test\n"}},
    {"server-only.pem",
     GOOD PAIR "--cacert ca.pem --allow-cn carol",
     1,
     {"\nservice default: it is refused (cert-invalid): its chain is not valid now: "}},
    {"p521.pem",
     GOOD PAIR "--cacert ca.pem --allow-all",
     0,
     {"\nservice default: it passes, by allow-all\n"}},
    {"p521.pem",
     GOOD PAIR "--cacert ca.pem --allow-all --groups X25519:P-256",
     0,
     {"\nservice default: it passes, by allow-all\n  but in TLS 1.2 it is refused "
      "(handshake-cipher): its key is on a curve that --groups does not name\n"}},
    {"p521.pem",
     GOOD PAIR "--cacert ca.pem --allow-all --groups X25519:P-256 --tls-max 1.2",
     1,
     {"\nservice default: it is refused (handshake-cipher): its key is on a curve that the service "
      "does not accept\n  by its names it would pass, by allow-all\n"}},
    {"server.pem",
     CLIENT "--target-name gate.test",
     0,
     {"server.pem\n  cn           server\n  dns          gate.test\n",
      "\nclient default: it passes as gate.test\n"}},
    {"server.pem",
     CLIENT "--target-name gate.test --allow-cn server",
     0,
     {"\nclient default: it passes as gate.test, by allow-cn 'server' for server\n"}},
    {"server.pem",
     CLIENT "--target-name none --allow-dns *.test",
     0,
     {"\nclient default: it passes, by allow-dns '*.test' for gate.test\n"}},
    {"server.pem",
     CLIENT "--target-name gate.test --allow-cn other",
     1,
     {"\nclient default: it is refused (backend-not-allowed): no rule matches any of its "
      "names\n"}},
    {"server.pem",
     CLIENT "--target-name other.test",
     1,
     {"\nclient default: it is refused (backend-cert-name): none of its alternative names is "
      "other.test\n"}},
    {"old.pem",
     CLIENT "--target-name old.test",
     1,
     {"\nclient default: it is refused (backend-cert-expired): its chain is not valid now: "
      "certificate has expired\n"}},
    {"stranger.pem",
     CLIENT "--target-name gate.test",
     1,
     {"\nclient default: it is refused (backend-cert-untrusted): its chain is not valid now: "}},
    {"client-only.pem",
     CLIENT "--target-name gate.test",
     1,
     {"\nclient default: it is refused (backend-cert-invalid): its chain is not valid now: "}},
    {"odd.pem",
     GOOD PAIR "--cacert ca.pem --allow-cn erin --deny-dns bad.test",
     1,
     {"\n  unusable     uri 'spiffe://example.com/a': a certificate with a SPIFFE ID must",
      "\n  unusable     uri 'https://other/x': a certificate with a SPIFFE ID must",
      "\n  unusable     dns 'a.example.com.': it ends in a dot\n",
      "(not-allowed), by deny-dns 'bad.test', which cannot judge an unusable name\n"}},
    {"words.txt", GOOD PAIR "--cacert ca.pem --allow-cn x", 2, {""}},
    {"none.pem", GOOD PAIR "--cacert ca.pem --allow-cn x", 3, {""}},
};

/* Names of a certificate, and what each service says of it. */
static void check_explains_who_passes(void **state)
{
    static const char config[] =
        "service web { listen = 127.0.0.1:0 target = unix:/b cert = server.pem key = server.key\n"
        "  cacert = ca.pem allow-dns = '*.clients.test' deny-ou = old }\n"
        "service ops { listen = 127.0.0.1:0 target = unix:/b cert = server.pem key = server.key\n"
        "  cacert = ca.pem allow-cn = root }\n"
        "service open { listen = 127.0.0.1:0 target = unix:/b cert = server.pem key = server.key "
        "}\n"
        "client out { listen = 127.0.0.1:0 target = 127.0.0.1:1 cacert = ca.pem }\n";
    (void)state;
    (void)test_dir_file(dir, "gate.conf", config, strlen(config));
    for (size_t i = 0; i < GW_ARRAY_SIZE(explained); i++) {
        char line[512];
        (void)snprintf(line, sizeof(line), "check %s --explain %s", explained[i].flags,
                       explained[i].file);
        struct program *p = run(line);
        if (p->code != explained[i].code)
            fail_msg("row %zu: exit %d: %s%s", i, p->code, p->out_text, p->err_text);
        for (int k = 0; k < 6 && explained[i].words[k]; k++)
            if (!strstr(p->out_text, explained[i].words[k]))
                fail_msg("row %zu: no '%s' in:\n%s", i, explained[i].words[k], p->out_text);
        test_free(p);
    }
}

static void help_and_version_need_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *begins;
    } asks[] = {
        {"--version", "ktlsgate " KTLSGATE_VERSION "\n"},
        {"--help", "ktlsgate " KTLSGATE_VERSION ": "},
        {"help", "ktlsgate " KTLSGATE_VERSION ": "},
        {"help server", "ktlsgate server: "},
        {"server --help", "ktlsgate server: "},
        {"pki --help", "ktlsgate pki: "},
        {"help pki", "ktlsgate pki: "},
        {"pki issue --help", "ktlsgate pki issue: "},
        {"help pki issue", "ktlsgate pki issue: "},
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(asks); i++) {
        struct program *p = run(asks[i].line);
        assert_int_equal(p->code, GW_EXIT_OK);
        assert_string_equal(p->err_text, "");
        assert_int_equal(strncmp(p->out_text, asks[i].begins, strlen(asks[i].begins)), 0);
        test_free(p);
    }
    struct program *p = run("help nonsense");
    assert_int_equal(p->code, GW_EXIT_USAGE);
    test_free(p);
    p = run("");
    assert_int_equal(p->code, GW_EXIT_USAGE);
    assert_string_equal(last_line(p),
                        "ktlsgate: a command is missing; `ktlsgate --help` lists them");
    test_free(p);
}

/* ---- a gateway that runs ---- */

static void a_port_in_use_is_refused_and_check_does_not_mind(void **state)
{
    (void)state;
    char address[64], line[256], want[256];
    struct program *first = start_gateway("server " GOOD PAIR, address);

    (void)snprintf(line, sizeof(line), "server --listen %s --target 127.0.0.1:9 " PAIR, address);
    struct program *second = run(line);
    assert_int_equal(second->code, GW_EXIT_START);
    (void)snprintf(want, sizeof(want),
                   "ktlsgate: --listen %s: the address is in use by another process; stop it or "
                   "choose another port",
                   address);
    assert_string_equal(last_line(second), want);
    test_free(second);

    (void)snprintf(line, sizeof(line), "check --listen %s --target 127.0.0.1:9 " PAIR, address);
    struct program *check = run(line);
    assert_int_equal(check->code, GW_EXIT_OK);
    test_free(check);
    end_gateway(first);
}

static bool is_there(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", test_dir_path(dir), name);
    return access(path, F_OK) == 0;
}

static void it_leaves_no_files_behind(void **state)
{
    (void)state;
    char address[64], text[32] = "";
    struct program *p = start_gateway(
        "server --listen unix:gate.sock --target 127.0.0.1:9 " PAIR "--pidfile gate.pid", address);
    assert_string_equal(address, "unix:gate.sock");
    assert_true(is_there("gate.sock"));
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/gate.pid", test_dir_path(dir));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    (void)fclose(file);
    assert_int_equal(atoi(text), p->pid);

    assert_int_equal(kill(p->pid, SIGTERM), 0);
    wait_for_end(p);
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(strstr(p->err_text, " TERM: stopping; connections have "));
    assert_non_null(strstr(p->err_text, " connections: 0 accepted\n"));
    assert_false(is_there("gate.sock"));
    assert_false(is_there("gate.pid"));
    test_free(p);
}

static void the_start_is_told_line_by_line(void **state)
{
    (void)state;
    char address[64];
    struct program *p = start_gateway("server " GOOD PAIR "--workers 2 --records user", address);
    static const char *const lines[] = {
        " info ktlsgate " KTLSGATE_VERSION ", OpenSSL ",
        " info handshakes use ",
        " info records: user, as set by --records\n",
        " info user engine: AES-128-GCM by ",
        " GB/s",
        "; CHACHA20-POLY1305 by ",
        " info io_uring: ",
        " info listening on 127.0.0.1:",
        " info no client certificate is requested; to require one, ",
        " info starting 2 workers\n",
        " info ready\n",
    };
    const char *at = p->err_text;
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        at = strstr(at, lines[i]);
        if (!at)
            stop_with(p, lines[i]);
    }
    end_gateway(p);
}

static void libcrypto_alone_can_be_asked_for(void **state)
{
    (void)state;
    struct program *p = run("check " GOOD PAIR "--crypto library");
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(
        strstr(p->err_text, " info handshakes use libcrypto alone, as set by --crypto library\n"));
    test_free(p);
}

static bool kernel_has_tls(void)
{
    char text[256] = "";
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
    if (file) {
        (void)!fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
    }
    return strstr(text, "tls") != NULL;
}

static void records_kernel_is_refused_without_tls(void **state)
{
    (void)state;
    struct program *p = run("check " GOOD PAIR "--records kernel");
    if (kernel_has_tls()) {
        assert_int_equal(p->code, GW_EXIT_OK);
    } else {
        assert_int_equal(p->code, GW_EXIT_START);
        assert_non_null(strstr(last_line(p), "ktlsgate: --records kernel: the kernel has no tls"));
        assert_non_null(strstr(last_line(p), gw_tlsmodule_advice(gw_tlsmodule_here())));
    }
    test_free(p);
}

static void io_uring_forbidden_is_said(void **state)
{
    (void)state;
    struct program *p = start("server " GOOD PAIR, forbid_io_uring);
    wait_for_end(p);
    assert_int_equal(p->code, GW_EXIT_START);
    assert_string_equal(
        last_line(p), "ktlsgate: io_uring is forbidden here, probably by a container's seccomp "
                      "profile; allow io_uring_setup, io_uring_enter and io_uring_register in it");
    test_free(p);
}

static void ask_for_fips(void)
{
    static const char text[] = "openssl_conf = all\n[all]\nalg_section = algorithms\n[algorithms]\n"
                               "default_properties = fips=yes\n";
    int fd = memfd_create("openssl.cnf", 0);
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, text, sizeof(text) - 1) != sizeof(text) - 1 ||
        setenv("OPENSSL_CONF", path, 1))
        _exit(98);
}

static void fips_mode_is_refused(void **state)
{
    static const char *const lines[] = {"server " GOOD PAIR, "check " GOOD PAIR};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        struct program *p = start(lines[i], ask_for_fips);
        wait_for_end(p);
        assert_int_equal(p->code, GW_EXIT_START);
        assert_string_equal(last_line(p),
                            "ktlsgate: OpenSSL's configuration file demands FIPS mode, and "
                            "ktlsgate computes outside any validated module; it does not run in "
                            "that mode");
        test_free(p);
    }
}

/* A library that the program does not use otherwise: the one that runs this test. */
static const char *foreign_library(void)
{
    Dl_info info = {0};
    assert_int_not_equal(dladdr((void *)(uintptr_t)_cmocka_run_group_tests, &info), 0);
    return info.dli_fname;
}

static void name_it_as_provider(void)
{
    char text[PATH_MAX + 256];
    int len = snprintf(text, sizeof(text),
                       "openssl_conf = all\n[all]\nproviders = some\n[some]\nforeign = one\n"
                       "[one]\nmodule = %s\nactivate = 1\n",
                       foreign_library());
    int fd = memfd_create("openssl.cnf", 0);
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, text, (size_t)len) != len || setenv("OPENSSL_CONF", path, 1) ||
        setenv("LD_DEBUG", "files", 1) || setenv("LD_DEBUG_OUTPUT", "linker", 1))
        _exit(98);
}

/* Whether the dynamic linker reported a file of these words in the process. */
static bool linker_saw(pid_t pid, const char *words)
{
    char name[64], line[PATH_MAX + 256];
    bool seen = false;
    (void)snprintf(name, sizeof(name), "%s/linker.%d", test_dir_path(dir), (int)pid);
    FILE *f = fopen(name, "re");
    assert_non_null(f);
    while (!seen && fgets(line, sizeof(line), f))
        seen = strstr(line, words);
    (void)fclose(f);
    assert_return_code(unlink(name), errno);
    return seen;
}

static void no_openssl_conf_brings_code(void **state)
{
    static const char *const lines[] = {"probe", "check " GOOD PAIR, "pki list --dir nowhere",
                                        "--version"};
    (void)state;
    for (size_t i = 0; i < GW_ARRAY_SIZE(lines); i++) {
        struct program *p = start(lines[i], name_it_as_provider);
        wait_for_end(p);
        assert_true(p->code == GW_EXIT_OK || strncmp(lines[i], "pki", 3) == 0);
        assert_false(linker_saw(p->pid, foreign_library()));
        test_free(p);
    }
}

static void probe_says_what_is_missing(void **state)
{
    (void)state;
    struct program *p = run("probe");
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_string_equal(p->err_text, "");
    assert_non_null(strstr(p->out_text, kernel_has_tls() ? "\nkernel engine: yes, "
                                                         : "\nkernel engine: no, because "));
    test_free(p);

    p = start("probe --json", forbid_io_uring);
    wait_for_end(p);
    assert_int_equal(p->code, GW_EXIT_OK);
    assert_non_null(strstr(p->out_text, "\"can_serve\": false"));
    assert_non_null(strstr(p->out_text, "\"error\": \"EPERM\", \"why\": \"io_uring is forbidden"));
    test_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_has_its_sentence),
        cmocka_unit_test(check_says_good_and_warns),
        cmocka_unit_test(each_file_has_its_place),
        cmocka_unit_test(check_explains_who_passes),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(a_port_in_use_is_refused_and_check_does_not_mind),
        cmocka_unit_test(it_leaves_no_files_behind),
        cmocka_unit_test(the_start_is_told_line_by_line),
        cmocka_unit_test(libcrypto_alone_can_be_asked_for),
        cmocka_unit_test(records_kernel_is_refused_without_tls),
        cmocka_unit_test(io_uring_forbidden_is_said),
        cmocka_unit_test(fips_mode_is_refused),
        cmocka_unit_test(no_openssl_conf_brings_code),
        cmocka_unit_test(probe_says_what_is_missing),
    };
    (void)alarm(300);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
