/* rho of a region from rho of a larger one, on the CPU. Comes in: the larger density matrix and which bits of its index stay;
 * goes out: the smaller one, where entry (i, j) is the sum over the images t of the pixels left out of entry (i t, j t). Only
 * lower triangles are read and written: with the same t, i >= j if and only if (i t) >= (j t). Called by cpu.c. */
#include "backend/gather.h"
#include "base/bits.h"
#include "base/parallel.h"

typedef struct trace_out {
    bool is_complex;
    uint64_t n, child_n, terms;
    const uint64_t *kept; /* index in the parent of each child index, t = 0 */
    const uint64_t *left; /* index in the parent of each t, child index 0 */
    const double *parent;
    double *child;
} trace_out;

static void column_real(const trace_out *trace, uint64_t j)
{
    double *to = trace->child + j * trace->child_n;
    for (uint64_t i = j; i < trace->child_n; i++)
        to[i] = 0;
    for (uint64_t t = 0; t < trace->terms; t++) {
        uint64_t shift = trace->left[t];
        const double *from = trace->parent + (trace->kept[j] + shift) * trace->n + shift;
        for (uint64_t i = j; i < trace->child_n; i++)
            to[i] += from[trace->kept[i]];
    }
}

static void column_complex(const trace_out *trace, uint64_t j)
{
    double *to = trace->child + 2 * j * trace->child_n;
    for (uint64_t i = 2 * j; i < 2 * trace->child_n; i++)
        to[i] = 0;
    for (uint64_t t = 0; t < trace->terms; t++) {
        uint64_t shift = trace->left[t];
        const double *from = trace->parent + 2 * ((trace->kept[j] + shift) * trace->n + shift);
        for (uint64_t i = j; i < trace->child_n; i++) {
            to[2 * i] += from[2 * trace->kept[i]];
            to[2 * i + 1] += from[2 * trace->kept[i] + 1];
        }
    }
}

static eegpu_status trace_columns(void *context, uint64_t first, uint64_t last, int worker)
{
    const trace_out *trace = context;
    (void)worker;
    for (uint64_t j = first; j < last; j++)
        trace->is_complex ? column_complex(trace, j) : column_real(trace, j);
    return EEGPU_OK;
}

eegpu_status eg_partial_trace(eg_budget *budget, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                              double *child, int threads)
{
    uint64_t left_bits = eg_low_mask(parent_bits) & ~kept_bits;
    trace_out trace = {.is_complex = is_complex, .n = UINT64_C(1) << parent_bits, .parent = parent, .child = child};
    uint64_t *kept = NULL, *left = NULL;
    eegpu_status status = EEGPU_OK;
    trace.child_n = UINT64_C(1) << eg_popcount(kept_bits);
    trace.terms = UINT64_C(1) << eg_popcount(left_bits);
    EG_TRY(eg_allocate(budget, trace.child_n, sizeof *kept, "the indices of a partial trace", &kept));
    EG_TRY(eg_allocate(budget, trace.terms, sizeof *left, "the indices of a partial trace", &left));
    for (uint64_t i = 0; i < trace.child_n; i++)
        kept[i] = eg_deposit(i, kept_bits);
    for (uint64_t t = 0; t < trace.terms; t++)
        left[t] = eg_deposit(t, left_bits);
    trace.kept = kept;
    trace.left = left;
    EG_TRY(eg_parallel_for(trace.child_n * trace.n < 1 << 20 ? 1 : threads, trace.child_n, 16, trace_columns, &trace));
done:
    eg_release(budget, kept);
    eg_release(budget, left);
    return status;
}
