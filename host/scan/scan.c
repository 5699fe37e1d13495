/* The order of the stages. For every cut: layout and gather (dense) or numbering, merging, blocks (image sets), spectrum, entropies,
 * record. Wide cuts one after another with threaded BLAS, the rest side by side; which is which says the plan, so that
 * the numbers do not depend on who was ready first. */
#include "scan/scan.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"
#include "measure/entropy.h"
#include "reduce/sparse.h"
#include "scan/journal.h"
#include "scan/layout.h"
#include "spectrum/spectrum.h"

/* The number of threads of a BLAS belongs to the process: scans take turns. */
static pthread_mutex_t one_scan = PTHREAD_MUTEX_INITIALIZER;

typedef struct scan_run {
    const eegpu_state *state;
    const struct eegpu_cuts *cuts;
    const eegpu_scan_options *options;
    const eg_backend *backend;
    const eg_plan *plan;
    eegpu_result *result;
    bool *finished; /* of each cut: its record is there */
    eg_progress progress;
    eg_journal journal;
    pthread_mutex_t lock; /* of `room` and `running` */
    pthread_cond_t changed;
    uint64_t room; /* bytes that no running task has reserved */
    int running;
} scan_run;

void eg_layout_of_cut(const eegpu_state *state, const uint64_t *mask, bool swap, eg_matrix_layout *layout)
{
    layout->row_bits = layout->column_bits = 0;
    for (int pixel = state->pixels - 1; pixel >= 0; pixel--) { /* highest pixel first: it is bit 0 of its side */
        bool in_rows = (mask[pixel / 64] >> (pixel % 64) & 1) != swap;
        if (in_rows)
            layout->row_bit[layout->row_bits++] = state->bit_of_pixel[pixel];
        else
            layout->column_bit[layout->column_bits++] = state->bit_of_pixel[pixel];
    }
}

/* ---- One cut ---- */

static eegpu_status dense_cut(scan_run *run, const eg_task *task, int threads, eegpu_record *record, eg_spectrum *spectrum)
{
    eg_matrix_layout layout;
    eg_layout_of_cut(run->state, eg_cut_mask(run->cuts, task->cut), record->n_a > record->n_b, &layout);
    record->rows = exp2(record->n_a);
    record->cols = exp2(record->n_b);
    record->reduced_rows = record->n_a > record->n_b ? task->large : task->small;
    record->reduced_cols = record->n_a > record->n_b ? task->small : task->large;
    record->blocks = 1;
    return eg_spectrum_of_state(run->backend, run->state, &layout, task, threads, spectrum);
}

/* Block b of a split matrix as a dense one with no more rows than columns. */
static eegpu_status fill_block(const eg_sparse_matrix *matrix, const eg_sparse_blocks *blocks, uint64_t b, eg_block *block)
{
    bool flip = blocks->rows[b] > blocks->columns[b];
    const uint32_t *row = flip ? matrix->column : matrix->row, *column = flip ? matrix->row : matrix->column;
    *block = (eg_block){
        .exact = true, .rows = flip ? blocks->columns[b] : blocks->rows[b], .columns = flip ? blocks->rows[b] : blocks->columns[b]};
    eegpu_status status = eg_allocate_zero(matrix->budget, block->rows * block->columns, sizeof *block->entries,
                                           "a block of the matrix of a cut", &block->entries);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t k = blocks->start[b]; k < blocks->start[b + 1]; k++) {
        double entry = sqrt((double)matrix->square[k]);
        block->entries[column[k] * block->rows + row[k]] = entry;
        block->exact = block->exact && entry == floor(entry);
    }
    return EEGPU_OK;
}

static eegpu_status solve_blocks(scan_run *run, eg_route route, const eg_sparse_matrix *matrix, const eg_sparse_blocks *blocks,
                                 eg_spectrum *spectrum)
{
    double norm_squared = 0;
    for (uint64_t k = 0; k < matrix->entries; k++)
        norm_squared += (double)matrix->square[k];
    for (uint64_t b = 0; b < blocks->count; b++) {
        eg_block block;
        eegpu_status status = fill_block(matrix, blocks, b, &block);
        if (status != EEGPU_OK)
            return status;
        status = eg_spectrum_add_block(run->backend, route, &block, norm_squared, spectrum);
        eg_release(matrix->budget, block.entries);
        if (status != EEGPU_OK)
            return status;
    }
    return EEGPU_OK;
}

