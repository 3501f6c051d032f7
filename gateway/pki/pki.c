/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/pki.h"

#include "gateway/base/wipe.h"
#include "gateway/pki/ca.h"
#include "gateway/pki/issue.h"
#include "gateway/pki/pass.h"
#include "gateway/pki/revoke.h"
#include "gateway/pki/table.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DAY_S = 86400,
};

/* The state of a command. */
struct work {
    const struct gw_config_pki *pki;
    struct gw_pki_ca ca;
    struct gw_pki_text key_pass; /* .data NULL: none */
    struct gw_pki_text bundle_pass;
    struct gw_error *err;
};

static gw_printf(1, 2) void note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("ktlsgate: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

static int read_passes(struct work *w)
{
    const struct gw_config_pki *pki = w->pki;
    int error = 0;
    if (pki->key_pass_file)
        error = gw_pki_pass_read(&w->key_pass, "--key-pass-file", pki->key_pass_file, w->err);
    if (!error && pki->bundle_pass_file)
        error =
            gw_pki_pass_read(&w->bundle_pass, "--bundle-pass-file", pki->bundle_pass_file, w->err);
    return error;
}

static int open_to_sign(struct work *w)
{
    int error = read_passes(w);
    if (!error)
        error = gw_pki_ca_open(&w->ca, w->pki->dir, GW_PKI_WRITE, (int64_t)time(NULL), w->err);
    return error ? error : gw_pki_ca_keys(&w->ca, w->key_pass.data, w->err);
}

static int open_to_read(struct work *w)
{
    return gw_pki_ca_open(&w->ca, w->pki->dir, GW_PKI_READ, (int64_t)time(NULL), w->err);
}

/* Warns about a CRL that expires soon, whichever command runs. */
static void note_crl(const struct gw_pki_ca *ca)
{
    struct gw_pki_crl_status crl;
    char text[GW_PKI_TIME_TEXT];
    gw_pki_crl_look(ca, &crl);
    if (!crl.there)
        note("%s/crl.pem cannot be used; write a new one with `ktlsgate pki crl`", ca->store.path);
    else if (!crl.complete)
        note("%s/crl.pem lacks a revoked certificate; write a new one with `ktlsgate pki crl`",
             ca->store.path);
    else if (crl.next_update <= ca->now + DAY_S)
        note("%s/crl.pem expires on %s; write a new one with `ktlsgate pki crl`, with ca/root.key "
             "in its place if it is elsewhere",
             ca->store.path, gw_pki_time_text(crl.next_update, text));
}

/* Notes that a certificate is shorter than requested, since the CA expires. */
static void note_cut(const struct gw_pki_record *r)
{
    char text[GW_PKI_TIME_TEXT];
    if (r->expires < r->issued + (int64_t)r->request.days * DAY_S)
        note("%s: valid only until the CA's own certificate expires, on %s; renew that (`ktlsgate "
             "pki renew intermediate`), or create a new CA in time",
             r->request.name, gw_pki_time_text(r->expires, text));
}

/* ---- the commands ---- */

static int run_init(struct work *w)
{
    const struct gw_config_pki *pki = w->pki;
    struct gw_pki_init init = {.path = pki->dir,
                               .name = pki->name,
                               .key_type = pki->key_type,
                               .days = pki->days,
                               .intermediate = pki->intermediate,
                               .intermediate_days = pki->intermediate_days,
                               .permits = &pki->permits,
                               .now = (int64_t)time(NULL)};
    int error = read_passes(w);
    init.pass = w->key_pass.data;
    if (!error)
        error = gw_pki_ca_init(&w->ca, &init, w->err);
    if (error)
        return error;
    printf("created a CA in %s\n  %s/ca.pem   its certificate: --cacert of gateways and clients\n  "
           "%s/crl.pem  its certificate revocation list\n  %s/ca/      its keys: keep a copy in a "
           "safe place that nobody else can read\n",
           pki->dir, pki->dir, pki->dir, pki->dir);
    return 0;
}

static void print_issued(const char *verb, const struct gw_pki_record *r)
{
    char expires[GW_PKI_TIME_TEXT];
    printf("%s %s %s, serial number %s, valid until %s\n", verb, gw_pki_kind_word(r->request.kind),
           r->request.name, r->serial.text, gw_pki_time_text(r->expires, expires));
    note_cut(r);
}

static int run_issue(struct work *w)
{
    const struct gw_config_pki *pki = w->pki;
    const struct gw_pki_record *made;
    const struct gw_pki_wish wish = {.bundle_pass = w->bundle_pass.data};
    struct gw_pki_request request = {.kind = pki->server ? GW_PKI_SERVER : GW_PKI_CLIENT,
                                     .name = pki->server ? pki->server : pki->client,
                                     .ou = pki->ou,
                                     .san_count = pki->san_count,
                                     .key_type = pki->key_type,
                                     .days = pki->days};
    memcpy(request.sans, pki->sans, sizeof(request.sans));
    int error = gw_pki_issue(&w->ca, &request, &wish, &made, w->err);
    if (error)
        return error;
    print_issued("issued", made);
    printf("  %s/" GW_PKI_CERTS "/%s/chain.pem   for --cert\n"
           "  %s/" GW_PKI_CERTS "/%s/key.pem     for --key\n"
           "  %s/" GW_PKI_CERTS "/%s/bundle.p12  both, for browsers and Java\n",
           pki->dir, request.name, pki->dir, request.name, pki->dir, request.name);
    return 0;
}

/* Normalizes a serial number as tools print it: capital letters, colons. */
static void normalize(const char *text, char out[GW_PKI_SERIAL_TEXT + 2])
{
    size_t len = 0;
    for (; *text && len <= GW_PKI_SERIAL_TEXT; text++)
        if (*text != ':')
            out[len++] = (char)tolower((unsigned char)*text);
    out[len] = '\0';
}

static struct gw_pki_record *find_serial(const struct work *w)
{
    char serial[GW_PKI_SERIAL_TEXT + 2];
    normalize(w->pki->name, serial);
    return gw_pki_register_by_serial(&w->ca.reg, serial);
}

static bool is_ca(const struct work *w, enum gw_pki_kind kind, X509 *cert)
{
    char name[128] = "", wanted[GW_PKI_SERIAL_TEXT + 2];
    struct gw_pki_serial serial;
    if (!cert)
        return false;
    normalize(w->pki->name, wanted);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                                    sizeof(name));
    return strcmp(w->pki->name, gw_pki_kind_word(kind)) == 0 || strcmp(w->pki->name, name) == 0 ||
           (gw_pki_serial_of(&serial, X509_get0_serialNumber(cert)) &&
            strcmp(serial.text, wanted) == 0);
}

