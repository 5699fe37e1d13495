/* target[i] = standard normal number first + i of the stream EG_RANDOM_AMPLITUDES, i < count. Called once a random state. A thread
 * makes pairs. The numbers are those of the host bit by bit, because state/random.h is made of operations that IEEE 754 rounds in
 * one way only: to be compiled without fused multiply-add (--fmad=false, -ffp-contract=off). */
#include "kernels.h"
#include "launch.h"

#define EG_HOST_DEVICE static __host__ __device__ inline
#include "state/random.h"

namespace
{
constexpr unsigned THREADS = 256, MOST_BLOCKS = 1 << 20;

__global__ void __launch_bounds__(THREADS) random_pairs(uint64_t seed, uint64_t first, uint64_t pairs, double *target)
{
    for (uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x; i < pairs; i += (uint64_t)gridDim.x * THREADS) {
        double normal[2];
        eg_random_normal_pair(seed, EG_RANDOM_AMPLITUDES, first + i, normal);
        target[2 * i] = normal[0];
        target[2 * i + 1] = normal[1];
    }
}
} // namespace

cudaError_t eg_launch_random(uint64_t seed, uint64_t first, uint64_t count, double *target, cudaStream_t stream)
{
    return eg_launch(random_pairs, dim3(eg_blocks(count / 2 / THREADS + 1, MOST_BLOCKS)), dim3(THREADS), 0, stream, seed, first / 2,
                     count / 2, target);
}
