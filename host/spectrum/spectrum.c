/* A spectrum as it grows, level by level, and its end: sorted, clipped, checked. Comes in: levels with bounds, from pending.c
 * (eigenvalues), values.c (singular values) and counts.c; goes out: the spectrum with rank and tolerance. Called by them and by
 * scan/; it computes no eigenvalues and no entropies. */
#include "spectrum/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double unit_roundoff = 0x1p-53;

void eg_spectrum_begin(eg_budget *budget, eg_spectrum *spectrum) { *spectrum = (eg_spectrum){.budget = budget}; }

void eg_spectrum_free(eg_lane *lane, eg_spectrum *spectrum)
{
    for (size_t i = 0; i < spectrum->pending_count; i++)
        eg_gram_free(lane, &spectrum->pending[i].gram);
    for (size_t i = 0; i < spectrum->part_count; i++)
        eg_bit_matrix_free(&spectrum->parts[i]);
    eg_release(NULL, spectrum->parts);
    eg_release(NULL, spectrum->pending);
    eg_release(spectrum->budget, spectrum->levels);
    *spectrum = (eg_spectrum){.budget = spectrum->budget};
}

uint64_t eg_spectrum_waiting_bytes(const eg_spectrum *spectrum)
{
    uint64_t bytes = spectrum->pending_bytes + spectrum->capacity * sizeof *spectrum->levels;
    for (size_t i = 0; i < spectrum->part_count; i++)
        bytes += 8 * (spectrum->parts[i].rows * (spectrum->parts[i].words + 1) + spectrum->parts[i].columns);
    return bytes;
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
