/* The three ways of counting integer Gram matrices on the emulated CUDA device (host/backend/cuda/counts.h), each forced by the
 * environment, beside the CPU: every integer must be the same. Shapes lie around panels, tiles and the pieces of a product, weights
 * are none, all alike and of many bit planes. That a way was really taken is seen by the product that fails when it is told to. The
 * kernels by themselves are in emulation/test_kernels_counts.c. */
#include "backend/popcount.h"
#include "device_cases.h"

static const char variable[] = "EEGPU_CUDA_COUNTS", fail[] = "EEGPU_EMULATED_FAIL";
static const char *const ways[] = {"popcount", "int8", "half"};

enum { NO_WEIGHTS, EQUAL_WEIGHTS, SMALL_WEIGHTS, LARGE_WEIGHTS, WEIGHTS };

/* Bits past the last column are set at random too: they must not count. */
typedef struct shape {
    uint64_t rows, columns;
    uint64_t *bits, *weight, *expected;
} shape;

static uint64_t weight_of(int kind, uint64_t *seed)
{
    uint64_t word = random_word(seed);
    return kind == EQUAL_WEIGHTS ? 12 : kind == SMALL_WEIGHTS ? 6 * (word % 8) : word >> 24;
}

static void close_shape(shape *given)
{
    free(given->bits);
    free(given->weight);
    free(given->expected);
}

/* With the CPU's integers; entries above the diagonal are 0. */
static bool open_shape(uint64_t rows, uint64_t columns, int weights, shape *given)
{
    uint64_t seed = 1000 * rows + columns, words = eg_ceil_div(columns, 64);
    *given = (shape){.rows = rows, .columns = columns};
    given->bits = malloc(rows * words * sizeof *given->bits);
    given->expected = calloc(rows * rows, sizeof *given->expected);
    given->weight = malloc(columns * sizeof *given->weight);
    if (given->bits == NULL || given->expected == NULL || given->weight == NULL)
        return EXPECT(false, "no memory");
    for (uint64_t i = 0; i < rows * words; i++)
        given->bits[i] = i / words % 16 == 5 ? UINT64_MAX : random_word(&seed);
    for (uint64_t c = 0; c < columns; c++)
        given->weight[c] = weight_of(weights, &seed);
    if (weights == NO_WEIGHTS) {
        free(given->weight);
        given->weight = NULL;
    }
    return CHECK_OK(eg_gram_bits(NULL, rows, columns, given->bits, given->weight, given->expected, 1));
}

/* The device's integers, 0 above the diagonal; NULL with a status that is not checked. */
static eegpu_status count_on(eg_lane *lane, const shape *given, uint64_t *counts)
{
    const eg_backend *backend = lane->device->backend;
    uint64_t n = given->rows, *buffer = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(backend->allocate(lane, n * n, sizeof *buffer, "counts", &buffer));
    EG_TRY(backend->gram_bits(lane, n, given->columns, given->bits, given->weight, buffer));
    EG_TRY(backend->fetch(lane, buffer, n * n * sizeof *buffer, counts));
    for (uint64_t j = 0; j < n; j++)
        memset(counts + j * n, 0, j * sizeof *counts);
done:
    backend->release(lane, buffer);
    return status;
}

static void check_shape(eg_lane *lane, const char *way, uint64_t rows, uint64_t columns, int weights)
{
    shape given;
    uint64_t *counts = malloc(rows * rows * sizeof *counts);
    setenv(variable, way, 1);
    if (open_shape(rows, columns, weights, &given) && counts != NULL && CHECK_OK(count_on(lane, &given, counts)))
        EXPECT(memcmp(counts, given.expected, rows * rows * sizeof *counts) == 0, "%s, %d x %d, weights %d: other integers", way,
               (int)rows, (int)columns, weights);
    unsetenv(variable);
    close_shape(&given);
    free(counts);
}

static void with_lane(void (*check)(eg_lane *lane))
{
    eg_device *device = NULL;
    eg_lane *lane = NULL;
    if (CHECK_OK(eg_device_open(device_name, &device)) && CHECK_OK(device->backend->open_lane(device, 2, &lane)))
        check(lane);
    if (device != NULL)
        device->backend->close_lane(lane);
    eg_device_close(device);
}

