/* The order of work. A tree of the plan is walked depth first: make a product, walk the descendants, which are made from it, then
 * solve it, which destroys it. So no more than a chain of products is alive. In wide trees all threads make every product, and the
 * products too small for all threads are collected and solved side by side; the other trees go side by side, a thread each. */
#include "scan/run.h"

#include "base/parallel.h"

enum { MOST_COLLECTED = 256 };

typedef struct collected {
    const eg_task *task;
    eg_product product;
} collected;

typedef struct walk {
    eg_run *run;
    int threads;
    bool is_wide;
    collected items[MOST_COLLECTED];
    size_t count;
    uint64_t bytes, most_bytes;
} walk;

static eegpu_status name_cut(const eg_run *run, const eg_task *task, eegpu_status status)
{
    const eegpu_record *record = &run->result->records[task->cut];
    if (status == EEGPU_OK || status == EEGPU_INTERRUPTED)
        return status;
    return eg_fail_while(status, "cut %zu (%d | %d pixels)", task->cut, record->n_a, record->n_b);
}

/* ---- Collected products ---- */

static eegpu_status solve_collected(void *context, uint64_t first, uint64_t last, int worker)
{
    walk *w = context;
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++)
        status = name_cut(w->run, w->items[i].task, eg_product_solve(w->run, w->items[i].task, &w->items[i].product, 1));
    return status;
}

static void drop_collected(walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        eg_product_free(&w->items[i].product);
    w->count = 0;
    w->bytes = 0;
}

static eegpu_status flush(walk *w)
{
    w->run->backend->set_threads(1);
    eegpu_status status = eg_parallel_for(w->threads, w->count, 1, solve_collected, w);
    w->run->backend->set_threads(w->threads);
    drop_collected(w);
    return status;
}

/* ---- Walking ---- */

static eegpu_status hand_over(walk *w, const eg_task *task, eg_product *product)
{
    if (w->run->finished[task->cut]) {
        eg_product_free(product);
        return EEGPU_OK;
    }
    if (!w->is_wide || task->wide)
        return name_cut(w->run, task, eg_product_solve(w->run, task, product, w->threads));
    w->bytes += eg_product_bytes(product);
    w->items[w->count++] = (collected){task, *product};
    *product = (eg_product){0};
    return w->count == MOST_COLLECTED || w->bytes > w->most_bytes ? flush(w) : EEGPU_OK;
}

static bool is_finished(const eg_run *run, size_t task)
{
    for (size_t i = task; i < task + run->plan->tasks[task].subtree; i++)
        if (!run->finished[run->plan->tasks[i].cut])
            return false;
    return true;
}

static eegpu_status visit(walk *w, size_t number, const eg_product *parent)
{
    const eg_task *tasks = w->run->plan->tasks, *task = &tasks[number];
    eg_product own = {0};
    eegpu_status status = EEGPU_OK;
    if (is_finished(w->run, number))
        return EEGPU_OK;
    EG_TRY(name_cut(w->run, task, eg_product_make(w->run, task, parent, w->threads, &own)));
    bool is_bulky = eg_product_is_bulky(w->run, &own);
    if (is_bulky)
        EG_TRY(hand_over(w, task, &own));
    for (size_t child = number + 1; child < number + task->subtree; child += tasks[child].subtree)
        EG_TRY(visit(w, child, is_bulky ? NULL : &own));
    if (!is_bulky)
        EG_TRY(hand_over(w, task, &own));
done:
    eg_product_free(&own);
    return status;
}

static eegpu_status walk_tree(eg_run *run, const eg_tree *tree, int threads, bool is_wide)
{
    uint64_t room = eg_budget_free(run->state->budget), own = run->plan->tasks[tree->first].bytes;
    walk w = {.run = run, .threads = threads, .is_wide = is_wide, .most_bytes = room > own ? (room - own) / 2 : 0};
    eegpu_status status = visit(&w, tree->first, NULL);
    if (status == EEGPU_OK && w.count > 0)
        status = flush(&w);
    drop_collected(&w);
    return status;
}

/* ---- Trees side by side ---- */

/* Wait until the tree's bytes are free, or until nobody else runs: then the budget itself decides. */
static void reserve_room(eg_run *run, uint64_t bytes)
{
    pthread_mutex_lock(&run->lock);
    while (run->running > 0 && bytes > run->room)
        pthread_cond_wait(&run->changed, &run->lock);
    run->running++;
    run->room -= bytes < run->room ? bytes : run->room;
    pthread_mutex_unlock(&run->lock);
}

static void return_room(eg_run *run, uint64_t bytes)
{
    pthread_mutex_lock(&run->lock);
    run->running--;
    run->room = run->running == 0 ? eg_budget_free(run->state->budget) : run->room + bytes;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static eegpu_status walk_side_by_side(void *context, uint64_t first, uint64_t last, int worker)
{
    eg_run *run = context;
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        const eg_tree *tree = &run->plan->trees[run->plan->wide_count + i];
        uint64_t bytes = run->plan->tasks[tree->first].bytes;
        reserve_room(run, bytes);
        status = walk_tree(run, tree, 1, false);
        return_room(run, bytes);
        if (status == EEGPU_OUT_OF_MEMORY)
            status = EEGPU_OK; /* what is unfinished runs again, alone, when the others are done */
    }
    return status;
}

eegpu_status eg_run_trees(eg_run *run)
{
    const eg_plan *plan = run->plan;
    uint64_t narrow = plan->tree_count - plan->wide_count;
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < plan->count; i++)
        if (run->finished[plan->tasks[i].cut])
            EG_TRY(eg_progress_add(&run->progress, plan->tasks[i].flops));
    run->backend->set_threads(plan->threads);
    for (size_t t = 0; t < plan->wide_count; t++)
        EG_TRY(walk_tree(run, &plan->trees[t], plan->threads, true));
    run->backend->set_threads(1);
    run->room = eg_budget_free(run->state->budget);
    EG_TRY(eg_parallel_for(plan->threads, narrow, 1, walk_side_by_side, run));
    for (size_t t = plan->wide_count; t < plan->tree_count; t++)
        EG_TRY(walk_tree(run, &plan->trees[t], 1, false));
done:
    run->backend->set_threads(1);
    return status;
}
