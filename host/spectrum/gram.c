/* Gram matrices and how exact they are. Comes in: the loaded function, the density matrix of a larger region, or a block of M on
 * the device; goes out: a density matrix there, with the number of roundings in its entries. Called by scan/product.c, values.c and
 * pending.c; solves nothing.
 *
 * u = 2^-53. G = M M^H is summed from pieces of w columns, so each entry is a sum of w products in any order inside a piece and
 * of K/w pieces: |dG| <= gamma(w + K/w) |M||M^H| entrywise (Higham, Accuracy and Stability of Numerical Algorithms, section
 * 3.1), and || |M||M^H| ||_F <= ||M||_F^2 = trace. A partial trace over T images adds T - 1 roundings to every product and
 * leaves the bound of the same form, because the partial trace of |M||M^H| is that of the reshaped matrix. Integer sums below
 * 2^53 are exact. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "spectrum/spectrum.h"

static const double unit_roundoff = 0x1p-53;

/* Columns summed in one call: the error of a sum of K terms in pieces of w grows as w + K/w, so w is about sqrt(K), at least what
 * the device likes and at most a panel. */
static uint64_t piece(const eg_lane *lane, uint64_t columns, uint64_t panel)
{
    uint64_t width = columns > (1 << 16) ? 1024 : 256, least = lane->device->least_piece;
    width = width < least ? least : width;
    while (4 * width * width <= columns)
        width *= 2;
    return width < panel ? width : panel;
}

static double roundings_of_sum(bool is_exact, uint64_t columns, uint64_t piece)
{
    return is_exact ? 0 : (double)piece + ceil((double)columns / (double)piece);
}

double eg_gram_error(const eg_gram *gram)
{
    double m = gram->roundings * (gram->is_complex ? 3 : 1); /* 2 m real products, and a factor sqrt 2 of the two parts */
    return m * unit_roundoff / (1 - m * unit_roundoff);
}

static eegpu_status begin(eg_lane *lane, bool is_complex, uint64_t n, eg_gram *gram)
{
    *gram = (eg_gram){.is_complex = is_complex, .n = n};
    return lane->device->backend->allocate(lane, eg_matrix_room(n, n), is_complex ? 16 : 8, "the density matrix of a region",
                                           &gram->entries);
}

void eg_gram_free(eg_lane *lane, eg_gram *gram)
{
    lane->device->backend->release(lane, gram->entries);
    gram->entries = NULL;
}

static eegpu_status accumulate(eg_lane *lane, const eg_block *panel, uint64_t step, bool first, double *gram)
{
    uint64_t unit = panel->is_complex ? 2 : 1;
    eegpu_status status = EEGPU_OK;
    for (uint64_t column = 0; column < panel->columns && status == EEGPU_OK; column += step) {
        uint64_t count = panel->columns - column < step ? panel->columns - column : step;
        status = lane->device->backend->gram(lane, panel->is_complex, (int)panel->rows, (int)count,
                                             panel->entries + unit * panel->rows * column, first && column == 0 ? 0 : 1, gram);
    }
    return status;
}

eegpu_status eg_gram_of_state(eg_lane *lane, const eg_matrix_layout *layout, const eg_task *task, eg_gram *gram)
{
    const eg_backend *backend = lane->device->backend;
    const eegpu_state *state = lane->device->state;
    eg_block panel = {state->is_complex, state->kind == EG_BITS, task->small, task->panel, NULL};
    uint64_t step = piece(lane, task->large, task->panel);
    eegpu_status status = EEGPU_OK;
    EG_TRY(begin(lane, state->is_complex, task->small, gram));
    gram->roundings = roundings_of_sum(panel.exact, task->large, step);
    EG_TRY(backend->allocate(lane, task->small * task->panel, state->is_complex ? 16 : 8, "a panel of the matrix of a cut",
                             &panel.entries));
    for (uint64_t first = 0; first < task->large; first += task->panel) {
        EG_TRY(backend->gather(lane, layout, first, task->panel, panel.entries));
        EG_TRY(accumulate(lane, &panel, step, first == 0, gram->entries));
    }
done:
    backend->release(lane, panel.entries);
    return status;
}

eegpu_status eg_gram_of_parent(eg_lane *lane, const eg_gram *parent, uint64_t kept, eg_gram *gram)
{
    int parent_bits = eg_lowest_bit(parent->n);
    eegpu_status status = begin(lane, parent->is_complex, UINT64_C(1) << eg_popcount(kept), gram);
    if (status != EEGPU_OK)
        return status;
    gram->roundings = parent->roundings == 0 ? 0 : parent->roundings + (double)(parent->n / gram->n - 1);
    return lane->device->backend->partial_trace(lane, parent->is_complex, parent_bits, kept, parent->entries, gram->entries);
}

eegpu_status eg_gram_of_block(eg_lane *lane, const eg_block *block, eg_gram *gram)
{
    eegpu_status status = begin(lane, block->is_complex, block->rows, gram);
    if (status != EEGPU_OK)
        return status;
    uint64_t step = piece(lane, block->columns, block->columns);
    gram->roundings = roundings_of_sum(block->exact, block->columns, step);
    return accumulate(lane, block, step, true, gram->entries);
}
