/* Splits column weights into bit planes and packs the rows of a 0/1 matrix plane by plane. Comes in: rows of words and weights;
 * goes out: the packed panels of bit_planes.h. Bits that stay are squeezed to the low end of their word in six masked shifts,
 * prepared once a word and plane, and strung together. Called by gram_bits.c and cuda/counts.c; counts nothing. */
#include "backend/bit_planes.h"

#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"

enum { SQUEEZE_STEPS = 6 };

/* How the bits of one word that are in `mask` move to its low end: step s moves the bits of move[s] down by 2^s. */
typedef struct squeeze {
    uint64_t mask, move[SQUEEZE_STEPS];
} squeeze;

typedef struct packing {
    uint64_t columns, words;
    const uint64_t *bits, *weight;
    squeeze *squeezes; /* of each plane, one a word of the matrix */
    eg_bit_planes *planes;
} packing;

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
static uint64_t plane_mask(const packing *job, int shift, uint64_t w)
{
    uint64_t mask = 0, last = job->columns - 64 * w < 64 ? job->columns - 64 * w : 64;
    if (job->weight == NULL)
        return eg_low_mask((int)last);
    for (uint64_t c = 0; c < last; c++)
        mask |= (job->weight[64 * w + c] / job->planes->factor >> shift & 1) << c;
    return mask;
}

static eegpu_status plan_planes(packing *job)
{
    eg_bit_planes *planes = job->planes;
    const uint64_t *weight = job->weight;
    uint64_t factor = weight == NULL, all = weight == NULL && job->columns > 0;
    for (uint64_t c = 0; weight != NULL && c < job->columns; c++)
        factor = greatest_divisor(weight[c], factor);
    for (uint64_t c = 0; factor > 0 && weight != NULL && c < job->columns; c++)
        all |= weight[c] / factor;
    planes->factor = factor;
    eegpu_status status = eg_allocate(planes->budget, (uint64_t)eg_popcount(all) * job->words, sizeof *job->squeezes,
                                      "the bit planes of column multiplicities", &job->squeezes);
    if (status != EEGPU_OK)
        return status;
    for (; all; all &= all - 1) {
        eg_bit_plane *next = &planes->plane[planes->count];
        squeeze *squeezes = job->squeezes + (uint64_t)planes->count++ * job->words;
        *next = (eg_bit_plane){.shift = eg_lowest_bit(all), .first = planes->panel_words};
        uint64_t columns = 0;
        for (uint64_t w = 0; w < job->words; w++) {
            squeezes[w] = squeeze_of(plane_mask(job, next->shift, w));
            columns += (uint64_t)eg_popcount(squeezes[w].mask);
        }
        next->words = eg_ceil_div(columns, 64);
        planes->panel_words += next->words;
    }
    return EEGPU_OK;
}

/* ---- Packing ---- */

static void pack_row(uint64_t words, const squeeze *squeezes, const uint64_t *row, uint64_t *target)
{
    uint64_t pending = 0;
    int held = 0;
    for (uint64_t w = 0; w < words; w++) {
        uint64_t word = squeeze_word(row[w], &squeezes[w]);
        int more = eg_popcount(squeezes[w].mask);
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
    const packing *job = context;
    const eg_bit_planes *planes = job->planes;
    (void)worker;
    for (uint64_t panel = first; panel < last; panel++) {
        uint64_t *target = planes->packed + panel * EG_PANEL_ROWS * planes->panel_words, row = panel * EG_PANEL_ROWS;
        if (planes->rows - row < EG_PANEL_ROWS)
            memset(target, 0, EG_PANEL_ROWS * planes->panel_words * sizeof *target);
        for (uint64_t i = 0; i < EG_PANEL_ROWS && row + i < planes->rows; i++)
            for (int b = 0; b < planes->count; b++)
                pack_row(job->words, job->squeezes + (uint64_t)b * job->words, job->bits + (row + i) * job->words,
                         target + EG_PANEL_ROWS * planes->plane[b].first + i);
    }
    return EEGPU_OK;
}

uint64_t eg_bit_planes_words(const eg_bit_planes *planes)
{
    return eg_ceil_div(planes->rows, EG_PANEL_ROWS) * EG_PANEL_ROWS * planes->panel_words;
}

eegpu_status eg_bit_planes_pack(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                                int threads, eg_bit_planes *planes)
{
    packing job = {.columns = columns, .words = eg_ceil_div(columns, 64), .bits = bits, .weight = weight, .planes = planes};
    uint64_t panels = eg_ceil_div(rows, EG_PANEL_ROWS);
    eegpu_status status = EEGPU_OK;
    *planes = (eg_bit_planes){.rows = rows, .budget = budget};
    EG_TRY(plan_planes(&job));
    EG_TRY(eg_allocate(budget, panels, EG_PANEL_ROWS * planes->panel_words * sizeof *planes->packed,
                       "the packed rows of a 0/1 matrix", &planes->packed));
    EG_TRY(eg_parallel_for(threads, panels, 4, pack_panels, &job));
done:
    eg_release(budget, job.squeezes);
    if (status != EEGPU_OK)
        eg_bit_planes_free(planes);
    return status;
}

void eg_bit_planes_free(eg_bit_planes *planes)
{
    eg_release(planes->budget, planes->packed);
    planes->packed = NULL;
}
