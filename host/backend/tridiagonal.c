/* Eigenvalues of tridiagonal matrices by the rational QL iteration of Pal, Walker and Kahan (Parlett, The Symmetric Eigenvalue
 * Problem, section 8.15; Reinsch, Numerische Mathematik 25, 1975), which is also LAPACK's for values alone. Comes in: matrices;
 * goes out: sorted eigenvalues. Called by lapack.c.
 *
 * A sweep is one long chain of divisions, which keeps a processor waiting. So each lane of a vector holds a matrix of its own; a
 * lane that ends its sweep begins the next one, and one that is done takes the next matrix. All instruction sets give the same
 * bits, as products are not contracted into sums (-ffp-contract=off). */
#include "backend/tridiagonal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = EG_TRIDIAGONAL_LANES, SWEEPS_A_VALUE = 30 };

/* An entry below the diagonal is dropped when its square is at most eps^2 times the product of the diagonal entries beside it, or
 * at most 2^-120 of the norm squared: n of those change no eigenvalue by more than n 2^-59 of the norm. */
static const double negligible_ratio = 0x1p-104, negligible_square = 0x1p-120;

/* One sweep a lane, as far as it has come. */
struct eg_sweeps {
    double c[LANES], s[LANES], gamma[LANES], p[LANES], sigma[LANES];
    double above[LANES];       /* the diagonal entry that was finished last */
    int64_t negligible[LANES]; /* not 0: a new entry below the diagonal is */
    eg_tridiagonal_row *row[LANES];
    int64_t stride[LANES]; /* rows to go back; 0: the lane is empty */
};

/* What a lane works on: block [first, last] of a matrix, of which the values before `low` are found; rows low .. high hang
 * together. */
typedef struct lane {
    const eg_tridiagonal *matrix;
    size_t number;
    int first, last, low, high, exponent;
    int64_t sweeps_left, rows_left;
    bool is_live, look_for_split;
} lane;

static bool always(void) { return true; }

#if defined(__clang__)
#define EG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define EG_UNROLL _Pragma("GCC unroll 8")
#endif

#define WIDTH 2
#define TARGET
#define NAMED(x) plain_##x
#include "backend/tridiagonal_sweep.h"
#undef WIDTH
#undef TARGET
#undef NAMED

#if defined(__x86_64__)

static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static bool has_avx512(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"); }

#define WIDTH 4
#define TARGET __attribute__((target("avx2")))
#define NAMED(x) avx2_##x
#include "backend/tridiagonal_sweep.h"
#undef WIDTH
#undef TARGET
#undef NAMED

#define WIDTH 8
#define TARGET __attribute__((target("avx512f,avx512vl")))
#define NAMED(x) avx512_##x
#include "backend/tridiagonal_sweep.h"
#undef WIDTH
#undef TARGET
#undef NAMED

#endif

/* The same for a lane that is alone: a vector would have nothing to gain, and its loads and stores would be in the way. */
static void advance_alone(eg_sweeps *sweeps, int k, int64_t steps)
{
    double c = sweeps->c[k], s = sweeps->s[k], gamma = sweeps->gamma[k], p = sweeps->p[k], sigma = sweeps->sigma[k];
    double above = sweeps->above[k];
    bool negligible = sweeps->negligible[k] != 0;
    eg_tridiagonal_row *row = sweeps->row[k], *end = row - steps;
    for (; row != end; row--) {
        double alpha = (*row)[0], square = (*row)[1], r = p + square, below = s * r, old_c = c, old_gamma = gamma, ratio = r / p;
        c = p / r;
        s = square / r;
        gamma = c * (alpha - sigma) - s * old_gamma;
        double diagonal = old_gamma + (alpha - gamma), usual = gamma * gamma * ratio, at_zero = old_c * square;
        p = c < DBL_MIN ? at_zero : usual; /* r / p may be infinite then */
        negligible = negligible || below <= fabs(diagonal * above) * negligible_ratio;
        above = diagonal;
        row[1] = (eg_tridiagonal_row){diagonal, below};
    }
    sweeps->c[k] = c;
    sweeps->s[k] = s;
    sweeps->gamma[k] = gamma;
    sweeps->p[k] = p;
    sweeps->above[k] = above;
    sweeps->negligible[k] = negligible;
    sweeps->row[k] = row;
}

static const eg_tridiagonal_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, avx512_advance},
    {"avx2", has_avx2, avx2_advance},
