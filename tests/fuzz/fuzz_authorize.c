/* SPDX-License-Identifier: Apache-2.0 */
/* Input: kind of rule (one byte), pattern, NUL, name. A pattern without wildcards lets in its own
 * name and no longer one; one that cannot match does not. */
#include "gateway/base/attr.h"
#include "gateway/route/authorize.h"
#include "tests/fuzz/target.h"

static bool passes(enum gw_rule_kind kind, const char *pattern, const char *text)
{
    static const enum gw_name_kind names[] = {GW_NAME_CN, GW_NAME_CN, GW_NAME_OU, GW_NAME_DNS,
                                              GW_NAME_URI};
    struct gw_rule rule = {kind, pattern};
    struct gw_identity id = {.present = true, .name_count = 1};
    id.names[0] = (struct gw_name){names[kind], text};
    return gw_authorize(&rule, 1, &id, false) == &rule;
}

static void check(enum gw_rule_kind kind, const char *pattern, const char *text)
{
    bool pass = passes(kind, pattern, text);
    if (!*pattern)
        gw_require(!pass);
    if (!*pattern || strchr(pattern, '*'))
        return;
    gw_require(passes(kind, pattern, pattern));
    gw_require(gw_authorize_pattern_ok(kind, pattern));
    /* Equal but for case (DNS) and one slash at the end (URI). */
    size_t a = strlen(pattern);
    size_t b = strlen(text);
    gw_require(!pass || a == b || (kind == GW_RULE_URI && (a > b ? a - b : b - a) == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum gw_rule_kind kind = (enum gw_rule_kind)(GW_RULE_CN + data[0] % 4);
    char *text = malloc(size);
    gw_require(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    size_t pattern_len = strlen(text);
    check(kind, text, pattern_len < size - 1 ? text + pattern_len + 1 : "");
    free(text);
    return 0;
}
