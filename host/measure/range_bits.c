/* The range of a cut of a 0/1 function held as 2^N bits. Comes in: a side S and the distances; goes out: its r, classes and
 * example. Called by range.c.
 *
 * The different columns v over the images of S hold all of M. With Z the union of all v, the images whose row is not zero, r fails
 * if and only if some v has two images that are equal on R_r, one in v and the other in Z but not in v. So v and Z - v are folded:
 * images that are equal on R_r become one place, which is set if one of them was. r fails where both are set. Who fails at r fails
 * at r - 1, so the folding goes from the farthest pixels inwards, for each v down to the r that failed already, and ends with the
 * first failure. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "measure/range_sides.h"
#include "reduce/bit_matrix.h"

enum { WORD_BITS = 6, WORDS_BETWEEN_STOPS = 1 << 18 };

typedef struct search {
    const eg_columns *columns;
    int depth, r;                             /* r: smallest that no column so far has failed */
    uint64_t at[EG_MAX_DENSE_PIXELS + 1];     /* index bits of the pixels at each distance */
    uint64_t within[EG_MAX_DENSE_PIXELS + 1]; /* and up to it */
    uint64_t *rows, *ones, *zeros;            /* Z; v and Z - v, folded */
    const uint64_t *column;                   /* the last that failed, at r - 1 ... */
    uint64_t place;                           /* ... for images with these bits of the near pixels */
} search;

/* ---- Folding ---- */

/* The places left when index bits `left` are: whole words differ in bits from WORD_BITS on, bits below are within them. */
static uint64_t words_of(uint64_t left) { return UINT64_C(1) << eg_popcount(left >> WORD_BITS); }

/* Fold an index bit of words: words `step` apart become one. */
static void fold_words(uint64_t *words, uint64_t count, uint64_t step)
{
    for (uint64_t from = 0, to = 0; from < count; from += 2 * step)
        for (uint64_t i = 0; i < step; i++)
            words[to++] = words[from + i] | words[from + step + i];
}

/* Fold an index bit within words: both places stay and are equal. */
static void fold_bits(uint64_t *words, uint64_t count, int bit)
{
    static const uint64_t even[WORD_BITS] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
                                             0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};
    int shift = 1 << bit;
    for (uint64_t w = 0; w < count; w++) {
        uint64_t either = (words[w] | words[w] >> shift) & even[bit];
        words[w] = either | either << shift;
    }
}

/* Fold the index bits `far` where `left` are left; the highest first, so that there is the less to do for the others. */
static void fold(uint64_t *words, uint64_t left, uint64_t far)
{
    while (far != 0) {
        int bit = 63 - __builtin_clzll(far);
        uint64_t lower = eg_low_mask(bit);
        if (bit >= WORD_BITS)
            fold_words(words, words_of(left), words_of(left & lower));
        else
            fold_bits(words, words_of(left), bit);
        far &= lower;
        left ^= UINT64_C(1) << bit;
    }
}

/* ---- The search ---- */

/* A place that is set in both, as bits of the near pixels. */
static bool find_common(const uint64_t *ones, const uint64_t *zeros, uint64_t near, uint64_t *place)
{
    for (uint64_t w = 0; w < words_of(near); w++)
        if (ones[w] & zeros[w]) {
            *place = eg_deposit(w, near >> WORD_BITS) << WORD_BITS | ((uint64_t)eg_lowest_bit(ones[w] & zeros[w]) & near);
            return true;
        }
    return false;
}

static void try_column(search *s, const uint64_t *column)
{
    uint64_t words = s->columns->set.words, any = 0;
    for (uint64_t w = 0; w < words; w++) {
        s->ones[w] = column[w];
        s->zeros[w] = s->rows[w] & ~column[w];
        any |= s->zeros[w];
    }
    if (any == 0)
        return;
    for (int r = s->depth - 1; r >= s->r; r--) {
        fold(s->ones, s->within[r + 1], s->at[r + 1]);
        fold(s->zeros, s->within[r + 1], s->at[r + 1]);
        if (find_common(s->ones, s->zeros, s->within[r], &s->place)) {
            s->r = r + 1;
            s->column = column;
        }
    }
}

