/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a URI has the one spelling that rules compare. RFC 3986 6.2.2 and 6.2.3 list equivalent
 * spellings: HTTPS://x/, https://X/, https://x:443/, https://x/b/../, https://x/%2E, https://x?q
 * and https://x/?q. Readers of URIs treat others as equivalent: https://@x/, https://x/a|b and
 * https://x/a%7Cb. A rule that refuses one of them would let the others pass, so only the canonical
 * spelling is a name. Pure.
 */
#pragma once

#include <stddef.h>

/* NULL: a canonical URI; else a static phrase that names the fault. */
const char *gw_uri_fault(const char *uri, size_t len);
