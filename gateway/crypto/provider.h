/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider that libssl uses: libcrypto's own default provider with four algorithms replaced.
 *
 * The key schedule of TLS 1.3 (TLS13-KDF) is ours (schedule.h) for two reasons. It derives the
 * traffic secrets, which the handover needs: the alternative, the key log, writes five secrets of
 * each handshake as text, byte by byte. And libcrypto's own fetches and allocates for each of a
 * handshake's dozen derivations. Together they are an eighth of a handshake.
 *
 * X25519 is offered as a key encapsulation, which saves a twelfth, with keys from a stock and
 * secrets of our own where that is faster (x25519.h). HMAC is ours (mac.h), since libcrypto's
 * processes each key twice, with a digest of its own that it looks up. So is the PRF of TLS 1.2
 * (TLS1-PRF), which uses it.
 */
#pragma once

#include "gateway/base/attr.h"
#include "gateway/crypto/hmac.h"

#include <openssl/core.h>
#include <openssl/types.h>
#include <stdbool.h>

/* The application traffic secrets of one handshake, and the resumption secret, from which tickets
 * get their keys (RFC 8446 7.1). */
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

/* False in a build without the gateway's own cryptography; gw_provider_new then always fails. */
bool gw_provider_is_built(void);

/* Installs the provider in a new `library`, before anything is fetched from it; one at a time in a
 * process. NULL on failure; `why` names what is missing ("libcrypto has no TLS13-KDF"). */
gw_must_check struct gw_provider *gw_provider_new(OSSL_LIB_CTX *library,
                                                  char why[GW_PROVIDER_WHY_MAX]);
/* Call it before the library context is freed, which would leak a reference otherwise. NULL is
 * allowed. */
void gw_provider_leave(struct gw_provider *p);
/* Call it after the library context was freed. NULL is allowed. */
void gw_provider_free(struct gw_provider *p);

/* Until the next call, stores these secrets there when this thread derives them. NULL: stores
 * none. */
void gw_provider_watch(struct gw_traffic_secrets *secrets);
