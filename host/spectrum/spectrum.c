/* Solves for the spectrum and says how wrong it can be.
 *
 * u = 2^-53. Gram route: G = M M^H is summed from pieces of w columns, so each entry is a sum of w products in any order inside a
 * piece and of K/w pieces: |dG| <= gamma(w + K/w) |M||M^H| entrywise (Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1), and || |M||M^H| ||_F <= ||M||_F^2 = trace. Integer sums below 2^53 are exact. The eigensolver is backward
 * stable: error <= p(n) u lambda_max with p(n) modest (LAPACK Users' Guide, 4.7); p(n) = 2 (n + 8) is taken here. By Weyl every
 * eigenvalue is off by at most the 2-norm of the sum of both. SVD route: sigma is off by at most p(n) u sigma_max, p likewise
 * 4 (n + 8), and p_k = sigma_k^2 by 2 sigma_k d + d^2. */
#include "spectrum/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

static const double unit_roundoff = 0x1p-53;

void eg_spectrum_begin(eg_budget *budget, eg_spectrum *spectrum) { *spectrum = (eg_spectrum){.budget = budget}; }

void eg_spectrum_free(eg_spectrum *spectrum)
{
    eg_release(spectrum->budget, spectrum->levels);
    *spectrum = (eg_spectrum){.budget = spectrum->budget};
}

static eegpu_status reserve(eg_spectrum *spectrum, uint64_t more)
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

/* ---- Gram route ---- */

/* Columns summed in one call: the error of a sum of K terms in pieces of w grows as w + K/w. */
static uint64_t piece(uint64_t columns) { return columns > (1 << 16) ? 1024 : 256; }

/* gamma(m) = m u / (1 - m u), for complex sums of 2m real products with a factor sqrt 2 of the two parts. */
static double gram_error(const eg_block *shape)
{
    if (shape->exact)
        return 0;
    double w = (double)piece(shape->columns), m = w + ceil((double)shape->columns / w);
    m *= shape->is_complex ? 3 : 1;
    return m * unit_roundoff / (1 - m * unit_roundoff);
}

static eegpu_status accumulate(const eg_backend *backend, const eg_block *panel, uint64_t total_columns, bool first, double *gram)
{
    uint64_t step = piece(total_columns), unit = panel->is_complex ? 2 : 1;
    eegpu_status status = EEGPU_OK;
    for (uint64_t column = 0; column < panel->columns && status == EEGPU_OK; column += step) {
        uint64_t count = panel->columns - column < step ? panel->columns - column : step;
        status = backend->gram(panel->is_complex, (int)panel->rows, (int)count, panel->entries + unit * panel->rows * column,
                               first && column == 0 ? 0 : 1, gram);
    }
    return status;
}

/* Trace and squared Frobenius norm of a Hermitian matrix of which the lower triangle is there. */
static void trace_and_purity(bool is_complex, uint64_t n, const double *gram, double *trace, double *square)
{
    uint64_t unit = is_complex ? 2 : 1;
    *trace = *square = 0;
    for (uint64_t j = 0; j < n; j++) {
        const double *column = gram + unit * n * j;
        double diagonal = column[unit * j], below = 0;
        for (uint64_t i = unit * (j + 1); i < unit * n; i++)
            below += column[i] * column[i];
        *trace += diagonal;
        *square += diagonal * diagonal + 2 * below;
    }
}

static eegpu_status check(bool good, const char *what, double found, double expected, double tolerance)
{
    if (good)
        return EEGPU_OK;
    return eg_fail(
        EEGPU_NUMERICS,
        "a spectrum failed its check: %s is %.17g and should be %.17g within %.2g; no number is given for this cut (a faulty "
        "BLAS? see `eegpu info`, try --method svd)",
        what, found, expected, tolerance);
}