/* A panel has 16 rows, a tile of the kernel 64; of a product 3 or 4 words are summed at once here. "": the device's own choice. */
static void check_shapes(eg_lane *lane)
{
    static const uint64_t rows[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};
    static const uint64_t columns[] = {1, 31, 63, 64, 65, 191, 192, 193, 255, 256, 257, 700};
    for (size_t w = 0; w < COUNT(ways) + 1; w++)
        for (size_t r = 0; r < COUNT(rows); r++)
            for (size_t c = 0; c < COUNT(columns); c++)
                check_shape(lane, w < COUNT(ways) ? ways[w] : "", rows[r], columns[c], (int)((r + c) % WEIGHTS));
}

/* All bits set, and weights of which every plane counts: the largest sums of a piece. */
static void check_weights(eg_lane *lane)
{
    for (size_t w = 0; w < COUNT(ways); w++)
        for (int weights = 0; weights < WEIGHTS; weights++)
            for (uint64_t rows = 5; rows <= 70; rows += 65)
                check_shape(lane, ways[w], rows, 300, weights);
}

static void test_shapes(void) { with_lane(check_shapes); }
static void test_weights(void) { with_lane(check_weights); }

static void test_late_work(void)
{
    setenv("EEGPU_EMULATED_LAZY", "1", 1);
    with_lane(check_weights);
    unsetenv("EEGPU_EMULATED_LAZY");
}

/* ---- Which way it was ---- */

enum { EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 }; /* codes of cuBLAS */

static int products; /* calls of cublasGemmEx in this process so far; the emulation counts them from 1 */

/* Fail the product number `next` from here on, with a code of cuBLAS. */
static void fail_product(int next, int code)
{
    char text[64];
    snprintf(text, sizeof text, "cublasGemmEx:%d:%d", products + next, code);
    setenv(fail, text, 1);
}

/* 40 rows of 300 columns and one plane: products of 4 and 1 words by int8, of 3 and 2 by half. */
static void check_products(eg_lane *lane)
{
    enum { PRODUCTS = 2 };
    uint64_t counts[40 * 40];
    shape given;
    if (!open_shape(40, 300, NO_WEIGHTS, &given))
        return;
    for (size_t w = 0; w < COUNT(ways); w++) {
        setenv(variable, ways[w], 1);
        fail_product(PRODUCTS, EXECUTION_FAILED);
        eegpu_status status = count_on(lane, &given, counts);
        if (w == 0) {
            CHECK_OK(status);
            continue;
        }
        CHECK_FAILS(status, EEGPU_NUMERICS, "cublasGemmEx");
        products += PRODUCTS;
        for (int refused = 1; refused <= PRODUCTS; refused++) { /* what is left goes the other way */
            fail_product(refused, NOT_SUPPORTED);
            EXPECT(CHECK_OK(count_on(lane, &given, counts)) && memcmp(counts, given.expected, sizeof counts) == 0,
                   "%s refused at product %d: other integers", ways[w], refused);
            products += refused;
        }
    }
    unsetenv(fail);
    unsetenv(variable);
    close_shape(&given);
}

static void test_products(void) { with_lane(check_products); }

/* Without room for a product the words are counted. */
static void check_little_memory(eg_lane *lane)
{
    fail_product(1, EXECUTION_FAILED); /* there is none */
    for (size_t w = 0; w < COUNT(ways); w++)
        check_shape(lane, ways[w], 130, 700, SMALL_WEIGHTS);
    unsetenv(fail);
}

static void test_little_memory(void)
{
    setenv("EEGPU_EMULATED_MEMORY", "400000", 1);
    with_lane(check_little_memory);
    unsetenv("EEGPU_EMULATED_MEMORY");
}

static void check_words(eg_lane *lane)
{
    static const char *const wrong[] = {"int", "popcount ", "Half", "1"};
    uint64_t counts[4];
    shape given;
    if (!open_shape(2, 10, NO_WEIGHTS, &given))
        return;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        setenv(variable, wrong[i], 1);
        CHECK_FAILS(count_on(lane, &given, counts), EEGPU_USAGE, "none of popcount, int8, half");
    }
    unsetenv(variable);
    close_shape(&given);
}

static void test_words(void) { with_lane(check_words); }

int main(void)
{
    static const CU_TestInfo tests[] = {{"which way was taken, and a product that is refused", test_products},
                                        {"no room for a product", test_little_memory},
                                        {"every way at sizes around panels, tiles and pieces", test_shapes},
                                        {"weights of one and of many bit planes", test_weights},
                                        {"the same, done late", test_late_work},
                                        {"wrong words in the environment", test_words},
                                        CU_TEST_INFO_NULL};
    int missing = device_is_missing("emulated", "EEGPU_REQUIRE_EMULATION");
    return missing != 0 ? missing : run_suite("emulated counts", tests);
}
