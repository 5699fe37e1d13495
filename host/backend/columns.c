/* Splits vectors of 2^p bits into vectors of 2^s bits by a permutation of index bits, and collects the distinct ones. Comes in: the
 * columns of a region; goes out: those of a smaller one. Called by the back ends, reduce/ and measure/; knows nothing of spectra.
 *
 * A word holds the places that differ in index bits 0 to 5. Those of them that belong to S stay where they are; each other one
 * changes places with a bit of S from outside the word, by exchanging bits between pairs of words. Eight neighbouring words go
 * through together, so that cache lines and vector registers are used in full. Everything else moves whole words. */
#include "backend/columns.h"

#include <string.h>

#include "base/bits.h"

enum { WORD_BITS = 6, LANE_BITS = 3, MAX_LANES = 1 << LANE_BITS, PAD_WORDS = 8 };

typedef struct split {
    int s, p;
    uint64_t vector_words;                  /* of a child vector */
    int swaps, swap_position[WORD_BITS];    /* positions in a word that get a bit of S, and ... */
    uint64_t swap_offset[1 << WORD_BITS];   /* ... the word offsets of all values of those bits of S */
    int lanes, lane_count_bits;             /* neighbouring words handled together; index bits 6, 7, 8 */
    uint64_t lane_place[MAX_LANES];         /* word within its child vector ... */
    uint64_t lane_column[MAX_LANES];        /* ... and column within the chunk, of each lane */
    int place_bits, outer_bits, chunk_bits; /* other bits of S, other column bits; columns of a chunk */
    int place_bit[EG_MAX_DENSE_PIXELS], outer_bit[EG_MAX_DENSE_PIXELS]; /* as index bits of the source */
    uint64_t place_of_bit[EG_MAX_DENSE_PIXELS];                         /* word within a child vector for each place bit */
    uint64_t number_of_bit[EG_MAX_DENSE_PIXELS];                        /* contribution of an index bit to the column number */
    uint64_t chunk_number[1 << (WORD_BITS + LANE_BITS)];                /* column number of each chunk column */
} split;

static const uint64_t even_positions[WORD_BITS] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
                                                   0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};

/* Exchange the bit at `position` of the place in a word with bit `stage` of the number of the word. */
static inline __attribute__((always_inline)) void exchange(uint64_t (*block)[MAX_LANES], int words, int lanes, int stage,
                                                           int position)
{
    uint64_t keep = even_positions[position];
    int shift = 1 << position, step = 1 << stage;
    for (int low = 0; low < words; low++) {
        if (low & step)
            continue;
        for (int lane = 0; lane < lanes; lane++) {
            uint64_t a = block[low][lane], b = block[low + step][lane], moved = ((a >> shift) ^ b) & keep;
            block[low][lane] = a ^ (moved << shift);
            block[low + step][lane] = b ^ moved;
        }
    }
}

static inline __attribute__((always_inline)) void split_block(const split *plan, const uint64_t *source, uint64_t place,
                                                              uint64_t stride, int lanes, uint64_t *chunk)
{
    uint64_t block[1 << WORD_BITS][MAX_LANES];
    int words = 1 << plan->swaps;
    for (int w = 0; w < words; w++)
        for (int lane = 0; lane < lanes; lane++)
            block[w][lane] = source[plan->swap_offset[w] + (uint64_t)lane];
    for (int stage = 0; stage < plan->swaps; stage++)
        exchange(block, words, lanes, stage, plan->swap_position[stage]);
    for (int w = 0; w < words; w++)
        for (int lane = 0; lane < lanes; lane++)
            chunk[((uint64_t)w + plan->lane_column[lane]) * stride + place + plan->lane_place[lane]] = block[w][lane];
}

/* ---- The plan of a split ---- */

