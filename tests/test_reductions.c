/* With the exact reductions or without: the same spectra, entropies and ranks for every built-in function and for image sets; what
 * is left after them against a plain count of distinct rows, columns and components; purities against integers; known sizes; very
 * large multiplicities. */
#include "reductions.h"
#include "spectrum/spectrum.h"
#include "temporary.h"

/* ---- On and off ---------------------------------------------------------------------------------------------------- */

static const double orders[] = {0.5, 2, INFINITY};

static eegpu_scan_options options_with(eegpu_method method, bool no_reduce)
{
    eegpu_scan_options options = scan_options(method, 2);
    options.renyi_count = COUNT(orders);
    memcpy(options.renyi, orders, sizeof orders);
    options.no_reduce = no_reduce;
    return options;
}

/* Orders below 1 see every rounding of a zero: only the SVD has useful bounds for them. */
static double most_error(eegpu_method method, size_t order)
{
    return order != 0 ? 1e-9 : method == EEGPU_METHOD_SVD ? 1e-6 : INFINITY;
}

static void compare_entropies(const eegpu_record *on, const eegpu_record *off, eegpu_method method, const char *name)
{
    EXPECT(fabs(on->s_vn - off->s_vn) <= on->error + off->error && on->error + off->error < 1e-9,
           "%s, cut %zu: %.17g +- %g with reductions, %.17g +- %g without", name, on->cut, on->s_vn, on->error, off->s_vn,
           off->error);
    for (size_t i = 0; i < COUNT(orders); i++) {
        double room = on->renyi_error[i] + off->renyi_error[i];
        EXPECT(fabs(on->renyi[i] - off->renyi[i]) <= room && room <= most_error(method, i),
               "%s, cut %zu: S_%g = %.17g with reductions, %.17g without, bound %g", name, on->cut, orders[i], on->renyi[i],
               off->renyi[i], room);
    }
    double worst = 0;
    for (size_t k = 0; k < on->spectrum_count || k < off->spectrum_count; k++)
        worst =
            fmax(worst, fabs((k < on->spectrum_count ? on->spectrum[k] : 0) - (k < off->spectrum_count ? off->spectrum[k] : 0)));
    double room = method == EEGPU_METHOD_SVD ? 2e-12 : 1e-13; /* QR over long rows */
    EXPECT(worst <= room && fabs(on->purity - off->purity) <= room && fabs(on->p_max - off->p_max) <= room,
           "%s, cut %zu: some p differs by %g", name, on->cut, worst);
}

static void compare_shapes(const eegpu_record *on, const eegpu_record *off, const char *name)
{
    EXPECT(on->n_a == off->n_a && on->n_b == off->n_b && on->boundary == off->boundary && on->bonds == off->bonds &&
               on->rows == off->rows && on->cols == off->cols,
           "%s, cut %zu: another region", name, on->cut);
    EXPECT((double)off->reduced_rows == off->rows && (double)off->reduced_cols == off->cols && off->blocks == 1 &&
               off->same_as == -1,
           "%s, cut %zu: reduced to %llu x %llu without reductions", name, on->cut, (unsigned long long)off->reduced_rows,
           (unsigned long long)off->reduced_cols);
    EXPECT((double)on->reduced_rows <= on->rows && (double)on->reduced_cols <= on->cols && on->blocks >= 1 &&
               on->rank <= on->reduced_rows && on->rank <= on->reduced_cols && on->blocks <= on->rank,
           "%s, cut %zu: rank %llu, %llu x %llu in %llu blocks", name, on->cut, (unsigned long long)on->rank,
           (unsigned long long)on->reduced_rows, (unsigned long long)on->reduced_cols, (unsigned long long)on->blocks);
}

