/* Which vectors of packed bits are equal.
 * In: `count` vectors of `words` words and their hashes (hash.cu). insert: into an open-addressed table of vector numbers; find:
 * out of it, leader[i] and the sums of weights (kernels.h). A slot belongs to the first vector that takes it and to all that equal
 * it, for good; equal vectors probe the same slots, so that they meet in one, and the lowest number stays. Which slot a class gets
 * depends on the order of the threads, the leaders and the sums do not. Short vectors are compared by 1 to 32 threads of a warp,
 * long ones by a block. Called by host/backend/; does not move vectors. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned BLOCK_THREADS = 256, WARP = 32, WHOLE_WARP = 0xffffffff, ROUNDS = 4;
constexpr uint64_t LONG_WORDS = 2048, MOST_BLOCKS = uint64_t(1) << 20;

/* ---- The threads that handle one vector; each call is made by all threads of the warp or block ---- */

struct few_threads {
    unsigned size; /* a power of two, at most WARP */

    __device__ unsigned rank() const { return threadIdx.x % size; }
    __device__ uint64_t number() const { return ((uint64_t)blockIdx.x * BLOCK_THREADS + threadIdx.x) / size; }
    __device__ uint64_t groups() const { return (uint64_t)gridDim.x * BLOCK_THREADS / size; }
    __device__ bool is_any_busy(bool is_busy) const { return __any_sync(WHOLE_WARP, is_busy); }
    __device__ uint32_t of_first(uint32_t value) const { return __shfl_sync(WHOLE_WARP, value, threadIdx.x % WARP / size * size); }
    __device__ bool any(bool value) const
    {
        unsigned result = value;
        for (unsigned distance = size / 2; distance > 0; distance /= 2)
            result |= __shfl_xor_sync(WHOLE_WARP, result, distance);
        return result != 0;
    }
};

struct whole_block {
    unsigned size; /* BLOCK_THREADS */

    __device__ unsigned rank() const { return threadIdx.x; }
    __device__ uint64_t number() const { return blockIdx.x; }
    __device__ uint64_t groups() const { return gridDim.x; }
    __device__ bool is_any_busy(bool is_busy) const { return is_busy; }
    __device__ uint32_t of_first(uint32_t value) const
    {
        __shared__ uint32_t told;
        __syncthreads();
        if (threadIdx.x == 0)
            told = value;
        __syncthreads();
        return told;
    }
    __device__ bool any(bool value) const { return __syncthreads_or(value) != 0; }
};

/* ---- The table ---- */

struct table {
    uint64_t count, words;
    const uint64_t *vectors, *hash;
    uint64_t slot_mask;
};

struct holding {
    uint64_t slot;
    uint32_t vector;
};

/* The slot of vector i and who is there; `look` says who holds a slot. */
template <class Group, class Look> __device__ holding seek(const Group &group, const table &of, uint64_t i, Look look)
{
    uint64_t hash = i < of.count ? of.hash[i] : 0, slot = hash & of.slot_mask;
    bool is_busy = hash != 0;
    holding result = {0, EG_NO_VECTOR};
    for (; group.is_any_busy(is_busy); slot = (slot + 1) & of.slot_mask) {
        uint32_t seen = group.of_first(is_busy && group.rank() == 0 ? look(slot) : EG_NO_VECTOR);
        bool is_empty = seen == EG_NO_VECTOR, differs = !is_empty && of.hash[seen] != hash;
        for (uint64_t w = group.rank(); !is_empty && !differs && seen != i && w < of.words; w += group.size)
            differs = of.vectors[seen * of.words + w] != of.vectors[i * of.words + w];
        differs = group.any(differs);
        if (is_busy && !differs) {
            result = {slot, seen};
            is_busy = false;
        }
    }
    return result;
}

/* sum[leader] += weight for each thread of a warp that `is_adding`. Masses of equal vectors would queue at one address: those
 * with the lowest leader add up first, a few times over. */
