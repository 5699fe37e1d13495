/* Eigenvalues of tridiagonal matrices: against counts of sign changes in long double, closed forms, and themselves: the bits are
 * the same whatever is solved beside, and with every instruction set. */
#include "backend/tridiagonal.h"

#include <float.h>
#include <stdbool.h>

#include "check.h"
#include "sources.h"

enum { MOST = 400, TOGETHER = 40 };

typedef struct matrix {
    int n;
    double diagonal[MOST], below[MOST], values[MOST];
    eg_tridiagonal_row rows[MOST];
} matrix;

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static double unit(uint64_t *seed) { return (double)(next(seed) % 2000001) / 1e6 - 1; }

enum { RANDOM, GRADED, CLUSTERED, CONSTANT, LOW_RANK, SPLIT, HUGE_ONES, TINY_ONES, ZERO, KINDS };

/* LOW_RANK: what a Gram matrix of few columns becomes: rows of rounding errors at one end. */
static void fill(int kind, int n, uint64_t seed, matrix *m)
{
    m->n = n;
    for (int i = 0; i < n; i++) {
        double size = kind == GRADED      ? pow(10, -12. * i / n)
                      : kind == LOW_RANK  ? (i < n / 4 ? 1 : 1e-17)
                      : kind == HUGE_ONES ? 1e300
                      : kind == TINY_ONES ? 1e-300
                      : kind == ZERO      ? 0
                                          : 1;
        m->diagonal[i] = kind == CONSTANT ? 2 : kind == CLUSTERED ? 1 + 1e-10 * unit(&seed) : size * (1 + unit(&seed));
        m->below[i] = kind == CONSTANT ? -1 : kind == CLUSTERED ? 1e-9 * unit(&seed) : size * unit(&seed) * 0.7;
        if (kind == SPLIT && next(&seed) % 3 == 0)
            m->below[i] = 0;
    }
}

static size_t solve(const eg_tridiagonal_kernel *kernel, matrix *list, size_t count)
{
    eg_tridiagonal problems[TOGETHER] = {{0}};
    for (size_t i = 0; i < count; i++) {
        memcpy(list[i].values, list[i].diagonal, (size_t)list[i].n * sizeof(double));
        problems[i] = (eg_tridiagonal){list[i].n, list[i].values, list[i].below, list[i].rows};
    }
    return eg_tridiagonal_values(kernel, problems, count);
}

/* How many eigenvalues are below x: negative pivots of T - x (Sylvester). */
static int count_below(const matrix *m, long double x)
{
    int count = 0;
    long double pivot = 1;
    for (int i = 0; i < m->n; i++) {
        long double below = i > 0 ? m->below[i - 1] : 0;
        pivot = m->diagonal[i] - x - (i > 0 ? below / pivot * below : 0);
        if (pivot == 0)
            pivot = -1e-4000L;
        count += pivot < 0;
    }
    return count;
}

static double norm_of(const matrix *m)
{
    double norm = 0;
    for (int i = 0; i < m->n; i++)
        norm = fmax(norm, fabs(m->diagonal[i]) + (i > 0 ? fabs(m->below[i - 1]) : 0) + (i < m->n - 1 ? fabs(m->below[i]) : 0));
    return norm;
}

/* Within a quarter of the error that spectrum/ reckons with, 2 (n + 8) u of the norm. */
static void check_values(const matrix *m, int kind)
{
    long double off = 0.5L * (m->n + 8) * 0x1p-53L * norm_of(m);
    int wrong = 0;
    for (int k = 0; k < m->n; k++) {
        wrong += k > 0 && m->values[k] < m->values[k - 1];
        wrong += count_below(m, m->values[k] - off - LDBL_MIN) > k || count_below(m, m->values[k] + off + LDBL_MIN) < k + 1;
    }
    char what[64];
    snprintf(what, sizeof what, "wrong values, kind %d, n %d", kind, m->n);
    check_equal_at(wrong, 0, what, __FILE__, __LINE__);
}

static const int sizes[] = {1, 2, 3, 4, 7, 16, 33, 100, 257, MOST};

static void values_are_right(void)
{
    matrix *list = calloc(TOGETHER, sizeof *list);
    for (int kind = 0; list != NULL && kind < KINDS; kind++) {
        size_t count = sizeof sizes / sizeof *sizes;
        for (size_t s = 0; s < count; s++)
            fill(kind, sizes[s], 100 * s + (uint64_t)kind, &list[s]);
        CHECK(solve(eg_tridiagonal_best(), list, count) == SIZE_MAX);
        for (size_t s = 0; s < count; s++)
            check_values(&list[s], kind);
    }
    free(list);
}

/* 2 on the diagonal and -1 beside it: 2 - 2 cos(k pi / (n + 1)). */
static void closed_form(void)
{
    matrix *m = calloc(1, sizeof *m);
    for (size_t s = 0; m != NULL && s < sizeof sizes / sizeof *sizes; s++) {
        fill(CONSTANT, sizes[s], 1, m);
        CHECK(solve(eg_tridiagonal_best(), m, 1) == SIZE_MAX);
        for (int k = 0; k < m->n; k++)
            CHECK_NEAR(m->values[k], 2 - 2 * cos((k + 1) * acos(-1.) / (m->n + 1)), 1e-14);
    }
    free(m);
}

/* Alone, among others, and by every set of instructions: the same bits. */
static void bits_do_not_depend_on_others(void)
{
    size_t kernels = 0, count = TOGETHER;
    const eg_tridiagonal_kernel *kernel = eg_tridiagonal_kernels(&kernels);
    matrix *list = calloc(TOGETHER, sizeof *list), *one = calloc(1, sizeof *one);
    for (size_t i = 0; list != NULL && i < count; i++)
        fill((int)(i % KINDS), 1 + (int)(i * 37 % (IS_SANITIZED ? 60 : MOST)), i, &list[i]);
    for (size_t k = 0; list != NULL && one != NULL && k < kernels; k++) {
        int differ = 0;
        if (!kernel[k].is_supported())
            continue;
        CHECK(solve(&kernel[k], list, count) == SIZE_MAX);
        for (size_t i = 0; i < count; i++) {
            *one = list[i];
            CHECK(solve(eg_tridiagonal_best(), one, 1) == SIZE_MAX);
            differ += memcmp(one->values, list[i].values, (size_t)one->n * sizeof(double)) != 0;
        }
        check_equal_at(differ, 0, kernel[k].name, __FILE__, __LINE__);
    }
    free(list);
    free(one);
}

static void what_is_not_finite_is_named(void)
{
    matrix *list = calloc(TOGETHER, sizeof *list);
    for (size_t i = 0; list != NULL && i < 20; i++)
        fill(RANDOM, 30, i, &list[i]);
    if (list != NULL) {
        list[12].diagonal[3] = NAN;
        list[7].below[29] = NAN; /* not part of it */
        list[15].below[28] = INFINITY;
        CHECK_EQUAL(solve(eg_tridiagonal_best(), list, 20), 12);
        CHECK(isnan(list[12].values[29]) && isnan(list[15].values[29]));
        check_values(&list[11], RANDOM);
        check_values(&list[19], RANDOM);
        list[12].diagonal[3] = 0;
        CHECK_EQUAL(solve(eg_tridiagonal_best(), list, 20), 15);
        CHECK(solve(eg_tridiagonal_best(), list, 0) == SIZE_MAX);
    }
    free(list);
}

EG_SUITE("tridiagonal", {"values are right", values_are_right}, {"closed form", closed_form},
         {"bits do not depend on others", bits_do_not_depend_on_others},
         {"what is not finite is named", what_is_not_finite_is_named})