/* The SVD sees every value that is not 0, eigenvalues of a Gram matrix only those above its error. */
static void compare_ranks(const eegpu_record *on, const eegpu_record *off, bool has_labels, eegpu_method method, const char *name)
{
    EXPECT(on->rank_exact == has_labels && !off->rank_exact && (!has_labels || (on->rank_doubt >= 0 && on->rank_doubt < 1e-12)),
           "%s, cut %zu: an exact rank or none, doubt %g", name, on->cut, on->rank_doubt);
    if (method == EEGPU_METHOD_SVD)
        EXPECT(on->rank == off->rank, "%s, cut %zu: rank %llu with reductions, %llu without", name, on->cut,
               (unsigned long long)on->rank, (unsigned long long)off->rank);
    else if (has_labels)
        EXPECT(on->rank >= off->rank, "%s, cut %zu: rank %llu with reductions, %llu without", name, on->cut,
               (unsigned long long)on->rank, (unsigned long long)off->rank);
}

static void compare_on_off(const eegpu_state *state, const eegpu_cuts *cuts, eegpu_method method, const char *name)
{
    eegpu_scan_options with = options_with(method, false), without = options_with(method, true);
    eegpu_result *on = scan(state, cuts, &with), *off = scan(state, cuts, &without);
    for (size_t i = 0; on != NULL && off != NULL && i < eegpu_cuts_count(cuts); i++) {
        const eegpu_record *a = eegpu_result_record(on, i), *b = eegpu_result_record(off, i);
        compare_entropies(a, b, method, name);
        compare_ranks(a, b, state->kind == EG_BITS, method, name);
        if (state->kind != EG_IMAGES)
            compare_shapes(a, b, name);
        else
            EXPECT(a->rows == b->rows && a->cols == b->cols && a->reduced_rows <= b->reduced_rows &&
                       a->reduced_cols <= b->reduced_cols,
                   "%s, cut %zu, same as %lld: %g x %g with reductions, %g x %g without", name, i, (long long)a->same_as, a->rows,
                   a->cols, b->rows, b->cols);
    }
    eegpu_result_free(on);
    eegpu_result_free(off);
}

/* Contiguous cuts and `count` random regions with their complements. */
static eegpu_cuts *cuts_and_complements(int height, int width, int count, uint64_t seed)
{
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    for (int k = 0; k < count; k++) {
        uint64_t mask = random_mask(height * width, &seed);
        add_mask(cuts, mask);
        add_mask(cuts, ~mask & eg_low_mask(height * width));
    }
    return cuts;
}

/* On 4x4 a part of the cuts by SVD: of all of them it would take long. */
static void test_on_off(void)
{
    eegpu_cuts *small = cuts_and_complements(3, 4, 30, 1), *large = cuts_and_complements(4, 4, 30, 2);
    eegpu_cuts *few = NULL;
    CHECK_OK(eegpu_cuts_create(4, 4, "lines", 0, &few));
    add_random_cuts(few, IS_SANITIZED ? 0 : 20, 3);
    for (size_t k = 0; k < COUNT(builtins); k++) {
        eegpu_state *state = open_source(builtins[k].text, 3, 4), *larger = open_source(builtins[k].text, 4, 4);
        compare_on_off(state, small, EEGPU_METHOD_GRAM, builtins[k].text);
        compare_on_off(state, small, EEGPU_METHOD_SVD, builtins[k].text);
        compare_on_off(larger, IS_SANITIZED ? few : large, EEGPU_METHOD_GRAM, builtins[k].text);
        compare_on_off(larger, few, EEGPU_METHOD_SVD, builtins[k].text);
        eegpu_state_close(state);
        eegpu_state_close(larger);
    }
    eegpu_cuts_free(small);
    eegpu_cuts_free(large);
    eegpu_cuts_free(few);
}

/* ---- What is left, and purities ------------------------------------------------------------------------------------ */

