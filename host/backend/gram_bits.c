/* The integer Gram of a packed 0/1 matrix with weighted columns, on the CPU. Comes in: rows of words and weights; goes out: the
 * lower triangle of 64-bit integers. Rows are packed once into bit planes (bit_planes.h), in panels; then blocks of 64 x 64
 * pairs are independent pieces of work. Called by cpu.c; the counting itself is in popcount.c. */
#include <math.h>

#include "backend/bit_planes.h"
#include "base/bits.h"
#include "base/parallel.h"

/* A block is a piece of work; its two packed halves of one run of words fit in the second level of cache. */
enum { BLOCK_ROWS = 64, RUN_WORDS = 512 };

typedef struct gram_job {
    const eg_popcount_kernel *kernel;
    uint64_t rows;
    eg_bit_planes planes;
    uint64_t *gram;
} gram_job;

/* Row i, word 0 of a plane; the rows that follow it in its panel are at the next addresses. */
static const uint64_t *packed_at(const gram_job *job, uint64_t row, uint64_t word)
{
    return job->planes.packed + (row / EG_PANEL_ROWS * job->planes.panel_words + word) * EG_PANEL_ROWS + row % EG_PANEL_ROWS;
}

/* Add `words` words from `word` on, times 2^shift, to the sums of a block: sums[64 * (i - left) + (j - right)]. */
static void add_run(const gram_job *job, uint64_t left, uint64_t right, uint64_t word, uint64_t words, int shift, uint64_t *sums)
{
    uint64_t counts[EG_TILE_ROWS * EG_PANEL_ROWS];
    for (uint64_t j = right; j < right + BLOCK_ROWS && j < job->rows; j += EG_PANEL_ROWS)
        for (uint64_t i = left; i < left + BLOCK_ROWS && i < j + EG_PANEL_ROWS && i < job->rows; i += EG_TILE_ROWS) {
            uint64_t *to = sums + BLOCK_ROWS * (i - left) + (j - right);
            job->kernel->count(words, packed_at(job, i, word), packed_at(job, j, word), counts);
            for (uint64_t a = 0; a < EG_TILE_ROWS; a++)
                for (uint64_t b = 0; b < EG_PANEL_ROWS; b++)
                    to[BLOCK_ROWS * a + b] += counts[EG_PANEL_ROWS * a + b] << shift;
        }
}

static void fill_block(const gram_job *job, uint64_t left, uint64_t right)
{
    uint64_t sums[BLOCK_ROWS * BLOCK_ROWS] = {0};
    for (const eg_bit_plane *part = job->planes.plane; part < job->planes.plane + job->planes.count; part++)
        for (uint64_t word = 0; word < part->words; word += RUN_WORDS) {
            uint64_t words = part->words - word < RUN_WORDS ? part->words - word : RUN_WORDS;
            add_run(job, left, right, part->first + word, words, part->shift, sums);
        }
    for (uint64_t i = left; i < left + BLOCK_ROWS && i < job->rows; i++)
        for (uint64_t j = i > right ? i : right; j < right + BLOCK_ROWS && j < job->rows; j++)
            job->gram[i * job->rows + j] = job->planes.factor * sums[BLOCK_ROWS * (i - left) + (j - right)];
}

/* Blocks are counted row by row: 0 is (0, 0), 1 is (1, 0), 2 is (1, 1), 3 is (2, 0). */
static eegpu_status fill_blocks(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    uint64_t row = (uint64_t)((sqrt(8 * (double)first + 1) - 1) / 2);
    while (row * (row + 1) / 2 > first)
        row--;
    while ((row + 1) * (row + 2) / 2 <= first)
        row++;
    for (uint64_t column = first - row * (row + 1) / 2; first < last; first++) {
        fill_block(context, BLOCK_ROWS * column, BLOCK_ROWS * row);
        if (column++ == row) {
            row++;
            column = 0;
        }
    }
    return EEGPU_OK;
}

eegpu_status eg_gram_bits_with(const eg_popcount_kernel *kernel, eg_budget *budget, uint64_t rows, uint64_t columns,
                               const uint64_t *bits, const uint64_t *weight, uint64_t *gram, int threads)
{
    gram_job job = {.kernel = kernel, .rows = rows, .gram = gram};
    uint64_t blocks = eg_ceil_div(rows, BLOCK_ROWS);
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_bit_planes_pack(budget, rows, columns, bits, weight, threads, &job.planes));
    EG_TRY(eg_parallel_for(threads, blocks * (blocks + 1) / 2, 4, fill_blocks, &job));
done:
    eg_bit_planes_free(&job.planes);
    return status;
}

eegpu_status eg_gram_bits(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                          uint64_t *gram, int threads)
{
    return eg_gram_bits_with(eg_popcount_best(), budget, rows, columns, bits, weight, gram, threads);
}