/* How many places of Z there are on R_r. Places within words were not put together. */
static uint64_t count_classes(const search *s)
{
    uint64_t far = s->within[s->depth] & ~s->within[s->r], count = 0;
    memcpy(s->ones, s->rows, s->columns->set.words * sizeof *s->ones);
    fold(s->ones, s->within[s->depth], far);
    for (uint64_t w = 0; w < words_of(s->within[s->r]); w++)
        count += (uint64_t)eg_popcount(s->ones[w]);
    return count >> eg_popcount(far & eg_low_mask(WORD_BITS));
}

static eegpu_status search_columns(search *s, eg_progress *progress)
{
    const eg_vector_set *set = &s->columns->set;
    uint64_t work = 0;
    eegpu_status status = EEGPU_OK;
    s->r = 1;
    memset(s->rows, 0, set->words * sizeof *s->rows);
    for (uint64_t v = 0; v < set->count; v++)
        for (uint64_t w = 0; w < set->words; w++)
            s->rows[w] |= set->vectors[v * set->words + w];
    for (uint64_t v = 0; v < set->count && s->r < s->depth; v++) {
        try_column(s, set->vectors + v * set->words);
        work += set->words;
        if (work >= WORDS_BETWEEN_STOPS) {
            EG_TRY(eg_progress_add(progress, 0));
            work = 0;
        }
    }
done:
    return status;
}

/* ---- The example ---- */

static uint64_t image_of_place(const eg_columns *columns, uint64_t place)
{
    uint64_t image = 0;
    for (; place != 0; place &= place - 1)
        image |= UINT64_C(1) << columns->pixel_of_bit[eg_lowest_bit(place)];
    return image;
}

/* An image of the other side with f(one, other) = 1 and f(two, other) = 0: the failing column is that of one. */
static uint64_t find_other(const eg_range_sides *sides, uint64_t one, uint64_t two, uint64_t others)
{
    const uint64_t *bits = sides->state->bits;
    uint64_t at_one = eg_columns_index_bits(&sides->whole, one), at_two = eg_columns_index_bits(&sides->whole, two);
    uint64_t free_bits = eg_columns_index_bits(&sides->whole, others), at = 0;
    while (!eg_bit(bits, at_one | at) || eg_bit(bits, at_two | at))
        at = (at - free_bits) & free_bits;
    return image_of_place(&sides->whole, at);
}

static void show_failure(const eg_range_sides *sides, const search *s, uint64_t others, eg_range_side *side)
{
    uint64_t far = s->within[s->depth] & ~s->within[s->r - 1], one = 0, two = 0;
    while (!eg_bit(s->column, s->place | one))
        one = (one - far) & far; /* the next of the numbers that have only these bits */
    while (!eg_bit(s->rows, s->place | two) || eg_bit(s->column, s->place | two))
        two = (two - far) & far;
    side->one[0] = image_of_place(s->columns, s->place | one);
    side->two[0] = image_of_place(s->columns, s->place | two);
    side->other[0] = find_other(sides, side->one[0], side->two[0], others);
}

/* ---- A side ---- */

static eegpu_status count_blocks(const eg_columns *columns, uint64_t *count)
{
    eg_bit_matrix matrix = {0};
    eg_bit_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_bit_matrix_of_columns(columns, columns->set.budget, NULL, &matrix));
    EG_TRY(eg_bit_matrix_split(&matrix, &blocks));
    *count = blocks.count;
done:
    eg_bit_blocks_free(&blocks);
    eg_bit_matrix_free(&matrix);
    return status;
}

static void sort_pixels(search *s, const int *distance)
{
    for (int bit = 0; bit < s->columns->size; bit++)
        s->at[distance[s->columns->pixel_of_bit[bit]]] |= UINT64_C(1) << bit;
    for (int r = 1; r <= s->depth; r++)
        s->within[r] = s->within[r - 1] | s->at[r];
}

/* A side that is all boundary has r = 1, whatever its columns are: only its images with a row that is not zero are counted. They
 * are the function folded over the pixels of the other side. */
