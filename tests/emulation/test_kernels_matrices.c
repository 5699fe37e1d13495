/* The kernels on Hermitian matrices, against plain loops in the CPU's order of sums: traces and merges bit by bit, invariants
 * exactly for integers. What a kernel may not read is NaN, what it may not write must stay. The same source runs on the emulated
 * device and, as test_gpu_kernels_matrices, on a GPU; without either it is Skipped. */
#include "base/bits.h"
#include "device_arrays.h"
#include "kernels.h"

static double draw_real(void) { return (double)draw(UINT64_C(1) << 52) * 0x1p-50 - 2; }
static double draw_integer(void) { return (double)draw(2001) - 1000; }

/* A lower triangle, NaN above it. */
static double *make_matrix(int unit, uint64_t n, double (*next)(void))
{
    double *matrix = malloc((size_t)unit * n * n * sizeof *matrix);
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = 0; i < n; i++)
            for (int part = 0; part < unit; part++)
                matrix[(uint64_t)unit * (j * n + i) + (uint64_t)part] = i < j ? NAN : next();
    return matrix;
}

/* How many numbers differ in their bits; above the diagonal all must still be NaN. */
static uint64_t count_wrong(int unit, uint64_t n, const double *actual, const double *expected)
{
    uint64_t wrong = 0, numbers = (uint64_t)unit * n * n;
    for (uint64_t k = 0; k < numbers; k++) {
        uint64_t i = k / (uint64_t)unit % n, j = k / (uint64_t)unit / n;
        wrong += i < j ? !isnan(actual[k]) : memcmp(actual + k, expected + k, sizeof *actual) != 0;
    }
    return wrong;
}

/* A matrix on the device to be written: NaN everywhere. */
static double *blank_on_device(int unit, uint64_t n)
{
    size_t bytes = (size_t)unit * n * n * sizeof(double);
    double *blank = malloc(bytes);
    for (uint64_t k = 0; k < (uint64_t)unit * n * n; k++)
        blank[k] = NAN;
    double *matrix = on_device(blank, bytes);
    free(blank);
    return matrix;
}

/* ---- Partial trace ------------------------------------------------------------------------------------------------- */

static void trace_on_host(uint64_t unit, int parent_bits, uint64_t kept, const double *parent, double *child)
{
    uint64_t left = eg_low_mask(parent_bits) & ~kept, n = UINT64_C(1) << parent_bits, terms = UINT64_C(1) << eg_popcount(left);
    uint64_t child_n = UINT64_C(1) << eg_popcount(kept);
    for (uint64_t k = 0; k < unit * child_n * child_n; k++)
        child[k] = 0;
    for (uint64_t t = 0; t < terms; t++)
        for (uint64_t j = 0; j < child_n; j++) {
            const double *column = parent + unit * n * (eg_deposit(j, kept) | eg_deposit(t, left));
            for (uint64_t i = j; i < child_n; i++)
                for (uint64_t part = 0; part < unit; part++)
                    child[unit * (j * child_n + i) + part] += column[unit * (eg_deposit(i, kept) | eg_deposit(t, left)) + part];
        }
}

static void check_trace(bool is_complex, int parent_bits, uint64_t kept, const double *parent, const double *on_gpu)
{
    int unit = is_complex ? 2 : 1;
    uint64_t child_n = UINT64_C(1) << eg_popcount(kept);
    size_t bytes = (size_t)unit * child_n * child_n * sizeof(double);
    double *expected = malloc(bytes), *child = blank_on_device(unit, child_n);
    MUST(eg_launch_partial_trace(is_complex, parent_bits, kept, on_gpu, child, NULL));
    double *result = off_device(child, bytes);
    trace_on_host((uint64_t)unit, parent_bits, kept, parent, expected);
    CHECK_EQUAL(count_wrong(unit, child_n, result, expected), 0);
    free(result);
    free(expected);
}

/* All masks of kept bits that `step` leaves, for one parent. */
static void check_traces(bool is_complex, int parent_bits, uint64_t first, uint64_t step)
{
    uint64_t n = UINT64_C(1) << parent_bits;
    double *parent = make_matrix(is_complex ? 2 : 1, n, draw_real);
    double *on_gpu = on_device(parent, (is_complex ? 2 : 1) * n * n * sizeof *parent);
    for (uint64_t kept = first; kept < n; kept += step)
        check_trace(is_complex, parent_bits, kept, parent, on_gpu);
    MUST(cudaFree(on_gpu));
    free(parent);
}

static void test_small_traces(void)
{
    for (int parent_bits = 0; parent_bits <= 6; parent_bits++) {
        check_traces(false, parent_bits, 0, 1);
        check_traces(true, parent_bits, 0, 1);
    }
}

static void test_large_traces(void)
{
    check_traces(false, 9, 0, 61);
    check_traces(true, 8, 0, 35);
    check_traces(false, 10, 1023 - 16, 16); /* all bits, or all but one: more columns than strips */
}

/* The CPU begins each sum with 0. */
static void test_negative_zero(void)
{
    double zeros[4] = {-0.0, -0.0, NAN, -0.0}, *parent = on_device(zeros, sizeof zeros);
    for (uint64_t kept = 0; kept < 2; kept++)
        check_trace(false, 1, kept, zeros, parent);
    MUST(cudaFree(parent));
}

/* ---- Invariants ---------------------------------------------------------------------------------------------------- */

