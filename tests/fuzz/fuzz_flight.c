/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole handshakes with a real client whose flights are changed in transit. Input: the two sides'
 * settings (1 byte), bytes at a time (1), then for each flight of the client the number of edits
 * and the edits. A client that completes has the keys, and the identity in its certificate.
 */
#include "gateway/base/limits.h"
#include "gateway/ktls/softrecord.h"
#include "tests/fuzz/client.h"
#include "tests/fuzz/edits.h"
#include "tests/fuzz/fixed_random.h"
#include "tests/fuzz/target.h"

enum {
    CONTENT_DATA = 23,
    VERIFY_KINDS = 3
};

static bool allows(void *arg, const struct gw_identity *identity)
{
    (void)arg;
    return !identity->present ||
           strcmp(identity->fingerprint, fuzz_world()->fingerprints[FUZZ_CERT_FOREIGN]) != 0;
}

static void change(struct fuzz_pair *p, uint8_t **data, size_t *len)
{
    struct gw_reader *r = p->arg;
    unsigned edits = gw_read_u8(r) % 8;
    struct edited e = edit_copy(*data, *len, edits, r);
    free(*data);
    *data = e.data;
    *len = e.len;
}

static void check_identity(struct fuzz_pair *p, enum gw_verify verify, enum fuzz_cert shown)
{
    static struct gw_identity id;
    gw_require(gw_handshake_identity(p->server, &id));
    bool expected = verify != GW_VERIFY_NONE && shown != FUZZ_CERT_NONE;
    gw_require(id.present == expected);
    gw_require(!expected || shown != FUZZ_CERT_FOREIGN);
    gw_require(!expected || strcmp(id.fingerprint, fuzz_world()->fingerprints[shown]) == 0);
    gw_require(verify != GW_VERIFY_REQUIRED || id.present);
}

/* Both sides derived the same keys and count alike, whatever went before. */
static void check_keys(struct fuzz_pair *p)
{
    static const char ping[] = "ping";
    uint8_t record[64 + KTLS_SOFT_OVERHEAD], got[64], type = 0;
    struct gw_handover_keys keys;
    gw_require(gw_handshake_tickets(p->server) == 0); /* the service has none */
    gw_require(gw_handshake_keys(p->server, &keys) == 0);
    gw_require(SSL_do_handshake(p->client) == 1);
    int n = ktls_soft_seal(&keys.tx, CONTENT_DATA, ping, sizeof(ping), 0, record);
    gw_require(n > 0 && BIO_write(p->to_client, record, n) == n);
    gw_require(SSL_read(p->client, got, sizeof(got)) == sizeof(ping));
    if (gw_handshake_unread(p->server, got, sizeof(got)) > 0)
        return; /* what was added behind the Finished comes first */
    gw_require(SSL_write(p->client, ping, sizeof(ping)) == sizeof(ping));
    n = BIO_read(p->from_client, record, sizeof(record));
    gw_require(n > 0 && ktls_soft_open(&keys.rx, record, (size_t)n, &type, got) == sizeof(ping));
    gw_require(type == CONTENT_DATA && memcmp(got, ping, sizeof(ping)) == 0);
}

static void check_end(struct fuzz_pair *p, enum gw_verify verify, enum fuzz_cert shown)
{
    struct gw_handshake_info info;
    struct gw_handover_keys keys;
    gw_handshake_get_info(p->server, &info);
    gw_require(strnlen(info.sni, sizeof(info.sni)) < sizeof(info.sni));
    if (p->verdict == GW_HANDSHAKE_DONE) {
        check_identity(p, verify, shown);
        check_keys(p);
        return;
    }
    gw_require(gw_handshake_keys(p->server, &keys) < 0);
    if (p->verdict != GW_HANDSHAKE_FAILED)
        return;
    enum gw_reason reason = gw_handshake_reason(p->server);
    gw_require(reason != GW_REASON_NONE && reason != GW_REASON_INTERNAL);
    gw_require(reason != GW_REASON_HANDSHAKE_INTERNAL && reason != GW_REASON_NO_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_tls_context *contexts[VERIFY_KINDS];
    static SSL_CTX *clients[2][FUZZ_CERT_COUNT];
    struct gw_reader r = gw_reader_of(data, size);
    uint8_t like = gw_read_u8(&r);
    enum gw_verify verify = (enum gw_verify)(like / 8 % VERIFY_KINDS);
    enum fuzz_cert cert = (enum fuzz_cert)(like / 2 % FUZZ_CERT_COUNT);
    SSL_CTX **client = &clients[like & 1][cert];
    if (!contexts[verify])
        contexts[verify] = fuzz_context("fuzz", verify, NULL);
    if (!*client)
        *client = fuzz_client_ctx(like & 1 ? TLS1_2_VERSION : TLS1_3_VERSION, cert);
    fixed_random_start();
    struct fuzz_pair p;
    fuzz_pair_init(&p, contexts[verify], *client, allows);
    p.change = change;
    p.arg = &r;
    p.piece = gw_read_u8(&r);
    fuzz_pair_run(&p);
    check_end(&p, verify, cert);
    fuzz_pair_done(&p);
    return 0;
}
