/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/main/probe.h"

#include "ktlsinstall.h"

#include "gateway/config/cpus.h"
#include "gateway/main/platform.h"
#include "gateway/main/probe_measure.h"
#include "gateway/main/report.h"
#include "gateway/proc/tlsmodule.h"
#include "gateway/record/aead.h"
#include "gateway/ring/ring.h"
#include "gateway/tls/context.h"
#include "gateway/tls/fips.h"
#include "gateway/tls/library.h"
#include "gateway/tls/trial.h"

#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    VERDICT_MAX = 512
};

/* All findings, made before anything is printed: the verdict comes first. */
struct findings {
    struct utsname name;
    int ring_error;
    struct gw_ring_features ring;
    bool standing;   /* standing receives work */
    int probe_error; /* the error of ktls_probe itself */
    struct ktls_probe ktls;
    enum gw_tls_module module; /* only where attach failed with ENOENT */
};

static const char *const version_words[2] = {"TLS 1.2", "TLS 1.3"};

static void try_ring(struct findings *f)
{
    struct gw_ring *ring = NULL;
    const struct gw_ring_config config = {.max_conns = 16, .max_buffers = 32};
    f->ring_error = gw_ring_new(&ring, &config);
    if (!f->ring_error) {
        gw_ring_get_features(ring, &f->ring);
        f->standing = gw_ring_try_standing(ring);
    }
    gw_ring_free(ring);
}

static void find_out(struct findings *f)
{
    memset(f, 0, sizeof(*f));
    (void)uname(&f->name);
    try_ring(f);
    f->probe_error = ktls_probe(&f->ktls);
    if (!f->probe_error && f->ktls.attach.error == ENOENT)
        f->module = gw_tlsmodule_here();
}

/* The failure of a trial in words. NULL if the errno's own text suffices. */
static const char *why(struct ktls_trial trial)
{
    switch (trial.error) {
    case EBADMSG:
        return "the result has wrong bytes";
    case EBUSY:
        return "this kernel cannot change keys (Linux 6.14 and newer can)";
    case ENOENT:
        return "the kernel has no such cipher, or its module is not loaded";
    case ENOPROTOOPT:
        return "this kernel does not have the option";
    case ETIMEDOUT:
        return "no answer in time";
    default:
        return NULL;
    }
}

/* --- the verdict --- */

struct suite_count {
    unsigned tried, working;
};

static struct suite_count count_suites(const struct ktls_probe *probe)
{
    struct suite_count n = {0};
    for (int v = 0; v < 2; v++) {
        for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
            n.tried++;
            n.working += probe->tx[v][c].works && probe->rx[v][c].works;
        }
    }
    return n;
}

static void write_verdict(const struct findings *f, char *text, size_t room)
{
    const struct ktls_probe *probe = &f->ktls;
    struct suite_count n = count_suites(probe);
    if (f->probe_error)
        (void)snprintf(text, room, "no, because its self-test could not run: %s",
                       strerror(-f->probe_error));
    else if (probe->attach.error == ENOENT)
        (void)snprintf(text, room, "no, because the kernel's tls layer is missing; %s",
                       gw_tlsmodule_advice(f->module));
    else if (!probe->attach.works)
        (void)snprintf(text, room, "no, because the kernel refuses its tls layer: %s",
                       strerror(probe->attach.error));
    else if (!n.working)
        (void)snprintf(text, room, "no, because no suite passed the self-test");
    else
        (void)snprintf(
            text, room, "yes, %s%s",
            n.working == n.tried ? "every suite passed the self-test both ways"
                                 : "for the suites that passed the self-test",
            probe->rekey.works
                ? ""
                : "; keys cannot be changed, so a TLS 1.3 connection ends when the peer changes "
                  "its key, one with AES-GCM also before ktlsgate has sent 2^24 records, unless "
                  "--ktls-without-rekey deny keeps TLS 1.3 out of the kernel");
}

static void report_verdict(struct gw_report *r, const struct findings *f)
{
    char text[VERDICT_MAX];
    write_verdict(f, text, sizeof(text));
    if (!r->json) {
        (void)fprintf(r->out, "ktlsgate %s\nkernel engine: %s\n", KTLSGATE_VERSION, text);
        if (f->ring_error)
            (void)fprintf(r->out, "ktlsgate cannot serve here: %s\n", gw_ring_why(f->ring_error));
        return;
    }
    gw_report_string(r, "version", "", KTLSGATE_VERSION);
    gw_report_bool(r, "can serve", "", f->ring_error == 0);
    gw_report_bool(r, "kernel engine", "",
                   !f->probe_error && f->ktls.attach.works && count_suites(&f->ktls).working);
    gw_report_string(r, "kernel engine why", "", text);
}

/* --- sections --- */

