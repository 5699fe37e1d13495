/* Classes of parallel rows and blocks, compared with all pairs of rows in exact arithmetic of its own (mantissas as integers); what
 * is found must rebuild the matrix. Planted factors, products that round, complex rows, tiny numbers, bad hashes. */
#include "backend/gather.h"
#include "reduce/parallel_rows.h"

#include "scan/layout.h"
#include "scanning.h"

/* a b == c d, of doubles. */
static bool equal_products(double a, double b, double c, double d)
{
    int of_a, of_b, of_c, of_d;
    __int128 left = (__int128)ldexp(frexp(a, &of_a), 53) * (__int128)ldexp(frexp(b, &of_b), 53);
    __int128 right = (__int128)ldexp(frexp(c, &of_c), 53) * (__int128)ldexp(frexp(d, &of_d), 53);
    int shift = of_a + of_b - of_c - of_d;
    if (left == 0 || right == 0)
        return left == right;
    return abs(shift) <= 1 && left * (shift == 1 ? 2 : 1) == right * (shift == -1 ? 2 : 1);
}

/* ---- Matrices: row by row, pairs when complex ---- */

typedef struct matrix {
    bool is_complex;
    uint64_t rows, columns, unit;
    double *entries;
} matrix;

static matrix zeros(bool is_complex, int row_bits, int column_bits)
{
    matrix m = {is_complex, UINT64_C(1) << row_bits, UINT64_C(1) << column_bits, is_complex ? 2 : 1, NULL};
    m.entries = calloc(m.rows * m.columns * m.unit, sizeof(double));
    return m;
}

static double *row_of(const matrix *m, uint64_t row) { return m->entries + row * m->columns * m->unit; }
static uint64_t parts_of(const matrix *m) { return m->columns * m->unit; }

static bool is_entry(const matrix *m, uint64_t row, uint64_t column)
{
    const double *entry = row_of(m, row) + m->unit * column;
    return entry[0] != 0 || entry[m->unit - 1] != 0;
}

static bool is_zero_row(const matrix *m, uint64_t row)
{
    uint64_t c = 0;
    while (c < m->columns && !is_entry(m, row, c))
        c++;
    return c == m->columns;
}

/* Part k of row i times 1 or times the imaginary unit. */
static double part_of(const matrix *m, uint64_t row, uint64_t k, bool is_turned)
{
    const double *in = row_of(m, row);
    return !is_turned ? in[k] : k % 2 ? in[k - 1] : -in[k + 1];
}

/* Equal up to a real factor that is not 0, one of them turned by i or not. */
static bool are_parallel_as(const matrix *m, uint64_t i, uint64_t j, bool is_turned)
{
    const double *other = row_of(m, j);
    uint64_t pivot = 0;
    while (pivot < parts_of(m) && other[pivot] == 0)
        pivot++;
    if (pivot == parts_of(m) || part_of(m, i, pivot, is_turned) == 0)
        return false;
    for (uint64_t k = 0; k < parts_of(m); k++)
        if (!equal_products(part_of(m, i, k, is_turned), other[pivot], other[k], part_of(m, i, pivot, is_turned)))
            return false;
    return true;
}

static bool are_parallel(const matrix *m, uint64_t i, uint64_t j)
{
    return are_parallel_as(m, i, j, false) || (m->is_complex && are_parallel_as(m, i, j, true));
}

static long double length_of(const matrix *m, uint64_t row)
{
    long double sum = 0;
    for (uint64_t k = 0; k < parts_of(m); k++)
        sum += (long double)row_of(m, row)[k] * row_of(m, row)[k];
    return sqrtl(sum);
}

static bool share_a_column(const matrix *m, uint64_t i, uint64_t j)
{
    uint64_t c = 0;
    while (c < m->columns && !(is_entry(m, i, c) && is_entry(m, j, c)))
        c++;
    return c < m->columns;
}

/* ---- States from matrices, with the bits of rows and columns in random places ---- */

typedef struct opened {
    eegpu_state *state;
    double *amplitudes;
    eg_matrix_layout layout;
} opened;

