/* Laws that hold for every function: S(A) = S(B), order of the Renyi entropies, invariances, additivity, strong subadditivity,
 * the bound by distinct rows; and that every way of saying the same function gives the same numbers: scales, labels, image sets,
 * orders of bits, threads, Gram and SVD. Schmidt vectors rebuild the matrix. On random real and complex functions. */
#include "scanning.h"

/* ---- Two scans side by side -------------------------------------------------------------------------------------- */

/* Contiguous cuts and 40 random regions. */
static eegpu_cuts *test_cuts(int height, int width)
{
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    add_random_cuts(cuts, 40, 31);
    return cuts;
}

static eegpu_result *scan_state(const eegpu_state *state, const eegpu_cuts *cuts, eegpu_method method)
{
    eegpu_scan_options options = scan_options(method, 1);
    return scan(state, cuts, &options);
}

static eegpu_result *scan_amplitudes(const double *psi, bool is_complex, const eegpu_cuts *cuts, eegpu_method method)
{
    eegpu_state *state = open_amplitudes(psi, is_complex, cuts->height, cuts->width);
    eegpu_result *result = scan_state(state, cuts, method);
    eegpu_state_close(state);
    return result;
}

/* The functions f and g, on the same cuts, have the same spectra. */
static void same_spectra(const double *f, bool f_complex, const double *g, bool g_complex, const eegpu_cuts *cuts, const char *what)
{
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
        eegpu_result *left = scan_amplitudes(f, f_complex, cuts, method), *right = scan_amplitudes(g, g_complex, cuts, method);
        same_within_bounds(left, right, what);
        eegpu_result_free(left);
        eegpu_result_free(right);
    }
}

enum { HEIGHT = 2, WIDTH = 5, N = 10, SIZE = 1 << N };

static int bit_of(int pixel) { return N - 1 - pixel; }

/* The image with index `index` as bits by pixel number. */
static uint64_t pixels_of(uint64_t index, int pixels)
{
    uint64_t image = 0;
    for (int i = 0; i < pixels; i++)
        image |= (index >> (pixels - 1 - i) & 1) << i;
    return image;
}

/* ---- Laws of one function ---------------------------------------------------------------------------------------- */

static void test_both_sides(void)
{
    for (int is_complex = 0; is_complex < 2; is_complex++)
        for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
            double *f = random_amplitudes(2 * SIZE, 41);
            eegpu_state *state = open_amplitudes(f, is_complex, HEIGHT, WIDTH);
            uint64_t seed = 42;
            for (int round = 0; round < 30; round++) {
                uint64_t mask = random_mask(N, &seed);
                double error = 0, a = entropy_of(state, HEIGHT, WIDTH, mask, method, &error);
                double b = entropy_of(state, HEIGHT, WIDTH, eg_low_mask(N) & ~mask, method, &error);
                EXPECT(fabs(a - b) <= error && error < 1e-9, "region %#llx: %.17g, complement %.17g +- %g",
                       (unsigned long long)mask, a, b, error);
            }
            eegpu_state_close(state);
            free(f);
        }
}

static void test_order_of_renyi(void)
{
    static const char *const sources[] = {"connected", "runs", "primes", "random", "random:kind=complex", "ising:beta=0.7"};
    eegpu_cuts *cuts = test_cuts(3, 3);
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 3, 3);
        eegpu_scan_options options = scan_options(EEGPU_METHOD_SVD, 1);
        static const double orders[] = {0, 0.25, 0.5, 0.999, 1, 1.001, 2, 7, INFINITY};
        options.renyi_count = COUNT(orders);
        memcpy(options.renyi, orders, sizeof orders);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < eegpu_result_count(result); k++) {
            const eegpu_record *record = eegpu_result_record(result, k);
            for (size_t j = 1; j < COUNT(orders); j++)
                EXPECT(record->renyi[j - 1] >= record->renyi[j] - record->renyi_error[j] - (j > 1 ? record->renyi_error[j - 1] : 0),
                       "%s, cut %zu: S_%g = %.17g < S_%g = %.17g", sources[i], k, orders[j - 1], record->renyi[j - 1], orders[j],
                       record->renyi[j]);
            CHECK(record->renyi[4] == record->s_vn && record->renyi_error[4] == record->error);
            CHECK_NEAR(record->renyi[6], -log(record->purity), 1e-12);
            CHECK_NEAR(record->renyi[8], -log(record->p_max), 1e-12);
            CHECK_NEAR(record->renyi[0], log((double)record->rank), 1e-12);
            CHECK(record->spectrum[0] == record->p_max);
        }
        eegpu_result_free(result);
        eegpu_state_close(state);
    }
    eegpu_cuts_free(cuts);
}

