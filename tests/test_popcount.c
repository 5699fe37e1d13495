/* Integer Gram matrices of packed 0/1 matrices: every kernel that this CPU can run, on many shapes, weights and thread numbers,
 * against a loop over single bits. Equality is exact. */
#include "backend/popcount.h"

#include "base/bits.h"
#include "check.h"

enum { MOST_ROWS = 500, GUARD = 3 };

static const uint64_t untouched = UINT64_C(0xdeadbeefdeadbeef);

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed ^ *seed >> 31;
}

static uint64_t *random_words(uint64_t count, uint64_t *seed)
{
    uint64_t *words = malloc((count + 1) * sizeof *words);
    for (uint64_t i = 0; words != NULL && i < count; i++)
        words[i] = next_random(seed) & (i % 5 == 0 ? UINT64_MAX : next_random(seed) | next_random(seed) << 32);
    return words;
}

static uint64_t naive(const uint64_t *a, const uint64_t *b, uint64_t columns, const uint64_t *weight)
{
    uint64_t sum = 0;
    for (uint64_t c = 0; c < columns; c++)
        if (eg_bit(a, c) && eg_bit(b, c))
            sum += weight ? weight[c] : 1;
    return sum;
}

/* All kernels on one matrix; the words past the last column hold random bits, too. */
static void check_gram(uint64_t rows, uint64_t columns, const uint64_t *weight, int threads)
{
    static uint64_t gram[MOST_ROWS * MOST_ROWS + GUARD], expected[MOST_ROWS * MOST_ROWS + GUARD];
    uint64_t words = eg_ceil_div(columns, 64), seed = 1000 * rows + columns, size = rows * rows + GUARD;
    uint64_t *bits = random_words(rows * words, &seed);
    size_t count = 0;
    const eg_popcount_kernel *kernels = eg_popcount_kernels(&count);
    for (uint64_t i = 0; i < size; i++)
        expected[i] = untouched;
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t j = i; j < rows; j++)
            expected[i * rows + j] = naive(bits + i * words, bits + j * words, columns, weight);
    for (size_t k = 0; k < count; k++) {
        eg_budget budget = {.limit = 0};
        if (!kernels[k].is_supported())
            continue;
        for (uint64_t i = 0; i < size; i++)
            gram[i] = untouched;
        CHECK_OK(eg_gram_bits_with(&kernels[k], &budget, rows, columns, bits, weight, gram, threads));
        bool same = memcmp(gram, expected, size * sizeof *gram) == 0;
        if (!same)
            printf("\n    %s: %d rows, %d columns, %d threads\n", kernels[k].name, (int)rows, (int)columns, threads);
        CHECK(same);
        CHECK_EQUAL(budget.used, 0);
    }
    free(bits);
}

static const uint64_t some_rows[] = {1, 2, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 130};
static const uint64_t some_columns[] = {1, 2, 63, 64, 65, 127, 128, 129, 640, 1000};

static void every_shape_is_counted_exactly(void)
{
    for (size_t r = 0; r < sizeof some_rows / sizeof *some_rows; r++)
        for (size_t c = 0; c < sizeof some_columns / sizeof *some_columns; c++)
            check_gram(some_rows[r], some_columns[c], NULL, 1 + (int)((r + c) % 2));
}

/* More words than one run of the blocks, and more than byte counters take. */
static void many_columns_are_counted_exactly(void)
{
    check_gram(20, 32 * 64, NULL, 1);
    check_gram(20, 31 * 64 + 5, NULL, 2);
    check_gram(18, 33000, NULL, 2);
    check_gram(5, 70001, NULL, 1);
}

static void many_blocks_are_counted_exactly(void)
{
    check_gram(MOST_ROWS, 70, NULL, 1);
    check_gram(MOST_ROWS, 70, NULL, 2);
}

static uint64_t weight_one(uint64_t c, uint64_t *seed) { return (void)c, (void)seed, 1; }
static uint64_t weight_equal(uint64_t c, uint64_t *seed) { return (void)c, (void)seed, UINT64_C(1) << 40; }
static uint64_t weight_common_factor(uint64_t c, uint64_t *seed) { return (void)c, 21 * (1 + next_random(seed) % 5); }
static uint64_t weight_small(uint64_t c, uint64_t *seed) { return (void)c, 1 + next_random(seed) % 3; }
static uint64_t weight_power(uint64_t c, uint64_t *seed) { return (void)seed, UINT64_C(1) << c % 41; }
static uint64_t weight_one_heavy(uint64_t c, uint64_t *seed) { return (void)seed, c == 0 ? UINT64_C(1) << 40 : 1; }
static uint64_t weight_any(uint64_t c, uint64_t *seed) { return (void)c, 1 + next_random(seed) % (UINT64_C(1) << 40); }
static uint64_t weight_some_none(uint64_t c, uint64_t *seed) { return (void)c, next_random(seed) % 4 * 6; }
static uint64_t weight_none(uint64_t c, uint64_t *seed) { return (void)c, (void)seed, 0; }

