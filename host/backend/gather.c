/* A permutation of index bits, block by block. Comes in: a state and which bits are rows and columns; goes out: columns of the
 * matrix as doubles. Bit t of a place in the panel (rows first, then columns) is some bit of the index of the amplitude that
 * belongs there. A block holds all places that agree outside the lowest bits of either side: up to eight cache lines are read whole
 * and eight written whole, whatever sets of the cache they fall into. Blocks near each other on both sides follow each other.
 * Offsets come from tables, never bit by bit. Called by cpu.c, reduce/parallel_rows.c and scan/schmidt.c. */
#include "backend/gather.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "base/bits.h"
#include "base/parallel.h"

enum {
    LINE_BITS = 3,                /* a cache line of doubles */
    BLOCK = 1 << (2 * LINE_BITS), /* amplitudes in a block, at most */
    NEAR_BITS = 9, /* blocks that differ in lower bits than that are done one after another: a page of memory (measured) */
    MOST_NEAR = 1 << (2 * (NEAR_BITS - LINE_BITS)),
    CHUNK_BITS = 8, /* outer offsets are summed from tables of 2^8 entries */
    MAX_CHUNKS = EG_MAX_DENSE_PIXELS / CHUNK_BITS
};

/* Panels from so many bytes on do not stay in the caches near a processor. */
static const uint64_t stream_from_bytes = UINT64_C(1) << 22;

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
    int line_bits, run_bits;      /* of a line read and of a run written: 3, or fewer in tiny functions and panels */
    uint64_t reads, writes, near; /* lines read and runs written for a block, and blocks near each other */
    uint64_t read_from[1 << LINE_BITS], write_to[1 << LINE_BITS], near_source[MOST_NEAR], near_place[MOST_NEAR];
    bool streams;
    void (*move)(const struct permutation *p, const double *in, double *out);
    uint8_t from[BLOCK]; /* which amplitude of what was read comes first, second, .. in what is written */
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

/* Index bits of one kind of place, in the order of the places. */
typedef struct bit_list {
    int source[EG_MAX_DENSE_PIXELS], place[EG_MAX_DENSE_PIXELS], count;
} bit_list;

/* In the order of the sources: what follows each other is read in one go. */
static void insert(int source, int place, bit_list *list)
{
    int i = list->count++;
    for (; i > 0 && list->source[i - 1] > source; i--) {
        list->source[i] = list->source[i - 1];
        list->place[i] = list->place[i - 1];
    }
    list->source[i] = source;
    list->place[i] = place;
}

static void append(int source, int place, bit_list *list)
{
    list->source[list->count] = source;
    list->place[list->count++] = place;
}

/* Where in the lines that were read the amplitudes of each run are. */
static void plan_block(const bit_list *run, const bit_list *read, const bit_list *write, permutation *p)
{
    uint64_t line_mask = eg_low_mask(p->line_bits), write_source[1 << LINE_BITS], line_of[1 << LINE_BITS], in_line[1 << LINE_BITS];
    int line_source[LINE_BITS], line_place[LINE_BITS];
    for (int t = 0, reads = 0; t < run->count; t++) { /* a bit of the run chooses either a line or a place in it */
        bool is_in_line = run->source[t] < p->line_bits;
        line_source[t] = is_in_line ? run->source[t] : 63;
        line_place[t] = is_in_line ? 63 : reads++;
    }
    fill_small(line_source, run->count, in_line);
    fill_small(line_place, run->count, line_of);
    fill_small(write->source, write->count, write_source);
    fill_small(read->source, read->count, p->read_from);
    fill_small(write->place, write->count, p->write_to);
    for (uint64_t w = 0; w < p->writes; w++)
        for (uint64_t j = 0; j < UINT64_C(1) << p->run_bits; j++)
            p->from[(w << p->run_bits) + j] = (uint8_t)((line_of[j] & eg_low_mask(LINE_BITS)) << p->line_bits |
                                                        ((p->base | write_source[w] | in_line[j]) & line_mask));
}

