/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pki/table.h"

#include "gateway/pki/revoke.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    NAME_WIDTH_MIN = 12,
    CERT_MAX = 64 * 1024,
    FINGERPRINT_TEXT = 2 * 32 + 1,
};

/* ---- the table ---- */

/* By name, the newest first. */
static int compare_rows(const void *a, const void *b)
{
    const struct gw_pki_record *x = *(const struct gw_pki_record *const *)a;
    const struct gw_pki_record *y = *(const struct gw_pki_record *const *)b;
    int order = strcmp(x->request.name, y->request.name);
    if (order)
        return order;
    if (x->issued != y->issued)
        return x->issued < y->issued ? 1 : -1;
    return (int)x->replaced - (int)y->replaced;
}

static void print_row(FILE *out, int width, const char *name, const char *kind, const char *serial,
                      const char *expires, const char *state)
{
    (void)fprintf(out, "%-*s  %-12s  %-*s  %-*s  %s\n", width, name, kind, GW_PKI_SERIAL_TEXT,
                  serial, GW_PKI_TIME_TEXT - 1, expires, state);
}

static const char *common_name(X509 *cert, char out[128])
{
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 128) < 0)
        (void)snprintf(out, 128, "?");
    return out;
}

static const char *serial_of(X509 *cert, struct gw_pki_serial *serial)
{
    return gw_pki_serial_of(serial, X509_get0_serialNumber(cert)) ? serial->text : "?";
}

static void print_ca(FILE *out, int width, const struct gw_pki_ca *ca, enum gw_pki_kind kind,
                     X509 *cert)
{
    char name[128], expires[GW_PKI_TIME_TEXT];
    struct gw_pki_serial serial;
    int64_t end = gw_pki_certificate_time(X509_get0_notAfter(cert));
    print_row(out, width, common_name(cert, name), gw_pki_kind_word(kind), serial_of(cert, &serial),
              gw_pki_time_text(end, expires),
              gw_pki_state_word(end > ca->now ? GW_PKI_ACTIVE : GW_PKI_EXPIRED));
}

/* Selects the records of the table, sorted. */
static size_t pick(const struct gw_pki_ca *ca, bool all, const struct gw_pki_record **rows)
{
    size_t count = 0;
    for (size_t i = 0; i < ca->reg.count; i++)
        if (all || !ca->reg.records[i].replaced)
            rows[count++] = &ca->reg.records[i];
    if (count)
        qsort(rows, count, sizeof(*rows), compare_rows);
    return count;
}

static int width_of(const struct gw_pki_ca *ca, const struct gw_pki_record **rows, size_t count)
{
    char name[128];
    size_t width = GW_MAX(NAME_WIDTH_MIN, strlen(common_name(ca->root.cert, name)));
    if (ca->intermediate.cert)
        width = GW_MAX(width, strlen(common_name(ca->intermediate.cert, name)));
    for (size_t i = 0; i < count; i++)
        width = GW_MAX(width, strlen(rows[i]->request.name));
    return (int)width;
}

void gw_pki_table_list(const struct gw_pki_ca *ca, bool all, FILE *out)
{
    char expires[GW_PKI_TIME_TEXT];
    const struct gw_pki_record **rows = calloc(ca->reg.count + 1, sizeof(*rows));
    gw_require(rows);
    size_t count = pick(ca, all, rows);
    int width = width_of(ca, rows, count);
    print_row(out, width, "NAME", "KIND", "SERIAL", "EXPIRES", "STATE");
    print_ca(out, width, ca, GW_PKI_ROOT, ca->root.cert);
    if (ca->intermediate.cert)
        print_ca(out, width, ca, GW_PKI_INTERMEDIATE, ca->intermediate.cert);
    for (size_t i = 0; i < count; i++)
        print_row(out, width, rows[i]->request.name, gw_pki_kind_word(rows[i]->request.kind),
                  rows[i]->serial.text, gw_pki_time_text(rows[i]->expires, expires),
                  gw_pki_state_word(gw_pki_record_state(rows[i], ca->now)));
    free(rows);
}

/* ---- one certificate ---- */

static void line(FILE *out, const char *word, const char *value)
{
    (void)fprintf(out, "%-12s  %s\n", word, value);
}

static void time_line(FILE *out, const char *word, int64_t time)
{
    char text[GW_PKI_TIME_TEXT];
    line(out, word, gw_pki_time_text(time, text));
}

static void print_fingerprint(FILE *out, X509 *cert)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[FINGERPRINT_TEXT] = "";
    unsigned len = 0;
    if (X509_digest(cert, EVP_sha256(), hash, &len) == 1)
        for (unsigned i = 0; i < len; i++)
            (void)snprintf(text + 2 * (size_t)i, 3, "%02x", hash[i]);
    line(out, "sha256", text);
}

