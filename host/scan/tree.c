/* The order of work. Comes in: the plan's trees and open lanes; goes out: records. A tree of the plan is walked depth first:
 * make a product, walk the descendants, which are made from it, then reduce and solve it, which destroys it. So no more than a
 * chain of products is alive. In wide trees the whole device makes every product; the other trees go side by side, a lane each.
 * What is small is collected, over several trees, and solved many at once; a 0/1 function's matrix that turns out large waits for
 * the end and for all threads. Called by scan.c; it does not decide which trees are wide. */
#include "scan/run.h"

#include <stdatomic.h>

#include "base/parallel.h"

enum { MOST_COLLECTED = 256, MOST_POSTPONED = 256 };

/* A lane among others keeps matrices of so many rows until it has some: solved together they take less time each (measured: 256
 * rows two thirds). A matrix of a 0/1 function from so many rows on is worth all threads; which they are must not depend on the
 * memory at hand, because the bits depend on the threads. */
enum { COLLECT_TO_ROWS = 512, COLLECT_IN_LANE = 32, ALL_THREADS_FROM_ROWS = 1024 };
static const uint64_t most_bytes_in_lane = UINT64_C(1) << 24;

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

/* Trees side by side: a walk a lane, and what they leave for the end. */
typedef struct side_by_side {
    eg_run *run;
    walk *walks;
    collected postponed[MOST_POSTPONED];
    size_t count;
} side_by_side;

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

/* All that is solved is recorded, even if the progress asks to stop meanwhile or another cut has failed: it need not be done
 * again. */
static eegpu_status record_items(walk *w, uint64_t first, uint64_t last)
{
    eegpu_status status = EEGPU_OK;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        if (w->items[i].product.spectrum.pending_count > 0)
            continue;
        status = name_cut(w->run, w->items[i].task, eg_product_record(w->run, w->items[i].task, 1, &w->items[i].product));
        if (status == EEGPU_INTERRUPTED) {
            atomic_store(&w->is_stopped, true);
            status = EEGPU_OK;
        }
    }
    return status;
}

static eegpu_status record_range(void *context, uint64_t first, uint64_t last, int worker)
{
    walk *w = context;
    double start = eg_seconds();
    (void)worker;
    eegpu_status status = record_items(w, first, last);
    add_busy(w->run, start);
    return status;
}

static eegpu_status solve_and_record(walk *w)
{
    char message[EG_MESSAGE_SIZE];
    eegpu_status status = EEGPU_OK, solved = solve_collected(w);
    eg_error_save(message);
    if (w->is_wide)
        EG_TRY(for_lanes(w->run, w->count, record_range, w));
    else
        EG_TRY(record_items(w, 0, w->count));
    eg_error_restore(message);
    status = solved;
    if (status == EEGPU_OK && atomic_load(&w->is_stopped))
        status = eg_progress_add(&w->run->progress, 0);
done:
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

/* What a wide walk has collected is reduced first. */
static eegpu_status flush(walk *w)
{
    char message[EG_MESSAGE_SIZE];
    eegpu_status status = EEGPU_OK;
    if (w->is_wide) {
        EG_TRY(w->run->device->backend->wait(w->lane)); /* it has made the products */
        EG_TRY(for_lanes(w->run, w->count, reduce_collected, w));
        EG_TRY(wait_for_lanes(w->run));
        EG_TRY(eg_progress_add(&w->run->progress, 0));
    }
    EG_TRY(solve_and_record(w));
done:
    if (status != EEGPU_OK && w->is_wide) { /* nothing may be freed that a lane still works on */
        eg_error_save(message);
        (void)!wait_for_lanes(w->run);
        eg_error_restore(message);
    }
    drop_collected(w);
    return status;
}

/* ---- Walking ---- */

static eegpu_status collect(walk *w, const eg_task *task, uint64_t bytes, size_t most, eg_product *product)
{
    w->bytes += bytes;
    w->items[w->count++] = (collected){task, *product};
    *product = (eg_product){0};
    return w->count == most || w->bytes > w->most_bytes ? flush(w) : EEGPU_OK;
}

static uint64_t largest_pending(const eg_spectrum *spectrum)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < spectrum->pending_count; i++)
        rows = spectrum->pending[i].gram.n > rows ? spectrum->pending[i].gram.n : rows;
    return rows;
}

