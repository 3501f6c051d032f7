/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/tls/chain and trust: what a verified chain is remembered by, and how it is judged when it
 * is looked at again. */
#include "gateway/tls/chain.h"
#include "tests/unit/ahead.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gw_chain sample(unsigned count)
{
    struct gw_chain c = {.present = true,
                         .count = count,
                         .not_after = INT64_C(0x123456789a),
                         .since = INT64_C(0x987654321)};
    memset(c.anchor, 0xa5, sizeof(c.anchor));
    for (unsigned i = 0; i < count; i++) {
        struct gw_chain_entry *e = &c.entries[i];
        memset(e->issuer, (int)i + 1, sizeof(e->issuer));
        e->is_ca = i > 0;
        e->serial.len = (uint8_t)(2 * i);
        memset(e->serial.bytes, 0xc0, (size_t)2 * i);
        e->points.count = (uint8_t)(i % (GW_POINTS_MAX + 1));
        e->points.more = i & 1;
        memset(e->points.ids, (int)i + 0x70, (size_t)e->points.count * GW_POINT_LEN);
    }
    return c;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t data[GW_CHAIN_BYTES_MAX];
    struct gw_chain read;
    for (unsigned count = 0; count <= GW_CHAIN_MAX; count++) {
        struct gw_chain c = sample(count);
        size_t len = gw_chain_encode(&c, data);
        assert_true(len > 0);
        assert_true(gw_chain_decode(&read, data, len));
        assert_memory_equal(&read, &c, sizeof(c));
        for (size_t part = 0; part < len; part++)
            assert_false(gw_chain_decode(&read, data, part));
    }
    struct gw_chain absent = {.since = 7};
    size_t len = gw_chain_encode(&absent, data);
    assert_true(gw_chain_decode(&read, data, len));
    assert_false(read.present);
    assert_int_equal(read.since, 7);
    absent.since = -1;
    assert_false(gw_chain_decode(&read, data, gw_chain_encode(&absent, data)));
}

static void another_version_is_not_read(void **state)
{
    (void)state;
    uint8_t data[GW_CHAIN_BYTES_MAX];
    struct gw_chain c = sample(2);
    size_t len = gw_chain_encode(&c, data);
    for (int version = 0; version < 256; version++) {
        bool ours = data[0] == version;
        uint8_t changed[GW_CHAIN_BYTES_MAX];
        struct gw_chain read;
        memcpy(changed, data, len);
        changed[0] = (uint8_t)version;
        assert_int_equal(gw_chain_decode(&read, changed, len), ours);
        assert_int_equal(read.present, ours);
    }
}

/* ---- judged ---- */

/* What the service keeps of a client with this certificate. */
static struct gw_chain chain_of(const struct tlsworld *w, struct gw_tls_context *tls,
                                const struct test_cert *cert, const struct test_cert *middle)
{
    struct tlspair p;
    struct gw_chain chain;
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    if (cert)
        tlspair_show(ctx, cert);
    if (middle)
        assert_true(SSL_CTX_add1_chain_cert(ctx, middle->x509));
    tlspair_init(&p, tls, ctx, NULL);
    assert_int_equal(tlspair_run(&p), GW_HANDSHAKE_DONE);
    assert_true(gw_handshake_chain(p.server, &chain));
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return chain;
}

static struct gw_tls_context *context(const struct tlsworld *w, enum gw_verify verify,
                                      const char *ca_file)
{
    struct gw_tls_side side;
    tlsworld_side(w, &side);
    side.verify = verify;
    side.cacerts[0] = ca_file;
    return tlsworld_context(&side, NULL);
}

static time_t end_of(const struct test_cert *cert)
{
    struct tm tm;
    assert_true(ASN1_TIME_to_tm(X509_get0_notAfter(cert->x509), &tm));
    return timegm(&tm);
}

static void the_first_to_end_ends_the_chain(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *middle = test_cert_new(&(struct test_cert_spec){
        .cn = "middle", .ca = true, .begins = -60, .ends = 3600, .issuer = w->ca});
    struct test_cert *leaf =
        test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = middle});
    struct gw_tls_context *tls = context(w, GW_VERIFY_REQUIRED, w->ca_file);
    struct gw_chain c = chain_of(w, tls, leaf, middle);
    assert_int_equal(c.count, 2);
    assert_false(c.entries[0].is_ca);
    assert_true(c.entries[1].is_ca);
    assert_int_equal(c.not_after, end_of(middle));
    assert_int_equal(gw_tls_context_judge_chain(tls, &c, end_of(middle) - 1, NULL), GW_REASON_NONE);
    assert_int_equal(gw_tls_context_judge_chain(tls, &c, end_of(middle), NULL),
                     GW_REASON_CERT_EXPIRED);
    gw_tls_context_free(tls);
    test_cert_free(leaf);
    test_cert_free(middle);
}

