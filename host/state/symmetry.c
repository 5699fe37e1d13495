/* A symmetry permutes the bits of an image's index. A dense function goes through in tiles that are whole cache lines both where
 * they are read and where they must be found again; a tile is rearranged in a small buffer and compared.
 *
 * Of a 0/1 function, a word holds the images that differ in index bits 0 to 5. Those of these bits that leave the word change
 * places with bits of the word's number that enter it, by exchanging bits between pairs of words; then the bits that stay are
 * put in order by exchanging bits within words. From then on whole words move. Sets of images are looked up image by image. */
#include "state/symmetry.h"

#include <stdatomic.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"

enum {
    WORD_BITS = 6,
    LINE_BITS = 3,  /* words in a cache line */
    TILE_BITS = 12, /* words in a tile: 6 bits that enter words, 3 of the lines read, 3 of the lines found */
    LINE = 1 << LINE_BITS,
    TILE = 1 << TILE_BITS,
    LINES = TILE / LINE,
    TILES_AT_ONCE = 4
};

/* One step within a word or between words. */
typedef struct step {
    int shift;     /* bits */
    int distance;  /* words of the tile; 0: within one word */
    uint64_t keep; /* the lower one of two bits that change places, before the shift */
} step;

/* Items are words of 64 images, or single amplitudes. "Places" are bits of the number of an item, counted from 0. */
typedef struct passage {
    const eegpu_state *state;
    int places, inner, item_words; /* inner: index bits within an item; words of memory an item */
    int line_bits, tile_bits;
    int steps;
    step step[3 * WORD_BITS];
    int target_of_place[EG_MAX_DENSE_PIXELS];        /* once the steps are done */
    uint64_t outer_places;                           /* those that are the same all over a tile */
    uint64_t outer_target;                           /* added by exclusive or: the colours */
    uint64_t source_line[LINES], target_line[LINES]; /* items */
    uint16_t source_of_target[TILE];                 /* within the tile */
    atomic_bool differs;
} passage;

/* ---- The plan ---- */

static const uint64_t even_positions[WORD_BITS] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
                                                   0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};

/* Bits that enter words take the positions of bits that leave, such that the bits that stay form closed cycles with them.
 * Afterwards bit i of the index is at at[i], and `entering` are the places that were exchanged, in the order of the steps so
 * far. */
static int plan_exchanges(passage *plan, const int *target, int *at, int *entering)
{
    int count = 0;
    for (int bit = 0; bit < plan->places + plan->inner; bit++)
        at[bit] = bit;
    for (int bit = plan->inner; bit < plan->places + plan->inner; bit++) {
        int position = target[bit];
        if (position >= plan->inner)
            continue;
        while (target[position] < plan->inner)
            position = target[position];
        at[bit] = position;
        at[position] = bit;
        entering[count++] = bit - plan->inner;
        plan->step[plan->steps++] = (step){.shift = 1 << position, .keep = even_positions[position]};
    }
    return count;
}

/* Put the bits within words in order, by exchanging two index bits at a time; then exchange the colours. */
static void plan_words(passage *plan, const int *target, const int *at, bool exchange_colours)
{
    int wanted[WORD_BITS]; /* of the bit at each position */
    for (int bit = 0; bit < plan->places + plan->inner; bit++)
        if (at[bit] < plan->inner)
            wanted[at[bit]] = target[bit];
    for (int low = 0; low < plan->inner; low++) {
        int high = low;
        while (wanted[high] != low)
            high++;
        if (high == low)
            continue;
        wanted[high] = wanted[low];
        plan->step[plan->steps++] = (step){.shift = (1 << high) - (1 << low), .keep = even_positions[high] & ~even_positions[low]};
    }
    for (int position = 0; exchange_colours && position < plan->inner; position++)
        plan->step[plan->steps++] = (step){.shift = 1 << position, .keep = even_positions[position]};
}

/* Choose the places of a tile: those that must be, then the lowest ones of the lines read and found in turn, for long runs of
 * lines. */