static void check_left(const eegpu_state *state, const char *name)
{
    eegpu_cuts *cuts = cuts_and_complements(state->height, state->width, 30, 3);
    eegpu_scan_options on = options_with(EEGPU_METHOD_AUTO, false);
    eegpu_result *result = scan(state, cuts, &on);
    for (size_t i = 0; result != NULL && i < eegpu_cuts_count(cuts); i++) {
        const eegpu_record *record = eegpu_result_record(result, i);
        plain_matrix m = plain_matrix_of(state, *eg_cut_mask(cuts, i));
        uint64_t rows = plain_distinct(&m, false), columns = plain_distinct(&m, true), blocks = plain_components(&m);
        EXPECT(record->reduced_rows == rows && record->reduced_cols == columns && record->blocks == blocks,
               "%s, cut %zu, %d | %d, same as %lld: %llu x %llu in %llu blocks, counted %llu x %llu in %llu", name, i, record->n_a,
               record->n_b, (long long)record->same_as, (unsigned long long)record->reduced_rows,
               (unsigned long long)record->reduced_cols, (unsigned long long)record->blocks, (unsigned long long)rows,
               (unsigned long long)columns, (unsigned long long)blocks);
        double ones = (double)state->ones, purity = (double)plain_purity(&m) / (ones * ones);
        EXPECT(fabs(record->purity - purity) <= 0x1p-51 * purity, "%s, cut %zu: purity %.17g, as integers %.17g", name, i,
               record->purity, purity);
        EXPECT(fabs(record->renyi[1] + log(purity)) <= record->renyi_error[1] + 0x1p-50, "%s, cut %zu: S_2 = %.17g, %.17g", name, i,
               record->renyi[1], -log(purity));
        free(m.entries);
    }
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
}

static void test_what_is_left(void)
{
    static const int lattices[][2] = {{3, 4}, {2, 2}, {1, 8}, {3, 3}};
    for (size_t k = 0; k < COUNT(builtins); k++)
        for (size_t l = 0; builtins[k].form == LABELS && l < COUNT(lattices); l++) {
            int height = lattices[l][0], width = lattices[l][1];
            if (!is_defined(&builtins[k], height * width) || (IS_SANITIZED && l == 0 && k % 3 != 0))
                continue;
            eegpu_state *state = open_source(builtins[k].text, height, width);
            if (state != NULL)
                check_left(state, builtins[k].text);
            eegpu_state_close(state);
        }
}

/* ---- Image sets ---------------------------------------------------------------------------------------------------- */

/* The lit images of a function as a file; each up to `copies` times. */
static eegpu_state *open_as_images(const eegpu_state *labels, int copies, const char *weight)
{
    enum { MOST_BYTES = 1 << 14 };
    static unsigned char pixels[MOST_BYTES];
    uint64_t seed = 21;
    size_t used = 0, sites = (size_t)labels->pixels;
    char shape[64], source[1200];
    for (uint64_t s = 0; s < labels->size; s++)
        for (uint64_t copy = eg_bit(labels->bits, s) ? random_word(&seed) % (uint64_t)copies + 1 : 0; copy > 0; copy--)
            for (size_t i = 0; i < sites && used < MOST_BYTES; i++)
                pixels[used++] = s >> (sites - 1 - i) & 1;
    CHECK(used < MOST_BYTES && used % sites == 0);
    snprintf(shape, sizeof shape, "(%zu, %d, %d)", used / sites, labels->height, labels->width);
    snprintf(source, sizeof source, "images:file=%s,weight=%s", write_npy("|u1", false, shape, pixels, used), weight);
    return open_source(source, 0, 0);
}

/* The same function as labels and as images: the same spectra, and what is left is the same. */
static void compare_kinds(const eegpu_state *labels, const eegpu_state *images, const eegpu_cuts *cuts, const char *name)
{
    eegpu_scan_options options = options_with(EEGPU_METHOD_GRAM, false);
    eegpu_result *left = scan(labels, cuts, &options), *right = scan(images, cuts, &options);
    for (size_t i = 0; left != NULL && right != NULL && i < eegpu_cuts_count(cuts); i++) {
        const eegpu_record *a = eegpu_result_record(left, i), *b = eegpu_result_record(right, i);
        compare_entropies(a, b, EEGPU_METHOD_GRAM, name);
        EXPECT(a->reduced_rows == b->reduced_rows && a->reduced_cols == b->reduced_cols && a->blocks == b->blocks,
               "%s, cut %zu: %llu x %llu in %llu blocks as labels, %llu x %llu in %llu as images", name, i,
               (unsigned long long)a->reduced_rows, (unsigned long long)a->reduced_cols, (unsigned long long)a->blocks,
               (unsigned long long)b->reduced_rows, (unsigned long long)b->reduced_cols, (unsigned long long)b->blocks);
    }
    eegpu_result_free(left);
    eegpu_result_free(right);
}

