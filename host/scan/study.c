/* The order of a study: scan, law, range, parameters, topological term, theory. Called by `eegpu law`. */
#include "scan/study.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "state/functions.h"

/* ---- Range ---- */

typedef struct range_work {
    const eegpu_state *state;
    const struct eegpu_cuts *cuts;
    const eegpu_record *records; /* NULL: of a scan that did not look for blocks */
    eg_range *ranges;
    eg_progress *progress;
} range_work;

static eegpu_status measure_ranges(void *context, uint64_t first, uint64_t last, int worker)
{
    range_work *work = context;
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last; i++) {
        const eegpu_record *record = work->records != NULL ? &work->records[i] : NULL;
        EG_TRY(eg_range_of_cut(work->state, eg_cut_mask(work->cuts, i), record, work->progress, &work->ranges[i]));
        EG_TRY(eg_progress_add(work->progress, 1));
    }
done:
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "the range of a cut");
}

/* Cuts side by side, as many of the largest as there is room for. */
static int range_threads(const range_work *work, const eegpu_scan_options *options)
{
    int threads = options->threads > 0 ? options->threads : eg_processor_count();
    double largest = 1;
    if (work->state->kind == EG_IMAGES)
        return threads;
    for (size_t i = 0; i < work->cuts->count; i++) {
        double bytes = eg_range_bytes(work->state->pixels, eg_cut_size(work->cuts, i), work->records != NULL);
        largest = bytes > largest ? bytes : largest;
    }
    double room = (double)eg_budget_free(work->state->budget) / largest;
    return room >= threads ? threads : room >= 1 ? (int)room : 1;
}

static eegpu_status study_ranges(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                                 eg_study *study)
{
    eg_progress progress = {0};
    range_work work = {state, cuts, options->no_reduce ? NULL : study->result->records, NULL, &progress};
    int threads = range_threads(&work, options);
    eegpu_status status = eg_allocate_zero(NULL, cuts->count, sizeof *study->ranges, "the ranges of the cuts", &study->ranges);
    if (status != EEGPU_OK)
        return status;
    study->range_count = cuts->count;
    work.ranges = study->ranges;
    eg_progress_begin(&progress, options->progress, options->progress_user, "range", (double)cuts->count);
    status = eg_parallel_for(threads, cuts->count, 1, measure_ranges, &work);
    eg_progress_end(&progress);
    return status;
}

/* ---- Further scans ---- */

/* Do Gram eigenvalues say which parts of 1e-16 may be dropped? Only where the least p is certainly larger. */
static bool is_settled(const eegpu_record *record)
{
    const double least_part = 1e-16;
    return record->spectrum_count > 0 && record->spectrum[record->spectrum_count - 1] > 2 * record->rank_tolerance + 4 * least_part;
}

/* The cuts that are not settled, and which they are. */
static eegpu_status find_unsettled(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t *which, size_t *count,
                                   eegpu_cuts **rest)
{
    eegpu_status status = EEGPU_OK;
    *count = 0;
    for (size_t i = 0; i < cuts->count; i++) {
        if (is_settled(&records[i]))
            continue;
        EG_TRY(eg_cuts_add(cuts->height, cuts->width, eg_cut_mask(cuts, i), rest));
        which[(*count)++] = i;
    }
done:
    return status;
}

/* Singular values see 1e-16 of the sum of p, and take far longer than Gram eigenvalues, which are enough for most random
 * functions. */
