/* Counts of common bits of all pairs of rows: AND, population count, add.
 * In: `rows` rows, words first .. first + words - 1 of each, packed in panels of 16 (kernels.h). Out: gram(i, j) += factor * count
 * for i >= j, column-major. A block takes 64 x 64 pairs and one slice of the words; a thread takes 4 x 4 pairs. Slices of the same
 * pairs meet in integer atomics, whose result does not depend on their order. Called by host/backend/; does not choose words or
 * planes. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned PANEL = EG_KERNEL_PANEL_ROWS, TILE = 64, SIDE = 16, EACH = TILE / SIDE, STEP = 16;
constexpr uint64_t FEWEST_BLOCKS = 1024, LEAST_SLICE = 512, MOST_SLICE = uint64_t(1) << 20, MOST_BLOCKS = (uint64_t(1) << 31) - 1;
static_assert(64 * MOST_SLICE < (uint64_t(1) << 32), "the counters of a slice are 32 bits wide");
static_assert(LEAST_SLICE % STEP == 0 && MOST_SLICE % STEP == 0, "a slice is whole steps");

typedef uint64_t words_of_tile[STEP][TILE];

/* Tiles are counted row by row: 0 is (0, 0), 1 is (1, 0), 2 is (1, 1), 3 is (2, 0). The root is a guess, put right in integers. */
__device__ uint64_t row_of_tile(uint64_t tile)
{
    uint64_t row = (uint64_t)((sqrt(8 * (double)tile + 1) - 1) / 2);
    while (row * (row + 1) / 2 > tile)
        row--;
    while ((row + 1) * (row + 2) / 2 <= tile)
        row++;
    return row;
}

/* Words `word` .. `last` - 1, at most STEP, of rows TILE * tile on; what is not there is zero. Reads run through whole panels. */
__device__ void load(uint64_t rows, uint64_t panel_words, uint64_t word, uint64_t last, uint64_t tile, const uint64_t *packed,
                     words_of_tile target)
{
    for (unsigned e = threadIdx.x; e < STEP * TILE; e += SIDE * SIDE) {
        unsigned i = e % PANEL, w = e / PANEL % STEP, p = e / (PANEL * STEP);
        uint64_t panel = TILE / PANEL * tile + p;
        bool is_there = panel * PANEL < rows && word + w < last;
        target[w][PANEL * p + i] = is_there ? packed[(panel * panel_words + word + w) * PANEL + i] : 0;
    }
}

__device__ void count_words(const words_of_tile left, const words_of_tile right, unsigned (&count)[EACH][EACH])
{
    unsigned x = threadIdx.x % SIDE, y = threadIdx.x / SIDE;
    for (unsigned w = 0; w < STEP; w++) {
        uint64_t of_row[EACH], of_column[EACH];
        for (unsigned a = 0; a < EACH; a++) {
            of_row[a] = left[w][x + SIDE * a];
            of_column[a] = right[w][y + SIDE * a];
        }
        for (unsigned a = 0; a < EACH; a++)
            for (unsigned b = 0; b < EACH; b++)
                count[a][b] += (unsigned)__popcll(of_row[a] & of_column[b]);
    }
}

__global__ void __launch_bounds__(SIDE *SIDE)
    count_pairs(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, uint64_t tiles, uint64_t slices,
                uint64_t slice_words, const uint64_t *packed, uint64_t factor, uint64_t *gram)
{
    __shared__ words_of_tile left, right;
    for (uint64_t item = blockIdx.x; item < tiles * slices; item += gridDim.x) {
        uint64_t tile = item / slices, row = row_of_tile(tile), column = tile - row * (row + 1) / 2;
        uint64_t word = item % slices * slice_words, last = word + slice_words < words ? word + slice_words : words;
        unsigned count[EACH][EACH] = {};
        for (; word < last; word += STEP) {
            load(rows, panel_words, first + word, first + last, row, packed, left);
            load(rows, panel_words, first + word, first + last, column, packed, right);
            __syncthreads();
            count_words(left, right, count);
            __syncthreads();
        }
        for (unsigned b = 0; b < EACH; b++)
            for (unsigned a = 0; a < EACH; a++) {
                uint64_t i = TILE * row + threadIdx.x % SIDE + SIDE * a, j = TILE * column + threadIdx.x / SIDE + SIDE * b;
                if (i < rows && j <= i)
                    atomicAdd((unsigned long long *)&gram[j * rows + i], (unsigned long long)(factor * count[a][b]));
            }
    }
}
} // namespace

/* Few pairs and many words: enough slices to keep a large device busy, none so short that the atomics would show. */
cudaError_t eg_launch_count_pairs(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                  uint64_t factor, uint64_t *gram, cudaStream_t stream)
{
    uint64_t side = (rows + TILE - 1) / TILE, tiles = side * (side + 1) / 2;
    uint64_t wanted = tiles < FEWEST_BLOCKS ? FEWEST_BLOCKS / (tiles + !tiles) : 1, slice = (words + wanted - 1) / wanted;
    slice = (slice + STEP - 1) / STEP * STEP;
    slice = slice < LEAST_SLICE ? LEAST_SLICE : slice > MOST_SLICE ? MOST_SLICE : slice;
    uint64_t slices = (words + slice - 1) / slice, items = tiles * slices;
    return eg_launch(count_pairs, dim3(eg_blocks(items, MOST_BLOCKS)), dim3(SIDE * SIDE), 0, stream, rows, panel_words, first,
                     words, tiles, slices, slice, packed, factor, gram);
}
