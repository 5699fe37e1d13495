/* The exact rank of a block of a reduced 0/1 matrix M = D_r^1/2 U D_c^1/2, which is that of U. Comes in: its bits, weights and
 * eigenvalues with their bounds; goes out: the rank, with a bound on the probability that it is too small. Called by counts.c.
 *
 * Eigenvalues that are certainly not 0 bound the rank from below. From above: the k-th elementary symmetric function of the
 * eigenvalues of M M^T is the sum of the squares of all minors of M with k rows (Cauchy and Binet), each of them the square of a
 * minor of U, an integer, times k row and k column weights. So no minor of U is larger than the root of e_k over the product of the
 * k least weights on either side; where that is below 1 all of them are 0. What is left open is found by elimination modulo primes,
 * of which it takes fewer, the smaller the minors are. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reduce/rank.h"
#include "spectrum/spectrum.h"

/* Elimination is done up to this many steps unless more are asked for; beyond, the rank stays the count of values above the
 * tolerance. */
static const double default_rank_steps = 2e10;

static const double rounding_bits = 1e-4; /* far more than the roundings of a bound, for up to 2^16 rows */

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* bits[k] -= log2 of the product of the k least weights, for k up to `most`. */
static eegpu_status take_least_weights(eg_budget *budget, const uint64_t *weight, uint64_t count, uint64_t most, double *bits)
{
    uint64_t *sorted = NULL;
    double product = 0;
    eegpu_status status = eg_allocate(budget, count, sizeof *sorted, "the weights of a block", &sorted);
    if (status != EEGPU_OK)
        return status;
    memcpy(sorted, weight, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    for (uint64_t k = 1; k <= most; k++)
        bits[k] -= product += log2((double)sorted[k - 1]);
    eg_release(budget, sorted);
    return EEGPU_OK;
}

/* bits[k] = a bound of log2 of the minors of U with k rows, k = 0 .. rows, from the block's levels. A sum that leaves the range of
 * the numbers may only become larger. */
static eegpu_status bound_minors(const eg_bit_matrix *part, const eg_level *levels, uint64_t ones, eg_budget *budget, double *bits)
{
    const long double least = LDBL_MIN * 0x1p64L;
    uint64_t n = part->rows;
    long double *sum = NULL; /* sum[k]: e_k of the eigenvalues so far */
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(budget, n + 1, sizeof *sum, "bounds of the minors of a block", &sum));
    sum[0] = 1;
    for (uint64_t m = 0; m < n; m++) {
        long double value = ((long double)fmax(levels[m].p, 0) + levels[m].error) * (long double)ones;
        for (uint64_t k = m + 1; k > 0; k--) {
            long double more = sum[k] + value * sum[k - 1];
            sum[k] = more < least ? least : more;
        }
    }
    for (uint64_t k = 0; k <= n; k++)
        bits[k] = (double)log2l(sum[k]) + rounding_bits;
    EG_TRY(take_least_weights(budget, part->row_weight, part->rows, n, bits));
    EG_TRY(take_least_weights(budget, part->column_weight, part->columns, n, bits));
    for (uint64_t k = 0; k <= n; k++)
        bits[k] /= 2;
done:
    eg_release(budget, sum);
    return status;
}

static eegpu_status find_uncertain(const eg_bit_matrix *part, const eg_level *levels, uint64_t ones, double most_steps, int threads,
                                   uint64_t certain, eg_spectrum *spectrum)
{
    double *minor_bits = NULL, doubt = 0;
    uint64_t rank = certain;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(spectrum->budget, part->rows + 1, sizeof *minor_bits, "bounds of the minors of a block", &minor_bits));
    EG_TRY(bound_minors(part, levels, ones, spectrum->budget, minor_bits));
    if (minor_bits[certain + 1] >= 0) {
        if ((double)part->rows * (double)part->rows * (double)part->columns > most_steps) {
            spectrum->rank_exact = false;
            goto done;
        }
        EG_TRY(eg_rank_modular(spectrum->budget, part->rows, part->columns, part->bits, part->words, minor_bits, threads, &rank,
                               &doubt));
    }
    spectrum->proved_rank += rank > certain ? rank : certain;
    spectrum->rank_doubt += doubt;
done:
    eg_release(spectrum->budget, minor_bits);
    return status;
}

static eegpu_status find_of_part(const eg_bit_matrix *part, const eg_level *levels, uint64_t ones, int threads, bool may_give_up,
                                 eg_spectrum *spectrum)
{
    bool is_asked = spectrum->most_rank_steps > 0;
    uint64_t certain = 0;
    for (uint64_t k = 0; k < part->rows; k++)
        certain += levels[k].p > levels[k].error;
    if (certain == part->rows) {
        spectrum->proved_rank += certain;
        return EEGPU_OK;
    }
    eegpu_status status =
        find_uncertain(part, levels, ones, is_asked ? spectrum->most_rank_steps : default_rank_steps, threads, certain, spectrum);
    if (status == EEGPU_OUT_OF_MEMORY && !is_asked && may_give_up) {
        spectrum->rank_exact = false; /* nobody asked for it, and the entropies are there */
        status = EEGPU_OK;
    }
    return status;
}

eegpu_status eg_spectrum_find_rank(eg_spectrum *spectrum, uint64_t ones, int threads, bool may_give_up)
{
    uint64_t first = spectrum->level_of_parts;
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < spectrum->part_count; i++) {
        eg_bit_matrix *part = &spectrum->parts[i];
        if (status == EEGPU_OK && spectrum->rank_exact)
            status = find_of_part(part, spectrum->levels + first, ones, threads, may_give_up, spectrum);
        first += part->rows;
        eg_bit_matrix_free(part);
    }
    spectrum->part_count = 0;
    return status;
}
