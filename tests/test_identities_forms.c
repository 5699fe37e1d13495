/* Every way of saying the same function gives the same numbers: scales, 0/1 labels and amplitudes, image sets and dense
 * functions, orders of bits and axes, threads, Gram and SVD, reductions on and off. */
#include "scanning.h"
#include "state/state.h"
#include "temporary.h"

enum { HEIGHT = 2, WIDTH = 5, N = 10, SIZE = 1 << N };

/* The image with index `index` as bits by pixel number. */
static uint64_t reversed(uint64_t index, int pixels)
{
    uint64_t image = 0;
    for (int i = 0; i < pixels; i++)
        image |= (index >> (pixels - 1 - i) & 1) << i;
    return image;
}

/* Contiguous cuts and 40 random regions. */
static eegpu_cuts *test_cuts(int height, int width)
{
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    add_random_cuts(cuts, 40, 51);
    return cuts;
}

static void compare_and_free(eegpu_result *left, eegpu_result *right, const char *what)
{
    same_within_bounds(left, right, what);
    eegpu_result_free(left);
    eegpu_result_free(right);
}

/* Takes the state over. */
static eegpu_result *scan_and_close(eegpu_state *state, const eegpu_cuts *cuts, eegpu_method method, int threads)
{
    eegpu_scan_options options = scan_options(method, threads);
    eegpu_result *result = scan(state, cuts, &options);
    eegpu_state_close(state);
    return result;
}

/* ---- Amplitudes -------------------------------------------------------------------------------------------------- */

static void test_scales(void)
{
    static const double scales[] = {1e-180, 1e180, 1e-290, 1e300, -3, 0x1p-1000};
    eegpu_cuts *cuts = test_cuts(HEIGHT, WIDTH);
    double *f = random_amplitudes(2 * SIZE, 52), *g = malloc(2 * SIZE * sizeof *g);
    for (int is_complex = 0; is_complex < 2; is_complex++)
        for (size_t i = 0; i < COUNT(scales); i++)
            for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
                for (int s = 0; s < 2 * SIZE; s++)
                    g[s] = f[s] * scales[i];
                compare_and_free(scan_and_close(open_amplitudes(f, is_complex, HEIGHT, WIDTH), cuts, method, 1),
                                 scan_and_close(open_amplitudes(g, is_complex, HEIGHT, WIDTH), cuts, method, 1), "scaled");
            }
    eegpu_cuts_free(cuts);
    free(f);
    free(g);
}

/* Amplitudes over the whole range of doubles: squares of the small ones underflow, and must not matter. */
static void test_wide_range(void)
{
    double f[16] = {1e200, 0, 0, 0, 0, 1e200, 0, 0, 0, 0, 1e-200, 0, 0, 0, 0, 1e-150};
    uint64_t half = 3;
    eegpu_cuts *cuts = mask_cuts(1, 4, &half, 1);
    eegpu_result *result = scan_and_close(open_amplitudes(f, false, 1, 4), cuts, EEGPU_METHOD_AUTO, 1);
    if (result != NULL) {
        CHECK_NEAR(eegpu_result_record(result, 0)->s_vn, log(2), 1e-14);
        CHECK_EQUAL(eegpu_result_record(result, 0)->rank, 2);
    }
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
}

static void test_gram_and_svd(void)
{
    static const char *const sources[] = {"random",     "random:kind=complex", "connected", "primes", "ising:beta=1",
                                          "hardsquare", "randomset:seed=4",    "logistic",  "runs",   "loops:rule=pixel"};
    eegpu_cuts *cuts = test_cuts(3, 4);
    for (size_t i = 0; i < COUNT(sources); i++)
        compare_and_free(scan_and_close(open_source(sources[i], 3, 4), cuts, EEGPU_METHOD_GRAM, 1),
                         scan_and_close(open_source(sources[i], 3, 4), cuts, EEGPU_METHOD_SVD, 1), sources[i]);
    eegpu_cuts_free(cuts);
}

static void test_real_as_complex(void)
{
    eegpu_cuts *cuts = test_cuts(HEIGHT, WIDTH);
    double *f = random_amplitudes(SIZE, 53), *g = malloc(2 * SIZE * sizeof *g);
    for (int s = 0; s < SIZE; s++) {
        g[2 * s] = 0.6 * f[s];
        g[2 * s + 1] = -0.8 * f[s];
    }
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++)
        compare_and_free(scan_and_close(open_amplitudes(f, false, HEIGHT, WIDTH), cuts, method, 1),
                         scan_and_close(open_amplitudes(g, true, HEIGHT, WIDTH), cuts, method, 1), "real times a phase");
    eegpu_cuts_free(cuts);
    free(f);
    free(g);
}