static eegpu_status study_parameters(const eegpu_state *state, const eegpu_scan_options *options, eg_study *study)
{
    eegpu_scan_options precise = *options;
    eegpu_cuts *cuts = NULL, *rest = NULL;
    eegpu_result *result = NULL, *again = NULL;
    size_t *which = NULL, count = 0;
    eegpu_status status = EEGPU_OK;
    if (state->pixels < 2)
        return EEGPU_OK;
    precise.method = EEGPU_METHOD_GRAM;
    precise.keep_spectra = true;
    precise.journal = NULL;
    EG_TRY(eg_parameters_cuts(state->height, state->width, &cuts));
    EG_TRY(eegpu_scan(state, cuts, &precise, &result));
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *which, "the cuts whose ranks need singular values", &which));
    EG_TRY(find_unsettled(cuts, result->records, which, &count, &rest));
    if (count > 0) {
        precise.method = EEGPU_METHOD_SVD;
        EG_TRY(eegpu_scan(state, rest, &precise, &again));
    }
    for (size_t k = 0; k < count; k++)
        result->records[which[k]] = again->records[k]; /* the spectra stay theirs */
    EG_TRY(eg_parameters_of_records(cuts, result->records, &study->parameters));
done:
    eegpu_result_free(result);
    eegpu_result_free(again);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(rest);
    eg_release(NULL, which);
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "the parameters needed");
}

static eegpu_status study_topology(const eegpu_state *state, const eegpu_scan_options *options, eg_study *study)
{
    eegpu_scan_options own = *options;
    eegpu_cuts *cuts = NULL;
    eegpu_result *result = NULL;
    eegpu_status status = EEGPU_OK;
    own.journal = NULL;
    EG_TRY(eg_topology_plan(state->height, state->width, &study->topology, &cuts));
    if (cuts == NULL)
        goto done;
    EG_TRY(eegpu_scan(state, cuts, &own, &result));
    eg_topology_evaluate(result->records, &study->topology);
done:
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "the topological term");
}

/* Of a built-in network; one with weights of a file does not say here how many channels and layers they have. */
static eg_theory_network network_of(const eegpu_state *state)
{
    const eg_parameter *channels = &eg_function_cnn.parameters[0], *layers = channels + 1;
    eg_source_text source;
    eg_theory_network network = {atoi(channels->fallback), atoi(layers->fallback)};
    if (eg_source_split(state->source, &source) != EEGPU_OK || strcmp(source.name, eg_function_cnn.name) != 0)
        return (eg_theory_network){0};
    for (int i = 0; i < source.count; i++) {
        if (strcmp(source.key[i], "weights") == 0)
            return (eg_theory_network){0};
        if (strcmp(source.key[i], channels->name) == 0)
            network.channels = atoi(source.value[i]);
        if (strcmp(source.key[i], layers->name) == 0)
            network.layers = atoi(source.value[i]);
    }
    return network;
}

static eegpu_status study_theory(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                                 eg_study *study)
{
    eegpu_scan_options own = *options;
    eegpu_cuts *helpers = NULL;
    eegpu_result *result = NULL;
    eegpu_status status = EEGPU_OK;
    own.journal = NULL;
    EG_TRY(eg_theory_cuts(cuts, &helpers));
    EG_TRY(eegpu_scan(state, helpers, &own, &result));
    eg_theory_check_all(cuts, study->result->records, result->records, study->ranges, network_of(state), &study->theory);
done:
    eegpu_result_free(result);
    eegpu_cuts_free(helpers);
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "checking the theory");
}

static eegpu_status add_scan(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                             double *seconds)
{
    eg_plan plan = {0};
    eegpu_status status = eg_scan_plan(state, cuts, options, &plan);
    *seconds += plan.seconds;
    eg_plan_free(&plan);
    return status;
}

/* The cuts of the topological term and of the checks of the theory. */
static eegpu_status add_helpers(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                                int parts, double *seconds)
{
    eg_topology topology = {0};
    eegpu_cuts *windows = NULL, *helpers = NULL;
    eegpu_status status = EEGPU_OK;
    if (parts & EG_STUDY_TOPOLOGY)
        EG_TRY(eg_topology_plan(state->height, state->width, &topology, &windows));
    if (windows != NULL)
        EG_TRY(add_scan(state, windows, options, seconds));
    if (parts & EG_STUDY_THEORY) {
        EG_TRY(eg_theory_cuts(cuts, &helpers));
        EG_TRY(add_scan(state, helpers, options, seconds));
    }
done:
    eg_topology_free(&topology);
    eegpu_cuts_free(windows);
    eegpu_cuts_free(helpers);
    return status;
}

