/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules against the names of a certificate. Input: lines; each begins with a byte: the kind of rule
 * (and 16 for a deny rule), or 32 and the kind of a name. A pattern that is taken has a normal form
 * that stays as it is; the compiled set says of every identity what a plain loop says.
 */
#include "gateway/base/attr.h"
#include "gateway/route/ruleset.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/unit/linear.h"

enum {
    RULES_MAX = 32,
    NAMES_MAX = 16,
    NAME_MAX = 512, /* of the loop, which copies */
};

struct input {
    struct gw_rule rules[RULES_MAX];
    unsigned rule_count;
    struct gw_identity id;
    char *texts[RULES_MAX + NAMES_MAX];
    unsigned text_count;
};

static bool take_rule(struct input *in, uint8_t first, const char *text)
{
    char normal[GW_PATTERN_BYTES_MAX];
    char again[GW_PATTERN_BYTES_MAX];
    const char *why = NULL;
    enum gw_rule_kind kind = (enum gw_rule_kind)(1 + first % (GW_RULE_KIND_COUNT - 1));
    if (gw_pattern_read(kind, text, normal, &why)) {
        gw_require(why && strlen(why) > 8);
        return false;
    }
    gw_require(*normal);
    /* A URI may end in two slashes. One of them counts; without both it may not be a URI. */
    gw_require(normal[strlen(normal) - 1] == '/' ||
               (!gw_pattern_read(kind, normal, again, &why) && strcmp(normal, again) == 0));
    if (in->rule_count == RULES_MAX)
        return false;
    in->rules[in->rule_count++] = (struct gw_rule){kind, text, first & 16};
    return true;
}

static bool take_name(struct input *in, uint8_t first, const char *text)
{
    if (in->id.name_count + in->id.unusable.count == NAMES_MAX || strlen(text) > NAME_MAX)
        return false;
    enum gw_name_kind kind = (enum gw_name_kind)((first & 7) % GW_NAME_KIND_COUNT);
    if (first & 64)
        gw_identity_add_unusable(&in->id, kind, text, strlen(text), "of the fuzzer");
    else
        gw_identity_add(&in->id, kind, text, strlen(text));
    return true;
}

static void check(const struct input *in)
{
    struct gw_ruleset *set = NULL;
    struct gw_error err;
    gw_require(!gw_ruleset_new(&set, in->rules, in->rule_count, &err));
    struct gw_ruling got = gw_ruleset_judge(set, &in->id, false);
    int want = linear_judge(in->rules, in->rule_count, &in->id);
    gw_require(got.pass == (want >= 0));
    gw_require(!got.rule == (want == LINEAR_NOBODY));
    if (got.rule) {
        const struct gw_rule *rule = &in->rules[want < 0 ? -1 - want : want];
        gw_require(got.rule->kind == rule->kind && got.rule->deny == rule->deny);
        gw_require(strcmp(got.rule->pattern, rule->pattern) == 0);
    }
    gw_ruleset_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;
    struct gw_reader r = gw_reader_of(data, size);
    memset(&in, 0, offsetof(struct input, texts));
    in.text_count = 0;
    in.id.present = true;
    memset(in.id.fingerprint, 'a', 64);
    memset(in.id.spki, 'b', 64);
    while (gw_reader_left(&r) > 1 && in.text_count < RULES_MAX + NAMES_MAX) {
        uint8_t first = gw_read_u8(&r);
        char *text = input_text(&r, '\n');
        if (first & 32 ? take_name(&in, first & 71, text) : take_rule(&in, first, text))
            in.texts[in.text_count++] = text;
        else
            free(text);
    }
    check(&in);
    gw_identity_done(&in.id);
    while (in.text_count > 0)
        free(in.texts[--in.text_count]);
    return 0;
}