__device__ void add_weights(bool is_adding, uint32_t leader, uint64_t weight, uint64_t *sum)
{
    for (unsigned round = 0; round < ROUNDS && __any_sync(WHOLE_WARP, is_adding); round++) {
        uint32_t chosen = is_adding ? leader : EG_NO_VECTOR;
        for (unsigned distance = WARP / 2; distance > 0; distance /= 2) {
            uint32_t other = __shfl_xor_sync(WHOLE_WARP, chosen, distance);
            chosen = other < chosen ? other : chosen;
        }
        bool is_chosen = is_adding && leader == chosen;
        uint64_t part = is_chosen ? weight : 0;
        for (unsigned distance = WARP / 2; distance > 0; distance /= 2)
            part += __shfl_xor_sync(WHOLE_WARP, part, distance);
        if (threadIdx.x % WARP == 0)
            atomicAdd((unsigned long long *)&sum[chosen], (unsigned long long)part);
        is_adding = is_adding && !is_chosen;
    }
    if (is_adding)
        atomicAdd((unsigned long long *)&sum[leader], (unsigned long long)weight);
}

template <class Group> __global__ void __launch_bounds__(BLOCK_THREADS) insert(Group group, table of, uint32_t *slots)
{
    for (uint64_t start = 0; start < of.count; start += group.groups()) {
        uint64_t i = start + group.number();
        holding held = seek(group, of, i, [=](uint64_t slot) {
            uint32_t seen = __ldcg(&slots[slot]); /* past the first level of cache; an old value costs time, not truth */
            return seen == EG_NO_VECTOR ? atomicCAS(&slots[slot], (uint32_t)EG_NO_VECTOR, (uint32_t)i) : seen;
        });
        if (group.rank() == 0 && held.vector != EG_NO_VECTOR && i < held.vector)
            atomicMin(&slots[held.slot], (uint32_t)i);
    }
}

template <class Group>
__global__ void __launch_bounds__(BLOCK_THREADS)
    find(Group group, table of, const uint32_t *slots, const uint64_t *weight, int shift, uint32_t *leader, uint64_t *sum)
{
    for (uint64_t start = 0; start < of.count; start += group.groups()) {
        uint64_t i = start + group.number();
        holding held = seek(group, of, i, [=](uint64_t slot) { return slots[slot]; });
        bool is_mine = group.rank() == 0 && i < of.count, is_adding = is_mine && held.vector != EG_NO_VECTOR;
        if (is_mine)
            leader[i] = held.vector;
        add_weights(is_adding, held.vector, is_adding ? weight[i >> shift] : 0, sum);
    }
}

unsigned blocks_for(uint64_t count, unsigned size)
{
    return eg_blocks((count * size + BLOCK_THREADS - 1) / BLOCK_THREADS, MOST_BLOCKS);
}

unsigned threads_for(uint64_t words)
{
    unsigned size = 1;
    while (size < WARP && 2 * size <= words)
        size *= 2;
    return words < LONG_WORDS ? size : BLOCK_THREADS;
}
} // namespace

cudaError_t eg_launch_insert(uint64_t count, uint64_t words, const uint64_t *vectors, const uint64_t *hash, uint64_t slot_mask,
                             uint32_t *slots, cudaStream_t stream)
{
    table of = {count, words, vectors, hash, slot_mask};
    unsigned size = threads_for(words), blocks = blocks_for(count, size);
    if (size > WARP)
        return eg_launch(insert<whole_block>, dim3(blocks), dim3(BLOCK_THREADS), 0, stream, whole_block{size}, of, slots);
    return eg_launch(insert<few_threads>, dim3(blocks), dim3(BLOCK_THREADS), 0, stream, few_threads{size}, of, slots);
}

cudaError_t eg_launch_find(uint64_t count, uint64_t words, const uint64_t *vectors, const uint64_t *hash, uint64_t slot_mask,
                           const uint32_t *slots, const uint64_t *weight, int shift, uint32_t *leader, uint64_t *sum,
                           cudaStream_t stream)
{
    table of = {count, words, vectors, hash, slot_mask};
    unsigned size = threads_for(words), blocks = blocks_for(count, size);
    if (size > WARP)
        return eg_launch(find<whole_block>, dim3(blocks), dim3(BLOCK_THREADS), 0, stream, whole_block{size}, of, slots, weight,
                         shift, leader, sum);
    return eg_launch(find<few_threads>, dim3(blocks), dim3(BLOCK_THREADS), 0, stream, few_threads{size}, of, slots, weight, shift,
                     leader, sum);
}
