/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/kernel_fake.h"

#include "gateway/base/attr.h"
#include "gateway/base/limits.h"
#include "gateway/base/wipe.h"

#include <errno.h>

int gw_fake_kernel_install(struct gw_fake_kernel *k, int direction, const struct ktls_keys *keys)
{
    bool tx = direction == KTLS_TX;
    struct gw_record_half *half = tx ? &k->rec.tx : &k->rec.rx;
    bool *has = tx ? &k->tx : &k->rx;
    if (*has && (!k->rekeys || keys->suite->version != KTLS_TLS_1_3))
        return -EBUSY;
    if (*has) { /* under a key that was in use, nonces would come again */
        assert_ptr_equal(keys->suite, half->keys.suite);
        assert_memory_not_equal(keys->key, half->keys.key, keys->suite->key_len);
        assert_int_equal(keys->seq, 0);
        half->provider->destroy(half->aead);
    }
    *has = true;
    half->keys = *keys;
    half->records = 0;
    half->provider = gw_aead_choose(keys->suite->cipher);
    half->aead = half->provider->create(keys->suite->cipher, keys->key, tx);
    assert_non_null(half->aead);
    k->rec.tx_records_max = UINT64_MAX / 2; /* it does not care */
    k->wants_key = k->wants_key && tx;
    return 0;
}

void gw_fake_kernel_done(struct gw_fake_kernel *k)
{
    gw_record_done(&k->rec);
    gw_queue_free(&k->staged);
    gw_queue_free(&k->plain);
    gw_wipe_object(k);
}

static size_t copy_from(const struct iovec *iov, size_t skip, uint8_t *out, size_t len)
{
    size_t done = 0;
    for (; done < len; iov++) {
        if (skip >= iov->iov_len) {
            skip -= iov->iov_len;
            continue;
        }
        size_t n = GW_MIN(iov->iov_len - skip, len - done);
        memcpy(out + done, (const uint8_t *)iov->iov_base + skip, n);
        done += n;
        skip = 0;
    }
    return done;
}

void gw_fake_kernel_send(struct gw_fake_kernel *k, const struct iovec *iov, size_t len,
                         uint8_t type)
{
    uint8_t record[GW_RECORD_SEAL_ROOM_FRONT + GW_RECORD_PLAINTEXT_MAX + GW_RECORD_SEAL_ROOM_BACK];
    uint8_t *payload = record + GW_RECORD_SEAL_ROOM_FRONT;
    for (size_t at = 0; at < len;) {
        size_t n = copy_from(iov, at, payload, GW_MIN(len - at, (size_t)GW_RECORD_PLAINTEXT_MAX));
        uint8_t *start;
        size_t size;
        assert_int_equal(gw_record_seal(&k->rec, type, payload, n, &start, &size), 0);
        gw_queue_add(&k->staged, start, size);
        at += n;
    }
}

static int break_off(struct gw_fake_kernel *k, enum gw_reason reason)
{
    k->failed = reason == GW_REASON_RECORD_BAD_MAC    ? -EBADMSG
                : reason == GW_REASON_RECORD_OVERFLOW ? -EMSGSIZE
                                                      : -EINVAL;
    k->sock_error = true;
    return k->failed;
}

static bool has_whole_record(const struct gw_queue *in)
{
    const uint8_t *p = in->data + in->at;
    size_t len = gw_queued(in);
    return len >= GW_RECORD_HEADER && len - GW_RECORD_HEADER >= (size_t)(p[3] << 8 | p[4]);
}

/* It looks no further than the first byte. */
static bool is_key_update(const struct gw_opened *o)
{
    return o->type == GW_CONTENT_HANDSHAKE && o->payload_len > 0 && o->payload[0] == 24;
}

/* Opens the next record, which is then at the head unless it is empty data. */
static int open_one(struct gw_fake_kernel *k, struct gw_queue *in)
{
    struct gw_opened o;
    if (k->failed)
        return k->told ? -EAGAIN : k->failed;
    if (k->wants_key)
        return has_whole_record(in) ? -EKEYEXPIRED : -EAGAIN;
    switch (gw_record_open(&k->rec, in->data + in->at, gw_queued(in), &o)) {
    case GW_OPEN_PARTIAL:
        return -EAGAIN;
    case GW_OPEN_FAILED:
        return break_off(k, o.reason);
    case GW_OPEN_RECORD:
        break;
    }
    in->at += o.consumed;
    k->wants_key = k->rekeys && is_key_update(&o);
    gw_queue_add(&k->plain, o.payload, o.payload_len);
    k->type = o.type;
    k->head = o.payload_len > 0 || o.type != GW_CONTENT_DATA;
    return 0;
}

/* Makes sure that a record is at the head; empty data records are stepped over. */
static int next(struct gw_fake_kernel *k, struct gw_queue *in)
{
    int error = 0;
    while (!k->head && !error)
        error = open_one(k, in);
    return error;
}

/* Takes at most `room` bytes of the head into iov behind the first `skip`; their number. */
static size_t take_head(struct gw_fake_kernel *k, const struct iovec *iov, size_t skip, size_t room)
{
    size_t done = 0;
    for (; done < room && gw_queued(&k->plain) > 0; iov++) {
        if (skip >= iov->iov_len) {
            skip -= iov->iov_len;
            continue;
        }
        size_t n = GW_MIN(iov->iov_len - skip, room - done);
        done += gw_queue_take(&k->plain, (uint8_t *)iov->iov_base + skip, n);
        skip = 0;
    }
    k->head = gw_queued(&k->plain) > 0;
    return done;
}

int gw_fake_kernel_receive(struct gw_fake_kernel *k, struct gw_queue *in, const struct iovec *iov,
                           size_t room, uint8_t *ret_type)
{
    size_t total = 0;
    while (total < room) {
        int error = next(k, in);
        if (!error && k->type != GW_CONTENT_DATA && !ret_type)
            error = -EIO;
        if (!error && k->type != GW_CONTENT_DATA && total > 0)
            break; /* never two types at once */
        if (error)
            return total ? (int)total : error;
        if (ret_type)
            *ret_type = k->type;
        bool control = k->type != GW_CONTENT_DATA;
        total += take_head(k, iov, total, room - total);
        if (control)
            break;
    }
    return (int)total;
}

int gw_fake_kernel_splice(struct gw_fake_kernel *k, struct gw_queue *in, struct gw_queue *out,
                          size_t room, bool loses)
{
    uint8_t data[GW_RECORD_PLAINTEXT_MAX];
    int error = k->head ? 0 : open_one(k, in);
    k->told |= error && error == k->failed;
    if (error)
        return error;
    if (!k->head)
        return 0; /* an empty record */
    if (k->type != GW_CONTENT_DATA)
        return -EINVAL;
    size_t n = gw_queue_take(&k->plain, data, GW_MIN(room, sizeof(data)));
    gw_queue_add(out, data, n);
    if (loses)
        k->plain.at = k->plain.len;
    k->head = gw_queued(&k->plain) > 0;
    return (int)n;
}

bool gw_fake_kernel_readable(const struct gw_fake_kernel *k, const struct gw_queue *in)
{
    return k->failed || (!k->wants_key && (k->head || has_whole_record(in)));
}