static opened open_matrix(const matrix *m, uint64_t seed)
{
    opened o = {.layout = {.row_bits = eg_lowest_bit(m->rows), .column_bits = eg_lowest_bit(m->columns)}};
    int pixels = o.layout.row_bits + o.layout.column_bits, bit[EG_MAX_DENSE_PIXELS];
    for (int k = 0; k < pixels; k++) {
        int at = (int)(random_word(&seed) % (uint64_t)(k + 1));
        bit[k] = bit[at];
        bit[at] = k;
    }
    memcpy(o.layout.row_bit, bit, (size_t)o.layout.row_bits * sizeof *bit);
    memcpy(o.layout.column_bit, bit + o.layout.row_bits, (size_t)o.layout.column_bits * sizeof *bit);
    o.amplitudes = malloc(m->rows * parts_of(m) * sizeof *o.amplitudes);
    for (uint64_t r = 0; r < m->rows; r++)
        for (uint64_t c = 0; c < m->columns; c++) {
            uint64_t index = 0;
            for (int k = 0; k < pixels; k++)
                index |= (k < o.layout.row_bits ? r >> k & 1 : c >> (k - o.layout.row_bits) & 1) << bit[k];
            memcpy(o.amplitudes + m->unit * index, row_of(m, r) + m->unit * c, m->unit * sizeof(double));
        }
    o.state = open_amplitudes(o.amplitudes, m->is_complex, 1, pixels);
    return o;
}

static matrix read_matrix(const eegpu_state *state, const eg_matrix_layout *layout)
{
    matrix m = zeros(state->is_complex, layout->row_bits, layout->column_bits);
    double *panel = malloc(m.rows * parts_of(&m) * sizeof *panel);
    CHECK_OK(eg_gather_columns(state, layout, 0, m.columns, panel, 1));
    for (uint64_t r = 0; r < m.rows; r++)
        for (uint64_t c = 0; c < m.columns; c++)
            memcpy(row_of(&m, r) + m.unit * c, panel + m.unit * (m.rows * c + r), m.unit * sizeof *panel);
    free(panel);
    return m;
}

/* ---- What must hold of the answer ---- */

/* Sum of |<row i|row j>|^2 over all pairs of the listed rows, with weights; `rows` NULL: all, once each. */
static long double purity_of(const matrix *m, const uint32_t *rows, const double *weight, uint64_t count)
{
    long double purity = 0;
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t j = 0; j < count; j++) {
            const double *a = row_of(m, rows ? rows[i] : i), *b = row_of(m, rows ? rows[j] : j);
            long double re = 0, im = 0;
            for (uint64_t k = 0; k < parts_of(m); k++)
                re += (long double)a[k] * b[k];
            for (uint64_t k = 0; k < parts_of(m) && m->is_complex; k += 2)
                im += (long double)a[k] * b[k + 1] - (long double)a[k + 1] * b[k];
            purity += (rows ? (long double)weight[i] * weight[j] : 1) * (re * re + im * im);
        }
    return purity;
}

/* Every row is a multiple of its representative, which is the largest; classes are numbered by their first rows. */
static void check_classes(const matrix *m, const uint32_t *block, const eg_row_classes *classes, const char *name)
{
    uint32_t next = 0;
    bool good = true, units = true;
    long double *sum = calloc(classes->count, sizeof *sum);
    for (uint64_t i = 0; i < m->rows; i++) {
        uint32_t own = classes->class_of_row[i];
        if (!EXPECT((own == EG_ZERO_VECTOR) == is_zero_row(m, i), "%s: row %d", name, (int)i) || own == EG_ZERO_VECTOR ||
            !EXPECT(own <= next && own < classes->count, "%s: row %d has class %u of %u", name, (int)i, own, next))
            continue;
        EXPECT(classes->block_of_class[own] == block[i], "%s: row %d is in block %u", name, (int)i, block[i]);
        next += own == next;
        long double factor = length_of(m, i) / length_of(m, classes->representative[own]);
        units = units && fabsl(factor - 1) < 1e-12L;
        sum[own] += factor * factor;
        good = good && factor < 1 + 1e-15L && are_parallel(m, i, classes->representative[own]);
    }
    EXPECT(good, "%s: a row is not in the class where it belongs", name);
    EXPECT(next == classes->count && m->rows == classes->rows, "%s: %u classes, not %u", name, (unsigned)classes->count, next);
    EXPECT(units == classes->exact_weights, "%s: exact weights: %d", name, classes->exact_weights);
    for (uint32_t k = 0; k < classes->count; k++) {
        EXPECT(classes->class_of_row[classes->representative[k]] == k, "%s: class %u is represented by another", name, k);
        EXPECT(fabsl(classes->weight[k] - sum[k]) <= 6 * 0x1p-53L * sum[k], "%s: weight %.17g, not %.17Lg", name,
               classes->weight[k], sum[k]);
        EXPECT(!units || classes->weight[k] == rint(classes->weight[k]), "%s: weight %.17g", name, classes->weight[k]);
    }
    free(sum);
}

