/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/proc/verdict: which engine a service gets, and in which words. */
#include "gateway/proc/verdict.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gw_service service_of(enum gw_records records)
{
    return (struct gw_service){
        .name = "default",
        .tls.tls_min = KTLS_TLS_1_2,
        .tls.tls_max = KTLS_TLS_1_3,
        .records = records,
        .rekey_after = 1000,
    };
}

static struct ktls_probe probe_of_everything(void)
{
    struct ktls_probe p = {.attach = {true, 0}, .rekey = {true, 0}};
    for (unsigned v = 0; v < 2; v++)
        for (unsigned c = 0; c < KTLS_CIPHER_COUNT; c++)
            p.tx[v][c].works = p.rx[v][c].works = true;
    return p;
}

static enum gw_tls_module module;

static void says(const struct gw_service *service, const struct ktls_probe *probe, int probe_error,
                 const char *words)
{
    char text[GW_VERDICT_TEXT_MAX] = "";
    struct gw_error err;
    assert_int_equal(gw_verdict_describe(service, probe, probe_error, module, text, &err), 0);
    assert_string_equal(text, words);
}

static void refuses(const struct gw_service *service, const struct ktls_probe *probe,
                    int probe_error, const char *words)
{
    char text[GW_VERDICT_TEXT_MAX] = "";
    struct gw_error err;
    assert_int_equal(gw_verdict_describe(service, probe, probe_error, module, text, &err), -EIO);
    assert_int_equal(err.exit, GW_EXIT_START);
    assert_string_equal(err.text, words);
}

static void kernel_where_it_can(void **state)
{
    (void)state;
    struct ktls_probe p = probe_of_everything();
    struct gw_service s = service_of(GW_RECORDS_AUTO);
    says(&s, &p, 0, "records: kernel");
    p.rekey = (struct ktls_trial){false, EBUSY};
    says(&s, &p, 0,
         "records: kernel (which cannot change keys: a TLS 1.3 connection ends when the peer "
         "changes its key, one with AES-GCM also before ktlsgate has sent 2000 records; "
         "--ktls-without-rekey deny keeps TLS 1.3 out of the kernel)");
    s.rekey_after = 1; /* a batch is sealed under one key all the same */
    says(&s, &p, 0,
         "records: kernel (which cannot change keys: a TLS 1.3 connection ends when the peer "
         "changes its key, one with AES-GCM also before ktlsgate has sent 33 records; "
         "--ktls-without-rekey deny keeps TLS 1.3 out of the kernel)");
    s.tls.tls_max = KTLS_TLS_1_2; /* which has no rekey to miss */
    says(&s, &p, 0, "records: kernel");
}

static void user_where_asked(void **state)
{
    (void)state;
    struct ktls_probe p = probe_of_everything();
    struct gw_service s = service_of(GW_RECORDS_USER);
    says(&s, &p, 0, "records: user, as set by --records");
}

static void user_where_there_is_no_tls(void **state)
{
    (void)state;
    struct ktls_probe p = {.attach = {false, ENOENT}};
    struct gw_service s = service_of(GW_RECORDS_AUTO);
    module = GW_TLS_MODULE_INSTALLED;
    says(&s, &p, 0, "records: user, because the kernel has no tls; load it as root: modprobe tls");
    says(&s, &p, -ENETUNREACH,
         "records: user, because the self-test of the kernel's tls could not run (Network is "
         "unreachable)");
    p.attach.error = EPERM;
    says(&s, &p, 0,
         "records: user, because the kernel refuses to attach tls to a socket (Operation not "
         "permitted)");
}

static void kernel_demanded_and_missing_is_refused(void **state)
{
    (void)state;
    struct ktls_probe p = {.attach = {false, ENOENT}};
    struct gw_service s = service_of(GW_RECORDS_KERNEL);
    module = GW_TLS_MODULE_INSTALLED;
    refuses(&s, &p, 0, "--records kernel: the kernel has no tls; load it as root: modprobe tls");
    refuses(&s, &p, -ENETUNREACH,
            "--records kernel: the self-test of the kernel's tls could not run (Network is "
            "unreachable)");
    p = probe_of_everything();
    says(&s, &p, 0, "records: kernel");
}

