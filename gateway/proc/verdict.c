/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proc/verdict.h"

#include "gateway/base/text.h"
#include "gateway/record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Explains why there is no kernel engine at all. */
static void describe_absence(struct gw_text *t, const struct ktls_probe *probe, int probe_error,
                             enum gw_tls_module module)
{
    if (probe_error)
        gw_text_append(t, "the self-test of the kernel's tls could not run (%s)",
                       strerror(-probe_error));
    else if (probe->attach.error == ENOENT)
        gw_text_append(t, "the kernel has no tls; %s", gw_tlsmodule_advice(module));
    else
        gw_text_append(t, "the kernel refuses to attach tls to a socket (%s)",
                       strerror(probe->attach.error));
}

/* Whether clients can get this suite, as far as the settings name suites. */
static bool may_be_chosen(const struct gw_service *service, const struct ktls_suite *suite)
{
    if (suite->version < service->tls.tls_min || suite->version > service->tls.tls_max)
        return false;
    if (suite->version == KTLS_TLS_1_3 && service->tls.ciphersuites)
        return strstr(service->tls.ciphersuites, suite->name) != NULL;
    return true;
}

/* Whether TLS 1.3 is denied to a kernel that could run it. */
static bool denies_tls13(const struct gw_service *service, const struct ktls_probe *probe)
{
    return service->tls.tls_max >= KTLS_TLS_1_3 && !probe->rekey.works &&
           service->ktls_without_rekey == GW_WITHOUT_REKEY_DENY;
}

static bool works(const struct ktls_probe *probe, const struct ktls_suite *suite)
{
    unsigned v = suite->version == KTLS_TLS_1_3;
    return probe->tx[v][suite->cipher].works && probe->rx[v][suite->cipher].works;
}

struct tally {
    unsigned chosen;
    unsigned working;
    const struct ktls_suite *first_failing;
};

static struct tally count_suites(const struct gw_service *service, const struct ktls_probe *probe)
{
    struct tally t = {0};
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        if (!may_be_chosen(service, suite))
            continue;
        t.chosen++;
        if (works(probe, suite))
            t.working++;
        else if (!t.first_failing)
            t.first_failing = suite;
    }
    return t;
}

/* Lists the ciphers that fail in a version, each once, as ", except …". */
static void describe_failing(struct gw_text *t, const struct gw_service *service,
                             const struct ktls_probe *probe)
{
    bool listed[2][KTLS_CIPHER_COUNT] = {{false}};
    const char *before = ", except ";
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++) {
        unsigned v = suite->version == KTLS_TLS_1_3;
        if (!may_be_chosen(service, suite) || works(probe, suite) || listed[v][suite->cipher])
            continue;
        listed[v][suite->cipher] = true;
        gw_text_append(t, "%s%s in TLS 1.%u", before, ktls_cipher_name(suite->cipher), 2 + v);
        before = ", ";
    }
}

static void describe_kernel(struct gw_text *t, const struct gw_service *service,
                            const struct ktls_probe *probe)
{
    gw_text_append(t, "records: kernel");
    describe_failing(t, service, probe);
    if (denies_tls13(service, probe))
        gw_text_append(t,
                       ", except TLS 1.3, since it cannot change keys (--ktls-without-rekey deny)");
    else if (service->tls.tls_max >= KTLS_TLS_1_3 && !probe->rekey.works)
        gw_text_append(t,
                       " (which cannot change keys: a TLS 1.3 connection ends when the peer "
                       "changes its key, one with AES-GCM also before ktlsgate has sent %" PRIu64
                       " records; --ktls-without-rekey deny keeps TLS 1.3 out of the kernel)",
                       gw_record_key_limit(service->rekey_after));
}

int gw_verdict_describe(const struct gw_service *service, const struct ktls_probe *probe,
                        int probe_error, enum gw_tls_module module,
                        char ret_text[GW_VERDICT_TEXT_MAX], struct gw_error *err)
{
    struct gw_text t = gw_text_in(ret_text, GW_VERDICT_TEXT_MAX);
    bool must = service->records == GW_RECORDS_KERNEL;
    if (service->records == GW_RECORDS_USER) {
        gw_text_append(&t, "records: user, as set by --records");
        return 0;
    }
    if (probe_error || !probe->attach.works) {
        gw_text_append(&t, must ? "--records kernel: " : "records: user, because ");
        describe_absence(&t, probe, probe_error, module);
        return must ? gw_error_set(err, GW_EXIT_START, "%s", ret_text) : 0;
    }
    struct tally n = count_suites(service, probe);
    if (must && n.first_failing)
        return gw_error_set(err, GW_EXIT_START,
                            "--records kernel: this kernel's tls cannot run %s; see `ktlsgate "
                            "probe`, or use --records auto",
                            n.first_failing->name);
    if (must && denies_tls13(service, probe))
        return gw_error_set(
            err, GW_EXIT_START,
            "--records kernel: this kernel cannot change TLS 1.3 keys, and --ktls-without-rekey "
            "deny requires that; use Linux 6.14 or newer, --tls-max 1.2, or --records auto");
    if (n.working && denies_tls13(service, probe) && service->tls.tls_min >= KTLS_TLS_1_3)
        gw_text_append(&t, "records: user, because this kernel cannot change TLS 1.3 keys "
                           "(--ktls-without-rekey deny)");
    else if (n.working)
        describe_kernel(&t, service, probe);
    else
        gw_text_append(&t, "records: user, because none of ktlsgate's suites passes the self-test "
                           "in this kernel's tls; see `ktlsgate probe`");
    return 0;
}
