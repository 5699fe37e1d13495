/* Makes the plan: route, panel, bytes and flops of every cut, and the order. Cuts so large that one of them outweighs its share of
 * all that is left are "wide": they run alone, with threaded BLAS. The others run side by side with one thread each. The choice depends
 * on shapes and options only, so that the same call gives the same bits. */
#include "plan/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/memory.h"

/* Doubles in a gathered panel: 32 MiB keeps the permutation at full speed and costs little memory. */
static const uint64_t panel_doubles = UINT64_C(1) << 22;

/* A rough rate, only for the seconds that --dry-run shows. */
static const double flops_per_second_and_thread = 2e10;

/* Smallest cost for which threaded BLAS pays at all (measured: about n = 256). */
static const double wide_from_flops = 5e7;

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
static uint64_t choose_panel(uint64_t small, uint64_t large)
{
    uint64_t panel = panel_doubles / small;
    if (panel < 256)
        panel = 256;
    return panel < large ? panel : large;
}

/* LAPACK's workspaces beside the matrix, an upper estimate: eigenvalues in two stages hold a band, singular values a copy of the small
 * square. */
static uint64_t workspace(eg_route route, uint64_t small, uint64_t large)
{
    return route == EG_ROUTE_GRAM ? 520 * small + 4096 : 2 * small * small + 70 * (small + large) + 4096;
}

static double task_flops(eg_route route, bool is_complex, double small, double large)
{
    double flops = route == EG_ROUTE_GRAM ? small * small * large + 4. / 3 * small * small * small
                                          : 4 * small * small * large + 8. / 3 * small * small * small;
    return (is_complex ? 4 : 1) * flops + 50 * small * large; /* the last: gathering, in flops' worth of time */
}

static eegpu_status plan_dense(const eg_shape *shape, int n_a, eg_task *task)
{
    int n_small = n_a < shape->pixels - n_a ? n_a : shape->pixels - n_a;
    if (n_small > 15)
        return eg_fail(
            EEGPU_OUT_OF_MEMORY,
            "a cut of %d | %d pixels has a matrix with 2^%d rows; dense spectra go up to 2^15 of them: use --max-size 15", n_a,
            shape->pixels - n_a, n_small);
    task->small = UINT64_C(1) << n_small;
    task->large = UINT64_C(1) << (shape->pixels - n_small);
    task->panel = choose_panel(task->small, task->large);
    uint64_t kept = task->route == EG_ROUTE_GRAM ? task->small * (task->small + task->panel) : task->small * task->large;
    task->bytes = element(shape) * (kept + workspace(task->route, task->small, task->large)) + 16 * task->small;
    return EEGPU_OK;
}

/* A set of images has at most as many rows and columns as images; what blocks it falls into is known only later. */
static void plan_sparse(const eg_shape *shape, int n_a, eg_task *task)
{
    double rows = exp2(n_a < 62 ? n_a : 62), columns = exp2(shape->pixels - n_a < 62 ? shape->pixels - n_a : 62);
    double images = (double)shape->images, small = rows < columns ? rows : columns, large = rows < columns ? columns : rows;
    task->small = (uint64_t)(small < images ? small : images);
    task->large = (uint64_t)(large < images ? large : images);
    task->panel = task->large;
    task->bytes = 160 * shape->images; /* numbers of rows and columns, entries, spectrum; blocks are counted when they are known */
}

static int compare_tasks(const void *left, const void *right)
{
    const eg_task *a = left, *b = right;
    if (a->flops != b->flops)
        return a->flops < b->flops ? 1 : -1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

static void choose_wide(eg_plan *plan)
{
    double left = plan->flops;
    for (size_t i = 0; i < plan->count; i++) {
        eg_task *task = &plan->tasks[i];
        if (plan->threads == 1 || task->flops < wide_from_flops || task->flops * plan->threads < left)
            break;
        task->wide = true;
        plan->wide_count = i + 1;
        left -= task->flops;
    }
}

static eegpu_status foresee_memory(const eg_shape *shape, const struct eegpu_cuts *cuts, uint64_t budget, eg_plan *plan)
{
    uint64_t alone = 0, together = 0;
    size_t heaviest = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tasks[i].bytes > alone) {
            alone = plan->tasks[i].bytes;
            heaviest = i;
        }
        if (i >= plan->wide_count && i < plan->wide_count + (size_t)plan->threads)
            together += plan->tasks[i].bytes;
    }
    uint64_t room = budget > shape->resident ? budget - shape->resident : 0;
    if (alone > room) {
        char need[24], have[24], held[24];
        int n_a = eg_cut_size(cuts, plan->tasks[heaviest].cut);
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "the cut of %d | %d pixels needs %s beside the %s of the function, and %s of the memory limit are left: "
                       "raise --memory, "
                       "leave the middle cuts out with --max-size, or use fewer pixels",
                       n_a, shape->pixels - n_a, eg_bytes_text(alone, need), eg_bytes_text(shape->resident, held),
                       eg_bytes_text(room, have));
    }
    plan->peak_bytes = shape->resident + (alone > together ? alone : together < room ? together : room);
    return EEGPU_OK;
}

eegpu_status eg_plan_make(const eg_shape *shape, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, uint64_t budget,
                          int threads, eg_plan *plan)
{
    eegpu_status status = EEGPU_OK;
    memset(plan, 0, sizeof *plan);
    plan->threads = threads;
    plan->count = cuts->count;
    EG_TRY(eg_allocate_zero(NULL, cuts->count, sizeof *plan->tasks, "the plan", &plan->tasks));
    for (size_t i = 0; i < cuts->count; i++) {
        eg_task *task = &plan->tasks[i];
        int n_a = eg_cut_size(cuts, i);
        task->cut = i;
        task->route = choose_route(options);
        if (shape->is_sparse)
            plan_sparse(shape, n_a, task);
        else
            EG_TRY(plan_dense(shape, n_a, task));
        task->flops = task_flops(task->route, shape->is_complex, (double)task->small, (double)task->large);
        plan->flops += task->flops;
    }
    qsort(plan->tasks, plan->count, sizeof *plan->tasks, compare_tasks);
    choose_wide(plan);
    plan->seconds = plan->flops / (flops_per_second_and_thread * threads);
    EG_TRY(foresee_memory(shape, cuts, budget, plan));
done:
    if (status != EEGPU_OK)
        eg_plan_free(plan);
    return status;
}

void eg_plan_free(eg_plan *plan)
{
    eg_release(NULL, plan->tasks);
    plan->tasks = NULL;
    plan->count = 0;
}
