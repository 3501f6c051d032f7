/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/policy.h"

#include "gateway/base/compat.h"
#include "gateway/tls/context.h"
#include "gateway/tls/library.h"
#include "ktlsinstall.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

enum {
    SECURITY_LEVEL = 2, /* 112 bits: RSA of 2048 bits or more, no SHA-1 signatures */
    WORD_MAX = 128
};

/* AES-128 comes first: it is the fastest where the CPU has AES. A client without AES puts ChaCha20
 * first and then gets it (SSL_OP_PRIORITIZE_CHACHA). */
#define DEFAULT_CIPHERS                                                                            \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define DEFAULT_CIPHERSUITES                                                                       \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* The first list that the library supports completely is used. The hybrid group needs OpenSSL 3.5,
 * which also supports the signs. A client sends a key share for each group with a star, so that a
 * server without the hybrid group need not ask again. A server prefers groups before the slash, at
 * the price of an extra round trip, to those after it. P-521 is the last resort for key exchange;
 * it is included since in TLS 1.2 the list also governs the curves of peers' certificates (RFC 8422
 * 5.1). */
static const struct {
    const char *list;
    const char *shown;
} default_groups[] = {
    {"*X25519MLKEM768/*X25519:P-256:P-384:P-521", "X25519MLKEM768, X25519, P-256, P-384, P-521"},
    {"X25519:P-256:P-384:P-521", "X25519, P-256, P-384, P-521"},
};
/* ECDSA first: of two certificates for one name the cheaper one signs. No SHA-1. */
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:"                                        \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"                                 \
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"                                    \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* A flag whose value is a list of words, and the TLS version of the words. */
struct list {
    const char *flag;
    const char *value;
    enum ktls_version version;
};

/* Takes the next word of a colon-separated list. False at the end. A word that is too long is cut
 * and so matches nothing. */
static bool next_word(const char **at, char word[WORD_MAX])
{
    if (!**at)
        return false;
    size_t len = strcspn(*at, ":");
    (void)snprintf(word, WORD_MAX, "%.*s", (int)len, *at);
    *at += len;
    if (**at == ':')
        (*at)++;
    return true;
}

static const SSL_CIPHER *find_cipher(SSL_CTX *all, const char *name)
{
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(all);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(ciphers, i);
        const char *iana = SSL_CIPHER_standard_name(c);
        if (strcmp(SSL_CIPHER_get_name(c), name) == 0 || (iana && strcmp(iana, name) == 0))
            return c;
    }
    return NULL;
}

static bool cipher_allowed(const SSL_CIPHER *c, const struct ktls_suite *suite)
{
    int exchange = SSL_CIPHER_get_kx_nid(c);
    return suite && (exchange == NID_kx_ecdhe || exchange == NID_kx_any);
}

static int check_cipher(SSL_CTX *all, const struct list *list, const char *name,
                        struct gw_error *err)
{
    const SSL_CIPHER *c = find_cipher(all, name);
    if (!c)
        return gw_error_set(err, GW_EXIT_USAGE, "%s: this OpenSSL library has no cipher '%s'",
                            list->flag, name);
    const struct ktls_suite *suite = ktls_suite_find(SSL_CIPHER_get_protocol_id(c));
    if (!cipher_allowed(c, suite))
        return gw_error_set(err, GW_EXIT_USAGE,
                            "%s: '%s' is not allowed; ciphers must have forward secrecy (ECDHE) "
                            "and be AES-GCM or ChaCha20-Poly1305",
                            list->flag, name);
    if (suite->version != list->version)
        return gw_error_set(err, GW_EXIT_USAGE, "%s: '%s' belongs in %s", list->flag, name,
                            suite->version == KTLS_TLS_1_3 ? "--ciphersuites" : "--ciphers");
    return 0;
}

