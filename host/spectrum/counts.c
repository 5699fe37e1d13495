/* The spectrum of a reduced 0/1 matrix M = D_r^1/2 U D_c^1/2, block by block. Comes in: packed rows and columns with weights; goes
 * out: levels, exact trace and purity, and where it can be had the exact rank. Called by scan/product.c; the reduction itself is in
 * reduce/bit_matrix.h.
 *
 * The integers K = U D_c U^T are exact; rho = D_r^1/2 K D_r^1/2 has entries K_ij sqrt(r_i r_j), rounded twice. Trace and purity
 * are summed as integers, sum r_i K_ii and sum r_i r_j K_ij^2, and compared with the spectrum at the end; and sum r_i r_j K_ij
 * must be sum_c w_c (sum_i r_i U_ic)^2, an equality of integers that fails for any single wrong K_ij. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "spectrum/spectrum.h"

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

static bool all_ones(const uint64_t *weight, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (weight[i] != 1)
            return false;
    return true;
}

/* rho of a block on the device, the exact sums of its integers added and checked. */
static eegpu_status make_gram(eg_lane *lane, const eg_bit_matrix *part, eg_spectrum *spectrum, eg_gram *gram)
{
    const eg_backend *backend = lane->device->backend;
    uint64_t *counts = NULL;
    unsigned __int128 expected = 0;
    eg_count_sums sums;
    eegpu_status status = EEGPU_OK;
    EG_TRY(backend->allocate(lane, eg_matrix_room(part->rows, part->rows), sizeof *counts, "the integer Gram matrix of a cut",
                             &counts));
    EG_TRY(backend->gram_bits(lane, part->rows, part->columns, part->bits, part->column_weight, counts));
    EG_TRY(sum_from_bits(part, &expected));
    EG_TRY(backend->weigh(lane, part->rows, part->row_weight, counts, &sums));
    EG_TRY(eg_spectrum_check(sums.total == expected, "the weighted sum of an integer Gram matrix", (double)sums.total,
                             (double)expected, 0));
    spectrum->trace += sums.trace;
    spectrum->purity += sums.square;
    *gram = (eg_gram){.n = part->rows, .entries = (double *)counts, .roundings = all_ones(part->row_weight, part->rows) ? 0 : 3};
    counts = NULL;
done:
    backend->release(lane, counts);
    return status;
}

static eegpu_status add_part(eg_lane *lane, eg_route route, const eg_bit_matrix *part, uint64_t ones, eg_spectrum *spectrum)
{
    eg_block block = {0};
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    if (part->rows > INT32_MAX || (route == EG_ROUTE_SVD && part->columns > INT32_MAX))
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a block of %llu x %llu distinct rows and columns: at most 2^31 of each",
                       (unsigned long long)part->rows, (unsigned long long)part->columns);
    EG_TRY(make_gram(lane, part, spectrum, &gram));
    if (route == EG_ROUTE_SVD) {
        EG_TRY(fill_block(part, spectrum->budget, &block));
        EG_TRY(eg_spectrum_add_block(lane, route, &block, (double)ones, spectrum));
    } else {
        EG_TRY(eg_spectrum_add_gram(lane, &gram, (double)ones, spectrum));
    }
done:
    eg_gram_free(lane, &gram);
    return status;
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

/* A part is kept until the ranks are known; its spectrum follows those of the parts before it. It is taken over, also on a
 * failure. */
static eegpu_status keep_part(eg_bit_matrix *part, eg_spectrum *spectrum)
{
    eegpu_status status = EEGPU_OK;
    if (spectrum->part_count == spectrum->part_capacity) {
        size_t capacity = spectrum->part_capacity > 0 ? 2 * spectrum->part_capacity : 4;
        eg_bit_matrix *larger = NULL;
        EG_TRY(eg_allocate(NULL, capacity, sizeof *larger, "the blocks of a cut", &larger));
        if (spectrum->part_count > 0)
            memcpy(larger, spectrum->parts, spectrum->part_count * sizeof *larger);
        eg_release(NULL, spectrum->parts);
        spectrum->parts = larger;
        spectrum->part_capacity = capacity;
    }
    spectrum->parts[spectrum->part_count++] = *part;
    *part = (eg_bit_matrix){0};
done:
    eg_bit_matrix_free(part);
    return status;
}

/* Levels of single blocks first, then those of the parts in their order. */
static eegpu_status add_blocks(eg_lane *lane, eg_route route, const eg_bit_matrix *matrix, const eg_bit_blocks *blocks,
                               uint64_t ones, eg_spectrum *spectrum)
{
    eegpu_status status = EEGPU_OK;
    for (uint64_t b = 0; b < blocks->count; b++)
        if (blocks->row_start[b + 1] - blocks->row_start[b] == 1)
            EG_TRY(add_single(matrix->row_weight[blocks->row[blocks->row_start[b]]],
                              matrix->column_weight[blocks->column[blocks->column_start[b]]], ones, spectrum));
    spectrum->level_of_parts = spectrum->count;
    for (uint64_t b = 0; b < blocks->count; b++) {
        eg_bit_matrix part = {0};
        if (blocks->row_start[b + 1] - blocks->row_start[b] == 1)
            continue;
        EG_TRY(eg_bit_matrix_block(matrix, blocks, b, &part));
        EG_TRY(keep_part(&part, spectrum));
        EG_TRY(add_part(lane, route, &spectrum->parts[spectrum->part_count - 1], ones, spectrum));
    }
done:
    return status;
}

eegpu_status eg_spectrum_add_counts(eg_lane *lane, eg_route route, eg_bit_matrix *matrix, uint64_t ones, uint64_t *count,
                                    eg_spectrum *spectrum)
{
    eg_bit_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    spectrum->has_counts = spectrum->rank_exact = true;
    EG_TRY(eg_bit_matrix_split(matrix, &blocks));
    *count = blocks.count;
    if (blocks.count == 1 && matrix->rows > 1 && matrix->rows <= matrix->columns) {
        EG_TRY(keep_part(matrix, spectrum));
        EG_TRY(add_part(lane, route, spectrum->parts, ones, spectrum));
    } else {
        EG_TRY(add_blocks(lane, route, matrix, &blocks, ones, spectrum));
    }
done:
    eg_bit_blocks_free(&blocks);
    return status;
}