/* Which block each row is in, by walking from row to row; UINT32_MAX for zero rows. */
static uint64_t count_blocks(const matrix *m, uint32_t *block)
{
    uint32_t blocks = 0;
    memset(block, 0xff, m->rows * sizeof *block);
    for (uint64_t first = 0; first < m->rows; first++) {
        if (is_zero_row(m, first) || block[first] != UINT32_MAX)
            continue;
        block[first] = blocks;
        for (bool changes = true; changes;) {
            changes = false;
            for (uint64_t i = first; i < m->rows; i++)
                for (uint64_t j = first; j < m->rows && block[i] == blocks; j++)
                    if (block[j] == UINT32_MAX && share_a_column(m, i, j)) {
                        block[j] = blocks;
                        changes = true;
                    }
        }
        blocks++;
    }
    return blocks;
}

/* Rows that are not zero and not parallel to a lower one. */
static uint64_t count_classes(const matrix *m)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < m->rows; i++) {
        uint64_t j = 0;
        while (j < i && !are_parallel(m, i, j))
            j++;
        count += j == i && !is_zero_row(m, i);
    }
    return count;
}

static bool same_classes(const eg_row_classes *a, const eg_row_classes *b)
{
    return a->rows == b->rows && a->count == b->count && a->blocks == b->blocks && a->exact_weights == b->exact_weights &&
           memcmp(a->class_of_row, b->class_of_row, a->rows * sizeof *a->class_of_row) == 0 &&
           memcmp(a->representative, b->representative, a->count * sizeof *a->representative) == 0 &&
           memcmp(a->weight, b->weight, a->count * sizeof *a->weight) == 0 &&
           memcmp(a->block_of_class, b->block_of_class, a->count * sizeof *a->block_of_class) == 0;
}

/* All of it; returns the number of classes, all rows if nothing was found. */
static uint64_t check_state(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t hash_mask, bool is_complete,
                            const char *name)
{
    matrix m = read_matrix(state, layout);
    eg_row_classes classes = {0}, again = {0};
    bool found = false, found_again = true;
    uint32_t *block = malloc(m.rows * sizeof *block);
    uint64_t used = state->budget->used, count = m.rows, blocks = count_blocks(&m, block), least = count_classes(&m);
    CHECK_OK(eg_find_row_classes_hashed(eg_gather_columns, state, layout, 1, hash_mask, &found, &classes));
    CHECK_OK(eg_find_row_classes_hashed(eg_gather_columns, state, layout, 3, hash_mask, &found_again, &again));
    CHECK(found == found_again && (!found || same_classes(&classes, &again)));
    EXPECT(found == (least < m.rows || blocks > 1) || !is_complete, "%s: found %d", name, found);
    if (found) {
        count = classes.count;
        EXPECT(classes.blocks == blocks, "%s: %d blocks, not %d", name, (int)classes.blocks, (int)blocks);
        check_classes(&m, block, &classes, name);
        long double all = purity_of(&m, NULL, NULL, m.rows), tolerance = (long double)m.rows * 1e-15L * all,
                    less = purity_of(&m, classes.representative, classes.weight, classes.count);
        if (classes.exact_weights && all == rintl(all) && all < 0x1p63L) /* integers: no sum was rounded */
            tolerance = 0;
        EXPECT(fabsl(all - less) <= tolerance, "%s: purity %.20Lg, reduced %.20Lg", name, all, less);
    } else {
        CHECK(classes.class_of_row == NULL && classes.representative == NULL && classes.weight == NULL && classes.count == 0);
        EXPECT(state->budget->used == used, "%s: something is still held", name);
    }
    EXPECT(is_complete ? count == least : count >= least, "%s: %d classes, not %d", name, (int)count, (int)least);
    eg_row_classes_free(&classes);
    eg_row_classes_free(&again);
    CHECK_EQUAL(state->budget->used, used);
    free(m.entries), free(block);
    return count;
}