#endif
    {"plain", always, plain_advance},
};

const eg_tridiagonal_kernel *eg_tridiagonal_kernels(size_t *count)
{
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}

const eg_tridiagonal_kernel *eg_tridiagonal_best(void)
{
    const eg_tridiagonal_kernel *kernel = kernels; /* the last one is always supported */
    while (!kernel->is_supported())
        kernel++;
    return kernel;
}

/* ---- One lane between sweeps ---- */

static double *diagonal_of(const lane *l, int row) { return (double *)&l->matrix->rows[row]; }
static double *square_of(const lane *l, int row) { return (double *)&l->matrix->rows[row] + 1; }

/* Rows are scaled so that the norm is about 1: no square overflows. */
static bool is_negligible(const lane *l, int row)
{
    double square = *square_of(l, row);
    return square <= fabs(*diagonal_of(l, row) * *diagonal_of(l, row + 1)) * negligible_ratio || square <= negligible_square;
}

/* The last row that hangs together with `row`, at most `end`; what follows is cut off. */
static int split_after(const lane *l, int row, int end)
{
    while (row < end && !is_negligible(l, row))
        row++;
    *square_of(l, row) = 0;
    return row;
}

/* Turn the block round: values come out best at the end with the small entries. */
static void reverse_block(const lane *l)
{
    for (int i = l->first, j = l->last; i < j; i++, j--) {
        double *a = diagonal_of(l, i), *b = diagonal_of(l, j), swap = *a;
        *a = *b;
        *b = swap;
    }
    for (int i = l->first, j = l->last - 1; i < j; i++, j--) {
        double *a = square_of(l, i), *b = square_of(l, j), swap = *a;
        *a = *b;
        *b = swap;
    }
}

static bool next_block(lane *l)
{
    l->first = l->last + 1;
    if (l->first == l->matrix->n)
        return false;
    l->last = split_after(l, l->first, l->matrix->n - 1);
    l->low = l->first;
    l->look_for_split = true;
    if (fabs(*diagonal_of(l, l->last)) < fabs(*diagonal_of(l, l->first)))
        reverse_block(l);
    return true;
}

/* Both values of two rows; the smaller one from their product, without cancellation. */
static void solve_pair(const lane *l)
{
    double *a = diagonal_of(l, l->low), *c = diagonal_of(l, l->low + 1), *square = square_of(l, l->low);
    double mean = (*a + *c) / 2, half = (*a - *c) / 2, root = sqrt(half * half + *square);
    double large = mean < 0 ? mean - root : mean + root, small = large == 0 ? 0 : *a / large * *c - *square / large;
    *a = small;
    *c = large;
    *square = 0;
}

/* Wilkinson's shift, and the state of a lane before its first row. */
static void begin_sweep(lane *l, eg_sweeps *sweeps, int k)
{
    double root = sqrt(*square_of(l, l->low)), d = *diagonal_of(l, l->low);
    double ratio = (*diagonal_of(l, l->low + 1) - d) / (2 * root), sigma = d - root / (ratio + copysign(hypot(ratio, 1), ratio));
    double gamma = *diagonal_of(l, l->high) - sigma;
    sweeps->c[k] = 1;
    sweeps->s[k] = 0;
    sweeps->gamma[k] = gamma;
    sweeps->p[k] = gamma * gamma;
    sweeps->sigma[k] = sigma;
    sweeps->above[k] = NAN; /* nothing is negligible beside it */
    sweeps->negligible[k] = 0;
    sweeps->row[k] = &l->matrix->rows[l->high - 1];
    sweeps->stride[k] = 1;
    l->rows_left = l->high - l->low;
    l->sweeps_left--;
}

static void end_sweep(lane *l, const eg_sweeps *sweeps, int k)
{
    *square_of(l, l->low) = sweeps->s[k] * sweeps->p[k];
    *diagonal_of(l, l->low) = sweeps->sigma[k] + sweeps->gamma[k];
    l->look_for_split = sweeps->negligible[k] != 0 || is_negligible(l, l->low);
}

/* Take values off until a sweep is needed. False: the matrix is solved, or sweeps_left is 0. */
static bool go_on(lane *l, eg_sweeps *sweeps, int k)
{
    for (;;) {
        if (l->low > l->last && !next_block(l))
            return false;
        if (l->look_for_split)
            l->high = split_after(l, l->low, l->last);
        if (l->high > l->low + 1) {
            if (l->sweeps_left == 0)
                return false;
            begin_sweep(l, sweeps, k);
            return true;
        }
        if (l->high == l->low + 1)
            solve_pair(l);
        l->low = l->high + 1;
        l->look_for_split = true;
    }
}

