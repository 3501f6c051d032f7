/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines. Input: the subcommand, then an argument a line. What is taken holds together and
 * makes a TLS policy that is none weaker than ours; what is refused is refused in a sentence fit
 * for a terminal. Host names are not looked up: nothing here may ask a name server.
 */
#include "gateway/config/command.h"
#include "gateway/config/options.h"
#include "gateway/config/parse.h"
#include "gateway/tls/policy.h"
#include "ktlsinstall.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#include <netdb.h>
#include <openssl/err.h>

enum {
    ARGS_MAX = 64
};

/* Stands before the resolver (-Wl,--wrap): only what a machine knows of itself. */
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(strcmp(node, "localhost") == 0 ? "127.0.0.1" : node, service,
                              &numeric, res);
}

static void check_rules(const struct gw_service *s)
{
    bool asks = s->tls.verify != GW_VERIFY_NONE;
    unsigned allows = 0;
    gw_require(s->rule_count >= 1 && s->rule_count <= GW_MAX_RULES);
    gw_require(!asks || s->tls.cacerts[0]);
    for (unsigned i = 0; i < s->rule_count; i++) {
        gw_require((s->rules[i].kind == GW_RULE_ALL) == (s->rules[i].pattern == NULL));
        gw_require(asks || s->rules[i].kind == GW_RULE_ALL);
        allows += !s->rules[i].deny;
    }
    for (unsigned i = 0; i < s->rule_count; i++)
        gw_require(s->rules[i].kind != GW_RULE_ALL || (allows == 1 && !s->rules[i].deny));
    gw_require(allows);
}

static void check_service(const struct gw_service *s)
{
    gw_require(s->listen_count >= 1 && s->listen_count <= GW_MAX_ADDRESSES);
    gw_require(s->target.addr_count >= 1 && s->target.addr_count <= GW_TARGET_ADDRS_MAX);
    gw_require(s->tls.cert_count + s->tls.cert_dir_count >= 1);
    gw_require(s->tls.cert_count <= GW_MAX_CERTS && s->tls.cert_dir_count <= GW_MAX_CERT_DIRS);
    for (unsigned i = 0; i < s->tls.cert_count; i++)
        gw_require(s->tls.certs[i].cert_file && s->tls.certs[i].key_file);
    gw_require(s->tls.tls_min >= 0x0303 && s->tls.tls_min <= s->tls.tls_max &&
               s->tls.tls_max <= 0x0304);
    gw_require(s->handshake_timeout_ns > 0 && s->connect_timeout_ns > 0);
    gw_require(s->idle_timeout_ns >= 0 && s->close_timeout_ns > 0);
    gw_require(s->tls.session_age_ns > 0);
    check_rules(s);
}

static void check_numbers(const struct gw_config *c)
{
    gw_require(c->workers >= 1 && c->workers <= GW_MAX_WORKERS);
    gw_require(!c->cpu_count || c->workers <= c->cpu_count);
    gw_require(c->max_conns >= 1);
    gw_require(c->shutdown_timeout_ns >= 0);
    gw_require(gw_log_level_word(c->log_level) && gw_log_format_word(c->log_format));
    gw_require(c->warning_count <= GW_CONFIG_WARNINGS_MAX);
}

/* The policy is made anew each time, so one context does for all inputs. */
static void check_policy(const struct gw_service *s)
{
    static SSL_CTX *ctx;
    struct gw_error err;
    if (!ctx)
        ctx = SSL_CTX_new(TLS_server_method());
    gw_require(ctx);
    int result = gw_policy_apply(ctx, &s->tls, &err);
    ERR_clear_error();
    if (result) {
        gw_require(err.exit == GW_EXIT_USAGE && strlen(err.text) > 10);
        return;
    }
    gw_require(SSL_CTX_get_min_proto_version(ctx) == s->tls.tls_min);
    gw_require(SSL_CTX_get_max_proto_version(ctx) == s->tls.tls_max);
    gw_require(SSL_CTX_get_security_level(ctx) >= 2);
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ctx);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        int exchange = SSL_CIPHER_get_kx_nid(cipher);
        gw_require(SSL_CIPHER_is_aead(cipher));
        gw_require(ktls_suite_find(SSL_CIPHER_get_protocol_id(cipher)));
        gw_require(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
    }
}

static void check(int result, const struct gw_config *c, const struct gw_error *err)
{
    if (result) {
        gw_require(!c && result < 0);
        gw_require(err->exit >= GW_EXIT_USAGE && err->exit <= GW_EXIT_START);
        gw_require(strlen(err->text) >= 10 && strlen(err->text) < sizeof(err->text));
        for (const char *at = err->text; *at; at++)
            gw_require((unsigned char)*at >= 0x20 && *at != 0x7f);
        return;
    }
    gw_require(c);
    if (c->ask != GW_ASK_RUN)
        return;
    check_numbers(c);
    if (c->command == GW_COMMAND_SERVER || c->command == GW_COMMAND_CHECK) {
        check_service(c->services[0]);
        check_policy(c->services[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_reader r = gw_reader_of(data, size);
    char *copies[ARGS_MAX], *argv[ARGS_MAX];
    struct gw_config *config = NULL;
    struct gw_error err = {.text = ""};
    int argc = 0;
    char *command = input_text(&r, '\n');
    for (; argc < ARGS_MAX && gw_reader_left(&r) > 0; argc++) {
        argv[argc] = input_text(&r, '\n');
        copies[argc] = strdup(argv[argc]);
    }
    int result = gw_config_parse(&config, *command ? command : NULL, argc, argv, &err);
    check(result, config, &err);
    gw_config_free(config);
    for (int i = 0; i < argc; i++) {
        gw_require(strcmp(copies[i], argv[i]) == 0);
        free(copies[i]);
        free(argv[i]);
    }
    free(command);
    return 0;
}
