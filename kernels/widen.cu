/* Floats as doubles, exactly: target[i] = source[i] for `count` of them. Called by host/backend/ once a state that was given in
 * single precision, and as the first kernel on a device. A thread keeps several reads in flight; both sides are read and written
 * in full segments. It does not scale. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr int EACH = 4;
constexpr unsigned THREADS = 256, BLOCK = THREADS * EACH, MOST_BLOCKS = 1 << 20;

__global__ void __launch_bounds__(THREADS) widen(const float *source, uint64_t count, double *target)
{
    for (uint64_t start = (uint64_t)blockIdx.x * BLOCK; start < count; start += (uint64_t)gridDim.x * BLOCK) {
        float number[EACH] = {};
        for (int k = 0; k < EACH; k++) {
            uint64_t i = start + k * THREADS + threadIdx.x;
            if (i < count)
                number[k] = source[i];
        }
        for (int k = 0; k < EACH; k++) {
            uint64_t i = start + k * THREADS + threadIdx.x;
            if (i < count)
                target[i] = number[k];
        }
    }
}
} // namespace

cudaError_t eg_launch_widen(const float *source, uint64_t count, double *target, cudaStream_t stream)
{
    return eg_launch(widen, dim3(eg_blocks(count / BLOCK + 1, MOST_BLOCKS)), dim3(THREADS), 0, stream, source, count, target);
}
