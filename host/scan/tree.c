/* The order of work. Comes in: the plan's trees and open lanes; goes out: records. A tree of the plan is walked depth first:
 * make a product, walk the descendants, which are made from it, then reduce and solve it, which destroys it. So no more than a
 * chain of products is alive. In wide trees the whole device makes every product, and those too small for it alone are
 * collected, over several trees, and solved many at once; the other trees go side by side, a lane each. Called by scan.c; it
 * does not decide which trees are wide. */
#include "scan/run.h"

#include <stdatomic.h>

#include "base/parallel.h"

enum { MOST_COLLECTED = 256 };

typedef struct collected {
    const eg_task *task;
    eg_product product;
} collected;

typedef struct walk {
    eg_run *run;
    eg_lane *lane;
    bool is_wide;
    collected items[MOST_COLLECTED];
    size_t count;
    uint64_t bytes, most_bytes;
    atomic_bool is_stopped; /* while records were made, which goes on to the last that is solved */
} walk;

static eegpu_status name_cut(const eg_run *run, const eg_task *task, eegpu_status status)
{
    const eegpu_record *record = &run->result->records[task->cut];
    if (status == EEGPU_OK || status == EEGPU_INTERRUPTED)
        return status;
    return eg_fail_while(status, "cut %zu (%d | %d pixels)", task->cut, record->n_a, record->n_b);
}

/* ---- Lanes side by side ---- */

/* A loop over lanes, its idle time on record. The function calls add_busy() when it is done. */
static eegpu_status for_lanes(eg_run *run, uint64_t count, eg_range_function function, void *context)
{
    double start = eg_seconds();
    run->busy = 0;
    eegpu_status status = eg_parallel_for(run->workers, count, 1, function, context);
    eg_statistics_add_lanes(run->device, count < (uint64_t)run->workers ? (int)count : run->workers, eg_seconds() - start,
                            run->busy);
    return status;
}

static void add_busy(eg_run *run, double start)
{
    pthread_mutex_lock(&run->lock);
    run->busy += eg_seconds() - start;
    pthread_mutex_unlock(&run->lock);
}

/* ---- Collected products ---- */

static eegpu_status reduce_collected(void *context, uint64_t first, uint64_t last, int worker)
{
    walk *w = context;
    eg_lane *lane = w->run->lanes[worker];
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++)
        status = name_cut(w->run, w->items[i].task, eg_product_reduce(w->run, w->items[i].task, lane, &w->items[i].product));
    add_busy(w->run, start);
    return status;
}

static eegpu_status solve_collected(walk *w)
{
    eg_spectrum *spectra[MOST_COLLECTED];
    double start = eg_seconds(), flops = 0;
    size_t failed = 0;
    for (size_t i = 0; i < w->count; i++) {
        spectra[i] = &w->items[i].product.spectrum;
        flops += w->items[i].task->flops;
    }
    eegpu_status status = eg_spectra_solve(w->lane, spectra, w->count, &failed);
    if (status != EEGPU_OK)
        status = name_cut(w->run, w->items[failed].task, status);
    double seconds = eg_seconds() - start;
    for (size_t i = 0; i < w->count; i++)
        w->items[i].product.seconds += seconds * w->items[i].task->flops / flops;
    return status;
}

/* All that is solved is recorded, even if the progress asks to stop meanwhile or another cut has failed: it need not be done again. */
static eegpu_status record_collected(void *context, uint64_t first, uint64_t last, int worker)
{
    walk *w = context;
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        if (w->items[i].product.spectrum.pending_count > 0)
            continue;
        status = name_cut(w->run, w->items[i].task, eg_product_record(w->run, w->items[i].task, &w->items[i].product));
        if (status == EEGPU_INTERRUPTED) {
            atomic_store(&w->is_stopped, true);
            status = EEGPU_OK;
        }
    }
    add_busy(w->run, start);
    return status;
}

static void drop_collected(walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        eg_product_free(w->lane, &w->items[i].product);
    w->count = 0;
    w->bytes = 0;
}

static eegpu_status wait_for_lanes(const eg_run *run)
{
    eegpu_status status = EEGPU_OK;
    for (int i = 0; i < run->workers && status == EEGPU_OK; i++)
        status = run->device->backend->wait(run->lanes[i]);
    return status;
}

