/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/reason.h"

#include "gateway/base/attr.h"

#include <stddef.h>

static const struct gw_reason_info rows[GW_REASON_COUNT] = {
#define X(id, word, is_error, sentence) {word, is_error, sentence},
    GW_REASONS(X)
#undef X
};

const struct gw_reason_info *gw_reason_info(enum gw_reason reason)
{
    return &rows[(unsigned)reason < GW_REASON_COUNT ? reason : GW_REASON_INTERNAL];
}

bool gw_reason_of_strangers(enum gw_reason reason)
{
    static const bool of_strangers[GW_REASON_COUNT] = {
#define X(id) [GW_REASON_##id] = true,
        GW_REASONS_OF_STRANGERS(X)
#undef X
    };
    return (unsigned)reason < GW_REASON_COUNT && of_strangers[reason];
}

static const struct {
    enum gw_reason server;
    enum gw_reason client;
} translations[] = {
    {GW_REASON_HANDSHAKE_CLOSED, GW_REASON_BACKEND_HS_CLOSED},
    {GW_REASON_HANDSHAKE_RESET, GW_REASON_BACKEND_HS_RESET},
    {GW_REASON_HANDSHAKE_ALERT, GW_REASON_BACKEND_HS_ALERT},
    {GW_REASON_HANDSHAKE_NOT_TLS, GW_REASON_BACKEND_NOT_TLS},
    {GW_REASON_HANDSHAKE_HTTP, GW_REASON_BACKEND_NOT_TLS},
    {GW_REASON_CERT_MISSING, GW_REASON_BACKEND_INVALID},
    {GW_REASON_CERT_UNTRUSTED, GW_REASON_BACKEND_UNTRUSTED},
    {GW_REASON_CERT_EXPIRED, GW_REASON_BACKEND_EXPIRED},
    {GW_REASON_CERT_REVOKED, GW_REASON_BACKEND_REVOKED},
    {GW_REASON_CERT_NO_CRL, GW_REASON_BACKEND_NO_CRL},
    {GW_REASON_CERT_INVALID, GW_REASON_BACKEND_INVALID},
    {GW_REASON_NOT_ALLOWED, GW_REASON_BACKEND_NOT_ALLOWED},
    {GW_REASON_CLIENT_RESET, GW_REASON_BACKEND_RESET},
    {GW_REASON_CLIENT_TRUNCATED, GW_REASON_BACKEND_TRUNCATED},
    {GW_REASON_CLIENT_ALERT, GW_REASON_BACKEND_ALERT},
    {GW_REASON_BACKEND_RESET, GW_REASON_CLIENT_RESET},
};

enum gw_reason gw_reason_in(enum gw_role role, enum gw_reason reason)
{
    for (size_t i = 0; role == GW_ROLE_CLIENT && i < GW_ARRAY_SIZE(translations); i++)
        if (translations[i].server == reason)
            return translations[i].client;
    return reason;
}
