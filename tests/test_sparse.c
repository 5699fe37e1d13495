/* Reductions of image sets: rows and columns against the images that they stand for, merging against a plain search for equal rows
 * and against the spectrum of the dense matrix, blocks against a walk through their graph. */
#include "backend/backend.h"
#include "reduce/sparse.h"
#include "sources.h"
#include "temporary.h"

enum { MOST_IMAGES = 400 };

/* ---- Sets of images ---- */

typedef struct set_case {
    const char *name;
    int height, width, images;
    int distinct; /* images are drawn from that many; 0: every pixel at random */
} set_case;

static const set_case set_cases[] = {
    {"one image", 2, 2, 1, 0},      {"few pixels", 2, 3, 60, 0}, {"sparse", 3, 4, 90, 0},      {"dense", 3, 3, 400, 0},
    {"many of few", 4, 4, 300, 40}, {"stripes", 4, 5, 200, -1},  {"two words", 9, 9, 300, 60}, {"two words, all", 8, 9, 120, -1},
};

/* distinct < 0: rows all dark or all lit, and one pixel more: many equal rows. */
static eegpu_state *open_set(const set_case *which, const char *weight)
{
    static unsigned char pixels[MOST_IMAGES * 81];
    int count = which->height * which->width;
    uint64_t seed = 11;
    char shape[64], source[1200];
    memset(pixels, 0, sizeof pixels);
    for (int k = 0; k < which->images; k++) {
        unsigned char *image = pixels + k * count;
        uint64_t seed_of_image = which->distinct > 0 ? 100 + random_word(&seed) % (uint64_t)which->distinct : random_word(&seed);
        for (int i = 0; i < count; i++)
            image[i] = random_word(&seed_of_image) & 1;
        for (int i = 0; which->distinct < 0 && i < count; i++)
            image[i] = image[i / which->width * which->width];
        if (which->distinct < 0)
            image[random_word(&seed) % (uint64_t)count] = 1;
    }
    snprintf(shape, sizeof shape, "(%d, %d, %d)", which->images, which->height, which->width);
    const char *path = write_npy("|u1", false, shape, pixels, (size_t)(which->images * count));
    snprintf(source, sizeof source, "images:file=%s,weight=%s,threshold=0", path, weight);
    eegpu_open_options options = eegpu_open_options_default();
    eegpu_state *state = NULL;
    check_ok_at(eegpu_state_open(source, &options, &state), which->name, __FILE__, __LINE__);
    return state;
}

/* ---- The matrix of a cut ------------------------------------------------------------------------------------------- */

/* Do images a and b agree on the pixels of A (side 1) or of B (side 0)? */
static bool agree(const eegpu_state *state, uint64_t a, uint64_t b, const uint64_t *mask, bool side)
{
    const eg_image_set *images = &state->images;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (eg_bit(mask, (uint64_t)pixel) == side && eg_bit(images->pixels + a * images->words, (uint64_t)pixel) !=
                                                         eg_bit(images->pixels + b * images->words, (uint64_t)pixel))
            return false;
    return true;
}

/* Entry k is image k; each row shows its sub-image, no two the same. */
static void check_matrix(const eegpu_state *state, const uint64_t *mask, const eg_sparse_matrix *m, const char *name)
{
    uint64_t wrong = m->entries != state->images.count;
    for (uint64_t k = 0; wrong == 0 && k < m->entries; k++)
        wrong += m->square[k] != state->images.multiplicity[k] || m->row[k] >= m->rows || m->column[k] >= m->columns ||
                 !agree(state, k, m->image_of_row[m->row[k]], mask, true) ||
                 !agree(state, k, m->image_of_column[m->column[k]], mask, false);
    for (uint64_t i = 0; wrong == 0 && i < m->rows; i++)
        for (uint64_t j = 0; j < i; j++)
            wrong += agree(state, m->image_of_row[i], m->image_of_row[j], mask, true);
    for (uint64_t i = 0; wrong == 0 && i < m->columns; i++)
        for (uint64_t j = 0; j < i; j++)
            wrong += agree(state, m->image_of_column[i], m->image_of_column[j], mask, false);
    EXPECT(wrong == 0, "%s: the matrix of a cut is not its images (%llu)", name, (unsigned long long)wrong);
}

/* ---- Dense matrices ---- */

/* Squares, row by row; the caller frees. */
static uint64_t *dense(const eg_sparse_matrix *m)
{
    uint64_t *squares = calloc(m->rows * m->columns, sizeof *squares);
    for (uint64_t k = 0; k < m->entries; k++)
        squares[m->row[k] * m->columns + m->column[k]] += m->square[k];
    return squares;
}

static uint64_t sum_of_squares(const eg_sparse_matrix *m)
{
    uint64_t sum = 0;
    for (uint64_t k = 0; k < m->entries; k++)
        sum += m->square[k];
    return sum;
}