static void test_image_sets(void)
{
    static const struct {
        const char *text;
        int height, width;
    } sets[] = {{"palindrome", 3, 4}, {"dicke:k=2", 3, 4}, {"hardsquare", 3, 4}, {"loops", 3, 3},
                {"runs", 2, 4},       {"dyck", 2, 5},      {"ghz", 3, 3},        {"randomset:density=0.1,seed=5", 3, 3},
                {"w", 1, 9},          {"connected", 2, 4}, {"primes", 1, 8}};
    for (size_t k = 0; k < COUNT(sets); k++) {
        eegpu_cuts *cuts = cuts_and_complements(sets[k].height, sets[k].width, IS_SANITIZED ? 10 : 30, 5);
        eegpu_state *labels = open_source(sets[k].text, sets[k].height, sets[k].width);
        eegpu_state *set = open_as_images(labels, 1, "set"), *count = open_as_images(labels, 3, "count");
        for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
            compare_on_off(set, cuts, method, sets[k].text);
            compare_on_off(count, cuts, method, sets[k].text);
        }
        compare_kinds(labels, set, cuts, sets[k].text);
        eegpu_state_close(labels);
        eegpu_state_close(set);
        eegpu_state_close(count);
        eegpu_cuts_free(cuts);
    }
}

/* ---- Known numbers ------------------------------------------------------------------------------------------------- */

typedef struct known {
    const char *source;
    int height, width, prefix;
    uint64_t rows, columns, rank; /* 0: not said */
} known;

static const known knowns[] = {
    {"connected", 4, 5, 10, 51, 51, 0}, {"connected", 6, 5, 15, 52, 52, 0}, /* 2^30 images */
    {"primes", 1, 10, 5, 0, 0, 17},     {"primes", 1, 12, 6, 0, 0, 33},
    {"primes", 1, 14, 7, 0, 0, 65},     {"primes", 1, 16, 8, 0, 0, 129},
    {"primes", 4, 5, 10, 0, 0, 513},    {"majority", 4, 5, 10, 10, 10, 0}, /* 1 to 10 lit pixels */
    {"ghz", 4, 5, 10, 2, 2, 2},         {"palindrome", 1, 16, 8, 256, 256, 256},
};

