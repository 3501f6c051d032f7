/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of a rule's pattern, and whether it can match at all. Pure.
 *
 *   CN, OU       the whole name, byte by byte. No character is special, not even `*`.
 *   DNS          a subject alternative name, without regard to case. Split at the dots: `*` stands
 *                for one whole label, `**` as the first label for one or more. So *.example.com is
 *                one label below example.com, **.example.com every name below it. The `*` of a
 *                wildcard certificate is a label like any other: it is not expanded.
 *   URI          a subject alternative name, split at the slashes like ghostunnel's: `*` stands for
 *                one whole part that is not empty, `**` as the last part for any rest, even an
 *                empty one; `**` alone is every URI. One slash at the end makes no difference. A
 *                spiffe: pattern must be one that a SPIFFE ID can match: scheme and trust domain
 *                in small letters, no port, query, fragment, percent sign, empty or dotted part.
 *                Any other must be spelled in the canonical way (gateway/config/uri.h).
 *   IP           an address, or ADDRESS/BITS for a whole network. IPv4 that is mapped into IPv6 is
 *                IPv4.
 *   email        the whole address, its domain without regard to case; `*@DOMAIN` is every address
 *                at that domain.
 *   fingerprint  SHA-256 of the certificate: 64 hex digits, with or without colons between them.
 *   SPKI         SHA-256 of its public key (SubjectPublicKeyInfo): the same, or sha256/ and base64.
 */
#pragma once

#include "gateway/config/config.h"
#include "gateway/config/net.h"

enum {
    GW_PATTERN_PARTS_MAX = 64, /* parts between slashes or dots */
    GW_PATTERN_BYTES_MAX = GW_VALUE_BYTES_MAX + 1,
};

/*
 * Checks a pattern and writes the normalized form that is compared: small letters where case does
 * not count, no final dot or slash, digests as 64 hex digits. Returns 0; -EINVAL, with *ret_why a
 * static phrase for the error message, when it can never match.
 */
gw_must_check int gw_pattern_read(enum gw_rule_kind kind, const char *text,
                                  char ret[static GW_PATTERN_BYTES_MAX], const char **ret_why);

/* "cn", as in --allow-cn. */
const char *gw_pattern_kind_word(enum gw_rule_kind kind);

/* Whether the URI is a SPIFFE ID by the SPIFFE standard; with `patterns`, `*` and `**` count as
 * letters. Call it only for URIs with the scheme `spiffe`, in any case. */
bool gw_pattern_is_spiffe(const char *uri, size_t len);
bool gw_pattern_spiffe_ok(const char *uri, size_t len, bool patterns);