static uint64_t plan_tile(passage *plan, const int *entering, int entering_count, const int *place_of_target)
{
    int most = plan->item_words == 1 ? TILE_BITS : TILE_BITS - 1;
    uint64_t tile = 0;
    plan->line_bits = plan->item_words == 1 ? LINE_BITS : LINE_BITS - 1;
    plan->line_bits = plan->line_bits < plan->places ? plan->line_bits : plan->places;
    plan->tile_bits = plan->places < most ? plan->places : most;
    for (int k = 0; k < entering_count; k++)
        tile |= UINT64_C(1) << entering[k];
    for (int place = 0; place < plan->line_bits; place++)
        tile |= UINT64_C(1) << place | UINT64_C(1) << place_of_target[place];
    for (int place = 0; eg_popcount(tile) < plan->tile_bits; place++) {
        tile |= UINT64_C(1) << place;
        if (eg_popcount(tile) < plan->tile_bits)
            tile |= UINT64_C(1) << place_of_target[place];
    }
    return tile;
}

static uint64_t permuted(const passage *plan, uint64_t item)
{
    uint64_t result = 0;
    for (; item != 0; item &= item - 1)
        result |= UINT64_C(1) << plan->target_of_place[eg_lowest_bit(item)];
    return result;
}

/* Where the lines of a tile are, and which item of the rearranged tile is due at each place of the target. */
static void plan_lines(passage *plan, uint64_t tile, bool exchange_colours)
{
    uint64_t target_tile = permuted(plan, tile), items = UINT64_C(1) << plan->tile_bits, everything = eg_low_mask(plan->places);
    for (uint64_t u = 0; u < items; u++) {
        uint64_t source = eg_deposit(u, tile), target = permuted(plan, source), v = 0;
        if (exchange_colours)
            target ^= target_tile;
        for (uint64_t left = target_tile, bit = 1; left != 0; left &= left - 1, bit *= 2)
            v |= target & left & -left ? bit : 0;
        plan->source_of_target[v] = (uint16_t)u;
        if (u % (UINT64_C(1) << plan->line_bits) == 0) {
            plan->source_line[u >> plan->line_bits] = source;
            plan->target_line[u >> plan->line_bits] = eg_deposit(u, target_tile);
        }
    }
    plan->outer_places = everything & ~tile;
    plan->outer_target = exchange_colours ? everything & ~target_tile : 0;
}

static void plan_passage(passage *plan, const int *image_of_pixel, bool exchange_colours)
{
    const eegpu_state *state = plan->state;
    int target[EG_MAX_DENSE_PIXELS], at[EG_MAX_DENSE_PIXELS], entering[WORD_BITS], place_of_target[EG_MAX_DENSE_PIXELS];
    plan->inner = state->kind == EG_BITS ? WORD_BITS : 0;
    plan->item_words = state->kind == EG_AMPLITUDES && state->is_complex ? 2 : 1;
    plan->places = state->pixels - plan->inner;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        target[state->bit_of_pixel[pixel]] = state->bit_of_pixel[image_of_pixel[pixel]];
    int exchanges = plan_exchanges(plan, target, at, entering);
    plan_words(plan, target, at, exchange_colours);
    for (int bit = 0; bit < state->pixels; bit++)
        if (at[bit] >= plan->inner) {
            plan->target_of_place[at[bit] - plan->inner] = target[bit] - plan->inner;
            place_of_target[target[bit] - plan->inner] = at[bit] - plan->inner;
        }
    uint64_t tile = plan_tile(plan, entering, exchanges, place_of_target);
    for (int k = 0; k < exchanges; k++)
        plan->step[k].distance = 1 << eg_popcount(tile & eg_low_mask(entering[k]));
    plan_lines(plan, tile, exchange_colours);
}

/* ---- The pass ---- */

/* Within words. A constant length of the inner loop lets the compiler use its widest words; so below. */
static void step_within(const step *now, uint64_t *words, int count)
{
    uint64_t keep = now->keep;
    int shift = now->shift;
    for (int first = 0; first < count; first += LINE)
        for (int k = 0; k < LINE; k++) {
            uint64_t word = words[first + k], different = ((word >> shift) ^ word) & keep;
            words[first + k] = word ^ different ^ (different << shift);
        }
}

