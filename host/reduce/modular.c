/* Rows minus multiples of other rows, modulo a prime: 8 rows x 16 columns at a time, one reduction for up to 128 products. One
 * function an instruction set, one table. Each is exact. Called by rank.c through the table. */
#include "reduce/modular.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

double eg_residue_inverse(const eg_prime_field *field, double x)
{
    int64_t prime = (int64_t)field->prime, a = (int64_t)x % prime, b = prime, of_a = 1, of_b = 0;
    a += a < 0 ? prime : 0;
    while (a > 1) { /* Euclid: a = of_a * x, b = of_b * x modulo the prime */
        int64_t quotient = b / a, rest = b % a, of_rest = of_b - quotient * of_a;
        b = a;
        of_b = of_a;
        a = rest;
        of_a = of_rest;
    }
    return eg_residue(field, (double)of_a);
}

static bool always(void) { return true; }

static void subtract_plain(const eg_prime_field *field, uint64_t rows, uint64_t terms, double *const *row, uint64_t first_term,
                           const double *factor, uint64_t column)
{
    for (uint64_t i = 0; i < rows; i++) {
        const double *left = row[i] + first_term;
        double sum[EG_FIELD_COLUMNS] = {0}, *to = row[i] + column;
        for (uint64_t t = 0; t < terms; t++)
            for (uint64_t j = 0; j < EG_FIELD_COLUMNS; j++)
                sum[j] += left[t] * factor[EG_FIELD_COLUMNS * t + j];
        for (uint64_t j = 0; j < EG_FIELD_COLUMNS; j++)
            to[j] = eg_residue(field, to[j] - sum[j]);
    }
}

#if defined(__x86_64__)

static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void) { return __builtin_cpu_supports("avx512f"); }

/* Rows that are missing repeat row 0 and are not stored. */
#define POINT(i) const double *left##i = row[base + i < rows ? base + i : 0] + first_term;
#define STORE(i)                                       \
    if (base + i < rows) {                             \
        FINISH(row[base + i] + column, low##i)         \
        FINISH(row[base + i] + column + HALF, high##i) \
    }

/* 4 rows x 8 columns in 8 registers. */
#define EACH_OF_4(WHAT) WHAT(0) WHAT(1) WHAT(2) WHAT(3)
#define HALF 4
#define BEGIN(i) __m256d low##i = _mm256_setzero_pd(), high##i = low##i;
#define STEP(i)                                             \
    multiple = _mm256_set1_pd(left##i[t]);                  \
    low##i = _mm256_fmadd_pd(multiple, factor_low, low##i); \
    high##i = _mm256_fmadd_pd(multiple, factor_high, high##i);
#define FINISH(to, sum)                                                                                     \
    {                                                                                                       \
        __m256d x = _mm256_sub_pd(_mm256_loadu_pd(to), sum),                                                \
                quotient = _mm256_sub_pd(_mm256_add_pd(_mm256_mul_pd(x, inverse), to_integer), to_integer); \
        _mm256_storeu_pd(to, _mm256_fnmadd_pd(quotient, prime, x));                                         \
    }

__attribute__((target("avx2,fma"))) static void subtract_avx2(const eg_prime_field *field, uint64_t rows, uint64_t terms,
                                                              double *const *row, uint64_t first_term, const double *factor,
                                                              uint64_t column)
{
    const __m256d prime = _mm256_set1_pd(field->prime), inverse = _mm256_set1_pd(field->inverse),
                  to_integer = _mm256_set1_pd(0x1.8p52);
    for (int half = 0; half < 2; half++, column += 2 * HALF, factor += 2 * HALF)
        for (uint64_t base = 0; base < rows; base += 4) {
            EACH_OF_4(POINT)
            EACH_OF_4(BEGIN)
            for (uint64_t t = 0; t < terms; t++) {
                const double *at = factor + EG_FIELD_COLUMNS * t;
                __m256d multiple, factor_low = _mm256_loadu_pd(at), factor_high = _mm256_loadu_pd(at + HALF);
                EACH_OF_4(STEP)
            }
            EACH_OF_4(STORE)
        }
}
#undef HALF
#undef BEGIN
#undef STEP
#undef FINISH

/* 8 rows x 16 columns in 16 registers. */
#define EACH_OF_8(WHAT) WHAT(0) WHAT(1) WHAT(2) WHAT(3) WHAT(4) WHAT(5) WHAT(6) WHAT(7)
#define HALF 8
#define BEGIN(i) __m512d low##i = _mm512_setzero_pd(), high##i = low##i;
#define STEP(i)                                             \
    multiple = _mm512_set1_pd(left##i[t]);                  \
    low##i = _mm512_fmadd_pd(multiple, factor_low, low##i); \
    high##i = _mm512_fmadd_pd(multiple, factor_high, high##i);
#define FINISH(to, sum)                                                                                     \
    {                                                                                                       \
        __m512d x = _mm512_sub_pd(_mm512_loadu_pd(to), sum),                                                \
                quotient = _mm512_sub_pd(_mm512_add_pd(_mm512_mul_pd(x, inverse), to_integer), to_integer); \
        _mm512_storeu_pd(to, _mm512_fnmadd_pd(quotient, prime, x));                                         \
    }

__attribute__((target("avx512f"))) static void subtract_avx512(const eg_prime_field *field, uint64_t rows, uint64_t terms,
                                                               double *const *row, uint64_t first_term, const double *factor,
                                                               uint64_t column)
{
    const __m512d prime = _mm512_set1_pd(field->prime), inverse = _mm512_set1_pd(field->inverse),
                  to_integer = _mm512_set1_pd(0x1.8p52);
    const uint64_t base = 0;
    EACH_OF_8(POINT)
    EACH_OF_8(BEGIN)
    for (uint64_t t = 0; t < terms; t++) {
        const double *at = factor + EG_FIELD_COLUMNS * t;
        __m512d multiple, factor_low = _mm512_loadu_pd(at), factor_high = _mm512_loadu_pd(at + HALF);
        EACH_OF_8(STEP)
    }
    EACH_OF_8(STORE)
}

#endif

static const eg_modular_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, subtract_avx512},
    {"avx2", has_avx2, subtract_avx2},
#endif
    {"plain", always, subtract_plain},
};

const eg_modular_kernel *eg_modular_kernels(size_t *count)
{
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}

const eg_modular_kernel *eg_modular_best(void)
{
    const eg_modular_kernel *kernel = kernels; /* the last one is always supported */
    while (!kernel->is_supported())
        kernel++;
    return kernel;
}
