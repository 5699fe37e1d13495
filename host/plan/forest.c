/* Who is made from whom. Comes in: tasks with regions, by falling size; goes out: parents, then trees and the order of work. A
 * region's parent is the smallest region of the plan around it: one pixel more if there is one (found by hash), else the
 * smallest of all (found by looking, as long as the list is short enough for that). Called by plan.c; knows nothing of costs in
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/memory.h"
#include "plan/plan.h"

enum { MOST_COMPARED = 20000 }; /* regions that are compared with all others; beyond, one pixel more is the only look */

/* ---- Parents ---- */

typedef struct region_index {
    uint64_t mask;
    uint32_t *slot; /* task + 1; 0: empty */
    const eg_task *tasks;
} region_index;

static uint64_t slot_of(const region_index *index, uint64_t region)
{
    uint64_t at = (region * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    for (at &= index->mask; index->slot[at] != 0 && index->tasks[index->slot[at] - 1].region != region;)
        at = (at + 1) & index->mask;
    return at;
}

static int64_t parent_by_one_pixel(const region_index *index, uint64_t region, uint64_t all)
{
    for (uint64_t rest = all & ~region; rest; rest &= rest - 1) {
        uint32_t found = index->slot[slot_of(index, region | (rest & -rest))];
        if (found != 0)
            return (int64_t)found - 1;
    }
    return -1;
}

/* Tasks before `task` are larger or equally large; the nearest ones before it are the smallest. */
static int64_t parent_by_looking(const eg_task *tasks, size_t task)
{
    uint64_t region = tasks[task].region;
    for (size_t i = task; i-- > 0;)
        if ((tasks[i].region & region) == region && tasks[i].region != region)
            return (int64_t)i;
    return -1;
}

eegpu_status eg_forest_find_parents(eg_task *tasks, size_t count)
{
    region_index index = {.tasks = tasks};
    uint64_t slots = 64, all = 0;
    eegpu_status status = EEGPU_OK;
    while (slots < 2 * count)
        slots *= 2;
    if (count >= UINT32_MAX)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a plan of %zu cuts: at most 2^32; use --max-size", count);
    index.mask = slots - 1;
    EG_TRY(eg_allocate_zero(NULL, slots, sizeof *index.slot, "the plan's table of regions", &index.slot));
    for (size_t i = 0; i < count; i++) {
        index.slot[slot_of(&index, tasks[i].region)] = (uint32_t)i + 1;
        all |= tasks[i].region;
    }
    for (size_t i = 0; i < count; i++) {
        tasks[i].parent = parent_by_one_pixel(&index, tasks[i].region, all);
        if (tasks[i].parent < 0 && count <= MOST_COMPARED)
            tasks[i].parent = parent_by_looking(tasks, i);
    }
done:
    eg_release(NULL, index.slot);
    return status;
}

/* ---- Order ---- */

typedef struct ordering {
    eg_task *from, *to;
    size_t *first_child, *next_sibling; /* task + 1; 0: none */
    size_t placed;
} ordering;

static void place_subtree(ordering *order, size_t task, int64_t parent)
{
    size_t at = order->placed++;
    order->to[at] = order->from[task];
    order->to[at].parent = parent;
    for (size_t child = order->first_child[task]; child != 0; child = order->next_sibling[child - 1])
        place_subtree(order, child - 1, (int64_t)at);
    order->to[at].subtree = order->placed - at;
}

static double tree_flops(const ordering *order, size_t task)
{
    double flops = order->from[task].flops;
    for (size_t child = order->first_child[task]; child != 0; child = order->next_sibling[child - 1])
        flops += tree_flops(order, child - 1);
    return flops;
}

static int compare_trees(const void *left, const void *right)
{
    const eg_tree *a = left, *b = right;
    if (a->flops != b->flops)
        return a->flops < b->flops ? 1 : -1;
    return a->first < b->first ? -1 : a->first > b->first;
}

eegpu_status eg_forest_order(eg_plan *plan)
{
    ordering order = {.from = plan->tasks};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(NULL, plan->count, sizeof *order.to, "the plan", &order.to));
    EG_TRY(eg_allocate_zero(NULL, plan->count, sizeof *order.first_child, "the plan", &order.first_child));
    EG_TRY(eg_allocate_zero(NULL, plan->count, sizeof *order.next_sibling, "the plan", &order.next_sibling));
    EG_TRY(eg_allocate_zero(NULL, plan->count, sizeof *plan->trees, "the plan", &plan->trees));
    for (size_t i = plan->count; i-- > 0;) { /* backwards, so that children stand in the order of their numbers */
        int64_t parent = plan->tasks[i].parent;
        if (parent < 0)
            continue;
        order.next_sibling[i] = order.first_child[parent];
        order.first_child[parent] = i + 1;
    }
    for (size_t i = 0; i < plan->count; i++)
        if (plan->tasks[i].parent < 0)
            plan->trees[plan->tree_count++] = (eg_tree){.first = i, .flops = tree_flops(&order, i)};
    qsort(plan->trees, plan->tree_count, sizeof *plan->trees, compare_trees);
    for (size_t t = 0; t < plan->tree_count; t++) {
        size_t root = plan->trees[t].first;
        plan->trees[t].first = order.placed;
        place_subtree(&order, root, -1);
    }
    eg_release(NULL, plan->tasks);
    plan->tasks = order.to;
    order.to = NULL;
done:
    eg_release(NULL, order.to);
    eg_release(NULL, order.first_child);
    eg_release(NULL, order.next_sibling);
    return status;
}
