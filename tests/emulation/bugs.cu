/* Planted bugs: every kernel is meant to reverse each block of BUG_BLOCK numbers, target[64 b + t] = source[64 b + 63 - t], and
 * all but `right` do it wrong in one way that compilers do not see. Called by test_bugs.c, which looks at how each is caught.
 * Nothing of the engine is in here; EG_DYNAMIC_SHARED of launch.h is tested by it. */
#include "bugs.h"

#include <cstring>

#include "launch.h"

namespace
{

__device__ bool has_place(int count) { return blockIdx.x * blockDim.x + threadIdx.x < (unsigned)count; }

__device__ void reverse(double *target, const double *source, double *tile, int count)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    tile[threadIdx.x] = has_place(count) ? source[i] : 0;
    __syncthreads();
    if (has_place(count))
        target[i] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void right(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    reverse(target, source, tile, count);
}

__global__ void right_with_dynamic_shared(double *target, const double *source, int count)
{
    EG_DYNAMIC_SHARED(double, tile);
    reverse(target, source, tile, count);
}

/* The same with shuffles: reversed in each warp, and the two warps change places. */
__global__ void right_with_shuffles(double *target, const double *source, int)
{
    __shared__ double sums[2];
    unsigned first = blockIdx.x * blockDim.x, other = threadIdx.x ^ 32;
    double reversed = __shfl_sync(~0u, source[first + other], 31 - (int)threadIdx.x % 32), sum = reversed;
    for (int distance = 16; distance > 0; distance /= 2)
        sum += __shfl_xor_sync(~0u, sum, distance);
    if (threadIdx.x % 32 == 0)
        sums[threadIdx.x / 32] = sum;
    bool up = __ballot_sync(~0u, threadIdx.x % 2) == 0xaaaaaaaau && __shfl_down_sync(~0u, threadIdx.x, 1) >= threadIdx.x &&
              __shfl_up_sync(~0u, threadIdx.x, 1) <= threadIdx.x;
    int odd = __syncthreads_count(threadIdx.x % 2);
    target[first + threadIdx.x] = up && odd == BUG_BLOCK / 2 && sums[0] != sums[1] ? reversed : -1;
}

__global__ void past_the_end(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    reverse(target, source, tile, count);
    if (blockIdx.x * blockDim.x + threadIdx.x == (unsigned)count - 1)
        target[count] = 0;
}

__global__ void past_shared(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    const double *next = tile + 1;
    reverse(target, source, tile, count);
    target[blockIdx.x * blockDim.x + threadIdx.x] += next[threadIdx.x];
}

__global__ void past_dynamic_shared(double *target, const double *source, int count)
{
    EG_DYNAMIC_SHARED(double, tile);
    reverse(target, source, tile, count);
    tile[threadIdx.x + 1] = 0;
}

__global__ void unwritten_shared(double *target, const double *source, int count)
{
    EG_DYNAMIC_SHARED(double, tile);
    if (threadIdx.x > 0)
        tile[threadIdx.x] = source[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    if (has_place(count))
        target[blockIdx.x * blockDim.x + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void overflow(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    reverse(target, source, tile, count);
    int bytes = count * 20000000; /* of 128 numbers: more than 2^31 */
    if (threadIdx.x == 0 && bytes == 1)
        target[0] = bytes;
}

__global__ void missing_barrier(double *target, const double *source, int)
{
    __shared__ double tile[BUG_BLOCK];
    unsigned first = blockIdx.x * blockDim.x;
    tile[threadIdx.x] = source[first + threadIdx.x];
    target[first + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

/* Every thread needs what the one before it wrote, which is there already when threads run in the forward order. */
__global__ void hidden_missing_barrier(double *target, const double *source, int)
{
    __shared__ double tile[BUG_BLOCK];
    unsigned first = blockIdx.x * blockDim.x, mirror = blockDim.x - 1 - threadIdx.x;
    tile[threadIdx.x] = source[first + (mirror > 0 ? mirror - 1 : 0)];
    target[first + threadIdx.x] = threadIdx.x == 0 ? source[first + mirror] : tile[threadIdx.x - 1];
}

/* A shuffle lets the lanes wait for one another, but does not order what they write. */
__global__ void missing_warp_barrier(double *target, const double *source, int)
{
    __shared__ double tile[BUG_BLOCK];
    unsigned first = blockIdx.x * blockDim.x;
    tile[threadIdx.x] = source[first + threadIdx.x];
    int one = __shfl_sync(~0u, 1, 0);
    target[first + (threadIdx.x ^ 32)] = tile[threadIdx.x ^ 31] * one;
}

__global__ void divergent_barrier(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    reverse(target, source, tile, count);
    if (threadIdx.x == 0)
        __syncthreads();
}

__global__ void divergent_shuffle(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    if (threadIdx.x % 32 < 16)
        target[blockIdx.x * blockDim.x + threadIdx.x] = __shfl_xor_sync(~0u, source[threadIdx.x], 1);
    reverse(target, source, tile, count);
}

__global__ void shuffle_outside_the_mask(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    reverse(target, source, tile, count);
    __syncwarp(0xffff);
}

__global__ void atomics(double *target, const double *source, int count)
{
    __shared__ double tile[BUG_BLOCK];
    __shared__ unsigned most, least, ored;
    __shared__ unsigned long long sum;
    __shared__ int cas;
    if (threadIdx.x == 0) {
        most = ored = 0;
        least = ~0u;
        sum = 0;
        cas = -1;
    }
    __syncthreads();
    atomicMax(&most, threadIdx.x);
    atomicMin(&least, threadIdx.x);
    atomicOr(&ored, threadIdx.x);
    atomicAdd(&sum, threadIdx.x);
    int before = atomicCAS(&cas, -1, (int)threadIdx.x);
    reverse(target, source, tile, count);
    bool good = most == BUG_BLOCK - 1 && least == 0 && ored == BUG_BLOCK - 1 && sum == BUG_BLOCK * (BUG_BLOCK - 1) / 2 &&
                (before == -1 || before == cas);
    if (!good)
        target[blockIdx.x * blockDim.x + threadIdx.x] = -1;
}

const struct {
    const char *name;
    void (*kernel)(double *, const double *, int);
} kernels[] = {
    {"right", right},
    {"right_with_dynamic_shared", right_with_dynamic_shared},
    {"right_with_shuffles", right_with_shuffles},
    {"atomics", atomics},
    {"past_the_end", past_the_end},
    {"past_shared", past_shared},
    {"past_dynamic_shared", past_dynamic_shared},
    {"unwritten_shared", unwritten_shared},
    {"overflow", overflow},
    {"missing_barrier", missing_barrier},
    {"hidden_missing_barrier", hidden_missing_barrier},
    {"missing_warp_barrier", missing_warp_barrier},
    {"divergent_barrier", divergent_barrier},
    {"divergent_shuffle", divergent_shuffle},
    {"shuffle_outside_the_mask", shuffle_outside_the_mask},
};

} // namespace

cudaError_t bugs_launch(const char *kernel, unsigned blocks, size_t shared, double *target, const double *source, int count,
                        cudaStream_t stream)
{
    for (const auto &row : kernels)
        if (strcmp(row.name, kernel) == 0)
            return eg_launch(row.kernel, dim3(blocks), dim3(BUG_BLOCK), shared, stream, target, source, count);
    return cudaErrorInvalidDeviceFunction;
}
