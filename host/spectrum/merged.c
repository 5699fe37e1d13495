/* The spectrum of rho = M M^H when rows of M are parallel or zero, or when M falls into blocks. Comes in: rho on the device and the
 * classes of rows; goes out: one smaller density matrix a block, waiting in the spectrum; rho stays. Called by scan/product.c; does
 * not look for parallel rows (reduce/parallel_rows.h).
 *
 * With one row v_c of each class c and the weight w_c = sum |factor|^2, M^H M = sum_c w_c |v_c><v_c|, so the matrix with entries
 * sqrt(w_c w_d) <v_c|v_d> has the same non-zero spectrum; entries between blocks are zero. */
#include <math.h>

#include "spectrum/spectrum.h"

/* Roundings of an entry of rho by its weights: both weights, their product, root and product with it. */
static double roundings_of_weights(const eg_row_classes *classes)
{
    bool is_plain = classes->exact_weights;
    for (uint64_t c = 0; is_plain && c < classes->count; c++)
        is_plain = classes->weight[c] == 1;
    return is_plain ? 0 : classes->exact_weights ? 4 : 16;
}

/* The classes of one block as a matrix. `members` are their numbers; row and weight have room for all of them. */
static eegpu_status merge(eg_lane *lane, const eg_gram *gram, const eg_row_classes *classes, const uint32_t *members,
                          uint64_t count, uint32_t *row, double *weight, eg_gram *merged)
{
    const eg_backend *backend = lane->device->backend;
    *merged = (eg_gram){.is_complex = gram->is_complex, .n = count};
    merged->roundings = gram->roundings + roundings_of_weights(classes);
    for (uint64_t i = 0; i < count; i++) {
        row[i] = classes->representative[members[i]];
        weight[i] = classes->weight[members[i]];
    }
    eegpu_status status = backend->allocate(lane, eg_matrix_room(count, count), gram->is_complex ? 16 : 8,
                                            "the merged density matrix of a region", &merged->entries);
    if (status != EEGPU_OK)
        return status;
    return backend->merge(lane, gram->is_complex, gram->n, gram->entries, count, row, weight, merged->entries);
}

eegpu_status eg_spectrum_add_merged(eg_lane *lane, const eg_gram *gram, const eg_row_classes *classes, double norm_squared,
                                    eg_spectrum *spectrum)
{
    uint64_t *start = NULL;
    uint32_t *members = NULL, *row = NULL;
    double *weight = NULL;
    eg_gram merged = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(spectrum->budget, classes->blocks + 2, sizeof *start, "the blocks of a cut", &start));
    EG_TRY(eg_allocate(spectrum->budget, classes->count, sizeof *members, "the blocks of a cut", &members));
    EG_TRY(eg_allocate(spectrum->budget, classes->count, sizeof *row, "the blocks of a cut", &row));
    EG_TRY(eg_allocate(spectrum->budget, classes->count, sizeof *weight, "the blocks of a cut", &weight));
    for (uint64_t c = 0; c < classes->count; c++)
        start[classes->block_of_class[c] + 2]++;
    for (uint64_t b = 0; b < classes->blocks; b++)
        start[b + 2] += start[b + 1];
    for (uint64_t c = 0; c < classes->count; c++)
        members[start[classes->block_of_class[c] + 1]++] = (uint32_t)c;
    for (uint64_t b = 0; b < classes->blocks; b++) {
        EG_TRY(merge(lane, gram, classes, members + start[b], start[b + 1] - start[b], row, weight, &merged));
        EG_TRY(eg_spectrum_add_gram(lane, &merged, norm_squared, spectrum));
    }
done:
    eg_gram_free(lane, &merged);
    eg_release(spectrum->budget, start);
    eg_release(spectrum->budget, members);
    eg_release(spectrum->budget, row);
    eg_release(spectrum->budget, weight);
    return status;
}
