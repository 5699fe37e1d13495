/* rho of a region from rho of a larger one: child(i, j) = sum over t of parent(i t, j t), lower triangles of 2^k and 2^parent_bits
 * square matrices, reals or pairs. Called for every cut that is derived from another. One thread adds one entry over rising t, as
 * the CPU does. Neighbouring threads have neighbouring i: they read together where the lowest bits stay; where these are traced
 * out, the numbers between belong to no sum at all. A tiny child of a large parent has few threads and long sums, read eight at a
 * time: 2^15 terms are 4096 turns of a memory latency, a few milliseconds at worst; 512 terms of a 64 x 64 child, under 0.1
 * (estimates, not measured on a device yet). Called by host/backend/. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned THREADS = 256, MOST_STRIPS = 512;
constexpr int MOST_TERMS = 8;

__device__ void add(double &sum, double term) { sum += term; }

__device__ void add(double2 &sum, double2 term)
{
    sum.x += term.x;
    sum.y += term.y;
}

/* The bits of `value`, lowest first, at the bits of `mask`; those that find no place are lost. */
__device__ uint64_t deposit(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, value >>= 1)
        result |= value & 1 ? mask & (0 - mask) : 0;
    return result;
}

/* The sum of entry[t * step] over the numbers t that are made of the bits `left`, TERMS reads in flight. x -> (x - left) & left
 * goes through them in rising order and back to 0. They have 32 bits, as sides of matrices do. */
template <class Number, int TERMS> __device__ Number sum_terms(const Number *entry, uint64_t step, uint32_t left)
{
    Number sum = {}, term[TERMS];
    uint32_t t = 0;
    do {
        for (int k = 0; k < TERMS; k++) {
            term[k] = entry[t * step];
            t = (t - left) & left;
        }
        for (int k = 0; k < TERMS; k++)
            add(sum, term[k]);
    } while (t != 0);
    return sum;
}

/* A thread has row i of the child and every gridDim.y-th column, whose index in the parent grows by the deposit of that stride.
 * Not more than four blocks at once need fit: that leaves registers for eight reads. */
template <class Number, int TERMS>
__global__ void __launch_bounds__(THREADS, 4)
    partial_trace(uint64_t n, uint64_t kept, uint64_t child_n, const Number *parent, Number *child)
{
    uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x, j = blockIdx.y;
    if (i >= child_n || j > i)
        return;
    uint64_t row = deposit(i, kept), column = deposit(j, kept), stride = deposit(gridDim.y, kept);
    for (; j <= i; j += gridDim.y) {
        child[j * child_n + i] = sum_terms<Number, TERMS>(parent + column * n + row, n + 1, (uint32_t)((n - 1) & ~kept));
        column = ((column | ~kept) + stride) & kept;
    }
}

/* With as many reads at once as there are terms, a power of two; TERMS at most. */
template <class Number, int TERMS>
cudaError_t launch(uint64_t n, uint64_t kept, uint64_t child_n, const double *parent, double *child, cudaStream_t stream)
{
    if constexpr (TERMS > 1)
        if (child_n * TERMS > n)
            return launch<Number, TERMS / 2>(n, kept, child_n, parent, child, stream);
    dim3 grid((unsigned)(child_n / THREADS + (child_n % THREADS != 0)), (unsigned)(child_n < MOST_STRIPS ? child_n : MOST_STRIPS));
    return eg_launch(partial_trace<Number, TERMS>, grid, dim3((unsigned)(child_n < THREADS ? child_n : THREADS)), 0, stream, n,
                     kept, child_n, (const Number *)parent, (Number *)child);
}
} // namespace

cudaError_t eg_launch_partial_trace(bool is_complex, int parent_bits, uint64_t kept, const double *parent, double *child,
                                    cudaStream_t stream)
{
    uint64_t n = UINT64_C(1) << parent_bits, child_n = 1;
    for (uint64_t rest = kept; rest; rest &= rest - 1)
        child_n *= 2;
    return is_complex ? launch<double2, MOST_TERMS>(n, kept, child_n, parent, child, stream)
                      : launch<double, MOST_TERMS>(n, kept, child_n, parent, child, stream);
}