static void test_invariances(void)
{
    eegpu_cuts *cuts = test_cuts(HEIGHT, WIDTH);
    double *f = random_amplitudes(2 * SIZE, 43), *g = calloc(2 * SIZE, sizeof *g);
    for (int part = 0; part < 2; part++) {
        uint64_t flip = part == 0 ? UINT64_C(1) << bit_of(3) : UINT64_C(0x2a5);
        for (uint64_t s = 0; s < SIZE; s++)
            memcpy(g + 2 * s, f + 2 * (s ^ flip), 2 * sizeof *g);
        same_spectra(f, true, g, true, cuts, "flipped pixels");
        for (uint64_t s = 0; s < SIZE; s++)
            g[s] = f[s ^ flip];
        same_spectra(f, false, g, false, cuts, "flipped pixels, real");
    }
    eegpu_cuts_free(cuts);
    /* pixels 1, 4, 7 change places within A, 0 and 9 within B */
    uint64_t mask = 1 << 1 | 1 << 4 | 1 << 7 | 1 << 8;
    int place[N] = {9, 4, 2, 3, 7, 5, 6, 1, 8, 0};
    cuts = mask_cuts(HEIGHT, WIDTH, &mask, 1);
    for (uint64_t s = 0; s < SIZE; s++) {
        uint64_t moved = 0;
        for (int i = 0; i < N; i++)
            moved |= (s >> bit_of(i) & 1) << bit_of(place[i]);
        memcpy(g + 2 * moved, f + 2 * s, 2 * sizeof *g);
    }
    same_spectra(f, true, g, true, cuts, "permuted pixels");
    /* a phase of every image of A, and of every image of B */
    for (uint64_t s = 0; s < SIZE; s++) {
        uint64_t image = pixels_of(s, N), seed = image & mask, other = ~image & ~mask & eg_low_mask(N);
        double angle = 3 * random_real(&seed) + 7 * random_real(&other);
        g[2 * s] = f[s] * cos(angle);
        g[2 * s + 1] = f[s] * sin(angle);
    }
    same_spectra(f, false, g, true, cuts, "phases");
    eegpu_cuts_free(cuts);
    free(f);
    free(g);
}

static void test_additivity(void)
{
    double *f = random_amplitudes(2 << 5, 44), *g = random_amplitudes(2 << 6, 45), *both = malloc((2 << 11) * sizeof *both);
    for (int s = 0; s < 1 << 5; s++)
        for (int t = 0; t < 1 << 6; t++) {
            both[2 * (s << 6 | t)] = f[2 * s] * g[2 * t] - f[2 * s + 1] * g[2 * t + 1];
            both[2 * (s << 6 | t) + 1] = f[2 * s] * g[2 * t + 1] + f[2 * s + 1] * g[2 * t];
        }
    eegpu_state *first = open_amplitudes(f, true, 1, 5), *second = open_amplitudes(g, true, 1, 6);
    eegpu_state *product = open_amplitudes(both, true, 1, 11);
    uint64_t seed = 46;
    for (int round = 0; round < 40; round++) {
        uint64_t a = random_mask(5, &seed), b = random_mask(6, &seed);
        double error = 0,
               sum = entropy_of(first, 1, 5, a, EEGPU_METHOD_AUTO, &error) + entropy_of(second, 1, 6, b, EEGPU_METHOD_AUTO, &error);
        double s = entropy_of(product, 1, 11, a | b << 5, EEGPU_METHOD_AUTO, &error);
        CHECK_NEAR(s, sum, fmin(error, 1e-11));
        error = 0;
        s = entropy_of(product, 1, 11, a, EEGPU_METHOD_AUTO, &error);
        sum = entropy_of(first, 1, 5, a, EEGPU_METHOD_AUTO, &error);
        CHECK_NEAR(s, sum, fmin(error, 1e-11));
    }
    eegpu_state_close(first);
    eegpu_state_close(second);
    eegpu_state_close(product);
    free(f);
    free(g);
    free(both);
}

