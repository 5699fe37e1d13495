/* The density matrix of one row a class: merged(i, j) = matrix(row[i], row[j]) * sqrt(weight[i] * weight[j]), lower triangles,
 * count x count from n x n, reals or pairs. Called for every block of merged rows. An entry that is not in the lower triangle is
 * the conjugate of the one that is. A block reads parts of a column, in order where the rows are; writes are in order always. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned THREADS = 256, MOST_STRIPS = 512;

__device__ double scaled(double value, double weight, bool) { return value * weight; }
__device__ double2 scaled(double2 value, double weight, bool is_below)
{
    return {value.x * weight, (is_below ? value.y : -value.y) * weight};
}

template <class Number>
__global__ void __launch_bounds__(THREADS)
    merge(uint64_t n, const Number *matrix, uint64_t count, const uint32_t *row, const double *weight, Number *merged)
{
    uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    uint64_t from_row = row[i];
    double row_weight = weight[i];
    for (uint64_t j = blockIdx.y; j <= i; j += gridDim.y) {
        uint64_t from_column = row[j];
        bool is_below = from_row >= from_column;
        Number value = matrix[is_below ? from_column * n + from_row : from_row * n + from_column];
        merged[j * count + i] = scaled(value, sqrt(row_weight * weight[j]), is_below);
    }
}
} // namespace

cudaError_t eg_launch_merge(bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                            const double *weight, double *merged, cudaStream_t stream)
{
    dim3 grid((unsigned)(count / THREADS + (count % THREADS != 0)), (unsigned)(count < MOST_STRIPS ? count : MOST_STRIPS));
    if (is_complex)
        return eg_launch(merge<double2>, grid, dim3(THREADS), 0, stream, n, (const double2 *)matrix, count, row, weight,
                         (double2 *)merged);
    return eg_launch(merge<double>, grid, dim3(THREADS), 0, stream, n, matrix, count, row, weight, merged);
}
