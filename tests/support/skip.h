/* SPDX-License-Identifier: Apache-2.0 */
/* A test that cannot run says why; the tally at the end of ./dev test repeats it. Include after
 * <cmocka.h>. */
#pragma once

#define skip_with(why)                                                                             \
    do {                                                                                           \
        print_message("SKIP: %s\n", (why));                                                        \
        skip();                                                                                    \
    } while (0)
