/* The families of cuts. Comes in: an empty list for a lattice, and a limit on the smaller side. Goes out: the list, every
 * bipartition once. Called through the table at the end. Orders: contiguous by top row, left column, height, width; prefix
 * by length; lines first those between rows, from the top, then those between columns, from the left; connected and all by
 * the number of pixels, then by the highest-numbered pixels. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cut/cut.h"
#include "state/state.h"

enum { MAX_WORDS = EG_MAX_PIXELS / 64, MAX_CONNECTED_PIXELS = 36, MAX_ALL_PIXELS = 62 };

static void set_pixel(uint64_t *mask, int pixel) { mask[pixel / 64] |= UINT64_C(1) << pixel % 64; }

/* ---- Rectangles ---- */

typedef struct rectangle {
    int top, left, height, width;
} rectangle;

/* The complement of a rectangle that spans the lattice from side to side at one end is such a rectangle, too: the one with
 * pixel 0 names both. */
static bool names_a_cut(const struct eegpu_cuts *cuts, rectangle r, int max_size)
{
    bool to_bottom = r.top + r.height == cuts->height, to_right = r.left + r.width == cuts->width;
    bool full_width = r.width == cuts->width, full_height = r.height == cuts->height;
    if ((full_width && to_bottom) || (full_height && to_right))
        return false;
    return eg_cut_allowed(cuts, r.height * r.width, max_size);
}

/* One pass over the rectangles in their order, which counts them or appends them. */
static eegpu_status walk_rectangles(struct eegpu_cuts *cuts, int max_size, size_t *count, bool append)
{
    eegpu_status status = EEGPU_OK;
    uint64_t mask[MAX_WORDS];
    rectangle r;
    *count = 0;
    for (r.top = 0; r.top < cuts->height; r.top++)
        for (r.left = 0; r.left < cuts->width; r.left++)
            for (r.height = 1; r.top + r.height <= cuts->height; r.height++) {
                memset(mask, 0, sizeof mask);
                for (r.width = 1; r.left + r.width <= cuts->width; r.width++) {
                    for (int row = r.top; append && row < r.top + r.height; row++)
                        set_pixel(mask, row * cuts->width + r.left + r.width - 1);
                    if (!names_a_cut(cuts, r, max_size))
                        continue;
                    ++*count;
                    if (append)
                        EG_TRY(eg_cuts_append(cuts, mask));
                }
            }
done:
    return status;
}

static eegpu_status make_contiguous(struct eegpu_cuts *cuts, int max_size)
{
    size_t count;
    eegpu_status status = EEGPU_OK;
    EG_TRY(walk_rectangles(cuts, max_size, &count, false));
    EG_TRY(eg_cuts_reserve(cuts, count));
    EG_TRY(walk_rectangles(cuts, max_size, &count, true));
done:
    return status;
}

/* ---- Straight cuts ---- */

static eegpu_status make_prefix(struct eegpu_cuts *cuts, int max_size)
{
    uint64_t mask[MAX_WORDS] = {0};
    eegpu_status status = EEGPU_OK;
    for (int size = 1; size < cuts->pixels; size++) {
        set_pixel(mask, size - 1);
        if (eg_cut_allowed(cuts, size, max_size))
            EG_TRY(eg_cuts_append(cuts, mask));
    }
done:
    return status;
}

static eegpu_status make_lines(struct eegpu_cuts *cuts, int max_size)
{
    uint64_t rows[MAX_WORDS] = {0}, columns[MAX_WORDS] = {0};
    eegpu_status status = EEGPU_OK;
    for (int height = 1; height < cuts->height; height++) {
        for (int column = 0; column < cuts->width; column++)
            set_pixel(rows, (height - 1) * cuts->width + column);
        if (eg_cut_allowed(cuts, height * cuts->width, max_size))
            EG_TRY(eg_cuts_append(cuts, rows));
    }
    for (int width = 1; width < cuts->width; width++) {
        for (int row = 0; row < cuts->height; row++)
            set_pixel(columns, row * cuts->width + width - 1);
        if (eg_cut_allowed(cuts, cuts->height * width, max_size))
            EG_TRY(eg_cuts_append(cuts, columns));
    }
done:
    return status;
}

/* ---- Connected cuts: regions of at most 64 pixels as one word ---- */

typedef struct board {
    struct eegpu_cuts *cuts;
    int width, max_size;
    uint64_t everything, left_column, right_column;
} board;

/* The nearest neighbours of a region, the region itself included. */
static uint64_t grown(const board *b, uint64_t region)
{
    return (region | region << b->width | region >> b->width | (region & ~b->right_column) << 1 | (region & ~b->left_column) >> 1) &
           b->everything;
}

/* The pixels of `area` that are connected to `seed` within it. */
static uint64_t component(const board *b, uint64_t seed, uint64_t area)
{
    for (uint64_t before = 0; seed != before;) {
        before = seed;
        seed = grown(b, seed) & area;
    }
    return seed;
}

