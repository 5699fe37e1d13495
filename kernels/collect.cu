/* The leading vectors (distinct.cu) and their sums, moved together in rising order.
 * In: `count` vectors of `words` words, leader[count], sum[count]. count_leaders: how many of each EG_LEADER_BLOCK numbers lead;
 * collect: the leaders of block b to places start[b] on of to_vectors and to_sums. A block numbers its leaders by a scan, lists
 * them in shared memory and copies them, `lanes` threads a vector; long vectors are copied in slices. Called by host/backend/. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned BLOCK_THREADS = 256, WARP = 32, WARPS = BLOCK_THREADS / WARP, EACH = EG_LEADER_BLOCK / BLOCK_THREADS;
constexpr uint64_t SLICE_WORDS = 4096, MOST_BLOCKS = (uint64_t(1) << 31) - 1, MOST_SLICES = 65535;

/* Bit k: number `number` + k leads. */
__device__ unsigned leading(uint64_t count, const uint32_t *leader, uint64_t number)
{
    unsigned bits = 0;
    for (unsigned k = 0; k < EACH; k++)
        bits |= (unsigned)(number + k < count && leader[number + k] == number + k) << k;
    return bits;
}

/* The sum of `own` over the threads before this one; *all: over all of the block. */
__device__ unsigned sum_before(unsigned own, unsigned *all)
{
    __shared__ unsigned of_warp[WARPS];
    unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, sum = own, before = 0;
    for (unsigned distance = 1; distance < WARP; distance *= 2) {
        unsigned lower = __shfl_up_sync(0xffffffff, sum, distance);
        sum += lane >= distance ? lower : 0;
    }
    if (lane == WARP - 1)
        of_warp[warp] = sum;
    __syncthreads();
    *all = 0;
    for (unsigned w = 0; w < WARPS; w++) {
        before += w < warp ? of_warp[w] : 0;
        *all += of_warp[w];
    }
    __syncthreads();
    return before + sum - own;
}

__global__ void __launch_bounds__(BLOCK_THREADS)
    count_leaders(uint64_t count, uint64_t blocks, const uint32_t *leader, uint32_t *found)
{
    for (uint64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        unsigned all;
        sum_before((unsigned)__popcll(leading(count, leader, block * EG_LEADER_BLOCK + EACH * threadIdx.x)), &all);
        if (threadIdx.x == 0)
            found[block] = all;
    }
}

__global__ void __launch_bounds__(BLOCK_THREADS)
    collect(uint64_t count, uint64_t blocks, uint64_t words, unsigned lanes, const uint64_t *vectors, const uint32_t *leader,
            const uint64_t *sum, const uint32_t *start, uint64_t *to_vectors, uint64_t *to_sums)
{
    __shared__ uint32_t list[EG_LEADER_BLOCK];
    uint64_t rank = threadIdx.x % lanes, stride = (uint64_t)gridDim.y * lanes;
    for (uint64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        uint64_t number = block * EG_LEADER_BLOCK + EACH * threadIdx.x, place = start[block];
        unsigned bits = leading(count, leader, number), all, next = sum_before((unsigned)__popcll(bits), &all);
        for (unsigned k = 0; k < EACH; k++)
            if (bits >> k & 1)
                list[next++] = (uint32_t)(number + k);
        __syncthreads();
        for (unsigned n = threadIdx.x; blockIdx.y == 0 && n < all; n += BLOCK_THREADS)
            to_sums[place + n] = sum[list[n]];
        for (unsigned n = threadIdx.x / lanes; n < all; n += BLOCK_THREADS / lanes)
            for (uint64_t w = blockIdx.y * lanes + rank; w < words; w += stride)
                to_vectors[(place + n) * words + w] = vectors[list[n] * words + w];
        __syncthreads();
    }
}

uint64_t blocks_of(uint64_t count) { return (count + EG_LEADER_BLOCK - 1) / EG_LEADER_BLOCK; }
} // namespace

cudaError_t eg_launch_count_leaders(uint64_t count, const uint32_t *leader, uint32_t *found, cudaStream_t stream)
{
    uint64_t blocks = blocks_of(count);
    return eg_launch(count_leaders, dim3(eg_blocks(blocks, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, count, blocks, leader,
                     found);
}

cudaError_t eg_launch_collect(uint64_t count, uint64_t words, const uint64_t *vectors, const uint32_t *leader, const uint64_t *sum,
                              const uint32_t *start, uint64_t *to_vectors, uint64_t *to_sums, cudaStream_t stream)
{
    uint64_t blocks = blocks_of(count);
    unsigned lanes = 1;
    while (lanes < BLOCK_THREADS && 2 * lanes <= words)
        lanes *= 2;
    dim3 grid(eg_blocks(blocks, MOST_BLOCKS), eg_blocks(words / SLICE_WORDS, MOST_SLICES));
    return eg_launch(collect, grid, dim3(BLOCK_THREADS), 0, stream, count, blocks, words, lanes, vectors, leader, sum, start,
                     to_vectors, to_sums);
}