/* Eigenvalues of the Gram matrix to levels, with both checks of the solver. `gram` is destroyed. */
static eegpu_status solve_gram(const eg_backend *backend, const eg_block *shape, double *gram, double norm_squared,
                               eg_spectrum *spectrum)
{
    uint64_t n = shape->rows;
    double *values = NULL, trace = 0, square = 0, sum = 0, sum_of_squares = 0;
    eegpu_status status = EEGPU_OK;
    trace_and_purity(shape->is_complex, n, gram, &trace, &square);
    EG_TRY(reserve(spectrum, n));
    EG_TRY(eg_allocate(spectrum->budget, n, sizeof *values, "the eigenvalues", &values));
    EG_TRY(backend->eigenvalues(spectrum->budget, shape->is_complex, (int)n, gram, values));
    for (uint64_t k = 0; k < n; k++) {
        sum += values[k];
        sum_of_squares += values[k] * values[k];
    }
    double solver = n == 1 ? 0 : 2 * ((double)n + 8) * unit_roundoff * (values[n - 1] / norm_squared);
    double off = gram_error(shape) * (trace / norm_squared) + solver, sums = 4 * (double)n * unit_roundoff;
    double trace_room = (double)n * solver + sums * trace / norm_squared;
    double purity = square / norm_squared / norm_squared;
    double purity_room = 2 * solver * (trace / norm_squared) + (double)n * solver * solver + 2 * sums * purity;
    EG_TRY(check(fabs(sum - trace) / norm_squared <= trace_room, "the sum of the eigenvalues", sum / norm_squared,
                 trace / norm_squared, trace_room));
    EG_TRY(check(fabs(sum_of_squares / norm_squared / norm_squared - purity) <= purity_room, "the sum of their squares",
                 sum_of_squares / norm_squared / norm_squared, purity, purity_room));
    for (uint64_t k = 0; k < n; k++) {
        double p = values[k] / norm_squared;
        spectrum->levels[spectrum->count++] = (eg_level){p, off + 4 * unit_roundoff * fabs(p)};
    }
    /* In trace norm: sqrt(n) times the Frobenius norm for the Gram sum, n times the 2-norm for the solver. */
    spectrum->total_error += sqrt((double)n) * gram_error(shape) * (trace / norm_squared) + (double)n * solver +
                             4 * unit_roundoff * (trace / norm_squared);
done:
    eg_release(spectrum->budget, values);
    return status;
}

/* ---- SVD route ---- */

static eegpu_status solve_svd(const eg_backend *backend, const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    uint64_t n = block->rows;
    double *values = NULL, *gram = NULL, trace = 0, square = 0, sum = 0, sum_of_squares = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(reserve(spectrum, n));
    EG_TRY(eg_allocate(spectrum->budget, n, sizeof *values, "the singular values", &values));
    EG_TRY(eg_allocate(spectrum->budget, n * n, block->is_complex ? 16 : 8, "the Gram matrix of the purity check", &gram));
    EG_TRY(accumulate(backend, block, block->columns, true, gram));
    trace_and_purity(block->is_complex, n, gram, &trace, &square);
    EG_TRY(backend->singular_values(spectrum->budget, block->is_complex, (int)n, (int)block->columns, block->entries, values));
    double off = 4 * ((double)n + 8) * unit_roundoff * (values[0] / sqrt(norm_squared)), total = 0;
    for (uint64_t k = 0; k < n; k++) {
        double sigma = values[k] / sqrt(norm_squared), p = sigma * sigma,
               error = 2 * sigma * off + off * off + 6 * unit_roundoff * p;
        spectrum->levels[spectrum->count++] = (eg_level){p, error};
        total += error;
        sum += p;
        sum_of_squares += p * p;
    }
    double room = total + (4 * (double)n * unit_roundoff + gram_error(block)) * (trace / norm_squared);
    double purity = square / norm_squared / norm_squared, purity_room = 2 * room * (trace / norm_squared) + room * room;
    EG_TRY(check(fabs(sum - trace / norm_squared) <= room, "the sum of squared singular values", sum, trace / norm_squared, room));
    EG_TRY(check(fabs(sum_of_squares - purity) <= purity_room, "the sum of their squares", sum_of_squares, purity, purity_room));
    spectrum->total_error += total;
done:
    eg_release(spectrum->budget, gram);
    eg_release(spectrum->budget, values);
    return status;
}

/* ---- Entry points ---- */

static eegpu_status state_by_gram(const eg_backend *backend, const eegpu_state *state, const eg_matrix_layout *layout,
                                  const eg_task *task, int threads, double norm_squared, eg_spectrum *spectrum)
{
    bool is_complex = state->is_complex;
    eg_block shape = {is_complex, state->kind == EG_BITS, task->small, task->large, NULL};
    eg_block panel = {is_complex, shape.exact, task->small, task->panel, NULL};
    double *gram = NULL;
    eegpu_status status = EEGPU_OK;
    uint64_t unit = is_complex ? 16 : 8;
    EG_TRY(eg_allocate(spectrum->budget, task->small * task->panel, unit, "a panel of the matrix of a cut", &panel.entries));
    EG_TRY(eg_allocate(spectrum->budget, task->small * task->small, unit, "the Gram matrix of a cut", &gram));
    for (uint64_t first = 0; first < task->large; first += task->panel) {
        EG_TRY(backend->gather(state, layout, first, task->panel, panel.entries, threads));
        EG_TRY(accumulate(backend, &panel, task->large, first == 0, gram));
    }
    eg_release(spectrum->budget, panel.entries);
    panel.entries = NULL;
    EG_TRY(solve_gram(backend, &shape, gram, norm_squared, spectrum));
done:
    eg_release(spectrum->budget, panel.entries);
    eg_release(spectrum->budget, gram);
    return status;
}

