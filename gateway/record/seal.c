/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/record_private.h"

#include <errno.h>

enum {
    /* Alerts and KeyUpdates that may still be sealed when data may not: the connection must be able
     * to send its closing alert, or change the key. */
    CONTROL_RESERVE = 64,
};

static bool key_is_used_up(const struct gw_record *rec, uint8_t type)
{
    const struct gw_record_half *tx = &rec->tx;
    uint64_t reserve = type == GW_CONTENT_DATA ? 0 : CONTROL_RESERVE;
    return tx->keys.seq == UINT64_MAX || tx->records >= rec->tx_records_max + reserve;
}

static void write_header(const struct ktls_suite *suite, uint8_t type, size_t content_len,
                         uint8_t header[GW_RECORD_HEADER])
{
    struct gw_writer w = gw_writer_of(header, GW_RECORD_HEADER);
    gw_write_be(&w, gw_suite_is_tls13(suite) ? GW_CONTENT_DATA : type, 1);
    gw_write_be(&w, GW_WIRE_VERSION, 2);
    gw_write_be(&w, content_len + gw_suite_overhead(suite), 2);
}

static void write_explicit_nonce(const struct ktls_keys *keys, uint8_t out[GW_EXPLICIT_NONCE_LEN])
{
    struct gw_writer w = gw_writer_of(out, GW_EXPLICIT_NONCE_LEN);
    gw_write_be(&w, keys->explicit_nonce, GW_EXPLICIT_NONCE_LEN);
}

static void advance(struct gw_record *rec, uint8_t type)
{
    struct gw_record_half *tx = &rec->tx;
    tx->keys.seq++;
    tx->keys.explicit_nonce++;
    tx->records++;
    if (type == GW_CONTENT_DATA)
        gw_record_sent_data(rec, 1);
}

int gw_record_seal(struct gw_record *rec, uint8_t type, uint8_t *payload, size_t len,
                   uint8_t **ret_start, size_t *ret_len)
{
    struct gw_record_half *tx = &rec->tx;
    const struct ktls_suite *suite = tx->keys.suite;
    gw_require(tx->engine == GW_ENGINE_USER && len <= GW_RECORD_PLAINTEXT_MAX);
    if (rec->close_sent)
        return -EPIPE;
    if (key_is_used_up(rec, type))
        return -EKEYEXPIRED;
    if (gw_unlikely(!tx->aead) && gw_record_wake(tx, true))
        return -ENOMEM;

    uint8_t *explicit_nonce = NULL;
    uint8_t *start = payload - gw_suite_front(suite) - GW_RECORD_HEADER;
    write_header(suite, type, len, start);
    if (suite->explicit_nonce_len) {
        explicit_nonce = payload - GW_EXPLICIT_NONCE_LEN;
        write_explicit_nonce(&tx->keys, explicit_nonce);
    }
    size_t inner_len = len;
    if (gw_suite_is_tls13(suite))
        payload[inner_len++] = type;

    uint8_t nonce[KTLS_IV_LEN];
    uint8_t aad[GW_AAD_MAX];
    gw_record_nonce(&tx->keys, explicit_nonce, nonce);
    size_t aad_len = gw_record_aad(&tx->keys, start, inner_len, aad);
    if (tx->provider->seal(tx->aead, nonce, aad, aad_len, payload, inner_len))
        return -EIO;
    *ret_start = start;
    *ret_len = GW_RECORD_HEADER + len + gw_suite_overhead(suite);
    advance(rec, type);
    return 0;
}