static eegpu_status count_rows(const eg_range_sides *sides, uint64_t pixels, eg_range_side *side)
{
    const eegpu_state *state = sides->state;
    uint64_t all = eg_low_mask(state->pixels), near = eg_columns_index_bits(&sides->whole, pixels), words = words_of(all),
             *folded = NULL;
    eegpu_status status = eg_allocate(state->budget, words, sizeof *folded, "the rows of a cut", &folded);
    if (status != EEGPU_OK)
        return status;
    memcpy(folded, state->bits, words * sizeof *folded);
    fold(folded, all, all & ~near);
    side->r = 1;
    side->classes = 0;
    for (uint64_t w = 0; w < words_of(near); w++)
        side->classes += (uint64_t)eg_popcount(folded[w]);
    side->classes >>= eg_popcount(all & ~near & eg_low_mask(WORD_BITS));
    eg_release(state->budget, folded);
    return EEGPU_OK;
}

static eegpu_status search_bits(eg_range_sides *sides, int which, eg_range_side *side)
{
    const eegpu_state *state = sides->state;
    uint64_t all = eg_low_mask(state->pixels), pixels = (which == 0 ? sides->mask[0] : ~sides->mask[0]) & all;
    eg_columns columns = {0};
    search s = {.columns = &columns, .depth = side->depth};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_progress_add(sides->progress, 0));
    if (side->depth == 1 && sides->has_record)
        return count_rows(sides, pixels, side);
    EG_TRY(eg_columns_derive(&sides->whole, pixels, state->budget, NULL, &columns));
    EG_TRY(eg_progress_add(sides->progress, 0));
    EG_TRY(eg_allocate(state->budget, columns.set.words, sizeof *s.rows, "the rows of a cut", &s.rows));
    EG_TRY(eg_allocate(state->budget, columns.set.words, sizeof *s.ones, "a column of a cut, folded", &s.ones));
    EG_TRY(eg_allocate(state->budget, columns.set.words, sizeof *s.zeros, "a column of a cut, folded", &s.zeros));
    sort_pixels(&s, sides->distance);
    EG_TRY(search_columns(&s, sides->progress));
    side->r = s.r;
    side->classes = count_classes(&s);
    if (!sides->has_record)
        sides->distinct[!which] = columns.set.count; /* columns of S are the lines of the other side */
    if (s.r > 1)
        show_failure(sides, &s, all & ~pixels, side);
    if (!sides->has_record && which == 0)
        EG_TRY(count_blocks(&columns, &sides->blocks));
done:
    eg_release(state->budget, s.rows);
    eg_release(state->budget, s.ones);
    eg_release(state->budget, s.zeros);
    eg_columns_free(&columns);
    return status;
}

eegpu_status eg_range_sides_of_bits(eg_range_sides *sides)
{
    eg_columns_of_state(sides->state, &sides->weight_of_one, &sides->whole);
    sides->search = search_bits;
    return EEGPU_OK;
}

/* ---- Memory ---- */

/* Of a set of the columns over s of n pixels, while it grows: the columns themselves, and a weight, a hash and two slots for
 * each. */
static double bytes_of_set(int n, int s)
{
    bool all_occur = s < WORD_BITS && (1 << s) < n - s; /* of s pixels there are 2^2^s columns */
    double most = ldexp(1, all_occur ? 1 << s : n - s), each = 24 + (s < WORD_BITS ? 8 : ldexp(1, s - 3));
    double first = (double)eg_vector_set_first_capacity(s < WORD_BITS ? 1 : UINT64_C(1) << (s - WORD_BITS));
    return most > first ? 1.5 * most * each : first * each;
}

double eg_range_bytes(int pixels, int pixels_of_a, bool has_record)
{
    double largest = 0;
    for (int which = 0; which < 2; which++) {
        int s = which == 0 ? pixels_of_a : pixels - pixels_of_a;
        double pieces = 1.5 * ldexp(1, pixels - 3), bytes = bytes_of_set(pixels, s);
        if (s < WORD_BITS && pixels > WORD_BITS)
            bytes += bytes_of_set(pixels, WORD_BITS); /* on the way */
        if (which == 0 && !has_record)
            bytes += bytes_of_set(pixels, pixels - s);
        bytes += pieces + 3 * ldexp(1, s - 3);
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}