/* Bits of S that go into words in exchange: the highest ones, so that neighbouring words stay neighbours. */
static void plan_swaps(split *plan, uint64_t kept, int *child_bit)
{
    uint64_t above = kept & ~eg_low_mask(WORD_BITS);
    plan->swap_offset[0] = 0;
    for (int position = 0; position < WORD_BITS; position++) {
        child_bit[position] = position;
        if (kept >> position & 1)
            continue;
        int taken = 63 - __builtin_clzll(above);
        above &= ~(UINT64_C(1) << taken);
        child_bit[position] = taken;
        for (int w = 0; w < 1 << plan->swaps; w++)
            plan->swap_offset[w + (1 << plan->swaps)] = plan->swap_offset[w] + (UINT64_C(1) << (taken - WORD_BITS));
        plan->swap_position[plan->swaps++] = position;
    }
}

static void plan_split(int p, uint64_t kept, split *plan, int *child_bit)
{
    uint64_t swapped = 0, number = 0;
    memset(plan, 0, sizeof *plan);
    plan->p = p;
    plan->s = eg_popcount(kept);
    plan->vector_words = UINT64_C(1) << (plan->s - WORD_BITS);
    plan_swaps(plan, kept, child_bit);
    for (int position = 0; position < WORD_BITS; position++)
        swapped |= child_bit[position] >= WORD_BITS ? UINT64_C(1) << child_bit[position] : 0;
    for (int bit = 0; bit < p; bit++)
        if (!(kept >> bit & 1))
            plan->number_of_bit[bit] = UINT64_C(1) << number++;
    bool use_lanes = p >= WORD_BITS + LANE_BITS && (swapped & (eg_low_mask(LANE_BITS) << WORD_BITS)) == 0;
    plan->lane_count_bits = use_lanes ? LANE_BITS : 0;
    plan->lanes = 1 << plan->lane_count_bits;
    plan->chunk_bits = plan->swaps;
    uint64_t word = 1;
    int next_child = WORD_BITS;
    for (int bit = WORD_BITS; bit < p; bit++) {
        bool is_lane = bit < WORD_BITS + plan->lane_count_bits, is_kept = kept >> bit & 1;
        if (swapped >> bit & 1)
            continue;
        for (int lane = 0; is_lane && lane < plan->lanes; lane++) {
            if (!(lane >> (bit - WORD_BITS) & 1))
                continue;
            plan->lane_place[lane] += is_kept ? word : 0;
            plan->lane_column[lane] += is_kept ? 0 : UINT64_C(1) << plan->chunk_bits;
        }
        if (is_kept) {
            child_bit[next_child++] = bit;
            if (!is_lane) {
                plan->place_bit[plan->place_bits] = bit;
                plan->place_of_bit[plan->place_bits++] = word;
            }
            word *= 2;
        } else if (is_lane) {
            for (uint64_t c = 0; c < UINT64_C(1) << plan->chunk_bits; c++)
                plan->chunk_number[c + (UINT64_C(1) << plan->chunk_bits)] = plan->chunk_number[c] + plan->number_of_bit[bit];
            plan->chunk_bits++;
        } else {
            plan->outer_bit[plan->outer_bits++] = bit;
        }
    }
    /* A chunk column's low bits are the exchanged positions, in the order of the stages. */
    for (uint64_t c = 0; c < UINT64_C(1) << plan->chunk_bits; c++)
        for (int stage = 0; stage < plan->swaps; stage++)
            plan->chunk_number[c] += c >> stage & 1 ? plan->number_of_bit[plan->swap_position[stage]] : 0;
}

/* ---- Vectors of at most one word ---- */

/* Split vectors of 2^p bits, p <= 6, bit by bit: there are few of them. */
static eegpu_status split_words(const eg_columns *parent, uint64_t kept, uint32_t *class_of_column, eg_columns *child)
{
    uint64_t left = eg_low_mask(parent->size) & ~kept, pieces = UINT64_C(1) << eg_popcount(left);
    for (uint64_t v = 0; v < parent->set.count; v++) {
        for (uint64_t x = 0; x < pieces; x++) {
            uint64_t base = eg_deposit(x, left), vector = 0;
            uint32_t class = 0;
            for (uint64_t r = 0; r < UINT64_C(1) << child->size; r++)
                vector |= (parent->set.vectors[v] >> (base | eg_deposit(r, kept)) & 1) << r;
            eegpu_status status = eg_vector_set_add(&child->set, &vector, parent->set.weights[v], &class);
            if (status != EEGPU_OK)
                return status;
            if (class_of_column)
                class_of_column[v * pieces + x] = class;
        }
    }
    return EEGPU_OK;
}