static void test_bits_and_amplitudes(void)
{
    eegpu_cuts *cuts = test_cuts(3, 4);
    double *f = malloc((1 << 12) * sizeof *f), *g = malloc((1 << 12) * sizeof *g);
    uint64_t seed = 54;
    for (int s = 0; s < 1 << 12; s++)
        g[s] = 3 * (f[s] = random_word(&seed) % 5 == 0);
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
        eegpu_state *bits = open_amplitudes(f, false, 3, 4), *amplitudes = open_amplitudes(g, false, 3, 4);
        CHECK(strcmp(eegpu_state_describe(bits).kind, "bits") == 0);
        CHECK(strcmp(eegpu_state_describe(amplitudes).kind, "amplitudes") == 0);
        CHECK_NEAR(eegpu_state_describe(amplitudes).norm, 3 * sqrt((double)eegpu_state_describe(bits).ones), 1e-12);
        compare_and_free(scan_and_close(bits, cuts, method, 1), scan_and_close(amplitudes, cuts, method, 1), "0/1 and 0/3");
    }
    eegpu_cuts_free(cuts);
    free(f);
    free(g);
}

/* ---- Image sets -------------------------------------------------------------------------------------------------- */

/* Black and white images, N bytes each, and the function that they say: 1, or the square root of how often. */
static const char *random_images(int count, uint64_t seed, bool frequencies, double *f)
{
    unsigned char *images = calloc((size_t)count, N);
    char shape[64];
    memset(f, 0, SIZE * sizeof *f);
    for (int k = 0; k < count; k++) {
        /* few images seen often, with some structure */
        uint64_t index = random_word(&seed) & random_word(&seed) & (SIZE - 1);
        for (int i = 0; i < N; i++)
            images[k * N + i] = index >> (N - 1 - i) & 1;
        f[index] = frequencies ? f[index] + 1 : 1;
    }
    for (int s = 0; s < SIZE; s++)
        f[s] = sqrt(f[s]);
    snprintf(shape, sizeof shape, "(%d, %d, %d)", count, HEIGHT, WIDTH);
    const char *path = write_npy("|u1", false, shape, images, (size_t)count * N);
    free(images);
    return path;
}

static void compare_images(int count, bool frequencies, const char *what)
{
    double *f = malloc(SIZE * sizeof *f);
    char source[1200];
    eegpu_cuts *cuts = test_cuts(HEIGHT, WIDTH);
    snprintf(source, sizeof source, "images:file=%s,weight=%s", random_images(count, 55 + (uint64_t)count, frequencies, f),
             frequencies ? "count" : "set");
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++)
        for (int no_reduce = 0; no_reduce < 2; no_reduce++) {
            eegpu_state *sparse = open_source(source, HEIGHT, WIDTH), *dense = open_amplitudes(f, false, HEIGHT, WIDTH);
            eegpu_scan_options options = scan_options(method, 1);
            options.no_reduce = no_reduce;
            if (sparse != NULL)
                CHECK(strcmp(eegpu_state_describe(sparse).kind, "images") == 0);
            CHECK_NEAR(eegpu_state_describe(sparse).norm, eegpu_state_describe(dense).norm, 1e-12);
            compare_and_free(scan(sparse, cuts, &options), scan(dense, cuts, &options), what);
            eegpu_state_close(sparse);
            eegpu_state_close(dense);
        }
    eegpu_cuts_free(cuts);
    free(f);
}

static void test_image_sets(void)
{
    static const int counts[] = {1, 2, 3, 10, 60, 300};
    for (size_t i = 0; i < COUNT(counts); i++)
        compare_images(counts[i], false, "image set");
}

static void test_image_frequencies(void)
{
    static const int counts[] = {1, 2, 5, 40, 500, 3000};
    for (size_t i = 0; i < COUNT(counts); i++)
        compare_images(counts[i], true, "image frequencies");
}

/* ---- Order of bits ----------------------------------------------------------------------------------------------- */

static eegpu_result *scan_file(const char *path, eegpu_bit_order order, const eegpu_cuts *cuts)
{
    eegpu_open_options open = lattice_options(HEIGHT, WIDTH);
    eegpu_state *state = NULL;
    open.bit_order = order;
    CHECK_OK(eegpu_state_open(path, &open, &state));
    return scan_and_close(state, cuts, EEGPU_METHOD_AUTO, 1);
}

