/* A scan from its plan to its records: symmetries, plan, journal, trees, and the cuts whose spectra are those of others. Comes
 * in: a state, cuts, options and an open device; goes out: a result, or the plan alone for --dry-run. Called by result.c, cli/
 * and the sweeps; the order inside a tree is tree.c's. */
#include "scan/scan.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "reduce/symmetry.h"
#include "scan/run.h"

/* The number of threads of a BLAS belongs to the process: scans take turns. */
static pthread_mutex_t one_scan = PTHREAD_MUTEX_INITIALIZER;

static int scan_threads(const eegpu_scan_options *options)
{
    return options->threads > 0 ? options->threads : eg_processor_count();
}

/* ---- Which cuts are computed ---- */

/* same_as[i]: the first cut with the spectrum of cut i, by a symmetry of the function or as its complement; -1: none before it. */
static eegpu_status find_equivalent(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                                    int64_t *same_as, bool *turned)
{
    eg_symmetry_group group;
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < cuts->count; i++) {
        same_as[i] = -1;
        turned[i] = false;
    }
    if (options->no_reduce || cuts->count < 2)
        return EEGPU_OK;
    EG_TRY(eg_find_symmetries(state, scan_threads(options), &group));
    EG_TRY(eg_cuts_orbits(cuts, &group, same_as, turned));
done:
    return status;
}

static eg_shape shape_of(const eegpu_state *state, const eg_device *device)
{
    return (eg_shape){.pixels = state->pixels,
                      .is_complex = state->is_complex,
                      .is_sparse = state->kind == EG_IMAGES,
                      .is_bits = state->kind == EG_BITS,
                      .is_held = device->is_held,
                      .images = state->images.count};
}

static eg_room room_of(eg_budget *budget, const char *device)
{
    return (eg_room){device, budget->limit, atomic_load(&budget->used)};
}

static int count_workers(const eg_device *device, const eegpu_scan_options *options)
{
    int threads = scan_threads(options);
    return device->most_lanes > 0 && device->most_lanes < threads ? device->most_lanes : threads;
}

static eegpu_status make_plan(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                              const eg_device *device, int64_t *same_as, bool *turned, eg_plan *plan)
{
    eg_shape shape = shape_of(state, device);
    bool is_host = device->budget == state->budget;
    eg_room host = room_of(state->budget, NULL), own = is_host ? host : room_of(device->budget, device->name);
    if (cuts->height != state->height || cuts->width != state->width)
        return eg_fail(EEGPU_USAGE, "the cuts are of a %dx%d lattice and the function of a %dx%d one", cuts->height, cuts->width,
                       state->height, state->width);
    eg_stage_mark mark = eg_stage_begin(device);
    eegpu_status status = find_equivalent(state, cuts, options, same_as, turned);
    eg_stage_end(device, EG_STAGE_SYMMETRIES, mark);
    if (status != EEGPU_OK)
        return status;
    mark = eg_stage_begin(device);
    status = eg_plan_make(&shape, &device->capacity, cuts, same_as, options, &host, &own, count_workers(device, options), plan);
    eg_stage_end(device, EG_STAGE_PLAN, mark);
    return status;
}

eegpu_status eg_scan_plan(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, eg_plan *plan)
{
    int64_t *same_as = NULL;
    bool *turned = NULL;
    eg_device *device = NULL;
    eegpu_status status = EEGPU_OK;
    *plan = (eg_plan){0};
    EG_TRY(eg_device_open(eg_scan_device(state, options), &device));
    EG_TRY(device->backend->load(device, state, scan_threads(options)));
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *same_as, "the plan", &same_as));
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *turned, "the plan", &turned));
    EG_TRY(make_plan(state, cuts, options, device, same_as, turned, plan));
done:
    eg_device_close(device);
    eg_release(NULL, same_as);
    eg_release(NULL, turned);
    return status;
}

/* ---- Records ---- */

static eegpu_status begin_result(const struct eegpu_cuts *cuts, const eg_device *device, eegpu_result **result)
{
    eegpu_result *new = calloc(1, sizeof *new);
    if (new != NULL) {
        new->count = cuts->count;
        new->records = calloc(cuts->count, sizeof *new->records);
        new->spectra = calloc(cuts->count, sizeof *new->spectra);
    }
    if (new == NULL || new->records == NULL || new->spectra == NULL) {
        eegpu_result_free(new);
        return eg_fail(EEGPU_OUT_OF_MEMORY, "the records of %zu cuts: no memory; scan fewer cuts with --max-size", cuts->count);
    }
    snprintf(new->device, sizeof new->device, "%s", device->name);
    for (size_t i = 0; i < cuts->count; i++) {
        eegpu_record *record = &new->records[i];
        record->cut = i;
        record->n_a = eg_cut_size(cuts, i);
        record->n_b = cuts->pixels - record->n_a;
        record->same_as = -1;
        record->device = new->device;
        eg_cut_geometry(cuts, i, &record->boundary, &record->bonds);
    }
    *result = new;
    return EEGPU_OK;
}

