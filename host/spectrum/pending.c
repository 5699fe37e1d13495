/* The Gram route: density matrices wait in a spectrum, and the device solves those of many spectra at once. Comes in: density
 * matrices on the device, taken over; goes out: eigenvalues as levels of their spectra, checked against trace and norm. Called by
 * scan/, merged.c, values.c and counts.c; sorts nothing.
 *
 * u = 2^-53. The eigensolver is backward stable: error <= p(n) u lambda_max with p(n) modest (LAPACK Users' Guide, 4.7); p(n) =
 * 2 (n + 8) is taken here. By Weyl every eigenvalue is off by at most the 2-norm of that and of the error of the Gram matrix
 * (gram.c). */
#include <math.h>
#include <string.h>

#include "backend/statistics.h"
#include "spectrum/spectrum.h"

static const double unit_roundoff = 0x1p-53;

/* Small matrices wait until they are this many bytes in all: enough to fill a device, little beside the function (an estimate, not
 * measured on a device yet). */
static const uint64_t most_waiting_bytes = UINT64_C(1) << 26;

static eegpu_status enlarge(eg_spectrum *spectrum)
{
    size_t capacity = spectrum->pending_capacity ? 2 * spectrum->pending_capacity : 4;
    eg_pending *larger = NULL;
    eegpu_status status = eg_allocate(NULL, capacity, sizeof *larger, "the blocks of a cut", &larger);
    if (status != EEGPU_OK)
        return status;
    if (spectrum->pending_count > 0)
        memcpy(larger, spectrum->pending, spectrum->pending_count * sizeof *larger);
    eg_release(NULL, spectrum->pending);
    spectrum->pending = larger;
    spectrum->pending_capacity = capacity;
    return EEGPU_OK;
}

eegpu_status eg_spectrum_add_gram(eg_lane *lane, eg_gram *gram, double norm_squared, eg_spectrum *spectrum)
{
    uint64_t bytes = gram->n * gram->n * (gram->is_complex ? 16 : 8);
    eg_pending next = {.gram = *gram, .norm_squared = norm_squared};
    eegpu_status status = EEGPU_OK;
    EG_TRY(lane->device->backend->invariants(lane, gram->is_complex, gram->n, gram->entries, &next.trace, &next.square));
    if (spectrum->pending_count == spectrum->pending_capacity)
        EG_TRY(enlarge(spectrum));
    spectrum->pending[spectrum->pending_count++] = next;
    spectrum->pending_bytes += bytes;
    gram->entries = NULL;
    if (spectrum->pending_count > 1 && spectrum->pending_bytes > most_waiting_bytes)
        EG_TRY(eg_spectrum_solve(lane, spectrum));
done:
    return status;
}

/* The values of one matrix as levels, after they have been checked against its trace and norm. */
static eegpu_status add_values(const eg_pending *solved, const double *values, eg_spectrum *spectrum)
{
    uint64_t n = solved->gram.n;
    double norm_squared = solved->norm_squared, sum = 0, sum_of_squares = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_spectrum_reserve(spectrum, n));
    for (uint64_t k = 0; k < n; k++) {
        sum += values[k];
        sum_of_squares += values[k] * values[k];
    }
    double trace = solved->trace / norm_squared, gram_error = eg_gram_error(&solved->gram) * trace;
    double solver = n == 1 ? 0 : 2 * ((double)n + 8) * unit_roundoff * (values[n - 1] / norm_squared);
    double off = gram_error + solver, sums = 4 * (double)n * unit_roundoff;
    double trace_room = (double)n * solver + sums * trace, purity = solved->square / norm_squared / norm_squared;
    double purity_room = 2 * solver * trace + (double)n * solver * solver + 2 * sums * purity;
    sum_of_squares = sum_of_squares / norm_squared / norm_squared;
    EG_TRY(eg_spectrum_check(fabs(sum / norm_squared - trace) <= trace_room, "the sum of the eigenvalues", sum / norm_squared,
                             trace, trace_room));
    EG_TRY(eg_spectrum_check(fabs(sum_of_squares - purity) <= purity_room, "the sum of their squares", sum_of_squares, purity,
                             purity_room));
    for (uint64_t k = 0; k < n; k++) {
        double p = values[k] / norm_squared;
        spectrum->levels[spectrum->count++] = (eg_level){p, off + 4 * unit_roundoff * fabs(p)};
    }
    /* In trace norm: sqrt(n) times the Frobenius norm for the Gram sum, n times the 2-norm for the solver. */
    spectrum->total_error += sqrt((double)n) * gram_error + (double)n * solver + 4 * unit_roundoff * trace;
done:
    return status;
}

