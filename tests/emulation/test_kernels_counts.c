/* The kernels of integer Gram matrices, popcount.cu, expand.cu and weigh.cu, against plain loops; every comparison is of bits.
 * The same source runs on the emulated device and, as test_gpu_kernels_counts, on a GPU; without either it is Skipped. The
 * products of cuBLAS between them are in ../test_emulated_counts.c. */
#include "device_arrays.h"
#include "kernels.h"

enum { GUARD = 5, PANEL = EG_KERNEL_PANEL_ROWS };

static const uint64_t untouched = UINT64_C(0xdeadbeefdeadbeef);

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed ^ *seed >> 31;
}

static uint64_t *random_words(uint64_t count, uint64_t seed)
{
    uint64_t *words = malloc((count + 1) * sizeof *words);
    for (uint64_t i = 0; words != NULL && i < count; i++)
        words[i] = next_random(&seed) & (i % 5 == 0 ? UINT64_MAX : next_random(&seed) | next_random(&seed) << 32);
    return words;
}

/* The array's bytes to `host`; the array is freed. */
static void from_device(void *host, void *device, size_t bytes)
{
    MUST(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost));
    MUST(cudaFree(device));
}

static uint64_t *guarded(uint64_t count)
{
    uint64_t *values = malloc((count + GUARD) * sizeof *values);
    for (uint64_t i = 0; values != NULL && i < count + GUARD; i++)
        values[i] = untouched;
    return values;
}

static uint64_t packed_word(const uint64_t *packed, uint64_t panel_words, uint64_t row, uint64_t word)
{
    return packed[(row / PANEL * panel_words + word) * PANEL + row % PANEL];
}

/* Rows past the last are zero, words before and behind those counted are not. */
static uint64_t *random_panels(uint64_t rows, uint64_t panel_words, bool is_full, uint64_t *size)
{
    *size = (rows + PANEL - 1) / PANEL * PANEL * panel_words;
    uint64_t *packed = random_words(*size, rows * 1000 + panel_words);
    for (uint64_t at = 0; at < *size; at++)
        if (at / (PANEL * panel_words) * PANEL + at % PANEL >= rows)
            packed[at] = 0;
        else if (is_full)
            packed[at] = UINT64_MAX;
    return packed;
}

/* ---- popcount.cu ---- */

static void check_pairs(uint64_t rows, uint64_t words, bool is_full)
{
    uint64_t size = 0, first = 2, panel_words = words + 3, factor = UINT64_C(0x1234567) << rows % 30, cells = rows * rows + GUARD;
    uint64_t *packed = random_panels(rows, panel_words, is_full, &size), *expected = random_words(cells, rows + words);
    uint64_t *gram = malloc(cells * sizeof *gram);
    memcpy(gram, expected, cells * sizeof *gram);
    for (uint64_t j = 0; j < rows; j++)
        for (uint64_t i = j; i < rows; i++)
            for (uint64_t w = first; w < first + words; w++)
                expected[j * rows + i] += factor * (uint64_t)__builtin_popcountll(packed_word(packed, panel_words, i, w) &
                                                                                  packed_word(packed, panel_words, j, w));
    uint64_t *panels = on_device(packed, size * sizeof *packed), *counts = on_device(gram, cells * sizeof *gram);
    MUST(eg_launch_count_pairs(rows, panel_words, first, words, panels, factor, counts, NULL));
    from_device(gram, counts, cells * sizeof *gram);
    from_device(packed, panels, size * sizeof *packed);
    CHECK(memcmp(gram, expected, cells * sizeof *gram) == 0);
    free(packed);
    free(expected);
    free(gram);
}

static void test_pairs(void)
{
    static const uint64_t rows[] = {1, 2, 15, 16, 17, 63, 64, 65, 130}, words[] = {1, 16, 17, 40};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            check_pairs(rows[r], words[w], (r + w) % 4 == 3);
}

static void test_many_tiles(void) { check_pairs(500, 2, false); }

/* Several slices, the last one short; and the fullest counters. */
static void test_long_rows(void)
{
    check_pairs(3, 511, true);
    check_pairs(3, 513, true);
    check_pairs(20, 2600, false);
}

