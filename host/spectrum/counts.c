/* The spectrum of a reduced 0/1 matrix M = D_r^1/2 U D_c^1/2, block by block. The integers K = U D_c U^T are exact; rho = D_r^1/2 K
 * D_r^1/2 has entries K_ij sqrt(r_i r_j), rounded twice. Trace and purity are summed as integers, sum r_i K_ii and sum r_i r_j
 * K_ij^2, and compared with the spectrum at the end; and sum r_i r_j K_ij must be sum_c w_c (sum_i r_i U_ic)^2, an equality of integers that
 * fails for any single wrong K_ij. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "reduce/rank.h"
#include "spectrum/spectrum.h"

/* Modular elimination is done up to this many steps unless more are asked for; beyond, the rank stays the count of values above the
 * tolerance. */
static const double default_rank_steps = 2e10;

/* sum_c w_c (sum_i r_i U_ic)^2, from the bits. */
static eegpu_status sum_from_bits(const eg_bit_matrix *part, unsigned __int128 *sum)
{
    uint64_t *in_column = NULL;
    eegpu_status status = eg_allocate_zero(part->budget, part->columns, sizeof *in_column, "the column sums of a cut", &in_column);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t r = 0; r < part->rows; r++)
        for (uint64_t w = 0; w < part->words; w++)
            for (uint64_t rest = part->bits[r * part->words + w]; rest; rest &= rest - 1)
                in_column[64 * w + (uint64_t)eg_lowest_bit(rest)] += part->row_weight[r];
    *sum = 0;
    for (uint64_t c = 0; c < part->columns; c++)
        *sum += (unsigned __int128)in_column[c] * in_column[c] * part->column_weight[c];
    eg_release(part->budget, in_column);
    return EEGPU_OK;
}

/* K into rho, in place (a word becomes a double), the exact trace and purity, and the weighted sum of all entries. */
static void weigh(const eg_bit_matrix *part, uint64_t *counts, eg_gram *gram, eg_spectrum *spectrum, unsigned __int128 *sum)
{
    *sum = 0;
    uint64_t n = part->rows;
    bool is_plain = true;
    for (uint64_t i = 0; i < n; i++)
        is_plain = is_plain && part->row_weight[i] == 1;
    for (uint64_t j = 0; j < n; j++) {
        for (uint64_t i = j; i < n; i++) {
            uint64_t k = counts[j * n + i];
            unsigned __int128 weight = (unsigned __int128)part->row_weight[i] * part->row_weight[j];
            unsigned __int128 square = (unsigned __int128)k * k * weight; /* at most ones squared: below 2^81 */
            spectrum->purity += i == j ? square : 2 * square;
            *sum += (i == j ? 1 : 2) * weight * k;
            spectrum->trace += i == j ? (unsigned __int128)k * part->row_weight[i] : 0;
            double entry = is_plain ? (double)k
                           : i == j ? (double)k * (double)part->row_weight[i]
                                    : (double)k * sqrt((double)weight);
            memcpy(&counts[j * n + i], &entry, sizeof entry);
        }
    }
    *gram = (eg_gram){.n = n, .entries = (double *)counts, .roundings = is_plain ? 0 : 3, .budget = spectrum->budget};
}

/* M itself, for the SVD. */
static eegpu_status fill_block(const eg_bit_matrix *part, eg_budget *budget, eg_block *block)
{
    *block = (eg_block){.exact = false, .rows = part->rows, .columns = part->columns};
    eegpu_status status = eg_allocate(budget, eg_matrix_room(part->rows, part->columns), sizeof *block->entries,
                                      "a block of the matrix of a cut", &block->entries);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t c = 0; c < part->columns; c++)
        for (uint64_t r = 0; r < part->rows; r++)
            block->entries[c * part->rows + r] =
                eg_bit(part->bits + r * part->words, c) ? sqrt((double)part->row_weight[r] * (double)part->column_weight[c]) : 0;
    return EEGPU_OK;
}

