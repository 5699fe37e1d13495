/* Vectors of packed bits cut into shorter ones by a choice of index bits.
 * In: `count` vectors of 2^parent_bits bits; out: children of 2^child_bits bits (kernels.h). All of it is one permutation of the
 * bits of an index; those above the parent's number the vectors and stay. A block takes a tile of 2^12 words that is closed under
 * the part of the permutation that matters: the six bits inside a word before and after, and the lowest word bits before and after,
 * so that memory is read and written in runs. Bits enter words by exchange between pairs of words in shared memory, at most six
 * times; where whole words move there is none. Called by host/backend/; does not merge equal children. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr int WORD_BITS = 6, TILE_BITS = 12, HALF_BITS = 6, PLACES = WORD_BITS + TILE_BITS, INDEX_BITS = 64;
constexpr unsigned TILE_WORDS = 1 << TILE_BITS, HALF_WORDS = 1 << HALF_BITS, BLOCK_THREADS = 512;
constexpr uint64_t MOST_BLOCKS = uint64_t(1) << 20;

enum { SOURCE, TARGET, LOCAL, TABLES };

/* Bit `position` of the place in a word changes places with bit `partner` of the number of the word in its tile, or (-1) with
 * another bit of the place: the bits of `mask` with those `shift` above them. */
struct exchange {
    int shift, partner;
    uint64_t mask;
};

struct split_plan {
    uint64_t words, tiles;
    int exchanges;
    exchange step[WORD_BITS];
    int bit[TABLES][TILE_BITS]; /* word bits of bit k of a tile's word as it is read; the same as written; and where it then lies */
    int outer;                  /* bits of the number of a tile, lowest first, as word bits before and after ... */
    int before[EG_MOST_INDEX_BITS], after[EG_MOST_INDEX_BITS];
    int vector_bit; /* ... the rest of that number counts vectors, from this word bit on */
};

uint64_t even_places(int position) { return UINT64_MAX / ((UINT64_C(1) << (1 << position)) + 1); }

int find(const int *list, int value)
{
    int at = 0;
    while (list[at] != value)
        at++;
    return at;
}

/* content[place]: the parent's bit at each bit of the place in a word and of the word in a tile. */
void plan_exchanges(const int *parent_of, int *content, split_plan *plan)
{
    for (int place = 0; place < WORD_BITS; place++) {
        int other = find(content, parent_of[place]);
        if (other == place)
            continue;
        bool is_inside = other < WORD_BITS;
        plan->step[plan->exchanges++] = {is_inside ? (1 << other) - (1 << place) : 1 << place, is_inside ? -1 : other - WORD_BITS,
                                         is_inside ? even_places(other) & ~even_places(place) : even_places(place)};
        content[other] = content[place];
        content[place] = parent_of[place];
    }
}

split_plan plan_split(uint64_t count, int parent_bits, int child_bits, const int *child_bit)
{
    split_plan plan = {};
    int parent_of[INDEX_BITS], content[PLACES], places = 0, chosen = 0, written = 0, vectors = 0; /* parent_of: of a bit written */
    uint64_t kept = 0, inside = 0;
    auto choose = [&](int bit) {
        bool is_new = bit >= WORD_BITS && !(inside >> bit & 1) && chosen < TILE_BITS;
        inside |= (uint64_t)is_new << bit;
        chosen += is_new;
    };
    for (int j = 0; j < child_bits; j++)
        kept |= UINT64_C(1) << (parent_of[j] = child_bit[j]);
    for (int bit = 0, j = child_bits; bit < INDEX_BITS; bit++)
        if (!(kept >> bit & 1))
            parent_of[j++] = bit;
    for (int place = 0; place < WORD_BITS; place++)
        choose(parent_of[place]);
    for (int bit = WORD_BITS; chosen < TILE_BITS; bit++) {
        choose(bit);
        choose(parent_of[bit]);
    }
    for (int bit = 0; bit < INDEX_BITS; bit++)
        if (bit < WORD_BITS || inside >> bit & 1) {
            if (bit >= WORD_BITS)
                plan.bit[SOURCE][places - WORD_BITS] = bit - WORD_BITS;
            vectors += bit >= parent_bits;
            content[places++] = bit;
        } else if (bit < parent_bits) {
            plan.before[plan.outer] = bit - WORD_BITS;
            plan.after[plan.outer++] = find(parent_of, bit) - WORD_BITS;
        }
    plan_exchanges(parent_of, content, &plan);
    for (int j = WORD_BITS; j < INDEX_BITS; j++)
        for (int k = 0; k < TILE_BITS; k++)
            if (content[WORD_BITS + k] == parent_of[j]) {
                plan.bit[TARGET][written] = j - WORD_BITS;
                plan.bit[LOCAL][written++] = k;
            }
    plan.words = count << (parent_bits - WORD_BITS);
    plan.vector_bit = parent_bits + vectors - WORD_BITS;
    plan.tiles = (count + (UINT64_C(1) << vectors) - 1) >> vectors << plan.outer;
    return plan;
}