static void invariants_of(bool is_complex, uint64_t n, const double *matrix, double result[2])
{
    void *on_gpu = on_device(matrix, (is_complex ? 2 : 1) * n * n * sizeof *matrix);
    double *scratch = on_device(NULL, EG_INVARIANT_SCRATCH * sizeof *scratch), *sums = on_device(NULL, 2 * sizeof *sums);
    MUST(eg_launch_invariants(is_complex, n, on_gpu, scratch, sums, NULL));
    double *copy = off_device(sums, 2 * sizeof *sums);
    memcpy(result, copy, 2 * sizeof *copy);
    free(copy);
    MUST(cudaFree(scratch));
    MUST(cudaFree(on_gpu));
}

static void check_invariants(bool is_complex, uint64_t n, bool is_exact)
{
    uint64_t unit = is_complex ? 2 : 1;
    double *matrix = make_matrix((int)unit, n, is_exact ? draw_integer : draw_real), result[2], again[2];
    long double trace = 0, square = 0, size = 0;
    for (uint64_t j = 0; j < n; j++) {
        double *column = matrix + unit * j * n;
        if (is_complex)
            column[2 * j + 1] = NAN; /* to be ignored */
        trace += (long double)column[unit * j];
        size += fabsl((long double)column[unit * j]);
        square += (long double)column[unit * j] * (long double)column[unit * j];
        for (uint64_t k = unit * (j + 1); k < unit * n; k++)
            square += 2 * (long double)column[k] * (long double)column[k];
    }
    invariants_of(is_complex, n, matrix, result);
    invariants_of(is_complex, n, matrix, again);
    CHECK(memcmp(result, again, sizeof result) == 0);
    CHECK_NEAR(result[0], (double)trace, is_exact ? 0 : (double)size * 1e-14);
    CHECK_NEAR(result[1], (double)square, is_exact ? 0 : (double)square * 1e-14);
    free(matrix);
}

static void test_invariants(void)
{
    static const uint64_t sides[] = {1, 2, 3, 31, 32, 33, 100, 256, 257, 258, 300};
    for (size_t k = 0; k < sizeof sides / sizeof sides[0]; k++)
        for (int kind = 0; kind < 4; kind++)
            check_invariants(kind & 1, sides[k], kind & 2);
    check_invariants(false, 1030, true); /* more columns than blocks */
}

/* ---- Merge --------------------------------------------------------------------------------------------------------- */

static void merge_on_host(int unit, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row, const double *weight,
                          double *merged)
{
    for (uint64_t j = 0; j < count; j++)
        for (uint64_t i = j; i < count; i++) {
            uint64_t high = row[i] < row[j] ? row[j] : row[i], low = row[i] < row[j] ? row[i] : row[j];
            const double *from = matrix + (uint64_t)unit * (low * n + high);
            double *to = merged + (uint64_t)unit * (j * count + i), factor = sqrt(weight[i] * weight[j]);
            to[0] = from[0] * factor;
            if (unit == 2)
                to[1] = (row[i] < row[j] ? -from[1] : from[1]) * factor;
        }
}

static void check_merge(bool is_complex, uint64_t n, uint64_t count, const uint32_t *row)
{
    int unit = is_complex ? 2 : 1;
    size_t bytes = (size_t)unit * count * count * sizeof(double);
    double *matrix = make_matrix(unit, n, draw_real), *expected = malloc(bytes), *weight = malloc(count * sizeof *weight);
    for (uint64_t i = 0; i < count; i++)
        weight[i] = draw(4) ? 2 + draw_real() : 1;
    void *on_gpu = on_device(matrix, (size_t)unit * n * n * sizeof *matrix), *rows = on_device(row, count * sizeof *row);
    void *weights = on_device(weight, count * sizeof *weight);
    double *merged = blank_on_device(unit, count);
    MUST(eg_launch_merge(is_complex, n, on_gpu, count, rows, weights, merged, NULL));
    double *result = off_device(merged, bytes);
    merge_on_host(unit, n, matrix, count, row, weight, expected);
    CHECK_EQUAL(count_wrong(unit, count, result, expected), 0);
    MUST(cudaFree(on_gpu));
    MUST(cudaFree(rows));
    MUST(cudaFree(weights));
    free(result);
    free(weight);
    free(expected);
    free(matrix);
}

static void test_merge(void)
{
    static const uint64_t sides[][2] = {{1, 1}, {2, 2}, {5, 3}, {33, 33}, {64, 20}, {300, 257}, {40, 300}};
    for (size_t k = 0; k < sizeof sides / sizeof sides[0]; k++)
        for (int kind = 0; kind < 6; kind++) { /* rows in rising order, in falling order, in any order */
            uint64_t n = sides[k][0], count = sides[k][1];
            uint32_t *row = malloc(count * sizeof *row);
            for (uint64_t i = 0; i < count; i++)
                row[i] = (uint32_t)(kind / 2 == 0 ? i * n / count : kind / 2 == 1 ? (count - 1 - i) * n / count : draw(n));
            check_merge(kind & 1, n, count, row);
            free(row);
        }
    uint32_t same[530] = {0}; /* more columns than strips */
    check_merge(false, 3, 530, same);
}

EG_DEVICE_SUITE("kernels: matrices", {"partial traces, all masks of small ones", test_small_traces},
                {"partial traces, large", test_large_traces}, {"partial trace of -0", test_negative_zero},
                {"trace and norm", test_invariants}, {"merge", test_merge})