static void test_strong_subadditivity(void)
{
    static const char *const sources[] = {"random", "connected", "hardsquare", "ising:beta=0.4", "w"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], HEIGHT, WIDTH);
        uint64_t seed = 47;
        for (int round = 0; round < 20; round++) {
            uint64_t part[4] = {0}; /* A, B, C and the rest, none empty */
            for (int pixel = 0; pixel < N; pixel++)
                part[pixel < 4 ? pixel : (int)(random_word(&seed) % 4)] |= UINT64_C(1) << (pixel * 7 % N);
            double error = 0, ab = entropy_of(state, HEIGHT, WIDTH, part[0] | part[1], EEGPU_METHOD_AUTO, &error);
            double bc = entropy_of(state, HEIGHT, WIDTH, part[1] | part[2], EEGPU_METHOD_AUTO, &error);
            double b = entropy_of(state, HEIGHT, WIDTH, part[1], EEGPU_METHOD_AUTO, &error);
            double abc = entropy_of(state, HEIGHT, WIDTH, part[0] | part[1] | part[2], EEGPU_METHOD_AUTO, &error);
            EXPECT(ab + bc >= b + abc - error, "%s: %g + %g < %g + %g", sources[i], ab, bc, b, abc);
            double a = entropy_of(state, HEIGHT, WIDTH, part[0], EEGPU_METHOD_AUTO, &error);
            EXPECT(ab <= a + b + error, "%s: subadditivity: %g > %g + %g", sources[i], ab, a, b);
        }
        eegpu_state_close(state);
    }
}

/* Distinct rows, other than 0, of the matrix whose rows are the images of `mask`. */
static size_t distinct_rows(const double *f, uint64_t mask)
{
    int n_a = eg_popcount(mask), n_b = N - n_a;
    size_t distinct = 0;
    for (uint64_t r = 0; r < UINT64_C(1) << n_a; r++) {
        bool seen = true;
        for (uint64_t c = 0; c < UINT64_C(1) << n_b && seen; c++)
            seen = f[eg_deposit(r, mask) | eg_deposit(c, eg_low_mask(N) & ~mask)] == 0;
        for (uint64_t other = 0; other < r && !seen; other++) {
            seen = true;
            for (uint64_t c = 0; c < UINT64_C(1) << n_b && seen; c++) {
                uint64_t column = eg_deposit(c, eg_low_mask(N) & ~mask);
                seen = f[eg_deposit(r, mask) | column] == f[eg_deposit(other, mask) | column];
            }
        }
        distinct += !seen;
    }
    return distinct;
}

/* Index bits serve as pixels here: the order of bits is LSB. */
static void test_distinct_rows(void)
{
    double *f = malloc(SIZE * sizeof *f);
    for (int kind = 0; kind < 3; kind++) {
        uint64_t seed = 48 + (uint64_t)kind;
        for (uint64_t s = 0; s < SIZE; s++)
            f[s] = kind == 0   ? (double)(random_word(&seed) % 8 == 0)
                   : kind == 1 ? (double)((s % 7 + s / 7 % 3) % 4)
                               : (double)(eg_popcount(s & 0x133) * eg_popcount(s & 0x2cc) % 3);
        eegpu_open_options open = lattice_options(HEIGHT, WIDTH);
        open.bit_order = EEGPU_LSB;
        eegpu_state *state = NULL;
        CHECK_OK(eegpu_state_from_amplitudes(f, false, &open, &state));
        for (int round = 0; round < 25; round++) {
            uint64_t mask = random_mask(N, &seed);
            size_t rows = distinct_rows(f, mask), columns = distinct_rows(f, eg_low_mask(N) & ~mask);
            double error = 0, s = entropy_of(state, HEIGHT, WIDTH, mask, EEGPU_METHOD_AUTO, &error);
            CHECK(s <= log((double)(rows < columns ? rows : columns)) + error);
            eegpu_cuts *cuts = mask_cuts(HEIGHT, WIDTH, &mask, 1);
            eegpu_result *result = scan_state(state, cuts, EEGPU_METHOD_SVD);
            if (result != NULL)
                CHECK(eegpu_result_record(result, 0)->rank <= (rows < columns ? rows : columns));
            eegpu_result_free(result);
            eegpu_cuts_free(cuts);
        }
        eegpu_state_close(state);
    }
    free(f);
}

EG_SUITE("laws of entanglement entropy", {"S(A) = S(B)", test_both_sides}, {"order of the Renyi entropies", test_order_of_renyi},
         {"flips, permutations, phases", test_invariances}, {"additivity of f x g", test_additivity},
         {"strong subadditivity", test_strong_subadditivity}, {"distinct rows bound the rank", test_distinct_rows})