static uint64_t check_matrix(const matrix *m, uint64_t hash_mask, bool is_complete, const char *name)
{
    opened o = open_matrix(m, 77 + m->rows);
    uint64_t count = check_state(o.state, &o.layout, hash_mask, is_complete, name);
    eegpu_state_close(o.state);
    free(o.amplitudes);
    return count;
}

/* ---- Planted structure ---- */

static void fill_integers(matrix *m, uint64_t row, int64_t most, uint64_t *seed)
{
    for (uint64_t k = 0; k < parts_of(m); k++)
        row_of(m, row)[k] = (double)((int64_t)(random_word(seed) % (uint64_t)(2 * most + 1)) - most);
}

/* Row `to` = (re + i im) row `from`, in doubles. */
static void multiply_row(matrix *m, uint64_t to, uint64_t from, double re, double im)
{
    for (uint64_t k = 0; k < parts_of(m); k++)
        row_of(m, to)[k] = im == 0 ? re * row_of(m, from)[k] : re * row_of(m, from)[k] + im * part_of(m, from, k, true);
}

typedef struct factor {
    double re, im;
} factor;

static const factor real_factors[] = {{1, 0}, {-1, 0}, {2, 0}, {3, 0}, {-5, 0}, {0, 0}, {0.25, 0}, {7, 0}};
static const factor complex_factors[] = {{0, 1}, {0, -2}, {-1, 0}, {3, 0}, {0, 0}, {1, 0}, {0, 5}, {0, -1}};
static const factor other_phases[] = {{1, 1}, {3, 4}, {-1, 2}, {2, -1}};

/* Half of the rows from the others, in mixed order. */
static matrix planted(bool is_complex, int row_bits, int column_bits, const factor *factors, size_t count, int64_t most,
                      uint64_t seed)
{
    matrix m = zeros(is_complex, row_bits, column_bits);
    for (uint64_t i = 0; i < m.rows; i++) {
        const factor *f = &factors[i % count];
        uint64_t to = (5 * i + 3) % m.rows;
        if (i < (m.rows + 1) / 2)
            fill_integers(&m, to, most, &seed);
        else
            multiply_row(&m, to, (5 * (random_word(&seed) % (m.rows / 2)) + 3) % m.rows, f->re, f->im);
    }
    return m;
}

static void planted_rows_are_found(void)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        bool is_complex = seed % 2;
        int row_bits = (int)(seed % 6), column_bits = 1 + (int)(seed / 6 % 8);
        int64_t most = seed % 5 == 0 ? 1 : seed % 5 == 1 ? 3 : INT64_C(1) << 48;
        matrix m = planted(is_complex, row_bits, column_bits, is_complex ? complex_factors : real_factors, 8, most, seed);
        row_of(&m, 0)[0] += 2; /* neither zero nor a 0/1 function */
        check_matrix(&m, ~UINT64_C(0), true, "planted");
        free(m.entries);
    }
    matrix half[] = {planted(false, 6, 7, real_factors, 8, 1000, 5), planted(true, 6, 7, complex_factors, 8, 1000, 5),
                     planted(true, 4, 7, other_phases, 4, 1000, 3)};
    for (int k = 0; k < 3; k++) {
        EXPECT(check_matrix(&half[k], ~UINT64_C(0), true, "half") == (k < 2 ? 32 : 16), "half, case %d", k);
        free(half[k].entries);
    }
    matrix one = zeros(false, 10, 1); /* a long sum of squares that round */
    for (uint64_t k = 0; k < 2048; k++)
        one.entries[k] = (double)((k / 2 * 7 % 1000 + 1) * (1 + k % 2));
    CHECK_EQUAL(check_matrix(&one, ~UINT64_C(0), true, "one class"), 1);
    free(one.entries);
}

/* fl(3.7 x) is hardly ever 3.7 x, and 3.7 itself is no number of few bits; 3 x of small integers is exact. */
static void products_that_round_are_not_parallel(void)
{
    static const double rounding[] = {3.7, -0.1, 1. / 3, 1e-3};
    for (int k = 0; k < 4; k++) {
        matrix m = zeros(false, 3, 6);
        double *random = random_amplitudes(8 * 64, 21);
        memcpy(m.entries, random, 8 * 64 * sizeof *random);
        multiply_row(&m, 5, 2, rounding[k], 0);
        CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "rounded"), 8);
        CHECK_EQUAL(check_matrix(&m, 0, false, "rounded, one hash"), 8);
        uint64_t seed = 4;
        for (uint64_t row = 0; row < 8; row++)
            fill_integers(&m, row, 1000, &seed);
        multiply_row(&m, 5, 2, 3, 0);
        CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "exact"), 7);
        free(random), free(m.entries);
    }
}

