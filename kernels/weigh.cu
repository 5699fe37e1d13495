/* An integer Gram matrix, weighted: K(i, j) becomes the double of D^1/2 K D^1/2 in place, for i >= j, with the bits of the CPU; and
 * three sums over the matrix as 128-bit integers.
 * In: n x n counts, column-major, `n` weights. Out: doubles in the place of the counts; sums[0..5] (kernels.h), behind them
 * scratch. A thread adds in 128 bits, a block in shared memory; blocks meet in twelve limbs of 32 bits, each in a word of 64, so
 * that no carry is lost, and a last small kernel carries. Integers throughout: the order does not matter. Called by
 * host/backend/. */
#include "kernels.h"
#include "launch.h"

#include <cstring>

namespace
{
__extension__ typedef unsigned __int128 wide;

constexpr unsigned BLOCK_THREADS = 256, SUMS = 3, LIMBS = 4;
constexpr uint64_t MOST_BLOCKS = 1024; /* below 2^32: a limb's word holds that many limbs */
static_assert(EG_WEIGH_WORDS == 2 * SUMS + LIMBS * SUMS, "the room of the sums and their limbs");

/* To nearest, ties to even, as a CPU converts: the 64 leading bits, the lowest of them set when a bit below is lost, round like
 * the whole number. By hand, because nothing is promised of this conversion on a device. */
__device__ double double_of(wide number)
{
    uint64_t high = (uint64_t)(number >> 64);
    if (high == 0)
        return (double)(uint64_t)number;
    int shift = 64 - __clzll((long long)high);
    wide lost = number & (((wide)1 << shift) - 1);
    return (double)((uint64_t)(number >> shift) | (lost != 0)) * 2 * (double)(UINT64_C(1) << (shift - 1));
}

__global__ void __launch_bounds__(BLOCK_THREADS)
    weigh(uint64_t n, bool all_ones, const uint64_t *weight, uint64_t *counts, uint64_t *limbs)
{
    __shared__ wide part[SUMS][BLOCK_THREADS];
    wide trace = 0, squares = 0, entries = 0;
    for (uint64_t j = blockIdx.x; j < n; j += gridDim.x)
        for (uint64_t i = j + threadIdx.x; i < n; i += BLOCK_THREADS) {
            uint64_t k = counts[j * n + i], left = all_ones ? 1 : weight[i], right = all_ones ? 1 : weight[j];
            wide both = (wide)left * right, entry = both * k, times = i == j ? 1 : 2;
            trace += i == j ? (wide)k * left : 0;
            squares += times * entry * k;
            entries += times * entry;
            double value = all_ones ? (double)k : i == j ? (double)k * (double)left : (double)k * sqrt(double_of(both));
            memcpy(&counts[j * n + i], &value, sizeof value);
        }
    part[0][threadIdx.x] = trace;
    part[1][threadIdx.x] = squares;
    part[2][threadIdx.x] = entries;
    __syncthreads();
    for (unsigned half = BLOCK_THREADS / 2; half > 0; half /= 2) {
        for (unsigned s = 0; s < SUMS && threadIdx.x < half; s++)
            part[s][threadIdx.x] += part[s][threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x < LIMBS * SUMS) {
        uint32_t limb = (uint32_t)(part[threadIdx.x / LIMBS][0] >> (32 * (threadIdx.x % LIMBS)));
        atomicAdd((unsigned long long *)&limbs[threadIdx.x], (unsigned long long)limb);
    }
}

__global__ void __launch_bounds__(SUMS) carry(const uint64_t *limbs, uint64_t *sums)
{
    wide sum = 0;
    for (unsigned limb = LIMBS; limb-- > 0;)
        sum = (sum << 32) + limbs[LIMBS * threadIdx.x + limb];
    sums[2 * threadIdx.x] = (uint64_t)sum;
    sums[2 * threadIdx.x + 1] = (uint64_t)(sum >> 64);
}
} // namespace

cudaError_t eg_launch_weigh(uint64_t n, bool all_ones, const uint64_t *weight, uint64_t *counts, uint64_t *sums,
                            cudaStream_t stream)
{
    uint64_t *limbs = sums + 2 * SUMS;
    cudaError_t error = cudaMemsetAsync(sums, 0, EG_WEIGH_WORDS * sizeof *sums, stream);
    if (error == cudaSuccess)
        error =
            eg_launch(weigh, dim3(eg_blocks(n, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, n, all_ones, weight, counts, limbs);
    if (error == cudaSuccess)
        error = eg_launch(carry, dim3(1), dim3(SUMS), 0, stream, limbs, sums);
    return error;
}
