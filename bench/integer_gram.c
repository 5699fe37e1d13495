/* The integer Gram matrix of a random 0/1 function beside the one by dsyrk, on the same matrix and threads: 2^h x 2^h, the half cut
 * of 2h pixels. Compares every entry, then prints both times (best of `repeats`) and their ratio. Usage: bench_integer_gram [h =
 * 13] [threads = all] [repeats = 3] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/popcount.h"
#include "base/bits.h"
#include "base/parallel.h"

/* splitmix64, for an even mix of bits */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t differences(uint64_t n, const uint64_t *integers, const double *doubles)
{
    uint64_t count = 0;
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = j; i < n; i++)
            count += (double)integers[j * n + i] != doubles[j * n + i];
    return count;
}

int main(int argument_count, char **arguments)
{
    int h = argument_count > 1 ? atoi(arguments[1]) : 13, threads = argument_count > 2 ? atoi(arguments[2]) : eg_processor_count();
    int repeats = argument_count > 3 ? atoi(arguments[3]) : 3;
    uint64_t n = UINT64_C(1) << h, words = eg_ceil_div(n, 64), seed = 1;
    uint64_t *bits = malloc(n * words * 8), *integers = malloc(n * n * 8);
    double *matrix = malloc(n * n * 8), *doubles = malloc(n * n * 8), best_integer = 1e300, best_double = 1e300;
    eegpu_blas_info blas;
    eegpu_status status =
        h < 6 || h > 15 || bits == NULL || integers == NULL || matrix == NULL || doubles == NULL ? EEGPU_USAGE : EEGPU_OK;
    if (status != EEGPU_OK || eegpu_blas_describe(&blas) != EEGPU_OK) {
        fprintf(stderr, "usage: bench_integer_gram [h from 6 to 15] [threads] [repeats], with 24 * 4^h bytes free\n");
        return 2;
    }
    for (uint64_t i = 0; i < n * words; i++)
        bits[i] = mix(&seed);
    for (uint64_t c = 0; c < n; c++)
        for (uint64_t r = 0; r < n; r++)
            matrix[c * n + r] = (double)eg_bit(bits + r * words, c);
    eg_device cpu = {.backend = &eg_backend_cpu};
    eg_lane lane = {&cpu, threads};
    for (int k = 0; k < repeats && status == EEGPU_OK; k++) {
        double start = eg_seconds();
        status = eg_gram_bits(NULL, n, n, bits, NULL, integers, threads);
        double middle = eg_seconds();
        if (status == EEGPU_OK)
            status = eg_backend_cpu.gram(&lane, false, (int)n, (int)n, matrix, 0, doubles);
        double end = eg_seconds();
        best_integer = middle - start < best_integer ? middle - start : best_integer;
        best_double = end - middle < best_double ? end - middle : best_double;
    }
    uint64_t wrong = status == EEGPU_OK ? differences(n, integers, doubles) : n * n;
    printf("%llu x %llu random bits, %d threads: popcount (%s) %.3f s, dsyrk (%s) %.3f s, ratio %.1f, %llu entries differ\n",
           (unsigned long long)n, (unsigned long long)n, threads, eg_popcount_kernel_name(), best_integer, blas.kernels,
           best_double, best_double / best_integer, (unsigned long long)wrong);
    free(bits);
    free(integers);
    free(matrix);
    free(doubles);
    return wrong != 0;
}