/* With two columns, the rounded quotients often agree where the rows do not. */
static void rounded_quotients_are_no_proof(void)
{
    int alike = 0;
    matrix m = zeros(false, 1, 1);
    for (uint64_t seed = 0; seed < 200; seed++) {
        m.entries[0] = 0.3 + (double)seed;
        m.entries[1] = 0.7 + (double)(seed * seed);
        multiply_row(&m, 1, 0, 3.7, 0);
        alike += !are_parallel(&m, 0, 1) && m.entries[1] / m.entries[0] == m.entries[3] / m.entries[2];
        check_matrix(&m, ~UINT64_C(0), true, "two columns");
    }
    CHECK(alike > 20);
    free(m.entries);
}

/* Subnormal numbers, products that underflow, zeros that are none. */
static void tiny_numbers(void)
{
    static const struct {
        double row[2][4];
        uint64_t classes;
    } cases[] = {
        {{{1, 0x1p-1040, 0x3p-1074, 0}, {0x1p-1, 0x1p-1041, 0x3p-1074, 0}}, 2},
        {{{1, 0x1p-1040, 0x6p-1074, 0}, {0x1p-1, 0x1p-1041, 0x3p-1074, 0}}, 1},
        {{{1, 0x1p-1040, 0x6p-1074, 0}, {-3, -0x3p-1040, -0x12p-1074, -0.}}, 1},
        {{{1, 0, 0, 0x1p-1074}, {-1, 0, 0, 0}}, 2},
        {{{1, 0, 0, 0x1p-1074}, {0x1p-60, 0, 0, 0}}, 2},
        {{{0x1p-60, 0, 0, 0}, {1, 0, 0, 0x1p-1074}}, 2},
        {{{0x1p-600, 0x3p-600, 0, 1}, {0x1p-500, 0x3p-500, 0, 0x1p100}}, 1},
        {{{0x1p-600, 0x3p-600, 0, 1}, {0x3p-500, 0x9p-500, 0, 0x3p100}}, 1},
        {{{0x1p-600, 0x3p-600, 0, 1}, {0x3p-500, 0x9.0000000000008p-500, 0, 0x3p100}}, 2},
        {{{0x1p-1074, 0x3p-1074, 0, 1}, {0x7p-1060, 0x15p-1060, 0, 0x7p14}}, 1},
        {{{0x1.8p-537, 0x1p-537, 0, 1}, {0x1.8p-538, 0x1.0000000000001p-538, 0, 0.5}}, 2},
    };
    for (size_t k = 0; k < COUNT(cases); k++)
        for (int is_complex = 0; is_complex < 2; is_complex++) {
            matrix m = zeros(is_complex, 1, 2 - is_complex);
            memcpy(m.entries, cases[k].row, sizeof cases[k].row);
            EXPECT(check_matrix(&m, ~UINT64_C(0), true, "tiny") == cases[k].classes, "tiny numbers, case %zu", k);
            check_matrix(&m, 0, true, "tiny, one hash");
            free(m.entries);
        }
}

/* Blocks of different shapes, rows and columns scattered. */
static void scattered_blocks(void)
{
    static const int ends[] = {1, 3, 4, 9, 17, 25, 30, 32};
    for (uint64_t test = 0; test < 20; test++) {
        matrix m = zeros(test % 2, 5, 6);
        uint64_t seed = test;
        for (uint64_t row = 0; row < 32; row++) {
            uint64_t block = 0;
            while (row >= (uint64_t)ends[block])
                block++;
            for (uint64_t c = 8 * block; c < 8 * block + 8; c++)
                for (uint64_t part = 0; part < m.unit && (test < 10 || random_word(&seed) % 4 == 0); part++)
                    row_of(&m, 11 * row % 32)[37 * c % 64 * m.unit + part] = (double)(random_word(&seed) % 7) - 3;
        }
        row_of(&m, 11 * 31 % 32)[37 * 63 % 64 * m.unit] = 5;
        check_matrix(&m, ~UINT64_C(0), true, "scattered blocks");
        check_matrix(&m, 1, false, "scattered blocks, one bit");
        free(m.entries);
    }
}