/* A record with the numbers of an equivalent cut. Geometry is its own; rows and columns change places when the sides have. */
static void copy_record(const eegpu_record *from, bool is_turned, eegpu_record *to)
{
    eegpu_record own = *to;
    *to = *from;
    to->cut = own.cut;
    to->n_a = own.n_a;
    to->n_b = own.n_b;
    to->boundary = own.boundary;
    to->bonds = own.bonds;
    to->same_as = (int64_t)from->cut;
    to->seconds = 0;
    if (is_turned) {
        to->rows = from->cols;
        to->cols = from->rows;
        to->reduced_rows = from->reduced_cols;
        to->reduced_cols = from->reduced_rows;
    }
}

/* ---- The scan ---- */

static size_t count_finished(const eg_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->plan->count; i++)
        count += run->finished[run->plan->tasks[i].cut];
    return count;
}

static eegpu_status open_lanes(eg_run *run)
{
    const eg_backend *backend = run->device->backend;
    int threads = scan_threads(run->options), workers = count_workers(run->device, run->options);
    eegpu_status status = EEGPU_OK;
    EG_TRY(backend->open_lane(run->device, threads, &run->whole_lane));
    EG_TRY(eg_allocate_zero(NULL, (uint64_t)workers, sizeof *run->lanes, "the lines of work", &run->lanes));
    for (; run->workers < workers; run->workers++)
        EG_TRY(backend->open_lane(run->device, threads > workers ? threads / workers : 1, &run->lanes[run->workers]));
done:
    return status;
}

static void close_lanes(eg_run *run)
{
    for (int i = 0; i < run->workers; i++)
        run->device->backend->close_lane(run->lanes[i]);
    run->device->backend->close_lane(run->whole_lane);
    eg_release(NULL, run->lanes);
}

static eegpu_status run_plan(eg_run *run)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(NULL, run->cuts->count, sizeof *run->finished, "the list of finished cuts", &run->finished));
    EG_TRY(eg_journal_open(run->state, run->cuts, run->options, run->device, run->result, run->finished, &run->journal));
    if (run->state->kind == EG_BITS)
        eg_columns_of_state(run->state, &run->one, &run->whole);
    eg_progress_begin(&run->progress, run->options->progress, run->options->progress_user, "scanning cuts", run->plan->flops);
    status = eg_run_trees(run);
    eg_progress_end(&run->progress);
    if (status == EEGPU_INTERRUPTED && run->journal.stream != NULL)
        status =
            eg_fail(status, "stopped on request; %zu of %zu cuts are in the journal '%s', and the same command goes on from there",
                    count_finished(run), run->plan->count, run->journal.path);
done:
    eg_journal_close(&run->journal);
    eg_release(NULL, run->finished);
    return status;
}

/* The plan is made when the function is on the device: what is left of its memory is known then. */
static eegpu_status plan_and_run(eg_run *run, int64_t *same_as, bool *turned)
{
    eg_plan plan = {0};
    eg_stage_mark mark;
    eegpu_status status = EEGPU_OK;
    EG_TRY(run->device->backend->load(run->device, run->state, scan_threads(run->options)));
    EG_TRY(make_plan(run->state, run->cuts, run->options, run->device, same_as, turned, &plan));
    run->plan = &plan;
    run->budget = plan.count > 0 && plan.tasks[0].representation != EG_AS_DENSITY ? run->state->budget : run->device->budget;
    EG_TRY(begin_result(run->cuts, run->device, &run->result));
    mark = eg_stage_begin(run->device);
    status = open_lanes(run);
    eg_stage_end(run->device, EG_STAGE_LANES, mark);
    EG_TRY(status);
    EG_TRY(run_plan(run));
    for (size_t i = 0; i < run->cuts->count; i++)
        if (same_as[i] >= 0)
            copy_record(&run->result->records[same_as[i]], turned[i], &run->result->records[i]);
done:
    close_lanes(run);
    eg_plan_free(&plan);
    return status;
}

eegpu_status eg_scan_on(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                        eg_device *device, eegpu_result **result)
{
    eg_run run = {.state = state,
                  .cuts = cuts,
                  .options = options,
                  .device = device,
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .changed = PTHREAD_COND_INITIALIZER};
    int64_t *same_as = NULL;
    bool *turned = NULL;
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    *result = NULL;
    pthread_mutex_lock(&one_scan);
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *same_as, "the list of equivalent cuts", &same_as));
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *turned, "the list of equivalent cuts", &turned));
    EG_TRY(plan_and_run(&run, same_as, turned));
done:
    pthread_mutex_unlock(&one_scan);
    eg_release(NULL, same_as);
    eg_release(NULL, turned);
    if (device->statistics != NULL) {
        device->statistics->wall = eg_seconds() - start;
        device->statistics->threads += device->statistics->wall;
    }
    if (status == EEGPU_OK) {
        run.result->peak_bytes = atomic_load(&state->budget->peak);
        *result = run.result;
    } else {
        eegpu_result_free(run.result);
    }
    return status;
}
