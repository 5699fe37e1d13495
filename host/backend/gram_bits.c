/* The integer Gram of a packed 0/1 matrix with weighted columns. Weights are split into bit planes; of each plane only the columns
 * that have the bit are kept, squeezed together, so that K = gcd * sum over planes b of 2^b popcount(U_i & U_j). Rows are packed
 * once, in panels; then blocks of 64 x 64 pairs are independent pieces of work. Called by spectrum/ and scan/. */
#include <math.h>
#include <string.h>

#include "backend/popcount.h"
#include "base/bits.h"
#include "base/parallel.h"

/* A block is a piece of work; its two packed halves of one run of words fit in the second level of cache. */
enum { BLOCK_ROWS = 64, RUN_WORDS = 512, SQUEEZE_STEPS = 6 };

/* How the bits of one word that are in `mask` move to its low end: step s moves the bits of move[s] down by 2^s. */
typedef struct squeeze {
    uint64_t mask, move[SQUEEZE_STEPS];
} squeeze;

/* The columns whose weight has bit `shift`; `words` of them packed, from word `first` of each row on. */
typedef struct plane {
    int shift;
    uint64_t first, words;
    squeeze *squeezes; /* one a word of the matrix */
} plane;

typedef struct gram_job {
    const eg_popcount_kernel *kernel;
    uint64_t rows, columns, words, panel_words; /* panel_words: of all planes, for one row */
    const uint64_t *bits;
    uint64_t factor;
    int planes;
    plane plane[64];
    squeeze *squeezes;
    uint64_t *packed, *gram;
} gram_job;

static squeeze squeeze_of(uint64_t mask)
{
    squeeze result = {.mask = mask};
    int target = 0;
    for (; mask; mask &= mask - 1, target++) {
        int at = eg_lowest_bit(mask), distance = at - target;
        for (int step = 0; step < SQUEEZE_STEPS; step++)
            if (distance >> step & 1) {
                result.move[step] |= UINT64_C(1) << at;
                at -= 1 << step;
            }
    }
    return result;
}

static inline uint64_t squeeze_word(uint64_t word, const squeeze *how)
{
    word &= how->mask;
    if (how->mask == UINT64_MAX)
        return word;
    for (int step = 0; step < SQUEEZE_STEPS; step++) {
        uint64_t moving = word & how->move[step];
        word = (word ^ moving) | moving >> (1 << step);
    }
    return word;
}

/* ---- Planes ---- */

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The columns of word w whose weight / factor has bit `shift`. */
static uint64_t plane_mask(const gram_job *job, const uint64_t *weight, int shift, uint64_t w)
{
    uint64_t mask = 0, last = job->columns - 64 * w < 64 ? job->columns - 64 * w : 64;
    if (weight == NULL)
        return eg_low_mask((int)last);
    for (uint64_t c = 0; c < last; c++)
        mask |= (weight[64 * w + c] / job->factor >> shift & 1) << c;
    return mask;
}

static eegpu_status plan_planes(gram_job *job, eg_budget *budget, const uint64_t *weight)
{
    uint64_t factor = weight == NULL, all = weight == NULL && job->columns > 0;
    for (uint64_t c = 0; weight != NULL && c < job->columns; c++)
        factor = greatest_divisor(weight[c], factor);
    for (uint64_t c = 0; factor > 0 && weight != NULL && c < job->columns; c++)
        all |= weight[c] / factor;
    job->factor = factor;
    uint64_t planes = (uint64_t)eg_popcount(all);
    eegpu_status status =
        eg_allocate(budget, planes * job->words, sizeof *job->squeezes, "the bit planes of column multiplicities", &job->squeezes);
    if (status != EEGPU_OK)
        return status;
    for (; all; all &= all - 1) {
        plane *next = &job->plane[job->planes];
        *next = (plane){.shift = eg_lowest_bit(all),
                        .first = job->panel_words,
                        .squeezes = job->squeezes + (uint64_t)job->planes++ * job->words};
        uint64_t columns = 0;
        for (uint64_t w = 0; w < job->words; w++) {
            next->squeezes[w] = squeeze_of(plane_mask(job, weight, next->shift, w));
            columns += (uint64_t)eg_popcount(next->squeezes[w].mask);
        }
        next->words = eg_ceil_div(columns, 64);
        job->panel_words += next->words;
    }
    return EEGPU_OK;
}

