/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/main/certlist: the line of each certificate. */
#include "gateway/main/certlist.h"

#include "tests/unit/responder.h"
#include "tests/unit/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void lines(void **state)
{
    const struct tlsworld *w = *state;
    struct gw_service service = {.name = "default"};
    struct gw_termset set = {.count = 1};
    struct gw_error err;
    char *text = NULL;
    size_t len = 0;
    struct test_cert *many = test_cert_new(&(struct test_cert_spec){
        .san = "DNS:a.test,DNS:b.test,DNS:c.test,DNS:d.test,DNS:e.test,DNS:f.test",
        .key = TEST_KEY_ED25519,
        .begins = -60,
        .ends = 2 * 86400,
        .issuer = w->ca});
    struct test_cert *none =
        test_cert_new(&(struct test_cert_spec){.san = "IP:127.0.0.1", .issuer = w->ca});
    const char *files[] = {test_dir_cert(w->dir, "shown.pem", w->server_ec, w->ca),
                           test_dir_bundle(w->dir, "many.pem", many, NULL),
                           test_dir_bundle(w->dir, "none\t.pem", none, NULL)};
    tlsworld_side(w, &service.tls);
    service.tls.certs[0] = (struct gw_cert_pair){
        files[0], w->ec_pair.key_file,
        test_dir_ocsp(w->dir, "shown.der", &(struct test_ocsp_spec){w->server_ec})};
    service.tls.certs[2] = (struct gw_cert_pair){files[1], files[1], NULL};
    service.tls.certs[3] = (struct gw_cert_pair){files[2], files[2], NULL};
    service.tls.cert_count = 4;
    assert_int_equal(gw_terms_new(&set.terms[0], &service, NULL, NULL, &err), 0);
    FILE *out = open_memstream(&text, &len);
    gw_certlist_print(out, &set, time(NULL) + 86400 + 3600);
    (void)fclose(out);
    static const char *const parts[] = {
        "shown.pem: gate.test, *.wild.test; EC256; 88 days left, to 20",
        " UTC; OCSP response expired on 20",
        "rsa.pem: gate.test, *.wild.test; RSA2048; 88 days left",
        " UTC; no OCSP response\n",
        "many.pem: a.test, b.test, c.test, d.test and 2 more; ED25519; 0 days left",
        "none?.pem: no DNS name; EC256; 88 days left",
    };
    for (size_t i = 0; i < GW_ARRAY_SIZE(parts); i++)
        if (!strstr(text, parts[i]))
            fail_msg("'%s' is not in:\n%s", parts[i], text);
    free(text);
    out = open_memstream(&text, &len);
    gw_certlist_print(out, &set, time(NULL) + 3600);
    (void)fclose(out);
    assert_non_null(strstr(text, "; OCSP response until 20"));
    assert_non_null(strstr(text, "; 1 day left"));
    free(text);
    gw_termset_done(&set);
    test_cert_free(none);
    test_cert_free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, tlsworld_setup, tlsworld_teardown);
}