/* ---- expand.cu ---- */

static void check_expand(uint64_t rows, uint64_t words)
{
    uint64_t size = 0, first = 1, panel_words = words + 2, numbers = rows * words * 64;
    uint64_t *packed = random_panels(rows, panel_words, false, &size), *panels = on_device(packed, size * sizeof *packed);
    uint64_t *bytes = guarded(numbers / 8), *halves = guarded(numbers / 4);
    void *to_bytes = on_device(bytes, numbers + 8 * GUARD), *to_halves = on_device(halves, 2 * numbers + 8 * GUARD);
    MUST(eg_launch_expand_bytes(rows, panel_words, first, words, panels, to_bytes, NULL));
    MUST(eg_launch_expand_halves(rows, panel_words, first, words, panels, to_halves, NULL));
    from_device(bytes, to_bytes, numbers + 8 * GUARD);
    from_device(halves, to_halves, 2 * numbers + 8 * GUARD);
    from_device(packed, panels, size * sizeof *packed);
    uint64_t wrong = 0;
    for (uint64_t n = 0; n < numbers; n++) {
        uint64_t c = n % (64 * words), bit = packed_word(packed, panel_words, n / (64 * words), first + c / 64) >> c % 64 & 1;
        int8_t byte;
        uint16_t half;
        memcpy(&byte, (char *)bytes + n, sizeof byte);
        memcpy(&half, (char *)halves + 2 * n, sizeof half);
        wrong += byte != (int8_t)bit || half != (bit ? 0x3c00 : 0);
    }
    for (uint64_t g = 0; g < GUARD; g++)
        wrong += bytes[numbers / 8 + g] != untouched || halves[numbers / 4 + g] != untouched;
    CHECK_EQUAL(wrong, 0);
    free(packed);
    free(bytes);
    free(halves);
}

static void test_expand(void)
{
    static const uint64_t rows[] = {1, 16, 17, 40}, words[] = {1, 15, 16, 17, 33};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            check_expand(rows[r], words[w]);
}

static void check_add(uint64_t n, uint64_t stride)
{
    uint64_t cells = n * n, products = stride * n, factor = UINT64_C(0x9876543210fedc), *gram = random_words(cells, n),
             *expected = random_words(cells, n);
    uint64_t seed = 3 * n;
    int32_t *integers = malloc(products * sizeof *integers);
    float *floats = malloc(products * sizeof *floats);
    for (uint64_t at = 0; at < products; at++) {
        integers[at] = at % 7 == 0 ? INT32_MAX : (int32_t)(next_random(&seed) >> 33);
        floats[at] = at % 5 == 0 ? 16777216.0f : (float)(next_random(&seed) >> 40);
    }
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = j; i < n; i++)
            expected[j * n + i] += factor * (uint64_t)integers[j * stride + i] + (factor + 2) * (uint64_t)floats[j * stride + i];
    uint64_t *sum = on_device(gram, cells * sizeof *gram);
    void *from_integers = on_device(integers, products * sizeof *integers),
         *from_floats = on_device(floats, products * sizeof *floats);
    MUST(eg_launch_add_integers(n, from_integers, stride, factor, sum, NULL));
    MUST(eg_launch_add_floats(n, from_floats, stride, factor + 2, sum, NULL));
    from_device(gram, sum, cells * sizeof *gram);
    from_device(integers, from_integers, products * sizeof *integers);
    from_device(floats, from_floats, products * sizeof *floats);
    CHECK(memcmp(gram, expected, cells * sizeof *gram) == 0);
    free(gram);
    free(expected);
    free(integers);
    free(floats);
}

