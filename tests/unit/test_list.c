/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/base/list: order, removal while walking, a removed node points at itself. */
#include "gateway/base/list.h"

#include "gateway/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int value;
    struct gw_list node;
};

static int value_of(struct gw_list *n)
{
    return gw_container_of(n, struct item, node)->value;
}

static void fill(struct gw_list *list, struct item *items, int n)
{
    gw_list_init(list);
    for (int i = 0; i < n; i++) {
        items[i].value = i;
        gw_list_init(&items[i].node);
        gw_list_append(list, &items[i].node);
    }
}

static void keeps_order(void **state)
{
    (void)state;
    struct gw_list list;
    struct item items[5];
    int want = 0;
    fill(&list, items, 5);
    gw_list_for_each_safe (n, tmp, &list)
        assert_int_equal(value_of(n), want++);
    assert_int_equal(want, 5);
}

static void empty_list_is_not_walked(void **state)
{
    (void)state;
    struct gw_list list;
    gw_list_init(&list);
    assert_true(gw_list_empty(&list));
    gw_list_for_each_safe (n, tmp, &list)
        fail();
    gw_list_remove(&list); /* a node on no list: no harm */
    assert_true(gw_list_empty(&list));
}

static void walk_survives_removal(void **state)
{
    (void)state;
    struct gw_list list;
    struct item items[6];
    fill(&list, items, 6);
    gw_list_for_each_safe (n, tmp, &list)
        if (value_of(n) % 2 == 0)
            gw_list_remove(n);
    int want = 1;
    gw_list_for_each_safe (n, tmp, &list) {
        assert_int_equal(value_of(n), want);
        want += 2;
    }
    assert_int_equal(want, 7);
    for (int i = 0; i < 6; i++)
        assert_int_equal(gw_list_empty(&items[i].node), i % 2 == 0);
}

static void removed_node_may_come_back(void **state)
{
    (void)state;
    struct gw_list list;
    struct item items[3];
    static const int want[] = {1, 2, 0};
    int i = 0;
    fill(&list, items, 3);
    gw_list_remove(&items[0].node);
    gw_list_remove(&items[0].node); /* twice is once */
    gw_list_append(&list, &items[0].node);
    gw_list_for_each_safe (n, tmp, &list)
        assert_int_equal(value_of(n), want[i++]);
    assert_int_equal(i, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(empty_list_is_not_walked),
        cmocka_unit_test(walk_survives_removal),
        cmocka_unit_test(removed_node_may_come_back),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