/* There is no advice to load a module that was not built. */
static void advice_fits_the_kernel(void **state)
{
    char text[GW_VERDICT_TEXT_MAX];
    struct gw_error err;
    struct ktls_probe p = {.attach = {false, ENOENT}};
    struct gw_service may = service_of(GW_RECORDS_AUTO), must = service_of(GW_RECORDS_KERNEL);
    (void)state;
    for (int m = GW_TLS_MODULE_UNKNOWN; m <= GW_TLS_MODULE_NOT_BUILT; m++) {
        enum gw_tls_module known = (enum gw_tls_module)m;
        const char *advice = gw_tlsmodule_advice(known);
        assert_int_equal(gw_verdict_describe(&may, &p, 0, known, text, &err), 0);
        assert_string_equal(text + strlen(text) - strlen(advice), advice);
        assert_int_equal(gw_verdict_describe(&must, &p, 0, known, text, &err), -EIO);
        assert_string_equal(err.text + strlen(err.text) - strlen(advice), advice);
    }
    assert_null(strstr(gw_tlsmodule_advice(GW_TLS_MODULE_NOT_BUILT), "modprobe"));
}

static void a_suite_that_fails_is_named(void **state)
{
    (void)state;
    struct ktls_probe p = probe_of_everything();
    struct gw_service s = service_of(GW_RECORDS_AUTO);
    p.rx[1][KTLS_CHACHA20_POLY1305] = (struct ktls_trial){false, ENOENT};
    says(&s, &p, 0, "records: kernel, except CHACHA20-POLY1305 in TLS 1.3");
    s.records = GW_RECORDS_KERNEL;
    refuses(&s, &p, 0,
            "--records kernel: this kernel's tls cannot run TLS_CHACHA20_POLY1305_SHA256; see "
            "`ktlsgate probe`, or use --records auto");
    /* It does not matter where no client can get it. */
    s.tls.ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
    says(&s, &p, 0, "records: kernel");
    s.tls.ciphersuites = NULL;
    s.tls.tls_max = KTLS_TLS_1_2;
    says(&s, &p, 0, "records: kernel");
}

static void tls13_is_kept_out_where_keys_cannot_change(void **state)
{
    (void)state;
    struct ktls_probe p = probe_of_everything();
    struct gw_service s = service_of(GW_RECORDS_AUTO);
    s.ktls_without_rekey = GW_WITHOUT_REKEY_DENY;
    says(&s, &p, 0, "records: kernel"); /* this one can */
    p.rekey = (struct ktls_trial){false, EBUSY};
    says(
        &s, &p, 0,
        "records: kernel, except TLS 1.3, since it cannot change keys (--ktls-without-rekey deny)");
    s.tls.tls_min = KTLS_TLS_1_3;
    says(&s, &p, 0,
         "records: user, because this kernel cannot change TLS 1.3 keys (--ktls-without-rekey "
         "deny)");
    s.records = GW_RECORDS_KERNEL;
    refuses(&s, &p, 0,
            "--records kernel: this kernel cannot change TLS 1.3 keys, and --ktls-without-rekey "
            "deny requires that; use Linux 6.14 or newer, --tls-max 1.2, or --records auto");
    s.tls.tls_min = s.tls.tls_max = KTLS_TLS_1_2;
    says(&s, &p, 0, "records: kernel");
}

static void no_suite_at_all_is_user(void **state)
{
    (void)state;
    struct ktls_probe p = {.attach = {true, 0}};
    struct gw_service s = service_of(GW_RECORDS_AUTO);
    says(&s, &p, 0,
         "records: user, because none of ktlsgate's suites passes the self-test in this kernel's "
         "tls; see `ktlsgate probe`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_where_it_can),
        cmocka_unit_test(user_where_asked),
        cmocka_unit_test(user_where_there_is_no_tls),
        cmocka_unit_test(kernel_demanded_and_missing_is_refused),
        cmocka_unit_test(advice_fits_the_kernel),
        cmocka_unit_test(a_suite_that_fails_is_named),
        cmocka_unit_test(tls13_is_kept_out_where_keys_cannot_change),
        cmocka_unit_test(no_suite_at_all_is_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