/* One function, written four ways, is one function, bit by bit. */
static void test_orders_of_bits(void)
{
    const char *axes = "(2, 2, 2, 2, 2, 2, 2, 2, 2, 2)", *flat = "(1024,)";
    eegpu_cuts *cuts = test_cuts(HEIGHT, WIDTH);
    double *f = random_amplitudes(SIZE, 56), *turned = malloc(SIZE * sizeof *turned);
    for (uint64_t s = 0; s < SIZE; s++)
        turned[reversed(s, N)] = f[s];
    eegpu_result *expected = scan_file(write_npy("<f8", false, flat, f, SIZE * sizeof *f), EEGPU_MSB, cuts);
    const struct {
        const char *path;
        eegpu_bit_order order;
    } ways[] = {
        {write_npy("<f8", false, axes, f, SIZE * sizeof *f), EEGPU_MSB},
        {write_npy("<f8", true, axes, turned, SIZE * sizeof *f), EEGPU_MSB},
        {write_npy("<f8", false, flat, turned, SIZE * sizeof *f), EEGPU_LSB},
        {write_npy("<f8", false, axes, turned, SIZE * sizeof *f), EEGPU_LSB},
        {write_npy("<f8", true, axes, f, SIZE * sizeof *f), EEGPU_LSB},
    };
    for (size_t i = 0; i < COUNT(ways); i++) {
        eegpu_result *result = scan_file(ways[i].path, ways[i].order, cuts);
        EXPECT(same_results(expected, result), "way %zu of writing the amplitudes gives other bits", i);
        eegpu_result_free(result);
    }
    eegpu_result *other = scan_file(ways[0].path, EEGPU_LSB, cuts); /* another function, on purpose */
    CHECK(!same_results(expected, other));
    eegpu_result_free(other);
    eegpu_result_free(expected);
    eegpu_cuts_free(cuts);
    free(f);
    free(turned);
}

/* The entropies of f, bits reversed, on mirrored regions. */
static void test_mirrored_regions(void)
{
    double *f = random_amplitudes(2 * SIZE, 57);
    eegpu_open_options open = lattice_options(HEIGHT, WIDTH);
    eegpu_state *msb = open_amplitudes(f, true, HEIGHT, WIDTH), *lsb = NULL;
    uint64_t seed = 58;
    open.bit_order = EEGPU_LSB;
    CHECK_OK(eegpu_state_from_amplitudes(f, true, &open, &lsb));
    for (int round = 0; round < 40; round++) {
        uint64_t mask = random_mask(N, &seed);
        double error = 0, a = entropy_of(msb, HEIGHT, WIDTH, mask, EEGPU_METHOD_AUTO, &error);
        double b = entropy_of(lsb, HEIGHT, WIDTH, reversed(mask, N), EEGPU_METHOD_AUTO, &error);
        CHECK_NEAR(a, b, error);
    }
    eegpu_state_close(msb);
    eegpu_state_close(lsb);
    free(f);
}

/* ---- Threads and repetition -------------------------------------------------------------------------------------- */

static void test_threads_and_repetition(void)
{
    static const struct {
        const char *source;
        int height, width;
    } cases[] = {{"random", 3, 4}, {"random:kind=complex", 3, 4}, {"connected", 3, 4}, {"random", 1, 17}, {"ising:beta=0.4", 4, 4}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        int height = cases[i].height, width = cases[i].width;
        eegpu_cuts *cuts = family_cuts(height, width, height == 1 ? "prefix" : "contiguous");
        for (eegpu_method method = EEGPU_METHOD_GRAM; method <= (height * width > 12 ? EEGPU_METHOD_GRAM : EEGPU_METHOD_SVD);
             method++) {
            eegpu_result *scans[4] = {NULL};
            for (int k = 0; k < 4; k++)
                scans[k] = scan_and_close(open_source(cases[i].source, height, width), cuts, method, 1 + k / 2);
            EXPECT(same_results(scans[0], scans[1]), "%s: one thread, two scans, other bits", cases[i].source);
            EXPECT(same_results(scans[2], scans[3]), "%s: two threads, two scans, other bits", cases[i].source);
            compare_and_free(scans[0], scans[2], "one and two threads");
            eegpu_result_free(scans[1]);
            eegpu_result_free(scans[3]);
        }
        eegpu_cuts_free(cuts);
    }
}

EG_SUITE("one function in many forms", {"scales", test_scales}, {"the whole range of doubles", test_wide_range},
         {"Gram and SVD", test_gram_and_svd}, {"real and complex", test_real_as_complex}, {"0/1 and 0/3", test_bits_and_amplitudes},
         {"image sets and dense labels", test_image_sets}, {"image frequencies and dense roots", test_image_frequencies},
         {"orders of bits and axes", test_orders_of_bits}, {"mirrored regions", test_mirrored_regions},
         {"threads and repetition", test_threads_and_repetition})