static void print_files(const struct gw_pki_ca *ca, const struct gw_pki_record *r, FILE *out)
{
    char link[GW_PKI_NAME_BYTES], target[GW_PKI_NAME_BYTES];
    (void)snprintf(link, sizeof(link), GW_PKI_CERTS "/%s", r->request.name);
    (void)snprintf(target, sizeof(target), "../" GW_PKI_ISSUED "/%s", r->serial.text);
    bool linked = gw_pki_store_links_to(&ca->store, link, target);
    (void)fprintf(out, "%-12s  %s/%s\n", "files", ca->store.path, linked ? link : target + 3);
}

static void print_record(const struct gw_pki_record *r, int64_t now, FILE *out)
{
    const struct gw_pki_request *q = &r->request;
    line(out, "name", q->name);
    line(out, "kind", gw_pki_kind_word(q->kind));
    line(out, "state", gw_pki_state_word(gw_pki_record_state(r, now)));
    line(out, "serial", r->serial.text);
    time_line(out, "issued", r->issued);
    time_line(out, "expires", r->expires);
    if (r->revoked) {
        time_line(out, "revoked", r->revoked);
        line(out, "reason", gw_pki_reason_word(r->reason));
    }
    if (r->replaces.text[0])
        line(out, "replaces", r->replaces.text);
    line(out, "key-type", gw_pki_key_word(q->key_type));
    if (q->ou)
        line(out, "ou", q->ou);
    for (unsigned i = 0; i < q->san_count; i++)
        line(out, gw_pki_san_word(q->sans[i].kind), q->sans[i].text);
}

int gw_pki_table_show(const struct gw_pki_ca *ca, const struct gw_pki_record *record, FILE *out,
                      struct gw_error *err)
{
    struct gw_pki_text text;
    X509 *cert = NULL;
    char name[GW_PKI_NAME_BYTES], file[GW_PKI_NAME_BYTES + 512];
    (void)snprintf(name, sizeof(name), GW_PKI_ISSUED "/%s/cert.pem", record->serial.text);
    (void)snprintf(file, sizeof(file), "%s/%s", ca->store.path, name);
    print_record(record, ca->now, out);
    int error = gw_pki_store_read(&ca->store, name, CERT_MAX, &text, NULL, err);
    if (error)
        return error;
    error = gw_pki_certificate_read(&cert, &text, file, ca->library, err);
    gw_pki_text_done(&text);
    if (error)
        return error;
    print_fingerprint(out, cert);
    print_files(ca, record, out);
    X509_free(cert);
    return 0;
}

/* ---- the CA ---- */

static void print_permits(X509 *cert, FILE *out)
{
    int at = X509_get_ext_by_NID(cert, NID_name_constraints, -1);
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    if (at >= 0 && bio && X509V3_EXT_print(bio, X509_get_ext(cert, at), 0, 2)) {
        long len = BIO_get_mem_data(bio, &text);
        (void)fprintf(out, "%-12s  only as follows\n%.*s\n", "issues", (int)len, text);
    } else {
        line(out, "issues", "for any name");
    }
    BIO_free(bio);
}

static void print_signer(enum gw_pki_kind kind, X509 *cert, FILE *out)
{
    char name[128];
    struct gw_pki_serial serial;
    line(out, "name", common_name(cert, name));
    line(out, "kind", gw_pki_kind_word(kind));
    line(out, "serial", serial_of(cert, &serial));
    time_line(out, "expires", gw_pki_certificate_time(X509_get0_notAfter(cert)));
    print_fingerprint(out, cert);
}

void gw_pki_table_show_ca(const struct gw_pki_ca *ca, FILE *out)
{
    struct gw_pki_crl_status crl;
    unsigned counts[GW_PKI_REVOKED + 1] = {0};
    print_signer(GW_PKI_ROOT, ca->root.cert, out);
    print_permits(ca->root.cert, out);
    if (ca->intermediate.cert) {
        (void)fputc('\n', out);
        print_signer(GW_PKI_INTERMEDIATE, ca->intermediate.cert, out);
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < ca->reg.count; i++)
        counts[gw_pki_record_state(&ca->reg.records[i], ca->now)]++;
    for (unsigned i = 0; i < GW_ARRAY_SIZE(counts); i++)
        (void)fprintf(out, "%-12s  %u\n", gw_pki_state_word((enum gw_pki_state)i), counts[i]);
    gw_pki_crl_look(ca, &crl);
    if (crl.there)
        time_line(out, "next-update", crl.next_update);
}