static void plan_permutation(const eg_matrix_layout *layout, uint64_t first, uint64_t count, permutation *p)
{
    int column_bits = eg_lowest_bit(count), places = layout->row_bits + column_bits;
    int pixels = layout->row_bits + layout->column_bits, near_bits = (places - 4) / 2; /* leaves enough to share among threads */
    near_bits = near_bits < LINE_BITS ? LINE_BITS : near_bits < NEAR_BITS ? near_bits : NEAR_BITS;
    bit_list run = {.count = 0}, read = run, write = run, near = run, outer = run;
    p->base = 0;
    for (int j = column_bits; j < layout->column_bits; j++)
        p->base |= (first >> j & 1) << layout->column_bit[j];
    p->line_bits = pixels < LINE_BITS ? pixels : LINE_BITS;
    p->run_bits = places < LINE_BITS ? places : LINE_BITS;
    for (int t = 0; t < places; t++) {
        int source = t < layout->row_bits ? layout->row_bit[t] : layout->column_bit[t - layout->row_bits];
        if (t < p->run_bits)
            append(source, t, &run);
        if (t < p->run_bits && source >= p->line_bits)
            append(source, t, &read);
        else if (t >= p->run_bits && source < p->line_bits)
            insert(source, t, &write);
        else if (t >= p->run_bits && (t < near_bits || source < near_bits))
            insert(source, t, &near);
        else if (t >= p->run_bits)
            append(source, t, &outer);
    }
    p->reads = UINT64_C(1) << read.count;
    p->writes = UINT64_C(1) << write.count;
    p->near = UINT64_C(1) << near.count;
    p->outer_bits = outer.count;
    plan_block(&run, &read, &write, p);
    fill_small(near.source, near.count, p->near_source);
    fill_small(near.place, near.count, p->near_place);
    fill_offsets(outer.source, outer.count, &p->outer_source);
    fill_offsets(outer.place, outer.count, &p->outer_place);
    p->base &= ~eg_low_mask(p->line_bits); /* in `from` already */
}

/* Two numbers at a time. `streams`: past the caches, where a panel would not stay in them; a line is written whole, so that it need
 * not be read first. */
typedef double pair __attribute__((vector_size(16)));

static inline void put(double *to, pair numbers, bool streams)
{
#if defined(__x86_64__)
    if (streams) {
        _mm_stream_pd(to, numbers);
        return;
    }
#endif
    memcpy(to, &numbers, sizeof numbers);
}

/* One block of real or complex numbers. Always inlined with constants. */
static inline __attribute__((always_inline)) void move_block(const permutation *p, int unit, bool streams, const double *in,
                                                             double *out)
{
    double lines[2 * BLOCK];
    size_t line = (size_t)unit << LINE_BITS;
    for (uint64_t r = 0; r < p->reads; r++)
        memcpy(lines + r * line, in + (uint64_t)unit * p->read_from[r], line * sizeof *lines);
    for (uint64_t w = 0; w < p->writes; w++) {
        const uint8_t *from = p->from + (w << LINE_BITS);
        double *to = out + (uint64_t)unit * p->write_to[w];
        if (unit == 1)
            for (int j = 0; j < 1 << LINE_BITS; j += 2)
                put(to + j, (pair){lines[from[j]], lines[from[j + 1]]}, streams);
        else
            for (int j = 0; j < 1 << LINE_BITS; j++)
                put(to + 2 * j, (pair){lines[2 * from[j]], lines[2 * from[j] + 1]}, streams);
    }
}

/* Where lines become columns there is nothing to look up. */
static inline __attribute__((always_inline)) void transpose_block(const permutation *p, int unit, bool streams, const double *in,
                                                                  double *out)
{
    for (int w = 0; w < 8; w++) {
        double *to = out + (uint64_t)unit * p->write_to[w];
        if (unit == 1)
            for (int j = 0; j < 8; j += 2)
                put(to + j, (pair){in[p->read_from[j] + (uint64_t)w], in[p->read_from[j + 1] + (uint64_t)w]}, streams);
        else
            for (int j = 0; j < 8; j++) {
                const double *number = in + 2 * (p->read_from[j] + (uint64_t)w);
                put(to + 2 * j, (pair){number[0], number[1]}, streams);
            }
    }
}

/* In functions and panels of less than a line each way. */
static void move_little(const permutation *p, const double *in, double *out)
{
    int unit = p->state->is_complex ? 2 : 1;
    for (uint64_t w = 0; w < p->writes; w++)
        for (uint64_t j = 0; j < UINT64_C(1) << p->run_bits; j++) {
            uint64_t from = p->from[(w << p->run_bits) + j];
            uint64_t number = p->read_from[from >> p->line_bits] | (from & eg_low_mask(p->line_bits));
            memcpy(out + (uint64_t)unit * (p->write_to[w] + j), in + (uint64_t)unit * number, (size_t)unit * sizeof *out);
        }
}

typedef void (*block_mover)(const permutation *p, const double *in, double *out);