static void test_known_sizes(void)
{
    for (size_t k = 0; k < COUNT(knowns); k++) {
        const known *row = &knowns[k];
        uint64_t mask = eg_low_mask(row->prefix);
        if (IS_SANITIZED && row->height * row->width > 20)
            continue;
        eegpu_state *state = open_source(row->source, row->height, row->width);
        eegpu_cuts *cuts = mask_cuts(row->height, row->width, &mask, 1);
        eegpu_scan_options options = options_with(EEGPU_METHOD_AUTO, false);
        eegpu_result *result = scan(state, cuts, &options);
        const eegpu_record *record = result != NULL ? eegpu_result_record(result, 0) : NULL;
        if (record != NULL) {
            EXPECT(row->rows == 0 || (record->reduced_rows == row->rows && record->reduced_cols == row->columns),
                   "%s %dx%d: reduced to %llu x %llu", row->source, row->height, row->width,
                   (unsigned long long)record->reduced_rows, (unsigned long long)record->reduced_cols);
            EXPECT(row->rank == 0 || (record->rank == row->rank && record->rank_exact && record->rank_doubt < 0x1p-40),
                   "%s %dx%d: rank %llu, doubt %g", row->source, row->height, row->width, (unsigned long long)record->rank,
                   record->rank_doubt);
        }
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

/* ---- Large multiplicities ------------------------------------------------------------------------------------------ */

/* (1 1; 0 1) with weights of rows and columns as 40 pixels can have them, by both routes, against the roots of a quadratic. */
static void check_weights(uint64_t r0, uint64_t r1, uint64_t c0, uint64_t c1)
{
    const uint64_t bits[2] = {3, 2}, row_weight[2] = {r0, r1}, column_weight[2] = {c0, c1};
    uint64_t ones = r0 * c0 + r0 * c1 + r1 * c1, blocks = 0;
    eg_budget budget = {0};
    long double determinant = (long double)r0 * (long double)r1 * (long double)c0 * (long double)c1 / ones / ones;
    long double large = (1 + sqrtl(1 - 4 * determinant)) / 2, small = determinant / large;
    for (eg_route route = EG_ROUTE_GRAM; route <= EG_ROUTE_SVD; route++) {
        eg_spectrum spectrum;
        eg_device cpu = {.backend = &eg_backend_cpu, .budget = &budget};
        eg_lane lane = {&cpu, 1};
        eg_bit_matrix matrix = {.rows = 2, .columns = 2, .words = 1, .budget = &budget};
        CHECK_OK(eg_allocate(&budget, 2, sizeof *bits, "bits", &matrix.bits));
        CHECK_OK(eg_allocate(&budget, 2, sizeof *bits, "weights", &matrix.row_weight));
        CHECK_OK(eg_allocate(&budget, 2, sizeof *bits, "weights", &matrix.column_weight));
        memcpy(matrix.bits, bits, sizeof bits);
        memcpy(matrix.row_weight, row_weight, sizeof row_weight);
        memcpy(matrix.column_weight, column_weight, sizeof column_weight);
        eg_spectrum_begin(&budget, &spectrum);
        if (CHECK_OK(eg_spectrum_add_counts(&lane, route, &matrix, ones, &blocks, &spectrum)) &&
            CHECK_OK(eg_spectrum_solve(&lane, &spectrum)) && CHECK_OK(eg_spectrum_find_rank(&spectrum, ones, 1, true)) &&
            CHECK_OK(eg_spectrum_finish(&spectrum, ones))) {
            CHECK(blocks == 1 && spectrum.count == 2 && spectrum.rank == 2 && spectrum.trace == ones);
            EXPECT(fabsl(spectrum.levels[0].p - large) <= spectrum.levels[0].error &&
                       fabsl(spectrum.levels[1].p - small) <= spectrum.levels[1].error && spectrum.levels[0].error < 1e-13,
                   "rows %llu and %llu times, route %d: %.17g and %.17g, not %.17Lg and %.17Lg", (unsigned long long)r0,
                   (unsigned long long)r1, (int)route, spectrum.levels[0].p, spectrum.levels[1].p, large, small);
        }
        eg_spectrum_free(&lane, &spectrum);
        eg_bit_matrix_free(&matrix);
    }
    CHECK_EQUAL(budget.used, 0);
}

static void test_large_weights(void)
{
    check_weights(1, 1, 1, 1);
    check_weights(3, 5, 7, 11);
    check_weights(UINT64_C(1) << 20, (UINT64_C(1) << 20) - 1, 1 << 19, (1 << 19) + 3);
    check_weights(UINT64_C(1) << 31, (UINT64_C(1) << 31) - 1, 1, 2);
    check_weights(UINT64_C(1) << 32, UINT64_C(1) << 32, 1, 1);
    check_weights((UINT64_C(1) << 37) + 1, (UINT64_C(1) << 36) - 1, 1, 2);
    check_weights((UINT64_C(1) << 37) - 1, 3, 2, 1);
    check_weights(3, (UINT64_C(1) << 38) - 9, 1, 1);
}

EG_SUITE("reductions on and off", {"built-in functions", test_on_off}, {"what is left, purities", test_what_is_left},
         {"image sets", test_image_sets}, {"known sizes and ranks", test_known_sizes}, {"large multiplicities", test_large_weights})
