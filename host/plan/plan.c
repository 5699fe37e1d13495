/* Makes the plan: route, form, panel, bytes and flops of every cut, the forest and its order. A tree so large that it outweighs its
 * share of all that is left is "wide": all threads work on it; the others go side by side with one thread each. On a device that
 * collects all trees are walked in order, and single matrices are wide. The choice depends on shapes, options, capacity and threads
 * only, so that the same call on the same device gives the same bits. Called by scan/ through plan.h. */
#include "plan/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/memory.h"

/* A rough rate, only for the seconds that --dry-run shows. */
static const double flops_per_second_and_thread = 2e10;

/* What handling one image of the function costs, in flops' worth of time: an amplitude, a bit. */
static const double amplitude_flops = 50, bit_flops = 2;

enum { MOST_ROWS = 15 }; /* log2 of the largest dense matrix whose spectrum is attempted */

const char *eg_route_name(eg_route route) { return route == EG_ROUTE_SVD ? "svd" : "gram"; }

static uint64_t element(const eg_shape *shape) { return shape->is_complex ? 16 : 8; }

static eg_route choose_route(const eegpu_scan_options *options)
{
    if (options->method != EEGPU_METHOD_AUTO)
        return options->method == EEGPU_METHOD_SVD ? EG_ROUTE_SVD : EG_ROUTE_GRAM;
    for (int i = 0; options->renyi_asked && i < options->renyi_count; i++)
        if (options->renyi[i] < 1)
            return EG_ROUTE_SVD;
    return EG_ROUTE_GRAM;
}

/* Columns gathered at a time: a power of two. */
static uint64_t choose_panel(const eg_capacity *capacity, uint64_t small, uint64_t large)
{
    uint64_t panel = capacity->panel_amplitudes / small;
    if (panel < 1024) /* or the pieces that are summed in one call (spectrum/gram.c) would be short */
        panel = 1024;
    return panel < large ? panel : large;
}

/* The solver's workspaces beside the matrix, an upper estimate: eigenvalues in two stages hold a band, singular values a copy of
 * the small square; the purity check of the latter needs another. */
static uint64_t workspace(const eg_capacity *capacity, eg_route route, uint64_t small, uint64_t large)
{
    uint64_t squares = (uint64_t)(capacity->solver_squares * (double)small * (double)small);
    if (route == EG_ROUTE_GRAM)
        return squares + 530 * small + 4096;
    uint64_t copies = (uint64_t)(capacity->svd_copies * (double)small * (double)large);
    uint64_t sides = large < 2 * small ? small + large : small; /* longer ones are made square first */
    return squares + copies + 2 * small * small + 70 * sides + 20 * small + 4096;
}

static double spectrum_flops(eg_route route, bool is_complex, double small, double large)
{
    double flops =
        route == EG_ROUTE_GRAM ? 4. / 3 * small * small * small : 4 * small * small * large + 8. / 3 * small * small * small;
    return (is_complex ? 4 : 1) * flops;
}

/* The sides of M, and the region that is its smaller one. */
static int set_sides(const eg_shape *shape, const struct eegpu_cuts *cuts, eg_task *task)
{
    int n_a = eg_cut_size(cuts, task->cut), n_small = n_a < shape->pixels - n_a ? n_a : shape->pixels - n_a;
    uint64_t mask = eg_cut_mask(cuts, task->cut)[0];
    task->region = n_small == n_a ? mask : ~mask & eg_low_mask(shape->pixels);
    task->small = UINT64_C(1) << n_small;
    task->large = UINT64_C(1) << (shape->pixels - n_small);
    return n_small;
}

/* Peak beside what is kept: the panel; then the search for parallel rows (its panel, and some words a row) and the merged matrix,
 * which is made when it is small (scan/product.c); then the solver. */
static uint64_t dense_bytes(const eg_shape *shape, const eg_capacity *capacity, const eg_task *task)
{
    uint64_t unit = element(shape), solver = unit * workspace(capacity, task->route, task->small, task->large) + 40 * task->small;
    if (task->route == EG_ROUTE_SVD)
        return solver;
    uint64_t panel = unit * task->small * task->panel * (shape->is_held ? 1 : 2), search = unit * task->small * task->large;
    search = (search < EG_SEARCH_PANEL_BYTES ? search : EG_SEARCH_PANEL_BYTES) + 64 * task->small + 4096;
    uint64_t side = task->small <= EG_MERGE_ALWAYS ? task->small : task->small / 2,
             merged = solver + 2 * unit * eg_matrix_room(side, side) + 32 * task->small; /* blocks wait together */
    uint64_t most = panel > search ? panel : search;
    return most > merged ? most : merged;
}

/* A device with less memory than the panel wants takes a narrower one. (On the CPU the panel is small, and the bits of a result are
 * not to depend on --memory.) */
static void narrow_panel(const eg_shape *shape, const eg_capacity *capacity, uint64_t room, eg_task *task)
{
    uint64_t copies = shape->is_held ? 1 : 2, column = element(shape) * task->small * copies;
    while (capacity->collects && task->panel > 1 && (task->kept > room || column * task->panel > room - task->kept))
        task->panel /= 2;
}