static void test_add(void)
{
    static const uint64_t sizes[] = {1, 2, 255, 256, 257, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        check_add(sizes[s], sizes[s] + s % 3 * 16);
}

/* ---- weigh.cu ---- */

/* Products of these lie on ties, just beside them, in 64 bits and far above. */
static const uint64_t awkward[] = {1,
                                   3,
                                   UINT64_C(1) << 32,
                                   UINT64_MAX,
                                   UINT64_C(1) << 63,
                                   (UINT64_C(1) << 63) - 1,
                                   (UINT64_C(1) << 63) + 1,
                                   (UINT64_C(1) << 53) + 1,
                                   (UINT64_C(1) << 53) + 3,
                                   (UINT64_C(1) << 54) + 2,
                                   (UINT64_C(1) << 54) + 6,
                                   (UINT64_C(1) << 27) + 1,
                                   UINT64_C(0xfffffffffffff800),
                                   UINT64_C(0xfffffffffffffc00),
                                   UINT64_C(1) << 40};

static void expect_weighed(uint64_t n, bool all_ones, const uint64_t *weight, uint64_t *counts, unsigned __int128 *sums)
{
    memset(sums, 0, 3 * sizeof *sums);
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = j; i < n; i++) {
            uint64_t k = counts[j * n + i];
            unsigned __int128 both = (unsigned __int128)weight[i] * weight[j], times = i == j ? 1 : 2;
            double value = all_ones ? (double)k : i == j ? (double)k * (double)weight[i] : (double)k * sqrt((double)both);
            sums[0] += i == j ? (unsigned __int128)k * weight[i] : 0;
            sums[1] += times * both * k * k;
            sums[2] += times * both * k;
            memcpy(&counts[j * n + i], &value, sizeof value);
        }
}

/* Counts and weights of `bits` bits; 64: of any kind. */
static void check_weigh(uint64_t n, bool all_ones, int bits)
{
    uint64_t cells = n * n, sums[EG_WEIGH_WORDS], seed = n + (uint64_t)bits;
    uint64_t *counts = random_words(cells, n), *expected = malloc(cells * sizeof *expected), *weight = random_words(n, n + 1);
    unsigned __int128 expected_sums[3];
    for (uint64_t at = 0; at < cells; at++)
        counts[at] = bits == 64 && at % 3 == 0 ? UINT64_MAX - at : counts[at] >> (64 - bits);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t odd = awkward[next_random(&seed) % (sizeof awkward / sizeof *awkward)];
        weight[i] = all_ones ? 1 : bits == 64 ? (i % 4 == 3 ? weight[i] : odd) : (weight[i] >> (64 - bits)) + 1;
    }
    memcpy(expected, counts, cells * sizeof *counts);
    expect_weighed(n, all_ones, weight, expected, expected_sums);
    memset(sums, 0xa5, sizeof sums);
    uint64_t *to_counts = on_device(counts, cells * sizeof *counts), *to_weight = on_device(weight, n * sizeof *weight);
    uint64_t *to_sums = on_device(sums, sizeof sums);
    MUST(eg_launch_weigh(n, all_ones, to_weight, to_counts, to_sums, NULL));
    from_device(counts, to_counts, cells * sizeof *counts);
    from_device(weight, to_weight, n * sizeof *weight);
    from_device(sums, to_sums, sizeof sums);
    CHECK(memcmp(counts, expected, cells * sizeof *counts) == 0);
    CHECK(memcmp(sums, expected_sums, sizeof expected_sums) == 0);
    free(counts);
    free(expected);
    free(weight);
}

static void test_weigh(void)
{
    static const uint64_t sizes[] = {1, 2, 17, 64, 257};
    static const int bits[] = {1, 20, 33, 63, 64};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t b = 0; b < sizeof bits / sizeof *bits; b++)
            check_weigh(sizes[s], b % 2 == 0 && s % 3 == 0, bits[b]);
    check_weigh(64, false, 64);
}

/* More columns than blocks: a block takes several. */
static void test_weigh_many(void) { check_weigh(1100, false, 64); }

EG_DEVICE_SUITE("kernels: integer Gram matrices", {"common bits of pairs: sizes around tiles, any first word", test_pairs},
                {"common bits of pairs: many tiles", test_many_tiles},
                {"common bits of pairs: several slices of words, full counters", test_long_rows},
                {"bits become bytes and halves", test_expand}, {"integers and floats are added in 64 bits", test_add},
                {"weighing: bits of the doubles, sums modulo 2^128", test_weigh},
                {"weighing: more columns than blocks", test_weigh_many})