/* Equal up to a factor: a_c sum(b) = b_c sum(a) for all c. */
static bool are_parallel(const uint64_t *a, const uint64_t *b, uint64_t columns)
{
    uint64_t sums[2] = {0, 0};
    bool good = true;
    for (uint64_t c = 0; c < columns; c++) {
        sums[0] += a[c];
        sums[1] += b[c];
    }
    for (uint64_t c = 0; c < columns; c++)
        good = good && (unsigned __int128)a[c] * sums[1] == (unsigned __int128)b[c] * sums[0];
    return good;
}

/* No two of them equal up to a factor. */
static uint64_t distinct_rows(const uint64_t *squares, uint64_t rows, uint64_t columns)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t j = 0;
        while (j < i && !are_parallel(squares + i * columns, squares + j * columns, columns))
            j++;
        count += j == i;
    }
    return count;
}

static uint64_t distinct_columns(const uint64_t *squares, uint64_t rows, uint64_t columns)
{
    uint64_t *turned = calloc(rows * columns, sizeof *turned);
    for (uint64_t i = 0; i < rows * columns; i++)
        turned[i % columns * rows + i / columns] = squares[i];
    uint64_t count = distinct_rows(turned, columns, rows);
    free(turned);
    return count;
}

static int descending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Squared singular values behind those that are there; `first` entries with rows and columns from 0. */
static void add_spectrum(const eg_sparse_matrix *m, uint64_t first, uint64_t last, uint64_t rows, uint64_t columns, double *values,
                         uint64_t *count)
{
    double *entries = calloc(rows * columns, sizeof *entries);
    uint64_t least = rows < columns ? rows : columns;
    for (uint64_t k = first; k < last; k++)
        entries[m->column[k] * rows + m->row[k]] = sqrt((double)m->square[k]);
    eg_device cpu = {.backend = &eg_backend_cpu};
    eg_lane lane = {&cpu, 1};
    CHECK_OK(eg_backend_cpu.singular_values(&lane, false, (int)rows, (int)columns, entries, values + *count));
    for (uint64_t k = *count; k < *count + least; k++)
        values[k] *= values[k];
    *count += least;
    free(entries);
}

/* Descending; what is missing of the shorter one is 0. */
static void check_spectra(double *left, uint64_t left_count, double *right, uint64_t right_count, const char *name)
{
    double worst = 0, sum = 0;
    qsort(left, left_count, sizeof *left, descending);
    qsort(right, right_count, sizeof *right, descending);
    for (uint64_t k = 0; k < left_count || k < right_count; k++) {
        double a = k < left_count ? left[k] : 0, b = k < right_count ? right[k] : 0;
        worst = fmax(worst, fabs(a - b));
        sum += a;
    }
    EXPECT(worst <= 1e-13 * sum, "%s: some p differs by %g of %g", name, worst, sum);
}

/* ---- Merging and blocks -------------------------------------------------------------------------------------------- */

/* Rows reached from the row of the first entry, by going over the entries again and again. */
static bool is_connected(const eg_sparse_matrix *m, uint64_t first, uint64_t last, uint32_t rows, uint32_t columns)
{
    bool *row_seen = calloc(rows, 1), *column_seen = calloc(columns, 1), changed = true, all = true;
    for (row_seen[m->row[first]] = true; changed;) {
        changed = false;
        for (uint64_t k = first; k < last; k++)
            if (row_seen[m->row[k]] != column_seen[m->column[k]])
                changed = row_seen[m->row[k]] = column_seen[m->column[k]] = true;
    }
    for (uint32_t r = 0; r < rows; r++)
        all = all && row_seen[r];
    for (uint32_t c = 0; c < columns; c++)
        all = all && column_seen[c];
    free(row_seen);
    free(column_seen);
    return all;
}

static int ascending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void check_split(eg_sparse_matrix *m, double *expected, uint64_t expected_count, const char *name)
{
    static double values[MOST_IMAGES * 2];
    uint64_t entries = m->entries, count = 0, rows = 0, columns = 0;
    uint64_t *before = malloc(entries * sizeof *before), *after = malloc(entries * sizeof *after);
    eg_sparse_blocks blocks = {0};
    memcpy(before, m->square, entries * sizeof *before);
    if (CHECK_OK(eg_sparse_split(m, &blocks))) {
        memcpy(after, m->square, entries * sizeof *after);
        qsort(before, entries, sizeof *before, ascending);
        qsort(after, entries, sizeof *after, ascending);
        EXPECT(m->entries == entries && memcmp(before, after, entries * sizeof *after) == 0, "%s: other entries in blocks", name);
        CHECK(blocks.start[0] == 0 && blocks.start[blocks.count] == entries);
        for (uint64_t b = 0; b < blocks.count; b++) {
            bool good = blocks.start[b] < blocks.start[b + 1];
            for (uint64_t k = blocks.start[b]; k < blocks.start[b + 1]; k++)
                good = good && m->row[k] < blocks.rows[b] && m->column[k] < blocks.columns[b];
            good = good && is_connected(m, blocks.start[b], blocks.start[b + 1], blocks.rows[b], blocks.columns[b]);
            if (EXPECT(good, "%s: block %llu is empty, too small or not connected", name, (unsigned long long)b))
                add_spectrum(m, blocks.start[b], blocks.start[b + 1], blocks.rows[b], blocks.columns[b], values, &count);
            rows += blocks.rows[b];
            columns += blocks.columns[b];
        }
        EXPECT(rows == m->rows && columns == m->columns, "%s: blocks of %llu x %llu in all, not %llu x %llu", name,
               (unsigned long long)rows, (unsigned long long)columns, (unsigned long long)m->rows, (unsigned long long)m->columns);
        check_spectra(values, count, expected, expected_count, name);
    }
    eg_sparse_blocks_free(&blocks);
    free(before);
    free(after);
}

