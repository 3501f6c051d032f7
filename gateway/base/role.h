/* SPDX-License-Identifier: Apache-2.0 */
/* The end of TLS that a service is: it accepts TLS connections, or makes them. */
#pragma once

enum gw_role {
    GW_ROLE_SERVER, /* TLS in, plaintext out: accepted peers use TLS */
    GW_ROLE_CLIENT, /* plaintext in, TLS out: the target uses TLS */
    GW_ROLE_COUNT,
};