static eegpu_status sparse_cut(scan_run *run, const eg_task *task, eegpu_record *record, eg_spectrum *spectrum)
{
    eg_sparse_matrix matrix = {0};
    eg_sparse_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_sparse_of_cut(run->state, eg_cut_mask(run->cuts, task->cut), &matrix));
    record->rows = (double)matrix.rows;
    record->cols = (double)matrix.columns;
    if (!run->options->no_reduce) {
        EG_TRY(eg_sparse_merge(&matrix));
        EG_TRY(eg_sparse_split(&matrix, &blocks));
    } else {
        EG_TRY(eg_sparse_whole(&matrix, &blocks));
    }
    record->reduced_rows = matrix.rows;
    record->reduced_cols = matrix.columns;
    record->blocks = blocks.count;
    EG_TRY(solve_blocks(run, task->route, &matrix, &blocks, spectrum));
done:
    eg_sparse_blocks_free(&blocks);
    eg_sparse_free(&matrix);
    return status;
}

static eegpu_status keep_spectrum(const eg_spectrum *spectrum, eegpu_result *result, eegpu_record *record)
{
    double *values = malloc((spectrum->count ? spectrum->count : 1) * sizeof *values);
    if (values == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "keeping the spectrum of a cut: no memory for %llu numbers",
                       (unsigned long long)spectrum->count);
    for (uint64_t k = 0; k < spectrum->count; k++)
        values[k] = spectrum->levels[k].p;
    record->spectrum = result->spectra[record->cut] = values;
    record->spectrum_count = spectrum->count;
    return EEGPU_OK;
}

static void fill_entropies(const eegpu_scan_options *options, const eg_spectrum *spectrum, eegpu_record *record)
{
    eg_measured entropy = eg_entropy_von_neumann(spectrum);
    record->s_vn = entropy.value;
    record->error = entropy.error;
    for (int i = 0; i < options->renyi_count; i++) {
        entropy = eg_entropy_renyi(spectrum, options->renyi[i]);
        record->renyi[i] = entropy.value;
        record->renyi_error[i] = entropy.error;
    }
    record->rank = spectrum->rank;
    record->rank_exact = spectrum->rank_exact;
    record->rank_tolerance = spectrum->rank_tolerance;
    record->p_max = spectrum->levels[0].p;
    record->purity = eg_purity(spectrum);
}

static eegpu_status run_task(scan_run *run, const eg_task *task, int threads)
{
    eegpu_record *record = &run->result->records[task->cut];
    double start = eg_seconds();
    eg_spectrum spectrum;
    eegpu_status status = EEGPU_OK;
    eg_spectrum_begin(run->state->budget, &spectrum);
    if (run->state->kind == EG_IMAGES)
        EG_TRY(sparse_cut(run, task, record, &spectrum));
    else
        EG_TRY(dense_cut(run, task, threads, record, &spectrum));
    EG_TRY(eg_spectrum_finish(&spectrum));
    fill_entropies(run->options, &spectrum, record);
    record->method = task->route == EG_ROUTE_SVD ? "svd" : "gram";
    record->device = run->backend->name;
    if (run->options->keep_spectra)
        EG_TRY(keep_spectrum(&spectrum, run->result, record));
    record->seconds = eg_seconds() - start;
    EG_TRY(eg_journal_add(&run->journal, run->options->renyi_count, record));
    run->finished[task->cut] = true;
    EG_TRY(eg_progress_add(&run->progress, task->flops));
done:
    eg_spectrum_free(&spectrum);
    if (status != EEGPU_OK && status != EEGPU_INTERRUPTED)
        status = eg_fail_while(status, "cut %zu (%d | %d pixels)", task->cut, record->n_a, record->n_b);
    return status;
}

/* ---- All cuts ---- */

/* Wait until the task's bytes are free, or until nobody else runs: then the budget itself decides. */
static void reserve_room(scan_run *run, uint64_t bytes)
{
    pthread_mutex_lock(&run->lock);
    while (run->running > 0 && bytes > run->room)
        pthread_cond_wait(&run->changed, &run->lock);
    run->running++;
    run->room -= bytes < run->room ? bytes : run->room;
    pthread_mutex_unlock(&run->lock);
}

static void return_room(scan_run *run, uint64_t bytes)
{
    pthread_mutex_lock(&run->lock);
    run->running--;
    run->room = run->running == 0 ? eg_budget_free(run->state->budget) : run->room + bytes;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static eegpu_status run_side_by_side(void *context, uint64_t first, uint64_t last, int worker)
{
    scan_run *run = context;
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        const eg_task *task = &run->plan->tasks[run->plan->wide_count + i];
        if (run->finished[task->cut])
            continue;
        reserve_room(run, task->bytes);
        status = run_task(run, task, 1);
        return_room(run, task->bytes);
        if (status == EEGPU_OUT_OF_MEMORY)
            status = EEGPU_OK; /* it runs again, alone, when the others are done */
    }
    return status;
}

