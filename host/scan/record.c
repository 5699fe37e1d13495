/* The record of a cut. Comes in: its solved spectrum and its product's time; goes out: the spectrum's end, entropies and rank in
 * the result, a line of the journal, and a step of progress for the caller's function. Called by tree.c, from several threads at
 * once; it solves nothing itself, and writes no table. */
#include <math.h>
#include <stdlib.h>

#include "measure/entropy.h"
#include "scan/run.h"

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

static void fill_entropies(const eg_run *run, const eg_spectrum *spectrum, eegpu_record *record)
{
    eg_measured entropy = eg_entropy_von_neumann(spectrum);
    double ones = (double)run->state->ones;
    record->s_vn = entropy.value;
    record->error = entropy.error;
    for (int i = 0; i < run->options->renyi_count; i++) {
        entropy = eg_entropy_renyi(spectrum, run->options->renyi[i]);
        record->renyi[i] = entropy.value;
        record->renyi_error[i] = entropy.error;
    }
    record->rank = spectrum->rank;
    record->rank_exact = spectrum->rank_exact;
    record->rank_doubt = spectrum->rank_exact ? spectrum->rank_doubt : NAN;
    record->rank_tolerance = spectrum->rank_tolerance;
    record->p_max = spectrum->levels[0].p;
    record->purity = spectrum->has_counts ? (double)spectrum->purity / ones / ones : eg_purity(spectrum);
}

eegpu_status eg_product_record(eg_run *run, const eg_task *task, int threads, eg_product *product)
{
    eegpu_record *record = &run->result->records[task->cut];
    double start = eg_seconds();
    eg_stage_mark mark = eg_stage_begin(run->device);
    eegpu_status status = eg_spectrum_find_rank(&product->spectrum, run->state->ones, threads, !run->side_by_side);
    eg_stage_end(run->device, EG_STAGE_REDUCE, mark);
    mark = eg_stage_begin(run->device);
    EG_TRY(status);
    EG_TRY(eg_spectrum_finish(&product->spectrum, run->state->ones));
    fill_entropies(run, &product->spectrum, record);
    record->method = eg_route_name(task->route);
    if (run->options->keep_spectra)
        EG_TRY(keep_spectrum(&product->spectrum, run->result, record));
    record->seconds = product->seconds + eg_seconds() - start;
    EG_TRY(eg_journal_add(&run->journal, run->options->renyi_count, record));
    run->finished[task->cut] = true;
    EG_TRY(eg_progress_add(&run->progress, task->flops));
done:
    eg_stage_end(run->device, EG_STAGE_RECORD, mark);
    return status;
}