static eegpu_status plan_dense(const eg_shape *shape, const eg_capacity *capacity, const struct eegpu_cuts *cuts, uint64_t room,
                               eg_task *task)
{
    int n_small = set_sides(shape, cuts, task);
    if (n_small > MOST_ROWS)
        return eg_fail(
            EEGPU_OUT_OF_MEMORY,
            "a cut of %d | %d pixels has a matrix with 2^%d rows; dense spectra go up to 2^%d of them: use --max-size %d", n_small,
            shape->pixels - n_small, n_small, MOST_ROWS, MOST_ROWS);
    if (task->route == EG_ROUTE_SVD && task->large > INT32_MAX)
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "a cut of %d | %d pixels: singular values are taken of up to 2^31 columns; use --method gram", n_small,
                       shape->pixels - n_small);
    task->representation = EG_AS_DENSITY;
    task->panel = choose_panel(capacity, task->small, task->large);
    task->kept = element(shape) * eg_matrix_room(task->small, task->route == EG_ROUTE_GRAM ? task->small : task->large);
    narrow_panel(shape, capacity, room, task);
    task->bytes = dense_bytes(shape, capacity, task);
    return EEGPU_OK;
}

/* Distinct columns: about the function's own bits at most. What the reduced matrix takes is known only when it is there: these
 * bytes are what the cut needs at least. */
static void plan_columns(const eg_shape *shape, const struct eegpu_cuts *cuts, eg_task *task)
{
    set_sides(shape, cuts, task);
    task->representation = EG_AS_COLUMNS;
    task->panel = task->large;
    task->kept = (UINT64_C(1) << shape->pixels) / 8 + 4096;
    task->bytes = (UINT64_C(1) << 22) + 64 * task->small;
}

/* A set of images has at most as many rows and columns as images; what blocks it falls into is known only later. */
static void plan_sparse(const eg_shape *shape, const struct eegpu_cuts *cuts, eg_task *task)
{
    int n_a = eg_cut_size(cuts, task->cut), n_b = shape->pixels - n_a;
    double rows = exp2(n_a < 62 ? n_a : 62), columns = exp2(n_b < 62 ? n_b : 62);
    double images = (double)shape->images, small = rows < columns ? rows : columns, large = rows < columns ? columns : rows;
    task->representation = EG_AS_SPARSE;
    task->small = (uint64_t)(small < images ? small : images);
    task->large = (uint64_t)(large < images ? large : images);
    task->panel = task->large;
    task->bytes = 160 * shape->images; /* numbers of rows and columns, entries, spectrum */
    task->flops = 500 * images + 1e-3 * spectrum_flops(task->route, false, (double)task->small, (double)task->large);
}

/* Cost of a task whose parent is known. */
static double dense_flops(const eg_shape *shape, const eg_plan *plan, const eg_task *task)
{
    double small = (double)task->small, large = (double)task->large, making = amplitude_flops * small * large;
    double scale = shape->is_complex ? 4 : 1;
    if (task->representation == EG_AS_COLUMNS) /* structure is expected: the reduced matrix is small */
        return (task->parent < 0 ? bit_flops * small * large : bit_flops * small * large / 16) + 100 * small;
    if (task->route == EG_ROUTE_GRAM)
        making =
            task->parent < 0 ? making + scale * small * small * large : 4 * scale * small * (double)plan->tasks[task->parent].small;
    return making + spectrum_flops(task->route, shape->is_complex, small, large);
}