static void equal_hashes_are_checked(void)
{
    static const uint64_t masks[] = {0, 1, 6, UINT64_C(1) << 63, 0xf, 0xff};
    for (uint64_t seed = 0; seed < 24; seed++) {
        bool is_complex = seed % 2;
        matrix m = planted(is_complex, 5, 5, is_complex ? complex_factors : real_factors, 8, 1 + (int64_t)seed, seed);
        row_of(&m, 3)[0] += 2;
        for (size_t k = 0; k < COUNT(masks); k++)
            check_matrix(&m, masks[k], false, "bad hashes");
        free(m.entries);
    }
}

/* ---- Sources, both orders of bits ---- */

/* The middle cut of 4x4: a cluster state has rank 2^4 there, a product of signs 1; W and GHZ have two rows that differ. */
static const struct {
    const char *source;
    uint64_t classes; /* of the first 8 pixels; 0: not known */
} functions[] = {{"graph", 16}, {"parity:kind=sign", 1}, {"innerproduct:kind=sign", 0}, {"ising:beta=0.4", 0}, {"w", 2},
                 {"ghz", 2},    {"random", 256},         {"random:kind=complex", 256},  {"dicke:k=2", 3},      {"connected", 0}};

static void functions_of_images(void)
{
    for (size_t k = 0; k < COUNT(functions); k++) {
        const char *source = functions[k].source;
        eegpu_state *small = open_source(source, 3, 4), *large = open_source(source, 4, 4);
        uint64_t seed = k, half = 0xff;
        eg_matrix_layout layout;
        for (int cut = 0; cut < 6; cut++) {
            uint64_t mask = random_mask(12, &seed);
            mask = eg_popcount(mask) > 7 ? mask ^ 0xfff : mask;
            eg_layout_of_region(small, &mask, &layout);
            check_state(small, &layout, ~UINT64_C(0), true, source);
        }
        eg_layout_of_region(large, &half, &layout);
        uint64_t count = check_state(large, &layout, ~UINT64_C(0), true, source);
        EXPECT(functions[k].classes == 0 || count == functions[k].classes, "%s: %d classes", source, (int)count);
        eegpu_state_close(small);
        eegpu_state_close(large);
    }
}

/* The planted rows are the five highest bits of the index: the first pixels, or the last ones. */
static void both_bit_orders(void)
{
    matrix m = planted(true, 5, 5, complex_factors, 8, 9, 2);
    for (int is_lsb = 0; is_lsb < 2; is_lsb++) {
        eegpu_open_options options = lattice_options(2, 5);
        eegpu_state *state = NULL;
        uint64_t mask = is_lsb ? 0x3e0 : 0x1f;
        eg_matrix_layout layout;
        options.bit_order = is_lsb ? EEGPU_LSB : EEGPU_MSB;
        CHECK_OK(eegpu_state_from_amplitudes(m.entries, true, &options, &state));
        eg_layout_of_region(state, &mask, &layout);
        CHECK_EQUAL(check_state(state, &layout, ~UINT64_C(0), true, is_lsb ? "lsb" : "msb"), 16);
        eegpu_state_close(state);
    }
    free(m.entries);
}

/* ---- How much is looked at ---- */

static uint64_t gather_calls, columns_gathered, fails_at;

static eegpu_status counting_gather(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count,
                                    double *panel, int threads)
{
    if (++gather_calls == fails_at)
        return eg_fail(EEGPU_NO_DEVICE, "the device has gone");
    columns_gathered += count;
    CHECK(first % count == 0 && eg_popcount(count) == 1);
    return eg_gather_columns(state, layout, first, count, panel, threads);
}

/* eg_find_row_classes() with the gather above. */
static eegpu_status find_counted(const eegpu_state *state, const eg_matrix_layout *layout, int threads, bool *found,
                                 eg_row_classes *classes)
{
    return eg_find_row_classes_hashed(counting_gather, state, layout, threads, ~UINT64_C(0), found, classes);
}

