/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a URI is spelled in the one way that rules compare. RFC 3986 6.2.2 and 6.2.3 name
 * spellings that mean the same: HTTPS://x/, https://X/, https://x:443/, https://x/b/../,
 * https://x/%2E, https://x?q beside https://x/?q. Others are the same to those who read URIs:
 * https://@x/, https://x/a|b beside https://x/a%7Cb. A rule that refuses one of them would let the
 * others pass, so all but the canonical one are no names. Pure.
 */
#pragma once

#include <stddef.h>

/* NULL: it is a URI, and canonical; else a static phrase that tells what is wrong with it. */
const char *gw_uri_fault(const char *uri, size_t len);
