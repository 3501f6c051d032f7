/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources say of their limbs (gateway/crypto/x25519_field.h), shown of all limbs at once.
 * Behind the sources in the file that run.py makes. */
#pragma once

static const whole narrow_end = (one << 51) + (one << 14), wide_end = one << 60;
static const whole product_end = (one << 59) - (one << 13);

static struct fe up_to(whole end)
{
    struct fe r;
    for (int i = 0; i < FE_LIMBS; i++)
        EACH_LANE r.l[i].v[lane] = word(0, end - 1);
    return r;
}

static void require_below(struct fe a, whole end, const char *words)
{
    for (int i = 0; i < FE_LIMBS; i++)
        EACH_LANE require(a.l[i].v[lane].low >= 0 && a.l[i].v[lane].high < end, words);
}

static void require_limbs_below(const word l[FE_LIMBS], whole end, const char *words)
{
    for (int i = 0; i < FE_LIMBS; i++)
        require(l[i].low >= 0 && l[i].high < end, words);
}

static void hold_in_lanes(void)
{
    const struct fe narrow = up_to(narrow_end), product = up_to(product_end);
    require_below(fe_product(narrow, narrow), product_end, "a product has too much");
    require_below(fe_square(narrow), product_end, "a square has too much");
    require_below(fe_sum(product, product), wide_end, "a sum is not wide");
    require_below(fe_difference(product, product), wide_end, "a difference is not wide");
    require_below(fe_carry(up_to(wide_end)), narrow_end, "what was carried is not narrow");
}

static void hold_in_words(void)
{
    static const uint8_t bytes[FE_BYTES] = {0};
    uint8_t out[FE_BYTES];
    word a[FE_LIMBS], r[FE_LIMBS];
    fe_from_bytes(r, bytes);
    require_limbs_below(r, one << 51, "what was read is not narrow");
    for (int i = 0; i < FE_LIMBS; i++)
        a[i] = word(0, narrow_end - 1);
    fe_multiply(r, a, a);
    require_limbs_below(r, narrow_end, "a product is not narrow");
    square(r, a);
    require_limbs_below(r, narrow_end, "a square is not narrow");
    fe_invert(r, a);
    require_limbs_below(r, narrow_end, "an inverse is not narrow");
    copy_of(r, a, sizeof(r));
    reduce(r);
    require_limbs_below(r, one << 51, "what is written is too long");
    fe_to_bytes(out, a);
}

/* First with the numbers of RFC 7748, which are exact here, too: so this says what the sources do. */
int main(void)
{
    require(is_right(), "the result is not that of RFC 7748");
    unknown_bytes = true;
    hold_in_words();
    hold_in_lanes();
    compute_any();
    return 0;
}