static int by_falling_size(const void *left, const void *right)
{
    const eg_task *a = left, *b = right;
    if (a->small != b->small)
        return a->small < b->small ? 1 : -1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

/* Descendants stand after their ancestors: backwards, every child is complete before its parent looks at it. */
static void add_up_bytes(eg_plan *plan)
{
    for (size_t i = plan->count; i-- > 0;) {
        eg_task *task = &plan->tasks[i];
        task->bytes += task->kept;
        for (size_t child = i + 1; child < i + task->subtree; child += plan->tasks[child].subtree) {
            uint64_t kept = task->representation == EG_AS_COLUMNS ? task->kept / EG_KEPT_PART : task->kept,
                     chain = kept + plan->tasks[child].bytes;
            if (chain > task->bytes)
                task->bytes = chain;
        }
    }
}

/* A device that collects makes all density matrices itself, in the order of the list. */
static void choose_wide(const eg_capacity *capacity, eg_plan *plan)
{
    double left = plan->flops;
    bool collects = capacity->collects && plan->count > 0 && plan->tasks[0].representation == EG_AS_DENSITY;
    for (size_t i = 0; collects && i < plan->count; i++)
        plan->tasks[i].wide = plan->tasks[i].flops >= capacity->wide_from_flops || plan->tasks[i].route == EG_ROUTE_SVD;
    if (collects) {
        plan->wide_count = plan->tree_count;
        return;
    }
    for (size_t t = 0; t < plan->tree_count; t++) {
        eg_tree *tree = &plan->trees[t];
        if (plan->threads == 1 || tree->flops < capacity->wide_from_flops || tree->flops * plan->threads < left)
            break;
        plan->wide_count = t + 1;
        left -= tree->flops;
        double in_tree = tree->flops;
        for (size_t i = tree->first; i < tree->first + plan->tasks[tree->first].subtree; i++) {
            eg_task *task = &plan->tasks[i];
            task->wide = i == tree->first || (task->flops >= capacity->wide_from_flops && task->flops * plan->threads >= in_tree);
            in_tree -= task->flops;
        }
    }
}

static uint64_t left_of(const eg_room *room) { return room->limit > room->used ? room->limit - room->used : 0; }

static eegpu_status too_little(const eg_room *room, int n_a, int n_b, uint64_t need)
{
    char need_text[24], used[24], left[24];
    eg_bytes_text(need, need_text);
    eg_bytes_text(room->used, used);
    eg_bytes_text(left_of(room), left);
    if (room->device != NULL)
        return eg_fail(
            EEGPU_OUT_OF_MEMORY,
            "the cut of %d | %d pixels needs %s on %s, where %s are in use and %s are left: leave the middle cuts out with "
            "--max-size, use fewer pixels, or --device cpu",
            n_a, n_b, need_text, room->device, used, left);
    return eg_fail(EEGPU_OUT_OF_MEMORY,
                   "the cut of %d | %d pixels needs %s beside the %s of the function, and %s of the memory limit are left: raise "
                   "--memory, leave the middle cuts out with --max-size, or use fewer pixels",
                   n_a, n_b, need_text, used, left);
}

static eegpu_status foresee_memory(const struct eegpu_cuts *cuts, const eg_room *room, eg_plan *plan)
{
    uint64_t alone = 0, together = 0, left = left_of(room);
    size_t heaviest = 0;
    for (size_t t = 0; t < plan->tree_count; t++) {
        const eg_task *root = &plan->tasks[plan->trees[t].first];
        if (root->bytes > alone) {
            alone = root->bytes;
            heaviest = root->cut;
        }
        if (t >= plan->wide_count && t < plan->wide_count + (size_t)plan->threads)
            together += root->bytes;
    }
    if (alone > left) {
        int n_a = eg_cut_size(cuts, heaviest);
        return too_little(room, n_a, cuts->pixels - n_a, alone);
    }
    plan->peak_bytes = room->used + (alone > together ? alone : together < left ? together : left);
    return EEGPU_OK;
}

static eegpu_status plan_tasks(const eg_shape *shape, const eg_capacity *capacity, uint64_t room, const struct eegpu_cuts *cuts,
                               const int64_t *same_as, const eegpu_scan_options *options, eg_plan *plan)
{
    for (size_t i = 0; i < cuts->count; i++) {
        if (same_as != NULL && same_as[i] >= 0)
            continue;
        eg_task *task = &plan->tasks[plan->count++];
        *task = (eg_task){.cut = i, .route = choose_route(options), .parent = -1};
        if (shape->is_sparse) {
            plan_sparse(shape, cuts, task);
        } else if (shape->is_bits && !options->no_reduce) {
            plan_columns(shape, cuts, task);
        } else {
            eegpu_status status = plan_dense(shape, capacity, cuts, room, task);
            if (status != EEGPU_OK)
                return status;
        }
    }
    return EEGPU_OK;
}

eegpu_status eg_plan_make(const eg_shape *shape, const eg_capacity *capacity, const struct eegpu_cuts *cuts, const int64_t *same_as,
                          const eegpu_scan_options *options, const eg_room *host, const eg_room *device, int threads, eg_plan *plan)
{
    eegpu_status status = EEGPU_OK;
    *plan = (eg_plan){.threads = threads};
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *plan->tasks, "the plan", &plan->tasks));
    EG_TRY(plan_tasks(shape, capacity, left_of(device), cuts, same_as, options, plan));
    qsort(plan->tasks, plan->count, sizeof *plan->tasks, by_falling_size);
    bool has_forest = !shape->is_sparse && !options->no_reduce && plan->count > 0 &&
                      (plan->tasks[0].route == EG_ROUTE_GRAM || plan->tasks[0].representation == EG_AS_COLUMNS);
    if (has_forest)
        EG_TRY(eg_forest_find_parents(plan->tasks, plan->count));
    for (size_t i = 0; i < plan->count; i++) {
        if (!shape->is_sparse)
            plan->tasks[i].flops = dense_flops(shape, plan, &plan->tasks[i]);
        plan->flops += plan->tasks[i].flops;
    }
    EG_TRY(eg_forest_order(plan));
    add_up_bytes(plan);
    choose_wide(capacity, plan);
    plan->seconds = plan->flops / (flops_per_second_and_thread * threads);
    bool on_device = plan->count > 0 && plan->tasks[0].representation == EG_AS_DENSITY;
    EG_TRY(foresee_memory(cuts, on_device ? device : host, plan));
done:
    if (status != EEGPU_OK)
        eg_plan_free(plan);
    return status;
}

void eg_plan_free(eg_plan *plan)
{
    eg_release(NULL, plan->tasks);
    eg_release(NULL, plan->trees);
    *plan = (eg_plan){0};
}