static eegpu_status solve_one(eg_lane *lane, eg_product *product)
{
    double start = eg_seconds();
    eegpu_status status = eg_spectrum_solve(lane, &product->spectrum);
    product->seconds += eg_seconds() - start;
    return status;
}

/* Let a product wait until all trees are walked, if there is room for it. */
static bool postpone(side_by_side *all, const eg_task *task, eg_product *product)
{
    eg_run *run = all->run;
    uint64_t bytes = eg_spectrum_waiting_bytes(&product->spectrum);
    bool has_room = false;
    pthread_mutex_lock(&run->lock);
    if (all->count < MOST_POSTPONED && bytes <= run->room / 4) {
        run->room -= bytes;
        all->postponed[all->count++] = (collected){task, *product};
        *product = (eg_product){0};
        has_room = true;
    }
    pthread_mutex_unlock(&run->lock);
    return has_room;
}

/* A product that is reduced and does not join others. `all` is NULL when nothing runs beside. */
static eegpu_status finish_alone(const walk *w, side_by_side *all, const eg_task *task, uint64_t rows, eg_product *product)
{
    eg_run *run = w->run;
    bool is_large = task->representation == EG_AS_COLUMNS && rows >= ALL_THREADS_FROM_ROWS;
    eg_lane *lane = is_large ? run->whole_lane : w->lane;
    eegpu_status status = EEGPU_OK;
    if (all != NULL && is_large) {
        (void)postpone(all, task, product); /* without room for it the cut stays unfinished, and is done when the others are */
        return EEGPU_OK;
    }
    if (lane != w->lane)
        EG_TRY(run->device->backend->wait(w->lane)); /* it has made the matrices */
    EG_TRY(solve_one(lane, product));
    if (all != NULL && task->representation == EG_AS_COLUMNS && rows > COLLECT_TO_ROWS && postpone(all, task, product))
        return EEGPU_OK; /* its rank takes longer than its values, and any number of threads */
    EG_TRY(eg_product_record(run, task, lane->threads, product));
done:
    return status;
}

static eegpu_status finish(walk *w, side_by_side *all, const eg_task *task, eg_product *product)
{
    eegpu_status status = name_cut(w->run, task, eg_product_reduce(w->run, task, w->lane, product));
    uint64_t rows = largest_pending(&product->spectrum);
    if (status != EEGPU_OK)
        return status;
    if (all != NULL && rows > 0 && rows <= COLLECT_TO_ROWS)
        return collect(w, task, eg_spectrum_waiting_bytes(&product->spectrum), COLLECT_IN_LANE, product);
    return name_cut(w->run, task, finish_alone(w, all, task, rows, product));
}

static eegpu_status hand_over(walk *w, side_by_side *all, const eg_task *task, eg_product *product)
{
    eegpu_status status = EEGPU_OK;
    if (!w->run->finished[task->cut] && w->is_wide && !task->wide)
        return collect(w, task, eg_product_bytes(product), MOST_COLLECTED, product);
    if (!w->run->finished[task->cut])
        status = finish(w, all, task, product);
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

static eegpu_status visit(walk *w, side_by_side *all, size_t number, const eg_product *parent)
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
        EG_TRY(hand_over(w, all, task, &own));
    for (size_t child = number + 1; child < number + task->subtree; child += tasks[child].subtree)
        EG_TRY(visit(w, all, child, is_bulky ? NULL : &own));
    if (!is_bulky)
        EG_TRY(hand_over(w, all, task, &own));
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
        EG_TRY(visit(&w, NULL, tree->first, NULL));
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

/* What is unfinished for want of memory runs again, alone, when the others are done. */
static eegpu_status leave_for_later(eegpu_status status) { return status == EEGPU_OUT_OF_MEMORY ? EEGPU_OK : status; }

static eegpu_status walk_tree(side_by_side *all, const eg_tree *tree, walk *w)
{
    uint64_t bytes = all->run->plan->tasks[tree->first].bytes;
    reserve_room(all->run, bytes);
    eegpu_status status = visit(w, all, tree->first, NULL);
    return_room(all->run, bytes);
    return leave_for_later(status);
}

static eegpu_status walk_trees(void *context, uint64_t first, uint64_t last, int worker)
{
    side_by_side *all = context;
    const eg_plan *plan = all->run->plan;
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++)
        status = walk_tree(all, &plan->trees[plan->wide_count + i], &all->walks[worker]);
    add_busy(all->run, start);
    return status;
}

