/* The spectrum of rho = M M^H when rows of M are parallel or zero, or when M falls into blocks. With one row v_c of each class c and
 * the weight w_c = sum |factor|^2, M^H M = sum_c w_c |v_c><v_c|, so the matrix with entries sqrt(w_c w_d) <v_c|v_d> has the same
 * non-zero spectrum; entries between blocks are zero. */
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

/* The classes of one block as a matrix. `members` are their numbers. */
static eegpu_status merge(const eg_gram *gram, const eg_row_classes *classes, const uint32_t *members, uint64_t count,
                          eg_gram *merged)
{
    uint64_t unit = gram->is_complex ? 2 : 1;
    *merged = (eg_gram){.is_complex = gram->is_complex, .n = count, .budget = gram->budget};
    merged->roundings = gram->roundings + roundings_of_weights(classes);
    eegpu_status status = eg_allocate(gram->budget, eg_matrix_room(count, count), 8 * unit, "the merged density matrix of a region",
                                      &merged->entries);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t j = 0; j < count; j++) {
        for (uint64_t i = j; i < count; i++) {
            uint64_t row = classes->representative[members[i]], column = classes->representative[members[j]];
            double weight = sqrt(classes->weight[members[i]] * classes->weight[members[j]]);
            bool is_below = row >= column; /* only the lower triangle is there */
            const double *from = gram->entries + unit * (is_below ? column * gram->n + row : row * gram->n + column);
            double *to = merged->entries + unit * (j * count + i);
            to[0] = from[0] * weight;
            if (gram->is_complex)
                to[1] = (is_below ? from[1] : -from[1]) * weight;
        }
    }
    return EEGPU_OK;
}

eegpu_status eg_spectrum_add_merged(const eg_backend *backend, const eg_gram *gram, const eg_row_classes *classes,
                                    double norm_squared, eg_spectrum *spectrum)
{
    uint64_t *start = NULL;
    uint32_t *members = NULL;
    eg_gram merged = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(spectrum->budget, classes->blocks + 2, sizeof *start, "the blocks of a cut", &start));
    EG_TRY(eg_allocate(spectrum->budget, classes->count, sizeof *members, "the blocks of a cut", &members));
    for (uint64_t c = 0; c < classes->count; c++)
        start[classes->block_of_class[c] + 2]++;
    for (uint64_t b = 0; b < classes->blocks; b++)
        start[b + 2] += start[b + 1];
    for (uint64_t c = 0; c < classes->count; c++)
        members[start[classes->block_of_class[c] + 1]++] = (uint32_t)c;
    for (uint64_t b = 0; b < classes->blocks; b++) {
        EG_TRY(merge(gram, classes, members + start[b], start[b + 1] - start[b], &merged));
        EG_TRY(eg_spectrum_add_gram(backend, &merged, norm_squared, spectrum));
        eg_gram_free(&merged);
    }
done:
    eg_gram_free(&merged);
    eg_release(spectrum->budget, start);
    eg_release(spectrum->budget, members);
    return status;
}
