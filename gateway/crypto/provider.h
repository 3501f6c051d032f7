/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libssl computes with: libcrypto's own default provider, but for four algorithms. The key
 * schedule of TLS 1.3 (TLS13-KDF) is ours (schedule.h) for two reasons. It is where the
 * traffic secrets come into being, which the hand-over needs: the other way to them, the key log,
 * writes five secrets of each handshake as text, byte by byte. And libcrypto's own fetches and
 * allocates for each of a handshake's dozen derivations. Together they are an eighth of a
 * handshake. X25519 is offered as a key encapsulation, which is a twelfth, with keys of a stock
 * and secrets of our own where that is faster (x25519.h). And HMAC is ours (mac.h), as libcrypto's
 * takes each key twice, and for a digest of its own that it looks up; and so is the PRF of TLS 1.2
 * (TLS1-PRF), which stands on it.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/crypto/hmac.h"

#include <openssl/core.h>
#include <openssl/types.h>
#include <stdbool.h>

/* The application traffic secrets of one handshake, and the secret of which tickets have their keys
 * (RFC 8446 7.1). */
struct gw_traffic_secrets {
    uint8_t client[GW_HASH_MAX];
    uint8_t server[GW_HASH_MAX];
    uint8_t resumption[GW_HASH_MAX];
    uint8_t client_len; /* 0: not derived yet */
    uint8_t server_len;
    uint8_t resumption_len;
};

enum {
    GW_PROVIDER_WHY_MAX = 128
};

struct gw_provider;

/* False in a build without cryptography of our own, where none is ever made. */
bool gw_provider_is_built(void);

/* Makes it what `library` computes with, at its making, before anything is fetched of it; one at a
 * time in a process. NULL when that is not possible; `why` says what is missing ("libcrypto has no
 * TLS13-KDF"). */
gw_must_check struct gw_provider *gw_provider_new(OSSL_LIB_CTX *library,
                                                  char why[GW_PROVIDER_WHY_MAX]);
/* Before the library context is freed, which alone would lose a reference to it; NULL is allowed.
 */
void gw_provider_leave(struct gw_provider *p);
/* After the library context was freed; NULL is allowed. */
void gw_provider_free(struct gw_provider *p);

/* For its algorithms: whether one goes by that name. */
bool gw_provider_names(const OSSL_ALGORITHM *a, const char *name);

/* Until the next call, those of these secrets that this thread derives are kept there; NULL:
 * nowhere.
 */
void gw_provider_watch(struct gw_traffic_secrets *secrets);
