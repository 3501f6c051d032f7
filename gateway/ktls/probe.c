/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ktls/probe.h"

#include <errno.h>
#include <linux/tls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ALERT = 21,
    HANDSHAKE = 22,
    DATA = 23
};

static const uint8_t alert[2] = {1, 0};
static const uint8_t key_update[5] = {24, 0, 0, 1, 0};
static const char first[] = "the first record", second[] = "and a second one, of other length";

typedef int trial_function(struct ktls_pair *pair, const struct ktls_suite *suite);

int ktls_try_tx(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    int r = ktls_pair_start(pair, suite, KTLS_TX);
    if (!r)
        r = ktls_pair_far_send(pair, first, sizeof(first));
    if (!r)
        r = ktls_pair_expect(pair, DATA, first, sizeof(first));
    if (!r)
        r = ktls_pair_far_send(pair, second, sizeof(second));
    if (!r)
        r = ktls_pair_expect(pair, DATA, second, sizeof(second));
    if (!r)
        r = ktls_send_control(pair->far, ALERT, alert, sizeof(alert));
    if (!r)
        r = ktls_pair_expect(pair, ALERT, alert, sizeof(alert));
    return r;
}

int ktls_try_rx(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    int r = ktls_pair_start(pair, suite, KTLS_RX);
    if (!r)
        r = ktls_pair_seal(pair, DATA, first, sizeof(first), 0);
    if (!r)
        r = ktls_pair_seal(pair, ALERT, alert, sizeof(alert), 0);
    if (!r)
        r = ktls_pair_seal(pair, DATA, second, sizeof(second), 0);
    if (!r)
        r = ktls_pair_flush(pair);
    if (!r)
        r = ktls_pair_far_expect(pair, DATA, first, sizeof(first));
    if (!r)
        r = ktls_pair_far_expect(pair, ALERT, alert, sizeof(alert));
    if (!r)
        r = ktls_pair_far_expect(pair, DATA, second, sizeof(second));
    return r;
}

static int rekey_tx(struct ktls_pair *pair)
{
    int r = ktls_send_control(pair->far, HANDSHAKE, key_update, sizeof(key_update));
    if (!r)
        r = ktls_pair_expect(pair, HANDSHAKE, key_update, sizeof(key_update));
    if (!r)
        r = ktls_update(&pair->from_far);
    if (!r)
        r = ktls_install(pair->far, KTLS_TX, &pair->from_far);
    if (!r)
        r = ktls_pair_far_send(pair, first, sizeof(first));
    if (!r)
        r = ktls_pair_expect(pair, DATA, first, sizeof(first));
    return r;
}

/* The records after the KeyUpdate arrive before the far end has its new key, as in practice. */
static int rekey_rx(struct ktls_pair *pair)
{
    struct ktls_keys next;
    int r = ktls_pair_seal(pair, HANDSHAKE, key_update, sizeof(key_update), 0);
    if (!r)
        r = ktls_update(&pair->to_far);
    next = pair->to_far;
    if (!r)
        r = ktls_pair_seal(pair, DATA, second, sizeof(second), 0);
    if (!r)
        r = ktls_pair_flush(pair);
    if (!r)
        r = ktls_pair_far_expect(pair, HANDSHAKE, key_update, sizeof(key_update));
    if (!r)
        r = ktls_install(pair->far, KTLS_RX, &next);
    ktls_wipe(&next, sizeof(next));
    if (!r)
        r = ktls_pair_far_expect(pair, DATA, second, sizeof(second));
    return r;
}

/* kernel-notes/rekey-ebusy-before-6.14.md */
int ktls_try_rekey(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    int r = ktls_pair_start(pair, suite, KTLS_TX | KTLS_RX);
    if (!r)
        r = rekey_tx(pair);
    if (!r)
        r = rekey_rx(pair);
    return r;
}

/* kernel-notes/no-pad-retry.md: a padded record and its successors, all queued before the read,
 * into one buffer with room for them all; then the same with a control record. */
int ktls_try_no_pad(struct ktls_pair *pair, const struct ktls_suite *suite)
{
    static const char all[] = "unpadded, padded, unpadded again";
    int r = ktls_pair_start(pair, suite, KTLS_RX);
    if (!r)
        r = ktls_expect_unpadded(pair->far);
    if (!r)
        r = ktls_pair_seal(pair, DATA, all, 10, 0);
    if (!r)
        r = ktls_pair_seal(pair, DATA, all + 10, 8, 40);
    if (!r)
        r = ktls_pair_seal(pair, DATA, all + 18, sizeof(all) - 18, 0);
    if (!r)
        r = ktls_pair_seal(pair, ALERT, alert, sizeof(alert), 0);
    if (!r)
        r = ktls_pair_seal(pair, DATA, first, sizeof(first), 0);
    if (!r)
        r = ktls_pair_flush(pair);
    if (!r)
        r = ktls_pair_settle(pair);
    if (!r)
        r = ktls_pair_far_expect(pair, DATA, all, sizeof(all));
    if (!r)
        r = ktls_pair_far_expect(pair, ALERT, alert, sizeof(alert));
    if (!r)
        r = ktls_pair_far_expect(pair, DATA, first, sizeof(first));
    return r;
}