/* ---- Packing ---- */

static void pack_row(const gram_job *job, const plane *part, const uint64_t *row, uint64_t *target)
{
    uint64_t pending = 0;
    int held = 0;
    for (uint64_t w = 0; w < job->words; w++) {
        uint64_t word = squeeze_word(row[w], &part->squeezes[w]);
        int more = eg_popcount(part->squeezes[w].mask);
        pending |= more > 0 ? word << held : 0;
        if (held + more < 64) {
            held += more;
            continue;
        }
        *target = pending;
        target += EG_PANEL_ROWS;
        pending = held > 0 ? word >> (64 - held) : 0;
        held += more - 64;
    }
    if (held > 0)
        *target = pending;
}

static eegpu_status pack_panels(void *context, uint64_t first, uint64_t last, int worker)
{
    const gram_job *job = context;
    (void)worker;
    for (uint64_t panel = first; panel < last; panel++) {
        uint64_t *target = job->packed + panel * EG_PANEL_ROWS * job->panel_words, row = panel * EG_PANEL_ROWS;
        if (job->rows - row < EG_PANEL_ROWS)
            memset(target, 0, EG_PANEL_ROWS * job->panel_words * sizeof *target);
        for (uint64_t i = 0; i < EG_PANEL_ROWS && row + i < job->rows; i++)
            for (int b = 0; b < job->planes; b++)
                pack_row(job, &job->plane[b], job->bits + (row + i) * job->words, target + EG_PANEL_ROWS * job->plane[b].first + i);
    }
    return EEGPU_OK;
}

/* ---- Blocks ---- */

/* Row i, word 0 of a plane; the rows that follow it in its panel are at the next addresses. */
static const uint64_t *packed_at(const gram_job *job, uint64_t row, uint64_t word)
{
    return job->packed + (row / EG_PANEL_ROWS * job->panel_words + word) * EG_PANEL_ROWS + row % EG_PANEL_ROWS;
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
    for (const plane *part = job->plane; part < job->plane + job->planes; part++)
        for (uint64_t word = 0; word < part->words; word += RUN_WORDS) {
            uint64_t words = part->words - word < RUN_WORDS ? part->words - word : RUN_WORDS;
            add_run(job, left, right, part->first + word, words, part->shift, sums);
        }
    for (uint64_t i = left; i < left + BLOCK_ROWS && i < job->rows; i++)
        for (uint64_t j = i > right ? i : right; j < right + BLOCK_ROWS && j < job->rows; j++)
            job->gram[i * job->rows + j] = job->factor * sums[BLOCK_ROWS * (i - left) + (j - right)];
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
    gram_job job = {
        .kernel = kernel, .rows = rows, .columns = columns, .words = eg_ceil_div(columns, 64), .bits = bits, .gram = gram};
    uint64_t panels = eg_ceil_div(rows, EG_PANEL_ROWS), blocks = eg_ceil_div(rows, BLOCK_ROWS);
    eegpu_status status = EEGPU_OK;
    EG_TRY(plan_planes(&job, budget, weight));
    EG_TRY(eg_allocate(budget, panels, EG_PANEL_ROWS * job.panel_words * sizeof *job.packed, "the packed rows of a 0/1 matrix",
                       &job.packed));
    EG_TRY(eg_parallel_for(threads, panels, 4, pack_panels, &job));
    EG_TRY(eg_parallel_for(threads, blocks * (blocks + 1) / 2, 4, fill_blocks, &job));
done:
    eg_release(budget, job.packed);
    eg_release(budget, job.squeezes);
    return status;
}

eegpu_status eg_gram_bits(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                          uint64_t *gram, int threads)
{
    return eg_gram_bits_with(eg_popcount_best(), budget, rows, columns, bits, weight, gram, threads);
}