static int check_ciphers(SSL_CTX *all, const struct list *list, struct gw_error *err)
{
    const char *at = list->value;
    char word[WORD_MAX];
    unsigned count = 0;
    for (; next_word(&at, word); count++) {
        int r = check_cipher(all, list, word, err);
        if (r < 0)
            return r;
    }
    return count ? 0 : gw_error_set(err, GW_EXIT_USAGE, "%s: the list names no cipher", list->flag);
}

/* Checks words against everything the library has, so that a known but weak cipher and a misspelt
 * one get different messages. */
static int check_lists(SSL_CTX *ctx, const struct gw_tls_side *side, struct gw_error *err)
{
    const struct list lists[] = {
        {"--ciphers", side->ciphers, KTLS_TLS_1_2},
        {"--ciphersuites", side->ciphersuites, KTLS_TLS_1_3},
    };
    SSL_CTX_set_security_level(ctx, 0);
    bool ok = SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL") &&
              SSL_CTX_set_ciphersuites(ctx, DEFAULT_CIPHERSUITES ":TLS_AES_128_CCM_SHA256:"
                                                                 "TLS_AES_128_CCM_8_SHA256");
    int r = ok ? 0 : gw_error_set(err, GW_EXIT_OTHER, "libssl lists no ciphers");
    for (size_t i = 0; r == 0 && i < GW_ARRAY_SIZE(lists); i++)
        if (lists[i].value)
            r = check_ciphers(ctx, &lists[i], err);
    return r;
}

/* libssl expects its own names in the TLS 1.2 list; IANA names are converted. */
static int set_cipher_list(SSL_CTX *ctx, const char *value)
{
    char names[2048] = "";
    char word[WORD_MAX];
    size_t len = 0;
    for (const char *at = value; next_word(&at, word);) {
        const SSL_CIPHER *c = find_cipher(ctx, word);
        int n = snprintf(names + len, sizeof(names) - len, "%s%s", len ? ":" : "",
                         c ? SSL_CIPHER_get_name(c) : word);
        if (n < 0 || (size_t)n >= sizeof(names) - len)
            return 0;
        len += (size_t)n;
    }
    return SSL_CTX_set_cipher_list(ctx, names);
}

static int set_ciphers(SSL_CTX *ctx, const struct gw_tls_side *side, struct gw_error *err)
{
    int r = check_lists(ctx, side, err);
    if (r < 0)
        return r;
    const char *suites = side->ciphersuites ? side->ciphersuites : DEFAULT_CIPHERSUITES;
    bool ok = set_cipher_list(ctx, side->ciphers ? side->ciphers : DEFAULT_CIPHERS) &&
              SSL_CTX_set_ciphersuites(ctx, suites);
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    return ok ? 0 : gw_error_set(err, GW_EXIT_USAGE, "--ciphers: the list cannot be used");
}

/* SSL_CTX_set1_groups_list and similar calls take text that they might change. */
static bool set_text(SSL_CTX *ctx, int command, const char *value)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%s", value);
    return len > 0 && (size_t)len < sizeof(text) && SSL_CTX_ctrl(ctx, command, 0, text) == 1;
}

/* The groups that were set, in words. NULL: none. */
static const char *set_default_groups(SSL_CTX *ctx)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(default_groups); i++)
        if (set_text(ctx, SSL_CTRL_SET_GROUPS_LIST, default_groups[i].list))
            return default_groups[i].shown;
    return NULL;
}

const char *gw_tls_library_groups(void)
{
    OSSL_LIB_CTX *library = gw_tls_library_get();
    SSL_CTX *ctx = library ? SSL_CTX_new_ex(library, NULL, TLS_method()) : NULL;
    const char *shown = ctx ? set_default_groups(ctx) : NULL;
    SSL_CTX_free(ctx);
    if (library)
        gw_tls_library_put();
    ERR_clear_error();
    return shown ? shown : "";
}