static int refuse_unknown(const struct work *w)
{
    if (is_ca(w, GW_PKI_ROOT, w->ca.root.cert))
        return gw_error_set(w->err, GW_EXIT_USAGE,
                            "'%.80s' is the root of %s; `ktlsgate pki show` describes it, and only "
                            "a new CA replaces it (`ktlsgate pki init` in another folder)",
                            w->pki->name, w->pki->dir);
    if (is_ca(w, GW_PKI_INTERMEDIATE, w->ca.intermediate.cert))
        return gw_error_set(w->err, GW_EXIT_USAGE,
                            "'%.80s' is the intermediate of %s; `ktlsgate pki show` describes it, "
                            "and `ktlsgate pki renew intermediate` renews it",
                            w->pki->name, w->pki->dir);
    return gw_error_set(w->err, GW_EXIT_USAGE,
                        "'%.80s' is neither the name nor the serial number of a certificate in "
                        "%s; `ktlsgate pki list --all` shows them",
                        w->pki->name, w->pki->dir);
}

static struct gw_pki_record *find_named(const struct work *w)
{
    struct gw_pki_record *record = find_serial(w);
    return record ? record : gw_pki_register_by_name(&w->ca.reg, w->pki->name);
}

static int renew_one(struct work *w, const struct gw_pki_record *old)
{
    const struct gw_pki_record *made;
    const struct gw_pki_wish wish = {
        .bundle_pass = w->bundle_pass.data, .keep_key = w->pki->keep_key, .days = w->pki->days};
    int error = gw_pki_renew(&w->ca, old, &wish, &made, w->err);
    if (!error)
        print_issued("renewed", made);
    return error;
}

/* A failure does not keep the other certificates from being renewed. The last failure is the
 * result; earlier ones are printed here. */
static int renew_soon(struct work *w)
{
    const struct gw_pki_register *reg = &w->ca.reg;
    int64_t until = w->ca.now + w->pki->within_ns / 1000000000;
    struct gw_pki_serial *due = calloc(reg->count + 1, sizeof(*due));
    size_t count = 0;
    int failed = 0;
    if (!due)
        return gw_error_set(w->err, GW_EXIT_OTHER, "out of memory");
    for (size_t i = 0; i < reg->count; i++)
        if (gw_pki_record_state(&reg->records[i], w->ca.now) == GW_PKI_ACTIVE &&
            reg->records[i].expires <= until)
            due[count++] = reg->records[i].serial;
    for (size_t i = 0; i < count; i++) {
        if (failed)
            note("%s", w->err->text);
        int error = renew_one(w, gw_pki_register_by_serial(reg, due[i].text));
        failed = error ? error : failed;
    }
    free(due);
    return failed;
}

static int renew_intermediate(struct work *w)
{
    const struct gw_config_pki *pki = w->pki;
    char text[GW_PKI_TIME_TEXT];
    if (pki->days || pki->keep_key || pki->bundle_pass_file)
        return gw_error_set(w->err, GW_EXIT_USAGE,
                            "--days, --keep-key and --bundle-pass-file do not apply to the "
                            "intermediate, which keeps its key and its lifetime; leave them out");
    int error = gw_pki_ca_renew(&w->ca, w->err);
    if (error)
        return error;
    const ASN1_TIME *end = X509_get0_notAfter(w->ca.intermediate.cert);
    printf("renewed the intermediate, valid until %s; %s/ca.pem is new too\n",
           gw_pki_time_text(gw_pki_certificate_time(end), text), w->pki->dir);
    return 0;
}