#define MOVER(name, kind, unit, streams) \
    static void name(const permutation *p, const double *in, double *out) { kind(p, unit, streams, in, out); }
MOVER(move_real, move_block, 1, false)
MOVER(move_real_past, move_block, 1, true)
MOVER(move_complex, move_block, 2, false)
MOVER(move_complex_past, move_block, 2, true)
MOVER(transpose_real, transpose_block, 1, false)
MOVER(transpose_real_past, transpose_block, 1, true)
MOVER(transpose_complex, transpose_block, 2, false)
MOVER(transpose_complex_past, transpose_block, 2, true)

static block_mover choose_mover(const permutation *p)
{
    static const block_mover movers[2][2][2] = {{{move_real, move_real_past}, {transpose_real, transpose_real_past}},
                                                {{move_complex, move_complex_past}, {transpose_complex, transpose_complex_past}}};
    if (p->line_bits < LINE_BITS || p->run_bits < LINE_BITS)
        return move_little;
    bool is_transposition = p->reads == 8 && p->writes == 8;
    return movers[p->state->is_complex][is_transposition][p->streams];
}

static void move_amplitudes(const permutation *p, uint64_t source, uint64_t place)
{
    uint64_t unit = p->state->is_complex ? 2 : 1;
    for (uint64_t n = 0; n < p->near; n++)
        p->move(p, p->state->amplitudes + unit * (source | p->near_source[n]), p->panel + unit * (place | p->near_place[n]));
}

static void move_bits(const permutation *p, uint64_t source, uint64_t place)
{
    bool is_full = p->run_bits == LINE_BITS;
    for (uint64_t n = 0; n < p->near; n++) {
        uint64_t first = source | p->near_source[n], lines = 0;
        for (uint64_t r = 0; r < p->reads; r++) {
            uint64_t index = first | p->read_from[r];
            lines |= (p->state->bits[index / 64] >> (index % 64) & eg_low_mask(1 << p->line_bits)) << (r << p->line_bits);
        }
        for (uint64_t w = 0; w < p->writes; w++) {
            const uint8_t *from = p->from + (w << p->run_bits);
            double *to = p->panel + (place | p->near_place[n] | p->write_to[w]);
            for (int j = 0; is_full && j < 1 << LINE_BITS; j += 2)
                put(to + j, (pair){(double)(int)(lines >> from[j] & 1), (double)(int)(lines >> from[j + 1] & 1)}, p->streams);
            for (int j = 0; !is_full && j < 1 << p->run_bits; j++)
                to[j] = (double)(lines >> from[j] & 1);
        }
    }
}

/* By two powers of 2. */
static void scale(const permutation *p, uint64_t place)
{
    uint64_t unit = p->state->is_complex ? 2 : 1;
    for (uint64_t n = 0; n < p->near; n++)
        for (uint64_t w = 0; w < p->writes; w++) {
            double *to = p->panel + unit * (place | p->near_place[n] | p->write_to[w]);
            for (uint64_t j = 0; j < unit << p->run_bits; j++)
                to[j] = to[j] * p->factor[0] * p->factor[1];
        }
}

static eegpu_status move_range(void *context, uint64_t first, uint64_t last, int worker)
{
    const permutation *p = context;
    (void)worker;
    for (uint64_t outer = first; outer < last; outer++) {
        uint64_t source = p->base | offset_of(&p->outer_source, outer), place = offset_of(&p->outer_place, outer);
        if (p->state->kind == EG_BITS)
            move_bits(p, source, place);
        else
            move_amplitudes(p, source, place);
        if (p->is_scaled)
            scale(p, place);
    }
#if defined(__x86_64__)
    _mm_sfence(); /* other threads see what went past the caches */
#endif
    return EEGPU_OK;
}

eegpu_status eg_gather_columns(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count,
                               double *panel, int threads)
{
    permutation p = {.state = state, .panel = panel, .is_scaled = state->kind == EG_AMPLITUDES && state->exponent != 0};
    p.factor[0] = ldexp(1, state->exponent / 2);
    p.factor[1] = ldexp(1, state->exponent - state->exponent / 2);
    plan_permutation(layout, first, count, &p);
    p.streams = (count << layout->row_bits) * (state->is_complex ? 16 : 8) >= stream_from_bytes && !p.is_scaled &&
                (uintptr_t)panel % 16 == 0;
    p.move = choose_mover(&p);
    return eg_parallel_for(threads, UINT64_C(1) << p.outer_bits, p.near < 256 ? 256 / p.near : 1, move_range, &p);
}
