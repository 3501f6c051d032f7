/* SPDX-License-Identifier: Apache-2.0 */
/* The public header before every other one, as strict C99 and as C++, and linked with nothing but
 * the library that it describes. */
#include "ktlsinstall.h"

int main(void)
{
    const struct ktls_suite *suite = ktls_suite_find(0x1301);
    struct ktls_keys keys;
    ktls_wipe(&keys, sizeof(keys));
    return suite && suite->key_len == 16 ? 0 : 1;
}