static eegpu_status append_smaller_side(const board *b, uint64_t region)
{
    int size = eg_popcount(region);
    if (!eg_cut_allowed(b->cuts, size, b->max_size))
        return EEGPU_OK;
    uint64_t smaller = 2 * size > b->cuts->pixels ? b->everything & ~region : region;
    return eg_cuts_append(b->cuts, &smaller);
}

/* All connected A that contain `region` and avoid `excluded`, with B connected. Each neighbour of A is decided upon in turn:
 * it joins A or stays out. What A has cut off from the excluded pixels has to join, so that (region, its complement) is
 * always a solution once a pixel is excluded, and no branch is in vain. */
static eegpu_status grow(const board *b, uint64_t region, uint64_t excluded)
{
    eegpu_status status = EEGPU_OK;
    if (excluded != 0) {
        uint64_t complement = component(b, excluded & -excluded, b->everything & ~region);
        if (excluded & ~complement)
            return EEGPU_OK;
        region = b->everything & ~complement;
    }
    uint64_t open = grown(b, region) & ~region & ~excluded;
    if (open == 0)
        return region != b->everything ? append_smaller_side(b, region) : EEGPU_OK;
    uint64_t pixel = open & -open;
    EG_TRY(grow(b, region | pixel, excluded));
    EG_TRY(grow(b, region, excluded | pixel));
done:
    return status;
}

static int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* By size, then by mask: masks of this family leave room for the size above them. */
static void sort_by_size(struct eegpu_cuts *cuts)
{
    for (size_t i = 0; i < cuts->count; i++)
        cuts->masks[i] |= (uint64_t)eg_popcount(cuts->masks[i]) << MAX_CONNECTED_PIXELS;
    if (cuts->count > 1)
        qsort(cuts->masks, cuts->count, sizeof *cuts->masks, compare_words);
    for (size_t i = 0; i < cuts->count; i++)
        cuts->masks[i] &= eg_low_mask(MAX_CONNECTED_PIXELS);
}

static eegpu_status make_connected(struct eegpu_cuts *cuts, int max_size)
{
    board b = {.cuts = cuts, .width = cuts->width, .max_size = max_size, .everything = eg_low_mask(cuts->pixels)};
    if (cuts->pixels > MAX_CONNECTED_PIXELS)
        return eg_fail(EEGPU_USAGE,
                       "the connected cuts of a %d x %d lattice are too many: %d pixels, at most %d for this family; use the "
                       "family contiguous or a file of regions",
                       cuts->height, cuts->width, cuts->pixels, MAX_CONNECTED_PIXELS);
    for (int row = 0; row < cuts->height; row++) {
        b.left_column |= UINT64_C(1) << row * cuts->width;
        b.right_column |= UINT64_C(1) << (row * cuts->width + cuts->width - 1);
    }
    eegpu_status status = grow(&b, 1, 0); /* A with pixel 0: each bipartition once */
    sort_by_size(cuts);
    return status;
}

/* ---- All cuts ---- */

/* Bipartitions with a smaller side of at most `most` pixels; saturates. */
static size_t count_all(int pixels, int most)
{
    double count = 0, choices = 1; /* binomial coefficients; exact below 2^53, and more is refused */
    for (int size = 1; size <= most; size++) {
        choices = choices * (pixels - size + 1) / size;
        count += 2 * size == pixels ? choices / 2 : choices;
    }
    return (size_t)count;
}

static eegpu_status make_all(struct eegpu_cuts *cuts, int max_size)
{
    int most = max_size > 0 && max_size < cuts->pixels / 2 ? max_size : cuts->pixels / 2;
    uint64_t everything = eg_low_mask(cuts->pixels);
    eegpu_status status = EEGPU_OK;
    if (cuts->pixels > MAX_ALL_PIXELS)
        return eg_fail(EEGPU_USAGE,
                       "the cuts 'all' of a %d x %d lattice are too many: %d pixels, at most %d for this family; use the family "
                       "contiguous or a file of regions",
                       cuts->height, cuts->width, cuts->pixels, MAX_ALL_PIXELS);
    EG_TRY(eg_cuts_reserve(cuts, count_all(cuts->pixels, most)));
    for (int size = 1; size <= most; size++)
        for (uint64_t mask = eg_low_mask(size); mask <= everything;) {
            if (2 * size != cuts->pixels || (mask & 1))
                EG_TRY(eg_cuts_append(cuts, &mask));
            uint64_t lowest = mask & -mask, carried = mask + lowest; /* the next larger word with as many bits set */
            mask = carried | (mask ^ carried) >> 2 >> eg_lowest_bit(lowest);
        }
done:
    return status;
}

const eg_cut_family *eg_cut_families(size_t *count)
{
    static const eg_cut_family families[] = {
        {"contiguous", "every axis-parallel rectangle", make_contiguous},
        {"prefix", "the first k pixels, k = 1 to N-1", make_prefix},
        {"lines", "straight cuts across the whole lattice", make_lines},
        {"connected", "A and B both connected through nearest neighbours (at most 36 pixels)", make_connected},
        {"all", "every bipartition (at most 30 pixels, more with --max-size)", make_all},
    };
    *count = sizeof families / sizeof *families;
    return families;
}
