/* A hash of every vector of packed bits: a function of its bits, 0 if and only if all of them are 0.
 * In: `count` vectors of `words` words; out: hash[count], one word each. Up to 32 threads add up a slice of one vector, every word
 * mixed with its place: a sum of integers, the same in any order. The sum's 63 bits stand above one bit that says whether any word
 * is not zero; slices of a long vector meet in atomics, and a second kernel ends the hash. Called by host/backend/ for
 * distinct.cu. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned BLOCK_THREADS = 256, WARP = 32, WHOLE_WARP = 0xffffffff;
constexpr uint64_t SLICE_WORDS = 4096, MOST_BLOCKS = uint64_t(1) << 20, ODD = 0x9e3779b97f4a7c15;

/* A bijection of 64 bits that spreads every bit over all (Steele, Lea and Flood 2014, with Stafford's constants). */
__device__ uint64_t mixed(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/* Bits outside the mask go; what is not zero stays so. */
__device__ uint64_t ended(uint64_t state, uint64_t mask)
{
    uint64_t hash = mixed(state) & mask;
    return (state & 1) == 0 ? 0 : hash != 0 ? hash : mask & (~mask + 1);
}

__global__ void __launch_bounds__(BLOCK_THREADS) hash_slices(uint64_t count, uint64_t words, uint64_t slices, unsigned lanes,
                                                             const uint64_t *vectors, uint64_t mask, uint64_t *hash)
{
    uint64_t thread = (uint64_t)blockIdx.x * BLOCK_THREADS + threadIdx.x, groups = (uint64_t)gridDim.x * BLOCK_THREADS / lanes;
    unsigned rank = threadIdx.x % lanes;
    for (uint64_t start = 0; start < count * slices; start += groups) {
        uint64_t item = start + thread / lanes, vector = slices == 1 ? item : item / slices, any = 0, sum = 0;
        uint64_t word = (item - vector * slices) * SLICE_WORDS,
                 last = slices > 1 && word + SLICE_WORDS < words ? word + SLICE_WORDS : words;
        for (word += rank; vector < count && word < last; word += lanes) {
            uint64_t bits = vectors[vector * words + word];
            sum += mixed(bits + (word + 1) * ODD);
            any |= bits;
        }
        for (unsigned distance = lanes / 2; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(WHOLE_WARP, sum, distance);
            any |= __shfl_xor_sync(WHOLE_WARP, any, distance);
        }
        if (vector < count && rank == 0 && slices == 1)
            hash[vector] = ended(sum << 1 | (any != 0), mask);
        else if (vector < count && rank == 0) {
            atomicAdd((unsigned long long *)&hash[vector], (unsigned long long)(sum << 1));
            atomicOr((unsigned long long *)&hash[vector], (unsigned long long)(any != 0));
        }
    }
}

__global__ void __launch_bounds__(BLOCK_THREADS) end_hashes(uint64_t count, uint64_t mask, uint64_t *hash)
{
    for (uint64_t i = (uint64_t)blockIdx.x * BLOCK_THREADS + threadIdx.x; i < count; i += (uint64_t)gridDim.x * BLOCK_THREADS)
        hash[i] = ended(hash[i], mask);
}

unsigned blocks_for(uint64_t threads) { return eg_blocks((threads + BLOCK_THREADS - 1) / BLOCK_THREADS, MOST_BLOCKS); }
} // namespace

cudaError_t eg_launch_hash(uint64_t count, uint64_t words, const uint64_t *vectors, uint64_t mask, uint64_t *hash,
                           cudaStream_t stream)
{
    uint64_t slices = (words + SLICE_WORDS - 1) / SLICE_WORDS;
    unsigned lanes = 1;
    while (lanes < WARP && 2 * lanes <= words)
        lanes *= 2;
    cudaError_t error = slices > 1 ? cudaMemsetAsync(hash, 0, count * sizeof *hash, stream) : cudaSuccess;
    if (error == cudaSuccess)
        error = eg_launch(hash_slices, dim3(blocks_for(count * slices * lanes)), dim3(BLOCK_THREADS), 0, stream, count, words,
                          slices, lanes, vectors, mask, hash);
    if (error == cudaSuccess && slices > 1)
        error = eg_launch(end_hashes, dim3(blocks_for(count)), dim3(BLOCK_THREADS), 0, stream, count, mask, hash);
    return error;
}
