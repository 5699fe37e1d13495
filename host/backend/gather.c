/* A permutation of index bits, tile by tile. Comes in: a state and which bits are rows and columns; goes out: columns of the
 * matrix as doubles. Bit t of a place in the panel (rows first, then columns) is some bit of the index of the amplitude that
 * belongs there. A tile holds all places that agree outside the low bits of either side, so that every cache line read and every
 * one written is used in full while it is near; where both sides begin with the same bits, whole runs are copied. Offsets come
 * from tables, never bit by bit. Called by cpu.c, reduce/parallel_rows.c and scan/schmidt.c. */
#include "backend/gather.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"

enum {
    LOW_BITS = 5, /* low bits of each side in a tile: 32 elements, 4 cache lines of doubles */
    TILE_BITS = 2 * LOW_BITS,
    CHUNK_BITS = 8, /* outer offsets are summed from tables of 2^8 entries */
    MAX_CHUNKS = EG_MAX_DENSE_PIXELS / CHUNK_BITS
};

/* Offsets of one side for all values of some bits, in chunks: offset(x) = sum of table[i][byte i of x]. */
typedef struct offset_table {
    uint64_t entry[MAX_CHUNKS][1 << CHUNK_BITS];
} offset_table;

typedef struct permutation {
    const eegpu_state *state;
    double *panel;
    uint64_t base;  /* index bits fixed by the columns' high bits */
    bool is_scaled; /* by 2^exponent = factor[0] * factor[1]; their product may pass the largest double */
    double factor[2];
    int tile_high_bits, low_bits; /* a tile is 2^tile_high_bits runs of 2^low_bits places */
    bool is_run;                  /* the low bits are the same on both sides */
    uint64_t low_source[1 << LOW_BITS];
    uint64_t high_source[1 << TILE_BITS], high_place[1 << TILE_BITS];
    int outer_bits;
    offset_table outer_source, outer_place;
} permutation;

static uint64_t offset_of(const offset_table *table, uint64_t value)
{
    uint64_t offset = 0;
    for (int chunk = 0; value; chunk++, value >>= CHUNK_BITS)
        offset |= table->entry[chunk][value & eg_low_mask(CHUNK_BITS)];
    return offset;
}

static void fill_offsets(const int *bit, int count, offset_table *table)
{
    for (int chunk = 0; chunk * CHUNK_BITS < count; chunk++) {
        for (uint64_t value = 0; value < 1 << CHUNK_BITS; value++) {
            uint64_t offset = 0;
            for (int j = 0; j < CHUNK_BITS && chunk * CHUNK_BITS + j < count; j++)
                offset |= (value >> j & 1) << bit[chunk * CHUNK_BITS + j];
            table->entry[chunk][value] = offset;
        }
    }
}

/* All sums of 2^bit[j] over subsets of the given bits. */
static void fill_small(const int *bit, int count, uint64_t *offset)
{
    offset[0] = 0;
    for (int j = 0; j < count; j++)
        for (uint64_t value = 0; value < UINT64_C(1) << j; value++)
            offset[(UINT64_C(1) << j) + value] = offset[value] | UINT64_C(1) << bit[j];
}

static void plan_permutation(const eg_matrix_layout *layout, uint64_t first, uint64_t count, permutation *p)
{
    int column_bits = eg_lowest_bit(count), places = layout->row_bits + column_bits;
    int source[EG_MAX_DENSE_PIXELS], high[TILE_BITS], high_place[TILE_BITS], outer[EG_MAX_DENSE_PIXELS],
        outer_place[EG_MAX_DENSE_PIXELS];
    int high_count = 0, outer_count = 0;
    for (int t = 0; t < places; t++)
        source[t] = t < layout->row_bits ? layout->row_bit[t] : layout->column_bit[t - layout->row_bits];
    p->base = 0;
    for (int j = column_bits; j < layout->column_bits; j++)
        p->base |= (first >> j & 1) << layout->column_bit[j];
    p->low_bits = places < LOW_BITS ? places : LOW_BITS;
    p->is_run = true;
    for (int t = 0; t < places; t++) {
        if (t < p->low_bits) {
            p->is_run = p->is_run && source[t] == t;
        } else if (source[t] < LOW_BITS) {
            high[high_count] = source[t];
            high_place[high_count++] = t;
        } else {
            outer[outer_count] = source[t];
            outer_place[outer_count++] = t;
        }
    }
    p->tile_high_bits = high_count;
    p->outer_bits = outer_count;
    fill_small(source, p->low_bits, p->low_source);
    fill_small(high, high_count, p->high_source);
    fill_small(high_place, high_count, p->high_place);
    fill_offsets(outer, outer_count, &p->outer_source);
    fill_offsets(outer_place, outer_count, &p->outer_place);
}