/* The anchor may be that one, though what is below it is good for longer. */
static void the_end_of_the_anchor_ends_the_chain(void **state)
{
    const struct tlsworld *w = *state;
    struct test_cert *ca = test_cert_new(
        &(struct test_cert_spec){.cn = "Brief CA", .ca = true, .begins = -60, .ends = 3600});
    struct test_cert *leaf = test_cert_new(&(struct test_cert_spec){.cn = "leaf", .issuer = ca});
    struct test_cert *pin =
        test_cert_new(&(struct test_cert_spec){.cn = "pin", .begins = -60, .ends = 1800});
    struct gw_tls_context *tls =
        context(w, GW_VERIFY_REQUIRED, test_dir_cert(w->dir, "brief-ca.pem", ca, pin));
    const struct test_cert *shown[] = {leaf, pin};
    const struct test_cert *first[] = {ca, pin};
    for (int i = 0; i < 2; i++) {
        struct gw_chain c = chain_of(w, tls, shown[i], NULL);
        time_t end = end_of(first[i]);
        assert_int_equal(c.count, i == 0);
        assert_int_equal(c.not_after, end);
        assert_int_equal(gw_tls_context_judge_chain(tls, &c, end - 1, NULL), GW_REASON_NONE);
        assert_int_equal(gw_tls_context_judge_chain(tls, &c, end, NULL), GW_REASON_CERT_EXPIRED);
    }
    gw_tls_context_free(tls);
    test_cert_free(pin);
    test_cert_free(leaf);
    test_cert_free(ca);
}

/* It was good where more is allowed. */
static void too_long_a_chain_is_told(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_tls_side side;
    struct gw_tls_context *tls = context(w, GW_VERIFY_REQUIRED, w->ca_file);
    struct gw_chain c = chain_of(w, tls, w->client, NULL);
    gw_tls_context_free(tls);
    tlsworld_side(w, &side);
    side.verify = GW_VERIFY_REQUIRED;
    side.cacerts[0] = w->ca_file;
    for (side.verify_depth = 0; side.verify_depth < 2; side.verify_depth++) {
        tls = tlsworld_context(&side, NULL);
        c.count = 1;
        assert_int_equal(gw_tls_context_judge_chain(tls, &c, time(NULL), NULL), GW_REASON_NONE);
        c.count = 2;
        assert_int_equal(gw_tls_context_judge_chain(tls, &c, time(NULL), NULL),
                         side.verify_depth ? GW_REASON_NONE : GW_REASON_CERT_UNTRUSTED);
        gw_tls_context_free(tls);
    }
}

static void an_anchor_that_went_is_told(void **state)
{
    const struct tlsworld *w = *state;
    const char *both = test_dir_cert(w->dir, "both.pem", w->foreign_ca, w->ca);
    const char *foreign = test_dir_cert(w->dir, "foreign.pem", w->foreign_ca, NULL);
    struct gw_tls_context *one = context(w, GW_VERIFY_REQUIRED, w->ca_file);
    struct gw_tls_context *more = context(w, GW_VERIFY_REQUIRED, both);
    struct gw_tls_context *other = context(w, GW_VERIFY_REQUIRED, foreign);
    struct gw_chain c = chain_of(w, one, w->client, NULL);
    time_t now = time(NULL);
    assert_int_equal(gw_tls_context_judge_chain(one, &c, now, NULL), GW_REASON_NONE);
    assert_int_equal(gw_tls_context_judge_chain(more, &c, now, NULL), GW_REASON_NONE);
    assert_int_equal(gw_tls_context_judge_chain(other, &c, now, NULL), GW_REASON_CERT_UNTRUSTED);
    gw_tls_context_free(one);
    gw_tls_context_free(more);
    gw_tls_context_free(other);
}

static void nobody_is_good_where_nobody_is_asked_for(void **state)
{
    const struct tlsworld *w = *state;
    static const struct {
        enum gw_verify verify;
        enum gw_reason reason;
    } rows[] = {{GW_VERIFY_NONE, GW_REASON_NONE},
                {GW_VERIFY_OPTIONAL, GW_REASON_NONE},
                {GW_VERIFY_REQUIRED, GW_REASON_CERT_MISSING}};
    for (size_t i = 0; i < GW_ARRAY_SIZE(rows); i++) {
        struct gw_tls_context *tls = context(w, rows[i].verify, w->ca_file);
        struct gw_chain c = {0};
        if (rows[i].verify != GW_VERIFY_REQUIRED)
            c = chain_of(w, tls, NULL, NULL);
        assert_false(c.present);
        assert_int_equal(gw_tls_context_judge_chain(tls, &c, time(NULL), NULL), rows[i].reason);
        gw_tls_context_free(tls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(another_version_is_not_read),
        cmocka_unit_test(the_first_to_end_ends_the_chain),
        cmocka_unit_test(the_end_of_the_anchor_ends_the_chain),
        cmocka_unit_test(too_long_a_chain_is_told),
        cmocka_unit_test(an_anchor_that_went_is_told),
        cmocka_unit_test(nobody_is_good_where_nobody_is_asked_for),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