eegpu_status eg_spectrum_of_state(const eg_backend *backend, const eegpu_state *state, const eg_matrix_layout *layout,
                                  const eg_task *task, int threads, eg_spectrum *spectrum)
{
    double norm = ldexp(state->norm, state->kind == EG_AMPLITUDES ? state->exponent : 0);
    double norm_squared = state->kind == EG_BITS ? (double)state->ones : norm * norm;
    if (task->route == EG_ROUTE_GRAM)
        return state_by_gram(backend, state, layout, task, threads, norm_squared, spectrum);
    eg_block whole = {state->is_complex, state->kind == EG_BITS, task->small, task->large, NULL};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(spectrum->budget, task->small * task->large, state->is_complex ? 16 : 8, "the matrix of a cut",
                       &whole.entries));
    EG_TRY(backend->gather(state, layout, 0, task->large, whole.entries, threads));
    EG_TRY(solve_svd(backend, &whole, norm_squared, spectrum));
done:
    eg_release(spectrum->budget, whole.entries);
    return status;
}

/* A matrix with one row has one singular value, its length. */
static eegpu_status add_single_row(const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    double sum = 0, m = (double)block->columns;
    for (uint64_t i = 0; i < block->columns * (block->is_complex ? 2 : 1); i++)
        sum += block->entries[i] * block->entries[i];
    eegpu_status status = reserve(spectrum, 1);
    if (status != EEGPU_OK)
        return status;
    double p = sum / norm_squared, error = p * (block->exact ? 2 : 2 * m + 4) * unit_roundoff;
    spectrum->levels[spectrum->count++] = (eg_level){p, error};
    spectrum->total_error += error;
    return EEGPU_OK;
}

eegpu_status eg_spectrum_add_block(const eg_backend *backend, eg_route route, const eg_block *block, double norm_squared,
                                   eg_spectrum *spectrum)
{
    double *gram = NULL;
    eegpu_status status = EEGPU_OK;
    if (block->rows == 1)
        return add_single_row(block, norm_squared, spectrum);
    if (route == EG_ROUTE_SVD)
        return solve_svd(backend, block, norm_squared, spectrum);
    EG_TRY(
        eg_allocate(spectrum->budget, block->rows * block->rows, block->is_complex ? 16 : 8, "the Gram matrix of a block", &gram));
    EG_TRY(accumulate(backend, block, block->columns, true, gram));
    EG_TRY(solve_gram(backend, block, gram, norm_squared, spectrum));
done:
    eg_release(spectrum->budget, gram);
    return status;
}

static int descending(const void *left, const void *right)
{
    double a = ((const eg_level *)left)->p, b = ((const eg_level *)right)->p;
    return a < b ? 1 : a > b ? -1 : 0;
}

eegpu_status eg_spectrum_finish(eg_spectrum *spectrum)
{
    double sum = 0, zero_error = 0, single_errors = 0;
    for (uint64_t k = 0; k < spectrum->count; k++) {
        eg_level *level = &spectrum->levels[k];
        sum += level->p;
        single_errors += level->error;
        if (level->p < 0) { /* rounding of a zero: the exact value lies in [0, p + error] */
            level->error = fmax(level->error, -level->p);
            level->p = 0;
        }
        if (level->p <= level->error && level->error > zero_error)
            zero_error = level->error;
    }
    if (single_errors < spectrum->total_error)
        spectrum->total_error = single_errors;
    double room = spectrum->total_error + 4 * (double)spectrum->count * unit_roundoff;
    eegpu_status status = check(fabs(sum - 1) <= room, "the sum of the spectrum", sum, 1, room);
    if (status != EEGPU_OK)
        return status;
    qsort(spectrum->levels, spectrum->count, sizeof *spectrum->levels, descending);
    for (spectrum->rank = 0; spectrum->rank < spectrum->count; spectrum->rank++)
        if (spectrum->levels[spectrum->rank].p <= spectrum->levels[spectrum->rank].error)
            break;
    spectrum->rank_tolerance = zero_error > 0 ? zero_error : spectrum->count ? spectrum->levels[spectrum->count - 1].error : 0;
    return EEGPU_OK;
}
