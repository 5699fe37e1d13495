/* Classes of parallel rows and blocks, compared with all pairs of rows in exact arithmetic of its own (mantissas as integers); what is
 * found must rebuild the matrix. Planted factors, products that round, complex rows, tiny numbers, bad hashes, early decisions. */
#include "reduce/parallel_rows.h"

#include "scan/layout.h"
#include "scanning.h"

/* ---- Exact arithmetic ---- */

/* a b == c d, of doubles. */
static bool equal_products(double a, double b, double c, double d)
{
    double in[4] = {a, b, c, d};
    __int128 mantissa[4], left, right;
    int exponent[4];
    for (int i = 0; i < 4; i++)
        mantissa[i] = (__int128)ldexp(frexp(in[i], &exponent[i]), 53);
    left = mantissa[0] * mantissa[1];
    right = mantissa[2] * mantissa[3];
    if (left == 0 || right == 0)
        return left == right;
    int shift = exponent[0] + exponent[1] - exponent[2] - exponent[3];
    return (shift == 0 && left == right) || (shift == 1 && 2 * left == right) || (shift == -1 && left == 2 * right);
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

static bool is_zero_row(const matrix *m, uint64_t row)
{
    for (uint64_t k = 0; k < parts_of(m); k++)
        if (row_of(m, row)[k] != 0)
            return false;
    return true;
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
    const double *a = row_of(m, i), *b = row_of(m, j);
    for (uint64_t k = 0; k < parts_of(m); k += m->unit)
        if ((a[k] != 0 || a[k + m->unit - 1] != 0) && (b[k] != 0 || b[k + m->unit - 1] != 0))
            return true;
    return false;
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

static void close_matrix(opened *o)
{
    eegpu_state_close(o->state);
    free(o->amplitudes);
}

static matrix read_matrix(const eegpu_state *state, const eg_matrix_layout *layout)
{
    matrix m = zeros(state->is_complex, layout->row_bits, layout->column_bits);
    double *panel = malloc(m.rows * parts_of(&m) * sizeof *panel);
    CHECK_OK(eg_backend_cpu.gather(state, layout, 0, m.columns, panel, 1));
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

/* Every row is a multiple of its representative, and of no other one if `is_complete`. */
static void check_classes(const matrix *m, const eg_row_classes *classes, bool is_complete, const char *name)
{
    uint32_t next = 0;
    bool good = true, units = true;
    long double *sum = calloc(classes->count, sizeof *sum);
    for (uint64_t i = 0; i < m->rows; i++) {
        uint32_t own = classes->class_of_row[i];
        if (!EXPECT((own == EG_ZERO_VECTOR) == is_zero_row(m, i), "%s: row %d is zero or not", name, (int)i) ||
            own == EG_ZERO_VECTOR)
            continue;
        if (!EXPECT(own <= next && own < classes->count, "%s: row %d has class %u of %u", name, (int)i, own, next))
            continue;
        next += own == next;
        long double factor = length_of(m, i) / length_of(m, classes->representative[own]);
        units = units && fabsl(factor - 1) < 1e-12L;
        sum[own] += factor * factor;
        good = good && factor < 1 + 1e-15L && are_parallel(m, i, classes->representative[own]);
        for (uint32_t other = 0; is_complete && other < classes->count; other++)
            good = good && (other == own || !are_parallel(m, i, classes->representative[other]));
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

static uint64_t count_blocks(const matrix *m, uint32_t *block)
{
    uint64_t blocks = 0;
    for (uint64_t i = 0; i < m->rows; i++)
        block[i] = is_zero_row(m, i) ? UINT32_MAX : (uint32_t)i;
    for (bool changes = true; changes;) {
        changes = false;
        for (uint64_t i = 0; i < m->rows; i++)
            for (uint64_t j = 0; j < m->rows; j++)
                if (block[j] < block[i] && block[i] != UINT32_MAX && share_a_column(m, i, j)) {
                    block[i] = block[j];
                    changes = true;
                }
    }
    for (uint64_t i = 0; i < m->rows; i++)
        blocks += block[i] == i;
    return blocks;
}

static void check_blocks(const matrix *m, const eg_row_classes *classes, const char *name)
{
    uint32_t *block = malloc(m->rows * sizeof *block), *number = malloc(m->rows * sizeof *number), next = 0;
    uint64_t blocks = count_blocks(m, block);
    EXPECT(classes->blocks == blocks, "%s: %d blocks, not %d", name, (int)classes->blocks, (int)blocks);
    for (uint64_t i = 0; i < m->rows; i++) {
        if (block[i] == UINT32_MAX)
            continue;
        number[i] = block[i] == i ? next++ : number[block[i]];
        uint32_t found = classes->block_of_class[classes->class_of_row[i]];
        EXPECT(found == number[i], "%s: row %d is in block %u, not %u", name, (int)i, found, number[i]);
    }
    free(block), free(number);
}

static bool is_worth_it(const matrix *m)
{
    uint32_t *block = malloc(m->rows * sizeof *block);
    bool worth = count_blocks(m, block) > 1;
    free(block);
    for (uint64_t i = 0; i < m->rows && !worth; i++) {
        worth = is_zero_row(m, i);
        for (uint64_t j = 0; j < i && !worth; j++)
            worth = are_parallel(m, i, j);
    }
    return worth;
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
    uint64_t used = state->budget->used, count = m.rows;
    CHECK_OK(eg_find_row_classes_hashed(&eg_backend_cpu, state, layout, 1, hash_mask, &found, &classes));
    CHECK_OK(eg_find_row_classes_hashed(&eg_backend_cpu, state, layout, 3, hash_mask, &found_again, &again));
    CHECK(found == found_again);
    if (is_complete)
        EXPECT(found == is_worth_it(&m), "%s: found %d", name, found);
    if (found) {
        count = classes.count;
        check_classes(&m, &classes, is_complete, name);
        check_blocks(&m, &classes, name);
        long double all = purity_of(&m, NULL, NULL, m.rows), tolerance = (long double)m.rows * 1e-15L * all,
                    less = purity_of(&m, classes.representative, classes.weight, classes.count);
        if (classes.exact_weights && all == rintl(all) && all < 0x1p63L) /* integers: no sum was rounded */
            tolerance = 0;
        EXPECT(fabsl(all - less) <= tolerance, "%s: purity %.20Lg, reduced %.20Lg", name, all, less);
        CHECK(same_classes(&classes, &again));
    } else {
        CHECK(classes.class_of_row == NULL && classes.representative == NULL && classes.weight == NULL && classes.count == 0);
        EXPECT(state->budget->used == used, "%s: something is still held", name);
    }
    eg_row_classes_free(&classes);
    eg_row_classes_free(&again);
    CHECK_EQUAL(state->budget->used, used);
    free(m.entries);
    return count;
}

static uint64_t check_matrix(const matrix *m, uint64_t hash_mask, bool is_complete, const char *name)
{
    opened o = open_matrix(m, 77 + m->rows);
    uint64_t count = check_state(o.state, &o.layout, hash_mask, is_complete, name);
    close_matrix(&o);
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

static void shuffle_rows(matrix *m, uint64_t *seed)
{
    for (uint64_t i = m->rows; i-- > 1;) {
        uint64_t other = random_word(seed) % (i + 1);
        for (uint64_t k = 0; k < parts_of(m); k++) {
            double entry = row_of(m, i)[k];
            row_of(m, i)[k] = row_of(m, other)[k];
            row_of(m, other)[k] = entry;
        }
    }
}

typedef struct factor {
    double re, im;
} factor;

static const factor real_factors[] = {{1, 0}, {-1, 0}, {2, 0}, {3, 0}, {-5, 0}, {0, 0}, {0.25, 0}, {7, 0}};
static const factor complex_factors[] = {{0, 1}, {0, -2}, {-1, 0}, {3, 0}, {0, 0}, {1, 0}, {0, 5}, {0, -1}};
static const factor other_phases[] = {{1, 1}, {3, 4}, {-1, 2}, {2, -1}};

/* Half of the rows from the others. */
static matrix planted(bool is_complex, int row_bits, int column_bits, const factor *factors, size_t count, int64_t most,
                      uint64_t seed)
{
    matrix m = zeros(is_complex, row_bits, column_bits);
    for (uint64_t i = 0; i < m.rows; i++) {
        const factor *f = &factors[i % count];
        if (i < (m.rows + 1) / 2)
            fill_integers(&m, i, most, &seed);
        else
            multiply_row(&m, i, random_word(&seed) % (m.rows / 2), f->re, f->im);
    }
    shuffle_rows(&m, &seed);
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
                     planted(true, 6, 7, other_phases, 4, 1000, 5)};
    for (int k = 0; k < 3; k++) {
        EXPECT(check_matrix(&half[k], ~UINT64_C(0), true, "half") == (k < 2 ? 32 : 64), "half, case %d", k);
        free(half[k].entries);
    }
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
    for (uint64_t seed = 0; seed < 200; seed++) {
        matrix m = zeros(false, 1, 1);
        uint64_t state = seed;
        for (int k = 0; k < 2; k++)
            m.entries[k] = random_real(&state);
        multiply_row(&m, 1, 0, 3.7, 0);
        alike += !are_parallel(&m, 0, 1) && m.entries[1] / m.entries[0] == m.entries[3] / m.entries[2];
        check_matrix(&m, ~UINT64_C(0), true, "two columns");
        free(m.entries);
    }
    CHECK(alike > 20);
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
        {{{0x1p-1074, 0x3p-1074, 0, 1}, {0x1p-1060, 0x3p-1060, 0, 0x1p14}}, 1},
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

/* ---- Blocks ---- */

/* Blocks of different shapes, the columns scattered by a random permutation, the rows too. */
static void scattered_blocks(void)
{
    static const int ends[] = {1, 3, 4, 9, 17, 25, 30, 32};
    for (uint64_t test = 0; test < 20; test++) {
        matrix m = zeros(test % 2, 5, 6);
        uint64_t seed = test, place[64];
        for (uint64_t c = 0; c < 64; c++) {
            uint64_t at = random_word(&seed) % (c + 1);
            place[c] = place[at];
            place[at] = c;
        }
        for (uint64_t row = 0; row < 32; row++) {
            uint64_t block = 0;
            while (row >= (uint64_t)ends[block])
                block++;
            for (uint64_t c = 8 * block; c < 8 * block + 8; c++)
                for (uint64_t part = 0; part < m.unit && (test < 10 || random_word(&seed) % 4 == 0); part++)
                    row_of(&m, row)[place[c] * m.unit + part] = (double)(random_word(&seed) % 7) - 3;
        }
        row_of(&m, 31)[place[63] * m.unit] = 5;
        shuffle_rows(&m, &seed);
        check_matrix(&m, ~UINT64_C(0), true, "scattered blocks");
        check_matrix(&m, 1, false, "scattered blocks, one bit");
        free(m.entries);
    }
}

/* ---- Bad hashes ---- */

static void equal_hashes_are_checked(void)
{
    static const uint64_t masks[] = {0, 1, 6, UINT64_C(1) << 63, 0xf, 0xff};
    for (uint64_t seed = 0; seed < 24; seed++) {
        bool is_complex = seed % 2;
        matrix m = planted(is_complex, 5, 5, is_complex ? complex_factors : real_factors, 8, 1 + (int64_t)seed, seed);
        row_of(&m, 3)[0] += 2;
        uint64_t count = check_matrix(&m, ~UINT64_C(0), true, "good hashes");
        for (size_t k = 0; k < COUNT(masks); k++)
            EXPECT(check_matrix(&m, masks[k], false, "bad hashes") >= count, "fewer classes than there are");
        free(m.entries);
    }
}

/* ---- Sources, both orders of bits ---- */

static void functions_of_images(void)
{
    static const char *const sources[] = {
        "graph",    "parity:kind=sign", "innerproduct:kind=sign", "ising:beta=0.4",      "w",
        "majority", "connected",        "random:seed=3",          "random:kind=complex", "dicke:k=2"};
    for (size_t k = 0; k < COUNT(sources); k++) {
        eegpu_state *state = open_source(sources[k], 3, 4);
        uint64_t seed = k;
        for (int cut = 0; state != NULL && cut < 6; cut++) {
            uint64_t mask = cut == 0 ? 0x3f : random_mask(12, &seed);
            eg_matrix_layout layout;
            if (eg_popcount(mask) > 7)
                mask ^= 0xfff;
            eg_layout_of_region(state, &mask, &layout);
            check_state(state, &layout, ~UINT64_C(0), true, sources[k]);
        }
        eegpu_state_close(state);
    }
}

/* The middle cut of 4x4: a cluster state has rank 2^4 there, a product of signs 1; W and GHZ have two rows that differ. */
static void known_classes(void)
{
    static const struct {
        const char *source;
        uint64_t classes;
    } cases[] = {{"graph", 16}, {"parity:kind=sign", 1}, {"w", 2}, {"ghz", 2}, {"random", 256}};
    uint64_t mask = 0xff;
    for (size_t k = 0; k < COUNT(cases); k++) {
        eegpu_state *state = open_source(cases[k].source, 4, 4);
        eg_matrix_layout layout;
        eg_layout_of_region(state, &mask, &layout);
        EXPECT(check_state(state, &layout, ~UINT64_C(0), true, cases[k].source) == cases[k].classes, "%s", cases[k].source);
        eegpu_state_close(state);
    }
}

static void both_bit_orders(void)
{
    matrix m = planted(true, 5, 5, complex_factors, 8, 9, 2);
    uint64_t mask = 0x1f; /* the first five pixels: the rows that were planted */
    double *reversed = malloc(2048 * sizeof *reversed);
    for (uint64_t s = 0; s < 1024; s++) {
        uint64_t r = 0;
        for (int bit = 0; bit < 10; bit++)
            r |= (s >> bit & 1) << (9 - bit);
        memcpy(reversed + 2 * r, m.entries + 2 * s, 2 * sizeof *reversed);
    }
    eegpu_open_options options = lattice_options(2, 5);
    eegpu_state *states[2] = {open_amplitudes(m.entries, true, 2, 5), NULL};
    options.bit_order = EEGPU_LSB;
    CHECK_OK(eegpu_state_from_amplitudes(reversed, true, &options, &states[1]));
    eg_row_classes classes[2];
    bool found[2];
    for (int k = 0; k < 2; k++) {
        eg_matrix_layout layout;
        eg_layout_of_region(states[k], &mask, &layout);
        check_state(states[k], &layout, ~UINT64_C(0), true, k ? "lsb" : "msb");
        CHECK_OK(eg_find_row_classes(&eg_backend_cpu, states[k], &layout, 1, &found[k], &classes[k]));
    }
    CHECK(found[0] && found[1] && classes[0].count == 16 && same_classes(&classes[0], &classes[1]));
    eg_row_classes_free(&classes[0]);
    eg_row_classes_free(&classes[1]);
    eegpu_state_close(states[0]);
    eegpu_state_close(states[1]);
    free(reversed), free(m.entries);
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
    return eg_backend_cpu.gather(state, layout, first, count, panel, threads);
}

static eg_backend counting_backend(void)
{
    eg_backend backend = eg_backend_cpu;
    backend.gather = counting_gather;
    gather_calls = columns_gathered = fails_at = 0;
    return backend;
}

static void random_states_cost_one_panel(void)
{
    static const char *const sources[] = {"random", "random:kind=complex"};
    static const uint64_t masks[] = {0xff, 0xff00, 0x5555, 0x1, 0x7fff, 0x0ff0};
    for (size_t k = 0; k < 2 * COUNT(masks); k++) {
        eegpu_state *state = open_source(sources[k % 2], 1, 16);
        eg_backend backend = counting_backend();
        eg_matrix_layout layout;
        eg_row_classes classes;
        bool found = true;
        uint64_t used = state->budget->used;
        eg_layout_of_region(state, &masks[k / 2], &layout);
        CHECK_OK(eg_find_row_classes(&backend, state, &layout, 2, &found, &classes));
        CHECK(!found && classes.class_of_row == NULL);
        CHECK_EQUAL(gather_calls, 1);
        CHECK(columns_gathered <= 16);
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
    free(m.entries);
}

/* ---- Bad input ---- */

static void failures_leave_nothing(void)
{
    matrix m = planted(false, 6, 14, real_factors, 8, 9, 8);
    opened o = open_matrix(&m, 1);
    eg_budget *budget = o.state->budget;
    eg_backend backend = counting_backend();
    uint64_t used = budget->used, limit = budget->limit, calls;
    eg_row_classes classes;
    bool found = true;
    CHECK_OK(eg_find_row_classes(&backend, o.state, &o.layout, 1, &found, &classes));
    CHECK(found && classes.count == 32);
    eg_row_classes_free(&classes);
    calls = gather_calls;
    CHECK(calls > 10);
    for (uint64_t call = 1; call <= calls; call += 3) {
        gather_calls = 0;
        fails_at = call;
        CHECK_FAILS(eg_find_row_classes(&backend, o.state, &o.layout, 1, &found, &classes), EEGPU_NO_DEVICE, "gone");
        CHECK(!found && classes.class_of_row == NULL);
        CHECK_EQUAL(budget->used, used);
    }
    fails_at = 0;
    int refused = 0;
    for (uint64_t room = 64;; room += room < (1 << 20) ? (1 << 18) : 64) {
        budget->limit = used + room;
        eegpu_status status = eg_find_row_classes(&backend, o.state, &o.layout, 1, &found, &classes);
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
    CHECK_FAILS(eg_find_row_classes(&backend, o.state, &o.layout, 1, &found, &classes), EEGPU_USAGE, "2^32 rows");
    CHECK(!found);
    close_matrix(&o);
    free(m.entries);
}

EG_SUITE("parallel rows", {"planted rows", planted_rows_are_found}, {"products that round", products_that_round_are_not_parallel},
         {"quotients that round", rounded_quotients_are_no_proof}, {"tiny numbers", tiny_numbers},
         {"scattered blocks", scattered_blocks}, {"bad hashes", equal_hashes_are_checked},
         {"functions of images", functions_of_images}, {"known classes", known_classes}, {"both bit orders", both_bit_orders},
         {"random states cost one panel", random_states_cost_one_panel}, {"the last column counts", the_last_column_counts},
         {"failures leave nothing", failures_leave_nothing})