/* Where word `number` of a tile lies in shared memory: words that differ in a few bits only are in different banks. */
__device__ unsigned in_banks(unsigned number) { return number ^ number >> 4 ^ number >> 8; }

__device__ void exchange_bits(const exchange &step, uint64_t *tile)
{
    bool is_inside = step.partner < 0;
    unsigned pairs = is_inside ? TILE_WORDS : TILE_WORDS / 2, other = is_inside ? 0 : 1u << step.partner, low = other - 1;
    for (unsigned e = threadIdx.x; e < pairs; e += BLOCK_THREADS) {
        unsigned number = is_inside ? e : (e & ~low) << 1 | (e & low);
        uint64_t &a = tile[in_banks(number)], &b = tile[in_banks(number | other)];
        uint64_t moved = ((a >> step.shift) ^ b) & step.mask;
        a ^= moved << step.shift;
        b ^= moved;
    }
    __syncthreads();
}

__global__ void __launch_bounds__(BLOCK_THREADS) split(split_plan plan, const uint64_t *parents, uint64_t *children)
{
    __shared__ uint64_t tile[TILE_WORDS], table[TABLES][2][HALF_WORDS];
    for (unsigned e = threadIdx.x; e < TABLES * 2 * HALF_WORDS; e += BLOCK_THREADS) {
        unsigned which = e / (2 * HALF_WORDS), half = e / HALF_WORDS % 2;
        uint64_t offset = 0;
        for (unsigned k = 0; k < HALF_BITS; k++)
            offset |= (uint64_t)(e >> k & 1) << plan.bit[which][HALF_BITS * half + k];
        table[which][half][e % HALF_WORDS] = offset;
    }
    __syncthreads();
    auto offset_of = [&](int which, unsigned number) {
        return table[which][0][number % HALF_WORDS] | table[which][1][number / HALF_WORDS];
    };
    for (uint64_t number = blockIdx.x; number < plan.tiles; number += gridDim.x) {
        uint64_t from = number >> plan.outer << plan.vector_bit, to = from;
        for (int k = 0; k < plan.outer; k++) {
            from |= (number >> k & 1) << plan.before[k];
            to |= (number >> k & 1) << plan.after[k];
        }
        for (unsigned e = threadIdx.x; e < TILE_WORDS; e += BLOCK_THREADS) {
            uint64_t at = from | offset_of(SOURCE, e);
            tile[in_banks(e)] = at < plan.words ? parents[at] : 0;
        }
        __syncthreads();
        for (int s = 0; s < plan.exchanges; s++)
            exchange_bits(plan.step[s], tile);
        for (unsigned e = threadIdx.x; e < TILE_WORDS; e += BLOCK_THREADS) {
            uint64_t at = to | offset_of(TARGET, e);
            if (at < plan.words)
                children[at] = tile[in_banks((unsigned)offset_of(LOCAL, e))];
        }
        __syncthreads();
    }
}
} // namespace

cudaError_t eg_launch_split(uint64_t count, int parent_bits, const uint64_t *parents, int child_bits, const int *child_bit,
                            uint64_t *children, cudaStream_t stream)
{
    split_plan plan = plan_split(count, parent_bits, child_bits, child_bit);
    return eg_launch(split, dim3(eg_blocks(plan.tiles, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, plan, parents, children);
}
