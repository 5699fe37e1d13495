/* Solves for the spectrum and says how wrong it can be.
 *
 * u = 2^-53. The eigensolver is backward stable: error <= p(n) u lambda_max with p(n) modest (LAPACK Users' Guide, 4.7); p(n) =
 * 2 (n + 8) is taken here. By Weyl every eigenvalue is off by at most the 2-norm of that and of the error of the Gram matrix
 * (gram.c). SVD route: sigma is off by at most d = p u sigma_max with p = 4 (n + 8) + K/2: the long side K enters through the sums of
 * the first QR step (up to 0.12 K u was measured); and p_k = sigma_k^2 by 2 sigma_k d + d^2. */
#include "spectrum/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double unit_roundoff = 0x1p-53;

void eg_spectrum_begin(eg_budget *budget, eg_spectrum *spectrum) { *spectrum = (eg_spectrum){.budget = budget}; }

void eg_spectrum_free(eg_spectrum *spectrum)
{
    eg_release(spectrum->budget, spectrum->levels);
    *spectrum = (eg_spectrum){.budget = spectrum->budget};
}

eegpu_status eg_spectrum_reserve(eg_spectrum *spectrum, uint64_t more)
{
    if (spectrum->count + more <= spectrum->capacity)
        return EEGPU_OK;
    uint64_t capacity = spectrum->count + more > 2 * spectrum->capacity ? spectrum->count + more : 2 * spectrum->capacity;
    eg_level *levels = NULL;
    eegpu_status status = eg_allocate(spectrum->budget, capacity, sizeof *levels, "the spectrum", &levels);
    if (status != EEGPU_OK)
        return status;
    if (spectrum->count)
        memcpy(levels, spectrum->levels, spectrum->count * sizeof *levels);
    eg_release(spectrum->budget, spectrum->levels);
    spectrum->levels = levels;
    spectrum->capacity = capacity;
    return EEGPU_OK;
}

eegpu_status eg_spectrum_add_level(eg_spectrum *spectrum, double p, double error)
{
    eegpu_status status = eg_spectrum_reserve(spectrum, 1);
    if (status != EEGPU_OK)
        return status;
    spectrum->levels[spectrum->count++] = (eg_level){p, error};
    spectrum->total_error += error;
    return EEGPU_OK;
}

eegpu_status eg_spectrum_check(bool good, const char *what, double found, double expected, double tolerance)
{
    if (good)
        return EEGPU_OK;
    return eg_fail(
        EEGPU_NUMERICS,
        "a spectrum failed its check: %s is %.17g and should be %.17g within %.2g; no number is given for this cut (a faulty "
        "BLAS? see `eegpu info`, try the other --method)",
        what, found, expected, tolerance);
}

/* ---- Gram route ---- */

eegpu_status eg_spectrum_add_gram(const eg_backend *backend, eg_gram *gram, double norm_squared, eg_spectrum *spectrum)
{
    uint64_t n = gram->n;
    double *values = NULL, trace = 0, square = 0, sum = 0, sum_of_squares = 0;
    eegpu_status status = EEGPU_OK;
    eg_gram_invariants(gram, &trace, &square);
    EG_TRY(eg_spectrum_reserve(spectrum, n));
    EG_TRY(eg_allocate(spectrum->budget, n, sizeof *values, "the eigenvalues", &values));
    EG_TRY(backend->eigenvalues(spectrum->budget, gram->is_complex, (int)n, gram->entries, values));
    for (uint64_t k = 0; k < n; k++) {
        sum += values[k];
        sum_of_squares += values[k] * values[k];
    }
    trace /= norm_squared;
    double solver = n == 1 ? 0 : 2 * ((double)n + 8) * unit_roundoff * (values[n - 1] / norm_squared);
    double off = eg_gram_error(gram) * trace + solver, sums = 4 * (double)n * unit_roundoff;
    double trace_room = (double)n * solver + sums * trace, purity = square / norm_squared / norm_squared;
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
    spectrum->total_error += sqrt((double)n) * eg_gram_error(gram) * trace + (double)n * solver + 4 * unit_roundoff * trace;
done:
    eg_release(spectrum->budget, values);
    return status;
}

/* ---- SVD route ---- */

static eegpu_status add_svd(const eg_backend *backend, const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    uint64_t n = block->rows;
    double *values = NULL, trace = 0, square = 0, sum = 0, sum_of_squares = 0, total = 0;
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_spectrum_reserve(spectrum, n));
    EG_TRY(eg_allocate(spectrum->budget, n, sizeof *values, "the singular values", &values));
    EG_TRY(eg_gram_of_block(backend, block, spectrum->budget, &gram)); /* for the purity check alone */
    eg_gram_invariants(&gram, &trace, &square);
    eg_gram_free(&gram);
    EG_TRY(backend->singular_values(spectrum->budget, block->is_complex, (int)n, (int)block->columns, block->entries, values));
    double off = (4 * ((double)n + 8) + (double)block->columns / 2) * unit_roundoff * (values[0] / sqrt(norm_squared));
    for (uint64_t k = 0; k < n; k++) {
        double sigma = values[k] / sqrt(norm_squared), p = sigma * sigma,
               error = 2 * sigma * off + off * off + 6 * unit_roundoff * p;
        spectrum->levels[spectrum->count++] = (eg_level){p, error};
        total += error;
        sum += p;
        sum_of_squares += p * p;
    }
    trace /= norm_squared;
    double room = total + (4 * (double)n * unit_roundoff + eg_gram_error(&gram)) * trace;
    double purity = square / norm_squared / norm_squared, purity_room = 2 * room * trace + room * room;
    EG_TRY(eg_spectrum_check(fabs(sum - trace) <= room, "the sum of squared singular values", sum, trace, room));
    EG_TRY(eg_spectrum_check(fabs(sum_of_squares - purity) <= purity_room, "the sum of their squares", sum_of_squares, purity,
                             purity_room));
    spectrum->total_error += total;