static const struct ktls_suite *suite_of(enum ktls_version version, enum ktls_cipher cipher)
{
    const struct ktls_suite *suite;
    for (size_t i = 0; (suite = ktls_suite_at(i)); i++)
        if (suite->version == version && suite->cipher == cipher)
            return suite;
    return NULL;
}

static struct ktls_trial try_it(struct ktls_pair *pair, trial_function *function,
                                const struct ktls_suite *suite)
{
    int r = ktls_pair_connect(pair);
    if (!r)
        r = function(pair, suite);
    ktls_pair_close(pair);
    return (struct ktls_trial){.works = r == 0, .error = -r};
}

static void try_all(struct ktls_pair *pair, struct ktls_probe *probe)
{
    static const enum ktls_version versions[2] = {KTLS_TLS_1_2, KTLS_TLS_1_3};
    for (int v = 0; v < 2; v++) {
        for (int cipher = 0; cipher < KTLS_CIPHER_COUNT; cipher++) {
            const struct ktls_suite *suite = suite_of(versions[v], (enum ktls_cipher)cipher);
            probe->tx[v][cipher] = try_it(pair, ktls_try_tx, suite);
            probe->rx[v][cipher] = try_it(pair, ktls_try_rx, suite);
        }
    }
    const struct ktls_suite *suite = suite_of(KTLS_TLS_1_3, KTLS_AES_128_GCM);
    probe->rekey = try_it(pair, ktls_try_rekey, suite);
    probe->no_pad = try_it(pair, ktls_try_no_pad, suite);
    probe->splice = try_it(pair, ktls_try_splice, suite);
    probe->splice_full = try_it(pair, ktls_try_splice_full, suite);
    probe->splice_tx = try_it(pair, ktls_try_splice_tx, suite);
    probe->splice_empty_is_eof = try_it(pair, ktls_try_splice_empty, suite).works;
    probe->polls_partial_record = try_it(pair, ktls_try_poll_partial, suite).works;
}

/* The value of a line "key   : value\n", whose newline is then removed. NULL for other lines. */
static char *value_of(char *line, const char *key)
{
    size_t key_len = strcspn(line, " \t:");
    char *colon = strchr(line, ':');
    if (!colon || key_len != strlen(key) || memcmp(line, key, key_len) != 0)
        return NULL;
    char *value = colon + 1 + strspn(colon + 1, " ");
    value[strcspn(value, "\n")] = '\0';
    return value;
}

/* One entry of /proc/crypto: lines up to an empty one, "selftest" before "internal". */
struct entry {
    bool gcm, usable;
    long priority;
    char driver[64];
};

static void read_line(struct entry *entry, char *line)
{
    const char *value;
    if ((value = value_of(line, "name")))
        entry->gcm = !strcmp(value, "gcm(aes)");
    else if ((value = value_of(line, "driver")))
        (void)snprintf(entry->driver, sizeof(entry->driver), "%s", value);
    else if ((value = value_of(line, "priority")))
        entry->priority = strtol(value, NULL, 10);
    else if ((value = value_of(line, "selftest")))
        entry->usable = !strcmp(value, "passed");
    else if ((value = value_of(line, "internal")))
        entry->usable = entry->usable && !strcmp(value, "no");
}

void ktls_find_gcm_driver(FILE *crypto, char *ret_name, size_t room)
{
    char line[256];
    struct entry entry = {0};
    long best = -1;
    ret_name[0] = '\0';
    for (bool more = true; more;) {
        more = fgets(line, sizeof(line), crypto) != NULL;
        if (more && line[0] != '\n') {
            read_line(&entry, line);
            continue;
        }
        if (entry.gcm && entry.usable && entry.priority > best) {
            best = entry.priority;
            (void)snprintf(ret_name, room, "%s", entry.driver);
        }
        entry = (struct entry){0};
    }
}

static void read_gcm_driver(struct ktls_probe *probe)
{
    FILE *crypto = fopen("/proc/crypto", "re");
    if (!crypto)
        return;
    ktls_find_gcm_driver(crypto, probe->aes_gcm_driver, sizeof(probe->aes_gcm_driver));
    (void)fclose(crypto);
}

int ktls_probe(struct ktls_probe *ret_probe)
{
    struct ktls_pair *pair = malloc(sizeof(*pair));
    if (!pair)
        return -ENOMEM;

    struct ktls_probe probe = {0};
    int r = ktls_pair_connect(pair);
    if (!r) {
        int attached = ktls_attach(pair->far);
        probe.attach = (struct ktls_trial){.works = attached == 0, .error = -attached};
    }
    ktls_pair_close(pair);
    if (!r && probe.attach.works)
        try_all(pair, &probe);
    free(pair);
    if (r)
        return r;
    /* Last, because of kernel-notes/first-key-loads-the-cipher.md. */
    read_gcm_driver(&probe);
    *ret_probe = probe;
    return 0;
}