/* ---- Long vectors ---- */

static eegpu_status collect_chunk(const split *plan, const uint64_t *chunk, uint64_t stride, uint64_t weight, uint32_t *classes,
                                  uint64_t base, eg_vector_set *set)
{
    uint32_t class = 0;
    for (uint64_t c = 0; c < UINT64_C(1) << plan->chunk_bits; c++) {
        eegpu_status status = eg_vector_set_add(set, chunk + c * stride, weight, &class);
        if (status != EEGPU_OK)
            return status;
        if (classes)
            classes[base + plan->chunk_number[c]] = class;
    }
    return EEGPU_OK;
}

static uint64_t sum_offsets(uint64_t value, const int *bit)
{
    uint64_t offset = 0;
    for (int j = 0; value; j++, value >>= 1)
        offset += (value & 1) << (bit[j] - WORD_BITS);
    return offset;
}

/* All places of a chunk, in the order of the source. The lane count is a constant in each call, so that the compiler unrolls. */
static void fill_chunk(const split *plan, const uint64_t *source, const uint64_t *place_source, const uint64_t *place_target,
                       uint64_t stride, uint64_t *chunk)
{
    uint64_t places = UINT64_C(1) << plan->place_bits;
    if (plan->lanes == MAX_LANES)
        for (uint64_t u = 0; u < places; u++)
            split_block(plan, source + place_source[u], place_target[u], stride, MAX_LANES, chunk);
    else
        for (uint64_t u = 0; u < places; u++)
            split_block(plan, source + place_source[u], place_target[u], stride, 1, chunk);
}

static eegpu_status split_vectors(const eg_columns *parent, const split *plan, uint32_t *class_of_column, eg_columns *child)
{
    eg_budget *budget = child->set.budget;
    uint64_t stride = plan->vector_words + (plan->vector_words >= 64 ? PAD_WORDS : 0); /* no power of two: caches */
    uint64_t places = UINT64_C(1) << plan->place_bits, *chunk = NULL, *place_source = NULL, *place_target = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(budget, stride << plan->chunk_bits, sizeof *chunk, "a piece of the columns of a cut", &chunk));
    EG_TRY(eg_allocate(budget, places, sizeof *place_source, "the offsets of a cut", &place_source));
    EG_TRY(eg_allocate(budget, places, sizeof *place_target, "the offsets of a cut", &place_target));
    place_source[0] = place_target[0] = 0;
    for (int j = 0; j < plan->place_bits; j++)
        for (uint64_t u = 0; u < UINT64_C(1) << j; u++) {
            place_source[u + (UINT64_C(1) << j)] = place_source[u] + (UINT64_C(1) << (plan->place_bit[j] - WORD_BITS));
            place_target[u + (UINT64_C(1) << j)] = place_target[u] + plan->place_of_bit[j];
        }
    for (uint64_t v = 0; v < parent->set.count; v++) {
        for (uint64_t outer = 0; outer < UINT64_C(1) << plan->outer_bits; outer++) {
            uint64_t number = v << (plan->p - plan->s);
            for (int j = 0; j < plan->outer_bits; j++)
                number += outer >> j & 1 ? plan->number_of_bit[plan->outer_bit[j]] : 0;
            fill_chunk(plan, parent->set.vectors + v * parent->set.words + sum_offsets(outer, plan->outer_bit), place_source,
                       place_target, stride, chunk);
            EG_TRY(collect_chunk(plan, chunk, stride, parent->set.weights[v], class_of_column, number, &child->set));
        }
    }
done:
    eg_release(budget, chunk);
    eg_release(budget, place_source);
    eg_release(budget, place_target);
    return status;
}

/* ---- Entry points ---- */