static void random_states_cost_one_panel(void)
{
    static const char *const sources[] = {"random", "random:kind=complex"};
    static const uint64_t masks[] = {0xff, 0xff00, 0x5555, 0x1, 0x7fff, 0x0ff0};
    for (size_t k = 0; k < 2 * COUNT(masks); k++) {
        eegpu_state *state = open_source(sources[k % 2], 1, 16);
        eg_matrix_layout layout;
        eg_row_classes classes;
        bool found = true;
        uint64_t used = state->budget->used;
        gather_calls = columns_gathered = fails_at = 0;
        eg_layout_of_region(state, &masks[k / 2], &layout);
        CHECK_OK(find_counted(state, &layout, 2, &found, &classes));
        CHECK(!found && classes.class_of_row == NULL && gather_calls == 1 && columns_gathered <= 16);
        CHECK_EQUAL(state->budget->used, used);
        eegpu_state_close(state);
    }
}

/* Many panels; what decides stands in the last column. */
static void the_last_column_counts(void)
{
    enum { LAST = (1 << 15) - 1 };
    matrix m = zeros(false, 4, 15);
    uint64_t seed = 1;
    for (uint64_t row = 0; row < 16; row++)
        fill_integers(&m, row, 3, &seed);
    multiply_row(&m, 9, 4, -2, 0);
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "long rows"), 15);
    row_of(&m, 9)[LAST] += 1;
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "long rows that differ"), 16);
    memset(row_of(&m, 7), 0, (LAST + 1) * sizeof(double));
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "a long zero row"), 15);
    row_of(&m, 7)[LAST] = -1;
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "a row of one entry"), 16);
    for (uint64_t row = 0; row < 16; row++)
        row_of(&m, row)[LAST] = row == 7;
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "a block of one entry"), 15);
    for (uint64_t k = 0; k < 16 * (LAST + 1); k++) /* two blocks, and what joins them */
        m.entries[k] = k % (LAST + 1) == LAST ? 1 : (k ^ k / (LAST + 1)) % 2 ? random_real(&seed) : 0;
    CHECK_EQUAL(check_matrix(&m, ~UINT64_C(0), true, "blocks that are joined at last"), 16);
    free(m.entries);
}

static void failures_leave_nothing(void)
{
    matrix m = planted(false, 6, 14, real_factors, 8, 9, 8);
    opened o = open_matrix(&m, 1);
    eg_budget *budget = o.state->budget;
    uint64_t used = budget->used, limit = budget->limit, calls, refused = 0;
    eg_row_classes classes;
    bool found = true;
    gather_calls = columns_gathered = fails_at = 0;
    CHECK_OK(find_counted(o.state, &o.layout, 1, &found, &classes));
    CHECK(found && classes.count == 32);
    eg_row_classes_free(&classes);
    calls = gather_calls; /* panels grow */
    CHECK(calls > 20 && calls < 60);
    for (uint64_t call = 1; call <= calls; call += 3) {
        gather_calls = 0;
        fails_at = call;
        CHECK_FAILS(find_counted(o.state, &o.layout, 1, &found, &classes), EEGPU_NO_DEVICE, "gone");
        CHECK(!found && classes.class_of_row == NULL);
        CHECK_EQUAL(budget->used, used);
    }
    fails_at = 0;
    for (uint64_t room = 64;; room += room < (1 << 20) ? (1 << 18) : 64) {
        budget->limit = used + room;
        eegpu_status status = find_counted(o.state, &o.layout, 1, &found, &classes);
        CHECK(found == (status == EEGPU_OK));
        eg_row_classes_free(&classes);
        CHECK_EQUAL(budget->used, used);
        if (status == EEGPU_OK)
            break;
        CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "the matrix of a cut");
        refused++;
    }
    CHECK(refused > 13); /* every single allocation */
    budget->limit = limit;
    o.layout.row_bits = 32;
    CHECK_FAILS(find_counted(o.state, &o.layout, 1, &found, &classes), EEGPU_USAGE, "2^32 rows");
    CHECK(!found);
    eegpu_state_close(o.state);
    free(o.amplitudes);
    free(m.entries);
}

EG_SUITE("parallel rows", {"planted rows", planted_rows_are_found}, {"products that round", products_that_round_are_not_parallel},
         {"quotients that round", rounded_quotients_are_no_proof}, {"tiny numbers", tiny_numbers},
         {"scattered blocks", scattered_blocks}, {"bad hashes", equal_hashes_are_checked},
         {"functions of images", functions_of_images}, {"both bit orders", both_bit_orders},
         {"random states cost one panel", random_states_cost_one_panel}, {"the last column counts", the_last_column_counts},
         {"failures leave nothing", failures_leave_nothing})
