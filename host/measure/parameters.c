/* Ranks and parameter counts of matrix product states. Comes in: the spectra of prefix cuts; goes out: counts. Called by
 * scan/study.c. */
#include "measure/parameters.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "state/state.h"

const double eg_epsilons[EG_EPSILONS] = {1e-2, 1e-4, 1e-8};

const char *eg_pixel_order_name(eg_pixel_order order)
{
    static const char *const names[] = {"row-major", "column-major", "snake"};
    return names[order];
}

void eg_pixels_in_order(int height, int width, eg_pixel_order order, int *pixels)
{
    for (int i = 0; i < height * width; i++) {
        int row = order == EG_COLUMN_MAJOR ? i % height : i / width;
        int column = order == EG_COLUMN_MAJOR ? i / height : i % width;
        pixels[i] = row * width + (order == EG_SNAKE && row % 2 == 1 ? width - 1 - column : column);
    }
}

uint64_t eg_truncated_rank(const double *spectrum, size_t count, double epsilon)
{
    double behind = 0;
    while (count > 1 && behind + spectrum[count - 1] <= epsilon * epsilon)
        behind += spectrum[--count];
    return count;
}

/* An earlier order with the same sequence of pixels, or -1. */
static int earlier_order(int height, int width, int order)
{
    int pixels[EG_MAX_PIXELS], earlier[EG_MAX_PIXELS];
    size_t size = (size_t)(height * width) * sizeof *pixels;
    eg_pixels_in_order(height, width, (eg_pixel_order)order, pixels);
    for (int other = 0; other < order; other++) {
        eg_pixels_in_order(height, width, (eg_pixel_order)other, earlier);
        if (memcmp(pixels, earlier, size) == 0)
            return other;
    }
    return -1;
}

static eegpu_status append_prefixes(int height, int width, eg_pixel_order order, struct eegpu_cuts **cuts)
{
    int pixels[EG_MAX_PIXELS], count = height * width;
    uint64_t mask[EG_MAX_PIXELS / 64] = {0};
    eegpu_status status = EEGPU_OK;
    eg_pixels_in_order(height, width, order, pixels);
    for (int k = 0; k + 1 < count; k++) {
        mask[pixels[k] / 64] |= UINT64_C(1) << pixels[k] % 64;
        EG_TRY(eg_cuts_add(height, width, mask, cuts));
    }
done:
    return status;
}

eegpu_status eg_parameters_cuts(int height, int width, struct eegpu_cuts **cuts)
{
    eegpu_status status = EEGPU_OK;
    *cuts = NULL;
    if (height * width < 2)
        return eg_fail(EEGPU_USAGE, "parameters needed: a lattice of one pixel has no cut");
    for (int order = 0; order < EG_PIXEL_ORDERS; order++)
        if (earlier_order(height, width, order) < 0)
            EG_TRY(append_prefixes(height, width, (eg_pixel_order)order, cuts));
done:
    if (status != EEGPU_OK) {
        eegpu_cuts_free(*cuts);
        *cuts = NULL;
    }
    return status;
}

/* sum_k 2 chi_(k-1) chi_k over the pixels. */
static double tensor_numbers(const uint64_t *rank, int pixels)
{
    double sum = 0;
    for (int k = 0; k < pixels; k++)
        sum += 2 * (k > 0 ? (double)rank[k - 1] : 1) * (k + 1 < pixels ? (double)rank[k] : 1);
    return sum;
}

static eegpu_status fill_order(const eegpu_record *records, int pixels, eg_order_parameters *order)
{
    uint64_t bonds = (uint64_t)pixels - 1;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(NULL, bonds, sizeof(uint64_t), "Schmidt ranks", &order->rank));
    for (int e = 0; e < EG_EPSILONS; e++)
        EG_TRY(eg_allocate(NULL, bonds, sizeof(uint64_t), "Schmidt ranks", &order->truncated[e]));
    order->exact = true;
    for (uint64_t k = 0; k < bonds; k++) {
        order->exact = order->exact && records[k].rank_exact;
        order->rank[k] = records[k].rank;
        for (int e = 0; e < EG_EPSILONS; e++)
            order->truncated[e][k] = eg_truncated_rank(records[k].spectrum, records[k].spectrum_count, eg_epsilons[e]);
    }
    order->count = tensor_numbers(order->rank, pixels);
    for (int e = 0; e < EG_EPSILONS; e++)
        order->truncated_count[e] = tensor_numbers(order->truncated[e], pixels);
done:
    return status;
}

eegpu_status eg_parameters_of_records(const struct eegpu_cuts *cuts, const eegpu_record *records, eg_parameters *parameters)
{
    eegpu_status status = EEGPU_OK;
    *parameters = (eg_parameters){.known = true, .pixels = cuts->pixels, .amplitudes = ldexp(1, cuts->pixels)};
    for (int order = 0; order < EG_PIXEL_ORDERS; order++) {
        parameters->order[order].same_as = earlier_order(cuts->height, cuts->width, order);
        if (parameters->order[order].same_as >= 0)
            continue;
        EG_TRY(fill_order(records, cuts->pixels, &parameters->order[order]));
        records += cuts->pixels - 1;
    }
done:
    if (status != EEGPU_OK)
        eg_parameters_free(parameters);
    return status;
}

void eg_parameters_free(eg_parameters *parameters)
{
    for (int order = 0; order < EG_PIXEL_ORDERS; order++) {
        eg_release(NULL, parameters->order[order].rank);
        for (int e = 0; e < EG_EPSILONS; e++)
            eg_release(NULL, parameters->order[order].truncated[e]);
    }
    *parameters = (eg_parameters){.known = false};
}
