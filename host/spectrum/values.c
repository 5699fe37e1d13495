/* The SVD route. Comes in: a block of M, or the cut of the loaded function; goes out: squared singular values as levels, checked
 * against trace and purity. Blocks that go the Gram route are handed to gram.c and pending.c. Called by scan/product.c and
 * counts.c.
 *
 * u = 2^-53. sigma is off by at most d = p u sigma_max with p = 4 (n + 8) + K/2: the solver is backward stable (LAPACK Users'
 * Guide, 4.9), and the long side K enters through the sums of the first QR step (up to 0.12 K u was measured); so p_k =
 * sigma_k^2 is off by 2 sigma_k d + d^2. */
#include <math.h>

#include "spectrum/spectrum.h"

static const double unit_roundoff = 0x1p-53;

static eegpu_status add_svd(eg_lane *lane, const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    uint64_t n = block->rows;
    double *values = NULL, trace = 0, square = 0, sum = 0, sum_of_squares = 0, total = 0;
    const eg_backend *backend = lane->device->backend;
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_spectrum_reserve(spectrum, n));
    EG_TRY(eg_allocate(spectrum->budget, n, sizeof *values, "the singular values", &values));
    EG_TRY(eg_gram_of_block(lane, block, &gram)); /* for the purity check alone */
    EG_TRY(backend->invariants(lane, gram.is_complex, n, gram.entries, &trace, &square));
    eg_gram_free(lane, &gram);
    EG_TRY(backend->singular_values(lane, block->is_complex, (int)n, (int)block->columns, block->entries, values));
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
    eg_gram_free(lane, &gram);
    eg_release(spectrum->budget, values);
    return status;
}

eegpu_status eg_spectrum_add_state(eg_lane *lane, const eg_matrix_layout *layout, const eg_task *task, eg_spectrum *spectrum)
{
    const eg_backend *backend = lane->device->backend;
    const eegpu_state *state = lane->device->state;
    eg_block whole = {state->is_complex, state->kind == EG_BITS, task->small, task->large, NULL};
    eegpu_status status = EEGPU_OK;
    EG_TRY(backend->allocate(lane, eg_matrix_room(task->small, task->large), state->is_complex ? 16 : 8, "the matrix of a cut",
                             &whole.entries));
    EG_TRY(backend->gather(lane, layout, 0, task->large, whole.entries));
    EG_TRY(add_svd(lane, &whole, state->scaled_norm_squared, spectrum));
done:
    backend->release(lane, whole.entries);
    return status;
}

/* A matrix with one row has one singular value, its length. */
static eegpu_status add_single_row(const eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    double sum = 0, m = (double)block->columns;
    for (uint64_t i = 0; i < block->columns * (block->is_complex ? 2 : 1); i++)
        sum += block->entries[i] * block->entries[i];
    double p = sum / norm_squared;
    eg_release(spectrum->budget, block->entries);
    return eg_spectrum_add_level(spectrum, p, p * (block->exact ? 2 : 2 * m + 4) * unit_roundoff);
}

eegpu_status eg_spectrum_add_block(eg_lane *lane, eg_route route, eg_block *block, double norm_squared, eg_spectrum *spectrum)
{
    const eg_backend *backend = lane->device->backend;
    eg_gram gram = {0};
    eegpu_status status = EEGPU_OK;
    if (block->rows == 1)
        return add_single_row(block, norm_squared, spectrum);
    EG_TRY(backend->take(lane, spectrum->budget, eg_matrix_room(block->rows, block->columns) * (block->is_complex ? 16 : 8),
                         "a block of the matrix of a cut", &block->entries));
    if (route == EG_ROUTE_SVD) {
        EG_TRY(add_svd(lane, block, norm_squared, spectrum));
        goto done;
    }
    EG_TRY(eg_gram_of_block(lane, block, &gram));
    EG_TRY(eg_spectrum_add_gram(lane, &gram, norm_squared, spectrum));
done:
    eg_gram_free(lane, &gram);
    backend->release(lane, block->entries);
    return status;
}
