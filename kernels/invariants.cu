/* Trace and squared Frobenius norm of a Hermitian n x n matrix from its lower triangle: the check that every spectrum passes. First
 * each block adds whole columns into a pair of partial sums in `scratch`, then one block adds the pairs. Threads, blocks and the
 * order of every sum depend on n alone, so the same matrix gives the same bits on every device. A diagonal entry counts with its
 * real part, an entry below it twice. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned THREADS = 256, GROUP = 16, MOST_BLOCKS = EG_INVARIANT_SCRATCH / 2;

__device__ double real_part(double value) { return value; }
__device__ double real_part(double2 value) { return value.x; }
__device__ double squared(double value) { return value * value; }
__device__ double squared(double2 value) { return value.x * value.x + value.y * value.y; }

/* to[0] and to[stride] = the sums of all threads' numbers: the first 16 threads add 16 each, then the first adds 16. */
__device__ void add_threads(double trace, double square, double *to, uint64_t stride)
{
    __shared__ double traces[THREADS], squares[THREADS];
    traces[threadIdx.x] = trace;
    squares[threadIdx.x] = square;
    for (unsigned count = THREADS; count > 1; count /= GROUP) {
        __syncthreads();
        for (unsigned i = threadIdx.x + count / GROUP; threadIdx.x < count / GROUP && i < count; i += count / GROUP) {
            traces[threadIdx.x] += traces[i];
            squares[threadIdx.x] += squares[i];
        }
    }
    if (threadIdx.x == 0) {
        to[0] = traces[0];
        to[stride] = squares[0];
    }
}

template <class Number> __global__ void __launch_bounds__(THREADS) add_columns(uint64_t n, const Number *matrix, double *scratch)
{
    double trace = 0, square = 0, below = 0;
    for (uint64_t j = blockIdx.x; j < n; j += gridDim.x) {
        const Number *column = matrix + j * n;
        for (uint64_t i = j + 1 + threadIdx.x; i < n; i += THREADS)
            below += squared(column[i]);
        if (threadIdx.x == 0) {
            double diagonal = real_part(column[j]);
            trace += diagonal;
            square += diagonal * diagonal;
        }
    }
    add_threads(trace, square + 2 * below, scratch + blockIdx.x, MOST_BLOCKS);
}

__global__ void __launch_bounds__(THREADS) add_partial_sums(uint64_t count, const double *scratch, double *result)
{
    double trace = 0, square = 0;
    for (uint64_t i = threadIdx.x; i < count; i += THREADS) {
        trace += scratch[i];
        square += scratch[MOST_BLOCKS + i];
    }
    add_threads(trace, square, result, 1);
}
} // namespace

cudaError_t eg_launch_invariants(bool is_complex, uint64_t n, const double *matrix, double *scratch, double *result,
                                 cudaStream_t stream)
{
    uint64_t blocks = n < MOST_BLOCKS ? n : MOST_BLOCKS;
    dim3 grid((unsigned)blocks), threads(THREADS);
    cudaError_t error = is_complex ? eg_launch(add_columns<double2>, grid, threads, 0, stream, n, (const double2 *)matrix, scratch)
                                   : eg_launch(add_columns<double>, grid, threads, 0, stream, n, matrix, scratch);
    return error != cudaSuccess ? error : eg_launch(add_partial_sums, dim3(1), threads, 0, stream, blocks, scratch, result);
}
