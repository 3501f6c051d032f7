/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/bytes.h"
#include "gateway/record/control.h"

/* RFC 8446 6, RFC 5246 7.2 and the IANA registry. A peer may send any of them. */
static const struct alert {
    uint8_t description;
    bool is_warning; /* for those that the gateway sends */
    const char *name;
} alerts[] = {
    {0, true, "close_notify"},
    {10, false, "unexpected_message"},
    {20, false, "bad_record_mac"},
    {21, false, "decryption_failed"},
    {22, false, "record_overflow"},
    {30, false, "decompression_failure"},
    {40, false, "handshake_failure"},
    {41, false, "no_certificate"},
    {42, false, "bad_certificate"},
    {43, false, "unsupported_certificate"},
    {44, false, "certificate_revoked"},
    {45, false, "certificate_expired"},
    {46, false, "certificate_unknown"},
    {47, false, "illegal_parameter"},
    {48, false, "unknown_ca"},
    {49, false, "access_denied"},
    {50, false, "decode_error"},
    {51, false, "decrypt_error"},
    {60, false, "export_restriction"},
    {70, false, "protocol_version"},
    {71, false, "insufficient_security"},
    {80, false, "internal_error"},
    {86, false, "inappropriate_fallback"},
    {90, true, "user_canceled"},
    {100, true, "no_renegotiation"},
    {109, false, "missing_extension"},
    {110, false, "unsupported_extension"},
    {111, false, "certificate_unobtainable"},
    {112, false, "unrecognized_name"},
    {113, false, "bad_certificate_status_response"},
    {114, false, "bad_certificate_hash_value"},
    {115, false, "unknown_psk_identity"},
    {116, false, "certificate_required"},
    {120, false, "no_application_protocol"},
};

static const struct alert *find_alert(uint8_t description)
{
    for (size_t i = 0; i < GW_ARRAY_SIZE(alerts); i++) {
        if (alerts[i].description == description)
            return &alerts[i];
    }
    return NULL;
}

size_t gw_control_alert(uint8_t out[GW_CONTROL_MAX], uint8_t description)
{
    const struct alert *a = find_alert(description);
    struct gw_writer w = gw_writer_of(out, GW_CONTROL_MAX);
    gw_write_be(&w, a && a->is_warning ? GW_ALERT_LEVEL_WARNING : GW_ALERT_LEVEL_FATAL, 1);
    gw_write_be(&w, description, 1);
    return gw_writer_len(&w);
}

const char *gw_alert_name(uint8_t description)
{
    const struct alert *a = find_alert(description);
    return a ? a->name : "unknown";
}