static eegpu_status run_tasks(scan_run *run)
{
    const eg_plan *plan = run->plan;
    eegpu_status status = EEGPU_OK;
    uint64_t narrow = plan->count - plan->wide_count;
    for (size_t i = 0; i < plan->count; i++)
        if (run->finished[plan->tasks[i].cut])
            EG_TRY(eg_progress_add(&run->progress, plan->tasks[i].flops));
    run->backend->set_threads(plan->threads);
    for (size_t i = 0; i < plan->wide_count; i++)
        if (!run->finished[plan->tasks[i].cut])
            EG_TRY(run_task(run, &plan->tasks[i], plan->threads));
    run->backend->set_threads(1);
    run->room = eg_budget_free(run->state->budget);
    uint64_t grain = narrow / (64 * (uint64_t)plan->threads) + 1;
    EG_TRY(eg_parallel_for(plan->threads, narrow, grain > 64 ? 64 : grain, run_side_by_side, run));
    for (size_t i = plan->wide_count; i < plan->count; i++)
        if (!run->finished[plan->tasks[i].cut])
            EG_TRY(run_task(run, &plan->tasks[i], 1));
done:
    return status;
}

static eg_shape shape_of(const eegpu_state *state)
{
    eg_shape shape = {.pixels = state->pixels,
                      .is_complex = state->is_complex,
                      .is_sparse = state->kind == EG_IMAGES,
                      .images = state->images.count,
                      .resident = atomic_load(&state->budget->used)};
    return shape;
}

static int scan_threads(const eegpu_scan_options *options)
{
    return options->threads > 0 ? options->threads : eg_processor_count();
}

eegpu_status eg_scan_plan(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, eg_plan *plan)
{
    eg_shape shape = shape_of(state);
    if (cuts->height != state->height || cuts->width != state->width)
        return eg_fail(EEGPU_USAGE, "the cuts are of a %dx%d lattice and the function of a %dx%d one", cuts->height, cuts->width,
                       state->height, state->width);
    return eg_plan_make(&shape, cuts, options, state->budget->limit, scan_threads(options), plan);
}

static eegpu_status begin_result(const struct eegpu_cuts *cuts, const eg_backend *backend, eegpu_result **result)
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
    snprintf(new->device, sizeof new->device, "%s", backend->name);
    for (size_t i = 0; i < cuts->count; i++) {
        eegpu_record *record = &new->records[i];
        record->cut = i;
        record->n_a = eg_cut_size(cuts, i);
        record->n_b = cuts->pixels - record->n_a;
        record->same_as = -1;
        record->device = backend->name;
        eg_cut_geometry(cuts, i, &record->boundary, &record->bonds);
    }
    *result = new;
    return EEGPU_OK;
}

eegpu_status eg_scan_on(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                        const eg_backend *backend, eegpu_result **result)
{
    scan_run run = {.state = state,
                    .cuts = cuts,
                    .options = options,
                    .backend = backend,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER};
    eg_plan plan = {0};
    double start = eg_seconds();
    eegpu_status status = EEGPU_OK;
    *result = NULL;
    pthread_mutex_lock(&one_scan);
    EG_TRY(eg_scan_plan(state, cuts, options, &plan));
    run.plan = &plan;
    EG_TRY(begin_result(cuts, backend, &run.result));
    EG_TRY(eg_allocate_zero(NULL, cuts->count, sizeof *run.finished, "the list of finished cuts", &run.finished));
    EG_TRY(eg_journal_open(state, cuts, options, backend, run.result, run.finished, &run.journal));
    eg_progress_begin(&run.progress, options->progress, options->progress_user, "scanning cuts", plan.flops);
    status = run_tasks(&run);
    eg_progress_end(&run.progress);
done:
    pthread_mutex_unlock(&one_scan);
    eg_journal_close(&run.journal);
    eg_plan_free(&plan);
    eg_release(NULL, run.finished);
    if (status == EEGPU_OK) {
        run.result->seconds = eg_seconds() - start;
        run.result->peak_bytes = atomic_load(&state->budget->peak);
        *result = run.result;
    } else {
        eegpu_result_free(run.result);
    }
    return status;
}