/* Bits at a position of the place in a word change places with a bit of the number of the word. */
static void step_between(const step *now, uint64_t *words, int count)
{
    uint64_t keep = now->keep;
    int shift = now->shift, distance = now->distance, run = distance < LINE ? 1 : LINE;
    for (int first = 0; first < count; first += run) {
        if (first & distance)
            continue;
        uint64_t *low = words + first, *high = low + distance;
        if (run == LINE)
            for (int k = 0; k < LINE; k++) {
                uint64_t different = ((low[k] >> shift) ^ high[k]) & keep;
                low[k] ^= different << shift;
                high[k] ^= different;
            }
        else {
            uint64_t different = ((*low >> shift) ^ *high) & keep;
            *low ^= different << shift;
            *high ^= different;
        }
    }
}

static bool words_differ(const passage *plan, const uint64_t *tile, uint64_t target_base)
{
    int line = 1 << plan->line_bits, lines = 1 << (plan->tile_bits - plan->line_bits);
    const uint16_t *source = plan->source_of_target;
    uint64_t different = 0;
    for (int n = 0; n < lines; n++, source += line) {
        const uint64_t *target = plan->state->bits + target_base + plan->target_line[n];
        for (int k = 0; k < line; k++)
            different |= target[k] ^ tile[source[k]];
    }
    return different != 0;
}

static bool amplitudes_differ(const passage *plan, const double *tile, uint64_t target_base)
{
    int line = 1 << plan->line_bits, lines = 1 << (plan->tile_bits - plan->line_bits), parts = plan->item_words;
    const uint16_t *source = plan->source_of_target;
    bool different = false;
    for (int n = 0; n < lines; n++, source += line) {
        const double *target = plan->state->amplitudes + (target_base + plan->target_line[n]) * (uint64_t)parts;
        for (int k = 0; k < line; k++)
            for (int part = 0; part < parts; part++)
                different |= target[k * parts + part] != tile[source[k] * parts + part];
    }
    return different;
}

static bool tile_differs(const passage *plan, uint64_t source_base, uint64_t target_base)
{
    union {
        _Alignas(64) uint64_t words[TILE];
        double amplitudes[TILE];
    } tile;
    const eegpu_state *state = plan->state;
    bool is_bits = state->kind == EG_BITS;
    size_t parts = (size_t)plan->item_words, line = parts << plan->line_bits;
    int lines = 1 << (plan->tile_bits - plan->line_bits), count = 1 << plan->tile_bits;
    for (int n = 0; n < lines; n++) {
        uint64_t first = (source_base + plan->source_line[n]) * parts;
        const void *source = is_bits ? (const void *)(state->bits + first) : state->amplitudes + first;
        memcpy(tile.words + (size_t)n * line, source, line * sizeof *tile.words);
    }
    if (!is_bits)
        return amplitudes_differ(plan, tile.amplitudes, target_base);
    if (count < LINE)
        memset(tile.words + count, 0, (size_t)(LINE - count) * sizeof *tile.words);
    for (int k = 0; k < plan->steps; k++)
        if (plan->step[k].distance > 0)
            step_between(&plan->step[k], tile.words, count);
        else
            step_within(&plan->step[k], tile.words, count);
    return words_differ(plan, tile.words, target_base);
}

static eegpu_status pass_tiles(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    passage *plan = context;
    for (uint64_t t = first; t < last && !atomic_load(&plan->differs); t++) {
        uint64_t source = eg_deposit(t, plan->outer_places);
        if (tile_differs(plan, source, permuted(plan, source) ^ plan->outer_target))
            atomic_store(&plan->differs, true);
    }
    return EEGPU_OK;
}

/* ---- Few images, and sets of images ---- */

/* A 0/1 function of less than a word. */
static bool is_small_invariant(const eegpu_state *state, const int *image_of_pixel, bool exchange_colours)
{
    bool same = true;
    for (uint64_t source = 0; source < state->size; source++) {
        uint64_t target = exchange_colours ? state->size - 1 : 0;
        for (int pixel = 0; pixel < state->pixels; pixel++)
            target ^= (source >> state->bit_of_pixel[pixel] & 1) << state->bit_of_pixel[image_of_pixel[pixel]];
        same &= eg_bit(state->bits, source) == eg_bit(state->bits, target);
    }
    return same;
}