done:
    eg_gram_free(&gram);
    eg_release(spectrum->budget, values);
    return status;
}

eegpu_status eg_spectrum_add_state(const eg_backend *backend, const eegpu_state *state, const eg_matrix_layout *layout,
                                   const eg_task *task, int threads, eg_spectrum *spectrum)
{
    eg_block whole = {state->is_complex, state->kind == EG_BITS, task->small, task->large, NULL};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(spectrum->budget, eg_matrix_room(task->small, task->large), state->is_complex ? 16 : 8,
                       "the matrix of a cut", &whole.entries));
    EG_TRY(backend->gather(state, layout, 0, task->large, whole.entries, threads));
    EG_TRY(add_svd(backend, &whole, state->scaled_norm_squared, spectrum));
done:
    eg_release(spectrum->budget, whole.entries);
    return status;
}

/* ---- Blocks ---- */

/* A matrix with one row has one singular value, its length. */
static eegpu_status add_single_row(const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    double sum = 0, m = (double)block->columns;
    for (uint64_t i = 0; i < block->columns * (block->is_complex ? 2 : 1); i++)
        sum += block->entries[i] * block->entries[i];
    double p = sum / norm_squared;
    return eg_spectrum_add_level(spectrum, p, p * (block->exact ? 2 : 2 * m + 4) * unit_roundoff);
}

eegpu_status eg_spectrum_add_block(const eg_backend *backend, eg_route route, const eg_block *block, double norm_squared,
                                   eg_spectrum *spectrum)
{
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    if (block->rows == 1)
        return add_single_row(block, norm_squared, spectrum);
    if (route == EG_ROUTE_SVD)
        return add_svd(backend, block, norm_squared, spectrum);
    EG_TRY(eg_gram_of_block(backend, block, spectrum->budget, &gram));
    EG_TRY(eg_spectrum_add_gram(backend, &gram, norm_squared, spectrum));
done:
    eg_gram_free(&gram);
    return status;
}

/* ---- The end ---- */

static int descending(const void *left, const void *right)
{
    double a = ((const eg_level *)left)->p, b = ((const eg_level *)right)->p;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Rounding of a zero may be negative: the exact value lies in [0, p + error]. Returns the largest error of what may be a zero. */
static double clip(eg_spectrum *spectrum, double *sum, double *sum_of_squares, double *errors)
{
    double zero_error = 0;
    *sum = *sum_of_squares = *errors = 0;
    for (uint64_t k = 0; k < spectrum->count; k++) {
        eg_level *level = &spectrum->levels[k];
        *sum += level->p;
        *sum_of_squares += level->p * level->p;
        if (level->p < 0) {
            level->error = fmax(level->error, -level->p);
            level->p = 0;
        }
        *errors += level->error;
        if (level->p <= level->error && level->error > zero_error)
            zero_error = level->error;
    }
    return zero_error;
}

eegpu_status eg_spectrum_finish(eg_spectrum *spectrum, uint64_t ones)
{
    double sum, sum_of_squares, errors, zero_error = clip(spectrum, &sum, &sum_of_squares, &errors);
    eegpu_status status = EEGPU_OK;
    if (errors < spectrum->total_error)
        spectrum->total_error = errors;
    double room = spectrum->total_error + 4 * (double)spectrum->count * unit_roundoff;
    EG_TRY(eg_spectrum_check(fabs(sum - 1) <= room, "the sum of the spectrum", sum, 1, room));
    if (spectrum->has_counts) {
        double purity = (double)spectrum->purity / (double)ones / (double)ones;
        EG_TRY(eg_spectrum_check(spectrum->trace == ones, "the trace of the integer Gram matrices", (double)spectrum->trace,
                                 (double)ones, 0));
        EG_TRY(eg_spectrum_check(fabs(sum_of_squares - purity) <= 2 * room, "the sum of squares of the spectrum", sum_of_squares,
                                 purity, 2 * room));
    }
    qsort(spectrum->levels, spectrum->count, sizeof *spectrum->levels, descending);
    for (spectrum->rank = 0; spectrum->rank < spectrum->count; spectrum->rank++)
        if (spectrum->levels[spectrum->rank].p <= spectrum->levels[spectrum->rank].error)
            break;
    spectrum->rank_tolerance = zero_error > 0 ? zero_error : spectrum->count ? spectrum->levels[spectrum->count - 1].error : 0;
    if (spectrum->rank_exact)
        spectrum->rank = spectrum->proved_rank;
done:
    return status;
}