eegpu_status eg_study_foresee(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, int parts,
                              double *seconds)
{
    const double bits_per_second = 8e9; /* of a pass over a 0/1 function, on one thread */
    eegpu_scan_options precise = *options;
    eegpu_cuts *own = NULL;
    eegpu_status status = EEGPU_OK;
    *seconds = 0;
    EG_TRY(add_scan(state, cuts, options, seconds));
    if ((parts & (EG_STUDY_RANGE | EG_STUDY_THEORY)) && state->kind == EG_BITS) {
        const eegpu_record reduced = {0};
        range_work work = {state, cuts, options->no_reduce ? NULL : &reduced, NULL,
                           NULL}; /* only whether there are records counts */
        *seconds += 2 * (double)cuts->count * (double)state->size / bits_per_second / range_threads(&work, options);
    }
    precise.method = EEGPU_METHOD_GRAM; /* at least */
    if ((parts & EG_STUDY_PARAMETERS) && state->pixels >= 2) {
        EG_TRY(eg_parameters_cuts(state->height, state->width, &own));
        EG_TRY(add_scan(state, own, &precise, seconds));
    }
    EG_TRY(add_helpers(state, cuts, options, parts, seconds));
done:
    eegpu_cuts_free(own);
    return status;
}

static eegpu_status refuse_repeated(const struct eegpu_cuts *cuts)
{
    size_t first = 0, second = 0;
    eegpu_status status = eg_cuts_find_repeated(cuts, &first, &second);
    if (status == EEGPU_OK && second > 0)
        return eg_fail(EEGPU_USAGE,
                       "fitting a law: cut %zu and cut %zu are the same region, which would count twice; give every region once",
                       first, second);
    return status;
}

/* On how many images the function is not 0; 0: not counted. */
static uint64_t images_of(const eegpu_state *state)
{
    return state->kind == EG_BITS ? state->ones : state->kind == EG_IMAGES ? state->images.count : 0;
}

eegpu_status eg_study_function(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                               int parts, eg_study *study)
{
    eegpu_status status = EEGPU_OK;
    *study = (eg_study){.result = NULL};
    EG_TRY(refuse_repeated(cuts));
    EG_TRY(eegpu_scan(state, cuts, options, &study->result));
    EG_TRY(eg_law_of_records(cuts, study->result->records, study->result->count, images_of(state), &study->law));
    if ((parts & (EG_STUDY_RANGE | EG_STUDY_THEORY)) && eg_range_is_defined(state))
        EG_TRY(study_ranges(state, cuts, options, study));
    if (parts & EG_STUDY_PARAMETERS)
        EG_TRY(study_parameters(state, options, study));
    if (parts & EG_STUDY_TOPOLOGY)
        EG_TRY(study_topology(state, options, study));
    if (parts & EG_STUDY_THEORY)
        EG_TRY(study_theory(state, cuts, options, study));
done:
    return status;
}

eegpu_status eg_study_of_result(const struct eegpu_cuts *cuts, eegpu_result *result, uint64_t images, eg_study *study)
{
    *study = (eg_study){.result = result};
    return eg_law_of_records(cuts, result->records, result->count, images, &study->law);
}

void eg_study_free(eg_study *study)
{
    for (size_t i = 0; i < study->range_count; i++)
        eg_range_free(&study->ranges[i]);
    eg_release(NULL, study->ranges);
    eg_parameters_free(&study->parameters);
    eg_topology_free(&study->topology);
    eg_law_free(&study->law);
    eegpu_result_free(study->result);
    *study = (eg_study){.result = NULL};
}