static int run_renew(struct work *w)
{
    if (!w->pki->name)
        return renew_soon(w);
    if (!strcmp(w->pki->name, gw_pki_kind_word(GW_PKI_INTERMEDIATE)))
        return renew_intermediate(w);
    const struct gw_pki_record *old = find_named(w);
    return old ? renew_one(w, old) : refuse_unknown(w);
}

static int revoke_one(struct work *w, struct gw_pki_record *r)
{
    bool before = r->revoked != 0;
    int error = gw_pki_revoke(&w->ca, r, w->pki->reason, w->err);
    if (!error)
        printf("%s %s %s, serial number %s\n", before ? "was revoked already:" : "revoked",
               gw_pki_kind_word(r->request.kind), r->request.name, r->serial.text);
    return error;
}

/* A name stands for a person or machine: earlier certificates of it are revoked as well. */
static int revoke_name(struct work *w, unsigned *ret_count)
{
    int error = 0;
    for (size_t i = 0; !error && i < w->ca.reg.count; i++) {
        struct gw_pki_record *r = &w->ca.reg.records[i];
        if (strcmp(r->request.name, w->pki->name) != 0 || r->expires <= w->ca.now)
            continue;
        error = revoke_one(w, r);
        ++*ret_count;
    }
    return error;
}

static int run_revoke(struct work *w)
{
    unsigned count = 0;
    struct gw_pki_record *one = find_serial(w);
    int error = one ? revoke_one(w, one) : revoke_name(w, &count);
    if (!error && !one && !count && gw_pki_register_by_name(&w->ca.reg, w->pki->name))
        return gw_error_set(w->err, GW_EXIT_USAGE,
                            "%s: all certificates of this name have expired; there is nothing to "
                            "revoke",
                            w->pki->name);
    if (!error && !one && !count)
        return refuse_unknown(w);
    if (!error)
        error = gw_pki_crl_renew(&w->ca, 0, w->err);
    if (!error)
        printf(
            "wrote %s/crl.pem; gateways with --crl of that file refuse what is on it once HUP or "
            "--reload-interval loads it\n",
            w->pki->dir);
    return error;
}

static int run_crl(struct work *w)
{
    struct gw_pki_crl_status crl;
    char text[GW_PKI_TIME_TEXT];
    int error = gw_pki_crl_renew(&w->ca, w->pki->next_update_ns / 1000000000, w->err);
    if (error)
        return error;
    gw_pki_crl_look(&w->ca, &crl);
    printf("wrote %s/crl.pem, valid until %s\n", w->pki->dir,
           gw_pki_time_text(crl.next_update, text));
    note_crl(&w->ca);
    return 0;
}

/* Prints all damage except the last, which is the result. */
static int report_damage(struct work *w)
{
    const struct gw_pki_register *reg = &w->ca.reg;
    for (size_t i = 1; i < reg->damage_count; i++)
        note("%s", reg->damage[i].text);
    return gw_pki_register_whole(reg, w->err);
}

static int run_list(struct work *w)
{
    gw_pki_table_list(&w->ca, w->pki->all, stdout);
    (void)fflush(stdout);
    note_crl(&w->ca);
    return report_damage(w);
}

static int run_show(struct work *w)
{
    const struct gw_pki_record *record = w->pki->name ? find_named(w) : NULL;
    if (record)
        return gw_pki_table_show(&w->ca, record, stdout, w->err);
    if (w->ca.reg.damage_count)
        return report_damage(w);
    if (w->pki->name)
        return refuse_unknown(w);
    gw_pki_table_show_ca(&w->ca, stdout);
    (void)fflush(stdout);
    note_crl(&w->ca);
    return 0;
}

static const struct {
    int (*open)(struct work *w);
    int (*run)(struct work *w);
} commands[] = {
    [GW_COMMAND_PKI_INIT] = {NULL, run_init},
    [GW_COMMAND_PKI_ISSUE] = {open_to_sign, run_issue},
    [GW_COMMAND_PKI_RENEW] = {open_to_sign, run_renew},
    [GW_COMMAND_PKI_REVOKE] = {open_to_sign, run_revoke},
    [GW_COMMAND_PKI_CRL] = {open_to_sign, run_crl},
    [GW_COMMAND_PKI_LIST] = {open_to_read, run_list},
    [GW_COMMAND_PKI_SHOW] = {open_to_read, run_show},
};

enum gw_exit gw_pki_run(const struct gw_config *config, struct gw_error *err)
{
    struct work w = {.pki = &config->pki, .ca = {.store = {.fd = -1}}, .err = err};
    gw_wipe_forbid_dumps();
    int error = commands[config->command].open ? commands[config->command].open(&w) : 0;
    if (!error)
        error = commands[config->command].run(&w);
    gw_pki_ca_close(&w.ca);
    gw_pki_text_done(&w.key_pass);
    gw_pki_text_done(&w.bundle_pass);
    if (error)
        return err->exit;
    if (!fflush(stdout) && !ferror(stdout))
        return GW_EXIT_OK;
    (void)gw_error_set(err, GW_EXIT_OTHER, "standard output could not be written");
    return GW_EXIT_OTHER;
}