static eegpu_status flush_walks(void *context, uint64_t first, uint64_t last, int worker)
{
    side_by_side *all = context;
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++)
        status = all->walks[i].count > 0 ? leave_for_later(flush(&all->walks[i])) : EEGPU_OK;
    add_busy(all->run, start);
    return status;
}

static eegpu_status finish_postponed(eg_run *run, collected *item)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(solve_one(run->whole_lane, &item->product));
    EG_TRY(eg_product_record(run, item->task, run->whole_lane->threads, &item->product));
done:
    eg_product_free(run->whole_lane, &item->product);
    return leave_for_later(name_cut(run, item->task, status));
}

static eegpu_status begin_walks(eg_run *run, side_by_side **all)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof **all, "the walks through the cuts", all));
    (*all)->run = run;
    EG_TRY(eg_allocate_zero(NULL, (uint64_t)run->workers, sizeof *(*all)->walks, "the walks through the cuts", &(*all)->walks));
    run->room = eg_budget_free(run->budget);
    for (int i = 0; i < run->workers; i++) {
        uint64_t share = run->room / (8 * (uint64_t)run->workers);
        (*all)->walks[i].run = run;
        (*all)->walks[i].lane = run->lanes[i];
        (*all)->walks[i].most_bytes = share < most_bytes_in_lane ? share : most_bytes_in_lane;
    }
done:
    return status;
}

static void end_walks(eg_run *run, side_by_side *all)
{
    if (all == NULL)
        return;
    for (int i = 0; all->walks != NULL && i < run->workers; i++)
        drop_collected(&all->walks[i]);
    for (size_t i = 0; i < all->count; i++)
        eg_product_free(run->whole_lane, &all->postponed[i].product);
    eg_release(NULL, all->walks);
    eg_release(NULL, all);
}

/* Trees side by side, then what lanes have collected, then with all threads what was postponed. */
static eegpu_status walk_narrow(eg_run *run)
{
    side_by_side *all = NULL;
    eegpu_status status = EEGPU_OK;
    run->side_by_side = true;
    EG_TRY(begin_walks(run, &all));
    EG_TRY(for_lanes(run, run->plan->tree_count - run->plan->wide_count, walk_trees, all));
    EG_TRY(for_lanes(run, (uint64_t)run->workers, flush_walks, all));
    EG_TRY(wait_for_lanes(run));
    for (size_t i = 0; i < all->count; i++)
        EG_TRY(finish_postponed(run, &all->postponed[i]));
done:
    end_walks(run, all);
    run->side_by_side = false;
    return status;
}

eegpu_status eg_run_trees(eg_run *run)
{
    const eg_plan *plan = run->plan;
    walk w = {.run = run, .lane = run->lanes[0]};
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < plan->count; i++)
        if (run->finished[plan->tasks[i].cut])
            EG_TRY(eg_progress_add(&run->progress, plan->tasks[i].flops));
    EG_TRY(walk_wide(run));
    EG_TRY(walk_narrow(run));
    for (size_t t = plan->wide_count; t < plan->tree_count; t++)
        EG_TRY(visit(&w, NULL, plan->trees[t].first, NULL));
done:
    return status;
}