static eegpu_status flush(walk *w)
{
    char message[EG_MESSAGE_SIZE];
    eegpu_status status = EEGPU_OK, solved;
    EG_TRY(w->run->device->backend->wait(w->lane)); /* it has made the products */
    EG_TRY(for_lanes(w->run, w->count, reduce_collected, w));
    EG_TRY(wait_for_lanes(w->run));
    EG_TRY(eg_progress_add(&w->run->progress, 0));
    solved = solve_collected(w);
    eg_error_save(message);
    EG_TRY(for_lanes(w->run, w->count, record_collected, w));
    eg_error_restore(message);
    status = solved;
    if (status == EEGPU_OK && atomic_load(&w->is_stopped))
        status = eg_progress_add(&w->run->progress, 0);
done:
    if (status != EEGPU_OK) { /* nothing may be freed that a lane still works on */
        eg_error_save(message);
        (void)!wait_for_lanes(w->run);
        eg_error_restore(message);
    }
    drop_collected(w);
    return status;
}

/* ---- Walking ---- */

static eegpu_status finish(walk *w, const eg_task *task, eg_product *product)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_product_reduce(w->run, task, w->lane, product));
    double start = eg_seconds();
    EG_TRY(eg_spectrum_solve(w->lane, &product->spectrum));
    product->seconds += eg_seconds() - start;
    EG_TRY(eg_product_record(w->run, task, product));
done:
    return status;
}

static eegpu_status hand_over(walk *w, const eg_task *task, eg_product *product)
{
    eegpu_status status = EEGPU_OK;
    if (!w->run->finished[task->cut] && w->is_wide && !task->wide) {
        w->bytes += eg_product_bytes(product);
        w->items[w->count++] = (collected){task, *product};
        *product = (eg_product){0};
        return w->count == MOST_COLLECTED || w->bytes > w->most_bytes ? flush(w) : EEGPU_OK;
    }
    if (!w->run->finished[task->cut])
        status = name_cut(w->run, task, finish(w, task, product));
    eg_product_free(w->lane, product);
    return status;
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
    if (w->is_wide)
        EG_TRY(eg_progress_add(&w->run->progress, 0)); /* collecting reports nothing else */
    EG_TRY(name_cut(w->run, task, eg_product_make(w->run, task, parent, w->lane, &own)));
    bool is_bulky = eg_product_is_bulky(w->run, &own);
    if (is_bulky)
        EG_TRY(hand_over(w, task, &own));
    for (size_t child = number + 1; child < number + task->subtree; child += tasks[child].subtree)
        EG_TRY(visit(w, child, is_bulky ? NULL : &own));
    if (!is_bulky)
        EG_TRY(hand_over(w, task, &own));
done:
    eg_product_free(w->lane, &own);
    return status;
}

/* ---- Wide trees ---- */

static eegpu_status walk_wide(eg_run *run)
{
    walk w = {.run = run, .lane = run->whole_lane, .is_wide = true};
    eegpu_status status = EEGPU_OK;
    for (size_t t = 0; t < run->plan->wide_count; t++) {
        const eg_tree *tree = &run->plan->trees[t];
        uint64_t own = run->plan->tasks[tree->first].bytes;
        if (w.count > 0 && eg_budget_free(run->budget) < own)
            EG_TRY(flush(&w));
        uint64_t room = eg_budget_free(run->budget);
        w.most_bytes = w.bytes + (room > own ? (room - own) / 2 : 0);
        EG_TRY(visit(&w, tree->first, NULL));
    }
    if (w.count > 0)
        EG_TRY(flush(&w));
done:
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
    run->room = run->running == 0 ? eg_budget_free(run->budget) : run->room + bytes;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static eegpu_status walk_tree(eg_run *run, const eg_tree *tree, eg_lane *lane)
{
    walk w = {.run = run, .lane = lane};
    return visit(&w, tree->first, NULL);
}

static eegpu_status walk_side_by_side(void *context, uint64_t first, uint64_t last, int worker)
{
    eg_run *run = context;
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        const eg_tree *tree = &run->plan->trees[run->plan->wide_count + i];
        uint64_t bytes = run->plan->tasks[tree->first].bytes;
        reserve_room(run, bytes);
        status = walk_tree(run, tree, run->lanes[worker]);
        return_room(run, bytes);
        if (status == EEGPU_OUT_OF_MEMORY)
            status = EEGPU_OK; /* what is unfinished runs again, alone, when the others are done */
    }
    add_busy(run, start);
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
    EG_TRY(walk_wide(run));
    run->room = eg_budget_free(run->budget);
    EG_TRY(for_lanes(run, narrow, walk_side_by_side, run));
    for (size_t t = plan->wide_count; t < plan->tree_count; t++)
        EG_TRY(walk_tree(run, &plan->trees[t], run->lanes[0]));
done:
    return status;
}