static void report_ring(struct gw_report *r, const struct findings *f)
{
    struct ktls_trial trial = {.works = f->ring_error == 0, .error = -f->ring_error};
    gw_report_trial(r, "io_uring", "io_uring", trial,
                    trial.works ? NULL : gw_ring_why(f->ring_error));
    if (trial.works) {
        gw_report_string(r, "io_uring_setup", "  set-up flags got", f->ring.flags_text);
        gw_report_number(r, "io_uring_features", "  feature bits", f->ring.features, "");
        gw_report_bool(r, "io_uring_standing", "  multishot receives used", f->standing);
    }
}

static void report_kernel(struct gw_report *r, const struct findings *f)
{
    const struct ktls_probe *probe = &f->ktls;
    gw_report_section(r, "kernel", "Kernel");
    gw_report_string(r, "release", "release", f->name.release);
    report_ring(r, f);
    if (f->probe_error) {
        gw_report_trial(r, "tls", "tls layer", (struct ktls_trial){.error = -f->probe_error}, NULL);
        return;
    }
    bool absent = probe->attach.error == ENOENT;
    gw_report_trial(r, "tls", "tls layer", probe->attach,
                    absent ? "not there" : why(probe->attach));
    if (!absent)
        return;
    gw_report_string(r, "tls_module", "tls module", gw_tlsmodule_word(f->module));
    gw_report_string(r, "tls_advice", "what to do", gw_tlsmodule_advice(f->module));
    if (f->module != GW_TLS_MODULE_NOT_BUILT && f->module != GW_TLS_MODULE_BUILTIN)
        gw_report_hint(r, "at every boot: echo tls >/etc/modules-load.d/tls.conf");
}

static void report_suite(struct gw_report *r, const struct ktls_probe *probe, int v, int cipher)
{
    const char *name = ktls_cipher_name((enum ktls_cipher)cipher);
    char key[64], label[64];
    (void)snprintf(key, sizeof(key), "%s %s TX", version_words[v], name);
    (void)snprintf(label, sizeof(label), "%s %s, send", version_words[v], name);
    gw_report_trial(r, key, label, probe->tx[v][cipher], why(probe->tx[v][cipher]));
    (void)snprintf(key, sizeof(key), "%s %s RX", version_words[v], name);
    (void)snprintf(label, sizeof(label), "%s %s, receive", version_words[v], name);
    gw_report_trial(r, key, label, probe->rx[v][cipher], why(probe->rx[v][cipher]));
}

static void report_driver(struct gw_report *r, const char *driver)
{
    bool slow = gw_platform_is_slow_aes(driver);
    gw_report_string(r, "aes_gcm_driver", "AES-GCM driver", *driver ? driver : "unknown");
    if (r->json)
        gw_report_bool(r, "aes_gcm_driver_slow", "", slow);
    else if (slow)
        gw_report_hint(
            r, "WARNING: a generic driver, up to ten times slower than one for AES instructions;");
    if (slow)
        gw_report_hint(r, "if the processor has them, load that one as root: modprobe aesni_intel");
}

static void report_records(struct gw_report *r, const struct ktls_probe *probe)
{
    gw_report_section(r, "kernel_records", "Records in the kernel, self-tested");
    for (int v = 0; v < 2; v++)
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++)
            report_suite(r, probe, v, cipher);
    gw_report_trial(r, "rekey", "change of keys (TLS 1.3)", probe->rekey, why(probe->rekey));
    gw_report_trial(r, "no_pad", "open into the buffer (NO_PAD)", probe->no_pad,
                    why(probe->no_pad));
    gw_report_trial(r, "splice", "splice", probe->splice, why(probe->splice));
    gw_report_trial(r, "splice_full", "splice into a small pipe", probe->splice_full,
                    why(probe->splice_full));
    gw_report_trial(r, "splice_tx", "splice to the socket", probe->splice_tx,
                    why(probe->splice_tx));
    gw_report_bool(r, "splice_empty_is_eof", "splice: empty record looks like the end",
                   probe->splice_empty_is_eof);
    gw_report_bool(r, "polls_partial_record", "poll: half a record is readable",
                   probe->polls_partial_record);
    report_driver(r, probe->aes_gcm_driver);
}

static void report_cpu(struct gw_report *r)
{
    char name[128];
    bool there = false;
    const char *feature;
    gw_platform_cpu_name(name, sizeof(name));
    gw_report_section(r, "processor", "Processor");
    gw_report_string(r, "name", "name", name);
    gw_report_number(r, "cpus_allowed", "processors allowed", gw_cpus_allowed_count(), "");
    for (size_t i = 0; (feature = gw_platform_cpu_feature(i, &there)); i++)
        gw_report_bool(r, feature, feature, there);
}