static eegpu_status add_part(const eg_backend *backend, eg_route route, const eg_bit_matrix *part, uint64_t ones, int threads,
                             eg_spectrum *spectrum)
{
    uint64_t *counts = NULL;
    unsigned __int128 sum = 0, expected = 0;
    eg_block block = {0};
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    if (part->rows > INT32_MAX || (route == EG_ROUTE_SVD && part->columns > INT32_MAX))
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a block of %llu x %llu distinct rows and columns: at most 2^31 of each",
                       (unsigned long long)part->rows, (unsigned long long)part->columns);
    EG_TRY(eg_allocate(spectrum->budget, eg_matrix_room(part->rows, part->rows), sizeof *counts, "the integer Gram matrix of a cut",
                       &counts));
    EG_TRY(backend->gram_bits(spectrum->budget, part->rows, part->columns, part->bits, part->column_weight, counts, threads));
    EG_TRY(sum_from_bits(part, &expected));
    weigh(part, counts, &gram, spectrum, &sum);
    EG_TRY(eg_spectrum_check(sum == expected, "the weighted sum of an integer Gram matrix", (double)sum, (double)expected, 0));
    if (route == EG_ROUTE_SVD) {
        EG_TRY(fill_block(part, spectrum->budget, &block));
        EG_TRY(eg_spectrum_add_block(backend, route, &block, (double)ones, spectrum));
    } else {
        EG_TRY(eg_spectrum_add_gram(backend, &gram, (double)ones, spectrum));
    }
done:
    eg_release(spectrum->budget, counts);
    eg_release(spectrum->budget, block.entries);
    return status;
}

/* The rank of a block whose values are levels first .. count-1: proved where all of them are certainly not 0, else by elimination. */
static eegpu_status add_rank(const eg_bit_matrix *part, uint64_t first, int threads, eg_spectrum *spectrum)
{
    uint64_t certain = 0, rank = 0;
    double doubt = 0;
    for (uint64_t k = first; k < spectrum->count; k++)
        certain += spectrum->levels[k].p > spectrum->levels[k].error;
    if (certain == part->rows) {
        spectrum->proved_rank += certain;
        return EEGPU_OK;
    }
    double most = spectrum->most_rank_steps > 0 ? spectrum->most_rank_steps : default_rank_steps;
    if ((double)part->rows * (double)part->rows * (double)part->columns > most) {
        spectrum->rank_exact = false;
        return EEGPU_OK;
    }
    eegpu_status status =
        eg_rank_modular(spectrum->budget, part->rows, part->columns, part->bits, part->words, threads, &rank, &doubt);
    if (status == EEGPU_OUT_OF_MEMORY && spectrum->most_rank_steps == 0) {
        spectrum->rank_exact = false; /* nobody asked for it, and the entropies are there */
        return EEGPU_OK;
    }
    spectrum->proved_rank += rank;
    spectrum->rank_doubt += doubt;
    return status;
}

static eegpu_status add_block(const eg_backend *backend, eg_route route, const eg_bit_matrix *part, uint64_t ones, int threads,
                              eg_spectrum *spectrum)
{
    uint64_t first = spectrum->count;
    eegpu_status status = add_part(backend, route, part, ones, threads, spectrum);
    return status == EEGPU_OK ? add_rank(part, first, threads, spectrum) : status;
}

/* A block of one row has one column: one value, r c / ones. */
static eegpu_status add_single(uint64_t row_weight, uint64_t column_weight, uint64_t ones, eg_spectrum *spectrum)
{
    unsigned __int128 weight = (unsigned __int128)row_weight * column_weight;
    double p = (double)weight / (double)ones;
    spectrum->trace += weight;
    spectrum->purity += weight * weight;
    spectrum->proved_rank++;
    return eg_spectrum_add_level(spectrum, p, p * 0x1p-52);
}

eegpu_status eg_spectrum_add_counts(const eg_backend *backend, eg_route route, const eg_bit_matrix *matrix, uint64_t ones,
                                    int threads, uint64_t *count, eg_spectrum *spectrum)
{
    eg_bit_blocks blocks = {0};
    eg_bit_matrix part = {0};
    eegpu_status status = EEGPU_OK;
    spectrum->has_counts = spectrum->rank_exact = true;
    EG_TRY(eg_bit_matrix_split(matrix, &blocks));
    *count = blocks.count;
    for (uint64_t b = 0; b < blocks.count; b++) {
        if (blocks.row_start[b + 1] - blocks.row_start[b] == 1) {
            EG_TRY(add_single(matrix->row_weight[blocks.row[blocks.row_start[b]]],
                              matrix->column_weight[blocks.column[blocks.column_start[b]]], ones, spectrum));
            continue;
        }
        if (blocks.count == 1 && matrix->rows <= matrix->columns) {
            EG_TRY(add_block(backend, route, matrix, ones, threads, spectrum));
            continue;
        }
        EG_TRY(eg_bit_matrix_block(matrix, &blocks, b, &part));
        EG_TRY(add_block(backend, route, &part, ones, threads, spectrum));
        eg_bit_matrix_free(&part);
    }
done:
    eg_bit_matrix_free(&part);
    eg_bit_blocks_free(&blocks);
    return status;
}