/* ---- Matrices ---- */

/* Rows of a matrix, scaled by a power of two. False: not finite. */
static bool begin_matrix(const eg_tridiagonal *matrix, size_t number, lane *l)
{
    double largest = 0;
    bool is_finite = true;
    for (int i = 0; i < matrix->n; i++) {
        double below = i < matrix->n - 1 ? fabs(matrix->below[i]) : 0;
        is_finite = is_finite && isfinite(matrix->diagonal[i]) && isfinite(below);
        largest = fmax(largest, fmax(fabs(matrix->diagonal[i]), below));
    }
    *l =
        (lane){.matrix = matrix, .number = number, .last = -1, .sweeps_left = (int64_t)SWEEPS_A_VALUE * matrix->n, .is_live = true};
    if (largest > 0)
        (void)frexp(largest, &l->exponent);
    for (int i = 0; i < matrix->n && is_finite; i++) {
        double below = i < matrix->n - 1 ? ldexp(matrix->below[i], -l->exponent) : 0;
        matrix->rows[i] = (eg_tridiagonal_row){ldexp(matrix->diagonal[i], -l->exponent), below * below};
    }
    return is_finite;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void end_matrix(const lane *l)
{
    const eg_tridiagonal *matrix = l->matrix;
    for (int i = 0; i < matrix->n; i++)
        matrix->diagonal[i] = ldexp(matrix->rows[i][0], l->exponent);
    qsort(matrix->diagonal, (size_t)matrix->n, sizeof *matrix->diagonal, by_value);
}

/* ---- All lanes ---- */

typedef struct work {
    const eg_tridiagonal *matrices;
    size_t count, next, failed;
    lane lanes[LANES];
    eg_sweeps sweeps;
    eg_tridiagonal_row spare[LANES][2];
} work;

/* A lane without a matrix goes through the motions on a row of its own. */
static void empty_lane(work *w, int k)
{
    w->sweeps.c[k] = w->sweeps.p[k] = 1;
    w->sweeps.s[k] = w->sweeps.gamma[k] = w->sweeps.sigma[k] = w->sweeps.above[k] = 0;
    w->sweeps.row[k] = w->spare[k];
    w->sweeps.stride[k] = 0;
}

/* What did not converge shows no values. */
static void note_failure(work *w, const lane *l)
{
    l->matrix->diagonal[l->matrix->n - 1] = NAN;
    w->failed = l->number < w->failed ? l->number : w->failed;
}

/* The lane's next sweep: of its matrix, or of the next one when that is done. */
static void refill(work *w, int k)
{
    lane *l = &w->lanes[k];
    bool is_good = true;
    if (l->is_live)
        end_sweep(l, &w->sweeps, k);
    for (;;) {
        if (!l->is_live && w->next == w->count) {
            empty_lane(w, k);
            return;
        }
        if (!l->is_live) {
            is_good = begin_matrix(&w->matrices[w->next], w->next, l);
            w->next++;
        }
        if (is_good && go_on(l, &w->sweeps, k))
            return;
        if (is_good && l->low > l->last)
            end_matrix(l);
        else
            note_failure(w, l);
        l->is_live = false;
    }
}

size_t eg_tridiagonal_values(const eg_tridiagonal_kernel *kernel, const eg_tridiagonal *matrices, size_t count)
{
    work w = {.matrices = matrices, .count = count, .failed = SIZE_MAX};
    for (;;) {
        int64_t steps = INT64_MAX;
        int live = 0, last = 0;
        for (int k = 0; k < LANES; k++) {
            if (w.lanes[k].rows_left == 0)
                refill(&w, k);
            if (!w.lanes[k].is_live)
                continue;
            live++;
            last = k;
            steps = w.lanes[k].rows_left < steps ? w.lanes[k].rows_left : steps;
        }
        if (live == 0)
            return w.failed;
        if (live == 1)
            advance_alone(&w.sweeps, last, steps);
        else
            kernel->advance(&w.sweeps, steps);
        for (int k = 0; k < LANES; k++)
            w.lanes[k].rows_left -= w.lanes[k].is_live ? steps : 0;
    }
}