static void check_cut(const eegpu_state *state, const uint64_t *mask, const char *name)
{
    static double values[MOST_IMAGES], merged_values[MOST_IMAGES];
    uint64_t count = 0, merged_count = 0;
    eg_sparse_matrix m = {0};
    eg_sparse_blocks whole = {0};
    if (!CHECK_OK(eg_sparse_of_cut(state, mask, &m)))
        return;
    check_matrix(state, mask, &m, name);
    uint64_t *squares = dense(&m), rows = m.rows, columns = m.columns, sum = sum_of_squares(&m);
    add_spectrum(&m, 0, m.entries, m.rows, m.columns, values, &count);
    if (CHECK_OK(eg_sparse_merge(&m))) {
        uint64_t *merged = dense(&m);
        EXPECT(m.rows == distinct_rows(squares, rows, columns) && m.columns == distinct_columns(squares, rows, columns),
               "%s: merged to %llu x %llu", name, (unsigned long long)m.rows, (unsigned long long)m.columns);
        EXPECT(distinct_rows(merged, m.rows, m.columns) == m.rows && distinct_columns(merged, m.rows, m.columns) == m.columns,
               "%s: equal rows or columns are left", name);
        EXPECT(sum_of_squares(&m) == sum, "%s: the sum of squares became %llu", name, (unsigned long long)sum_of_squares(&m));
        add_spectrum(&m, 0, m.entries, m.rows, m.columns, merged_values, &merged_count);
        check_spectra(merged_values, merged_count, values, count, name);
        CHECK_OK(eg_sparse_whole(&m, &whole));
        CHECK(whole.count == 1 && whole.start[1] == m.entries && whole.rows[0] == m.rows && whole.columns[0] == m.columns);
        check_split(&m, values, count, name);
        free(merged);
    }
    eg_sparse_blocks_free(&whole);
    eg_sparse_free(&m);
    free(squares);
}

static void test_sets(void)
{
    for (size_t k = 0; k < COUNT(set_cases); k++)
        for (int weight = 0; weight < 2; weight++) {
            const set_case *which = &set_cases[k];
            eegpu_state *state = open_set(which, weight ? "count" : "set");
            uint64_t seed = 5 + k, held = state != NULL ? state->budget->used : 0;
            int cases = IS_SANITIZED ? 6 : 30;
            for (int i = 0; state != NULL && i < cases; i++) {
                uint64_t mask[2] = {0, 0};
                for (int pixel = 0; pixel < state->pixels; pixel++) /* from few pixels to nearly all */
                    if (random_word(&seed) % (uint64_t)(cases + 1) <= (uint64_t)i)
                        mask[pixel / 64] |= UINT64_C(1) << pixel % 64;
                mask[0] = (mask[0] | 1) & ~UINT64_C(2);
                check_cut(state, mask, which->name);
                CHECK_EQUAL(state->budget->used, held);
            }
            eegpu_state_close(state);
        }
}

/* With every limit up to what is enough: a clear failure that leaves nothing behind. */
static void test_little_memory(void)
{
    eegpu_state *state = open_set(&set_cases[4], "count");
    uint64_t mask = 0x0f3c, held = state->budget->used, failures = 0, successes = 0;
    for (uint64_t more = 1; successes == 0 && more < 1 << 24; more += more / 8 + 1) {
        eg_sparse_matrix m = {0};
        eg_sparse_blocks blocks = {0};
        state->budget->limit = held + more;
        eegpu_status status = eg_sparse_of_cut(state, &mask, &m);
        if (status == EEGPU_OK)
            status = eg_sparse_merge(&m);
        if (status == EEGPU_OK)
            status = eg_sparse_split(&m, &blocks);
        if (status != EEGPU_OK)
            CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "memory");
        failures += status != EEGPU_OK;
        successes += status == EEGPU_OK;
        eg_sparse_blocks_free(&blocks);
        eg_sparse_free(&m);
        CHECK_EQUAL(state->budget->used, held);
    }
    CHECK(failures > 10 && successes == 1);
    eegpu_state_close(state);
}

EG_SUITE("reduced image sets", {"matrices, merging, blocks", test_sets}, {"little memory", test_little_memory})