typedef struct lookup {
    const eegpu_state *state;
    const int *image_of_pixel;
    bool exchange_colours;
    atomic_bool differs;
} lookup;

static int compare_images(const uint64_t *left, const uint64_t *right, uint64_t words)
{
    for (uint64_t w = 0; w < words; w++)
        if (left[w] != right[w])
            return left[w] < right[w] ? -1 : 1;
    return 0;
}

/* The number of an image in a set, or its count if it is not there. */
static uint64_t find_image(const eg_image_set *set, const uint64_t *image)
{
    uint64_t first = 0, last = set->count;
    while (first < last) {
        uint64_t middle = first + (last - first) / 2;
        int order = compare_images(set->pixels + middle * set->words, image, set->words);
        if (order == 0)
            return middle;
        if (order < 0)
            first = middle + 1;
        else
            last = middle;
    }
    return set->count;
}

/* Different images have different images, so that it is enough to find each with the same frequency. */
static eegpu_status look_up_images(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    lookup *search = context;
    const eg_image_set *set = &search->state->images;
    uint64_t moved[EG_MAX_PIXELS / 64];
    for (uint64_t k = first; k < last && !atomic_load(&search->differs); k++) {
        for (uint64_t w = 0; w < set->words; w++)
            moved[w] = search->exchange_colours ? eg_low_mask(search->state->pixels - (int)w * 64) : 0;
        for (uint64_t w = 0; w < set->words; w++)
            for (uint64_t left = set->pixels[k * set->words + w]; left != 0; left &= left - 1) {
                int pixel = search->image_of_pixel[w * 64 + (uint64_t)eg_lowest_bit(left)];
                moved[pixel / 64] ^= UINT64_C(1) << (pixel % 64);
            }
        uint64_t found = find_image(set, moved);
        if (found == set->count || set->multiplicity[found] != set->multiplicity[k])
            atomic_store(&search->differs, true);
    }
    return EEGPU_OK;
}

/* ---- Entry point ---- */

static bool is_permutation(const int *image_of_pixel, int pixels)
{
    uint64_t seen[EG_MAX_PIXELS / 64] = {0};
    for (int pixel = 0; pixel < pixels; pixel++) {
        int image = image_of_pixel[pixel];
        if (image < 0 || image >= pixels || eg_bit(seen, (uint64_t)image))
            return false;
        seen[image / 64] |= UINT64_C(1) << (image % 64);
    }
    return true;
}

eegpu_status eg_state_is_invariant(const eegpu_state *state, const int *image_of_pixel, bool exchange_colours, int threads,
                                   bool *invariant)
{
    eegpu_status status = EEGPU_OK;
    *invariant = false;
    if (!is_permutation(image_of_pixel, state->pixels))
        return eg_fail(EEGPU_USAGE, "testing a symmetry of a function: it does not take the %d pixels to each other, one to one",
                       state->pixels);
    if (state->kind == EG_IMAGES) {
        lookup search = {.state = state, .image_of_pixel = image_of_pixel, .exchange_colours = exchange_colours};
        EG_TRY(eg_parallel_for(threads, state->images.count, TILE, look_up_images, &search));
        *invariant = !atomic_load(&search.differs);
    } else if (state->kind == EG_BITS && state->pixels < WORD_BITS) {
        *invariant = is_small_invariant(state, image_of_pixel, exchange_colours);
    } else {
        passage plan = {.state = state};
        plan_passage(&plan, image_of_pixel, exchange_colours);
        EG_TRY(pass_tiles(&plan, 0, 1, 0)); /* most functions differ here, before threads are worth while */
        if (!atomic_load(&plan.differs))
            EG_TRY(eg_parallel_for(threads, UINT64_C(1) << (plan.places - plan.tile_bits), TILES_AT_ONCE, pass_tiles, &plan));
        *invariant = !atomic_load(&plan.differs);
    }
done:
    return status;
}