static void move_real(const permutation *p, uint64_t source, uint64_t place)
{
    const double *from = p->state->amplitudes;
    int run = 1 << p->low_bits;
    for (int h = 0; h < 1 << p->tile_high_bits; h++) {
        const double *in = from + (source | p->high_source[h]);
        double *out = p->panel + (place | p->high_place[h]);
        if (p->is_run)
            memcpy(out, in, (size_t)run * sizeof *out);
        else
            for (int j = 0; j < run; j++)
                out[j] = in[p->low_source[j]];
    }
}

static void move_complex(const permutation *p, uint64_t source, uint64_t place)
{
    const double *from = p->state->amplitudes;
    int run = 1 << p->low_bits;
    for (int h = 0; h < 1 << p->tile_high_bits; h++) {
        const double *in = from + 2 * (source | p->high_source[h]);
        double *out = p->panel + 2 * (place | p->high_place[h]);
        for (int j = 0; j < run; j++) {
            out[2 * j] = in[2 * p->low_source[j]];
            out[2 * j + 1] = in[2 * p->low_source[j] + 1];
        }
    }
}

static void move_bits(const permutation *p, uint64_t source, uint64_t place)
{
    const uint64_t *from = p->state->bits;
    int run = 1 << p->low_bits;
    for (int h = 0; h < 1 << p->tile_high_bits; h++) {
        uint64_t in = source | p->high_source[h];
        double *out = p->panel + (place | p->high_place[h]);
        for (int j = 0; j < run; j++)
            out[j] = (double)eg_bit(from, in | p->low_source[j]);
    }
}

static void scale_tile(const permutation *p, uint64_t place)
{
    int run = p->state->is_complex ? 2 << p->low_bits : 1 << p->low_bits;
    for (int h = 0; h < 1 << p->tile_high_bits; h++) {
        double *out = p->panel + (place | p->high_place[h]) * (p->state->is_complex ? 2 : 1);
        for (int j = 0; j < run; j++)
            out[j] = out[j] * p->factor[0] * p->factor[1];
    }
}

static eegpu_status move_tiles(void *context, uint64_t first, uint64_t last, int worker)
{
    const permutation *p = context;
    (void)worker;
    for (uint64_t tile = first; tile < last; tile++) {
        uint64_t source = p->base | offset_of(&p->outer_source, tile), place = offset_of(&p->outer_place, tile);
        if (p->state->kind == EG_BITS)
            move_bits(p, source, place);
        else if (p->state->is_complex)
            move_complex(p, source, place);
        else
            move_real(p, source, place);
        if (p->is_scaled)
            scale_tile(p, place);
    }
    return EEGPU_OK;
}

eegpu_status eg_gather_columns(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count,
                               double *panel, int threads)
{
    permutation p = {.state = state, .panel = panel, .is_scaled = state->kind == EG_AMPLITUDES && state->exponent != 0};
    p.factor[0] = ldexp(1, state->exponent / 2);
    p.factor[1] = ldexp(1, state->exponent - state->exponent / 2);
    plan_permutation(layout, first, count, &p);
    return eg_parallel_for(threads, UINT64_C(1) << p.outer_bits, 256, move_tiles, &p);
}
