/* Any permutation of index bits by way of tiles in shared memory; the kernel of permute.cu and permute_bits.cu. A tile is made of
 * the low bits of the places and of the places' bits that are low in the source, so that whole segments are read and whole segments
 * written: 32 doubles or more when both sides have nothing in common, 2048 when they begin alike. A block moves one tile, 2^8
 * threads times 1 to 8 numbers each; all offsets are sums of entries of an eg_tile_map, which is made on the host and travels
 * as the kernel's parameter. */
#ifndef EG_KERNELS_PERMUTE_H
#define EG_KERNELS_PERMUTE_H

#include "kernels.h"
#include "launch.h"

enum {
    EG_TILE_THREAD_BITS = 8,
    EG_TILE_MOST_ROUNDS = 8,
    EG_TILE_CHUNK_BITS = 4,
    EG_TILE_CHUNKS =
        EG_MOST_INDEX_BITS / EG_TILE_CHUNK_BITS - 2 /* a grid of more than one block has at least 2^8 places in a tile */
};

/* What something adds to an offset in global memory, and flips in the number of a slot in shared memory. */
struct eg_tile_step {
    uint64_t offset;
    uint32_t slot;
};

/* One side of the permutation, source or places: the steps of the bits of the thread's number, of each round, and of the block's
 * number four bits at a time. */
struct eg_tile_side {
    eg_tile_step thread[EG_TILE_THREAD_BITS], round[EG_TILE_MOST_ROUNDS];
    uint64_t block[EG_TILE_CHUNKS][1 << EG_TILE_CHUNK_BITS];
};

struct eg_tile_map {
    eg_tile_side source, place;
    uint64_t base;
};

static_assert(sizeof(eg_tile_map) + 64 <= 4096, "the parameters of a kernel have 4 KB");

/* ---- The kernel ---- */

static __device__ inline eg_tile_step eg_tile_start(const eg_tile_side &side)
{
    eg_tile_step start = {0, 0};
    uint32_t rest = blockIdx.x;
    for (int chunk = 0; rest != 0; chunk++, rest >>= EG_TILE_CHUNK_BITS)
        start.offset += side.block[chunk][rest % (1 << EG_TILE_CHUNK_BITS)];
    for (int b = 0; b < EG_TILE_THREAD_BITS; b++) {
        uint32_t chosen = 0 - (threadIdx.x >> b & 1);
        start.offset += side.thread[b].offset & (chosen | (uint64_t)chosen << 32);
        start.slot ^= side.thread[b].slot & chosen;
    }
    return start;
}

/* source[index] is the number at an index. Neighbouring threads read neighbours, change places in the tile, write neighbours. */
template <class Source, class Number, int ROUNDS>
__global__ void __launch_bounds__(1 << EG_TILE_THREAD_BITS) eg_permute_tiles(Source source, const eg_tile_map map, Number *panel)
{
    __shared__ Number tile[ROUNDS << EG_TILE_THREAD_BITS];
    eg_tile_step in = eg_tile_start(map.source);
    Number number[ROUNDS];
    for (int r = 0; r < ROUNDS; r++)
        number[r] = source[map.base + in.offset + map.source.round[r].offset];
    for (int r = 0; r < ROUNDS; r++)
        tile[in.slot ^ map.source.round[r].slot] = number[r];
    eg_tile_step out = eg_tile_start(map.place);
    __syncthreads();
    for (int r = 0; r < ROUNDS; r++)
        panel[out.offset + map.place.round[r].offset] = tile[out.slot ^ map.place.round[r].slot];
}

/* ---- Its map, made on the host ---- */

/* The bits of the places, lowest of the places and lowest of the source by turns. The first of them make a tile; the others number
 * the blocks, so that blocks that run at the same time are near one another on both sides. */
static inline void eg_tile_order(const eg_index_map *map, const int *place_of, int *order)
{
    uint64_t taken = 0;
    int count = 0;
    for (int level = 0; level < 64; level++) {
        for (int t : {level < map->bits ? level : -1, place_of[level]}) {
            if (t >= 0 && !(taken >> t & 1))
                order[count++] = t;
            taken |= t >= 0 ? UINT64_C(1) << t : 0;
        }
    }
}

/* slot[t]: what bit t of the place flips in the number of the slot, for all t of the tile. in_place and in_source are the tile's
 * bits, lowest first. Slots are numbered as the places, and in addition each of the lowest bits of the source has one of the
 * `bank_bits` low bits of the slot for itself: no two threads of a group meet in a bank, neither by source nor by place. */
