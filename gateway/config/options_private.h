/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files with rows of the option table. */
#pragma once

#include "gateway/config/options.h"

#include <stddef.h>

/* Certificates, trust and rules. */
extern const struct gw_option gw_options_trust[];
extern const unsigned gw_options_trust_count;
/* The options of `pki`. */
extern const struct gw_option gw_options_pki[];
extern const unsigned gw_options_pki_count;

#define BIT(command) (1u << GW_COMMAND_##command)
#define IN_SERVER (BIT(SERVER) | BIT(CHECK))
#define IN_CLIENT (BIT(CLIENT) | BIT(CHECK_CLIENT))
#define GATEWAY (IN_SERVER | IN_CLIENT)
#define GATEWAY_DEMO (GATEWAY | BIT(DEMO))
#define IN_PKI                                                                                     \
    (BIT(PKI_INIT) | BIT(PKI_ISSUE) | BIT(PKI_RENEW) | BIT(PKI_REVOKE) | BIT(PKI_CRL) |            \
     BIT(PKI_LIST) | BIT(PKI_SHOW))
#define EVERY (GATEWAY_DEMO | BIT(PROBE) | IN_PKI | 1u << GW_COMMAND_COUNT)
#define IN_SERVICE(member) .in_service = true, .at = offsetof(struct gw_service, member)
#define IN_TLS(member) IN_SERVICE(tls.member)
#define IN_EACH(member) .of_each = true, IN_SERVICE(member)
#define IN_CONFIG(member) .at = offsetof(struct gw_config, member)
#define MINUTES (60 * GW_NS_PER_SEC)
#define HOURS (60 * MINUTES)
