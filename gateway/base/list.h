/* SPDX-License-Identifier: Apache-2.0 */
/* A doubly linked circular list with the node inside the object. An initialized node that is on no
 * list points to itself. */
#pragma once

#include <stdbool.h>

struct gw_list {
    struct gw_list *next;
    struct gw_list *prev;
};

static inline void gw_list_init(struct gw_list *l)
{
    l->next = l->prev = l;
}

static inline bool gw_list_empty(const struct gw_list *l)
{
    return l->next == l;
}

static inline void gw_list_remove(struct gw_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    gw_list_init(n);
}

/* Appends n, which must not be on a list. */
static inline void gw_list_append(struct gw_list *l, struct gw_list *n)
{
    n->prev = l->prev;
    n->next = l;
    l->prev->next = n;
    l->prev = n;
}

#define gw_list_for_each_safe(it, tmp, list)                                                       \
    for (struct gw_list *it = (list)->next, *tmp = it->next; it != (list); it = tmp, tmp = it->next)
