/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the self-test of our cryptography adds to a start: milliseconds of CPU time, the median of
 * processes that do nothing else, for --crypto auto and --crypto library. Run it by
 * `meson test -C build --benchmark`.
 */
#include "gateway/tls/library.h"
#include "gateway/tls/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PROCESSES = 41
};

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Until the program knows what it computes with. Negative: not with what was asked for. */
static double start_ms(enum gw_crypto crypto)
{
    char text[GW_LIBRARY_TEXT_MAX];
    double begun = cpu_ms();
    gw_tls_library_use(crypto);
    gw_tls_trial();
    return gw_tls_library_describe(text) ? cpu_ms() - begun : -1;
}

static double in_child(enum gw_crypto crypto)
{
    double ms = -1;
    int ends[2];
    if (pipe(ends))
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        ms = start_ms(crypto);
        _exit(write(ends[1], &ms, sizeof(ms)) != sizeof(ms));
    }
    (void)close(ends[1]);
    if (child < 0 || read(ends[0], &ms, sizeof(ms)) != sizeof(ms))
        ms = -1;
    (void)close(ends[0]);
    (void)waitpid(child, NULL, 0);
    return ms;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const char *const names[] = {[GW_CRYPTO_AUTO] = "auto", [GW_CRYPTO_LIBRARY] = "library"};
    for (unsigned crypto = 0; crypto < sizeof(names) / sizeof(names[0]); crypto++) {
        double ms[PROCESSES];
        for (int i = 0; i < PROCESSES; i++) {
            ms[i] = in_child((enum gw_crypto)crypto);
            if (ms[i] < 0) {
                (void)fprintf(stderr, "trial_speed: --crypto %s did not start as asked\n",
                              names[crypto]);
                return 1;
            }
        }
        qsort(ms, PROCESSES, sizeof(ms[0]), by_size);
        (void)printf("--crypto %-8s %5.1f ms until the cryptography is chosen (%.1f to %.1f)\n",
                     names[crypto], ms[PROCESSES / 2], ms[0], ms[PROCESSES - 1]);
    }
    return 0;
}