static void every_weighting_is_counted_exactly(void)
{
    static uint64_t (*const weights[])(uint64_t, uint64_t *) = {weight_one,   weight_equal,     weight_common_factor,
                                                                weight_small, weight_power,     weight_one_heavy,
                                                                weight_any,   weight_some_none, weight_none};
    static const uint64_t columns[] = {1, 63, 64, 65, 200, 1000};
    static uint64_t weight[1000];
    for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            uint64_t seed = k;
            for (uint64_t i = 0; i < columns[c]; i++)
                weight[i] = weights[k](i, &seed);
            check_gram(columns[c] == 1000 ? 20 : 65, columns[c], weight, 1 + (int)(c % 2));
            check_gram(3, columns[c], weight, 2);
        }
}

/* All bits set is where narrow counters would overflow. */
static void kernels_count_full_tiles(void)
{
    static const uint64_t lengths[] = {0, 1, 2, 30, 31, 32, 33, 62, 63, 255, 512};
    static uint64_t left[512 * EG_PANEL_ROWS], right[512 * EG_PANEL_ROWS];
    uint64_t counts[EG_TILE_ROWS * EG_PANEL_ROWS];
    size_t count = 0;
    const eg_popcount_kernel *kernels = eg_popcount_kernels(&count);
    memset(left, 0xff, sizeof left);
    memset(right, 0xff, sizeof right);
    for (size_t k = 0; k < count; k++)
        for (size_t l = 0; kernels[k].is_supported() && l < sizeof lengths / sizeof *lengths; l++) {
            bool good = true;
            memset(counts, 0xee, sizeof counts);
            kernels[k].count(lengths[l], left, right, counts);
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                good = good && counts[i] == 64 * lengths[l];
            CHECK(good);
        }
}

static void the_first_supported_kernel_is_chosen(void)
{
    size_t count = 0, first = 0;
    const eg_popcount_kernel *kernels = eg_popcount_kernels(&count);
    CHECK(count >= 1 && kernels[count - 1].is_supported());
    while (!kernels[first].is_supported())
        first++;
    CHECK(eg_popcount_best() == &kernels[first]);
    CHECK(strcmp(eg_popcount_kernel_name(), kernels[first].name) == 0);
    for (size_t k = 0; k < count; k++)
        for (size_t other = 0; other < k; other++)
            CHECK(strcmp(kernels[k].name, kernels[other].name) != 0);
}

static void nothing_is_an_answer_too(void)
{
    uint64_t gram[4] = {untouched, untouched, untouched, untouched};
    CHECK_OK(eg_gram_bits(NULL, 0, 5, NULL, NULL, gram, 2));
    CHECK_EQUAL(gram[0], untouched);
    CHECK_OK(eg_gram_bits(NULL, 2, 0, NULL, NULL, gram, 2));
    CHECK_EQUAL(gram[0], 0);
    CHECK_EQUAL(gram[1], 0);
    CHECK_EQUAL(gram[2], untouched);
    CHECK_EQUAL(gram[3], 0);
}

static void the_memory_limit_is_kept(void)
{
    static uint64_t bits[64 * 16], gram[64 * 64], weight[1024];
    eg_budget budget = {.limit = 4000};
    CHECK_FAILS(eg_gram_bits(&budget, 64, 1024, bits, NULL, gram, 2), EEGPU_OUT_OF_MEMORY, "the packed rows of a 0/1 matrix");
    CHECK_EQUAL(budget.used, 0);
    for (uint64_t c = 0; c < 1024; c++)
        weight[c] = c + 1;
    CHECK_FAILS(eg_gram_bits(&budget, 64, 1024, bits, weight, gram, 2), EEGPU_OUT_OF_MEMORY,
                "the bit planes of column multiplicities");
    CHECK_EQUAL(budget.used, 0);
    CHECK_FAILS(eg_gram_bits(NULL, UINT64_MAX / 2, 1024, bits, NULL, gram, 2), EEGPU_OUT_OF_MEMORY, "can be addressed");
}

EG_SUITE("popcount", {"every shape is counted exactly", every_shape_is_counted_exactly},
         {"many columns are counted exactly", many_columns_are_counted_exactly},
         {"many blocks are counted exactly", many_blocks_are_counted_exactly},
         {"every weighting is counted exactly", every_weighting_is_counted_exactly},
         {"kernels count full tiles", kernels_count_full_tiles},
         {"the first supported kernel is chosen", the_first_supported_kernel_is_chosen},
         {"nothing is an answer too", nothing_is_an_answer_too}, {"the memory limit is kept", the_memory_limit_is_kept})