static inline void eg_tile_slots(const int *in_place, const int *in_source, int tile_bits, int bank_bits, uint32_t *slot)
{
    uint32_t used = 0;
    for (int x = 0; x < tile_bits; x++)
        slot[in_place[x]] = UINT32_C(1) << x;
    for (int y = 0; y < bank_bits && y < tile_bits; y++)
        used |= slot[in_source[y]];
    for (int y = 0, bank = 0; y < bank_bits && y < tile_bits; y++) {
        if (slot[in_source[y]] >> bank_bits == 0)
            continue;
        while (used >> bank & 1)
            bank++;
        slot[in_source[y]] |= UINT32_C(1) << bank++;
    }
}

/* The steps of the tile's bits, bit[0 .. tile_bits) with the offsets 2^offset_bit[bit[b]]: threads first, then rounds. */
static inline void eg_tile_steps(const int *bit, const int *offset_bit, int tile_bits, const uint32_t *slot, eg_tile_side *side)
{
    for (int b = 0; b < tile_bits; b++) {
        eg_tile_step step = {UINT64_C(1) << offset_bit[bit[b]], slot[bit[b]]};
        if (b < EG_TILE_THREAD_BITS)
            side->thread[b] = step;
        for (int r = 0, place = b - EG_TILE_THREAD_BITS; place >= 0 && r < EG_TILE_MOST_ROUNDS; r++) {
            side->round[r].offset += r >> place & 1 ? step.offset : 0;
            side->round[r].slot ^= r >> place & 1 ? step.slot : 0;
        }
    }
}

static inline void eg_tile_blocks(const int *bit, const int *offset_bit, int count, eg_tile_side *side)
{
    for (int b = 0; b < count; b++)
        for (int value = 0; value < 1 << EG_TILE_CHUNK_BITS; value++)
            if (value >> b % EG_TILE_CHUNK_BITS & 1)
                side->block[b / EG_TILE_CHUNK_BITS][value] += UINT64_C(1) << offset_bit[bit[b]];
}

static inline eg_tile_map eg_make_tile_map(const eg_index_map *map, int tile_bits, int bank_bits)
{
    int place_of[64], order[EG_MOST_INDEX_BITS], itself[EG_MOST_INDEX_BITS], in_place[64], in_source[64], places = 0, sources = 0;
    uint32_t slot[EG_MOST_INDEX_BITS];
    uint64_t in_tile = 0;
    for (int level = 0; level < 64; level++)
        place_of[level] = -1;
    for (int t = 0; t < map->bits; t++) {
        place_of[map->bit[t]] = t;
        itself[t] = t;
    }
    eg_tile_order(map, place_of, order);
    for (int b = 0; b < tile_bits; b++)
        in_tile |= UINT64_C(1) << order[b];
    for (int level = 0; level < 64; level++) {
        if (in_tile >> level & 1)
            in_place[places++] = level;
        if (place_of[level] >= 0 && in_tile >> place_of[level] & 1)
            in_source[sources++] = place_of[level];
    }
    eg_tile_slots(in_place, in_source, tile_bits, bank_bits, slot);
    eg_tile_map tiles = {};
    tiles.base = map->base;
    eg_tile_steps(in_source, map->bit, tile_bits, slot, &tiles.source);
    eg_tile_steps(in_place, itself, tile_bits, slot, &tiles.place);
    eg_tile_blocks(order + tile_bits, map->bit, map->bits - tile_bits, &tiles.source);
    eg_tile_blocks(order + tile_bits, itself, map->bits - tile_bits, &tiles.place);
    return tiles;
}

/* Tiles of 16 KB; where there is not even one, of 2^8 numbers or what there is. Shared memory serves 128 bytes at a time. */
template <class Source, class Number>
cudaError_t eg_launch_tiles(Source source, const eg_index_map *map, Number *panel, cudaStream_t stream)
{
    constexpr int rounds = sizeof(Number) == 16 ? 4 : 8, bank_bits = sizeof(Number) == 16 ? 3 : 4;
    constexpr int most_bits = EG_TILE_THREAD_BITS + (rounds == 8 ? 3 : 2);
    bool is_large = map->bits >= most_bits;
    int small_bits = map->bits < EG_TILE_THREAD_BITS ? map->bits : EG_TILE_THREAD_BITS,
        tile_bits = is_large ? most_bits : small_bits;
    return eg_launch(is_large ? eg_permute_tiles<Source, Number, rounds> : eg_permute_tiles<Source, Number, 1>,
                     dim3(1u << (map->bits - tile_bits)), dim3(1u << small_bits), 0, stream, source,
                     eg_make_tile_map(map, tile_bits, bank_bits), panel);
}

#endif