/* One list of problems for all spectra, with their values one after another. */
typedef struct problem_list {
    eg_eigen_problem *problems;
    size_t *spectrum; /* of each problem */
    double *values;
    size_t count;
} problem_list;

static eegpu_status make_list(eg_spectrum *const *spectra, size_t count, bool alone, problem_list *list)
{
    eg_budget *budget = spectra[0]->budget;
    uint64_t numbers = 0, problems = 0;
    eegpu_status status = EEGPU_OK;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < spectra[s]->pending_count; i++, problems++)
            numbers += spectra[s]->pending[i].gram.n;
    EG_TRY(eg_allocate(budget, numbers, sizeof(double), "the eigenvalues", &list->values));
    for (uint64_t i = 0; i < numbers; i++)
        list->values[i] = NAN; /* not computed */
    EG_TRY(eg_allocate(NULL, problems, sizeof *list->problems, "the list of matrices to solve", &list->problems));
    EG_TRY(eg_allocate(NULL, problems, sizeof *list->spectrum, "the list of matrices to solve", &list->spectrum));
    numbers = 0;
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < spectra[s]->pending_count; i++) {
            const eg_gram *gram = &spectra[s]->pending[i].gram;
            list->spectrum[list->count] = s;
            list->problems[list->count++] =
                (eg_eigen_problem){gram->is_complex, alone && problems == 1, (int)gram->n, gram->entries, list->values + numbers};
            numbers += gram->n;
        }
    }
done:
    return status;
}

static void free_list(eg_budget *budget, problem_list *list)
{
    eg_release(budget, list->values);
    eg_release(NULL, list->problems);
    eg_release(NULL, list->spectrum);
}

/* The values of spectrum number s, whose problems begin at `first`, as levels. Its matrices are gone afterwards. */
static eegpu_status take_values(eg_lane *lane, const problem_list *list, size_t first, eg_spectrum *spectrum)
{
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < spectrum->pending_count && status == EEGPU_OK; i++)
        status = add_values(&spectrum->pending[i], list->problems[first + i].values, spectrum);
    if (status != EEGPU_OK)
        return status;
    for (size_t i = 0; i < spectrum->pending_count; i++)
        eg_gram_free(lane, &spectrum->pending[i].gram);
    spectrum->pending_count = spectrum->pending_bytes = 0;
    return EEGPU_OK;
}

static bool has_values(const problem_list *list, size_t first, size_t count)
{
    for (size_t p = first; p < first + count; p++)
        if (isnan(list->problems[p].values[list->problems[p].n - 1]))
            return false;
    return true;
}

/* After a failure, what was solved before it is kept all the same: those spectra wait for nothing any more. */
static eegpu_status take_all(eg_lane *lane, const problem_list *list, eg_spectrum *const *spectra, size_t count,
                             eegpu_status solved, size_t *failed)
{
    char message[EG_MESSAGE_SIZE];
    size_t first = 0, culprit = *failed;
    eg_error_save(message);
    for (size_t s = 0, problems = 0; s < count; s++, first += problems) {
        problems = spectra[s]->pending_count;
        if (solved != EEGPU_OK && (s == culprit || !has_values(list, first, problems)))
            continue;
        eegpu_status status = take_values(lane, list, first, spectra[s]);
        if (status == EEGPU_OK || solved != EEGPU_OK)
            continue;
        solved = status;
        *failed = culprit = s;
        eg_error_save(message);
    }
    if (solved != EEGPU_OK)
        eg_error_restore(message);
    return solved;
}

static eegpu_status solve(eg_lane *lane, eg_spectrum *const *spectra, size_t count, bool alone, size_t *failed)
{
    problem_list list = {0};
    eg_stage_mark mark = eg_stage_begin(lane->device);
    eegpu_status status = EEGPU_OK;
    *failed = 0;
    EG_TRY(make_list(spectra, count, alone, &list));
    if (list.count == 0)
        goto done;
    status = lane->device->backend->eigenvalues(lane, list.problems, list.count, failed);
    *failed = list.spectrum[*failed];
    status = take_all(lane, &list, spectra, count, status, failed);
done:
    free_list(spectra[0]->budget, &list);
    eg_stage_end(lane->device, EG_STAGE_EIGENVALUES, mark);
    return status;
}

eegpu_status eg_spectra_solve(eg_lane *lane, eg_spectrum *const *spectra, size_t count, size_t *failed)
{
    return count == 0 ? EEGPU_OK : solve(lane, spectra, count, false, failed);
}

eegpu_status eg_spectrum_solve(eg_lane *lane, eg_spectrum *spectrum)
{
    size_t failed;
    return solve(lane, &spectrum, 1, true, &failed);
}
