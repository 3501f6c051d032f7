/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/turns.h"

#include "gateway/base/attr.h"

#include <stdbool.h>

static void take_turn(struct gw_contender *c, bool first)
{
    for (unsigned round = 0; round < GW_TURN_ROUNDS && !c->error; round++) {
        int64_t ns = 0;
        c->error = c->run(c->arg, &ns);
        if (!c->error && !(first && round == 0))
            c->best_ns = GW_MIN(c->best_ns, ns);
    }
}

void gw_turns_take(struct gw_contender *contenders, unsigned count, int64_t budget_ns,
                   int64_t (*now_ns)(void))
{
    int64_t until_ns = now_ns() + budget_ns;
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        contenders[i].best_ns = INT64_MAX;
        any |= !contenders[i].error;
    }
    for (unsigned turn = 0; any && (turn < GW_TURNS_MIN || now_ns() < until_ns); turn++) {
        any = false;
        for (unsigned i = 0; i < count; i++) {
            take_turn(&contenders[i], turn == 0);
            any |= !contenders[i].error;
        }
    }
}