static int set_groups(SSL_CTX *ctx, const struct gw_tls_side *side, struct gw_error *err)
{
    if (!side->groups)
        return set_default_groups(ctx)
                   ? 0
                   : gw_error_set(err, GW_EXIT_OTHER,
                                  "libssl lacks the groups X25519, P-256, P-384 and P-521");
    char word[WORD_MAX];
    for (const char *at = side->groups; next_word(&at, word);)
        if (!set_text(ctx, SSL_CTRL_SET_GROUPS_LIST, word))
            return gw_error_set(err, GW_EXIT_USAGE,
                                "--groups: this OpenSSL library has no group '%s'", word);
    return set_text(ctx, SSL_CTRL_SET_GROUPS_LIST, side->groups)
               ? 0
               : gw_error_set(err, GW_EXIT_USAGE, "--groups: '%s' cannot be used as a list",
                              side->groups);
}

static int set_versions(SSL_CTX *ctx, const struct gw_tls_side *side, struct gw_error *err)
{
    uint16_t min = side->tls_min;
    uint16_t max = side->tls_max;
    if (min < TLS1_2_VERSION || max > TLS1_3_VERSION || min > max)
        return gw_error_set(err, GW_EXIT_USAGE,
                            "--tls-min and --tls-max: only 1.2 and 1.3 are supported, and the "
                            "minimum must not be above the maximum");
    return SSL_CTX_set_min_proto_version(ctx, min) && SSL_CTX_set_max_proto_version(ctx, max)
               ? 0
               : gw_error_set(err, GW_EXIT_OTHER, "libssl cannot speak TLS 1.2 and 1.3");
}

static void set_options(SSL_CTX *ctx, const struct gw_tls_side *side)
{
    SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
    SSL_CTX_set_options(
        ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_MIDDLEBOX_COMPAT |
                 SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION |
                 (side->session_tickets ? 0 : SSL_OP_NO_TICKET));
    /* Send the chain of the file, never one built from the CAs for clients. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0); /* we send them ourselves, once the peer may pass */
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_block_padding(ctx, 0);
    SSL_CTX_set_read_ahead(ctx, 0); /* bytes after the Finished stay unread */
}

int gw_policy_apply(SSL_CTX *ctx, const struct gw_tls_side *side, struct gw_error *err)
{
    set_options(ctx, side);
    int r = set_versions(ctx, side, err);
    if (r == 0)
        r = set_ciphers(ctx, side, err);
    if (r == 0)
        r = set_groups(ctx, side, err);
    if (r == 0 && !set_text(ctx, SSL_CTRL_SET_SIGALGS_LIST, SIGNATURES))
        r = gw_error_set(err, GW_EXIT_OTHER, "libssl lacks a signature algorithm of TLS 1.3");
    ERR_clear_error();
    return r;
}

/* ---- keys of peers ---- */

/* The curves that TLS 1.3 has signatures for. */
static bool is_signed_with(int curve)
{
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1;
}

/* Accepts any name of a curve: "P-256", "prime256v1", "secp256r1". */
static int curve_of(const char *word)
{
    int nid = EC_curve_nist2nid(word);
    if (nid == NID_undef)
        nid = strcmp(word, "secp256r1") == 0 ? NID_X9_62_prime256v1 : OBJ_sn2nid(word);
    return nid;
}

static bool is_group(const struct gw_tls_side *side, int curve)
{
    const char *at = side->groups ? side->groups : default_groups[0].list;
    char word[WORD_MAX];
    while (next_word(&at, word))
        if (curve_of(word) == curve)
            return true;
    return false;
}

bool gw_policy_takes_key(const struct gw_tls_side *side, const EVP_PKEY *key, uint16_t version)
{
    char name[WORD_MAX];
    size_t len = 0;
    if (!EVP_PKEY_is_a(key, "EC"))
        return true;
    if (!EVP_PKEY_get_group_name(key, name, sizeof(name), &len))
        return false;
    int curve = curve_of(name);
    return curve != NID_undef &&
           (version == TLS1_3_VERSION ? is_signed_with(curve) : is_group(side, curve));
}