void eg_columns_of_state(const eegpu_state *state, uint64_t *weight_of_one, eg_columns *whole)
{
    *weight_of_one = 1;
    *whole = (eg_columns){.size = state->pixels};
    for (int pixel = 0; pixel < state->pixels; pixel++)
        whole->pixel_of_bit[state->bit_of_pixel[pixel]] = pixel;
    whole->set = (eg_vector_set){.words = (state->size + 63) / 64, .count = 1, .vectors = state->bits, .weights = weight_of_one};
}

uint64_t eg_columns_index_bits(const eg_columns *columns, uint64_t pixels)
{
    uint64_t bits = 0;
    for (int bit = 0; bit < columns->size; bit++)
        bits |= (pixels >> columns->pixel_of_bit[bit] & 1) << bit;
    return bits;
}

static eegpu_status begin_child(const eg_columns *parent, uint64_t kept, eg_budget *budget, eg_columns *child)
{
    *child = (eg_columns){.size = eg_popcount(kept)};
    for (int bit = 0, next = 0; bit < parent->size; bit++)
        if (kept >> bit & 1)
            child->pixel_of_bit[next++] = parent->pixel_of_bit[bit];
    return eg_vector_set_begin(budget, child->size <= WORD_BITS ? 1 : UINT64_C(1) << (child->size - WORD_BITS), &child->set);
}

static eegpu_status derive_long(const eg_columns *parent, uint64_t kept, eg_budget *budget, uint32_t *class_of_column,
                                eg_columns *child)
{
    split plan;
    int child_bit[EG_MAX_DENSE_PIXELS];
    eegpu_status status = begin_child(parent, kept, budget, child);
    if (status != EEGPU_OK)
        return status;
    plan_split(parent->size, kept, &plan, child_bit);
    for (int bit = 0; bit < child->size; bit++)
        child->pixel_of_bit[bit] = parent->pixel_of_bit[child_bit[bit]];
    return split_vectors(parent, &plan, class_of_column, child);
}

/* Fewer than 6 pixels out of many: through a region of 6, so that words stay whole as long as possible. Columns of columns: class
 * x of the parent's piece within the class of the whole. */
static eegpu_status derive_short(const eg_columns *parent, uint64_t kept, eg_budget *budget, eg_columns *child)
{
    eg_columns six = {0};
    uint64_t wider = kept, pixels_kept = 0;
    eegpu_status status = EEGPU_OK;
    for (int bit = 0; bit < parent->size; bit++)
        pixels_kept |= (kept >> bit & 1) << parent->pixel_of_bit[bit];
    for (int bit = 0; eg_popcount(wider) < WORD_BITS; bit++)
        wider |= UINT64_C(1) << bit;
    EG_TRY(derive_long(parent, wider, budget, NULL, &six));
    uint64_t inner = eg_columns_index_bits(&six, pixels_kept);
    EG_TRY(begin_child(&six, inner, budget, child));
    EG_TRY(split_words(&six, inner, NULL, child));
done:
    eg_columns_free(&six);
    return status;
}

eegpu_status eg_columns_derive(const eg_columns *parent, uint64_t pixels, eg_budget *budget, uint32_t *class_of_column,
                               eg_columns *child)
{
    uint64_t kept = eg_columns_index_bits(parent, pixels);
    eegpu_status status = EEGPU_OK;
    *child = (eg_columns){.set.budget = budget};
    if (parent->size <= WORD_BITS) {
        EG_TRY(begin_child(parent, kept, budget, child));
        EG_TRY(split_words(parent, kept, class_of_column, child));
    } else if (eg_popcount(kept) >= WORD_BITS) {
        EG_TRY(derive_long(parent, kept, budget, class_of_column, child));
    } else if (class_of_column == NULL) {
        EG_TRY(derive_short(parent, kept, budget, child));
    } else {
        status = eg_fail(EEGPU_USAGE, "the classes of columns of fewer than 6 of %d pixels", parent->size);
    }
done:
    if (status == EEGPU_OK)
        eg_vector_set_seal(&child->set);
    else
        eg_columns_free(child);
    return status;
}

void eg_columns_free(eg_columns *columns) { eg_vector_set_free(&columns->set); }