/* liburing before 2.4 has no call for its version, but its file's name contains it. */
static const char *liburing_file(char path[PATH_MAX])
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "io_uring_queue_init_params");
    if (!symbol || !dladdr(symbol, &info) || !info.dli_fname || !realpath(info.dli_fname, path))
        return "unknown";
    return path;
}

static void report_libraries(struct gw_report *r)
{
    char path[PATH_MAX], crypto[GW_LIBRARY_TEXT_MAX];
    gw_report_section(r, "libraries", "Libraries");
    gw_report_string(r, "openssl", "OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    gw_report_string(r, "groups", "  key exchange, in order of preference",
                     gw_tls_library_groups());
    const char *fips = gw_fips_asked_by(GW_FIPS_KERNEL_FILE);
    gw_report_string(r, "fips", "  FIPS mode demanded by", fips ? fips : "nothing");
    gw_tls_trial();
    (void)gw_tls_library_describe(crypto);
    gw_report_string(r, "crypto", "  handshakes computed with", crypto);
    gw_report_string(r, "liburing", "liburing", liburing_file(path));
}

/* Prints the speed of a provider with a cipher, or why it is not used. */
static void report_aead_figure(struct gw_report *r, const char *cipher, const char *provider,
                               const struct gw_aead_figure *figure)
{
    char key[96], text[96];
    uint64_t mb_per_s = gw_aead_mb_per_s(figure);
    (void)snprintf(key, sizeof(key), "%s %s", cipher, provider);
    (void)snprintf(text, sizeof(text), "  %s", provider);
    if (figure->error) {
        gw_report_trial(r, key, text, (struct ktls_trial){.error = -figure->error},
                        gw_aead_why(figure->error));
        return;
    }
    if (!r->json) {
        char speed[96];
        (void)snprintf(speed, sizeof(speed), "%.1f GB/s; %u ns for a record of 256 bytes",
                       (double)mb_per_s / 1000, (unsigned)(figure->small_ns / 2));
        gw_report_string(r, key, text, speed);
        return;
    }
    (void)snprintf(key, sizeof(key), "%s %s mb per s", cipher, provider);
    gw_report_number(r, key, "", mb_per_s, "");
    (void)snprintf(key, sizeof(key), "%s %s ns per 256 bytes", cipher, provider);
    gw_report_number(r, key, "", figure->small_ns / 2, "");
}

static void report_aead(struct gw_report *r)
{
    if (gw_aead_init())
        return;
    gw_report_section(r, "user_engine", "Records in the user engine");
    for (int c = 0; c < KTLS_CIPHER_COUNT; c++) {
        enum ktls_cipher cipher = (enum ktls_cipher)c;
        const struct gw_aead_provider *provider;
        struct gw_aead_figure figure;
        gw_report_string(r, ktls_cipher_name(cipher), ktls_cipher_name(cipher),
                         gw_aead_choose(cipher)->name);
        for (size_t i = 0; (provider = gw_aead_at(cipher, i, &figure)); i++)
            report_aead_figure(r, ktls_cipher_name(cipher), provider->name, &figure);
    }
}

static void report_limit(struct gw_report *r, int resource, const char *const keys[2],
                         const char *const labels[2], const char *unit)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit))
        return;
    const rlim_t values[2] = {limit.rlim_cur, limit.rlim_max};
    for (int i = 0; i < 2; i++)
        gw_report_number(r, keys[i], labels[i],
                         values[i] == RLIM_INFINITY ? UINT64_MAX : (uint64_t)values[i], unit);
}

static void report_limits(struct gw_report *r)
{
    static const char *const nofile_keys[2] = {"nofile_soft", "nofile_hard"};
    static const char *const nofile_labels[2] = {"open files now", "open files at most"};
    static const char *const memlock_keys[2] = {"memlock_soft", "memlock_hard"};
    static const char *const memlock_labels[2] = {"locked memory now", "locked memory at most"};
    gw_report_section(r, "limits", "Limits");
    report_limit(r, RLIMIT_NOFILE, nofile_keys, nofile_labels, "");
    report_limit(r, RLIMIT_MEMLOCK, memlock_keys, memlock_labels, "bytes");
}

int gw_probe_write(FILE *out, bool json, bool measure)
{
    struct findings f;
    struct gw_report r;
    find_out(&f);
    gw_report_begin(&r, out, json);
    report_verdict(&r, &f);
    report_kernel(&r, &f);
    if (!f.probe_error && f.ktls.attach.works)
        report_records(&r, &f.ktls);
    if (measure)
        gw_probe_measure(&r, &f.ktls);
    report_aead(&r);
    report_cpu(&r);
    report_libraries(&r);
    report_limits(&r);
    return gw_report_end(&r);
}

int gw_probe_print(bool json, bool measure)
{
    return gw_probe_write(stdout, json, measure);
}
