/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/reason.h"

static const struct gw_reason_info rows[GW_REASON_COUNT] = {
#define X(id, word, is_error, sentence) {word, is_error, sentence},
    GW_REASONS(X)
#undef X
};

const struct gw_reason_info *gw_reason_info(enum gw_reason reason)
{
    return &rows[(unsigned)reason < GW_REASON_COUNT ? reason : GW_REASON_INTERNAL];
}
