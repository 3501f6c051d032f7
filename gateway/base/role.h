/* SPDX-License-Identifier: Apache-2.0 */
/* On which end of TLS a service stands: it takes TLS connections, or it makes them. */
#pragma once

enum gw_role {
    GW_ROLE_SERVER, /* TLS in, plaintext out: whoever connects to us speaks TLS */
    GW_ROLE_CLIENT, /* plaintext in, TLS out: the target speaks TLS */
    GW_ROLE_COUNT,
};
